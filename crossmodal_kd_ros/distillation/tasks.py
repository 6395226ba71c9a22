# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a step of either training minimises: a network with its loss, as one module that can be copied to many machines."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.contract import ACTIONS
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.distillation.batches import Batch, in_order
from crossmodal_kd_ros.distillation.losses import (
    adversarial_ramp, decoupled_loss, distillation_loss, feature_matching_loss, gaussian_nll, progressive_alpha,
    relational_angle_loss, relational_distance_loss, reverse_gradient)
from crossmodal_kd_ros.distillation.quantum import QubitProjection, fidelity_loss
from crossmodal_kd_ros.distillation.recipe import StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.networks import Student, StudentOutput, Teacher, TeacherOutput

_ADVERSARY_WIDTH = 64


@dataclass(frozen=True)
class Lesson:
    """What a teacher says of every training pair, asked once: `logits` float32[N, 6], `features` float32[N, D]."""

    logits: Tensor
    features: Tensor


class TeacherTask(nn.Module):
    """A teacher that learns from labels, touch and gas each hidden from some of the samples (modality dropout).

    Touch and gas are so much easier to learn from that the camera would be left aside: without the glance, a classifier on
    the camera's features that is thrown away, a teacher without touch and gas was right in 26 %.
    """

    def __init__(self, teacher: Teacher, recipe: TeacherRecipe) -> None:
        """Hold the network that learns and how."""
        super().__init__()
        self.network, self.recipe = teacher, recipe
        self.glance = nn.Linear(teacher.trunk.pooled_features, len(ACTIONS))

    def forward(self, batch: Batch, present: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return (loss, {name: part}); `present` float32[2, B], uniform, decides what is hidden."""
        output = self.network(
            image=batch.image, touch=batch.touch, gas=batch.gas, touch_present=present[0] >= self.recipe.touch_dropout,
            gas_present=present[1] >= self.recipe.gas_dropout)
        parts = {
            'action': F.cross_entropy(output.logits.float(), batch.action, label_smoothing=0.02),
            'glance': self.recipe.glance_weight * F.cross_entropy(self.glance(output.pooled).float(), batch.action)}
        return sum(parts.values()), parts

    def score(self, pairs: Pairs, device: torch.device) -> dict[str, float]:
        """Return the accuracy on `pairs`, all senses present."""
        right = sum(int((teacher_output(self.network, batch.to(device)).logits.argmax(1).cpu() == batch.action).sum())
                    for batch in in_order(pairs))
        return {'accuracy': right / len(pairs)}


class StudentTask(nn.Module):
    """A student that learns from labels, from readings and, if there is a lesson, from its teacher."""

    def __init__(self, student: Student, recipe: StudentRecipe, lesson: Lesson | None) -> None:
        """Hold the network that learns and how; `lesson` is None for the control."""
        super().__init__()
        self.network, self.recipe, self.lesson = student, recipe, lesson
        self.adversary = None
        if recipe.adversary_strength > 0.0:
            self.adversary = nn.Sequential(
                nn.Linear(student.config.features, _ADVERSARY_WIDTH), nn.ReLU(), nn.Linear(_ADVERSARY_WIDTH, 1))
        self.projection = None
        if lesson is not None and recipe.feature_loss in ('product', 'entangled'):
            self.projection = QubitProjection.fit(lesson.features, qubits=recipe.qubits)

    def forward(self, batch: Batch, present: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return (loss, {name: part}) at `step`, from 1; `present` is for teachers."""
        recipe, progress = self.recipe, (step - 1) / self.recipe.steps
        output = self.network(batch.image)
        parts = self._readings(output, batch, progress)
        if self.lesson is None:
            parts['action'] = F.cross_entropy(output.logits.float(), batch.action)
        else:
            rows = batch.rows.cpu()
            parts['action'] = self._decision(output, self.lesson.logits[rows].to(batch.action.device), batch, step)
            parts |= self._embedding(output.features.float(), self.lesson.features[rows].to(batch.action.device))
        if self.adversary is not None:
            hidden = reverse_gradient(output.features, recipe.adversary_strength * adversarial_ramp(progress))
            parts['lighting'] = F.binary_cross_entropy_with_logits(self.adversary(hidden)[:, 0].float(), batch.night)
        return sum(parts.values()), parts

    def _readings(self, output: StudentOutput, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Return the losses on the readings; one whose stage is still to come weighs nothing."""
        recipe, standard = self.recipe, self.network.standardise.to_standard

        def loss(sense: str, weight: float, start: float) -> Tensor:
            mean, logvar = (getattr(output, f'{sense}_{kind}').float() for kind in ('z', 'logvar'))
            return (weight if progress >= start else 0.0) * gaussian_nll(
                mean, logvar, standard(sense, getattr(batch, sense)))
        return {
            'touch': loss('touch', recipe.touch_weight, recipe.touch_from),
            'gas': loss('gas', recipe.gas_weight, recipe.gas_from),
            'surface': loss('surface', recipe.surface_weight, recipe.touch_from)}

    def _decision(self, output: StudentOutput, teacher_logits: Tensor, batch: Batch, step: int) -> Tensor:
        recipe, alpha = self.recipe, self.recipe.alpha
        if recipe.alpha_ramp > 0.0:
            alpha = progressive_alpha(step - 1, recipe.steps, ramp=recipe.alpha_ramp, highest=recipe.alpha)
        logits = output.logits.float()
        if recipe.decision_loss == 'article':
            return distillation_loss(
                logits, teacher_logits, batch.action, temperature=recipe.temperature, alpha=alpha)
        hard = distillation_loss(logits, teacher_logits, batch.action, alpha=0.0)
        soft = decoupled_loss(logits, teacher_logits, batch.action, temperature=recipe.temperature)
        return alpha * soft + (1.0 - alpha) * hard

    def _embedding(self, student: Tensor, teacher: Tensor) -> dict[str, Tensor]:
        recipe, parts = self.recipe, {}
        if recipe.feature_weight > 0.0:
            if self.projection is None:
                loss = feature_matching_loss(student, teacher, kind=recipe.feature_loss)
            else:
                angles = (self.projection(features) for features in (student, teacher))
                loss = fidelity_loss(*angles, encoding=recipe.feature_loss)
            parts['features'] = recipe.feature_weight * loss
        if recipe.distance_weight > 0.0:
            parts['distances'] = recipe.distance_weight * relational_distance_loss(student, teacher)
        if recipe.angle_weight > 0.0:
            parts['angles'] = recipe.angle_weight * relational_angle_loss(student, teacher)
        return parts

    def score(self, pairs: Pairs, device: torch.device) -> dict[str, float]:
        """Return the accuracy on `pairs`, and the RMS error of touch and gas in standard units."""
        right, touch, gas = 0, 0.0, 0.0
        standard = self.network.standardise.to_standard
        for batch in in_order(pairs):
            here = batch.to(device)
            output = self.network(here.image)
            right += int((output.logits.argmax(1) == here.action).sum())
            touch += float((output.touch_z - standard('touch', here.touch)).square().mean(1).sum())
            gas += float((output.gas_z - standard('gas', here.gas)).square().mean(1).sum())
        return {'accuracy': right / len(pairs), 'touch_error': (touch / len(pairs))**0.5,
                'gas_error': (gas / len(pairs))**0.5}


def teacher_output(teacher: Teacher, batch: Batch, *, touch: bool = True, gas: bool = True) -> TeacherOutput:
    """Return what `teacher` says of `batch` with touch and gas present or masked."""
    def all_of(present: bool) -> Tensor:
        return torch.full((len(batch.rows),), present, device=batch.image.device)
    return teacher(image=batch.image, touch=batch.touch, gas=batch.gas, touch_present=all_of(touch),
                   gas_present=all_of(gas))
