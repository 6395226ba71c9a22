# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that gives Gazebo's robot the senses Gazebo has not: poses in, readings out."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from std_msgs.msg import Header

from crossmodal_kd_ros.gazebo import GazeboSenses, Place, locate
from crossmodal_kd_ros.nodes import conversions
from crossmodal_kd_ros.nodes.managed import ManagedNode, log_failure, run
from crossmodal_kd_ros.nodes.parameters import Parameter
from crossmodal_kd_ros.nodes.simulator_node import SENSE_RATES
from crossmodal_kd_ros.runtime.messages import BadMessage, stamp_ns
from crossmodal_kd_ros.runtime.topics import Topic, sense_topics
from crossmodal_kd_ros.simulation import FRAME_IDS, PROFILE

try:
    from ros_gz_interfaces.msg import Contacts
except ImportError:  # on PyPI there is none
    Contacts = None

PARAMETERS = (
    Parameter(
        name='seed',
        default=0,
        min=0,
        max=2**31 - 1,
        description='Seed of the four panels: the one the world was written with.',
    ),
    *SENSE_RATES,
    Parameter(
        name='pose_timeout_s',
        default=0.5,
        min=0.01,
        max=60.0,
        description='Age at which the newest pose is stale and both senses fall silent, seconds.',
    ),
)

_POSES = Topic('gazebo/link_pose', 'geometry_msgs/msg/TransformStamped', 'sensor')
# Gazebo publishes the pose of every link of the arm, one message each.
_POSES_DEPTH = 50
_OUTPUTS = dict(sense_topics(PROFILE))
# Gazebo publishes contacts only while there are any.
_CONTACTS = Topic('gazebo/pad_contacts', 'ros_gz_interfaces/msg/Contacts', 'sensor')
_TIP = 'tip'
_CONTACT_AGE_NS = 100_000_000
# Without contacts, the pad counts as touching at this gap: about what the solver lets two faces
# overlap or miss.
_TOUCHING_MM = 0.5


class GazeboSensesNode(ManagedNode):
    """Keeps the newest pose and contact of the tip, and publishes the readings there."""

    def __init__(self, args: Sequence[str]) -> None:
        """Declare the parameters; the rest waits for `on_configure`."""
        super().__init__('gazebo_senses_node', args, PARAMETERS)

    @log_failure
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Draw the panels; create publishers and subscriptions."""
        self._values = self.parameter_values()
        self._senses = GazeboSenses(self._values['seed'])
        self.advertise(_OUTPUTS.values())
        self.listen(_POSES, self._on_pose, depth=_POSES_DEPTH)
        if Contacts is not None:
            self.listen(_CONTACTS, self._on_contacts)
        else:
            self.get_logger().warning(
                f'ros_gz_interfaces is not installed: the pad counts as touching within '
                f'{_TOUCHING_MM} mm of the wall, whatever Gazebo says of contacts; on a robot: '
                'sudo apt install ros-$ROS_DISTRO-ros-gz'
            )
        return super().on_configure(state)

    @log_failure
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start without a pose: both senses are silent until one comes."""
        super().on_activate(state)
        self._place: Place | None = None
        self._place_ns = self._contact_ns = 0
        for sense, read in (('touch', self._touch), ('gas', self._senses.gas)):
            publish = partial(self._publish, sense, read)
            self.every(1.0 / self._values[f'{sense}_hz'], publish, clock=self.get_clock())
        return TransitionCallbackReturn.SUCCESS

    def _on_pose(self, message: TransformStamped) -> None:
        # crossmodal_arm/tip, or with Gazebo's own :: between.
        if message.child_frame_id.replace('::', '/').rpartition('/')[2] != _TIP:
            return
        now_ns = self._now_ns()
        try:
            self._place_ns = stamp_ns(message, now_ns)
        except BadMessage as error:
            self.get_logger().warning(f'a pose was rejected: {error}', throttle_duration_sec=5.0)
            return
        at = message.transform.translation
        self._place = locate((at.x, at.y, at.z))

    def _on_contacts(self, message: 'Contacts') -> None:
        if message.contacts:
            self._contact_ns = self._now_ns()

    def _publish(self, sense: str, read: Callable[[Place], np.ndarray]) -> None:
        place = self._current_place()
        if place is None:
            return
        reading = read(place)
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=FRAME_IDS[sense])
        message = conversions.reading_message(header, PROFILE.senses[sense], reading)
        self.send(_OUTPUTS[sense], message)

    def _touch(self, place: Place) -> np.ndarray:
        if Contacts is None:
            in_contact = place.gap_mm <= _TOUCHING_MM
        else:
            in_contact = 0 <= self._now_ns() - self._contact_ns <= _CONTACT_AGE_NS
        return self._senses.touch(place, in_contact=in_contact)

    def _current_place(self) -> Place | None:
        age_s = (self._now_ns() - self._place_ns) / 1e9
        if self._place is not None and age_s <= self._values['pose_timeout_s']:
            return self._place
        reason = (
            'no pose of the tip yet'
            if self._place is None
            else f'the newest pose of the tip is {age_s:.1f} s old'
        )
        self.get_logger().warning(
            f'{reason}, touch and gas are silent: does Gazebo run, and ros_gz_bridge?',
            throttle_duration_sec=5.0,
        )
        return None

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds


def main(args: list[str] | None = None) -> int:
    """Run the node; return the exit code of the process."""
    return run(GazeboSensesNode, 'gazebo_senses_node', args)


if __name__ == '__main__':
    raise SystemExit(main())
