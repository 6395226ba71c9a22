# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the student looks: how much each part of the picture speaks for an action.

The student decides from means, maxima and deviations of its maps, and each of these is the sum of
its slope along every cell times the cell. So the slope of a logit along them, times the maps, is
an exact account of where it came from: class activation mapping (Zhou et al. 2016,
https://arxiv.org/abs/1512.04150). It takes one forward pass and no second look at the picture.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from crossmodal_kd_ros.networks import Student, load_student
from crossmodal_kd_ros.profile import Profile, square_view


class Saliency:
    """A student of its own, so that it runs beside the engine; for one thread at a time."""

    def __init__(self, student: Student) -> None:
        """Use `student`, in evaluation mode, on the CPU."""
        self._student = student.eval()

    @classmethod
    def load(cls, models_dir: str | Path, profile: Profile) -> 'Saliency':
        """Read `student.safetensors` in `models_dir`; raise `WeightsError` where that fails."""
        return cls(load_student(Path(models_dir) / 'student.safetensors', profile))

    def map(self, image: np.ndarray, action: int) -> np.ndarray:
        """Return how much each cell of the square view speaks for `action` rather than the others.

        Args:
            image: `uint8[H, W, 3]`, RGB.
            action: index into the profile's actions.

        Returns:
            `float32[N, N]`, in units of the logit, N the side of the student's finest map: a cell
            is 4 pixels of its view. Negative where a cell speaks against the action. The sum is
            the slope of (logit of the action minus the mean of all) along the pooled features,
            times these.
        """
        profile, student = self._student.profile, self._student
        view = torch.from_numpy(square_view(image, size_px=profile.camera.view_px))
        with torch.no_grad():
            vision = student.trunk(view.permute(2, 0, 1)[None].float().div_(255.0))
        pooled = vision.pooled.detach().requires_grad_()
        logits = student.classifier(student.embed(pooled))[0]
        (slope,) = torch.autograd.grad(logits[action] - logits.mean(), pooled)
        windows = {name: window[0] for name, window in vision.windows.items()}
        grid, finer = vision.grid[0], [x[0] for x in vision.finer]
        # In the order in which the trunk joins them.
        of_grid, *of_others = slope[0].split(
            [2 * len(x) for x in (grid, *windows.values(), *finer)]
        )
        of_windows, of_finer = of_others[: len(windows)], of_others[len(windows) :]
        side = finer[0].shape[-1]
        cells = _resample(_extremes_share(grid, of_grid), side, side)
        for x, slopes in zip(finer, of_finer, strict=True):
            cells += _resample(_moments_share(x, slopes), side, side)
        for (name, window), slopes in zip(windows.items(), of_windows, strict=True):
            under = cells[profile.footprint_px(name, side)]
            under += _resample(_extremes_share(window, slopes), *under.shape)
        return cells.numpy()


def _resample(cells: Tensor, rows: int, columns: int) -> Tensor:
    """Return a map as one of `[rows, columns]` with the same sum, by overlap of the cells."""
    down, across = _overlap(cells.shape[0], rows), _overlap(cells.shape[1], columns)
    return down @ cells @ across.T


def _overlap(parts: int, cells: int) -> Tensor:
    """Return which share of each of `parts` equal parts of a line lies in each of its `cells`.

    It is `float32[cells, parts]`, and each of its columns sums to 1.
    """
    edges = torch.arange(parts + 1) * (cells / parts)
    starts = torch.arange(cells)[:, None]
    inside = torch.minimum(edges[1:], starts + 1) - torch.maximum(edges[:-1], starts)
    return inside.clamp_min(0.0) * (parts / cells)


def _moments_share(features: Tensor, slopes: Tensor) -> Tensor:
    """Return each cell's part `[H, W]` in what mean and deviation of a map bring.

    Args:
        features: the map, `[C, H, W]`.
        slopes: `[2 * C]`, along the means, then along the deviations.
    """
    along_mean, along_deviation = slopes.chunk(2)
    flat = features.flatten(1)
    apart = flat - flat.mean(1, keepdim=True)
    deviation = apart.square().mean(1).clamp_min(1e-6).sqrt()
    part = along_mean @ flat + (along_deviation / deviation) @ (flat * apart)
    return (part / flat.shape[1]).reshape(features.shape[1:])


def _extremes_share(features: Tensor, slopes: Tensor) -> Tensor:
    """Return each cell's part `[H, W]` in what mean and maximum of a map bring.

    Args:
        features: the map, `[C, H, W]`.
        slopes: `[2 * C]`, along the means, then along the maxima.
    """
    along_mean, along_max = slopes.chunk(2)
    flat = features.flatten(1)
    part = (along_mean @ flat) / flat.shape[1]
    highest, where = flat.max(1)
    return part.index_add(0, where, along_max * highest).reshape(features.shape[1:])
