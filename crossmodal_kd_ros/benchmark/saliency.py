# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the networks look: the teacher's attention, and what the student cannot do without."""

import numpy as np
import torch
from torch import Tensor

from crossmodal_kd_ros.benchmark import figures
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import Student, Teacher
from crossmodal_kd_ros.reports.style import words
from crossmodal_kd_ros.training.batches import take

_PATCHES = 8  # by side, of the occlusion map


def draw_saliency(teacher: Teacher, student: Student, pairs: Pairs) -> str:
    """Draw where either network looks, in the first view of each action; return SVG text."""
    profile = teacher.profile
    actions = [index for index in range(len(profile.actions)) if (pairs.action == index).any()]
    rows = [int(np.flatnonzero(pairs.action == index)[0]) for index in actions]
    batch = take(pairs, torch.tensor(rows))
    present = {sense: torch.ones(len(rows), dtype=torch.bool) for sense in profile.senses}
    with torch.inference_mode():
        attention = teacher(batch.image, batch.readings, present, return_attention=True).attention
        lost = occlusion_map(student, batch.image)
    grids = [name for name, sense in profile.senses.items() if sense.layout == 'grid']
    maps = {
        'teacher looks': attention.image,
        **{f'teacher on {name}': attention.elements[name] for name in grids},
        'student looks': lost,
    }
    return figures.saliency(
        list(pairs.image[rows]),
        {name: list(values.numpy()) for name, values in maps.items()},
        [words(profile.actions[index]) for index in actions],
    )


def occlusion_map(student: Student, image: Tensor) -> Tensor:
    """Return how much of its confidence the student loses when each of 8 x 8 patches is greyed.

    After Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901. Confidence is the probability of
    what it chooses on the whole picture; a patch whose loss raises it counts as 0.

    Args:
        student: in evaluation mode.
        image: `float32[B, 3, S, S]`, 0 to 1, S a multiple of 32.

    Returns:
        `float32[B, 8, 8]`, 0 to 1.
    """
    whole = student(image).logits.softmax(1)
    chosen = whole.argmax(1, keepdim=True)
    lost = torch.zeros(len(image), _PATCHES, _PATCHES)
    side = image.shape[-1] // _PATCHES
    for row in range(_PATCHES):
        for column in range(_PATCHES):
            covered = image.clone()
            covered[:, :, row * side : (row + 1) * side, column * side : (column + 1) * side] = (
                image.mean((2, 3), keepdim=True)
            )
            lost[:, row, column] = (whole - student(covered).logits.softmax(1)).gather(1, chosen)[
                :, 0
            ]
    return lost.clamp_min(0.0)
