# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which input topics are alive, with which type, quality of service, rate and age, for a node with given ROS arguments."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, qos_check_compatible
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image

from crossmodal_kd_ros.doctor.finding import Finding, Level
from crossmodal_kd_ros.nodes import conversions, maintenance_node, qos
from crossmodal_kd_ros.nodes.parameters import AUTOSTART, QOS_OVERRIDES, Refusal, declare

# Long enough for two messages of a gas module that is four times too slow.
LISTEN_S = 5.0
# The timeouts of the package leave room for two and a half periods.
_PERIODS_IN_A_TIMEOUT = 2.5


@dataclass(kw_only=True)
class Input:
    """What was heard on one topic.

    Attributes:
        sensor: `camera`, `touch` or `gas`.
        topic: whole name.
        expected_type: such as `sensor_msgs/msg/Image`.
        other_types: for each other type that a parameter chooses, the line that chooses it.
        timeout_s: age at which a reading is stale, seconds.
        asked: the subscription.
        came_s: when each message came, by the monotonic clock.
        ages_s: how old its stamp was then.
        faults: why a message was refused.
        last: what the last message holds, in words.
    """

    sensor: str
    topic: str
    expected_type: str
    other_types: dict[str, str]
    timeout_s: float
    asked: Subscription | None = None
    came_s: list[float] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    last: str = ''


def examine(
    ros_args: Sequence[str], *, listen_s: float = LISTEN_S
) -> tuple[list[Finding], dict[str, Any]]:
    """Listen as the maintenance node would with `ros_args`; return what was found, and the node's parameters.

    The parameters are empty where the node would refuse them.
    """
    context = Context()
    try:
        context.init(['doctor', '--ros-args', *ros_args])
    except Exception as error:  # noqa: BLE001  rcl's and rclpy's exceptions for bad arguments have no common class.
        return [_refused(' '.join(str(error).splitlines()[0].split()))], {}
    # By its name, so that the entries of a parameter file apply; without services, so that nobody
    # takes it for the node.
    node = Node(
        'maintenance_node', context=context, start_parameter_services=False, enable_rosout=False
    )
    node.get_logger().set_level(LoggingSeverity.FATAL)
    try:
        settings = (*maintenance_node.SETTINGS, AUTOSTART)
        declare(node, settings)
        inputs = _listen(node, context, listen_s)
        return [_judge(node, heard) for heard in inputs], {
            setting.name: node.get_parameter(setting.name).value for setting in settings
        }
    except Refusal as refusal:
        return [_refused(str(refusal))], {}
    finally:
        node.destroy_node()
        context.shutdown()


def _refused(why: str) -> Finding:
    return Finding(
        about='parameters',
        told=why,
        level=Level.PROBLEM,
        remedy='docs/parameters.md lists names and values',
    )


def _listen(node: Node, context: Context, listen_s: float) -> list[Input]:
    inputs = []
    for sensor, (parameter, kinds) in maintenance_node.INPUTS.items():
        chosen = node.get_parameter(parameter).value
        message_type, topic, read = kinds[chosen]
        heard = Input(
            sensor=sensor,
            topic=node.resolve_topic_name(topic),
            expected_type=_type_name(message_type),
            other_types={
                _type_name(kind): f'{parameter}: {name}'
                for name, (kind, *_) in kinds.items()
                if name != chosen
            },
            timeout_s=node.get_parameter(f'{sensor}_timeout_s').value,
        )
        heard.asked = qos.subscription(
            node, message_type, topic, _ear(node, heard, read), qos.SENSOR
        )
        inputs.append(heard)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    end_s = time.monotonic() + listen_s
    while time.monotonic() < end_s:
        executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    return inputs


def _ear(node: Node, heard: Input, read: Callable[[Any], Any]) -> Callable[[Any], None]:
    def came(message: Any) -> None:
        heard.came_s.append(time.monotonic())
        try:
            if hasattr(message, 'header'):
                now_ns = node.get_clock().now().nanoseconds
                heard.ages_s.append((now_ns - conversions.stamp_ns(message.header)) / 1e9)
            reading = read(message)
            if callable(reading):
                reading()
            if isinstance(message, Image):
                heard.last = f'{message.width}x{message.height} {message.encoding}'
        except conversions.BadMessage as bad:
            heard.faults.append(str(bad))

    return came


def _judge(node: Node, heard: Input) -> Finding:
    for check in (
        _absent,
        _of_another_type,
        _incompatible,
        _silent,
        _malformed,
        _out_of_time,
        _too_slow,
    ):
        finding = check(node, heard)
        if finding is not None:
            return finding
    age = f', {statistics.median(heard.ages_s) * 1e3:.0f} ms old' if heard.ages_s else ''
    return Finding(
        about=heard.sensor,
        told=', '.join(
            filter(
                None,
                [
                    f'{heard.topic}: {1.0 / _period_s(heard):.1f} Hz',
                    heard.last,
                    _offers(node, heard),
                ],
            )
        )
        + age,
    )


def _absent(node: Node, heard: Input) -> Finding | None:
    if node.count_publishers(heard.topic):
        return None
    told = f'nobody publishes {heard.topic}'
    others = [
        name
        for name, types in node.get_topic_names_and_types()
        if heard.expected_type in types
        and node.count_publishers(name)
        and '/maintenance/' not in name
    ]
    remap = f'remap one of these to it: {", ".join(others)}' if others else ''
    if heard.sensor == 'camera':
        return Finding(
            about=heard.sensor,
            told=f'{told}: the robot holds',
            level=Level.PROBLEM,
            remedy=(
                remap
                or 'start the camera driver in this ROS_DOMAIN_ID; without a robot: crossmodal-kd run --sim'
            ),
        )
    return Finding(
        about=heard.sensor, told=f'{told}: it decides without', level=Level.WARNING, remedy=remap
    )


def _of_another_type(node: Node, heard: Input) -> Finding | None:
    types = {info.topic_type for info in node.get_publishers_info_by_topic(heard.topic)}
    if not types or heard.expected_type in types:
        return None
    found = ', '.join(sorted(types))
    return Finding(
        about=heard.sensor,
        told=f'{heard.topic} is a {found}, expected {heard.expected_type}',
        level=Level.PROBLEM,
        remedy=next(
            (
                f'{line} in the parameter file'
                for kind, line in heard.other_types.items()
                if kind in types
            ),
            f'let the driver publish {heard.expected_type}',
        ),
    )


def _incompatible(node: Node, heard: Input) -> Finding | None:
    asked = heard.asked.qos_profile
    for info in node.get_publishers_info_by_topic(heard.topic):
        compatibility, _ = qos_check_compatible(info.qos_profile, asked)
        if compatibility == QoSCompatibility.ERROR:
            policy = (
                'reliability'
                if info.qos_profile.reliability is not asked.reliability
                else 'durability'
            )
            offered, wanted = (
                getattr(profile, policy).name.lower() for profile in (info.qos_profile, asked)
            )
            return Finding(
                about=heard.sensor,
                level=Level.PROBLEM,
                told=(
                    f'{heard.topic} is offered {offered} by {info.node_name}, and asked for {wanted}: no message comes'
                ),
                remedy=f'{QOS_OVERRIDES}.{heard.topic}.subscription.{policy}: {offered} in the parameter file',
            )
    return None


def _silent(node: Node, heard: Input) -> Finding | None:
    if heard.came_s:
        return None
    publishers = ', '.join(
        info.node_name for info in node.get_publishers_info_by_topic(heard.topic)
    )
    return Finding(
        about=heard.sensor,
        told=f'{heard.topic} has a publisher and nothing came in {LISTEN_S:.0f} s',
        level=Level.PROBLEM,
        remedy=f'see what {publishers or "its driver"} says',
    )


def _malformed(node: Node, heard: Input) -> Finding | None:
    if not heard.faults:
        return None
    return Finding(
        about=heard.sensor,
        level=Level.PROBLEM,
        remedy=f'let the driver send what {heard.topic} promises',
        told=(
            f'{len(heard.faults)} of {len(heard.came_s)} messages on {heard.topic} are refused: {heard.faults[-1]}'
        ),
    )


def _out_of_time(node: Node, heard: Input) -> Finding | None:
    age_s = statistics.median(heard.ages_s) if heard.ages_s else 0.0
    if abs(age_s) < heard.timeout_s:
        return None
    where = 'before' if age_s > 0.0 else 'after'
    return Finding(
        about=heard.sensor,
        level=Level.PROBLEM,
        told=(
            f'{heard.topic} is stamped {abs(age_s):.2f} s {where} now, and {heard.timeout_s:.2f} s are allowed'
        ),
        remedy='set the clocks of both machines by NTP; for a recording: use_sim_time: true and a player that sends /clock',
    )


def _too_slow(node: Node, heard: Input) -> Finding | None:
    period_s = _period_s(heard)
    if period_s <= heard.timeout_s:
        return None
    return Finding(
        about=heard.sensor,
        level=Level.PROBLEM,
        told=(
            f'{heard.topic} comes at {1.0 / period_s:.2f} Hz, and a reading is stale after {heard.timeout_s:.2f} s'
        ),
        remedy=(
            f'let the driver send at {_PERIODS_IN_A_TIMEOUT / heard.timeout_s:.1f} Hz, or {heard.sensor}_timeout_s: '
            f'{_PERIODS_IN_A_TIMEOUT * period_s:.1f} in the parameter file'
        ),
    )


def _period_s(heard: Input) -> float:
    """Return the mean time between messages; of a single message, the time for which no other came."""
    if len(heard.came_s) > 1:
        return (heard.came_s[-1] - heard.came_s[0]) / (len(heard.came_s) - 1)
    return LISTEN_S / 2.0


def _offers(node: Node, heard: Input) -> str:
    return ', '.join(
        sorted(
            {
                info.qos_profile.reliability.name.lower().replace('_', ' ')
                for info in node.get_publishers_info_by_topic(heard.topic)
            }
        )
    )


def _type_name(message_type: Any) -> str:
    return f'{message_type.__module__.split(".")[0]}/msg/{message_type.__name__}'
