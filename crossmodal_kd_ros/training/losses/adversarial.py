# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Gradient reversal: features from which an adversary cannot tell day from night."""

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
