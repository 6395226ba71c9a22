# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Health of a grid, such as a tactile pad: a broken element is read from its neighbours."""

import numpy as np

from crossmodal_kd_ros.health.noise import ReadingHealth, median_of_rows
from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.health.verdict import Verdict
from crossmodal_kd_ros.profile import Sense

# An element that repeats itself for so long, and so many periods, while most others change, is
# dead.
_DEAD_S, _DEAD_PERIODS = 1.0, 12
# Part of the elements that have to change for the noise of their channel to be judged: the median
# of a channel of which half is dead is no noise.
_JUDGED = 0.6
# Part of the elements that have to change for the others to be called dead.
_OTHERS = 0.25


class GridHealth(ReadingHealth):
    """Judges readings of a grid; the noise of a channel is the median over its elements."""

    element = 'element'
    window = 20
    noise_broken = (1 / 12, 11.0)
    noise_healthy = (1 / 8, 7.0)

    def __init__(self, sense: Sense) -> None:
        """Start with no reading."""
        dead_s = max(_DEAD_S, _DEAD_PERIODS * sense.period_s)
        # Where readings may rest for ever, elements may too.
        self._dead_ns = 1e9 * (np.inf if sense.stuck_s is None else dead_s)
        self._judged_channels = (
            np.array([not channel.is_constant for channel in sense.channels])
            if any(channel.is_constant for channel in sense.channels)
            else None
        )
        super().__init__(sense)

    def reset(self) -> None:
        """Forget every reading and the grid's own level of noise."""
        super().reset()
        self._dead: np.ndarray | None = None  # which elements; `None`: none

    def _compare(
        self, value: np.ndarray, last: np.ndarray, changed: np.ndarray, count: int
    ) -> None:
        if count > _JUDGED * self._judged_size:
            # The median over a channel, and then over time, so that a surface that changes under
            # some elements is no noise.
            change = self._change(value, last).reshape(len(self._sense.channels), -1)
            self._noise.add(median_of_rows(change), self._judged_channels)
        if count == self._judged_size:
            self._dead = None
        elif count > int(_OTHERS * self._judged_size):
            dead = (self._stamp_ns - self._changed_ns > self._dead_ns) & ~self._is_constant
            self._dead = dead if dead.any() else None

    def _bad_elements(self) -> np.ndarray | None:
        return self._or_dead(self._outside)

    def _senseless_elements(self) -> np.ndarray | None:
        return self._or_dead(self._beyond)

    def _or_dead(self, elements: np.ndarray | None) -> np.ndarray | None:
        if self._dead is None or elements is None:
            return elements if self._dead is None else self._dead
        return self._dead | elements

    def _judge(self, value: np.ndarray, fault: Reason | None) -> tuple[Verdict, np.ndarray]:
        bad = self._bad_elements()
        if bad is None:
            bad = np.zeros(value.size, bool)
        count = int(np.count_nonzero(bad))
        # A channel without a good element has no neighbours to read from.
        is_lost = (
            count > self._max_broken or bad.reshape(len(self._sense.channels), -1).all(1).any()
        )
        fault = fault or (self._too_many_dead(count) if is_lost else None) or self._too_noisy()
        is_mended = bool(count) and not is_lost
        if is_mended:
            value = self._mended(value, bad)
        mended = bad if is_mended else None
        return Verdict(fault=fault, remarks=self._remarks(count), mended=mended), value

    def _too_many_dead(self, count: int) -> Reason:
        return Reason(
            ReasonCode.DEAD,
            text=self.element,
            count=count,
            size=self._judged_size,
            window_s=self._dead_ns / 1e9,
            limit=self._max_broken,
        )

    def _too_noisy(self) -> Reason | None:
        # A grid that is too quiet has a slow filter: it lags a little, and is worth more than
        # none.
        worst = int(np.argmax(self._noise.wrong))
        return self._noise_reason(worst) if self._noise.wrong[worst] > 0 else None

    def _remarks(self, count: int) -> tuple[Reason, ...]:
        if count:
            return (
                Reason(
                    ReasonCode.FROM_NEIGHBOURS,
                    text=self.element,
                    count=count,
                    size=self._judged_size,
                ),
            )
        quietest = int(np.argmin(self._noise.wrong))
        return (self._noise_reason(quietest),) if self._noise.wrong[quietest] < 0 else ()

    def _mended(self, value: np.ndarray, bad: np.ndarray) -> np.ndarray:
        """Return `value` with each bad element replaced by the median of good ones round it."""
        mended = value.copy()
        channels = np.where(bad, np.nan, value).reshape(self._sense.shape)
        for channel, row, column in np.argwhere(np.isnan(channels)):
            near = channels[channel, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            near = near[np.isfinite(near)]
            if not near.size:
                near = channels[channel][np.isfinite(channels[channel])]
            mended[np.ravel_multi_index((channel, row, column), channels.shape)] = np.median(near)
        return mended
