# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What pictures say of the health of their camera: frozen, dark, overexposed, without any detail. No clock is read."""

import cv2
import numpy as np

_FROZEN_S = 0.5
_FROZEN_PICTURES = 5
# 8-bit steps. Of 1200 simulated calibration views none has a mean under 81, a deviation under 9 or
# 3 % of white pixels.
_DARK_MEAN, _FLAT_STD = 8.0, 2.5
_BRIGHT, _BRIGHT_SHARE = 250, 0.6
# A grid pixel that repeats itself for so long, while others change, is frozen; so large a part of
# them is a flaw.
_STILL_S, _MOST_STILL = 1.0, 0.02
# Every verdict but a frozen one needs this many pictures in a row, so that one flash or one shadow
# changes nothing.
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
        self._stamp_ns = 0
        self._changed_ns = np.zeros((1, 1), np.int64)  # when each pixel of the grid last changed
        self._repeats = np.zeros((1, 1), np.int64)  # and in how many pictures since it has not
        self._doubtful = 0
        self._doubt = ''

    def take(self, stamp_ns: int, image: np.ndarray) -> None:
        """Look at a picture."""
        height, width = image.shape[:2]
        # A copy, packed: the pixels lie far apart, and are gone through several times.
        grid = np.ascontiguousarray(image[:: max(1, height // _GRID), :: max(1, width // _GRID)])
        if self._last is None or grid.shape != self._last.shape:
            self._changed_ns, self._repeats = (
                np.full(grid.shape[:2], stamp_ns),
                np.zeros(grid.shape[:2], np.int64),
            )
        else:
            changed = (grid != self._last).any(-1)
            self._changed_ns[changed] = stamp_ns
            self._repeats = np.where(changed, 0, self._repeats + 1)
        self._last, self._stamp_ns = grid, stamp_ns
        doubt = _doubt(grid)
        self._doubtful = self._doubtful + 1 if doubt else 0
        if not doubt or self._doubtful >= _PATIENCE:
            self._doubt = doubt

    def verdict(self) -> str:
        """Return why the pictures cannot be trusted, with the figure behind it; empty if they can."""
        frozen_s = (self._stamp_ns - int(self._changed_ns.max())) / 1e9
        if frozen_s >= _FROZEN_S and self._repeats.min() >= _FROZEN_PICTURES:
            return f'frozen: the same picture for {frozen_s:.2f} s (limit {_FROZEN_S:.2f} s)'
        return self._doubt

    def flaw(self) -> str:
        """Return what makes the pictures a bad witness though something can be seen; empty if nothing does."""
        still = (self._repeats >= _FROZEN_PICTURES) & (
            self._stamp_ns - self._changed_ns > _STILL_S * 1e9
        )
        part = float(still.mean())
        if part <= _MOST_STILL or self._repeats.min():
            return ''
        return (
            f'camera is damaged: {part:.0%} of the picture has not changed for {_STILL_S:.0f} s while the rest did '
            f'(limit {_MOST_STILL:.0%})'
        )


def _doubt(grid: np.ndarray) -> str:
    mean, std = (float(value[0, 0]) for value in cv2.meanStdDev(grid.reshape(-1, 1)))
    if std < _FLAT_STD:
        return f'no detail: the pixels differ by {std:.1f} of 255 (least {_FLAT_STD}): is the lens covered?'
    if mean < _DARK_MEAN:
        return f'dark: mean {mean:.1f} of 255 (least {_DARK_MEAN}): is the lens covered, or the lamp off?'
    bright = float(np.count_nonzero(grid >= _BRIGHT)) / grid.size
    return (
        f'overexposed: {bright:.0%} of it is white (limit {_BRIGHT_SHARE:.0%})'
        if bright > _BRIGHT_SHARE
        else ''
    )
