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
# A crack shows if it covers so much of any pixel.
_SHOWS = 0.4
# Half of that in a view of 64 mm and 128 px: nothing narrower shows.
SHOWN_MM = 0.1
_CRACKED_WEIGHT = 3.0
_CELL_PX = 4
_OPENING_PX, _WIDEST_PX = 7, 8.0
_WHERE_WEIGHT, _WHETHER_WEIGHT, _WIDTH_WEIGHT = 3.0, 0.5, 0.3
# Shares of the photographs of which a part is seen, in another light, out of focus, with noise.
_CLOSER, _LIT, _BLURRED, _NOISY = 0.4, 0.5, 0.3, 0.3


class Drawn(NamedTuple):
    """A batch of simulated photographs: `float32[B, 3, S, S]` and `float32[B, S, S]`, 0 to 1."""

    image: Tensor
    cover: Tensor


class PhotographLoss(nn.Module):
    """Where a simulated photograph is cracked, how wide, and whether it is at all.

    The first is said by a head on each cell of the finest map of the trunk, which is thrown away.
    The second is the student's own `crack_width`: there is no pad in a photograph, so it is that
    of the widest crack in the picture. The third follows from it: `opening_score` is the probit of
    the probability that it is wide enough to show.
    """

    def __init__(self, student: Student, photographs: Photographs, *, batch: int) -> None:
        """Learn from `batch` of `photographs` at a time.

        Raises:
            RecipeError: the profile has no `crack_width`, or no grid in the view.
        """
        super().__init__()
        check_profile(student.profile)
        self._photographs, self._batch = photographs, batch
        self._view_mm = student.profile.camera.view_mm
        self._column = list(student.profile.quantities).index(QUANTITY)
        self.where = nn.Conv2d(student.trunk.window_channels, 1, 1)

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
        logits = self.where(student.trunk.look_everywhere(vision))[:, 0].float()
        cells = F.adaptive_avg_pool2d(cover[:, None], logits.shape[-2:])[:, 0] * _CELL_PX**2
        cracked = (cells > _CRACKED_PX).float()
        known = 1.0 - ((cells > _CLEAN_PX) & (cells <= _CRACKED_PX)).float()
        weight = torch.tensor(_CRACKED_WEIGHT, device=logits.device)
        where = F.binary_cross_entropy_with_logits(
            logits, cracked, weight=known, pos_weight=weight
        )
        standardise = student.standardise_quantities
        column = slice(self._column, self._column + 1)
        width_mm = self._width_mm(cover)[:, None]
        target = (width_mm - standardise.mean[column]) / standardise.std[column]
        z, logvar = output.quantities_z[:, column], output.quantities_logvar[:, column]
        width = gaussian_nll(z.float(), logvar.float(), target)
        score = opening_score(student, output)
        sign = torch.where(cover.amax((1, 2)) > _SHOWS, 1.0, -1.0)
        whether = -torch.special.log_ndtr(sign * score).mean()
        return _WHERE_WEIGHT * where + _WHETHER_WEIGHT * whether + _WIDTH_WEIGHT * width

    def _width_mm(self, cover: Tensor) -> Tensor:
        """Return the widest opening, `float32[B]`, as if the pixels were those of the view."""
        # A line covers as many of the pixels of a window as it is wide, times the window's side.
        opening_px = _OPENING_PX * F.avg_pool2d(cover[:, None], _OPENING_PX, 1, _OPENING_PX // 2)
        return opening_px.amax((1, 2, 3)).clamp_max(_WIDEST_PX) * (self._view_mm / cover.shape[-1])


def opening_score(student: Student, output: StudentOutput) -> Tensor:
    """Return how surely a picture shows a crack, `float32[B]`.

    By how many of its standard deviations `crack_width`, before it is kept from being negative,
    is above what just shows.
    """
    column = list(student.profile.quantities).index(QUANTITY)
    standardise = student.standardise_quantities
    shown = (SHOWN_MM - standardise.mean[column]) / standardise.std[column]
    z, logvar = output.quantities_z[:, column], output.quantities_logvar[:, column]
    return (z.float() - shown) * torch.exp(-0.5 * logvar.float())


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
    """Turn, mirror and enlarge a photograph; change its light and sharpness.

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
        part = int(rng.integers(round(0.55 * side), side))
        top, left = rng.integers(0, side + 1 - part, 2)
        both = [
            cv2.resize(
                np.ascontiguousarray(each[top : top + part, left : left + part]), (side, side)
            )
            for each in both
        ]
    seen = both[0].astype(np.float32) / 255.0
    if rng.random() < _LIT:  # as a lamp tints white
        seen = 1.0 - (1.0 - seen) * rng.uniform(0.8, 1.2, 3).astype(np.float32)
    if rng.random() < _LIT:
        seen = np.clip(seen, 1e-3, 1.0) ** rng.uniform(0.7, 1.4) * rng.uniform(0.7, 1.2)
    if rng.random() < _BLURRED:
        seen = cv2.GaussianBlur(np.ascontiguousarray(seen), (0, 0), rng.uniform(0.3, 1.2))
    if rng.random() < _NOISY:
        seen = seen + rng.normal(0.0, rng.uniform(0.0, 0.04), seen.shape)
    return (255.0 * np.clip(seen, 0.0, 1.0)).astype(np.uint8), np.ascontiguousarray(both[1])
