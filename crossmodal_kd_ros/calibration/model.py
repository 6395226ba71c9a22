# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was measured of a pair of weight files, stored beside them as `calibration.json`, and refused beside others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from crossmodal_kd_ros.calibration.consistency import ResidualModel
from crossmodal_kd_ros.calibration.fusion import Stack
from crossmodal_kd_ros.calibration.intervals import Familiarity, Intervals
from crossmodal_kd_ros.contract import SENSORS, Mode, fingerprint

FILE_NAME = 'calibration.json'
KINDS = ('student', 'teacher')
# What holding costs, in wrong actions. At half of one, the robot holds where an action would
# rather be wrong than right.
HOLD_COST = 0.5
_REDO = 'make it again with "crossmodal-kd calibrate"'


class CalibrationError(RuntimeError):
    """A calibration cannot be used: one sentence with what was expected, what came and what to do."""


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """One way to decide with a set of healthy sensors, as it did on the calibration split.

    Attributes:
        accuracy: how often its best action was the expert's.
        min_confidence: the confidence limit under which an action would rather be wrong than
            right.
        held: part of its answers under that limit.
        decided: how often it was right from the limit on; 0 where it never came that far.
        least_possible: probability from which on an action belongs to the conformal set.
        filled: it is a teacher that is shown the student's estimate of a lost sense, rather than
            nothing.
        stack: it is a teacher whose opinion is joined with the student's by this; `None`: it
            decides alone.
    """

    accuracy: float
    min_confidence: float
    held: float
    decided: float
    least_possible: float
    filled: bool = False
    stack: Stack | None = None

    @property
    def worth(self) -> float:
        """Right decisions, and holds at what they save."""
        return (1.0 - self.held) * self.decided + (1.0 - HOLD_COST) * self.held


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Everything that is measured once and used at every frame.

    Attributes:
        weights: digest of each weight file's tensors, by `student` and `teacher`.
        origin: command, data and figures, for whoever reads the file.
        predictors: by set of healthy sensors (`camera+gas`), then by mode.
        intervals, familiarity: see `uncertainty`.
        residuals: by `touch` and `gas`, see `virtual`.
    """

    weights: Mapping[str, str]
    origin: Mapping[str, Any]
    predictors: Mapping[str, Mapping[Mode, Predictor]]
    intervals: Intervals
    familiarity: Familiarity
    residuals: Mapping[str, ResidualModel]

    def best_mode(self, usable: tuple[str, ...]) -> Mode:
        """Return who did best with `usable`: most right decisions, and least wrong ones where it may hold instead.

        Where two are equal it is the one that was more accurate without a limit, then the teacher.
        `HOLD` where nobody was measured.
        """
        by_mode = self.predictors.get(sensor_set(usable))
        if by_mode is None:
            return Mode.HOLD

        def merit(mode: Mode) -> tuple[float, float, bool]:
            found = by_mode[mode]
            return found.worth, found.accuracy, mode is not Mode.STUDENT

        return max(by_mode, key=merit)

    def predictor(self, usable: tuple[str, ...], mode: Mode) -> Predictor:
        """Return the figures of `mode` with `usable`."""
        return self.predictors[sensor_set(usable)][mode]


def sensor_set(usable: tuple[str, ...]) -> str:
    """Return the name of a set of sensors: `camera+gas`."""
    return '+'.join(sensor for sensor in SENSORS if sensor in usable)


def save_calibration(calibration: Calibration, folder: Path) -> None:
    """Write `calibration.json` to `folder`; the file appears only when it is complete."""
    document = {
        'contract': fingerprint(),
        'weights': dict(calibration.weights),
        'origin': dict(calibration.origin),
        'predictors': {
            name: {str(mode): _figures(predictor) for mode, predictor in by_mode.items()}
            for name, by_mode in calibration.predictors.items()
        },
        'intervals': vars(calibration.intervals),
        'residuals': {sensor: vars(model) for sensor, model in calibration.residuals.items()},
        'familiarity': vars(calibration.familiarity),
    }
    path = folder / FILE_NAME
    unfinished = path.with_name(FILE_NAME + '.part')
    unfinished.write_text(_indent(json.dumps(document, default=_plain)) + '\n', encoding='utf-8')
    unfinished.replace(path)


def load_calibration(folder: str | Path) -> Calibration | None:
    """Return the calibration of the weights in `folder`; `None` if there is none.

    Raises:
        CalibrationError: it is damaged, or belongs to other weights or another contract.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
        calibration = Calibration(
            weights=document['weights'],
            origin=document['origin'],
            predictors={
                name: {Mode(mode): _predictor(figures) for mode, figures in by_mode.items()}
                for name, by_mode in document['predictors'].items()
            },
            intervals=Intervals(**_arrays(document['intervals'])),
            familiarity=Familiarity(**_arrays(document['familiarity'])),
            residuals={
                sensor: ResidualModel(**_arrays(model))
                for sensor, model in document['residuals'].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalibrationError(
            f'{path} is not a calibration that this version knows ({error!r}): {_REDO}'
        ) from error
    if document.get('contract') != fingerprint():
        raise CalibrationError(f'{path} was made for other actions, channels or taxels: {_REDO}')
    for kind in KINDS:
        if calibration.weights.get(kind) != weights_digest(Path(folder) / f'{kind}.safetensors'):
            raise CalibrationError(
                f'{path} belongs to other weights than {kind}.safetensors beside it: {_REDO}'
            )
    return calibration


def weights_digest(path: Path) -> str:
    """Return the digest that a weight file carries of its tensors; raise `CalibrationError` if it carries none."""
    try:
        with safe_open(path, framework='np') as file:
            return file.metadata()['sha256']
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise CalibrationError(
            f'expected weights of this package in {path}, to know whose the calibration is: '
            f'{error}'
        ) from error


def _figures(predictor: Predictor) -> dict[str, Any]:
    return vars(predictor) | {'stack': None if predictor.stack is None else vars(predictor.stack)}


def _predictor(figures: Mapping[str, Any]) -> Predictor:
    stack = figures['stack']
    return Predictor(**{**figures, 'stack': None if stack is None else Stack(**_arrays(stack))})


def _plain(value: Any) -> Any:
    """Return an array as nested lists of numbers with five digits: more than a calibration split can tell."""
    return np.vectorize(lambda x: float(f'{x:.5g}'), otypes=[float])(value).tolist()


def _indent(text: str) -> str:
    """Return a JSON document with one line for each of its parts, so that a matrix does not take 16,000 lines."""
    document = json.loads(text)
    parts = (
        f'  {json.dumps(name)}: {json.dumps(part, indent=None if name == "familiarity" else 2)}'
        for name, part in document.items()
    )
    return '{\n' + ',\n'.join(part.replace('\n', '\n  ') for part in parts) + '\n}'


def _arrays(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: np.asarray(value, np.float64) if isinstance(value, list) else float(value)
        for name, value in values.items()
    }
