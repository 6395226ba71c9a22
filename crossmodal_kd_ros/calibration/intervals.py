# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far an answer can be off: intervals round the surface state, the actions that are possible, unfamiliar pictures."""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.contract import ACTIONS

_NEVER_NEGATIVE = np.array([True, True, False])  # roughness and depth; a wall may give off CO2


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Split conformal prediction of the surface state, in the order of `SURFACE_STATE`.

    Lei et al. 2018, https://arxiv.org/abs/1604.04173.

    Attributes:
        measured: `float[2, 3]`, lower and upper bound of (truth - value), in units, where healthy
            senses measure it.
        estimated: `float[2, 3]`, the same in multiples of the student's own deviation, where it is
            estimated.
    """

    measured: np.ndarray
    estimated: np.ndarray

    def bounds(
        self, surface: np.ndarray, deviation: np.ndarray, is_measured: np.ndarray, doubt: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return lower and upper bounds, each `float32[3]`.

        Args:
            surface: `float32[3]`, what is published.
            deviation: `float32[3]`, the student's own.
            is_measured: `bool[3]`, which of these healthy senses measured.
            doubt: 1 for a familiar picture; the intervals of estimates widen by this factor.
        """
        offsets = np.where(is_measured, self.measured, self.estimated * deviation * doubt)
        lower, upper = surface + offsets
        return np.where(_NEVER_NEGATIVE, np.maximum(lower, 0.0), lower).astype(
            np.float32
        ), upper.astype(np.float32)


def possible_actions(probabilities: np.ndarray, least: float) -> tuple[str, ...]:
    """Return the actions whose probability is at least `least`: the conformal set.

    It is empty where the network is less sure than it ever is when it is right. Sadinle et al.
    2019, https://arxiv.org/abs/1609.00451.
    """
    return tuple(
        action for action, probability in zip(ACTIONS, probabilities) if probability >= least
    )


@dataclass(frozen=True, kw_only=True)
class Familiarity:
    """How pictures of the training's kind look to the student: a Gaussian over its features.

    Lee et al. 2018, https://arxiv.org/abs/1807.03888.

    Attributes:
        mean: `float[D]`.
        whitening: `float[K, D]`; a familiar picture's whitened features have a mean square of
            about 1.
        limit: distance up to which a picture is familiar.
        usual: distance that 19 of 20 familiar pictures keep within.
        least_detail, most_detail: `fine_detail` of familiar pictures: less is out of focus, more
            is noise, whatever the student makes of it.
        usual_detail: `float[2]`, between which 19 of 20 lie.
    """

    mean: np.ndarray
    whitening: np.ndarray
    limit: float
    usual: float
    least_detail: float
    most_detail: float
    usual_detail: np.ndarray

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Return the root mean square of the whitened features `[..., D]`: about 1 for a familiar picture."""
        return np.sqrt(np.square((features - self.mean) @ self.whitening.T).mean(-1))

    def is_usual(self, features: np.ndarray, detail: float) -> bool:
        """Return whether a picture with these features `[D]` is like most: only such are evidence against another sense."""
        low, high = self.usual_detail
        return bool(self.distance(features) <= self.usual and low <= detail <= high)

    def excess(self, features: np.ndarray, detail: np.ndarray | float) -> np.ndarray:
        """Return how many times the limits pictures with these features `[..., D]` and details `[...]` are; up to 1: familiar."""
        too_plain, too_rough = (
            self.least_detail / np.maximum(detail, 1e-3),
            detail / self.most_detail,
        )
        return np.maximum(self.distance(features) / self.limit, np.maximum(too_plain, too_rough))


def fine_detail(view: np.ndarray) -> np.ndarray:
    """Return the mean step from pixel to pixel along the rows of views `uint8[..., S, S, 3]`: their green, in 8-bit steps.

    Returns:
        `float32[...]`.
    """
    return (
        np.abs(np.diff(view[..., 1].astype(np.int16), axis=-1)).mean((-1, -2)).astype(np.float32)
    )
