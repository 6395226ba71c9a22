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

from crossmodal_kd_ros.contract import VIEW_PX, square_view
from crossmodal_kd_ros.networks import Student, load_student

# Cells of the map under the pad, and of the whole view at the same stride of 4.
GAZE_CELLS = VIEW_PX // 4


class Gaze:
    """A student of its own, so that it may be asked beside the engine, from one thread at a time."""

    def __init__(self, student: Student) -> None:
        """Use `student`, in evaluation mode, on the CPU."""
        self._student = student.eval()

    @classmethod
    def load(cls, models_dir: str | Path) -> 'Gaze':
        """Read `student.safetensors` in `models_dir`; raise `WeightsError` where that cannot be."""
        return cls(load_student(Path(models_dir) / 'student.safetensors'))

    def look(self, image: np.ndarray, action: int) -> np.ndarray:
        """Return how much each cell of the square view speaks for `action` rather than the others.

        Args:
            image: `uint8[H, W, 3]`, RGB.
            action: index into `ACTIONS`.

        Returns:
            `float32[32, 32]`, in units of the logit; negative where a cell speaks against it. The
            sum is the slope of (logit of the action minus the mean of all) along the pooled
            features, times these.
        """
        view = torch.from_numpy(square_view(image)).permute(2, 0, 1)[None].float().div_(255.0)
        with torch.no_grad():
            vision = self._student.trunk(view)
        pooled = vision.pooled.detach().requires_grad_()
        logits = self._student.classifier(self._student.embed(pooled))[0]
        (slope,) = torch.autograd.grad(logits[action] - logits.mean(), pooled)
        grid, window, *finer = (x[0] for x in (vision.grid, vision.window, *vision.finer))
        of_grid, of_window, *of_finer = slope[0].split(
            [2 * len(x) for x in (grid, window, *finer)]
        )
        cells = _spread(_share(grid, of_grid)) + sum(
            _spread(_moments_share(x, along)) for x, along in zip(finer, of_finer, strict=True)
        )
        # The pad's rows and columns, as the trunk cuts them out.
        cells[
            GAZE_CELLS * 3 // 8 : GAZE_CELLS * 5 // 8, GAZE_CELLS // 4 : GAZE_CELLS * 3 // 4
        ] += _share(window, of_window)
        return cells.numpy()


def _spread(cells: Tensor) -> Tensor:
    """Return a map `[S, S]` as one of `[32, 32]` with the same sum."""
    side = GAZE_CELLS // cells.shape[-1]
    return cells.repeat_interleave(side, 0).repeat_interleave(side, 1) / side**2


def _moments_share(features: Tensor, slope: Tensor) -> Tensor:
    """Return each cell's part `[H, W]` in the slope along [mean, deviation] of `features` `[C, H, W]`, times these."""
    along_mean, along_deviation = slope.chunk(2)
    flat = features.flatten(1)
    apart = flat - flat.mean(1, keepdim=True)
    deviation = apart.square().mean(1).clamp_min(1e-6).sqrt()
    part = along_mean @ flat + (along_deviation / deviation) @ (flat * apart)
    return (part / flat.shape[1]).reshape(features.shape[1:])


def _share(features: Tensor, slope: Tensor) -> Tensor:
    """Return each cell's part `[H, W]` in the slope along [mean, maximum] of `features` `[C, H, W]`, times these."""
    along_mean, along_max = slope.chunk(2)
    flat = features.flatten(1)
    part = (along_mean @ flat) / flat.shape[1]
    highest, where = flat.max(1)
    return part.index_add(0, where, along_max * highest).reshape(features.shape[1:])
