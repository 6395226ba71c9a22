# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the topics ask for and offer, and what is said when two sides do not agree."""

from typing import Any

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode, Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_policy_name_from_kind

# A sensor offers its newest readings and repeats none; asked for, this agrees with every publisher there is.
SENSOR = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.VOLATILE)
ANSWER = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE)
# Who comes late still learns the last one.
STATE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TRUTH = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE)


def publisher(node: LifecycleNode, message_type: Any, topic: str, profile: QoSProfile) -> Publisher:
    """Return a lifecycle publisher that says in words when a subscriber asks for more than `profile` offers."""
    def refused(event: Any) -> None:
        node.get_logger().warning(
            f'a subscriber of {topic} asks for a {qos_policy_name_from_kind(event.last_policy_kind)} that is not offered, '
            f'and gets no message: let it ask for {profile.reliability.name.lower()} and '
            f'{profile.durability.name.lower()}, with no deadline')

    return node.create_lifecycle_publisher(
        message_type, topic, profile, event_callbacks=PublisherEventCallbacks(incompatible_qos=refused))
