# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the student learns: from labels, readings and a teacher, or as a control without one."""

from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.datasets import NO_LABEL, Pairs
from crossmodal_kd_ros.datasets.photographs import Photographs
from crossmodal_kd_ros.networks import Student, StudentConfig, StudentOutput, Teacher
from crossmodal_kd_ros.networks.encoders import average_down
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.training.batches import Batch, in_order
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.loop import History, Run, Task, fit
from crossmodal_kd_ros.training.losses import (
    adversarial_ramp,
    decoupled_loss,
    distillation_loss,
    feature_matching_loss,
    gaussian_nll,
    progressive_alpha,
    pseudo_label_loss,
    relational_angle_loss,
    relational_distance_loss,
    reverse_gradient,
)
from crossmodal_kd_ros.training.photographs import PhotographLoss
from crossmodal_kd_ros.training.pretrained import load_pretrained
from crossmodal_kd_ros.training.recipe import READING_WEIGHT, StudentRecipe, by_sense
from crossmodal_kd_ros.training.teacher import teacher_output

_ADVERSARY_WIDTH = 64
# Of self-training. With 500 labels a student is sure of nothing at the paper's 0.95 before it has
# its labels by heart: after 600 of 1,200 steps it was right in 0.403, with 0.7 in 0.427
# (validation, one seed).
_MIN_CONFIDENCE = 0.7
_AVERAGED_STEPS = 50


@dataclass(frozen=True)
class TeacherTargets:
    """What a teacher says of N training pairs.

    Attributes:
        logits: `float32[N, A]`.
        features: `float32[N, D]`.
    """

    logits: Tensor
    features: Tensor


def train_student(
    profile: Profile,
    recipe: StudentRecipe,
    teacher: Teacher | TeacherTargets | None,
    train: Pairs,
    validation: Pairs,
    *,
    seed: int,
    start: Student | None = None,
    photographs: Photographs | None = None,
    run: Run | None = None,
) -> tuple[Student, History]:
    """Train a student of `profile`, from fresh weights or those of `start`.

    With a teacher, or what it says of `train` if that is known: the article's loss on its logits
    (labels where there are any), its embedding, and the readings of every pair. Without
    (`recipe.distil` false, a control): labels and readings of the labelled pairs alone; with
    `recipe.self_training` also the pictures of the others, and not their readings. With
    `photographs`, and a weight for them in the recipe, also where those are cracked.

    Each of them, a control too, is standardised by the mean and deviation of the readings and
    quantities of all pairs of `train`, labelled or not: of the other pairs a control knows these.

    Returns:
        The student at its best step, and its validations.

    Raises:
        ValueError: `recipe.distil` and `teacher` contradict each other.
    """
    if recipe.distil != (teacher is not None):
        raise ValueError(
            f'expected a teacher if and only if distil is true, got distil {recipe.distil}'
        )
    run = run or Run()
    torch.manual_seed(seed)
    student = Student(profile, StudentConfig(view_px=recipe.view_px, encoder=recipe.encoder))
    student.set_statistics(train.readings, train.quantities)
    if start is not None:
        student.load_state_dict(start.state_dict())
    elif recipe.encoder != 'residual':
        load_pretrained(student.trunk.encoder)
    if isinstance(teacher, Teacher):
        teacher = compute_teacher_targets(teacher, train, run.device)
    if recipe.self_training:
        train = _without_unlabelled_readings(train)
    task = StudentTask(student, recipe, teacher, photographs=photographs, seed=seed)
    history = fit(
        task,
        recipe,
        train,
        validation,
        unlabelled=recipe.self_training or (recipe.distil and recipe.unlabelled),
        strong_views=recipe.self_training,
        seed=seed,
        run=run,
    )
    return student, history


def _without_unlabelled_readings(pairs: Pairs) -> Pairs:
    """Return the same pairs; where no label is, the readings and quantities are not known: NaN."""
    is_known = (pairs.action != NO_LABEL)[:, None]

    def hidden(values: np.ndarray) -> np.ndarray:
        return np.where(is_known, values, np.float32('nan'))

    readings = {sense: hidden(values) for sense, values in pairs.readings.items()}
    return replace(pairs, readings=readings, quantities=hidden(pairs.quantities))


@torch.no_grad()
def compute_teacher_targets(
    teacher: Teacher, pairs: Pairs, device: Device | None = None
) -> TeacherTargets:
    """Run a teacher once on every pair, all senses present, pictures unchanged.

    Several processes share the pairs, and each has what the teacher says of all.
    """
    device = device or Device()
    teacher = teacher.to(device.torch_device)
    own = [
        (output.logits.cpu(), output.features.cpu())
        for batch in islice(in_order(pairs), device.rank, None, device.world)
        for output in [teacher_output(teacher, batch.to(device.torch_device))]
    ]
    shares = device.from_all(own)
    count = sum(map(len, shares))
    answers = [shares[n % device.world][n // device.world] for n in range(count)]
    return TeacherTargets(*(torch.cat(column) for column in zip(*answers)))


class StudentTask(Task):
    """A student that learns from labels, from readings and, if there are targets, its teacher.

    With `self_training` it learns from itself: FixMatch, whose labels an averaged copy of the
    network says, as in mean teacher (Tarvainen and Valpola 2017,
    https://arxiv.org/abs/1703.01780).
    """

    def __init__(
        self,
        student: Student,
        recipe: StudentRecipe,
        targets: TeacherTargets | None,
        *,
        photographs: Photographs | None = None,
        seed: int = 0,
    ) -> None:
        """Hold the network that learns, and how it does.

        Args:
            student: learns.
            recipe: how.
            targets: what its teacher says; None for a control.
            photographs: simulated, to learn cracks from too if the recipe gives them a weight.
            seed: of their order.

        Raises:
            RecipeError: the profile's student cannot learn from photographs, and shall.
        """
        super().__init__()
        self.network, self.recipe, self.targets = student, recipe, targets
        self._weights = by_sense(recipe.reading_weights, student.profile, default=READING_WEIGHT)
        self._starts = by_sense(recipe.start_at, student.profile)
        self.averaged = deepcopy(student).requires_grad_(False) if recipe.self_training else None
        self.adversary = None
        if recipe.adversary_strength > 0.0:
            self.adversary = nn.Sequential(
                nn.Linear(student.config.features, _ADVERSARY_WIDTH),
                nn.ReLU(),
                nn.Linear(_ADVERSARY_WIDTH, 1),
            )
        self.photographs, self._seed = None, seed
        if photographs is not None and recipe.photograph_weight > 0.0:
            self.photographs = PhotographLoss(student, photographs, batch=recipe.photograph_batch)
        self.projection = None
        if targets is not None and recipe.feature_loss in ('product', 'entangled'):
            # An experiment: the core does not depend on it unless a recipe wants it.
            from crossmodal_kd_ros.experiments.quantum import QubitProjection

            self.projection = QubitProjection.fit(targets.features, qubits=recipe.qubits)

    def forward(
        self, batch: Batch, present: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch and its parts by name, see `Task`; nothing is hidden."""
        recipe, progress = self.recipe, (step - 1) / self.recipe.steps
        output, parts = self._see(batch, step)
        parts |= self._readings_loss(output, batch, progress)
        if self.targets is None:
            labelled = batch.action != NO_LABEL
            logits = output.logits.float()
            hard = F.cross_entropy(logits, batch.action, ignore_index=NO_LABEL, reduction='sum')
            parts['action'] = hard / labelled.sum().clamp_min(1)
            if not labelled.all():
                parts['unlabelled'] = self._self_training_loss(logits, batch, ~labelled)
        else:
            rows, device = batch.rows.cpu(), batch.action.device
            logits = self.targets.logits[rows].to(device)
            parts['action'] = self._decision_loss(output.logits.float(), logits, batch, step)
            features = self.targets.features[rows].to(device)
            parts |= self._embedding_loss(output.features.float(), features)
        if self.adversary is not None:
            strength = recipe.adversary_strength * adversarial_ramp(progress)
            night = self.adversary(reverse_gradient(output.features, strength))[:, 0]
            parts['lighting'] = F.binary_cross_entropy_with_logits(night.float(), batch.night)
        return sum(parts.values()), parts

    def _see(self, batch: Batch, step: int) -> tuple[StudentOutput, dict[str, Tensor]]:
        """Return what the student says of a batch, and the loss of photographs seen with it."""
        seen = batch.image if batch.strong is None else batch.strong
        if self.photographs is None:
            return self.network(seen), {}
        count, side, device = len(seen), seen.shape[-1], seen.device
        # Processes that share a batch have other rows of it, and so other photographs.
        drawn = self.photographs.draw((self._seed, step, int(batch.rows[0])))
        image = average_down(drawn.image, side) if drawn.image.shape[-1] > side else drawn.image
        vision = self.network.trunk(torch.cat([seen, image.to(device)]))
        output = self.network.read(vision)
        loss = self.photographs(
            self.network, vision.of(slice(count, None)), output[count:], drawn.cover.to(device)
        )
        return output[:count], {'photographs': self.recipe.photograph_weight * loss}

    def _self_training_loss(self, logits: Tensor, batch: Batch, unlabelled: Tensor) -> Tensor:
        """Return what the averaged network says of `image` as a label of `strong`."""
        self._average()
        with torch.no_grad():
            weak = self.averaged.eval()(batch.image[unlabelled]).logits.float()
        return pseudo_label_loss(logits[unlabelled], weak, min_confidence=_MIN_CONFIDENCE)

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged network towards the one that learns, as in mean teacher."""
        values = self.network.state_dict().values()
        for average, value in zip(self.averaged.state_dict().values(), values, strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1.0 / _AVERAGED_STEPS)
            else:
                average.copy_(value)

    def decide(self, batch: Batch) -> Tensor:
        """Return the logits `float32[B, A]`."""
        return self.network(batch.image).logits

    def score(self, pairs: Pairs, device: torch.device) -> dict[str, float]:
        """Return the accuracy on `pairs`, and the RMS error of each sense in standard units."""
        right, squares = 0, dict.fromkeys(self._weights, 0.0)
        for batch in in_order(pairs):
            batch = batch.to(device)
            output = self.network(batch.image)
            right += int((output.logits.argmax(1) == batch.action).sum())
            for name, estimate in output.readings_z.items():
                error = estimate - self._standard(name, batch)
                squares[name] += float(error.square().mean(1).sum())
        errors = {f'{name}_error': (total / len(pairs)) ** 0.5 for name, total in squares.items()}
        return {'accuracy': right / len(pairs), **errors}

    def _standard(self, sense: str, batch: Batch) -> Tensor:
        return self.network.standardiser(sense).to_standard(batch.readings[sense])

    def _readings_loss(
        self, output: StudentOutput, batch: Batch, progress: float
    ) -> dict[str, Tensor]:
        """Return the losses on the readings; one whose stage is still to come weighs nothing."""
        parts = {}
        for name, weight in self._weights.items():
            mean, logvar = output.readings_z[name].float(), output.readings_logvar[name].float()
            loss = gaussian_nll(mean, logvar, self._standard(name, batch))
            parts[f'reading_{name}'] = (weight if progress >= self._starts[name] else 0.0) * loss
        if self.network.profile.quantities:
            weight, start = self.recipe.quantities_weight, max(self._starts.values())
            mean, logvar = output.quantities_z.float(), output.quantities_logvar.float()
            target = self.network.standardise_quantities.to_standard(batch.quantities)
            loss = gaussian_nll(mean, logvar, target)
            parts['quantities'] = (weight if progress >= start else 0.0) * loss
        return parts

    def _decision_loss(
        self, logits: Tensor, teacher_logits: Tensor, batch: Batch, step: int
    ) -> Tensor:
        recipe, alpha = self.recipe, self.recipe.alpha
        if recipe.alpha_ramp > 0.0:
            alpha = progressive_alpha(
                step - 1, recipe.steps, ramp=recipe.alpha_ramp, highest=recipe.alpha
            )
        if recipe.decision_loss == 'article':
            return distillation_loss(
                logits, teacher_logits, batch.action, temperature=recipe.temperature, alpha=alpha
            )
        hard = distillation_loss(logits, teacher_logits, batch.action, alpha=0.0)
        soft = decoupled_loss(logits, teacher_logits, batch.action, temperature=recipe.temperature)
        return alpha * soft + (1.0 - alpha) * hard

    def _embedding_loss(self, student: Tensor, teacher: Tensor) -> dict[str, Tensor]:
        recipe = self.recipe
        losses = {
            'features': (recipe.feature_weight, self._feature_loss),
            'distances': (recipe.distance_weight, relational_distance_loss),
            'angles': (recipe.angle_weight, relational_angle_loss),
        }
        return {
            name: weight * loss(student, teacher)
            for name, (weight, loss) in losses.items()
            if weight > 0.0
        }

    def _feature_loss(self, student: Tensor, teacher: Tensor) -> Tensor:
        if self.projection is None:
            return feature_matching_loss(student, teacher, kind=self.recipe.feature_loss)
        from crossmodal_kd_ros.experiments.quantum import fidelity_loss

        angles = (self.projection(features) for features in (student, teacher))
        return fidelity_loss(*angles, encoding=self.recipe.feature_loss)


def forgetting(history: History, recipe: StudentRecipe, profile: Profile) -> dict[str, float]:
    """Return how much of each skill a staged training lost from the end of its stage to its end.

    The stage of a skill ends where the next sense joins. `decision` is in accuracy, a sense in RMS
    error in standard units; positive: lost, negative: gained since. A stage that ended before the
    first validation is compared on that. Empty if the recipe has no stages.
    """
    last, lost = history[-1], {}
    starts = {'decision': 0.0, **by_sense(recipe.start_at, profile)}
    for skill, start in starts.items():
        later = [other for other in starts.values() if other > start]
        if not later:
            continue
        then = _at(history, min(later) * recipe.steps)
        if skill == 'decision':
            lost[skill] = then['accuracy'] - last['accuracy']
        else:
            lost[skill] = last[f'{skill}_error'] - then[f'{skill}_error']
    return lost


def _at(history: History, step: float) -> dict[str, float]:
    """Return the last validation up to `step`, or the first there is."""
    return next((entry for entry in reversed(history) if entry['step'] <= step), history[0])
