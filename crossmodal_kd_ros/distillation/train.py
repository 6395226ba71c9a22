# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The two trainings, top to bottom: a teacher that sees everything, then a student that sees the camera alone."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.distillation.batches import Batch, augment, draw_rows, in_order, shrink, take
from crossmodal_kd_ros.distillation.losses import NO_LABEL, distillation_loss, feature_matching_loss, gaussian_nll
from crossmodal_kd_ros.distillation.recipe import OptimiserRecipe, StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.networks import Statistics, Student, Teacher, freeze

# Called after each step with (step, total, {name: value}).
Report = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Lesson:
    """What a teacher says of every training pair, asked once: `logits` float32[N, 6], `features` float32[N, D]."""

    logits: Tensor
    features: Tensor


def train_teacher(recipe: TeacherRecipe, train: Pairs, validation: Pairs, *, seed: int, report: Report) -> Teacher:
    """Train a teacher on the labelled part of `train`; return it frozen, at its best step on `validation`.

    Modality dropout: touch and gas are each hidden from some of the samples, so that the mask tokens learn to stand in
    for a lost sense.
    """
    torch.manual_seed(seed)
    teacher = Teacher()
    teacher.standardise.set(Statistics.of(touch=train.touch, gas=train.gas, surface=train.surface))
    labelled = torch.from_numpy(np.flatnonzero(train.action != NO_LABEL))

    def loss(batch: Batch, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        present = torch.rand(2, len(batch.rows), generator=generator)
        output = teacher(
            image=batch.image, touch=batch.touch, gas=batch.gas,
            touch_present=present[0] >= recipe.touch_dropout, gas_present=present[1] >= recipe.gas_dropout)
        value = nn.functional.cross_entropy(output.logits, batch.action, label_smoothing=0.02)
        return value, {'loss': value.item()}

    def draw(generator: torch.Generator) -> Tensor:
        return draw_rows(labelled, labelled[:0], recipe.batch, generator)

    _train(teacher, recipe, train, validation, draw, loss, lambda pairs: teacher_accuracy(teacher, pairs), seed, report)
    with torch.inference_mode():
        logits = torch.cat([teacher_output(teacher, batch).logits for batch in in_order(validation)])
    calibrate(teacher.classifier, logits, torch.from_numpy(validation.action))
    return freeze(teacher)


def train_student(
        recipe: StudentRecipe, teacher: Teacher | None, train: Pairs, validation: Pairs, *, seed: int,
        report: Report) -> Student:
    """Train a student; return it in evaluation mode, at its best step on `validation`.

    With a teacher: the article's loss on its logits (labels where there are any), its embedding, and the touch and gas
    of every pair. Without (`recipe.distil` false, the control): labels, touch and gas of the labelled pairs alone.

    Raises:
        ValueError: `recipe.distil` and `teacher` contradict each other.
    """
    if recipe.distil != (teacher is not None):
        raise ValueError(f'expected a teacher if and only if distil is true, got distil {recipe.distil}')
    torch.manual_seed(seed)
    student = Student()
    student.standardise.set(Statistics.of(touch=train.touch, gas=train.gas, surface=train.surface))
    has_label = train.action != NO_LABEL
    labelled = torch.from_numpy(np.flatnonzero(has_label))
    unlabelled = torch.from_numpy(np.flatnonzero(~has_label)) if recipe.distil else labelled[:0]
    lesson = teach(teacher, train) if teacher is not None else None

    def loss(batch: Batch, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        output = student(batch.image)
        standard = student.standardise.to_standard
        parts = {
            'touch': recipe.touch_weight * gaussian_nll(
                output.touch_z, output.touch_logvar, standard('touch', batch.touch)),
            'gas': recipe.gas_weight * gaussian_nll(output.gas_z, output.gas_logvar, standard('gas', batch.gas)),
            'surface': recipe.surface_weight * gaussian_nll(
                output.surface_z, output.surface_logvar, standard('surface', batch.surface))}
        if lesson is None:
            parts['action'] = nn.functional.cross_entropy(output.logits, batch.action)
        else:
            parts['action'] = distillation_loss(
                output.logits, lesson.logits[batch.rows], batch.action,
                temperature=recipe.temperature, alpha=recipe.alpha)
            parts['features'] = recipe.feature_weight * feature_matching_loss(
                output.features, lesson.features[batch.rows])
        value = sum(parts.values())
        return value, {'loss': value.item()} | {name: part.item() for name, part in parts.items()}

    def draw(generator: torch.Generator) -> Tensor:
        return draw_rows(labelled, unlabelled, recipe.batch, generator)

    _train(student, recipe, train, validation, draw, loss, lambda pairs: student_accuracy(student, pairs), seed, report)
    with torch.inference_mode():
        logits = torch.cat([student(batch.image).logits for batch in in_order(validation)])
    calibrate(student.classifier, logits, torch.from_numpy(validation.action))
    return student


def _train(
        network: nn.Module, recipe: OptimiserRecipe, train: Pairs, validation: Pairs,
        draw: Callable[[torch.Generator], Tensor],
        loss: Callable[[Batch, int, torch.Generator], tuple[Tensor, dict[str, float]]],
        score: Callable[[Pairs], float], seed: int, report: Report) -> None:
    """Run the loop; leave `network` with the weights of the step that scored best."""
    network.to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(seed)
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([
        {'params': matrices, 'weight_decay': recipe.weight_decay}, {'params': vectors, 'weight_decay': 0.0}])
    best_score, best = -math.inf, None
    early = min(round(recipe.early_share * recipe.steps), recipe.steps - 1)
    small, small_validation = (shrink(pairs, recipe.early_px) for pairs in (train, validation))
    for step in range(1, recipe.steps + 1):
        pairs = small if step <= early else train
        for group in optimiser.param_groups:
            group['lr'] = recipe.learning_rate * learning_rate_share(step, recipe.steps)
        network.train()
        batch = augment(take(pairs, draw(generator)), generator)
        value, parts = loss(batch, step, generator)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        if step % recipe.validate_every == 0 or step == recipe.steps:
            network.eval()
            parts['validation_accuracy'] = score(small_validation if step <= early else validation)
            # Only steps that have seen the full size compete: small pictures say little of it.
            if step > early and parts['validation_accuracy'] > best_score:
                best_score, best = parts['validation_accuracy'], copy.deepcopy(network.state_dict())
        report(step, recipe.steps, parts)
    network.load_state_dict(best)
    network.eval()


def learning_rate_share(step: int, total: int) -> float:
    """Return the learning rate at `step` (from 1) as a share of its peak: linear over 5 % of the steps, then a cosine."""
    warm = max(1, round(0.05 * total))
    if step <= warm:
        return step / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def calibrate(classifier: nn.Linear, logits: Tensor, action: Tensor) -> float:
    """Scale a classifier so that its confidence is how often it is right; no decision changes. Return the temperature.

    Temperature scaling (Guo et al. 2017, https://arxiv.org/abs/1706.04599): the one number by which dividing `logits`
    makes `action` likeliest, folded into the weights, so that whoever reads them need not know of it.

    Args:
        classifier: made `logits`; changed in place.
        logits: `float32[N, C]`, of pairs that were not trained on.
        action: `int64[N]`.
    """
    logits = logits.clone().double()
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_temperature], max_iter=50, line_search_fn='strong_wolfe')

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(logits / log_temperature.exp(), action)
        loss.backward()
        return loss
    optimiser.step(closure)
    temperature = float(log_temperature.detach().exp())
    with torch.no_grad():
        classifier.weight.div_(temperature)
        classifier.bias.div_(temperature)
    return temperature


@torch.inference_mode()
def teach(teacher: Teacher, pairs: Pairs) -> Lesson:
    """Ask a teacher about every pair, all senses present, pictures unchanged."""
    outputs = [teacher_output(teacher, batch) for batch in in_order(pairs)]
    return Lesson(torch.cat([o.logits for o in outputs]).clone(), torch.cat([o.features for o in outputs]).clone())


def teacher_output(teacher: Teacher, batch: Batch, *, touch: bool = True, gas: bool = True):
    """Return what `teacher` says of `batch` with touch and gas present or masked."""
    size = len(batch.rows)
    return teacher(
        image=batch.image, touch=batch.touch, gas=batch.gas,
        touch_present=torch.full((size,), touch), gas_present=torch.full((size,), gas))


@torch.inference_mode()
def teacher_accuracy(teacher: Teacher, pairs: Pairs) -> float:
    """Return how often `teacher` agrees with the expert, all senses present."""
    return sum(
        int((teacher_output(teacher, batch).logits.argmax(1) == batch.action).sum())
        for batch in in_order(pairs)) / len(pairs)


@torch.inference_mode()
def student_accuracy(student: Student, pairs: Pairs) -> float:
    """Return how often `student` agrees with the expert."""
    return sum(
        int((student(batch.image).logits.argmax(1) == batch.action).sum())
        for batch in in_order(pairs)) / len(pairs)
