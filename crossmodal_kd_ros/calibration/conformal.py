# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Split conformal prediction: bounds from a calibration split that hold for new panels (Vovk et al. 2005).

A quantile of n calibration scores covers a new score with probability 1 - alpha if its rank is
ceil((n + 1)(1 - alpha)).
"""

import numpy as np

NOMINAL = 0.9


def upper_quantile(scores: np.ndarray, level: float) -> np.ndarray:
    """Return the value that a new score is at most, with probability `level`: `float[...]` of scores `[N, ...]`.

    Raises:
        ValueError: there are too few scores for that level.
    """
    scores = np.sort(np.asarray(scores, np.float64), axis=0)
    rank = int(np.ceil((len(scores) + 1) * level))
    if rank > len(scores):
        raise ValueError(
            f'expected at least {int(np.ceil(level / (1.0 - level)))} scores for a level of {level}, '
            f'got {len(scores)}'
        )
    return scores[rank - 1]


def two_sided(errors: np.ndarray, *, nominal: float = NOMINAL) -> np.ndarray:
    """Return lower and upper offset, `float[2, K]`, between which a new error lies with probability `nominal`.

    Each side misses half of the rest. Where that would leave the estimate itself outside (its
    errors have one sign), that side ends at the estimate and the other misses what is left to
    miss.

    Args:
        errors: `[N, K]`, truth minus estimate, in units or in multiples of the estimate's own
            deviation.
    """

    def offsets(column: np.ndarray) -> tuple[float, float]:
        miss = 1.0 - nominal
        lower, upper = (
            -upper_quantile(-column, 1.0 - miss / 2.0),
            upper_quantile(column, 1.0 - miss / 2.0),
        )
        if upper < 0.0:
            return -upper_quantile(-column, 1.0 - miss + float(np.mean(column > 0.0))), 0.0
        if lower > 0.0:
            return 0.0, upper_quantile(column, 1.0 - miss + float(np.mean(column < 0.0)))
        return lower, upper

    return np.array([offsets(column) for column in np.asarray(errors).T]).T


def least_probability(
    probabilities: np.ndarray, action: np.ndarray, *, nominal: float = NOMINAL
) -> float:
    """Return the probability that the right action of a new sample has at least, with probability `nominal`.

    Args:
        probabilities: `float[N, 6]`. action: `int[N]`, the right one.
    """
    return float(-upper_quantile(-probabilities[np.arange(len(action)), action], nominal))


def confidence_limit(
    confidence: np.ndarray, right: np.ndarray, *, hold_cost: float, spare: float, least: float
) -> float:
    """Return the confidence under which holding costs less than deciding (Chow 1970): the lowest of about the least cost.

    A wrong decision costs 1, a right one nothing. Holds at 0.5 each are worth it exactly where
    decisions would rather be
    wrong than right: asked for more, such as decisions as good as another network's, a weak
    network would hardly ever decide.

    Args:
        confidence: `float[N]`, probability of the best action.
        right: `bool[N]`, whether it was the expert's.
        hold_cost: of one hold, 0 to 1.
        spare: how far, for each answer, the cost may be from the least: so little is not worth a
            hold.
        least: the limit may not be lower than that.

    Returns:
        A limit from `least` to 1.
    """
    order = np.argsort(-confidence)
    decided = np.arange(len(order) + 1)
    cost = np.r_[0.0, np.cumsum(~right[order])] + hold_cost * (len(order) - decided)
    most = int(np.flatnonzero(cost <= cost.min() + spare * len(order))[-1])
    if most == 0:
        return 1.0
    return max(least, float(confidence[order[most - 1]])) if most < len(order) else least
