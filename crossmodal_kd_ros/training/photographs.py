# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a student learns from photographs: where a crack is, and how wide, whatever else is there.

Simulated photographs join each batch of views, so that both share the statistics of the batch.
"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.datasets.photographs import Photographs
from crossmodal_kd_ros.networks import Student, StudentOutput
from crossmodal_kd_ros.networks.encoders import Vision
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.training.losses import gaussian_nll
from crossmodal_kd_ros.training.recipe import RecipeError

QUANTITY = 'crack_width'
# A cell of the finest map has a crack if that covers so many of its 16 pixels; between the two,
# nobody knows.
_CRACKED_PX, _CLEAN_PX = 0.7, 0.15
_CRACKED_WEIGHT = 3.0
_CELL_PX = 4
_WIDEST_PX = 8.0
# Share of the photographs that are seen whole, and of the others as the pad will pass over them.
_WHOLE, _CLOSER = 0.5, 0.3


class Drawn(NamedTuple):
    """A batch of simulated photographs: `float32[B, 3, S, S]` and `float32[B, S, S]`, 0 to 1."""

    image: Tensor
    cover: Tensor


class PhotographLoss(nn.Module):
    """Where a simulated photograph is cracked, and how wide under the pad.

    The first is said by a throw-away head on each cell of the finest map of the trunk, the second
    by the student's own `crack_width`.
    """

    def __init__(self, student: Student, photographs: Photographs, *, batch: int) -> None:
        """Learn from `batch` of `photographs` at a time.

        Raises:
            RecipeError: the profile has no `crack_width`, or no grid in the view.
        """
        super().__init__()
        check_profile(student.profile)
        self._profile, self._photographs, self._batch = student.profile, photographs, batch
        self._column = list(student.profile.quantities).index(QUANTITY)
        self.head = nn.Conv2d(student.trunk.window_channels, 1, 1)

    def draw(self, seed: tuple[int, ...]) -> Drawn:
        """Draw a batch; the same seed, the same batch."""
        rng = np.random.default_rng(seed)
        rows = rng.integers(len(self._photographs), size=self._batch)
        seen = [
            change_view(self._photographs.image[row], self._photographs.cover[row], rng)
            for row in rows.tolist()
        ]
        images, covers = (torch.from_numpy(np.stack(each)) for each in zip(*seen))
        return Drawn(images.permute(0, 3, 1, 2).float() / 255.0, covers.float() / 255.0)

    def forward(
        self, student: Student, vision: Vision, output: StudentOutput, cover: Tensor
    ) -> Tensor:
        """Return the loss of photographs.

        Args:
            student: which saw them.
            vision: what its trunk saw.
            output: what it says.
            cover: of `Drawn`.
        """
        logits = self.head(student.trunk.look_everywhere(vision))[:, 0].float()
        cells = F.adaptive_avg_pool2d(cover[:, None], logits.shape[-2:])[:, 0] * _CELL_PX**2
        cracked = (cells > _CRACKED_PX).float()
        known = 1.0 - ((cells > _CLEAN_PX) & (cells <= _CRACKED_PX)).float()
        weight = torch.tensor(_CRACKED_WEIGHT, device=logits.device)
        where = F.binary_cross_entropy_with_logits(
            logits, cracked, weight=known, pos_weight=weight
        )
        standardise = student.standardise_quantities
        width = self._width_mm(cover)[:, None]
        column = slice(self._column, self._column + 1)
        target = (width - standardise.mean[column]) / standardise.std[column]
        z, logvar = output.quantities_z[:, column], output.quantities_logvar[:, column]
        return _CRACKED_WEIGHT * where + gaussian_nll(z.float(), logvar.float(), target)

    def _width_mm(self, cover: Tensor) -> Tensor:
        """Return the widest opening under the pad, as if the pixels were those of the view."""
        side = cover.shape[-1]
        grid = next(s for s in self._profile.senses.values() if s.footprint_mm is not None)
        rows, columns = self._profile.footprint_px(grid.name, side)
        # A line covers as many of the pixels of a window as it is wide, times the window's side.
        opening = 7.0 * F.avg_pool2d(cover[:, None], 7, 1, 3)[:, 0, rows, columns]
        widest_px = opening.amax((1, 2)).clamp_max(_WIDEST_PX)
        return widest_px * (self._profile.camera.view_mm / side)


def check_profile(profile: Profile) -> None:
    """Raise RecipeError if a student of `profile` cannot learn from photographs."""
    grids = [sense for sense in profile.senses.values() if sense.footprint_mm is not None]
    if QUANTITY not in profile.quantities or not grids:
        raise RecipeError(
            f'expected a profile with the quantity {QUANTITY} and a grid in the view to learn '
            f'from photographs, got {profile.name}: leave photographs out of the recipe'
        )


def change_view(
    image: np.ndarray, cover: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Turn, mirror, enlarge and tint a photograph; shift half of them as the pad will see them.

    Args:
        image: `uint8[S, S, 3]`.
        cover: `uint8[S, S]`.
        rng: decides.

    Returns:
        The same two of the view.
    """
    side, turns = len(image), int(rng.integers(4))
    both = [np.rot90(each, turns) for each in (image, cover)]
    if rng.random() < 0.5:
        both = [each[:, ::-1] for each in both]
    if rng.random() < _CLOSER:
        part = int(rng.integers(round(0.6 * side), side))
        top, left = rng.integers(0, side + 1 - part, 2)
        both = [
            cv2.resize(
                np.ascontiguousarray(each[top : top + part, left : left + part]), (side, side)
            )
            for each in both
        ]
    if rng.random() < 0.5:  # as a lamp tints white
        tint = 1.0 + 0.15 * rng.uniform(-1.0, 1.0, 3)
        both[0] = (255.0 - np.clip((255.0 - both[0]) * tint, 0.0, 255.0)).astype(np.uint8)
    if rng.random() >= _WHOLE:
        edge = 3 * side // 8
        top, left = rng.integers(0, 2 * edge + 1, 2)
        if rng.random() < 0.6:  # one of the places of `crack_scores`
            top = side // 4 * int(rng.integers(4))
            left = edge + side // 4 * int(rng.choice([-1, 1]))
        both = [
            np.pad(each, ((edge, edge), (edge, edge), (0, 0))[: each.ndim], mode='reflect')
            for each in both
        ]
        both = [each[top : top + side, left : left + side] for each in both]
    return np.ascontiguousarray(both[0]), np.ascontiguousarray(both[1])
