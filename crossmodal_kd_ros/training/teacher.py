# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the teacher learns: from labels, and from what a picture tells of the readings beside it."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.datasets import NO_LABEL, Pairs
from crossmodal_kd_ros.networks import (
    Teacher,
    TeacherConfig,
    TeacherOutput,
    bounded,
    freeze,
    sense_statistics,
    statistics_size,
)
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.training.batches import Batch
from crossmodal_kd_ros.training.loop import History, Run, Task, fit
from crossmodal_kd_ros.training.losses import gaussian_nll
from crossmodal_kd_ros.training.recipe import SENSE_DROPOUT, TeacherRecipe, by_sense

_RECONSTRUCTION_WIDTH = 128
# Share of the steps over which the senses head gains weight as a label.
_TRUST_SENSES_FROM = 0.3


def train_teacher(
    profile: Profile,
    recipe: TeacherRecipe,
    train: Pairs,
    validation: Pairs,
    *,
    seed: int,
    start: Teacher | None = None,
    run: Run | None = None,
) -> tuple[Teacher, History]:
    """Train a teacher of `profile`, from fresh weights or those of `start`.

    Return it frozen, at its best step, and its validations.

    It learns to decide from the labelled part of `train`, and what a picture tells from all of it,
    see `TeacherTask`.
    """
    torch.manual_seed(seed)
    teacher = Teacher(profile, TeacherConfig(view_px=recipe.view_px))
    teacher.set_statistics(train.readings)
    if start is not None:
        teacher.load_state_dict(start.state_dict())
    task = TeacherTask(teacher, recipe)
    history = fit(task, recipe, train, validation, unlabelled=True, seed=seed, run=run or Run())
    return freeze(teacher), history


class TeacherTask(Task):
    """A teacher that learns from labels, each sense hidden from some samples (modality dropout).

    So the mask tokens learn to stand in for a lost sense.

    A few hundred labels are learnt by heart from their pictures: alone they gave 0.84. So three
    heads, thrown away afterwards, let pairs without a label teach the camera's part, and gave 0.93
    (500 labels, 10,000 other pairs, validation, one seed): `senses_head` decides by the senses
    alone; `image_head` decides by the picture and learns from labels, and from `senses_head` where
    there is none; `reconstruction_head` predicts statistics of the readings from the picture.
    """

    def __init__(self, teacher: Teacher, recipe: TeacherRecipe) -> None:
        """Hold the network that learns, and how it does."""
        super().__init__()
        self.network, self.recipe = teacher, recipe
        self._dropout = by_sense(recipe.sense_dropout, teacher.profile, default=SENSE_DROPOUT)
        senses, actions = teacher.profile.senses.values(), len(teacher.profile.actions)
        pooled = teacher.trunk.pooled_features
        self.senses_head = nn.Linear(len(senses) * teacher.config.width, actions)
        self.image_head = nn.Linear(pooled, actions)
        self.reconstruction_head = nn.Sequential(
            nn.Linear(pooled, _RECONSTRUCTION_WIDTH),
            nn.ReLU(),
            nn.Linear(_RECONSTRUCTION_WIDTH, 2 * sum(map(statistics_size, senses))),
        )

    def forward(
        self, batch: Batch, present: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch and its parts by name, see `Task`."""
        recipe = self.recipe
        shown = {
            name: draw >= dropout
            for (name, dropout), draw in zip(self._dropout.items(), present, strict=True)
        }
        output = self.network(batch.image, batch.readings, shown)
        labelled = batch.action != NO_LABEL

        def decision(logits: Tensor, smoothing: float = 0.0) -> Tensor:
            return F.cross_entropy(
                logits[labelled].float(), batch.action[labelled], label_smoothing=smoothing
            )

        by_senses, by_image = self.senses_head(output.senses), self.image_head(output.pooled)
        reconstruction = self._reconstruction_loss(output.pooled, batch)
        parts = {
            'action': decision(output.logits, smoothing=0.02),
            'senses_head': recipe.senses_head_weight * decision(by_senses),
            'image_head': recipe.image_head_weight * decision(by_image),
            'reconstruction': recipe.reconstruction_weight * reconstruction,
        }
        taught = torch.stack([~labelled, *shown.values()]).all(0)
        if taught.any():
            trust = min(1.0, step / (_TRUST_SENSES_FROM * recipe.steps))
            parts['unlabelled'] = (recipe.unlabelled_weight * trust) * F.cross_entropy(
                by_image[taught].float(), by_senses[taught].detach().float().softmax(1)
            )
        return sum(parts.values()), parts

    def decide(self, batch: Batch) -> Tensor:
        """Return the logits `float32[B, A]`, all senses present."""
        return teacher_output(self.network, batch).logits

    def _reconstruction_loss(self, pooled: Tensor, batch: Batch) -> Tensor:
        statistics = []
        for name, sense in self.network.profile.senses.items():
            standard = self.network.standardiser(name).to_standard(batch.readings[name])
            statistics.append(sense_statistics(sense, standard))
        mean, logvar = self.reconstruction_head(pooled).float().chunk(2, 1)
        return gaussian_nll(mean, bounded(logvar), torch.cat(statistics, 1))


def teacher_output(
    teacher: Teacher, batch: Batch, *, absent: Collection[str] = ()
) -> TeacherOutput:
    """Return what `teacher` says of `batch`, with the senses in `absent` masked."""
    count, device = len(batch.rows), batch.image.device
    present = {
        name: torch.full((count,), name not in absent, device=device)
        for name in teacher.profile.senses
    }
    return teacher(batch.image, batch.readings, present)
