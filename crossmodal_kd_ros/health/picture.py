# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Health of a camera by its pictures: frozen, dark, overexposed, no detail. No clock is read."""

from collections import deque

import cv2
import numpy as np

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.health.verdict import HEALTHY, Verdict

_FROZEN_PICTURES = 5
# 8-bit steps. Of 1200 simulated calibration views none has a mean under 81, a deviation under 7 in
# every colour or 3 % of white pixels.
_DARK_MEAN, _FLAT_STD = 8.0, 2.5
_BRIGHT, _BRIGHT_SHARE = 250, 0.6
# A grid pixel that repeats itself for so long, though it should have changed, is frozen; so large
# a part of them is a flaw.
_STILL_S, _MAX_STILL = 1.0, 0.02
# Within this of an end of the scale noise is cut off: a pixel may rest there.
_END_STEPS = 3
# A picture has moved if it differs from that of `_STILL_S` before by so many times more than from
# the last, and by so many 8-bit steps more in the mean. Simulated views of a still robot come to
# 1.02 times at most, of a moving one to 1.2 to 3 times at 30 Hz.
_MOVED, _MIN_MOVE = 1.15, 0.5
# Every verdict but a frozen one needs this many pictures in a row, so that one flash or one shadow
# changes nothing.
_PATIENCE = 3
_GRID = 48
_NEVER = 2**62


class PictureHealth:
    """Judges pictures `uint8[H, W, 3]`, one after the other, by about 48 x 48 of their pixels.

    Attributes:
        verdict: after the newest picture.
    """

    def __init__(self, *, stuck_s: float | None) -> None:
        """Start with no picture; one that repeats for `stuck_s` (`None`: ever) is frozen."""
        self._stuck_s = stuck_s
        self.reset()

    def reset(self) -> None:
        """Forget every picture."""
        self.verdict = HEALTHY
        self._last: np.ndarray | None = None
        self._grids: deque[tuple[int, np.ndarray]] = deque()  # of the last `_STILL_S`, with stamps
        # Since when the newest movement was on that was seen, ns.
        self._moving_since_ns = -_NEVER
        self._changed_ns = np.zeros((1, 1), np.int64)  # when each pixel of the grid last changed
        self._repeats = np.zeros((1, 1), np.int64)  # and in how many pictures since it has not
        self._bad_in_a_row = 0
        self._bad: Reason | None = None  # what is wrong with each of the last pictures

    def refuse(self, image: np.ndarray) -> Reason | None:
        """Return `None`: no picture is wrong by itself, every verdict needs several."""
        return None

    def take(self, stamp_ns: int, image: np.ndarray) -> np.ndarray:
        """Judge a picture; return it as it is."""
        height, width = image.shape[:2]
        # A copy, packed: the pixels lie far apart, and are gone through several times.
        grid = np.ascontiguousarray(image[:: max(1, height // _GRID), :: max(1, width // _GRID)])
        if self._last is None or grid.shape != self._last.shape:
            self._changed_ns = np.full(grid.shape[:2], stamp_ns)
            self._repeats = np.zeros(grid.shape[:2], np.int64)
            self._grids.clear()
        else:
            self._note_movement(stamp_ns, grid)
            differs = grid != self._last
            # any(-1) takes 5 times as long.
            changed = differs[..., 0] | differs[..., 1] | differs[..., 2]
            self._changed_ns[changed] = stamp_ns
            self._repeats = np.where(changed, 0, self._repeats + 1)
        self._last = grid
        # Stamps that stand still fill no memory.
        if self._grids and self._grids[-1][0] == stamp_ns:
            self._grids.pop()
        self._grids.append((stamp_ns, grid))
        bad = _bad(grid)
        self._bad_in_a_row = self._bad_in_a_row + 1 if bad else 0
        if not bad or self._bad_in_a_row >= _PATIENCE:
            self._bad = bad
        fault, flaw = self._frozen(stamp_ns) or self._bad, self._damaged(stamp_ns)
        self.verdict = Verdict(fault=fault, flaw=flaw) if fault or flaw else HEALTHY
        return image

    def _frozen(self, stamp_ns: int) -> Reason | None:
        if self._repeats.min() < _FROZEN_PICTURES:
            return None
        frozen_s = (stamp_ns - int(self._changed_ns.max())) / 1e9
        if self._stuck_s is None or frozen_s < self._stuck_s:
            return None
        return Reason(ReasonCode.FROZEN, value=frozen_s, limit=self._stuck_s)

    def _note_movement(self, stamp_ns: int, grid: np.ndarray) -> None:
        while len(self._grids) > 1 and stamp_ns - self._grids[1][0] >= _STILL_S * 1e9:
            self._grids.popleft()
        then_ns, then = self._grids[0]
        if stamp_ns - then_ns < _STILL_S * 1e9:
            return
        travel, step = (cv2.norm(grid, one, cv2.NORM_L1) / grid.size for one in (then, self._last))
        if travel > _MOVED * step + _MIN_MOVE:
            self._moving_since_ns = then_ns

    def _damaged(self, stamp_ns: int) -> Reason | None:
        """Return what is wrong if pixels rest that should have changed.

        All should while the picture moves; by noise those within the scale, if most do.
        """
        is_still = (self._repeats >= _FROZEN_PICTURES) & (
            stamp_ns - self._changed_ns > _STILL_S * 1e9
        )
        if is_still.mean() <= _MAX_STILL or self._repeats.min():  # as nearly always
            return None
        should_change = self._changed_ns <= self._moving_since_ns
        if np.median(self._repeats) < _FROZEN_PICTURES:
            is_cut_off = (self._last <= _END_STEPS) | (self._last >= 255 - _END_STEPS)
            should_change |= ~is_cut_off.all(-1)
        share = float((is_still & should_change).mean())
        if share <= _MAX_STILL:
            return None
        return Reason(ReasonCode.DAMAGED, value=share, window_s=_STILL_S, limit=_MAX_STILL)


def _bad(grid: np.ndarray) -> Reason | None:
    # Of each colour, for an evenly coloured picture has no detail either.
    means, stds = cv2.meanStdDev(grid)
    mean, std = float(means.mean()), float(stds.max())
    if std < _FLAT_STD:
        return Reason(ReasonCode.NO_DETAIL, value=std, limit=_FLAT_STD)
    if mean < _DARK_MEAN:
        return Reason(ReasonCode.DARK, value=mean, limit=_DARK_MEAN)
    bright = float(np.count_nonzero(grid >= _BRIGHT)) / grid.size
    if bright > _BRIGHT_SHARE:
        return Reason(ReasonCode.OVEREXPOSED, value=bright, limit=_BRIGHT_SHARE)
    return None
