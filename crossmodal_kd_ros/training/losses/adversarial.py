# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Gradient reversal: features from which an adversary cannot tell day from night."""

import math

import torch
from torch import Tensor


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reverse_gradient(x: Tensor, strength: float) -> Tensor:
    r"""Return `x` as it is, and on the way back multiply its gradient by `-strength`.

    $R(x) = x$, $dR/dx = -\lambda I$ (Ganin and Lempitsky 2015, https://arxiv.org/abs/1409.7495).
    Between features and an adversary: the adversary learns to tell the domains apart, the features
    learn to give nothing away.

    Args:
        x: `float[...]`.
        strength: $\lambda$, at least 0; see `adversarial_ramp`.

    Raises:
        ValueError: strength is negative: that would help the adversary.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> reverse_gradient(x, 0.5).sum().backward()
        >>> x.grad.tolist()
        [-0.5, -0.5]
    """
    if not strength >= 0.0:
        raise ValueError(f'expected a strength of at least 0, got {strength}')
    return _Reverse.apply(x, strength)


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
