# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A teacher that has lost a sense, joined with the student.

Each counts as much as it was measured to be worth.

Stacked generalisation (Wolpert 1992, https://doi.org/10.1016/S0893-6080(05)80023-1), by
multinomial logistic regression.
"""

from dataclasses import dataclass

import numpy as np

# A probability of nought is an opinion, not a certainty.
_MIN_PROBABILITY = 1e-4


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Joins the opinions of a teacher and a student on A actions.

    Attributes:
        weights: `float[2 * A, A]`, of the logarithms of the teacher's probabilities, then of the
            student's.
        bias: `float[A]`.
    """

    weights: np.ndarray
    bias: np.ndarray

    def join(self, teacher: np.ndarray, student: np.ndarray) -> np.ndarray:
        """Return probabilities `float32[..., A]` from those of both, `[..., A]`."""
        scores = opinions(teacher, student) @ self.weights + self.bias
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        return (odds / odds.sum(-1, keepdims=True)).astype(np.float32)


def opinions(teacher: np.ndarray, student: np.ndarray) -> np.ndarray:
    """Return what `Stack.weights` weigh, `float[..., 2 * A]`, from probabilities `[..., A]`."""
    return np.log(np.maximum(np.concatenate([teacher, student], -1), _MIN_PROBABILITY))
