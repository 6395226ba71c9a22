# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The article's loop on the article's nets, changed only where it could not run.

What the article leaves open is filled in plainly: Adam at its usual rate, and a teacher that
learns from the labels by cross-entropy (the article shows only the student's loop). What it says
stays, even where it hurts: no augmentation, no unlabelled views, readings in raw units in the
loss, and an alpha that ends at 1, so that labels fall silent.
"""

import torch
from torch.nn import functional as F

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.experiments.reference_nets import (
    CHEMICAL,
    TACTILE,
    MultiModalTeacher,
    VisionOnlyStudent,
)
from crossmodal_kd_ros.training.batches import Batch, take
from crossmodal_kd_ros.training.loop import Report
from crossmodal_kd_ros.training.losses import NO_LABEL, distillation_loss, progressive_alpha
from crossmodal_kd_ros.training.recipe import ReferenceRecipe

_READING_WEIGHT = 0.1  # the article's, for each sense


def train_reference(
    recipe: ReferenceRecipe, train: Pairs, *, report: Report
) -> tuple[MultiModalTeacher, VisionOnlyStudent]:
    """Train the article's teacher, then its student, on the labelled part of `train`.

    Both are returned in evaluation mode.
    """
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    labelled = torch.from_numpy((train.action != NO_LABEL).nonzero()[0])
    teacher, student = MultiModalTeacher(), VisionOnlyStudent()
    steps_an_epoch = -(-len(labelled) // recipe.batch)
    total, step = 2 * recipe.epochs * steps_an_epoch, 0

    for network, learn in ((teacher, _teacher_loss), (student, _student_loss)):
        optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
        network.train()
        for epoch in range(recipe.epochs):
            alpha = progressive_alpha(epoch, recipe.epochs)
            order = torch.randperm(len(labelled), generator=generator)
            for rows in labelled[order].split(recipe.batch):
                if len(rows) == 1:  # a batch of one has no statistics
                    continue
                loss = learn(teacher, student, take(train, rows), alpha)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                step += 1
                report(step, total, {'loss': loss.item()})
        network.eval()
    return teacher, student


def teacher_logits(teacher: MultiModalTeacher, batch: Batch) -> torch.Tensor:
    """Return the logits `float32[B, A]` of the article's teacher."""
    tactile, chemical = (batch.readings[sense] for sense in (TACTILE, CHEMICAL))
    return teacher.classifier(teacher(batch.image, tactile, chemical))


def _teacher_loss(
    teacher: MultiModalTeacher, student: VisionOnlyStudent, batch: Batch, alpha: float
) -> torch.Tensor:
    return F.cross_entropy(teacher_logits(teacher, batch), batch.action)


def _student_loss(
    teacher: MultiModalTeacher, student: VisionOnlyStudent, batch: Batch, alpha: float
) -> torch.Tensor:
    with torch.no_grad():
        targets = teacher_logits(teacher, batch)
    features, tactile, chemical = student(batch.image)
    loss = distillation_loss(student.classifier(features), targets, batch.action, alpha=alpha)
    loss = loss + _READING_WEIGHT * F.mse_loss(tactile, batch.readings[TACTILE])
    return loss + _READING_WEIGHT * F.mse_loss(chemical, batch.readings[CHEMICAL])
