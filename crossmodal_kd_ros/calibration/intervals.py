# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Split conformal prediction: bounds of quantities, sets of actions, confidence limits.

Bounds from a calibration split hold for new groups (Vovk et al. 2005): a quantile of n calibration
scores covers a new score with probability 1 - alpha if its rank is ceil((n + 1)(1 - alpha)).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NOMINAL = 0.9


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Bounds of the Q quantities of a profile.

    Lei et al. 2018, https://arxiv.org/abs/1604.04173. NaN where too few truths were known.

    Attributes:
        measured: `float[2, Q]`, lower and upper bound of (truth - value), in units, where healthy
            senses measure it.
        estimated: `float[2, Q]`, the same in multiples of the student's own standard deviation,
            where the student estimates it.
    """

    measured: np.ndarray
    estimated: np.ndarray

    def bounds(
        self,
        quantities: np.ndarray,
        std: np.ndarray,
        is_measured: np.ndarray,
        *,
        ood_score: float,
        minimum: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return lower and upper bounds, each `float32[Q]`; NaN where there are none.

        Args:
            quantities: `float32[Q]`, what is published.
            std: `float32[Q]`, the student's own standard deviations.
            is_measured: `bool[Q]`, which of them healthy senses measured.
            ood_score: 1 for a familiar picture; bounds of estimates widen by this factor.
            minimum: `float[Q]`, the least value that each can have; may be minus infinity.
        """
        offsets = np.where(is_measured, self.measured, self.estimated * std * ood_score)
        # Upper bounds too: a sensor may read less than there can be.
        lower, upper = np.maximum(quantities + offsets, minimum).astype(np.float32)
        return lower, upper


def possible_actions(
    actions: Sequence[str], probabilities: np.ndarray, min_possible: float
) -> tuple[str, ...]:
    """Return the conformal set: the actions whose probability is at least `min_possible`.

    It is empty where the network is less sure than it ever is when it is right. Sadinle et al.
    2019, https://arxiv.org/abs/1609.00451.

    Args:
        actions: of the profile. probabilities: `float[A]`, one for each.
        min_possible: from `min_probability`.
    """
    return tuple(
        action
        for action, probability in zip(actions, probabilities)
        if probability >= min_possible
    )


def upper_quantile(scores: np.ndarray, level: float) -> np.ndarray:
    """Return the value that a new score is at most, with probability `level`.

    Args:
        scores: `[N, ...]`; one value, `float[...]`, follows from N.
        level: the probability.

    Raises:
        ValueError: there are too few scores for that level.
    """
    scores = np.sort(np.asarray(scores, np.float64), axis=0)
    rank = int(np.ceil((len(scores) + 1) * level))
    if rank > len(scores):
        raise ValueError(
            f'expected at least {int(np.ceil(level / (1.0 - level)))} scores for a level of '
            f'{level}, got {len(scores)}'
        )
    return scores[rank - 1]


def two_sided(errors: np.ndarray, *, nominal: float = NOMINAL) -> np.ndarray:
    """Return lower and upper offset, `float[2, K]`, of a new error, with probability `nominal`.

    Each side misses half of the rest. Where that would leave the estimate itself outside (its
    errors have one sign), that side ends at the estimate and the other misses what is left to
    miss.

    Args:
        errors: `[N, K]`, truth minus estimate, in units or in multiples of the estimate's own
            standard deviation.
        nominal: the probability.
    """

    def offsets(column: np.ndarray) -> tuple[float, float]:
        miss = 1.0 - nominal
        lower = -upper_quantile(-column, 1.0 - miss / 2.0)
        upper = upper_quantile(column, 1.0 - miss / 2.0)
        if upper < 0.0:
            return -upper_quantile(-column, 1.0 - miss + float(np.mean(column > 0.0))), 0.0
        if lower > 0.0:
            return 0.0, upper_quantile(column, 1.0 - miss + float(np.mean(column < 0.0)))
        return lower, upper

    columns = np.asarray(errors).T
    return np.array([offsets(column) for column in columns]).reshape(len(columns), 2).T


def min_probability(
    probabilities: np.ndarray, action: np.ndarray, *, nominal: float = NOMINAL
) -> float:
    """Return the probability that the right action of a new sample has at least.

    Args:
        probabilities: `float[N, A]`. action: `int[N]`, the right one.
        nominal: how probable that is.
    """
    return float(-upper_quantile(-probabilities[np.arange(len(action)), action], nominal))


def confidence_limit(
    confidence: np.ndarray, right: np.ndarray, *, hold_cost: float, spare: float, minimum: float
) -> float:
    """Return the confidence under which holding costs less than deciding (Chow 1970).

    A wrong decision costs 1, a right one nothing. Holds at 0.5 each are worth it exactly where
    decisions would rather be wrong than right: if decisions had to be as good as another
    network's, a weak network would hardly ever decide. Of all limits that cost about the least it
    is the lowest.

    Args:
        confidence: `float[N]`, probability of the best action.
        right: `bool[N]`, whether it was the right one.
        hold_cost: of one hold, 0 to 1.
        spare: how far, for each answer, the cost may be from the least: so little is not worth a
            hold.
        minimum: the limit may not be lower than that.

    Returns:
        A limit from `minimum` to 1.
    """
    order = np.argsort(-confidence)
    decided = np.arange(len(order) + 1)
    cost = np.r_[0.0, np.cumsum(~right[order])] + hold_cost * (len(order) - decided)
    count = int(np.flatnonzero(cost <= cost.min() + spare * len(order))[-1])
    if count == 0:
        return 1.0
    return max(minimum, float(confidence[order[count - 1]])) if count < len(order) else minimum
