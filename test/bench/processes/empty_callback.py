# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The least that a node can do: take the same messages, and answer each picture at once."""

import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String


class EmptyCallback(Node):
    """Answers "STAMP_NS PAD_MESSAGES"; see `sensors.py`."""

    def __init__(self) -> None:
        """Subscribe to camera, pad and gas."""
        super().__init__('empty_callback')
        self._pads = 0
        self._answers = self.create_publisher(String, 'maintenance/action', 10)
        qos = qos_profile_sensor_data
        self.create_subscription(Image, 'camera/image_raw', self._on_image, qos)
        self.create_subscription(Image, 'tactile/image', self._on_touch, qos)
        self.create_subscription(JointState, 'gas/state', lambda message: None, qos)

    def _on_image(self, message: Image) -> None:
        stamp = message.header.stamp
        self._answers.publish(String(data=f'{stamp.sec * 10**9 + stamp.nanosec} {self._pads}'))

    def _on_touch(self, message: Image) -> None:
        self._pads += 1


if __name__ == '__main__':
    rclpy.init()
    try:
        rclpy.spin(EmptyCallback())
    except KeyboardInterrupt:
        pass
