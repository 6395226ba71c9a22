# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Losses on the decision: what the teacher's logits teach beyond the label."""

import torch
from torch import Tensor
from torch.nn import functional as F

NO_LABEL = -1


def distillation_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    labels: Tensor,
    *,
    temperature: float = 4.0,
    alpha: float = 0.7,
) -> Tensor:
    r"""Article's loss: soft targets and hard labels.

    $\alpha T^2 \frac{1}{B} \sum_b KL(softmax(t_b / T) || softmax(s_b / T))
    + (1 - \alpha) CE(s, y)$ (Hinton et al. 2015, https://arxiv.org/abs/1503.02531).

    The first term is a mean over all samples, the second over those that have a label: what people
    have not labelled the teacher labels. $T^2$ keeps the gradient of the first term at one size
    for every temperature.

    Args:
        student_logits: `float[B, C]`.
        teacher_logits: `float[B, C]`; receives no gradient.
        labels: `int64[B]`, 0 to C - 1, or -1 for a sample without label.
        temperature: $T$, more than 0; 4 is the article's.
        alpha: weight of the teacher, 0 to 1; 0.7 is the article's.

    Returns:
        `float[]`.

    Raises:
        ValueError: shapes, labels, temperature or alpha are not as above.

    Example:
        >>> student, teacher = torch.tensor([[0.0, 2.0]]), torch.tensor([[0.0, 4.0]])
        >>> round(distillation_loss(student, teacher, torch.tensor([1])).item(), 4)
        0.3331
        >>> round(distillation_loss(student, teacher, torch.tensor([-1])).item(), 4)
        0.2951
    """
    _check(student_logits, teacher_logits, labels, temperature)
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f'expected alpha from 0 to 1, got {alpha}')
    soft = F.kl_div(
        F.log_softmax(student_logits / temperature, 1),
        F.log_softmax(teacher_logits.detach() / temperature, 1),
        reduction='batchmean',
        log_target=True,
    )
    labelled = (labels != NO_LABEL).sum().clamp_min(1)
    hard = (
        F.cross_entropy(student_logits, labels, ignore_index=NO_LABEL, reduction='sum') / labelled
    )
    return alpha * temperature**2 * soft + (1.0 - alpha) * hard


def decoupled_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    labels: Tensor,
    *,
    temperature: float = 4.0,
    target_weight: float = 1.0,
    other_weight: float = 8.0,
) -> Tensor:
    r"""Decoupled distillation, DKD (Zhao et al. 2022, https://arxiv.org/abs/2203.08679).

    $\frac{T^2}{B} \sum_b w_t KL(b^T || b^S) + w_o KL(\hat p^T || \hat p^S)$, with
    $b = (p_y, 1 - p_y)$: how sure of the target, and $\hat p$ the softmax over the other classes
    alone: what a confident teacher knows of the rest, which the undivided loss multiplies by
    $1 - p_y$ and so all but silences.

    Computed from logarithms throughout, so that logits of 1e4 give neither NaN nor infinity.

    Args:
        student_logits: `float[B, C]`, C at least 3.
        teacher_logits: `float[B, C]`; receives no gradient.
        labels: `int64[B]`, 0 to C - 1, or -1: the teacher's most likely class then is the target.
        temperature: $T$, more than 0; 4 is the paper's.
        target_weight: $w_t$; 1 is the paper's.
        other_weight: $w_o$; 8 is the paper's for CIFAR-100 with a ResNet.

    Returns:
        `float[]`.

    Raises:
        ValueError: shapes, labels or temperature are not as above; two classes, of which one is
            not a distribution.

    Example:
        >>> student, teacher = torch.tensor([[0.0, 2.0, 1.0]]), torch.tensor([[3.0, 1.0, 0.0]])
        >>> round(decoupled_loss(student, teacher, torch.tensor([0])).item(), 4)
        1.8964
    """
    _check(student_logits, teacher_logits, labels, temperature)
    if student_logits.shape[1] < 3:
        raise ValueError(
            f'expected at least 3 classes to decouple, got {student_logits.shape[1]}: '
            'use distillation_loss'
        )
    teacher_logits = teacher_logits.detach()
    target = torch.where(labels == NO_LABEL, teacher_logits.argmax(1), labels)
    student_binary, student_others = _decouple(student_logits / temperature, target)
    teacher_binary, teacher_others = _decouple(teacher_logits / temperature, target)
    target_term = F.kl_div(student_binary, teacher_binary, reduction='batchmean', log_target=True)
    other_term = F.kl_div(student_others, teacher_others, reduction='batchmean', log_target=True)
    return temperature**2 * (target_weight * target_term + other_weight * other_term)


def pseudo_label_loss(
    strong_logits: Tensor, weak_logits: Tensor, *, min_confidence: float = 0.95
) -> Tensor:
    r"""FixMatch (Sohn et al. 2020, https://arxiv.org/abs/2001.07685): a network labels for itself.

    $\frac{1}{B} \sum_b [\max_c p_{b,c} \ge \tau] \, CE(s_b, argmax_c p_{b,c})$ with
    $p = softmax(w)$: what is sure of a picture changed little is the label of the same picture
    changed much. A mean over all samples, so that it weighs less while little is sure.

    Args:
        strong_logits: `float[B, C]`, $s$, of the pictures changed much.
        weak_logits: `float[B, C]`, $w$, of the same changed little; receives no gradient.
        min_confidence: $\tau$, 0 to 1; 0.95 is the paper's.

    Returns:
        `float[]`.

    Raises:
        ValueError: shapes differ or `min_confidence` is out of range.

    Example:
        >>> strong, weak = torch.tensor([[0.0, 2.0]] * 2), torch.tensor([[0.0, 4.0], [0.0, 2.0]])
        >>> round(pseudo_label_loss(strong, weak).item(), 4)
        0.0635
    """
    if strong_logits.ndim != 2 or strong_logits.shape != weak_logits.shape:
        raise ValueError(
            'expected logits [B, C] of strong and weak views, got '
            f'{list(strong_logits.shape)} and {list(weak_logits.shape)}'
        )
    if not 0.0 <= min_confidence <= 1.0:
        raise ValueError(f'expected min_confidence from 0 to 1, got {min_confidence}')
    confidence, pseudo_label = weak_logits.detach().softmax(1).max(1)
    is_sure = confidence >= min_confidence
    return (F.cross_entropy(strong_logits, pseudo_label, reduction='none') * is_sure).mean()


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


def _decouple(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return log (p_y, 1 - p_y) `[B, 2]` and log softmax of the other classes `[B, C - 1]`."""
    classes = logits.shape[1]
    is_target = F.one_hot(target, classes).bool()
    others = logits[~is_target].reshape(-1, classes - 1)
    both = torch.stack([logits[is_target], others.logsumexp(1)], 1)
    return F.log_softmax(both, 1), F.log_softmax(others, 1)


def _check(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float
) -> None:
    if (
        student_logits.ndim != 2
        or student_logits.shape != teacher_logits.shape
        or labels.shape != student_logits.shape[:1]
    ):
        raise ValueError(
            'expected logits [B, C] of student and teacher and labels [B], got '
            f'{list(student_logits.shape)}, {list(teacher_logits.shape)} and {list(labels.shape)}'
        )
    if not temperature > 0.0:
        raise ValueError(f'expected a temperature of more than 0, got {temperature}')
    classes = student_logits.shape[1]
    wrong = labels[(labels < NO_LABEL) | (labels >= classes)]
    if len(wrong):
        raise ValueError(
            f'expected labels from 0 to {classes - 1}, or -1 for none, got {wrong[0].item()}'
        )
