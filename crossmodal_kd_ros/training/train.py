# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The two trainings: a teacher that sees, touches and smells, then a student that sees alone."""

import numpy as np
import torch
from torch import Tensor, nn

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import (
    Statistics,
    Student,
    StudentConfig,
    Teacher,
    TeacherConfig,
    freeze,
)
from crossmodal_kd_ros.training.batches import in_order
from crossmodal_kd_ros.training.device import Place
from crossmodal_kd_ros.training.loop import Run, fit
from crossmodal_kd_ros.training.losses import NO_LABEL
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.training.tasks import Lesson, StudentTask, TeacherTask, teacher_output

History = list[dict[str, float]]


def train_teacher(
    recipe: TeacherRecipe, train: Pairs, validation: Pairs, *, seed: int, run: Run | None = None
) -> tuple[Teacher, History]:
    """Train a teacher; return it frozen, at its best step, and its validations.

    It learns to decide from the labelled part of `train`, and what a picture tells from all of it,
    see `TeacherTask`.
    Modality dropout: touch and gas are each hidden from some of the samples, so that the mask
    tokens learn to stand in for a lost sense.
    """
    run = run or Run()
    torch.manual_seed(seed)
    teacher = Teacher(TeacherConfig(view_px=recipe.view_px, grid=recipe.view_px // 16))
    teacher.standardise.set(Statistics.of(touch=train.touch, gas=train.gas, surface=train.surface))
    labelled, unlabelled = (
        torch.from_numpy(np.flatnonzero(rows))
        for rows in (train.action != NO_LABEL, train.action == NO_LABEL)
    )
    history = fit(
        TeacherTask(teacher, recipe),
        recipe,
        train,
        validation,
        labelled=labelled,
        unlabelled=unlabelled,
        seed=seed,
        run=run,
    )
    freeze(teacher)
    with torch.no_grad():
        logits = torch.cat(
            [
                teacher_output(teacher, batch.to(run.place.device)).logits
                for batch in in_order(validation)
            ]
        )
    calibrate(teacher.classifier, logits, torch.from_numpy(validation.action))
    return teacher, history


def train_student(
    recipe: StudentRecipe,
    teacher: Teacher | None,
    train: Pairs,
    validation: Pairs,
    *,
    seed: int,
    start: Student | None = None,
    run: Run | None = None,
) -> tuple[Student, History]:
    """Train a student, from fresh weights or those of `start`; return it, at its best step, and its validations.

    With a teacher: the article's loss on its logits (labels where there are any), its embedding,
    and the touch and gas of every pair. Without (`recipe.distil` false, the control): labels,
    touch and gas of the labelled pairs alone.

    Raises:
        ValueError: `recipe.distil` and `teacher` contradict each other.
    """
    if recipe.distil != (teacher is not None):
        raise ValueError(
            f'expected a teacher if and only if distil is true, got distil {recipe.distil}'
        )
    run = run or Run()
    torch.manual_seed(seed)
    student = Student(StudentConfig(view_px=recipe.view_px))
    student.standardise.set(Statistics.of(touch=train.touch, gas=train.gas, surface=train.surface))
    if start is not None:
        student.load_state_dict(start.state_dict())
    has_label = train.action != NO_LABEL
    labelled = torch.from_numpy(np.flatnonzero(has_label))
    unlabelled = torch.from_numpy(
        np.flatnonzero(~has_label if recipe.distil and recipe.unlabelled else has_label[:0])
    )
    lesson = teach(teacher, train, run.place) if teacher is not None else None
    history = fit(
        StudentTask(student, recipe, lesson),
        recipe,
        train,
        validation,
        labelled=labelled,
        unlabelled=unlabelled,
        seed=seed,
        run=run,
    )
    with torch.no_grad():
        logits = torch.cat(
            [student(batch.image.to(run.place.device)).logits for batch in in_order(validation)]
        )
    calibrate(student.classifier, logits, torch.from_numpy(validation.action))
    return student, history


def forgetting(history: History, recipe: StudentRecipe) -> dict[str, float]:
    """Return how much of each skill a staged training lost between the end of its stage and the end of the training.

    `decision` (classification, until gas joins) in accuracy, `gas` (until touch joins) in RMS
    error in standard units;
    positive: lost, negative: gained since. A stage that ended before the first validation of
        full-sized pictures is
    compared on the small ones. Empty if the recipe has no stages.
    """
    last = history[-1]
    lost = {}
    if recipe.gas_from > 0.0:
        lost['decision'] = (
            _at(history, recipe.gas_from * recipe.steps)['accuracy'] - last['accuracy']
        )
    if recipe.touch_from > recipe.gas_from:
        lost['gas'] = (
            last['gas_error'] - _at(history, recipe.touch_from * recipe.steps)['gas_error']
        )
    return lost


def _at(history: History, step: float) -> dict[str, float]:
    """Return the last validation up to `step`, or the first there is."""
    return next((entry for entry in reversed(history) if entry['step'] <= step), history[0])


def calibrate(classifier: nn.Linear, logits: Tensor, action: Tensor) -> float:
    """Scale a classifier so that its confidence is how often it is right; no decision changes. Return the temperature.

    Temperature scaling (Guo et al. 2017, https://arxiv.org/abs/1706.04599): the one number by
    which dividing `logits` makes `action` likeliest, folded into the weights, so that whoever
    reads them need not know of it.

    Args:
        classifier: made `logits`; changed in place.
        logits: `float32[N, C]`, of pairs that were not trained on.
        action: `int64[N]`.
    """
    logits = logits.detach().cpu().double()
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


@torch.no_grad()
def teach(teacher: Teacher, pairs: Pairs, place: Place | None = None) -> Lesson:
    """Ask a teacher about every pair, all senses present, pictures unchanged."""
    device = (place or Place()).device
    outputs = [teacher_output(teacher.to(device), batch.to(device)) for batch in in_order(pairs)]
    return Lesson(
        torch.cat([o.logits for o in outputs]).cpu(),
        torch.cat([o.features for o in outputs]).cpu(),
    )
