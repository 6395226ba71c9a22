# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a step of either training minimises: a network with its loss, as one module that can be copied to many machines."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.contract import ACTIONS, NUM_GAS
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.experiments.quantum import QubitProjection, fidelity_loss
from crossmodal_kd_ros.networks import (
    NUM_TOUCH_STATISTICS,
    Student,
    StudentOutput,
    Teacher,
    TeacherOutput,
    bounded,
    touch_statistics,
)
from crossmodal_kd_ros.training.batches import Batch, in_order
from crossmodal_kd_ros.training.losses import (
    NO_LABEL,
    adversarial_ramp,
    decoupled_loss,
    distillation_loss,
    feature_matching_loss,
    gaussian_nll,
    progressive_alpha,
    relational_angle_loss,
    relational_distance_loss,
    reverse_gradient,
)
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe

_ADVERSARY_WIDTH = 64
_FORESIGHT_WIDTH = 128
# share of the steps over which what touch and gas decide gains weight as a label
_TRUST_FELT_FROM = 0.3


@dataclass(frozen=True)
class Lesson:
    """What a teacher says of every training pair, asked once: `logits` float32[N, 6], `features` float32[N, D]."""

    logits: Tensor
    features: Tensor


class TeacherTask(nn.Module):
    """A teacher that learns from labels, touch and gas each hidden from some of the samples (modality dropout).

    A few hundred labels are learnt by heart from their pictures: alone they gave 0.84. So three
    heads, thrown away afterwards, let pairs without a label teach the camera's part, and gave 0.93
    (500 labels, 10,000 other pairs, validation, one seed): `feeling` decides by touch and gas;
    `glance` decides by the picture and learns from labels, and from `feeling` where there is none;
    `foresight` reads touch statistics and gas off the picture.
    """

    def __init__(self, teacher: Teacher, recipe: TeacherRecipe) -> None:
        """Hold the network that learns and how."""
        super().__init__()
        self.network, self.recipe = teacher, recipe
        seen = teacher.trunk.pooled_features
        self.feeling = nn.Linear(2 * teacher.config.width, len(ACTIONS))
        self.glance = nn.Linear(seen, len(ACTIONS))
        self.foresight = nn.Sequential(
            nn.Linear(seen, _FORESIGHT_WIDTH),
            nn.ReLU(),
            nn.Linear(_FORESIGHT_WIDTH, 2 * (NUM_TOUCH_STATISTICS + NUM_GAS)),
        )

    def forward(
        self, batch: Batch, present: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return (loss, {name: part}) at `step`, from 1; `present` float32[2, B], uniform, decides what is hidden."""
        recipe = self.recipe
        touch, gas = present[0] >= recipe.touch_dropout, present[1] >= recipe.gas_dropout
        output = self.network(
            image=batch.image,
            touch=batch.touch,
            gas=batch.gas,
            touch_present=touch,
            gas_present=gas,
        )
        labelled = batch.action != NO_LABEL

        def decision(logits: Tensor, smoothing: float = 0.0) -> Tensor:
            return F.cross_entropy(
                logits[labelled].float(), batch.action[labelled], label_smoothing=smoothing
            )

        felt, seen = self.feeling(output.felt), self.glance(output.pooled)
        parts = {
            'action': decision(output.logits, smoothing=0.02),
            'feeling': recipe.feeling_weight * decision(felt),
            'glance': recipe.glance_weight * decision(seen),
            'foresight': recipe.foresight_weight * self._foresight_loss(output.pooled, batch),
        }
        pupils = ~labelled & touch & gas
        if pupils.any():
            weight = recipe.unlabelled_weight * min(1.0, step / (_TRUST_FELT_FROM * recipe.steps))
            parts['unlabelled'] = weight * F.cross_entropy(
                seen[pupils].float(), felt[pupils].detach().float().softmax(1)
            )
        return sum(parts.values()), parts

    def _foresight_loss(self, pooled: Tensor, batch: Batch) -> Tensor:
        standard = self.network.standardise.to_standard
        readings = torch.cat(
            [touch_statistics(standard('touch', batch.touch)), standard('gas', batch.gas)], 1
        )
        mean, logvar = self.foresight(pooled).float().chunk(2, 1)
        return gaussian_nll(mean, bounded(logvar), readings)

    def score(self, pairs: Pairs, device: torch.device) -> dict[str, float]:
        """Return the accuracy on `pairs`, all senses present."""
        right = sum(
            int(
                (
                    teacher_output(self.network, batch.to(device)).logits.argmax(1).cpu()
                    == batch.action
                ).sum()
            )
            for batch in in_order(pairs)
        )
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
                nn.Linear(student.config.features, _ADVERSARY_WIDTH),
                nn.ReLU(),
                nn.Linear(_ADVERSARY_WIDTH, 1),
            )
        self.projection = None
        if lesson is not None and recipe.feature_loss in ('product', 'entangled'):
            self.projection = QubitProjection.fit(lesson.features, qubits=recipe.qubits)

    def forward(
        self, batch: Batch, present: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return (loss, {name: part}) at `step`, from 1; `present` is for teachers."""
        recipe, progress = self.recipe, (step - 1) / self.recipe.steps
        output = self.network(batch.image)
        parts = self._readings(output, batch, progress)
        if self.lesson is None:
            parts['action'] = F.cross_entropy(output.logits.float(), batch.action)
        else:
            rows = batch.rows.cpu()
            parts['action'] = self._decision(
                output, self.lesson.logits[rows].to(batch.action.device), batch, step
            )
            parts |= self._embedding(
                output.features.float(), self.lesson.features[rows].to(batch.action.device)
            )
        if self.adversary is not None:
            hidden = reverse_gradient(
                output.features, recipe.adversary_strength * adversarial_ramp(progress)
            )
            parts['lighting'] = F.binary_cross_entropy_with_logits(
                self.adversary(hidden)[:, 0].float(), batch.night
            )
        return sum(parts.values()), parts

    def _readings(self, output: StudentOutput, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Return the losses on the readings; one whose stage is still to come weighs nothing."""
        recipe, standard = self.recipe, self.network.standardise.to_standard

        def loss(sense: str, weight: float, start: float) -> Tensor:
            mean, logvar = (getattr(output, f'{sense}_{kind}').float() for kind in ('z', 'logvar'))
            return (weight if progress >= start else 0.0) * gaussian_nll(
                mean, logvar, standard(sense, getattr(batch, sense))
            )

        return {
            'touch': loss('touch', recipe.touch_weight, recipe.touch_from),
            'gas': loss('gas', recipe.gas_weight, recipe.gas_from),
            'surface': loss('surface', recipe.surface_weight, recipe.touch_from),
        }

    def _decision(
        self, output: StudentOutput, teacher_logits: Tensor, batch: Batch, step: int
    ) -> Tensor:
        recipe, alpha = self.recipe, self.recipe.alpha
        if recipe.alpha_ramp > 0.0:
            alpha = progressive_alpha(
                step - 1, recipe.steps, ramp=recipe.alpha_ramp, highest=recipe.alpha
            )
        logits = output.logits.float()
        if recipe.decision_loss == 'article':
            return distillation_loss(
                logits, teacher_logits, batch.action, temperature=recipe.temperature, alpha=alpha
            )
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
            parts['distances'] = recipe.distance_weight * relational_distance_loss(
                student, teacher
            )
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
        return {
            'accuracy': right / len(pairs),
            'touch_error': (touch / len(pairs)) ** 0.5,
            'gas_error': (gas / len(pairs)) ** 0.5,
        }


def teacher_output(
    teacher: Teacher, batch: Batch, *, touch: bool = True, gas: bool = True
) -> TeacherOutput:
    """Return what `teacher` says of `batch` with touch and gas present or masked."""

    def all_of(present: bool) -> Tensor:
        return torch.full((len(batch.rows),), present, device=batch.image.device)

    return teacher(
        image=batch.image,
        touch=batch.touch,
        gas=batch.gas,
        touch_present=all_of(touch),
        gas_present=all_of(gas),
    )
