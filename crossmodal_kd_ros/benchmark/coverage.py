# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How often the truth of new groups lies within the intervals of a calibration."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from crossmodal_kd_ros.calibration.fit import Answers, sensor_sets
from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.profile import CAMERA, measure_quantities, quantity_minimum


def coverage(calibration: Calibration, pairs: Pairs, answers: Answers) -> list[dict[str, Any]]:
    """Return a row for each quantity and source of it, and for each set of sensors that decides.

    A row has `covered`, of it `day` and `night` (0 to 1; None without such pairs), and
    `mean_width` (None without bounds, or where nobody knows the truth).

    Args:
        calibration: what is tested.
        pairs: groups that the calibration has not seen.
        answers: what the same weights say of them.
    """
    return [*_quantities(calibration, pairs, answers), *_actions(calibration, pairs, answers)]


def _quantities(
    calibration: Calibration, pairs: Pairs, answers: Answers
) -> Iterator[dict[str, Any]]:
    profile = answers.profile
    measured, minimum = measure_quantities(profile, pairs.readings), quantity_minimum(profile)
    for is_measured, values in ((False, answers.quantities), (True, measured)):
        bounds = np.array(
            [
                calibration.intervals.bounds(
                    value, std, np.array(is_measured), ood_score=1.0, minimum=minimum
                )
                for value, std in zip(values, answers.quantities_std, strict=True)
            ]
        )
        inside = (bounds[:, 0] <= pairs.quantities) & (pairs.quantities <= bounds[:, 1])
        width = bounds[:, 1] - bounds[:, 0]
        is_known = ~np.isnan(width + pairs.quantities)
        for column, quantity in enumerate(profile.quantities.values()):
            if is_measured and not quantity.senses:
                continue
            source = ' and '.join(quantity.senses) if is_measured else CAMERA
            rows = is_known[:, column]
            yield _row(quantity.name, source, inside[rows, column], pairs.night[rows]) | {
                'mean_width': round(float(width[rows, column].mean()), 4) if rows.any() else None,
                'unit': quantity.unit,
            }


def _actions(calibration: Calibration, pairs: Pairs, answers: Answers) -> Iterator[dict[str, Any]]:
    """Yield the conformal set of each predictor; its width is how many actions it holds."""
    for name, sensors in sensor_sets(answers.profile).items():
        mode = calibration.best_mode(sensors)
        predictor = calibration.predictor(sensors, mode)
        possible = answers.of(name, mode, predictor) >= predictor.min_possible
        yield _row(
            'action', f'{mode}: {name}', possible[np.arange(len(pairs)), pairs.action], pairs.night
        ) | {'mean_width': round(float(possible.sum(1).mean()), 4), 'unit': 'actions'}


def _row(quantity: str, source: str, inside: np.ndarray, night: np.ndarray) -> dict[str, Any]:
    def share(values: np.ndarray) -> float | None:
        return round(float(values.mean()), 4) if len(values) else None

    return {
        'quantity': quantity,
        'source': source,
        'covered': share(inside),
        'day': share(inside[~night]),
        'night': share(inside[night]),
    }
