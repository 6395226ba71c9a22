# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the weights of losses change while training: functions of progress, nothing else."""

import math


def progressive_alpha(
    step: int, total_steps: int, *, ramp: float = 0.3, highest: float = 1.0
) -> float:
    r"""Return the article's weight of the teacher: first labels alone, then ever more of it.

    $highest \cdot \min(1, step / (ramp \cdot total\_steps))$

    Args:
        step: from 0; epochs as in the article, or steps.
        total_steps: how many there will be, at least 1.
        ramp: share of the training over which alpha grows; 0.3 is the article's.
        highest: where it ends; 1, the article's, stops listening to labels after the ramp.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> [round(progressive_alpha(step, 100), 2) for step in (0, 15, 30, 99)]
        [0.0, 0.5, 1.0, 1.0]
    """
    if step < 0 or total_steps < 1 or not 0.0 < ramp <= 1.0 or not 0.0 <= highest <= 1.0:
        raise ValueError(
            'expected step of at least 0, total_steps of at least 1, ramp and highest within 0 '
            f'and 1, got {step}, {total_steps}, {ramp} and {highest}'
        )
    return highest * min(1.0, step / (total_steps * ramp))


def adversarial_ramp(progress: float) -> float:
    r"""Return the strength of gradient reversal: little while the adversary has not learnt.

    $2 / (1 + e^{-10 p}) - 1$ (Ganin and Lempitsky 2015, section 5).

    Args:
        progress: $p$, share of the training done, 0 to 1.

    Raises:
        ValueError: progress is out of range.

    Example:
        >>> [round(adversarial_ramp(progress), 4) for progress in (0.0, 0.1, 0.5, 1.0)]
        [0.0, 0.4621, 0.9866, 0.9999]
    """
    if not 0.0 <= progress <= 1.0:
        raise ValueError(f'expected progress from 0 to 1, got {progress}')
    return math.tanh(5.0 * progress)  # the same function
