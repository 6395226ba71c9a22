# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Losses on the embedding: features, or relations between them, like the teacher's."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

_TINY = 1e-6  # a feature that does not vary over the batch stays zero instead of becoming noise


def feature_matching_loss(
    student_features: Tensor,
    teacher_features: Tensor,
    *,
    kind: Literal['cosine', 'mse'] = 'cosine',
) -> Tensor:
    r"""Match embeddings, each dimension standardised over the batch.

    With $z = (f - mean_B f) / std_B f$ for either side: `cosine` is $1 - \frac{1}{B} \sum_b
    \cos(z^S_b, z^T_b)$, and `mse` is $\frac{1}{BD} \sum_{bd} (z^S_{bd} - z^T_{bd})^2$, which is
    two minus twice the mean correlation. Standardised, because a linear classifier absorbs scale
    and shift, and no dimension should count more than the others for its size. (After FitNets,
    Romero et al. 2015, https://arxiv.org/abs/1412.6550.)

    Args:
        student_features: `float[B, D]`, projected to the teacher's width if it is another; B at
            least 2.
        teacher_features: `float[B, D]`; receives no gradient.
        kind: `cosine` or `mse`.

    Returns:
        `float[]`.

    Raises:
        ValueError: shapes or kind are not as above.

    Example:
        >>> features = torch.tensor([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]])
        >>> round(feature_matching_loss(5 * features + 1, features, kind='mse').item(), 4)
        0.0
        >>> round(feature_matching_loss(-features, features, kind='cosine').item(), 4)
        2.0
    """
    _check(student_features, teacher_features, min_count=2, same_width=True)
    student, teacher = _standardise(student_features), _standardise(teacher_features.detach())
    if kind == 'cosine':
        return 1.0 - F.cosine_similarity(student, teacher, dim=1, eps=_TINY).mean()
    if kind == 'mse':
        return F.mse_loss(student, teacher)
    raise ValueError(f'expected kind to be cosine or mse, got {kind!r}')


def relational_distance_loss(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    r"""Match distances between samples, RKD-D.

    $\frac{1}{B^2} \sum_{ij} huber(\|s_i - s_j\| / \mu_s, \|t_i - t_j\| / \mu_t)$, with $\mu$ the
    mean distance of two different samples (Park et al. 2019, https://arxiv.org/abs/1904.05068).

    Args:
        student_features: `float[B, D]`, B at least 2.
        teacher_features: `float[B, E]`, of any width; receives no gradient.

    Returns:
        `float[]`.

    Raises:
        ValueError: shapes are not as above.
    """
    _check(student_features, teacher_features, min_count=2, same_width=False)
    return F.smooth_l1_loss(_distances(student_features), _distances(teacher_features.detach()))


def relational_angle_loss(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    r"""Match angles between triples of samples, RKD-A.

    $\frac{1}{B^3} \sum_{ijk} huber(\cos \angle s_i s_j s_k, \cos \angle t_i t_j t_k)$ (Park et al.
    2019, https://arxiv.org/abs/1904.05068). Memory grows with $B^2 (B + D)$: 17 MB for 128 samples
    of 128 features in float32.

    Args:
        student_features: `float[B, D]`, B at least 3.
        teacher_features: `float[B, E]`, of any width; receives no gradient.

    Returns:
        `float[]`.

    Raises:
        ValueError: shapes are not as above.
    """
    _check(student_features, teacher_features, min_count=3, same_width=False)
    return F.smooth_l1_loss(_angles(student_features), _angles(teacher_features.detach()))


def _standardise(features: Tensor) -> Tensor:
    centred = features - features.mean(0)
    return centred / (features.var(0, correction=0) + _TINY**2).sqrt()


def _distances(features: Tensor) -> Tensor:
    # Without matrix products: |a|^2 + |b|^2 - 2ab loses the digits of near neighbours in float32.
    distances = torch.cdist(features, features, compute_mode='donot_use_mm_for_euclid_dist')
    mean = distances.sum() / (distances > 0).sum().clamp_min(1)
    return distances / mean.clamp_min(_TINY)


def _angles(features: Tensor) -> Tensor:
    rays = F.normalize(features[None] - features[:, None], dim=2)
    return rays @ rays.transpose(1, 2)


def _check(
    student_features: Tensor, teacher_features: Tensor, *, min_count: int, same_width: bool
) -> None:
    shapes = [list(features.shape) for features in (student_features, teacher_features)]
    if (
        any(len(shape) != 2 or shape[0] != shapes[0][0] for shape in shapes)
        or shapes[0][0] < min_count
    ):
        raise ValueError(
            f'expected features [B, D] of the same samples, at least {min_count}, '
            f'got {shapes[0]} and {shapes[1]}'
        )
    if same_width and shapes[0] != shapes[1]:
        raise ValueError(
            f'expected features of one width, got {shapes[0][1]} and {shapes[1][1]}: '
            "project the student's to the teacher's"
        )
