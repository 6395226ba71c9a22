# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which input topics are alive, with which type, quality of service, rate and age.

It listens as the maintenance node would with given ROS arguments, for any profile.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, qos_check_compatible
from rclpy.subscription import Subscription

from crossmodal_kd_ros.doctor.finding import Finding, Level, problem
from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.nodes import maintenance_node, qos
from crossmodal_kd_ros.nodes.parameters import AUTOSTART, QOS_OVERRIDES, declare, read_profile
from crossmodal_kd_ros.profile import CAMERA, Profile
from crossmodal_kd_ros.profile.sources import MESSAGE_TYPES
from crossmodal_kd_ros.runtime.messages import BadMessage, stamp_ns
from crossmodal_kd_ros.runtime.sources import CameraReader, SenseReader
from crossmodal_kd_ros.runtime.topics import IMAGE, Topic, is_output, sense_topics

# It listens as long, and at least so many timeouts: two messages of a module that is too slow.
MIN_LISTEN_S = 5.0
_LISTEN_TIMEOUTS = 2.5
# The timeouts of profiles leave room for two and a half periods.
_PERIODS_IN_A_TIMEOUT = 2.5

# Reads a message that arrived at a time (ns); raises `BadMessage`.
Read = Callable[[Any, int], Any]


@dataclass(kw_only=True)
class TopicMonitor:
    """What one topic of a sensor brings.

    Attributes:
        profile: what the robot has. `sensor`: its camera, or one of its senses.
        topic: as the node subscribes to it. `name`: its whole name.
        read: reads a message.
        timeout_s: age at which a reading is stale, s.
        type_remedies: by another message type, the line that takes it.
        listened_s: for how long.
        subscription: of the topic.
        received_s: when each message arrived, by the monotonic clock.
        ages_s: how old its stamp was then; empty for a type without a header.
        errors: why a message was refused.
        size: what the last picture is, in words.
    """

    profile: Profile
    sensor: str
    topic: Topic
    name: str
    read: Read
    timeout_s: float
    type_remedies: dict[str, str]
    listened_s: float = 0.0
    subscription: Subscription | None = None
    received_s: list[float] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    size: str = ''

    @property
    def period_s(self) -> float:
        """Mean time between messages, s; of a single one, half of the time listened."""
        if len(self.received_s) > 1:
            return (self.received_s[-1] - self.received_s[0]) / (len(self.received_s) - 1)
        return self.listened_s / 2.0

    def keep(self, message: Any, now_ns: int) -> None:
        """Write down when a message arrived, and what is wrong with it."""
        self.received_s.append(time.monotonic())
        try:
            if hasattr(message, 'header'):
                self.ages_s.append((now_ns - stamp_ns(message, now_ns)) / 1e9)
            self.read(message, now_ns)
            if hasattr(message, 'encoding'):
                self.size = f'{message.width}x{message.height} {message.encoding}'
        except BadMessage as error:
            self.errors.append(str(error))


def examine(ros_args: Sequence[str]) -> tuple[list[Finding], dict[str, Any]]:
    """Listen as the maintenance node would with `ros_args`.

    Returns:
        One finding for each topic, and the values of the node's parameters: none where the node
        would refuse them.
    """
    context = Context()
    try:
        context.init(['doctor', '--ros-args', *ros_args])
    except Exception as error:  # noqa: BLE001  rcl and rclpy have no common class
        return [_refused(' '.join(str(error).splitlines()[0].split()))], {}
    # By its name, so that the entries of a parameter file apply; without services, so that nobody
    # takes it for the node.
    node = Node(
        'maintenance_node', context=context, start_parameter_services=False, enable_rosout=False
    )
    node.get_logger().set_level(LoggingSeverity.FATAL)
    try:
        profile = read_profile(node)
        parameters = (*maintenance_node.parameters(profile), AUTOSTART)
        declare(node, parameters)
        values = {each.name: node.get_parameter(each.name).value for each in parameters}
        monitors = _monitors(node, profile, values)
        _listen(node, context, monitors)
        return [_judge(node, each) for each in monitors], values
    except ConfigurationError as error:
        return [_refused(str(error))], {}
    finally:
        node.destroy_node()
        context.shutdown()


def _monitors(node: Node, profile: Profile, values: Mapping[str, Any]) -> list[TopicMonitor]:
    camera = maintenance_node.camera_topic(profile, values['camera_transport'])
    other = 'compressed' if camera.type == IMAGE else 'raw'
    other_type = maintenance_node.camera_topic(profile, other).type
    pictures = CameraReader(camera.type)
    monitors = [
        TopicMonitor(
            profile=profile,
            sensor=CAMERA,
            topic=camera,
            name=node.resolve_topic_name(camera.name),
            read=lambda message, now_ns: pictures.read(message)[1](),
            timeout_s=values['camera_timeout_s'],
            type_remedies={other_type: f'camera_transport: {other} in the parameter file'},
        )
    ]
    readers = {name: SenseReader(sense) for name, sense in profile.senses.items()}
    for sense, topic in sense_topics(profile):
        monitors.append(
            TopicMonitor(
                profile=profile,
                sensor=sense,
                topic=topic,
                name=node.resolve_topic_name(topic.name),
                read=partial(readers[sense].read, topic.name),
                timeout_s=values[f'{sense}_timeout_s'],
                type_remedies={
                    known: f'type: {known} in the source of {topic.name} in the profile'
                    for known in MESSAGE_TYPES
                },
            )
        )
    return monitors


def _listen(node: Node, context: Context, monitors: Sequence[TopicMonitor]) -> None:
    listen_s = max(MIN_LISTEN_S, _LISTEN_TIMEOUTS * max(monitor.timeout_s for monitor in monitors))

    def subscribe(monitor: TopicMonitor) -> Subscription:
        return qos.subscription(
            node,
            monitor.topic,
            lambda message: monitor.keep(message, node.get_clock().now().nanoseconds),
        )

    for monitor in monitors:
        monitor.listened_s, monitor.subscription = listen_s, subscribe(monitor)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    end_s = time.monotonic() + listen_s
    while time.monotonic() < end_s:
        executor.spin_once(timeout_sec=0.1)
    executor.shutdown()


def _refused(why: str) -> Finding:
    return problem('parameters', why, 'docs/parameters.md lists names and values')


def _judge(node: Node, monitor: TopicMonitor) -> Finding:
    for check in (
        _absent,
        _of_another_type,
        _incompatible,
        _silent,
        _malformed,
        _out_of_time,
        _too_slow,
    ):
        finding = check(node, monitor)
        if finding is not None:
            return finding
    parts = [
        f'{monitor.name}: {1.0 / monitor.period_s:.1f} Hz',
        monitor.size,
        _offers(node, monitor),
    ]
    if monitor.ages_s:
        parts.append(f'{statistics.median(monitor.ages_s) * 1e3:.0f} ms old')
    return Finding(subject=monitor.sensor, result=', '.join(filter(None, parts)))


def _absent(node: Node, monitor: TopicMonitor) -> Finding | None:
    topic = monitor.topic
    if node.count_publishers(monitor.name):
        return None
    result = f'nobody publishes {monitor.name}'
    others = [
        name
        for name, types in node.get_topic_names_and_types()
        if topic.type in types
        and node.count_publishers(name)
        and not is_output(monitor.profile, name)
    ]
    remap = f'remap one of these to it: {", ".join(others)}' if others else ''
    if monitor.sensor == CAMERA:
        start = (
            'start the camera driver in this ROS_DOMAIN_ID; '
            'without a robot: crossmodal-kd run --sim'
        )
        return problem(monitor.sensor, f'{result}: the robot holds', remap or start)
    return Finding(
        subject=monitor.sensor,
        result=f'{result}: it decides without',
        level=Level.WARNING,
        remedy=remap,
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
    publishers = ', '.join(info.node_name for info in node.get_publishers_info_by_topic(name))
    return problem(
        monitor.sensor,
        f'{name} has a publisher and nothing came in {monitor.listened_s:.0f} s',
        f'see what {publishers or "its driver"} says',
    )


def _malformed(node: Node, monitor: TopicMonitor) -> Finding | None:
    if not monitor.errors:
        return None
    name = monitor.name
    return problem(
        monitor.sensor,
        f'{len(monitor.errors)} of {len(monitor.received_s)} messages on {name} are refused: '
        f'{monitor.errors[-1]}',
        f'let the driver send what {name} promises',
    )


def _out_of_time(node: Node, monitor: TopicMonitor) -> Finding | None:
    age_s = statistics.median(monitor.ages_s) if monitor.ages_s else 0.0
    if abs(age_s) < monitor.timeout_s:
        return None
    side = 'before' if age_s > 0.0 else 'after'
    return problem(
        monitor.sensor,
        f'{monitor.name} is stamped {abs(age_s):.2f} s {side} now, and '
        f'{monitor.timeout_s:.2f} s are allowed',
        'set the clocks of both machines by NTP; for a recording: use_sim_time: true and a player '
        'that sends /clock',
    )


def _too_slow(node: Node, monitor: TopicMonitor) -> Finding | None:
    period_s, timeout_s = monitor.period_s, monitor.timeout_s
    if period_s <= timeout_s:
        return None
    return problem(
        monitor.sensor,
        f'{monitor.name} comes at {1.0 / period_s:.2f} Hz, and a reading is stale after '
        f'{timeout_s:.2f} s',
        f'let the driver send at {_PERIODS_IN_A_TIMEOUT / timeout_s:.1f} Hz, or '
        f'{monitor.sensor}_timeout_s: {_PERIODS_IN_A_TIMEOUT * period_s:.1f} in the parameter '
        'file',
    )


def _offers(node: Node, monitor: TopicMonitor) -> str:
    infos = node.get_publishers_info_by_topic(monitor.name)
    return ', '.join(
        sorted({info.qos_profile.reliability.name.lower().replace('_', ' ') for info in infos})
    )
