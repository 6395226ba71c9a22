# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was measured of a pair of weight files: `calibration.json` beside them.

It is refused beside others.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from crossmodal_kd_ros.calibration.consistency import (
    WINDOWS_S,
    ResidualModel,
    compared,
    feature_names,
)
from crossmodal_kd_ros.calibration.intervals import Intervals
from crossmodal_kd_ros.calibration.out_of_distribution import OutOfDistribution
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.files import write_text
from crossmodal_kd_ros.profile import CAMERA, Mode, Profile

FILE_NAME = 'calibration.json'
KINDS = ('student', 'teacher')
# What holding costs, in wrong actions. At half of one, the robot holds where an action would
# rather be wrong than right.
HOLD_COST = 0.5
# A probability of 0 does not rule an action out.
_MIN_PROBABILITY = 1e-4
_FIGURES = ('accuracy', 'min_confidence', 'held', 'decided', 'min_possible')
_REDO = 'make it again with "crossmodal-kd calibrate"'


class CalibrationError(CrossmodalError):
    """A calibration cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Joins a teacher that has lost a sense with the student, on A actions.

    Stacked generalisation (Wolpert 1992, https://doi.org/10.1016/S0893-6080(05)80023-1), by
    multinomial logistic regression: each counts as much as it was measured to be worth.

    Attributes:
        weights: `float[2 * A, A]`, of the logarithms of the teacher's probabilities, then of the
            student's.
        bias: `float[A]`.
    """

    weights: np.ndarray
    bias: np.ndarray

    def join(self, teacher: np.ndarray, student: np.ndarray) -> np.ndarray:
        """Return probabilities `float32[..., A]` from those of both, `[..., A]`."""
        scores = log_probabilities(teacher, student) @ self.weights + self.bias
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        return (odds / odds.sum(-1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """One way to decide with a set of healthy sensors, as it did on the calibration split.

    Attributes:
        accuracy: how often its best action was the right one.
        min_confidence: the confidence limit under which an action would rather be wrong than
            right.
        held: part of its answers under that limit.
        decided: how often it was right from the limit on; 0 where it never came that far.
        min_possible: probability from which on an action belongs to the conformal set.
        filled: it is a teacher that is shown the student's estimate of a lost sense, rather than
            nothing.
        stack: joins its probabilities with the student's; `None`: it decides alone.
    """

    accuracy: float
    min_confidence: float
    held: float
    decided: float
    min_possible: float
    filled: bool = False
    stack: Stack | None = None

    @property
    def worth(self) -> float:
        """Right decisions, and holds at what they save."""
        return (1.0 - self.held) * self.decided + (1.0 - HOLD_COST) * self.held


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Everything that is measured once and used at every picture.

    Attributes:
        profile: of the weights.
        weights: digest of each weight file's tensors, by `student` and `teacher`.
        origin: command, data and figures, for whoever reads the file.
        predictors: by set of healthy sensors (`sensor_set`), then by mode.
        intervals, out_of_distribution: see their modules.
        residuals: by sense, see `consistency`.
    """

    profile: Profile
    weights: Mapping[str, str]
    origin: Mapping[str, Any]
    predictors: Mapping[str, Mapping[Mode, Predictor]]
    intervals: Intervals
    out_of_distribution: OutOfDistribution
    residuals: Mapping[str, ResidualModel]

    def best_mode(self, usable: Sequence[str]) -> Mode:
        """Return who did best with `usable`, right decisions and holds taken together.

        Where two are equal it is the one that was more accurate without a limit, then the teacher.
        `HOLD` where nobody was measured.
        """
        by_mode = self.predictors.get(sensor_set(self.profile, usable))
        if by_mode is None:
            return Mode.HOLD

        def merit(mode: Mode) -> tuple[float, float, bool]:
            predictor = by_mode[mode]
            return predictor.worth, predictor.accuracy, mode is not Mode.STUDENT

        return max(by_mode, key=merit)

    def predictor(self, usable: Sequence[str], mode: Mode) -> Predictor:
        """Return the figures of `mode` with `usable`."""
        return self.predictors[sensor_set(self.profile, usable)][mode]


def log_probabilities(teacher: np.ndarray, student: np.ndarray) -> np.ndarray:
    """Return what `Stack` weighs, `float[..., 2 * A]`, from probabilities `[..., A]`."""
    return np.log(np.maximum(np.concatenate([teacher, student], -1), _MIN_PROBABILITY))


def sensor_set(profile: Profile, usable: Sequence[str]) -> str:
    """Return the name of a set of sensors: theirs, in the order of the profile, joined by `+`."""
    return '+'.join(sensor for sensor in profile.sensors if sensor in usable)


def sensor_sets(profile: Profile) -> dict[str, tuple[str, ...]]:
    """Return the sets of sensors that somebody can decide with, by name such as `camera+air`.

    They are every set with the camera, the whole first, and all senses without it.
    """
    senses = tuple(profile.senses)
    with_camera = [
        (CAMERA, *some)
        for count in range(len(senses), -1, -1)
        for some in combinations(senses, count)
    ]
    return {'+'.join(sensors): sensors for sensors in (*with_camera, senses)}


def save_calibration(calibration: Calibration, folder: Path) -> None:
    """Write `calibration.json` to `folder`; the file is there whole or not at all."""
    document = {
        'profile': calibration.profile.fingerprint,
        'weights': dict(calibration.weights),
        'origin': dict(calibration.origin),
        'predictors': {
            name: {str(mode): _figures(predictor) for mode, predictor in by_mode.items()}
            for name, by_mode in calibration.predictors.items()
        },
        'intervals': vars(calibration.intervals),
        'compared': _compared(calibration.profile),
        'residuals': {sense: vars(model) for sense, model in calibration.residuals.items()},
        'out_of_distribution': vars(calibration.out_of_distribution),
    }
    write_text(folder / FILE_NAME, _indent(json.dumps(document, default=_plain)) + '\n')


def load_calibration(folder: str | Path, profile: Profile) -> Calibration | None:
    """Return the calibration of the weights in `folder`; `None` if there is none.

    Raises:
        CalibrationError: it is damaged, or belongs to other weights or another profile.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
        fingerprint = document['profile']
        calibration = Calibration(
            profile=profile,
            weights=dict(document['weights']),
            origin=document['origin'],
            predictors={
                name: {Mode(mode): _predictor(figures) for mode, figures in by_mode.items()}
                for name, by_mode in document['predictors'].items()
            },
            intervals=Intervals(**_arrays(document['intervals'])),
            out_of_distribution=OutOfDistribution(**_arrays(document['out_of_distribution'])),
            residuals={
                sense: ResidualModel(**_arrays(model))
                for sense, model in document['residuals'].items()
            },
        )
        if fingerprint != profile.fingerprint:
            raise CalibrationError(
                f'{path} was made for another profile than {profile.name}: {_REDO}'
            )
        if 'compared' not in document:
            raise CalibrationError(
                f'{path} is of an earlier version, which did not say what it compared: {_REDO}'
            )
        _check_compared(path, profile, document['compared'])
        _check_forms(path, calibration)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalibrationError(
            f'{path} is not a calibration that this version knows ({error!r}): {_REDO}'
        ) from error
    for kind in KINDS:
        if calibration.weights.get(kind) != weights_digest(Path(folder) / f'{kind}.safetensors'):
            raise CalibrationError(
                f'{path} belongs to other weights than {kind}.safetensors beside it: {_REDO}'
            )
    return calibration


def _compared(profile: Profile) -> dict[str, dict[str, dict[str, Any]]]:
    return {name: compared(sense) for name, sense in profile.senses.items()}


def _check_compared(
    path: Path, profile: Profile, measured: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> None:
    """Refuse residuals that were measured of other features, or by other rules."""
    for sense, channels in _compared(profile).items():
        for channel, values in channels.items():
            for key, value in values.items():
                got = measured[sense][channel][key]
                if got != value:
                    raise CalibrationError(
                        f'expected {path} to be made with {key} {json.dumps(value)} of '
                        f'{sense}.{channel}, as the profile {profile.name} says, got '
                        f'{json.dumps(got)}: {_REDO}'
                    )


def _check_forms(path: Path, calibration: Calibration) -> None:
    """Refuse what does not fit the profile: it would fail at the first picture."""
    profile = calibration.profile
    actions, quantities = len(profile.actions), len(profile.quantities)
    intervals, ood = calibration.intervals, calibration.out_of_distribution
    features = np.shape(ood.mean)[:1]
    forms = {
        'intervals.measured': (intervals.measured, (2, quantities)),
        'intervals.estimated': (intervals.estimated, (2, quantities)),
        'out_of_distribution.mean': (ood.mean, features or (1,)),
        'out_of_distribution.whitening': (
            ood.whitening,
            (*np.shape(ood.whitening)[:1], *features),
        ),
        'out_of_distribution.usual_detail': (ood.usual_detail, (2,)),
    }
    for name in ('limit', 'usual', 'min_detail', 'max_detail', 'same_place'):
        forms[f'out_of_distribution.{name}'] = (getattr(ood, name), ())
    is_seen = np.array([name in profile.seen_quantities for name in profile.quantities], bool)
    _expect(path, 'senses in residuals', profile.senses, calibration.residuals)
    for name, model in calibration.residuals.items():
        count = len(feature_names(profile.senses[name]))
        forms |= {
            f'residuals.{name}.bias': (model.bias, (count,)),
            f'residuals.{name}.scale': (model.scale, (count,)),
            f'residuals.{name}.whitening': (model.whitening, (count, count)),
            f'residuals.{name}.limits': (model.limits, (len(WINDOWS_S), count + 1)),
        }
    _expect(path, 'sets in predictors', sensor_sets(profile), calibration.predictors)
    for name, by_mode in calibration.predictors.items():
        if not by_mode or Mode.HOLD in by_mode:
            raise CalibrationError(f'expected somebody who decides with {name} in {path}: {_REDO}')
        for mode, predictor in by_mode.items():
            figures = vars(predictor)
            forms |= {f'{name}.{mode}.{key}': (figures[key], ()) for key in _FIGURES}
            if predictor.stack is not None:
                forms[f'{name}.{mode}.stack.weights'] = (
                    predictor.stack.weights,
                    (2 * actions, actions),
                )
                forms[f'{name}.{mode}.stack.bias'] = (predictor.stack.bias, (actions,))
    for name, (value, shape) in forms.items():
        # Of what only the picture shows, too few labels may have said what it was.
        may_lack = is_seen if name.startswith('intervals.') else False
        if np.shape(value) != shape or not (np.isfinite(value) | np.isnan(value) & may_lack).all():
            raise CalibrationError(
                f'expected finite numbers {list(shape)} of {name} in {path}, got '
                f'{list(np.shape(value))}: {_REDO}'
            )


def _expect(path: Path, what: str, expected: Iterable[str], got: Iterable[str]) -> None:
    if set(expected) != set(got):
        raise CalibrationError(
            f'expected the {what} of {path} to be {", ".join(expected)}, got '
            f'{", ".join(got) or "none"}: {_REDO}'
        )


def weights_digest(path: Path) -> str:
    """Return the digest that a weight file carries of its tensors.

    Raises:
        CalibrationError: it carries none.
    """
    try:
        with safe_open(path, framework='np') as file:
            return file.metadata()['sha256']
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise CalibrationError(
            f'expected weights of this package in {path}, to know whose the calibration is: '
            f'{error}'
        ) from error


def weights_in_words(folder: Path) -> str:
    """Return which weights lie in `folder`, by the start of what `sha256sum` prints of each."""
    digests = {
        kind: hashlib.sha256((folder / f'{kind}.safetensors').read_bytes()).hexdigest()[:12]
        for kind in KINDS
    }
    return ', '.join(f'{kind} {digest}' for kind, digest in digests.items())


def _figures(predictor: Predictor) -> dict[str, Any]:
    return vars(predictor) | {'stack': None if predictor.stack is None else vars(predictor.stack)}


def _predictor(figures: Mapping[str, Any]) -> Predictor:
    stack = figures['stack']
    return Predictor(**{**figures, 'stack': None if stack is None else Stack(**_arrays(stack))})


def _plain(value: Any) -> Any:
    """Return an array as lists of numbers with five digits: more than a split can tell.

    NaN, of what is not known, is `None`.
    """

    def plain(number: float) -> float | None:
        return None if np.isnan(number) else float(f'{number:.5g}')

    return np.vectorize(plain, otypes=[object])(value).tolist()


def _indent(text: str) -> str:
    """Return a JSON document of which the large matrix takes one line, not 16,000."""
    document = json.loads(text)
    parts = (
        f'  {json.dumps(name)}: '
        f'{json.dumps(part, indent=None if name == "out_of_distribution" else 2)}'
        for name, part in document.items()
    )
    return '{\n' + ',\n'.join(part.replace('\n', '\n  ') for part in parts) + '\n}'


def _arrays(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: np.asarray(value, np.float64) if isinstance(value, list) else float(value)
        for name, value in values.items()
    }
