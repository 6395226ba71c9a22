# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How often the truth of new panels lies within the intervals of a calibration, by day and by night."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from crossmodal_kd_ros.calibration.fit import SENSOR_SETS, Answers, measured_surface
from crossmodal_kd_ros.contract import SURFACE_STATE
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.runtime import Calibration

_UNITS = dict(zip(SURFACE_STATE, ('um', 'mm', ''), strict=True))


def coverage(calibration: Calibration, pairs: Pairs, answers: Answers) -> list[dict[str, Any]]:
    """Return a row for each quantity and source of it: `covered`, `day`, `night` (0 to 1) and `mean_width`.

    Args:
        calibration: what is tested.
        pairs: panels that the calibration has not seen.
        answers: what the same weights say of them.
    """
    return [*_surface(calibration, pairs, answers), *_action(calibration, pairs, answers)]


def _surface(calibration: Calibration, pairs: Pairs, answers: Answers) -> Iterator[dict[str, Any]]:
    measured = measured_surface(pairs)
    for source, values in (('camera', answers.surface), ('touch or gas', measured)):
        is_measured = np.full(3, source != 'camera')
        bounds = np.array(
            [
                calibration.intervals.bounds(value, deviation, is_measured, 1.0)
                for value, deviation in zip(values, answers.surface_std, strict=True)
            ]
        )
        inside = (bounds[:, 0] <= pairs.surface) & (pairs.surface <= bounds[:, 1])
        for column, name in enumerate(SURFACE_STATE):
            yield _row(name, source, inside[:, column], pairs.night) | {
                'mean_width': round(float((bounds[:, 1] - bounds[:, 0])[:, column].mean()), 4),
                'unit': _UNITS[name],
            }


def _action(calibration: Calibration, pairs: Pairs, answers: Answers) -> Iterator[dict[str, Any]]:
    """Yield the conformal set of actions, for each predictor; its width is how many actions it holds."""
    for name, (teacher_mode, _) in SENSOR_SETS.items():
        mode = calibration.best_mode(tuple(name.split('+')))
        chosen = calibration.predictors[name][mode]
        probabilities = answers.student
        if mode is teacher_mode:
            probabilities = answers.by(name, filled=chosen.filled, stack=chosen.stack)
        possible = probabilities >= chosen.least_possible
        yield _row(
            'action', f'{mode}: {name}', possible[np.arange(len(pairs)), pairs.action], pairs.night
        ) | {'mean_width': round(float(possible.sum(1).mean()), 4), 'unit': 'actions'}


def _row(quantity: str, source: str, inside: np.ndarray, night: np.ndarray) -> dict[str, Any]:
    figures = {'covered': inside, 'day': inside[~night], 'night': inside[night]}
    return {
        'quantity': quantity,
        'source': source,
        **{name: round(float(values.mean()), 4) for name, values in figures.items()},
    }
