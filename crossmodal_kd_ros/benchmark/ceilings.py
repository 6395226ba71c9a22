# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What can be known: how often the expert's action follows from what each sense could see at best, whatever the network.

A gradient-boosted model is given not pictures but the very quantities that a picture shows
(`Panel.*_shown`, under the pad and over the view), and for touch and gas the noisy readings in a
few statistics. No network that looks at pixels can be expected to do better.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from crossmodal_kd_ros.contract import ACTIONS, INDENTATION, TEXTURE
from crossmodal_kd_ros.simulation import Panel, Wall, draw_panels, gas, touch
from crossmodal_kd_ros.simulation.scene import VIEW_MM, reachable_mm

_EYE, _TOUCH, _GAS = slice(0, 8), slice(8, 16), slice(16, 24)  # columns, see `_table`
SENSES = {
    'camera': (_EYE,),
    'touch_gas': (_TOUCH, _GAS),
    'camera_touch': (_EYE, _TOUCH),
    'camera_gas': (_EYE, _GAS),
    'all': (_EYE, _TOUCH, _GAS),
}


def ceilings(
    *,
    seed: int = 0,
    panels: int = 8000,
    vision_recovery: float = 1.0,
    senses: Iterable[str] = tuple(SENSES),
) -> dict[str, float]:
    """Return the accuracy that each of `senses` allows, and `largest_class`: the share of the commonest action.

    Args:
        seed: of the panels; the test half shares none with the training half.
        panels: one view of each, the first 3/4 for training.
        vision_recovery: see `draw_panels`.
        senses: which of `SENSES`.
    """
    known, action = _table(seed, panels, vision_recovery)
    split = panels * 3 // 4
    scores = {}
    for name in senses:
        columns = SENSES[name]
        table = np.hstack([known[:, part] for part in columns])
        model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, random_state=seed)
        model.fit(table[:split], action[:split])
        scores[name] = float(model.score(table[split:], action[split:]))
    scores['largest_class'] = float(np.bincount(action).max() / panels)
    return scores


def _table(seed: int, panels: int, vision_recovery: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what the camera could see, touch statistics and gas, `float64[panels, 24]`, and the index of the action."""
    rng = np.random.default_rng((seed, 1))
    low, high = reachable_mm(VIEW_MM)
    known, action = [], []
    for panel in draw_panels(panels, seed=(seed, 0), vision_recovery=vision_recovery):
        centre = tuple(rng.uniform(low, high))
        wall = Wall(panel)
        truth = wall.truth(centre)
        known.append(
            np.concatenate(
                [
                    _shown(panel, centre),
                    touch_statistics(touch.add_noise(truth.touch, rng)),
                    gas.add_noise(truth.gas, rng),
                ]
            )
        )
        action.append(ACTIONS.index(truth.action))
    return np.array(known), np.array(action)


def _shown(panel: Panel, centre: tuple[float, float]) -> np.ndarray:
    """Return what a perfect eye reads off the picture: the state as it shows, in the place where it shows."""
    crack_seed, growth_seed, blister_seed = panel.shown_seeds
    looks = Wall(
        replace(
            panel,
            crack_depth_mm=panel.crack_shown_mm,
            crack_seed=crack_seed,
            growth_cover=panel.growth_cover_shown,
            growth_seed=growth_seed,
            delamination=panel.bulge_shown,
            delamination_seed=blister_seed,
        )
    )
    found = looks.findings(centre)
    return np.array(
        [
            panel.material,
            panel.roughness_shown_um,
            found.crack_mm,
            found.growth_cover,
            panel.growth_fuzz,
            panel.moisture_shown,
            panel.vitality_shown,
            found.debonded,
        ]
    )


def touch_statistics(reading: np.ndarray) -> np.ndarray:
    """Return mean, deviation, 90th percentile and maximum of each bank of a touch reading `float32[256]`."""
    banks = (reading[TEXTURE], reading[INDENTATION])
    return np.array(
        [
            f(bank)
            for bank in banks
            for f in (np.mean, np.std, lambda b: np.percentile(b, 90), np.max)
        ]
    )
