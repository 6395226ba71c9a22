# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A student's training in a process of its own: by this package, or by the article's loop.

    python training.py package|plain MODELS PAIRS

A line of JSON on its standard input asks for some steps, a line on its standard output says how
long they took. The teacher is the shipped one in both, the student the same network with fresh
weights.
"""

import json
import os
import sys
import time
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
from crossmodal_kd_ros.training.loop import Run  # noqa: E402
from crossmodal_kd_ros.training.recipe import StudentRecipe, find_recipe, load_recipe  # noqa: E402
from crossmodal_kd_ros.training.student import train_student  # noqa: E402

_VALIDATION = 60


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
    recipe: StudentRecipe, teacher: Teacher, pairs: Pairs, ends_s: list[float]
) -> None:
    """Train a student as the article's `train_distillation_epoch` does; note the end of steps."""
    student = Student(teacher.profile, StudentConfig(view_px=recipe.view_px))
    student.set_statistics(pairs.readings, pairs.quantities)
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-3)
    criterion = CrossModalDistillationLoss(temperature=4.0, alpha=0.7)
    dataloader = DataLoader(
        PairsDataset(pairs), batch_size=recipe.batch, shuffle=True, drop_last=True
    )
    teacher.eval()
    student.train()
    while len(ends_s) < recipe.steps:
        for batch in dataloader:
            vision, labels = batch['vision'], batch['maintenance_action']
            readings = {'touch': batch['tactile'], 'gas': batch['chemical']}
            with torch.no_grad():
                present = dict.fromkeys(readings, torch.ones(len(labels), dtype=torch.bool))
                teacher_logits = teacher(vision, readings, present).logits
            output = student(vision)
            loss = criterion(output.logits, teacher_logits, labels)
            tactile_loss = F.mse_loss(output.readings['touch'], readings['touch'])
            chemical_loss = F.mse_loss(output.readings['gas'], readings['gas'])
            total = loss + 0.1 * tactile_loss + 0.1 * chemical_loss
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            total.item()
            ends_s.append(time.perf_counter())
            if len(ends_s) == recipe.steps:
                return


def main() -> None:
    """Answer until the input ends."""
    kind, models, path = sys.argv[1:]
    profile = load_profile()
    arrays = np.load(path)
    pairs = Pairs.from_arrays({name: arrays[name] for name in arrays})
    train, validation = pairs[:-_VALIDATION], pairs[-_VALIDATION:]
    teacher = freeze(load_teacher(Path(models) / 'teacher.safetensors', profile))
    shipped = load_recipe(find_recipe('default')).student
    print('{}', flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        phase = {128: shipped.second(), 64: shipped.model_copy(update={'finish': None})}
        steps = asked['steps']
        recipe = phase[asked['view_px']].model_copy(
            update={'steps': steps, 'validate_every': steps}
        )
        torch.manual_seed(0)
        ends_s: list[float] = []
        start_s = time.perf_counter()
        if kind == 'plain':
            train_plainly(recipe, teacher, train, ends_s)
        else:
            run = Run(report=lambda step, total, values: ends_s.append(time.perf_counter()))
            train_student(profile, recipe, teacher, train, validation, seed=0, run=run)
        # The first steps choose kernels and allocate; the last of the package's has a validation.
        warm = asked['warm']
        timed_s = ends_s[-2] - ends_s[warm - 1]
        samples_a_second = recipe.batch * (steps - 1 - warm) / timed_s
        answer = {'samples_a_second': samples_a_second, 'before_s': ends_s[0] - start_s}
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
