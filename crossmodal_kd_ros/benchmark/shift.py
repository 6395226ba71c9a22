# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures unlike anything in training, and how well they are told from familiar ones."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score

from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.runtime import Engine
from crossmodal_kd_ros.simulation import broken


def strange_pictures(
    familiar: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (what it is, `uint8[N, S, S, 3]`), made from or as many as `familiar`, likewise."""
    size = familiar.shape[1:]
    yield 'lens covered', np.array([broken.covered(image, 1.0, rng) for image in familiar])
    yield (
        'half of the lens covered',
        np.array([broken.covered(image, 0.5, rng) for image in familiar]),
    )
    yield 'out of focus', np.array([broken.blurred(image, 1.0) for image in familiar])
    yield 'colours inverted', 255 - familiar
    yield 'static', rng.integers(0, 256, familiar.shape, np.uint8)
    yield 'another planet', np.array([_planet(size, rng) for _ in familiar])


def separation(
    engine: Engine, calibration: Calibration, familiar: np.ndarray, *, seed: int = 0
) -> list[dict[str, Any]]:
    """Return a row for each kind of strange picture, after one for familiar ones.

    `auroc` is of their out-of-distribution scores against the familiar ones; `beyond_limits` is
    the part above 1.

    Args:
        engine: runs the student. calibration: of the same weights.
        familiar: `uint8[N, S, S, 3]`, of panels that neither training nor calibration has seen.
    """

    def scores(pictures: np.ndarray) -> np.ndarray:
        seen = engine.perceive(pictures)
        return calibration.out_of_distribution.score(seen.features, seen.detail)

    def row(name: str, auroc: float | None, values: np.ndarray) -> dict[str, Any]:
        beyond = round(float(np.mean(values > 1.0)), 4)
        return {'pictures': name, 'auroc': auroc, 'beyond_limits': beyond}

    known = scores(familiar)
    rows = [row('familiar', None, known)]
    for name, pictures in strange_pictures(familiar, np.random.default_rng(seed)):
        strange = scores(pictures)
        labels = np.r_[np.zeros(len(known)), np.ones(len(strange))]
        auroc = roc_auc_score(labels, np.r_[known, strange])
        rows.append(row(name, round(float(auroc), 4), strange))
    return rows


def _planet(size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return a red desert under a pale sky: dunes of random height, no wall anywhere."""
    height, width, _ = size
    land = sum(
        cv2.resize(rng.standard_normal((n, n)), (width, height), interpolation=cv2.INTER_CUBIC)
        * 4.0
        / n
        for n in (4, 8, 16)
    )
    shade = np.clip(0.6 + 2.0 * np.gradient(land)[1], 0.0, 1.0)[..., None]
    picture = shade * np.array([190.0, 95.0, 55.0])
    horizon = round(height * rng.uniform(0.25, 0.5))
    picture[:horizon] = (
        np.array([225.0, 190.0, 165.0]) - 20.0 * np.linspace(1.0, 0.0, horizon)[:, None, None]
    )
    return np.clip(picture + 4.0 * rng.standard_normal(size), 0.0, 255.0).astype(np.uint8)
