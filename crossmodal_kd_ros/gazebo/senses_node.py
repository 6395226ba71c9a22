# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that gives Gazebo's robot the senses Gazebo has not: contacts and poses in, taxels and gas channels out."""

from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from crossmodal_kd_ros.contract import GAS_NAMES
from crossmodal_kd_ros.gazebo import GazeboSenses, Place, locate
from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.nodes.managed import ManagedNode, run
from crossmodal_kd_ros.nodes.parameters import Setting
from crossmodal_kd_ros.simulation import RATES_HZ

try:
    from ros_gz_interfaces.msg import Contacts
except ImportError:  # on PyPI there is none
    Contacts = None

SETTINGS = (
    Setting(
        name='seed',
        default=0,
        low=0,
        high=2**31 - 1,
        description='Seed of the four panels: the one the world was written with.',
    ),
    Setting(
        name='touch_hz',
        default=RATES_HZ['touch'],
        low=0.1,
        high=1000.0,
        description='Touch readings a second.',
    ),
    Setting(
        name='gas_hz',
        default=RATES_HZ['gas'],
        low=0.1,
        high=100.0,
        description='Gas readings a second.',
    ),
    Setting(
        name='pose_timeout_s',
        default=0.5,
        low=0.01,
        high=60.0,
        description='Age at which the newest pose is stale and both senses fall silent, seconds.',
    ),
)

# Gazebo publishes the pose of every link of the arm, one message each, and tells of contacts only
# while there are any.
_LINKS = QoSProfile(
    depth=50, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.VOLATILE
)
_TIP = 'tip'
_CONTACT_AGE_NS = 100_000_000
# Without contacts, the pad counts as touching at this gap: about what the solver lets two faces
# overlap or miss.
_TOUCHING_MM = 0.5


class GazeboSensesNode(ManagedNode):
    """Keeps the newest pose and contact of the tip, and publishes what it feels and smells there."""

    def __init__(self) -> None:
        """Declare the parameters; the rest waits for `configure`."""
        super().__init__('gazebo_senses_node', SETTINGS)

    def configure(self) -> None:
        """Draw the panels and create the publishers."""
        self._senses = GazeboSenses(self.setting('seed'))
        self._touch = qos.publisher(self, Image, 'tactile/image', qos.SENSOR)
        self._gas = qos.publisher(self, JointState, 'gas/state', qos.SENSOR)
        if Contacts is None:
            self.get_logger().warning(
                f'ros_gz_interfaces is not installed: the pad counts as touching within {_TOUCHING_MM} mm of the wall, '
                'whatever Gazebo says of contacts; on a robot: sudo apt install ros-$ROS_DISTRO-ros-gz'
            )

    def activate(self) -> None:
        """Start with no pose, and so with silence."""
        self._place: Place | None = None
        self._place_ns = self._contact_ns = 0
        self._inputs = [
            qos.subscription(self, TransformStamped, 'gazebo/link_pose', self._on_pose, _LINKS)
        ]
        if Contacts is not None:
            self._inputs.append(
                qos.subscription(
                    self, Contacts, 'gazebo/pad_contacts', self._on_contacts, qos.SENSOR
                )
            )
        self._beats = [
            self.create_timer(1.0 / self.setting(f'{sense}_hz'), beat)
            for sense, beat in (('touch', self._feel), ('gas', self._smell))
        ]

    def deactivate(self) -> None:
        """Stop listening and fall silent."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        for timer in self._beats:
            self.destroy_timer(timer)

    def cleanup(self) -> None:
        """Let go of the publishers."""
        for publisher in (self._touch, self._gas):
            self.destroy_lifecycle_publisher(publisher)

    def _on_pose(self, message: TransformStamped) -> None:
        # crossmodal_arm/tip, or with Gazebo's own :: between.
        if message.child_frame_id.replace('::', '/').rpartition('/')[2] != _TIP:
            return
        try:
            self._place_ns = conversions.stamp_ns(message.header)
        except conversions.BadMessage as bad:
            self.get_logger().warning(f'a pose was rejected: {bad}', throttle_duration_sec=5.0)
            return
        at = message.transform.translation
        self._place = locate((at.x, at.y, at.z))

    def _on_contacts(self, message: 'Contacts') -> None:
        if message.contacts:
            self._contact_ns = self._now_ns()

    def _feel(self) -> None:
        place = self._current_place()
        if place is not None:
            reading = self._senses.touch(place, in_contact=self._touching(place))
            self._touch.publish(conversions.touch_message(self._header('tactile_pad'), reading))

    def _smell(self) -> None:
        place = self._current_place()
        if place is not None:
            self._gas.publish(
                conversions.named_values(
                    self._header('gas_hood'), GAS_NAMES, self._senses.gas(place)
                )
            )

    def _touching(self, place: Place) -> bool:
        if Contacts is None:
            return place.gap_mm <= _TOUCHING_MM
        return 0 <= self._now_ns() - self._contact_ns <= _CONTACT_AGE_NS

    def _current_place(self) -> Place | None:
        age_s = (self._now_ns() - self._place_ns) / 1e9
        if self._place is not None and age_s <= self.setting('pose_timeout_s'):
            return self._place
        said = (
            'no pose of the tip yet'
            if self._place is None
            else f'the newest pose of the tip is {age_s:.1f} s old'
        )
        self.get_logger().warning(
            f'{said}, touch and gas are silent: does Gazebo run, and ros_gz_bridge?',
            throttle_duration_sec=5.0,
        )
        return None

    def _header(self, frame_id: str) -> Header:
        return Header(stamp=self.get_clock().now().to_msg(), frame_id=frame_id)

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds


def main(args: list[str] | None = None) -> int:
    """Run the node; return the exit code of the process."""
    return run(GazeboSensesNode, 'gazebo_senses_node', args)


if __name__ == '__main__':
    raise SystemExit(main())
