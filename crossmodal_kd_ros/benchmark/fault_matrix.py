# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every fault of every sensor, at three severities, against the runtime of the node: who notices, how late, at what price."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crossmodal_kd_ros.benchmark.fault_stream import MemoEngine, Player, Reading, readings
from crossmodal_kd_ros.contract import ACTIONS, HOLD, NUM_GAS, NUM_TAXELS, SENSORS, Mode, Sample
from crossmodal_kd_ros.networks import Teacher, load_teacher
from crossmodal_kd_ros.runtime import HOLD_COST, Calibration, load_calibration
from crossmodal_kd_ros.runtime.torch_engine import TorchEngine
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
_TAPE_SEED = 501
_PICTURES = 5  # from beat to beat: 30 Hz
_BATCH = 64


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
        """Return what the package does not lose of it; a hold loses `hold_cost` of a wrong action."""
        return self.accuracy_package + (1.0 - hold_cost) * self.held - self.accuracy_raw

    def shortfall(self, hold_cost: float = 1.0) -> float:
        """Return how far the package lies below the better of both unguarded teachers; negative: above."""
        return (
            max(self.accuracy_raw, self.accuracy_zeros) - self.accuracy_raw - self.saved(hold_cost)
        )


def cells() -> list[tuple[str, str, float]]:
    """Return every (sensor, fault, severity)."""
    return [
        (sensor, kind, severity)
        for sensor in SENSORS
        for kind in kinds_of(sensor)
        for severity in SEVERITIES
    ]


class Bench:
    """The networks, one tape, and what an unguarded teacher says of it when nothing is broken."""

    def __init__(
        self, models_dir: Path, *, onset_s: float = ONSET_S, broken_s: float = BROKEN_S
    ) -> None:
        """Record the tape.

        Args:
            models_dir: both weight files and their calibration.
            onset_s, broken_s: how long the tape is healthy, and how long broken.

        Raises:
            WeightsError, CalibrationError: the models cannot be used.
        """
        torch.set_num_threads(1)
        self.calibration: Calibration | None = load_calibration(models_dir)
        self.teacher: Teacher = load_teacher(models_dir / 'teacher.safetensors')
        self.engine = MemoEngine(TorchEngine(models_dir))
        self.onset_s = onset_s
        self.tape: list[Reading] = list(
            readings(_TAPE_SEED, onset_s + broken_s, pictures=_PICTURES)
        )
        self.engine.pictures = {
            id(reading.value) for reading in self.tape if reading.sensor == 'camera'
        }
        self._inputs, self._expert = self._unguarded()
        self._healthy = self._right(self._inputs)
        self._zeros = {
            sensor: self._right(_with_zeros(sensor, self._inputs)) for sensor in SENSORS
        }
        self._fallback = {sensor: self._without(sensor) for sensor in ('touch', 'gas')}

    def run(self, sensor: str, kind: str, severity: float) -> Cell:
        """Break `sensor` and see what the package makes of it."""
        fault = Fault(sensor, self.onset_s, 1e6, kind, severity)
        player = Player(self.engine, self.calibration, FaultSchedule((fault,)))
        inputs, said, modes, came = [], [], [], []
        delay_s, reason, changes, mode, doing = None, '', 0, None, HOLD
        # arrived by the last beat, and by the last answer, which was given on that
        pictures, answered, asked = 0, 0, None
        for reading in self.tape:
            estimate = player.play(reading)
            before, mode = mode, player.pipeline.decision.mode
            # Unguarded teachers too answer a picture when it comes, by what has come until then.
            arrived = len(player.arrived['camera'])
            if arrived > answered and (reading.expert >= 0 or player.answers_all):
                answered, asked = arrived, _newest(player)
            if reading.t_s < self.onset_s:
                pictures = arrived
                continue
            changes += mode is not before
            if delay_s is None and sensor in player.pipeline.decision.lost:
                delay_s, reason = (
                    round(reading.t_s - self.onset_s, 2),
                    player.pipeline.decision.reason,
                )
                modes.clear()
            # Where the newest picture could not be used, what was done goes on until the mode says
            # otherwise.
            doing = (
                estimate.action if estimate is not None else HOLD if mode is Mode.HOLD else doing
            )
            if reading.expert < 0:
                continue
            said.append(doing)
            came.append(arrived > pictures)
            pictures = arrived
            modes.append(mode)
            inputs.append(asked)
        came, acted = np.array(came), np.array([action != HOLD for action in said])
        zeros = (
            self._right(_with_zeros(sensor, inputs)) if player.answers_all else self._zeros[sensor]
        )
        right = np.array(
            [action == ACTIONS[expert] for action, expert in zip(said, self._expert, strict=True)]
        )
        return Cell(
            sensor=sensor,
            fault=kind,
            severity=severity,
            mode=str(Counter(modes).most_common(1)[0][0]),
            delay_s=delay_s,
            reason=reason,
            changes=changes,
            unanswerable=_share(~came),
            held=_share(~acted[came], 1.0),
            accuracy_package=_share(right[came]),
            accuracy_decided=_share(right[came & acted], None),
            accuracy_raw=_share(self._right(inputs)[came]),
            accuracy_zeros=_share(zeros[came]),
            accuracy_healthy=_share(self._healthy[came]),
            accuracy_fallback=_share(self._fallback.get(sensor, zeros)[came]),
        )

    def _unguarded(self) -> tuple[list[tuple], np.ndarray]:
        """Return what a teacher is fed at each beat from the onset on when nothing is broken, and the expert's actions."""
        player = Player(self.engine, None, FaultSchedule())
        inputs, expert = [], []
        for reading in self.tape:
            player.play(reading)
            if reading.expert >= 0 and reading.t_s >= self.onset_s:
                inputs.append(_newest(player))
                expert.append(reading.expert)
        return inputs, np.array(expert)

    def _without(self, sensor: str) -> np.ndarray:
        """Return at which beats whoever decides best without `sensor` is right, under no confidence limit."""
        usable = tuple(name for name in SENSORS if name != sensor)
        mode = self.calibration.best_mode(usable)
        best = self.calibration.predictor(usable, mode)
        said = []
        for image, touch, gas in self._inputs:
            sample = dataclasses.replace(
                Sample(stamp_ns=0, image=image, touch=touch, gas=gas), **{sensor: None}
            )
            heard = self.engine.infer(sample, mode, best.filled)
            probabilities = heard.probabilities
            if best.stack:
                probabilities = best.stack.join(probabilities, heard.student_probabilities)
            said.append(probabilities.argmax())
        return np.array(said) == self._expert

    @torch.inference_mode()
    def _right(self, inputs: list[tuple]) -> np.ndarray:
        """Return at which beats the teacher, fed (picture, touch, gas), says what the expert does. NaN decides like class 0."""
        said = []
        for start in range(0, len(inputs), _BATCH):
            image, touch, gas = (
                torch.from_numpy(np.stack(column))
                for column in zip(*inputs[start : start + _BATCH])
            )
            present = torch.ones(len(image), dtype=torch.bool)
            said.append(
                self.teacher(
                    image=image.permute(0, 3, 1, 2).float() / 255.0,
                    touch=touch,
                    gas=gas,
                    touch_present=present,
                    gas_present=present,
                )
                .logits.argmax(1)
                .numpy()
            )
        return np.concatenate(said) == self._expert


def healthy_operation(models_dir: Path, seed: int, minutes: float) -> dict[str, Any]:
    """Return what the package does while nothing is broken.

    Returns:
        `hours`; `changes` of who is trusted to decide, each false (second, mode, reason); `beats`
        of the camera, how many of them were `held` and `right`, and in how many stretches `holds`
        they were held. A hold for lack of confidence is no change of who is trusted.
    """
    torch.set_num_threads(1)
    player = Player(TorchEngine(models_dir), load_calibration(models_dir), FaultSchedule())
    found = {'hours': minutes / 60.0, 'changes': [], 'beats': 0, 'held': 0, 'holds': 0, 'right': 0}
    decision, holding = None, False
    for reading in readings(seed, 60.0 * minutes):
        estimate = player.play(reading)
        for arrived in player.arrived.values():
            arrived.clear()
        before, decision = decision, player.pipeline.decision
        # The first readings come one after the other: until the last of the three is there nobody
        # can be the teacher.
        started = before is not None and (found['beats'] > 0 or before.mode is Mode.TEACHER)
        if started and (before.mode, before.lost) != (decision.mode, decision.lost):
            found['changes'].append(
                {
                    'second': round(reading.t_s, 1),
                    'mode': str(decision.mode),
                    'reason': decision.reason,
                }
            )
        if reading.expert >= 0:
            action = HOLD if estimate is None else estimate.action
            found['beats'] += 1
            found['held'] += action == HOLD
            found['holds'] += action == HOLD and not holding
            found['right'] += action == ACTIONS[reading.expert]
            holding = action == HOLD
    return found


def summarise(found: list[Cell], controls: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures that judge the whole: `judged` for all sensors and each, the controls, and the cells."""
    total = {
        name: sum(control[name] for control in controls)
        for name in ('hours', 'beats', 'held', 'holds', 'right')
    }
    return {
        'cells': [dataclasses.asdict(cell) | {'harmful': cell.harmful} for cell in found],
        'harmful_cells': sum(cell.harmful for cell in found),
        'judged': {
            name: judged([cell for cell in found if cell.sensor in sensors])
            for name, sensors in {
                'all': SENSORS,
                'touch_and_gas': ('touch', 'gas'),
                **{sensor: (sensor,) for sensor in SENSORS},
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


def judged(found: list[Cell]) -> dict[str, Any]:
    """Return what the package is worth over `found`.

    Returns:
        `harmful` and `noticed` of them, how many; `recovered`: which part of what the harmful
        faults cost an unguarded teacher the package does not lose, by `HOLD_COSTS`; `recoverable`:
        the same of a fallback that is told at once what is broken; `worst_shortfall` of any cell,
        by `HOLD_COSTS`. `None` where there is nothing to measure.
    """
    harmful = [cell for cell in found if cell.harmful]
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
            name: round(max((cell.shortfall(price) for cell in found), default=0.0), 4)
            for name, price in HOLD_COSTS.items()
        },
    }


def _with_zeros(sensor: str, inputs: list[tuple]) -> list[tuple]:
    column = SENSORS.index(sensor)
    return [
        tuple(
            np.zeros_like(value) if index == column else value for index, value in enumerate(row)
        )
        for row in inputs
    ]


def _newest(player: Player) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a node without any guard would feed its teacher now: the newest picture and what its stamp pairs with."""
    stamp_ns, image = player.arrived['camera'][-1]
    touch, gas = (player.paired(stamp_ns, sensor) for sensor in ('touch', 'gas'))
    return (
        image,
        np.zeros(NUM_TAXELS, np.float32) if touch is None else touch,
        np.zeros(NUM_GAS, np.float32) if gas is None else gas,
    )


def _part(count: float, total: float) -> float | None:
    return round(count / total, 4) if total > 0.0 else None


def _share(right: np.ndarray, of_none: float | None = 0.0) -> float | None:
    return round(float(np.mean(right)), 4) if right.size else of_none
