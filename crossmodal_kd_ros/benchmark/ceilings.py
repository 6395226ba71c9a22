# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How often the expert's action, and how well a reading, follow from what sensors show at best.

A gradient-boosted model is given not pictures but the very quantities that a picture shows
(`Panel.*_shown`, in the middle and over the view), and of the senses the noisy readings, grids in
a few statistics. No network that looks at pixels can be expected to do better.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score

from crossmodal_kd_ros.benchmark.measures import Answers, Scalar, scalars
from crossmodal_kd_ros.profile import CAMERA, Sense
from crossmodal_kd_ros.simulation import Panel, PanelScene, draw_panels
from crossmodal_kd_ros.simulation.panel import PROFILE
from crossmodal_kd_ros.simulation.scene import VIEW_MM, add_noise, reachable_mm

_BOOSTING = {'max_iter': 150, 'learning_rate': 0.08}
_SENSES = tuple(PROFILE.senses)
_WITH_CAMERA = tuple(
    (CAMERA, *some) for count in range(len(_SENSES) + 1) for some in combinations(_SENSES, count)
)
# The camera, what there is without it, then ever more beside it.
SENSOR_SETS = {
    '+'.join(sensors): sensors for sensors in (_WITH_CAMERA[0], _SENSES, *_WITH_CAMERA[1:])
}


def ceilings(
    *,
    seed: int = 0,
    panels: int = 8000,
    vision_recovery: float = 1.0,
    sets: Iterable[str] = tuple(SENSOR_SETS),
) -> dict[str, float]:
    """Return the accuracy that each of `sets` allows, and the share of the `largest_class`.

    Args:
        seed: of the panels; the test half shares none with the training half.
        panels: one view of each, the first 3/4 for training.
        vision_recovery: see `draw_panels`.
        sets: which of `SENSOR_SETS`.
    """
    known, truth = _table(seed, panels, vision_recovery)
    action = truth.probabilities.argmax(1)
    split = panels * 3 // 4
    scores = {}
    for name in sets:
        table = np.hstack([known[sensor] for sensor in SENSOR_SETS[name]])
        model = HistGradientBoostingClassifier(**_BOOSTING, random_state=seed)
        model.fit(table[:split], action[:split])
        scores[name] = float(model.score(table[split:], action[split:]))
    scores['largest_class'] = float(np.bincount(action).max() / panels)
    return scores


def reading_ceilings(*, seed: int = 0, panels: int = 8000) -> dict[str, dict[str, float]]:
    """Return how well each of `scalars` could be read off the picture.

    Two models, one fitted by squares and one by absolute values of its errors.

    Args:
        seed: of the panels, those of `ceilings`.
        panels: one view of each, the first 3/4 for training.

    Returns:
        For each of `scalars`: `r2` of the first model; where no sense measures it, in its unit the
        smaller `median_error` of the two, of truths that are not zero.
    """
    known, truth = _table(seed, panels, 1.0)
    shown, split = known[CAMERA], panels * 3 // 4

    def ceiling(scalar: Scalar) -> dict[str, float]:
        values = scalar.read(truth)
        by_squares, by_absolutes = (
            HistGradientBoostingRegressor(**_BOOSTING, loss=loss, random_state=seed)
            .fit(shown[:split], values[:split])
            .predict(shown[split:])
            for loss in ('squared_error', 'absolute_error')
        )
        true = values[split:]
        best = {'r2': float(r2_score(true, by_squares))}
        if scalar.name in PROFILE.seen_quantities:
            errors = [np.abs(said - true)[true != 0.0] for said in (by_squares, by_absolutes)]
            best['median_error'] = float(min(map(np.median, errors)))
        return best

    return {scalar.name: ceiling(scalar) for scalar in scalars(PROFILE)}


@lru_cache(maxsize=1)  # actions and readings are of the same panels
def _table(
    seed: int, panels: int, vision_recovery: float
) -> tuple[dict[str, np.ndarray], Answers]:
    """Return what each sensor could show, `[panels, ...]`, and the expert's actions and readings.

    Those are as in pairs: readings with noise, quantities without.
    """
    rng = np.random.default_rng((seed, 1))
    low, high = reachable_mm(VIEW_MM)
    known: dict[str, list[np.ndarray]] = {sensor: [] for sensor in PROFILE.sensors}
    readings: dict[str, list[np.ndarray]] = {sense: [] for sense in PROFILE.senses}
    action, quantities = [], []
    for panel in draw_panels(panels, seed=(seed, 0), vision_recovery=vision_recovery):
        centre = tuple(rng.uniform(low, high))
        truth = PanelScene(panel).truth(centre)
        known[CAMERA].append(_shown(panel, centre))
        for name, sense in PROFILE.senses.items():
            reading = add_noise(name, truth.readings[name], rng)
            readings[name].append(reading)
            known[name].append(
                grid_statistics(sense, reading) if sense.layout == 'grid' else reading
            )
        action.append(PROFILE.actions.index(truth.action))
        quantities.append(truth.quantities)
    return {sensor: np.array(rows) for sensor, rows in known.items()}, Answers(
        probabilities=np.eye(len(PROFILE.actions))[action],
        readings={sense: np.array(rows) for sense, rows in readings.items()},
        quantities=np.array(quantities),
    )


def _shown(panel: Panel, centre: tuple[float, float]) -> np.ndarray:
    """Return what a perfect eye reads off the picture: the state as and where it shows."""
    state = PanelScene(panel.as_it_looks()).true_state(centre)
    return np.array(
        [
            panel.material,
            panel.lighting == 'night',
            panel.roughness_shown_um,
            state.crack_width_mm,
            state.growth_cover,
            panel.growth_fuzz,
            panel.moisture_shown,
            panel.vitality_shown,
            state.debonded,
        ]
    )


def grid_statistics(sense: Sense, reading: np.ndarray) -> np.ndarray:
    """Return mean, deviation, 90th percentile and maximum of each channel of a grid."""
    channels = reading.reshape(len(sense.channels), -1)
    return np.array(
        [
            f(channel)
            for channel in channels
            for f in (np.mean, np.std, lambda b: np.percentile(b, 90), np.max)
        ]
    )
