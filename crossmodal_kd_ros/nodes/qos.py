# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the topics ask for and offer, how parameters change it, and what is said when two sides do not agree."""

from collections.abc import Callable
from copy import copy
from typing import Any

from rclpy.lifecycle import LifecycleNode, Publisher
from rclpy.qos import (
    DurabilityPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

from crossmodal_kd_ros.nodes.parameters import QOS_OVERRIDES, QOS_POLICIES

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble's name of it, which Lyrical no longer knows
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

# A sensor offers its newest readings and repeats none; asked for, this agrees with every publisher
# there is.
SENSOR = QoSProfile(
    depth=5, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.VOLATILE
)
ANSWER = QoSProfile(
    depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE
)
# Who comes late still learns the last one.
STATE = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
TRUTH = QoSProfile(
    depth=50, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE
)


def publisher(
    node: LifecycleNode, message_type: Any, topic: str, profile: QoSProfile
) -> Publisher:
    """Return a lifecycle publisher that says in words when a subscriber asks for more than it offers."""
    offered = copy(profile)  # rclpy writes the overrides into it

    def refused(event: Any) -> None:
        node.get_logger().warning(
            f'a subscriber of {topic} asks for a {qos_policy_name_from_kind(event.last_policy_kind)} that is not offered, '
            f'and gets no message: let it ask for {_words(offered)}, with no deadline'
        )

    return node.create_lifecycle_publisher(
        message_type,
        topic,
        offered,
        event_callbacks=PublisherEventCallbacks(incompatible_qos=refused),
        qos_overriding_options=_overriding(),
    )


def subscription(
    node: LifecycleNode,
    message_type: Any,
    topic: str,
    callback: Callable[[Any], None],
    profile: QoSProfile,
) -> Subscription:
    """Return a subscription that says in words when a publisher offers less than it asks for."""
    asked = copy(profile)

    def refused(event: Any) -> None:
        node.get_logger().warning(
            f'a publisher of {topic} does not offer the {qos_policy_name_from_kind(event.last_policy_kind)} that is asked '
            f'for, {_words(asked)}, and none of its messages come: change it, or '
            f'{QOS_OVERRIDES}.{node.resolve_topic_name(topic)}.subscription'
        )

    return node.create_subscription(
        message_type,
        topic,
        callback,
        asked,
        event_callbacks=SubscriptionEventCallbacks(incompatible_qos=refused),
        qos_overriding_options=_overriding(),
    )


def _overriding() -> QoSOverridingOptions:
    return QoSOverridingOptions([QoSPolicyKind[policy.name.upper()] for policy in QOS_POLICIES])


def _words(profile: QoSProfile) -> str:
    return f'{profile.reliability.name.lower()} and {profile.durability.name.lower()}'
