# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The networks as an engine calls them: batches of views and readings in, plain tensors out."""

import torch
from torch import Tensor, nn

from crossmodal_kd_ros.networks.student import Student
from crossmodal_kd_ros.networks.teacher import Teacher
from crossmodal_kd_ros.profile import Profile


class ServedStudent(nn.Module):
    """From views `uint8[B, S, S, 3]` to what `Perception.of_columns` takes."""

    def __init__(self, student: Student) -> None:
        """Serve `student`."""
        super().__init__()
        self.student = student

    def forward(self, views: Tensor) -> tuple[Tensor, ...]:
        """Return float32 columns `[B, ...]`."""
        output = self.student(_images(views))
        return (
            output.logits.softmax(1),
            output.quantities,
            self.student.quantities_std(output),
            output.texture,
            *output.readings.values(),
        )


class ServedTeacher(nn.Module):
    """From views, the readings of each sense, and whether each is there, to probabilities."""

    def __init__(self, teacher: Teacher) -> None:
        """Serve `teacher`."""
        super().__init__()
        self.teacher = teacher

    def forward(self, views: Tensor, *inputs: Tensor) -> Tensor:
        """Return `float32[B, A]`; `inputs` are float32 `[B, size]` of each, then `bool[B]`."""
        senses = tuple(self.teacher.profile.senses)
        readings, present = inputs[: len(senses)], inputs[len(senses) :]
        return self.teacher(
            _images(views), dict(zip(senses, readings)), dict(zip(senses, present))
        ).logits.softmax(1)


def teacher_inputs(profile: Profile) -> tuple[str, ...]:
    """Return names of what a served teacher takes, in order."""
    senses = tuple(profile.senses)
    return ('views', *senses, *(f'{sense}_present' for sense in senses))


def example_inputs(
    profile: Profile, batch: int, device: torch.device | str = 'cpu'
) -> list[Tensor]:
    """Return zeros in the form of what a served teacher takes; a student takes the first."""
    side = profile.camera.view_px
    return [
        torch.zeros(batch, side, side, 3, dtype=torch.uint8, device=device),
        *(torch.zeros(batch, sense.size, device=device) for sense in profile.senses.values()),
        *(torch.ones(batch, dtype=torch.bool, device=device) for _ in profile.senses),
    ]


def _images(views: Tensor) -> Tensor:
    """Return views `uint8[B, S, S, 3]` as the networks take them."""
    return views.permute(0, 3, 1, 2).float() / 255.0
