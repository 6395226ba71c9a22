# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A scenario in one process and one thread, by a clock that stands while somebody thinks.

Pipeline, repair planner and mission are those of the nodes, called as the nodes call them. The
same setting and networks give the same events.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crossmodal_kd_ros.calibration.model import Calibration, load_calibration
from crossmodal_kd_ros.mission import Repair, Rules, load_tree
from crossmodal_kd_ros.profile import CAMERA, HOLD, Mode, ReadingError
from crossmodal_kd_ros.repair import make_planner
from crossmodal_kd_ros.runtime import Answer, Engine, ModeChange, Pipeline, make_engine
from crossmodal_kd_ros.scenario.robot import Event, Robot
from crossmodal_kd_ros.scenario.setting import REPAIRS, UNMANNED, Setting
from crossmodal_kd_ros.simulation import RATES_HZ
from crossmodal_kd_ros.simulation.panel import PROFILE

# Stamps of pictures begin here, nanoseconds: 0 would say that there is no clock.
_START_NS = 1_000_000_000
_BEAT_HZ, _TICK_HZ = 20.0, 10.0
# While the robot is under way nobody waits for an answer: one picture in six gets one, 5 a second.
_UNDER_WAY = 6
_LIMIT_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class Networks:
    """What decides: an engine, and what was measured of its weights."""

    engine: Engine
    calibration: Calibration | None

    @classmethod
    def load(cls, models_dir: Path) -> 'Networks':
        """Return those in a folder; see `make_engine`."""
        return cls(
            engine=make_engine('auto', models_dir, PROFILE),
            calibration=load_calibration(models_dir, PROFILE),
        )


def play(
    setting: Setting,
    networks: Networks | Callable[[Robot], Networks] | None,
    *,
    pictures: Path | None = None,
) -> list[Event]:
    """Return the events of a setting, played to its end.

    Args:
        setting: what is played.
        networks: what decides, or a function that returns it for a robot; `None` where nobody
            decides, or a calendar.
        pictures: folder for pictures of the panels before and after; `None`: none are drawn.
    """
    # Twice the view: a picture is averaged down, and with it its grain, as the node does it.
    robot = Robot(setting, height_px=2 * PROFILE.camera.view_px)
    try:
        if pictures is not None:
            robot.draw(pictures, 'before')
        if setting.control in UNMANNED:
            end_s = 0.0
            for hours in setting.service_hours:
                robot.service(hours)
        else:
            networks = networks(robot) if callable(networks) else networks
            end_s = _Mind(robot, networks, setting.scenario.materials).run()
        robot.let_live(end_s)
        if pictures is not None:
            robot.draw(pictures, 'after')
        robot.end(end_s)
    finally:
        robot.close()
    return robot.events


class _Mind:
    """What decides: a pipeline, a planner and a mission, all by one clock."""

    def __init__(self, robot: Robot, networks: Networks, materials: Collection[str]) -> None:
        self._robot = robot
        self._pipeline = Pipeline(
            networks.engine, calibration=networks.calibration, on_mode=self._on_mode
        )
        self._planner = make_planner(PROFILE, networks.calibration, materials=materials)
        rules = Rules(repairs=REPAIRS, hold=HOLD)
        self._mission = load_tree().Mission(rules, send=self._send, ask=self._ask)
        self._t_s = 0.0

    def run(self) -> float:
        """Play until there is no next place; return when, seconds."""
        # What is due first, in this order at one time.
        tasks = {sensor: (RATES_HZ[sensor], partial(self._sense, sensor)) for sensor in RATES_HZ}
        tasks |= {'beat': (_BEAT_HZ, self._beat), 'mission': (_TICK_HZ, self._tick)}
        counts = dict.fromkeys(tasks, 0)
        while not self._robot.is_over and self._t_s < _LIMIT_S:
            name = min(tasks, key=lambda each: counts[each] / tasks[each][0])
            rate_hz, do = tasks[name]
            self._t_s = counts[name] / rate_hz
            counts[name] += 1
            do()
        return self._t_s

    @property
    def _now_ns(self) -> int:
        return _START_NS + round(self._t_s * 1e9)

    def _sense(self, sensor: str) -> None:
        now_ns = self._now_ns
        if sensor != CAMERA:
            for delivery in self._robot.deliver(sensor, self._t_s, now_ns):
                self._pipeline.put(sensor, delivery.stamp_ns, delivery.value, now_ns=now_ns)
            return
        index = round(self._t_s * RATES_HZ[CAMERA])
        is_read = not self._mission.memory.under_way or index % _UNDER_WAY == 0
        for delivery in self._robot.deliver(sensor, self._t_s, now_ns, is_read=is_read):
            picture = _cut_short if delivery.value is None else delivery.value
            self._pipeline.put_image(delivery.stamp_ns, picture, now_ns=now_ns)
            answer = self._pipeline.step(now_ns) if is_read else None
            if answer is not None:
                self._hear(answer)

    def _hear(self, answer: Answer) -> None:
        estimate, memory = answer.estimate, self._mission.memory
        best = PROFILE.actions[int(answer.probabilities.argmax())]
        memory.hear_answer(estimate.stamp_ns, best, self._t_s, possible=estimate.possible)
        memory.hear_action(estimate.action)
        if memory.under_way:  # a repair is done by the numbers of a picture taken after that
            return
        command = self._planner.plan(answer)
        if command is None:
            return
        values = command.named_values(PROFILE)
        path_m, _ = command.poses(PROFILE.camera.view_mm)
        memory.hear_repair(
            command.action,
            Repair(
                stamp_ns=estimate.stamp_ns,
                request_human=command.request_human,
                values={
                    name: value
                    for name, value in values.items()
                    if name not in ('action', 'request_human')
                },
                path_m=tuple(map(tuple, path_m.tolist())),
                reason=command.reason,
            ),
        )

    def _beat(self) -> None:
        if self._pipeline.update(self._now_ns) is Mode.HOLD:
            self._mission.memory.hear_action(HOLD)

    def _tick(self) -> None:
        for status in self._robot.step(self._t_s):
            self._mission.memory.hear_status(
                status['goal'], status['state'], '', status.get('visit', '')
            )
        if self._robot.person_has_looked(self._t_s):
            self._mission.memory.hear_person()
        self._mission.tick(self._t_s)

    def _on_mode(self, change: ModeChange) -> None:
        self._mission.memory.hear_mode(str(change.mode))
        self._robot.note_mode(self._t_s, str(change.mode), change.reason)

    def _send(self, command: dict) -> None:
        self._robot.hear(command, self._t_s)

    def _ask(self, requests: Sequence[str]) -> None:
        self._robot.hear_requests(requests, self._t_s)


def _cut_short() -> None:
    raise ReadingError('the picture is cut short')
