# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Loss on the readings: predict them, and how far off the prediction may be."""

import torch
from torch import Tensor


def gaussian_nll(mean: Tensor, logvar: Tensor, target: Tensor, *, beta: float = 0.5) -> Tensor:
    r"""Negative log likelihood of a Gaussian whose variance is predicted too.

    $\frac{1}{N} \sum \lfloor \sigma^{2 \beta} \rfloor \frac{1}{2}
    (\log \sigma^2 + (y - \mu)^2 / \sigma^2)$, where $\lfloor \cdot \rfloor$ stops the gradient.
    With `beta` 0 it is the plain likelihood (Nix and Weigend 1994), which lets a network give up
    on what is hard by calling it noise; with 1 the mean learns as under squared error. 0.5 is what
    Seitzer et al. 2022 (https://arxiv.org/abs/2203.09168) recommend.
    The constant $\frac{1}{2} \log 2 \pi$ is left out.

    Args:
        mean: `float[...]`, $\mu$, in standard units.
        logvar: `float[...]`, $\log \sigma^2$, of the same shape.
        target: `float[...]`, $y$, of the same shape; receives no gradient. An element that is NaN
            is not known, and is left out.
        beta: 0 to 1.

    Returns:
        `float[]`, the mean over all elements that are known; may be negative. 0 if none is.

    Raises:
        ValueError: shapes differ or beta is out of range.

    Example:
        >>> import torch
        >>> zero = torch.zeros(4)
        >>> gaussian_nll(zero, zero, torch.full((4,), 2.0)).item()
        2.0
    """
    if not mean.shape == logvar.shape == target.shape:
        raise ValueError(
            f'expected mean, logvar and target of one shape, got {list(mean.shape)}, '
            f'{list(logvar.shape)} and {list(target.shape)}'
        )
    if not 0.0 <= beta <= 1.0:
        raise ValueError(f'expected beta from 0 to 1, got {beta}')
    is_known = ~target.isnan()
    # Replaced rather than multiplied by 0, which would leave the gradient NaN.
    error = torch.where(is_known, target.detach(), 0.0) - mean
    nll = 0.5 * (logvar + error.square() * (-logvar).exp())
    weighted = torch.where(is_known, (beta * logvar.detach()).exp() * nll, 0.0)
    return weighted.sum() / is_known.sum().clamp(min=1)
