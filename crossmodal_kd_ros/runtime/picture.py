# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What pictures say of the health of their camera: frozen, dark, overexposed, without any detail. No clock is read."""

import cv2
import numpy as np

_FROZEN_S = 0.5
_FROZEN_PICTURES = 5
# 8-bit steps. Of 1200 simulated calibration views none has a mean under 81, a deviation under 9 or 3 % of white pixels.
_DARK_MEAN, _FLAT_STD = 8.0, 2.5
_BRIGHT, _BRIGHT_SHARE = 250, 0.6
# Every verdict but a frozen one needs this many pictures in a row, so that one flash or one shadow changes nothing.
_PATIENCE = 3
_GRID = 48


class PictureChecks:
    """Judges the course of pictures `uint8[H, W, 3]` on a grid of about 48 x 48 of their pixels."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.reset()

    def reset(self) -> None:
        """Forget every picture."""
        self._last: np.ndarray | None = None
        self._changed_ns = self._stamp_ns = 0
        self._repeats = 0
        self._doubtful = 0
        self._doubt = ''

    def take(self, stamp_ns: int, image: np.ndarray) -> None:
        """Look at a picture."""
        height, width = image.shape[:2]
        # A copy, packed: the pixels lie far apart, and are gone through several times.
        grid = np.ascontiguousarray(image[::max(1, height // _GRID), ::max(1, width // _GRID)])
        same = self._last is not None and np.array_equal(grid, self._last)
        self._repeats = self._repeats + 1 if same else 0
        if not same:
            self._changed_ns = stamp_ns
        self._last, self._stamp_ns = grid, stamp_ns
        doubt = _doubt(grid)
        self._doubtful = self._doubtful + 1 if doubt else 0
        if not doubt or self._doubtful >= _PATIENCE:
            self._doubt = doubt

    def verdict(self) -> str:
        """Return why the pictures cannot be trusted, with the figure behind it; empty if they can."""
        frozen_s = (self._stamp_ns - self._changed_ns) / 1e9
        if self._repeats >= _FROZEN_PICTURES and frozen_s >= _FROZEN_S:
            return f'frozen: the same picture for {frozen_s:.2f} s (limit {_FROZEN_S:.2f} s)'
        return self._doubt


def _doubt(grid: np.ndarray) -> str:
    mean, std = (float(value[0, 0]) for value in cv2.meanStdDev(grid.reshape(-1, 1)))
    if std < _FLAT_STD:
        return f'no detail: the pixels differ by {std:.1f} of 255 (least {_FLAT_STD}): is the lens covered?'
    if mean < _DARK_MEAN:
        return f'dark: mean {mean:.1f} of 255 (least {_DARK_MEAN}): is the lens covered, or the lamp off?'
    bright = float(np.count_nonzero(grid >= _BRIGHT)) / grid.size
    return f'overexposed: {bright:.0%} of it is white (limit {_BRIGHT_SHARE:.0%})' if bright > _BRIGHT_SHARE else ''
