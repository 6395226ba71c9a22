# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Publishes a bag through rclpy, with its time on /clock, where `ros2 bag play` is missing."""

import threading
import time
from collections.abc import Collection, Iterator
from typing import Any

import rclpy
from builtin_interfaces.msg import Time
from rclpy.qos import QoSProfile
from rosbags.interfaces import QosDurability, QosReliability
from rosgraph_msgs.msg import Clock

from crossmodal_kd_ros.bags import Bag, Topic
from crossmodal_kd_ros.nodes import context
from crossmodal_kd_ros.nodes.conversions import message_class
from crossmodal_kd_ros.nodes.qos import qos_profile, rclpy_profile
from crossmodal_kd_ros.runtime.topics import QosPolicies

_DEPTH = 10
_NS_PER_S = 1_000_000_000
# Nobody waits for longer until the next message: a clock was set, or the recorder stood still.
_MAX_PAUSE_NS = 60 * _NS_PER_S


class BagPlayer:
    """A node that publishes the topics of a bag.

    Attributes:
        problems: one sentence for each topic that is not published.
        published: messages so far.
    """

    def __init__(
        self,
        bag: Bag,
        *,
        left_out: Collection[str] = (),
        rate: float = 1.0,
        clock_hz: float = 100.0,
    ) -> None:
        """Create a publisher for each topic, with the QoS that was offered to the recorder.

        Args:
            bag: open for reading.
            left_out: topics not to publish.
            rate: 2 is twice as fast as life.
            clock_hz: how often `/clock` is published.
        """
        context.init()
        self._node = rclpy.create_node(
            'bag_player', enable_rosout=False, start_parameter_services=False
        )
        self._bag, self._rate, self._tick_ns = bag, rate, round(_NS_PER_S / clock_hz)
        self._clock = self._node.create_publisher(Clock, '/clock', qos_profile('sensor', depth=1))
        self.problems: list[str] = []
        self.published = 0
        self._publishers: dict[str, Any] = {}
        for topic in bag.topics.values():
            if topic.name in left_out or topic.name == '/clock':
                self.problems.append(f'{topic.name} is not played')
                continue
            try:
                message_type = message_class(topic.msgtype)
            except (ImportError, AttributeError):
                self.problems.append(
                    f'{topic.name} is not played: {topic.msgtype} is not installed'
                )
                continue
            self._publishers[topic.name] = self._node.create_publisher(
                message_type, topic.name, _offered(topic)
            )

    def play(self, stop: threading.Event) -> None:
        """Publish the bag once; return at its end, or when `stop` is set.

        Longer pauses than a minute are left out, and said.
        """
        start_s, first_ns, before_ns = 0.0, 0, 0
        for name, received_ns, data in self._with_ticks():
            if not first_ns:
                start_s, first_ns, before_ns = time.monotonic(), received_ns, received_ns
            if received_ns - before_ns > _MAX_PAUSE_NS:
                first_ns += received_ns - before_ns
                self._node.get_logger().warning(
                    f'no message for {(received_ns - before_ns) / _NS_PER_S:.0f} s: left out'
                )
            before_ns = received_ns
            due_s = start_s + (received_ns - first_ns) / (_NS_PER_S * self._rate)
            if stop.wait(max(0.0, due_s - time.monotonic())):
                return
            if name:
                self._publishers[name].publish(bytes(data))
                self.published += 1
            else:
                now = Time(sec=received_ns // _NS_PER_S, nanosec=received_ns % _NS_PER_S)
                self._clock.publish(Clock(clock=now))

    def close(self) -> None:
        """Leave the graph."""
        self._node.destroy_node()
        rclpy.shutdown()

    def _with_ticks(self) -> Iterator[tuple[str, int, bytes | memoryview]]:
        """Yield name, time (ns) and bytes of each message; without a name where /clock is due."""
        tick_ns = 0
        # Of no topic at all, `raw` would give the messages of every one.
        messages = self._bag.raw(self._publishers) if self._publishers else ()
        for name, received_ns, data in messages:
            tick_ns = tick_ns or received_ns
            if received_ns - tick_ns > _MAX_PAUSE_NS:
                tick_ns = received_ns
            while tick_ns <= received_ns:
                yield '', tick_ns, b''
                tick_ns += self._tick_ns
            yield name, received_ns, data


def _offered(topic: Topic) -> QoSProfile:
    """Return what every publisher of the topic offered: its subscribers got no less."""
    return rclpy_profile(
        QosPolicies(
            depth=_DEPTH,
            reliable=all(qos.reliability is QosReliability.RELIABLE for qos in topic.qos),
            transient_local=bool(topic.qos)
            and all(qos.durability is QosDurability.TRANSIENT_LOCAL for qos in topic.qos),
        )
    )
