# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every fault of every sensor at three severities: what is noticed, when, and at what price."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.benchmark.fault_stream import MemoEngine, Player, Reading, fault_stream
from crossmodal_kd_ros.calibration.model import HOLD_COST, Calibration, load_calibration
from crossmodal_kd_ros.profile import CAMERA, HOLD, Mode, Profile
from crossmodal_kd_ros.runtime import ENGINES, decide_with, make_engine
from crossmodal_kd_ros.simulation import Fault, FaultSchedule, kinds_of

SEVERITIES = (0.25, 0.5, 1.0)
# Healthy at first, so that the sensor's own noise and rate are known; then broken over two dozen
# panels of 5 s.
ONSET_S, BROKEN_S = 25.0, 120.0
# A fault that costs an unguarded teacher more than this is harmful.
HARM = 0.01
# What a hold costs, in wrong actions: all that a wrong one does, half of it (as the confidence
# limits reckon), or nothing.
HOLD_COSTS = {'as a wrong action': 1.0, 'half a wrong action': HOLD_COST, 'nothing': 0.0}
_STREAM_SEED = 501
_PICTURES = 5  # from beat to beat: 30 Hz
_BATCH = 64
# What an unguarded teacher is fed at a beat: the picture, and a reading of each sense.
Inputs = tuple[np.ndarray, Mapping[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One fault of one sensor at one severity.

    Accuracies are parts (0 to 1) of the beats from the onset of the fault on that a picture came
    to, the same for everybody: how often what was done is what the expert does. A hold is never
    right. They are 0 where no picture ever came.

    Attributes:
        sensor, fault, severity: what was broken.
        mode: who decided most of the time once it was noticed; all the time if it never was.
        delay_s: from the onset until the sensor was not trusted; `None`: it was trusted
            throughout.
        reason: why it was not.
        changes: how often the mode changed from the onset on, holds for lack of confidence apart.
        unanswerable: part of the beats to which no picture came that could be decoded: nobody
            answers there.
        held: part of the others at which the package held.
        accuracy_package: of the package.
        accuracy_decided: of the package where it decided; `None`: it held throughout.
        accuracy_raw: of the teacher fed the bad sensor as it is, messages paired by their stamps.
        accuracy_zeros: of the teacher fed zeros in place of the sensor.
        accuracy_healthy: of the teacher with the sensor as it was before it broke.
        accuracy_fallback: of whoever decides best without the sensor, told at once which one is
            broken; for the camera that is the one with zeros.
    """

    sensor: str
    fault: str
    severity: float
    mode: str
    delay_s: float | None
    reason: str
    changes: int
    unanswerable: float
    held: float
    accuracy_package: float
    accuracy_decided: float | None
    accuracy_raw: float
    accuracy_zeros: float
    accuracy_healthy: float
    accuracy_fallback: float

    @property
    def harmful(self) -> bool:
        """Whether the fault would have cost an unguarded teacher anything."""
        return self.cost > HARM

    @property
    def cost(self) -> float:
        """What the fault costs an unguarded teacher."""
        return self.accuracy_healthy - self.accuracy_raw

    def saved(self, hold_cost: float = 1.0) -> float:
        """Return what of it the package does not lose; a hold loses `hold_cost` of an action."""
        return self.accuracy_package + (1.0 - hold_cost) * self.held - self.accuracy_raw

    def shortfall(self, hold_cost: float = 1.0) -> float:
        """Return how far the package lies below the better of both unguarded teachers."""
        return (
            max(self.accuracy_raw, self.accuracy_zeros) - self.accuracy_raw - self.saved(hold_cost)
        )


def cells(profile: Profile) -> list[tuple[str, str, float]]:
    """Return every (sensor, fault, severity)."""
    return [
        (sensor, kind, severity)
        for sensor in profile.sensors
        for kind in kinds_of(sensor, profile)
        for severity in SEVERITIES
    ]


class Bench:
    """The networks, one stream, and what an unguarded teacher says when nothing is broken."""

    def __init__(
        self,
        models_dir: Path,
        profile: Profile,
        *,
        onset_s: float = ONSET_S,
        broken_s: float = BROKEN_S,
    ) -> None:
        """Record the stream.

        Args:
            models_dir: both weight files and their calibration.
            profile: of the simulated robot.
            onset_s, broken_s: how long the stream is healthy, and how long broken.

        Raises:
            WeightsError, CalibrationError: the models cannot be used.
        """
        self.profile = profile
        self.calibration: Calibration | None = load_calibration(models_dir, profile)
        self.engine = MemoEngine(make_engine(ENGINES[0], models_dir, profile))
        self.onset_s = onset_s
        self.stream: list[Reading] = list(
            fault_stream(_STREAM_SEED, onset_s + broken_s, profile, pictures=_PICTURES)
        )
        for reading in self.stream:
            if reading.sensor == CAMERA:
                self.engine.keep(reading.value)
        self._inputs, self._expert = self._unguarded()
        self._healthy = self._right(self._inputs)
        self._zeros = {
            sensor: self._right(_with_zeros(sensor, self._inputs)) for sensor in profile.sensors
        }
        self._fallback = {sense: self._without(sense) for sense in profile.senses}

    def run(self, sensor: str, kind: str, severity: float) -> Cell:
        """Break `sensor` and see what the package makes of it."""
        fault = Fault(sensor, self.onset_s, 1e6, kind, severity)
        player = Player(self.engine, self.calibration, FaultSchedule((fault,)))
        inputs, actions, modes, has_picture = [], [], [], []
        delay_s, reason, changes, mode, action = None, '', 0, None, HOLD
        # Pictures that had arrived by the last beat, and by the last answer, which was given on
        # `newest`.
        pictures, answered, newest = 0, 0, None
        for reading in self.stream:
            estimate = player.play(reading)
            decision = player.pipeline.decision
            before, mode = mode, decision.mode
            # Unguarded teachers too answer a picture when it comes, by what has come until then.
            arrived = len(player.arrived[CAMERA])
            if arrived > answered and (reading.expert >= 0 or player.answers_all):
                answered, newest = arrived, self._newest(player)
            if reading.t_s < self.onset_s:
                pictures = arrived
                continue
            changes += mode is not before
            if delay_s is None and sensor in decision.lost:
                delay_s, reason = round(reading.t_s - self.onset_s, 2), decision.reason
                modes.clear()
            # Where the newest picture could not be used, what was done goes on until the mode says
            # otherwise.
            if estimate is not None:
                action = estimate.action
            elif mode is Mode.HOLD:
                action = HOLD
            if reading.expert < 0:
                continue
            actions.append(action)
            has_picture.append(arrived > pictures)
            pictures = arrived
            modes.append(mode)
            inputs.append(newest)
        usable, acted = np.array(has_picture), np.array([action != HOLD for action in actions])
        zeros = (
            self._right(_with_zeros(sensor, inputs)) if player.answers_all else self._zeros[sensor]
        )
        right = np.array(
            [
                action == self.profile.actions[expert]
                for action, expert in zip(actions, self._expert, strict=True)
            ]
        )
        return Cell(
            sensor=sensor,
            fault=kind,
            severity=severity,
            mode=str(Counter(modes).most_common(1)[0][0]),
            delay_s=delay_s,
            reason=reason,
            changes=changes,
            unanswerable=_share(~usable),
            held=_share(~acted[usable], 1.0),
            accuracy_package=_share(right[usable]),
            accuracy_decided=_share(right[usable & acted], None),
            accuracy_raw=_share(self._right(inputs)[usable]),
            accuracy_zeros=_share(zeros[usable]),
            accuracy_healthy=_share(self._healthy[usable]),
            accuracy_fallback=_share(self._fallback.get(sensor, zeros)[usable]),
        )

    def _unguarded(self) -> tuple[list[Inputs], np.ndarray]:
        """Return what a teacher is fed at each beat from the onset on, and what is right."""
        player = Player(self.engine, None, FaultSchedule())
        inputs, expert = [], []
        for reading in self.stream:
            player.play(reading)
            if reading.expert >= 0 and reading.t_s >= self.onset_s:
                inputs.append(self._newest(player))
                expert.append(reading.expert)
        return inputs, np.array(expert)

    def _newest(self, player: Player) -> Inputs:
        """Return what a node without any guard feeds its teacher: what pairs with the picture."""
        stamp_ns, image = player.arrived[CAMERA][-1]
        readings = {}
        for name, sense in self.profile.senses.items():
            reading = player.paired(stamp_ns, name)
            readings[name] = np.zeros(sense.size, np.float32) if reading is None else reading
        return image, readings

    def _without(self, lost: str) -> np.ndarray:
        """Return at which beats whoever decides best without the sense `lost` is right."""
        usable = tuple(sensor for sensor in self.profile.sensors if sensor != lost)
        chosen = []
        for views, readings in self._batches(self._inputs):
            seen = self.engine.perceive(views)
            probabilities = decide_with(
                self.engine, self.calibration, usable, views, readings, seen
            )
            chosen.append(probabilities.argmax(1))
        return np.concatenate(chosen) == self._expert

    def _right(self, inputs: list[Inputs]) -> np.ndarray:
        """Return at which beats the teacher, fed `inputs`, is right. NaN is class 0."""
        chosen = []
        for views, readings in self._batches(inputs):
            present = {sense: np.ones(len(views), bool) for sense in readings}
            chosen.append(self.engine.decide(views, readings, present).argmax(1))
        return np.concatenate(chosen) == self._expert

    def _batches(self, inputs: list[Inputs]) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        for start in range(0, len(inputs), _BATCH):
            images, readings = zip(*inputs[start : start + _BATCH])
            yield (
                np.stack(images),
                {
                    sense: np.stack([row[sense] for row in readings])
                    for sense in self.profile.senses
                },
            )


def healthy_operation(
    models_dir: Path, profile: Profile, seed: int, minutes: float
) -> dict[str, Any]:
    """Return what the package does while nothing is broken.

    Returns:
        `hours`; `changes` of who is trusted to decide, each false (second, mode, reason); `beats`
        of the camera, how many of them were `held` and `right`, and in how many stretches `holds`
        they were held. A hold for lack of confidence is no change of who is trusted.
    """
    player = Player(
        make_engine(ENGINES[0], models_dir, profile),
        load_calibration(models_dir, profile),
        FaultSchedule(),
    )
    counts = {
        'hours': minutes / 60.0,
        'changes': [],
        'beats': 0,
        'held': 0,
        'holds': 0,
        'right': 0,
    }
    decision, holding = None, False
    for reading in fault_stream(seed, 60.0 * minutes, profile):
        estimate = player.play(reading)
        for arrived in player.arrived.values():
            arrived.clear()
        before, decision = decision, player.pipeline.decision
        # The first readings come one after the other: until the last of them is there nobody can
        # be the teacher.
        started = before is not None and (counts['beats'] > 0 or before.mode is Mode.TEACHER)
        if started and (before.mode, before.lost) != (decision.mode, decision.lost):
            counts['changes'].append(
                {
                    'second': round(reading.t_s, 1),
                    'mode': str(decision.mode),
                    'reason': decision.reason,
                }
            )
        if reading.expert >= 0:
            action = HOLD if estimate is None else estimate.action
            counts['beats'] += 1
            counts['held'] += action == HOLD
            counts['holds'] += action == HOLD and not holding
            counts['right'] += action == profile.actions[reading.expert]
            holding = action == HOLD
    return counts


def summarise(
    measured: list[Cell], controls: list[dict[str, Any]], profile: Profile
) -> dict[str, Any]:
    """Return the cells, `judged` for groups of sensors, and the figures of the controls."""
    total = {
        name: sum(control[name] for control in controls)
        for name in ('hours', 'beats', 'held', 'holds', 'right')
    }
    return {
        'cells': [dataclasses.asdict(cell) | {'harmful': cell.harmful} for cell in measured],
        'harmful_cells': sum(cell.harmful for cell in measured),
        'judged': {
            name: judged([cell for cell in measured if cell.sensor in sensors])
            for name, sensors in {
                'all': profile.sensors,
                'senses': tuple(profile.senses),
                **{sensor: (sensor,) for sensor in profile.sensors},
            }.items()
        },
        'controls': {
            'hours': total['hours'],
            'false_mode_changes': [
                change for control in controls for change in control['changes']
            ],
            'holds': total['holds'],
            'held': _part(total['held'], total['beats']),
            'accuracy': _part(total['right'], total['beats']),
            'accuracy_decided': _part(total['right'], total['beats'] - total['held']),
        },
    }


def judged(measured: list[Cell]) -> dict[str, Any]:
    """Return what the package is worth over `measured`.

    Returns:
        `harmful` and `noticed` of them, how many; `recovered`: which part of what the harmful
        faults cost an unguarded teacher the package does not lose, by `HOLD_COSTS`; `recoverable`:
        the same of a fallback that is told at once what is broken; `worst_shortfall` of any cell,
        by `HOLD_COSTS`. `None` where there is nothing to measure.
    """
    harmful = [cell for cell in measured if cell.harmful]
    cost = sum(cell.cost for cell in harmful)
    return {
        'harmful': len(harmful),
        'noticed': sum(cell.delay_s is not None for cell in harmful),
        'recovered': {
            name: _part(sum(cell.saved(price) for cell in harmful), cost)
            for name, price in HOLD_COSTS.items()
        },
        'recoverable': _part(
            sum(max(cell.accuracy_fallback - cell.accuracy_raw, 0.0) for cell in harmful), cost
        ),
        'worst_shortfall': {
            name: round(max((cell.shortfall(price) for cell in measured), default=0.0), 4)
            for name, price in HOLD_COSTS.items()
        },
    }


def _with_zeros(sensor: str, inputs: list[Inputs]) -> list[Inputs]:
    if sensor == CAMERA:
        return [(np.zeros_like(image), readings) for image, readings in inputs]
    return [
        (image, {**readings, sensor: np.zeros_like(readings[sensor])})
        for image, readings in inputs
    ]


def _part(count: float, total: float) -> float | None:
    return round(count / total, 4) if total > 0.0 else None


def _share(right: np.ndarray, of_none: float | None = 0.0) -> float | None:
    return round(float(np.mean(right)), 4) if right.size else of_none
