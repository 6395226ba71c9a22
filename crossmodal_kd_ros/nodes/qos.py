# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Publishers and subscriptions of topics: their quality of service, and who disagrees with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rclpy.lifecycle import LifecycleNode, Publisher
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

from crossmodal_kd_ros.nodes.conversions import message_class
from crossmodal_kd_ros.nodes.parameters import QOS_OVERRIDES, QOS_POLICIES
from crossmodal_kd_ros.runtime.topics import QOS, QosKind, QosPolicies, Topic

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble's name of it, which Lyrical no longer knows
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks


def qos_profile(kind: QosKind, *, depth: int | None = None) -> QoSProfile:
    """Return a new rclpy profile of a kind of topic, with another queue if `depth` is given."""
    return rclpy_profile(QOS[kind] if depth is None else replace(QOS[kind], depth=depth))


def rclpy_profile(policies: QosPolicies) -> QoSProfile:
    """Return what a publisher offers as a new rclpy profile."""
    return QoSProfile(
        depth=policies.depth,
        reliability=ReliabilityPolicy.RELIABLE
        if policies.reliable
        else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL
        if policies.transient_local
        else DurabilityPolicy.VOLATILE,
    )


def publisher(node: LifecycleNode, topic: Topic) -> Publisher:
    """Return a lifecycle publisher that warns of a subscriber that requests what it lacks."""
    offered = qos_profile(topic.qos)  # rclpy writes the overrides into it

    def warn(event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        node.get_logger().warning(
            f'a subscriber of {topic.name} asks for a {policy} that is not offered, and gets no '
            f'message: let it ask for {_words(offered)}, with no deadline'
        )

    return node.create_lifecycle_publisher(
        message_class(topic.type),
        topic.name,
        offered,
        event_callbacks=PublisherEventCallbacks(incompatible_qos=warn),
        qos_overriding_options=_overriding(),
    )


def subscription(
    node: Node, topic: Topic, callback: Callable[[Any], None], *, depth: int | None = None
) -> Subscription:
    """Return a subscription that warns of a publisher that offers less than it requests.

    Args:
        node: who listens.
        topic: what to.
        callback: called with each message.
        depth: length of the queue, if not that of the topic's kind.
    """
    requested = qos_profile(topic.qos, depth=depth)

    def warn(event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        node.get_logger().warning(
            f'a publisher of {topic.name} does not offer the {policy} that is requested, '
            f'{_words(requested)}, and none of its messages come: change it, or '
            f'{QOS_OVERRIDES}.{node.resolve_topic_name(topic.name)}.subscription'
        )

    return node.create_subscription(
        message_class(topic.type),
        topic.name,
        callback,
        requested,
        event_callbacks=SubscriptionEventCallbacks(incompatible_qos=warn),
        qos_overriding_options=_overriding(),
    )


def publisher_names(node: Node, topic: Topic) -> list[str]:
    """Return the full name of the node of each publisher of a topic, those of `node` too."""
    return sorted(
        f'{info.node_namespace.rstrip("/")}/{info.node_name}'
        for info in node.get_publishers_info_by_topic(topic.name)
    )


def _overriding() -> QoSOverridingOptions:
    return QoSOverridingOptions([QoSPolicyKind[policy.name.upper()] for policy in QOS_POLICIES])


def _words(profile: QoSProfile) -> str:
    return f'{profile.reliability.name.lower()} and {profile.durability.name.lower()}'
