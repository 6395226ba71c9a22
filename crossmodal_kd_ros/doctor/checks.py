# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is wrong with an input topic, and what to do about it: the first check that finds anything.

Each check takes the node that listened and the monitor of the topic.
"""

import os
import statistics

from rclpy.node import Node
from rclpy.qos import QoSCompatibility, qos_check_compatible

from crossmodal_kd_ros.doctor.finding import Finding, Level, problem
from crossmodal_kd_ros.doctor.monitor import TopicMonitor
from crossmodal_kd_ros.health.reasons import join
from crossmodal_kd_ros.nodes import qos
from crossmodal_kd_ros.nodes.clock import clock_topic
from crossmodal_kd_ros.nodes.maintenance_node import MAX_TIMEOUT_S
from crossmodal_kd_ros.nodes.parameters import QOS_OVERRIDES
from crossmodal_kd_ros.profile import CAMERA, DEFAULT_PROFILE
from crossmodal_kd_ros.runtime.topics import Topic, is_output

# The timeouts of profiles leave room for two and a half periods.
_PERIODS_IN_A_TIMEOUT = 2.5
# No way from a sensor takes longer: the clocks differ.
_MAX_DELAY_S = 2.0
# Nor do the clocks of two machines that run: the stamps are of a recording, or of a simulation.
_MAX_DIFFERENCE_S = 3600.0
# How far International Atomic Time, which PTP keeps, is ahead of a computer's clock.
_TAI_AHEAD_S = 37.0
_REMAPPING = '# a remapping: behind -- of crossmodal-kd run and doctor'


def judge(node: Node, monitor: TopicMonitor, *, has_time: bool) -> Finding:
    """Return what is the matter with a topic, or that all is well.

    Args:
        node: has listened to it.
        monitor: of the topic.
        has_time: the node's clock goes, so that the age of a reading can be known.
    """
    for check in _CHECKS if has_time else _TIMELESS_CHECKS:
        finding = check(node, monitor)
        if finding is not None:
            return finding
    parts = [
        f'{monitor.name}: {1.0 / monitor.period_s:.1f} Hz',
        monitor.size,
        _offers(node, monitor),
    ]
    if monitor.ages_s and has_time:
        parts.append(f'{statistics.median(monitor.ages_s) * 1e3:.0f} ms old')
    return Finding(subject=monitor.sensor, result=', '.join(filter(None, parts)))


def _absent(node: Node, monitor: TopicMonitor) -> Finding | None:
    if node.count_publishers(monitor.name):
        return None
    follows = 'the robot holds' if monitor.sensor == CAMERA else 'it decides without'
    return problem(
        monitor.sensor, f'nobody publishes {monitor.name}: {follows}', _presence(node, monitor)
    )


def _presence(node: Node, monitor: TopicMonitor) -> str:
    """Return what to do about a topic that nobody publishes."""
    twin = monitor.twin
    as_twin = '' if twin is None else monitor.type_remedies[twin.type]
    if twin is not None and node.count_publishers(node.resolve_topic_name(twin.name)):
        return as_twin
    others = _remaps(node, monitor, monitor.topic)
    if others:
        return f'{others}   {_REMAPPING}'
    others = '' if twin is None else _remaps(node, monitor, twin)
    if others:
        return f'{as_twin}, and {others}   {_REMAPPING}'
    if monitor.sensor == CAMERA:
        what = 'start the camera driver'
        # The simulator knows one robot.
        is_simulated = monitor.profile.name == DEFAULT_PROFILE
        play = 'crossmodal-kd run --sim' if is_simulated else 'ros2 bag play a recording of it'
        otherwise = f'without a robot: {play}'
    else:
        what = f'start the driver of {monitor.sensor}'
        otherwise = f'a robot that has no {monitor.sensor} needs a profile without it'
    domain, reach = os.environ.get('ROS_DOMAIN_ID') or '0', ''
    if os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '').upper() == 'LOCALHOST':
        reach = ', on this machine (ROS_AUTOMATIC_DISCOVERY_RANGE is LOCALHOST)'
    return f'{what} in ROS_DOMAIN_ID {domain}{reach}; {otherwise}'


def _remaps(node: Node, monitor: TopicMonitor, topic: Topic) -> str:
    """Return what would let `topic` be another one of its type; empty: there is none."""
    return ' or '.join(
        f'{topic.name}:={name}'
        for name, types in node.get_topic_names_and_types()
        if topic.type in types
        and node.count_publishers(name)
        and not is_output(monitor.profile, name)
    )


def _of_another_type(node: Node, monitor: TopicMonitor) -> Finding | None:
    topic = monitor.topic
    types = {info.topic_type for info in node.get_publishers_info_by_topic(monitor.name)}
    if not types or topic.type in types:
        return None
    remedies = [line for other, line in monitor.type_remedies.items() if other in types]
    return problem(
        monitor.sensor,
        f'{monitor.name} is a {", ".join(sorted(types))}, expected {topic.type}',
        remedies[0] if remedies else f'let the driver publish {topic.type}',
    )


def _incompatible(node: Node, monitor: TopicMonitor) -> Finding | None:
    name, requested = monitor.name, monitor.subscription.qos_profile
    for info in node.get_publishers_info_by_topic(name):
        compatibility, _ = qos_check_compatible(info.qos_profile, requested)
        if compatibility == QoSCompatibility.ERROR:
            policy = (
                'reliability'
                if info.qos_profile.reliability is not requested.reliability
                else 'durability'
            )
            offered, wanted = (
                getattr(profile, policy).name.lower() for profile in (info.qos_profile, requested)
            )
            return problem(
                monitor.sensor,
                f'{name} is offered {offered} by {info.node_name}, and requested {wanted}: '
                'no message comes',
                f'{QOS_OVERRIDES}.{name}.subscription.{policy}: {offered} in the parameter file',
            )
    return None


def _silent(node: Node, monitor: TopicMonitor) -> Finding | None:
    if monitor.received_s:
        return None
    name = monitor.name
    return problem(
        monitor.sensor,
        f'{name} has a publisher and nothing came in {monitor.listened_s:.0f} s',
        f'see what {join(_publishers(node, monitor)) or "its driver"} says',
    )


def _malformed(node: Node, monitor: TopicMonitor) -> Finding | None:
    if not monitor.errors:
        return None
    name = monitor.name
    return problem(
        monitor.sensor,
        f'{len(monitor.errors)} of {len(monitor.received_s)} messages on {name} are refused: '
        f'{monitor.errors[-1]}',
        f'let {join(_publishers(node, monitor))} send what {name} is to hold, or say in the '
        'profile what it sends: docs/extending.md',
    )


def _out_of_time(node: Node, monitor: TopicMonitor) -> Finding | None:
    age_s = statistics.median(monitor.ages_s) if monitor.ages_s else 0.0
    if abs(age_s) < monitor.timeout_s:
        return None
    side = 'before' if age_s > 0.0 else 'after'
    result = (
        f'{monitor.name} is stamped {abs(age_s):.2f} s {side} now, and '
        f'{monitor.timeout_s:.2f} s are allowed'
    )
    remedy = _right_time(node, monitor, age_s)
    spread_s = max(monitor.ages_s) - min(monitor.ages_s)
    if -_MAX_DIFFERENCE_S < age_s < 0.0 and spread_s < monitor.timeout_s:
        return Finding(
            subject=monitor.sensor,
            result=f'{result}; a lead that stays the same is allowed for',
            level=Level.WARNING,
            remedy=remedy,
        )
    return problem(monitor.sensor, result, remedy)


def _right_time(node: Node, monitor: TopicMonitor, age_s: float) -> str:
    """Return what to do about stamps that are of another time than this node's."""
    drivers = join(sorted(set(_publishers(node, monitor))))
    if node.get_clock().ros_time_is_active:
        if abs(statistics.median(monitor.system_ages_s)) < _MAX_DIFFERENCE_S:
            return f'use_sim_time: true for {drivers} too'
        return f'one simulation or one player for {clock_topic(node)} and for {drivers}'
    if node.count_publishers(clock_topic(node)):
        return f'use_sim_time: true in the parameter file: somebody publishes {clock_topic(node)}'
    if abs(age_s) > _MAX_DIFFERENCE_S:
        return (
            'if this is a recording: ros2 bag play --clock 100, and use_sim_time: true in the '
            f'parameter file; if not, set the clock of the machine of {drivers} by NTP'
        )
    if abs(age_s + _TAI_AHEAD_S) < 1.0:
        return f'{drivers} keeps TAI, as PTP does: let it subtract {_TAI_AHEAD_S:.0f} s'
    ntp = f'keep this machine and that of {drivers} at one time by NTP'
    if 0.0 < age_s < _MAX_DELAY_S:
        timeout_s = age_s + _PERIODS_IN_A_TIMEOUT * monitor.period_s
        return (
            f'{ntp}; if they are one machine it is the way that takes so long: '
            f'{monitor.sensor}_timeout_s: {timeout_s:.1f} in the parameter file'
        )
    return ntp


def _too_slow(node: Node, monitor: TopicMonitor) -> Finding | None:
    period_s, timeout_s = monitor.period_s, monitor.timeout_s
    if period_s <= timeout_s:
        return None
    longer_s = _PERIODS_IN_A_TIMEOUT * period_s
    where = f'{monitor.sensor}_timeout_s: {longer_s:.1f} in the parameter file'
    if longer_s > MAX_TIMEOUT_S:
        where = f'timeout_s: {longer_s:.1f} of {monitor.sensor} in the profile'
    return problem(
        monitor.sensor,
        f'{monitor.name} comes at {1.0 / period_s:.2f} Hz, and a reading is stale after '
        f'{timeout_s:.2f} s',
        f'let the driver send at {_PERIODS_IN_A_TIMEOUT / timeout_s:.1f} Hz, or {where}',
    )


def _doubled(node: Node, monitor: TopicMonitor) -> Finding | None:
    publishers = _publishers(node, monitor)
    if len(publishers) < 2:
        return None
    return Finding(
        subject=monitor.sensor,
        result=f'{monitor.name} has {len(publishers)} publishers: {join(publishers)}',
        level=Level.WARNING,
        remedy='end all but one, or remap the topic of the others',
    )


def _publishers(node: Node, monitor: TopicMonitor) -> list[str]:
    """Return the full name of the node of each publisher."""
    return qos.publisher_names(node, monitor.topic)


def _offers(node: Node, monitor: TopicMonitor) -> str:
    infos = node.get_publishers_info_by_topic(monitor.name)
    return ', '.join(
        sorted({info.qos_profile.reliability.name.lower().replace('_', ' ') for info in infos})
    )


_TIMELESS_CHECKS = (_absent, _of_another_type, _incompatible, _silent, _malformed, _doubled)
_CHECKS = (*_TIMELESS_CHECKS[:-1], _out_of_time, _too_slow, _doubled)
