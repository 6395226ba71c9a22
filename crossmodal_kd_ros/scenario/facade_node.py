# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that is facade and robot of a scenario: sensors out, commands of the mission in."""

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from std_msgs.msg import Empty, Header, String

from crossmodal_kd_ros.nodes import conversions
from crossmodal_kd_ros.nodes.clock import Pace
from crossmodal_kd_ros.nodes.managed import ManagedNode, log_failure, run
from crossmodal_kd_ros.nodes.parameters import Parameter
from crossmodal_kd_ros.profile import CAMERA
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.runtime.topics import Topic
from crossmodal_kd_ros.scenario.robot import Event, Robot
from crossmodal_kd_ros.scenario.setting import CONTROLS, ROBOT, SCENARIOS, UNMANNED, Setting
from crossmodal_kd_ros.simulation import FRAME_IDS, RATES_HZ
from crossmodal_kd_ros.simulation.panel import PROFILE

# What happens, as JSON: for who watches and records, not for who decides.
EVENTS = Topic('simulation/events', topics.STRING, 'truth')
PARAMETERS = (
    Parameter(
        name='scenario',
        default=next(iter(SCENARIOS)),
        choices=tuple(SCENARIOS),
        description='What is played.',
    ),
    Parameter(name='seed', default=0, min=0, max=2**31 - 1, description='Of everything.'),
    Parameter(
        name='control',
        default=ROBOT,
        choices=(ROBOT, *(name for name in CONTROLS if name not in UNMANNED)),
        description='Who looks after the facade.',
    ),
    Parameter(
        name='height',
        default=240,
        min=32,
        max=2160,
        description='Height of the pictures, pixels; they are 4:3.',
    ),
    Parameter(
        name='pictures_dir',
        default='',
        description='Folder for pictures of each panel before and after; empty: none are drawn.',
    ),
)
# Every sensor starts this much after activation, so that first readings are ready when due.
_LEAD_S = 0.1
_STEP_S = 0.05
_INPUTS = {
    CAMERA: Topic(PROFILE.camera.topic, topics.IMAGE, 'sensor'),
    **dict(topics.sense_topics(PROFILE)),
}
_OUTPUTS = (*_INPUTS.values(), topics.ROBOT_STATUS, topics.GO_ON, EVENTS)


class FacadeNode(ManagedNode):
    """Each sensor has a thread of its own, and so has the robot's body."""

    def __init__(self, args: Sequence[str]) -> None:
        """Declare the parameters; the rest waits for `on_configure`."""
        super().__init__('facade_node', args, PARAMETERS)
        self._threads: list[threading.Thread] = []
        self._robot: Robot | None = None

    @log_failure
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Draw the facade; create publishers and subscriptions."""
        self._values = values = self.parameter_values()
        self._setting = Setting(
            scenario=SCENARIOS[values['scenario']], seed=values['seed'], control=values['control']
        )
        self.advertise(_OUTPUTS)
        self.listen(topics.MISSION_COMMAND, self._on_command)
        self.listen(topics.REQUEST_HUMAN, self._on_requests)
        self._early: list[Event] = []
        self._made = Robot(self._setting, height_px=values['height'], on_event=self._on_event)
        self._draw('before')
        return super().on_configure(state)

    @log_failure
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start every sensor and the robot at the same instant, which is second 0."""
        super().on_activate(state)
        self._ended = threading.Event()
        self._pace = Pace(self, _LEAD_S)
        self._robot = self._made
        for event in self._early:
            self._publish_event(event)
        self._threads = [
            threading.Thread(target=self._sense, args=(sensor,), name=sensor)
            for sensor in self._setting.sensors
        ]
        self._threads.append(threading.Thread(target=self._move, name='robot'))
        for thread in self._threads:
            thread.start()
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End the threads."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._threads, self._robot = [], None
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release the facade."""
        self._made.close()
        return super().on_cleanup(state)

    def _on_command(self, message: String) -> None:
        if self._robot is not None:
            self._robot.hear(json.loads(message.data), self._pace.now_s())

    def _on_requests(self, message: String) -> None:
        if self._robot is not None:
            self._robot.hear_requests(message.data.splitlines(), self._pace.now_s())

    def _on_event(self, event: Event) -> None:
        if self._robot is None:  # nobody can hear it yet
            self._early.append(event)
        else:
            self._publish_event(event)

    def _publish_event(self, event: Event) -> None:
        self.send(EVENTS, String(data=json.dumps(event)))

    def _move(self) -> None:
        step = 0
        while not self._pace.wait(step * _STEP_S, self._ended):
            t_s = self._pace.now_s()
            for status in self._robot.step(t_s):
                self.send(topics.ROBOT_STATUS, String(data=json.dumps(status)))
            if self._robot.person_has_looked(t_s):
                self.send(topics.GO_ON, Empty())
            if self._robot.is_over:
                self._finish(t_s)
                return
            step = max(step + 1, int(t_s / _STEP_S))

    def _finish(self, t_s: float) -> None:
        self._robot.let_live(t_s)
        self._draw('after')
        self._robot.end(t_s)

    def _sense(self, sensor: str) -> None:
        """Publish what a sensor reads at its rate; what would be late by a period is skipped."""
        rate_hz, index = RATES_HZ[sensor], 0
        while True:
            t_s = index / rate_hz
            messages = self._messages(sensor, t_s)
            if self._pace.wait(t_s, self._ended):
                return
            for message in messages:
                self.send(_INPUTS[sensor], message)
            index = max(index + 1, int(self._pace.now_s() * rate_hz))

    def _messages(self, sensor: str, t_s: float) -> list[Any]:
        make: Callable[[Header, np.ndarray], Any] = conversions.image_message
        if sensor != CAMERA:

            def make(header: Header, reading: np.ndarray) -> Any:
                return conversions.reading_message(header, PROFILE.senses[sensor], reading)

        return [
            make(_header(sensor, delivery.stamp_ns), delivery.value)
            for delivery in self._robot.deliver(sensor, t_s, self._pace.stamp_ns(t_s))
            if delivery.value is not None
        ]

    def _draw(self, when: str) -> None:
        if self._values['pictures_dir']:
            self._made.draw(Path(self._values['pictures_dir']), when)


def _header(sensor: str, stamp_ns: int) -> Header:
    stamp = Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return Header(stamp=stamp, frame_id=FRAME_IDS[sensor])


def main(args: list[str] | None = None) -> int:
    """Run the node; return the exit code of the process."""
    return run(FacadeNode, 'facade_node', args)


if __name__ == '__main__':
    raise SystemExit(main())
