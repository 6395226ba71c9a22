# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Health of a vector of channels: a broken one is read from the picture, or weighed with it."""

import numpy as np

from crossmodal_kd_ros.health.noise import MEDIAN_CHANGE, ReadingHealth
from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.health.verdict import Verdict
from crossmodal_kd_ros.profile import Sense

# From so many times its own noise on a channel is worth less than it is together with the picture;
# under that it is only no witness against it.
_GRAVE_NOISE = 6.0
# A channel may repeat itself for so many periods while others change, as where each comes from a
# topic of its own: after that it has measured the same again.
_REPEAT_PERIODS = 1.5


class ChannelsHealth(ReadingHealth):
    """Judges readings of single channels, each by its own noise.

    A channel that reads the same for minutes (oxygen, to one decimal) is no dead one: only its own
    noise can tell. A channel's noise is judged over the readings in which it changed.
    """

    element = 'channel'
    window = 12
    noise_broken = (1 / 12, 3.5)
    noise_healthy = (1 / 8, 2.0)

    def __init__(self, sense: Sense) -> None:
        """Start with no reading."""
        self._repeat_ns = _REPEAT_PERIODS * sense.period_s * 1e9
        super().__init__(sense)

    def reset(self) -> None:
        """Forget every reading and each channel's own level of noise."""
        super().reset()
        # Repeats of each channel, while others changed, that have not been judged.
        self._open_repeats = np.zeros(self._sense.size, np.int64)

    def _compare(
        self, value: np.ndarray, last: np.ndarray, changed: np.ndarray, count: int
    ) -> None:
        change = self._change(value, last)
        if count == self._sense.size:
            self._open_repeats.fill(0)
            self._noise.add(change)
            return
        if self._sense.stuck_s is None:  # a channel that may rest has not measured the same again
            self._noise.add(change, changed)
            return
        self._open_repeats[~changed & ~self._is_constant] += 1
        self._open_repeats[changed] = 0
        is_late = (self._stamp_ns - self._changed_ns > self._repeat_ns) & (self._open_repeats > 0)
        # Repeats turn out to be measurements only later: each of them is a change of 0.
        counts, no_change = changed | is_late, np.where(is_late, np.float32(0.0), change)
        self._noise.add(no_change, counts)
        self._open_repeats[is_late] -= 1
        while (is_late := is_late & (self._open_repeats > 0)).any():
            self._noise.add(no_change, is_late)
            self._open_repeats[is_late] -= 1

    def _judge(self, value: np.ndarray, fault: Reason | None) -> tuple[Verdict, np.ndarray]:
        noise = self._noise
        if self._outside is None and not noise.is_any_wrong:
            return Verdict(fault=fault), value
        extra = noise.change / MEDIAN_CHANGE * self._growth(value)
        outside = np.zeros_like(self._is_constant) if self._outside is None else self._outside
        silent = (noise.wrong < 0) | outside
        std = np.where(silent, np.inf, np.where(noise.wrong > 0, extra, 0.0))
        weighed = np.where(silent | (noise.factor > _GRAVE_NOISE), std, 0.0)
        needs_picture = bool(silent.any())
        causes = tuple(
            self._impossible(index, value) if outside[index] else self._noise_reason(index)
            for index in np.flatnonzero(std).tolist()
        )
        code = ReasonCode.FROM_PICTURE if needs_picture else ReasonCode.WEIGHED
        verdict = Verdict(
            fault=fault or self._too_many_in_doubt(int(np.count_nonzero(silent))),
            remarks=(Reason(code, causes=causes),),
            channel_std=std,
            weighed_std=weighed if weighed.any() else None,
            needs_picture=needs_picture,
        )
        return verdict, value

    def _impossible(self, channel: int, value: np.ndarray) -> Reason:
        return Reason(
            ReasonCode.IMPOSSIBLE,
            part=self._sense.channel_names[channel],
            value=float(value[channel]),
            low=float(self._low[channel]),
            high=float(self._high[channel]),
        )

    def _too_many_in_doubt(self, count: int) -> Reason | None:
        wrong = self._noise.wrong
        if count <= self._max_broken or not self._noise.is_any_wrong:
            return None
        worst = int(np.argmin(wrong) if wrong.min() < 0 else np.argmax(wrong))
        return Reason(
            ReasonCode.IN_DOUBT,
            text=self.element,
            count=count,
            size=self._judged_size,
            limit=self._max_broken,
            causes=(self._noise_reason(worst),),
        )
