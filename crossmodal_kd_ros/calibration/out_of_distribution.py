# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far a picture is from those of the training, by the student's features and fine detail."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, kw_only=True)
class OutOfDistribution:
    """How pictures of the training's kind look to the student.

    Lee et al. 2018, https://arxiv.org/abs/1807.03888.

    Attributes:
        mean: `float[D]`, of the student's features.
        whitening: `float[K, D]`; a familiar picture's whitened features have a mean square of
            about 1.
        limit: distance up to which a picture is familiar.
        usual: distance that 19 of 20 familiar pictures keep within.
        min_detail, max_detail: `fine_detail` of familiar pictures: less is out of focus, more is
            noise, whatever the student makes of it.
        usual_detail: `float[2]`, between which 19 of 20 lie.
        same_place: two pictures that are not further from each other are of one place.
    """

    mean: np.ndarray
    whitening: np.ndarray
    limit: float
    usual: float
    min_detail: float
    max_detail: float
    usual_detail: np.ndarray
    same_place: float

    def whiten(self, features: np.ndarray) -> np.ndarray:
        """Return whitened features `[..., K]`; the distance of two is their RMS difference."""
        return (features - self.mean) @ self.whitening.T

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Return the root mean square of whitened features `[..., D]`; familiar: about 1."""
        return np.sqrt(np.square(self.whiten(features)).mean(-1))

    def score(self, features: np.ndarray, detail: np.ndarray | float) -> np.ndarray:
        """Return how far pictures are away over the limit, `float[...]`; up to 1: familiar.

        Args:
            features: `float[..., D]`.
            detail: `float[...]`, their `fine_detail`.
        """
        return self._score(self.distance(features), detail)

    def assess(self, features: np.ndarray, detail: float) -> tuple[float, bool]:
        """Return the score of one picture, at least 1, and whether it is usual: like 19 of 20.

        Only a usual picture is evidence against a sense. `features` is `float[D]`.
        """
        distance = self.distance(features)
        low, high = self.usual_detail
        is_usual = bool(distance <= self.usual and low <= detail <= high)
        return max(1.0, float(self._score(distance, detail))), is_usual

    def _score(self, distance: np.ndarray, detail: np.ndarray | float) -> np.ndarray:
        too_plain, too_rough = self.min_detail / np.maximum(detail, 1e-3), detail / self.max_detail
        return np.maximum(distance / self.limit, np.maximum(too_plain, too_rough))


def fine_detail(views: np.ndarray) -> np.ndarray:
    """Return the mean step from pixel to pixel along the rows of views `uint8[..., S, S, 3]`.

    Returns:
        `float32[...]`, of their green, in 8-bit steps.
    """
    green = np.ascontiguousarray(views[..., 1])
    rows, columns = green.shape[-2:]
    steps = [
        cv2.norm(one[:, 1:], one[:, :-1], cv2.NORM_L1) for one in green.reshape(-1, rows, columns)
    ]
    mean = np.array(steps, np.float64) / (rows * (columns - 1))
    return mean.reshape(green.shape[:-2]).astype(np.float32)
