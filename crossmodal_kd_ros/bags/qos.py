# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a publisher offers, as rosbag2 stores it, so that `ros2 bag play` can offer the same."""

from typing import Any

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

_NS_PER_S = 1_000_000_000


def offered_qos(profile: Any) -> Qos:
    """Return an `rclpy.qos.QoSProfile` as rosbags' `Qos`.

    Only its attributes are read, so that bags are written without importing ROS. A policy that
    rosbag2 has no word for is stored as unknown, which is also what discovery reports for history
    and depth.
    """
    return Qos(
        history=_policy(QosHistory, profile.history),
        depth=int(profile.depth),
        reliability=_policy(QosReliability, profile.reliability),
        durability=_policy(QosDurability, profile.durability),
        deadline=_time(profile.deadline),
        lifespan=_time(profile.lifespan),
        liveliness=_policy(QosLiveliness, profile.liveliness),
        liveliness_lease_duration=_time(profile.liveliness_lease_duration),
        avoid_ros_namespace_conventions=bool(profile.avoid_ros_namespace_conventions),
    )


def _policy(policies: Any, value: Any) -> Any:
    return policies.__members__.get(value.name, policies.UNKNOWN)


def _time(duration: Any) -> QosTime:
    return QosTime(*divmod(duration.nanoseconds, _NS_PER_S))
