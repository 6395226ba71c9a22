# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A student's training in a process of its own: by this package, or by the article's loop.

    python training.py package|plain MODELS PAIRS

A line of JSON on its standard input asks for a training, a line on its standard output says how
many samples a second it took, and how often the student is right afterwards. The teacher is the
shipped one in both, the student the same network with fresh weights.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# As `crossmodal-kd train` does, before torch is imported; for both.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402

from crossmodal_kd_ros.datasets import Pairs  # noqa: E402
from crossmodal_kd_ros.networks import Student, StudentConfig, Teacher, freeze, load_teacher  # noqa: E402
from crossmodal_kd_ros.profile import load_profile  # noqa: E402
from crossmodal_kd_ros.training.batches import in_order  # noqa: E402
from crossmodal_kd_ros.training.loop import Run  # noqa: E402
from crossmodal_kd_ros.training.recipe import StudentRecipe, find_recipe, load_recipe  # noqa: E402
from crossmodal_kd_ros.training.student import (  # noqa: E402
    TeacherTargets,
    compute_teacher_targets,
    train_student,
)

# Of the pairs: held back from both loops; whole panels, which have three views each.
_HELD_BACK = 5


class CrossModalDistillationLoss(nn.Module):
    """The article's loss, as it stands there."""

    def __init__(self, temperature=4.0, alpha=0.7):
        super().__init__()
        self.temperature = temperature
        self.alpha = alpha

    def forward(self, student_logits, teacher_logits, ground_truth):
        teacher_soft = F.softmax(teacher_logits / self.temperature, dim=1)
        student_soft = F.log_softmax(student_logits / self.temperature, dim=1)
        distillation_loss = F.kl_div(student_soft, teacher_soft, reduction='batchmean') * (
            self.temperature**2
        )
        student_loss = F.cross_entropy(student_logits, ground_truth)
        return self.alpha * distillation_loss + (1 - self.alpha) * student_loss


class PairsDataset(Dataset):
    """What the article's `dataloader` gives: a dict a pair."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        image = torch.from_numpy(self.pairs.image[index]).permute(2, 0, 1).float() / 255.0
        return {
            'vision': image,
            'tactile': self.pairs.readings['touch'][index],
            'chemical': self.pairs.readings['gas'][index],
            'maintenance_action': self.pairs.action[index],
        }


def train_plainly(
    student: Student,
    recipe: StudentRecipe,
    teacher: Teacher,
    pairs: Pairs,
    ended: Callable[[], None],
) -> None:
    """Train a student as the article's `train_distillation_epoch` does; `ended` after each step.

    One thing is mended: the errors of the readings are in standard units. In micrometres and parts
    per million they drown the decision.
    """
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3)
    criterion = CrossModalDistillationLoss(temperature=4.0, alpha=0.7)
    dataloader = DataLoader(
        PairsDataset(pairs), batch_size=recipe.batch, shuffle=True, drop_last=True
    )
    teacher.eval()
    student.train()
    step = 0
    while step < recipe.steps:
        for batch in dataloader:
            vision, labels = batch['vision'], batch['maintenance_action']
            readings = {'touch': batch['tactile'], 'gas': batch['chemical']}
            with torch.no_grad():
                present = dict.fromkeys(readings, torch.ones(len(labels), dtype=torch.bool))
                teacher_logits = teacher(vision, readings, present).logits
            output = student(vision)
            loss = criterion(output.logits, teacher_logits, labels)
            tactile = student.standardiser('touch').to_standard(readings['touch'])
            chemical = student.standardiser('gas').to_standard(readings['gas'])
            tactile_loss = F.mse_loss(output.readings_z['touch'], tactile)
            chemical_loss = F.mse_loss(output.readings_z['gas'], chemical)
            total = loss + 0.1 * tactile_loss + 0.1 * chemical_loss
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            total.item()
            ended()
            step += 1
            if step == recipe.steps:
                return


class Trainer:
    """Answers for one of the two loops."""

    def __init__(self, loop: str, models: Path, pairs: Path) -> None:
        """Load the teacher and the pairs."""
        self._loop, self._profile = loop, load_profile()
        self._teacher = freeze(load_teacher(models / 'teacher.safetensors', self._profile))
        arrays = np.load(pairs)
        whole = Pairs.from_arrays({name: arrays[name] for name in arrays})
        held_back = len(whole) // _HELD_BACK // 3 * 3
        self._train, self._test = whole[:-held_back], whole[-held_back:]
        # Computed once for a whole recipe: part of no step, but of the time of a training.
        self._targets: TeacherTargets | None = None

    def rate(self, view_px: int, steps: int, warm: int) -> dict[str, float]:
        """Return the samples a second of some steps after `warm` others."""
        shipped = load_recipe(find_recipe('default')).student
        recipe = _short(shipped if view_px == shipped.view_px else shipped.second(), steps)
        ends_s: list[float] = []
        self._run(recipe, None, lambda: ends_s.append(time.perf_counter()))
        # The first steps choose kernels and allocate; the last of the package has a validation.
        timed_s = ends_s[-2] - ends_s[warm - 1]
        return {'samples_a_second': recipe.batch * (steps - 1 - warm) / timed_s}

    def answers(self, pairs: int) -> dict[str, float]:
        """Return how many pairs a second the teacher answers, as the package asks it."""
        start_s = time.perf_counter()
        compute_teacher_targets(self._teacher, self._train[:pairs])
        return {'pairs_a_second': pairs / (time.perf_counter() - start_s)}

    def whole(self, share: float) -> dict[str, float]:
        """Train by a share of the steps of the default recipe, and measure what was learnt.

        The package does both trainings of the recipe. The loop of the article sees as many
        samples, all of them at the larger size.
        """
        shipped = load_recipe(find_recipe('default')).student
        first, second = (
            _short(recipe, round(share * recipe.steps)) for recipe in (shipped, shipped.second())
        )
        samples = first.steps * first.batch + second.steps * second.batch
        start_s = time.perf_counter()
        if self._loop == 'package':
            self._targets = compute_teacher_targets(self._teacher, self._train)
            student = self._run(second, self._run(first, None))
        else:
            plain = first.model_copy(update={'view_px': second.view_px})
            student = self._run(_short(plain, round(samples / plain.batch)), None)
        seconds = time.perf_counter() - start_s
        student.eval()
        with torch.no_grad():
            chosen = [student(batch.image).logits.argmax(1) for batch in in_order(self._test)]
        right = torch.cat(chosen).numpy() == self._test.action
        return {
            'seconds': seconds,
            'samples': samples,
            'samples_a_second': samples / seconds,
            'right': float(right.mean()),
        }

    def _run(
        self,
        recipe: StudentRecipe,
        start: Student | None,
        ended: Callable[[], None] = lambda: None,
    ) -> Student:
        torch.manual_seed(0)
        if self._loop == 'package':
            if self._targets is None:
                self._targets = compute_teacher_targets(self._teacher, self._train)
            run = Run(report=lambda *_: ended())
            # What is held back is measured once, after the last step: it chooses none.
            return train_student(
                self._profile,
                recipe,
                self._targets,
                self._train,
                self._test,
                seed=0,
                start=start,
                run=run,
            )[0]
        student = Student(self._profile, StudentConfig(view_px=recipe.view_px))
        student.set_statistics(self._train.readings, self._train.quantities)
        train_plainly(student, recipe, self._teacher, self._train, ended)
        return student


def _short(recipe: StudentRecipe, steps: int) -> StudentRecipe:
    update = {'steps': steps, 'validate_every': steps, 'finish': None}
    return recipe.model_copy(update=update)


def main() -> None:
    """Answer until the input ends."""
    loop, models, pairs = sys.argv[1:]
    trainer = Trainer(loop, Path(models), Path(pairs))
    print('{}', flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(getattr(trainer, asked.pop('what'))(**asked)), flush=True)


if __name__ == '__main__':
    main()
