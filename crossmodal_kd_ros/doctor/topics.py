# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Listens to every input topic that the maintenance node would have under a profile."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.subscription import Subscription

from crossmodal_kd_ros.doctor.checks import judge
from crossmodal_kd_ros.doctor.finding import Finding
from crossmodal_kd_ros.doctor.monitor import TopicMonitor
from crossmodal_kd_ros.health.reasons import Reason
from crossmodal_kd_ros.nodes import maintenance_node, qos
from crossmodal_kd_ros.nodes.clock import ClockWatch
from crossmodal_kd_ros.profile import CAMERA, Profile
from crossmodal_kd_ros.profile.sources import MESSAGE_TYPES
from crossmodal_kd_ros.runtime.sources import CameraReader, SenseReader
from crossmodal_kd_ros.runtime.topics import IMAGE, sense_topics

# It listens as long, and at least so many timeouts: two messages of a module that is too slow.
MIN_LISTEN_S = 5.0
_LISTEN_TIMEOUTS = 2.5
# By a clock that is slower than real time it takes longer, up to so many times.
_MAX_SLOWNESS = 10.0


class Listening:
    """A node that listens to every topic of a profile; not to a camera's that is within the node.

    Attributes:
        clock_faults: why the node's clock does not go on, if so.
        clock_rate: how many seconds of it went by in one of real time.
    """

    def __init__(self, node: Node, profile: Profile, values: Mapping[str, Any]) -> None:
        """Subscribe as the maintenance node would with these values of its parameters."""
        self._node, self._monitors = node, _monitors(node, profile, values)
        for monitor in self._monitors:
            monitor.subscription = self._subscribe(monitor)
        self.clock_faults: tuple[Reason, ...] = ()
        self.clock_rate = 1.0

    def listen(self, context: Context) -> None:
        """Listen for long enough to judge the slowest sensor."""
        timeout_s = max(monitor.timeout_s for monitor in self._monitors)
        listen_s = max(MIN_LISTEN_S, _LISTEN_TIMEOUTS * timeout_s)
        watch, clock = ClockWatch(self._node), self._node.get_clock()
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(self._node)
        start_s = first_s = time.monotonic()
        first_ns = last_ns = 0
        while True:
            executor.spin_once(timeout_sec=0.1)
            self.clock_faults = watch.faults()
            now_s, now_ns = time.monotonic(), clock.now().nanoseconds
            if now_ns < last_ns or not first_ns:  # it began only now, or again
                first_s, first_ns = now_s, now_ns
            last_ns = now_ns
            listened_s, by_clock_s = now_s - start_s, (now_ns - first_ns) / 1e9
            if listened_s >= listen_s and (
                self.clock_faults
                or by_clock_s >= listen_s
                or listened_s >= _MAX_SLOWNESS * listen_s
                or not clock.ros_time_is_active
            ):
                break
        executor.shutdown()
        if clock.ros_time_is_active and by_clock_s:
            self.clock_rate = by_clock_s / (now_s - first_s)
        for monitor in self._monitors:
            monitor.listened_s, monitor.clock_rate = listened_s, self.clock_rate

    def findings(self) -> list[Finding]:
        """Return one finding for each topic."""
        has_time = not self.clock_faults
        return [judge(self._node, monitor, has_time=has_time) for monitor in self._monitors]

    def _subscribe(self, monitor: TopicMonitor) -> Subscription:
        return qos.subscription(
            self._node,
            monitor.topic,
            lambda message: monitor.keep(message, self._node.get_clock().now().nanoseconds),
        )


def _monitors(node: Node, profile: Profile, values: Mapping[str, Any]) -> list[TopicMonitor]:
    # A camera within the node sends nothing that it would listen to.
    monitors = [] if values['camera_source'] else [_camera_monitor(node, profile, values)]
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


def _camera_monitor(node: Node, profile: Profile, values: Mapping[str, Any]) -> TopicMonitor:
    camera = maintenance_node.camera_topic(profile, values['camera_transport'])
    other = 'compressed' if camera.type == IMAGE else 'raw'
    twin = maintenance_node.camera_topic(profile, other)
    pictures = CameraReader(camera.type)
    return TopicMonitor(
        profile=profile,
        sensor=CAMERA,
        topic=camera,
        name=node.resolve_topic_name(camera.name),
        read=lambda message, now_ns: pictures.read(message)[1](),
        timeout_s=values['camera_timeout_s'],
        type_remedies={twin.type: f'camera_transport: {other} in the parameter file'},
        twin=twin,
    )
