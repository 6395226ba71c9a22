# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which ROS message types a sense can come from, and which numbers each of them holds."""

from typing import Literal, get_args

MessageType = Literal[
    'sensor_msgs/msg/Image',
    'sensor_msgs/msg/JointState',
    'sensor_msgs/msg/Imu',
    'sensor_msgs/msg/Temperature',
    'sensor_msgs/msg/RelativeHumidity',
    'sensor_msgs/msg/FluidPressure',
    'sensor_msgs/msg/Range',
    'sensor_msgs/msg/LaserScan',
    'sensor_msgs/msg/PointCloud2',
    'geometry_msgs/msg/WrenchStamped',
    'std_msgs/msg/Float32',
    'std_msgs/msg/Float64',
    'std_msgs/msg/Float32MultiArray',
    'olfaction_msgs/msg/GasSensor',
    'olfaction_msgs/msg/GasSensorArray',
]
MESSAGE_TYPES: tuple[str, ...] = get_args(MessageType)

# Message fields of which a source takes one, the default first.
FIELDS = {'sensor_msgs/msg/JointState': ('position', 'velocity', 'effort')}

# The keys of message types whose numbers have fixed names; the message of a type with one key is
# that number.
KEYS = {
    'sensor_msgs/msg/Imu': (
        *(f'linear_acceleration.{axis}' for axis in 'xyz'),
        *(f'angular_velocity.{axis}' for axis in 'xyz'),
        *(f'orientation.{axis}' for axis in 'xyzw'),
    ),
    'sensor_msgs/msg/Temperature': ('temperature',),
    'sensor_msgs/msg/RelativeHumidity': ('relative_humidity',),
    'sensor_msgs/msg/FluidPressure': ('fluid_pressure',),
    'sensor_msgs/msg/Range': ('range',),
    'sensor_msgs/msg/LaserScan': ('ranges', 'intensities'),
    'geometry_msgs/msg/WrenchStamped': (
        *(f'force.{axis}' for axis in 'xyz'),
        *(f'torque.{axis}' for axis in 'xyz'),
    ),
    'std_msgs/msg/Float32': ('data',),
    'std_msgs/msg/Float64': ('data',),
    'olfaction_msgs/msg/GasSensor': ('raw',),
}
# Types whose numbers have places: the key is the channel's place in the sense unless set.
NUMBERED = (
    'std_msgs/msg/Float32MultiArray',
    'olfaction_msgs/msg/GasSensorArray',
    'sensor_msgs/msg/Image',
)
# What a key is where it is no fixed name: a place, a name, or one of them for a whole topic.
KEY_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(NUMBERED, (int,)),
    'sensor_msgs/msg/JointState': (str, int),
    'sensor_msgs/msg/PointCloud2': (str,),
}
KIND_WORDS = {int: 'a place (0, 1, ...)', str: 'a name'}
# Types that hold every element of a grid; of the others one message is one number a channel.
GRID_TYPES = (
    'sensor_msgs/msg/Image',
    'sensor_msgs/msg/JointState',
    'sensor_msgs/msg/LaserScan',
    'sensor_msgs/msg/PointCloud2',
    'std_msgs/msg/Float32MultiArray',
)

# What a maintenance node publishes beside the estimates: see runtime.topics.
OUTPUTS = (
    'maintenance/action',
    'maintenance/action_scores',
    'maintenance/surface_state',
    'maintenance/repair_command',
    'maintenance/repair_path',
    'maintenance/repair_reason',
    'maintenance/mode',
    'maintenance/mode_reason',
    'maintenance/overlay',
    '/diagnostics',
)
