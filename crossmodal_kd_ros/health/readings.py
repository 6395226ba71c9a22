# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What readings of touch and gas say of the health of their sensor: range, stuck, dead elements, noise. No clock is read."""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.contract import BANK_SHAPE, GAS_CHANNELS, GAS_NAMES, NUM_GAS, NUM_TAXELS

_BANKS = NUM_TAXELS // 128


@dataclass(frozen=True, kw_only=True)
class Stream:
    """How readings of a working sensor look.

    Attributes:
        element: what one value is called.
        groups: names of the groups of elements whose noise is judged together.
        low, high: `float32[N]`, the range a working sensor can report.
        tops: `bool[N]`, elements whose `high` is the end of the converter rather than a true
            value.
        floor: `float32[N]`, size below which a change is judged as absolute rather than relative.
        stuck_s: how long one and the same reading may repeat itself.
        window: readings over which noise is judged.
        dead_s: an element that repeats itself for so long, while most others change, is dead.
        has_neighbours: a broken element is read from those around it; if not, from the picture.
        most_dead: part of the elements that may be read in such a way.
        noise_broken, noise_healthy: outside of the first pair of multiples of its own noise it is
            broken, inside of the second healthy again.
    """

    element: str
    groups: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    tops: np.ndarray
    floor: np.ndarray
    stuck_s: float
    window: int
    dead_s: float
    has_neighbours: bool
    most_dead: float
    noise_broken: tuple[float, float]
    noise_healthy: tuple[float, float]


# Up to 1000 um and to the 15 mm that a soft skin gives way, beyond all that the simulated wall can
# do; a filter may ring to a twentieth of that below 0.
_TOUCH = Stream(
    element='taxel',
    groups=('texture', 'indentation'),
    low=np.repeat(np.float32([-50.0, -0.75]), 128),
    high=np.repeat(np.float32([1000.0, 15.0]), 128),
    tops=np.ones(NUM_TAXELS, bool),
    floor=np.repeat(np.float32([20.0, 1.0]), 128),
    stuck_s=0.5,
    window=20,
    dead_s=1.0,
    has_neighbours=True,
    most_dead=0.5,
    noise_broken=(1 / 12, 11.0),
    noise_healthy=(1 / 8, 7.0),
)
# In clean air an electrochemical cell reads a little below zero, as its zero drifts and its noise
# goes both ways.
_CELLS = ('nh3_ppm', 'h2s_ppb')
_BELOW_ZERO = 0.05  # of the range
# Humid walls do bring a hygrometer to 100 %, and an uptake is a difference: neither end is a
# converter's. A channel that reads the same for minutes (oxygen, to one decimal) is no dead one:
# only its own noise can tell.
_GAS = Stream(
    element='channel',
    groups=GAS_NAMES,
    low=np.float32(
        [
            -_BELOW_ZERO * channel.high if channel.name in _CELLS else channel.low
            for channel in GAS_CHANNELS
        ]
    ),
    high=np.float32([channel.high for channel in GAS_CHANNELS]),
    tops=np.array([channel.name != 'relative_humidity_pct' for channel in GAS_CHANNELS]),
    floor=np.full(NUM_GAS, 1e6, np.float32),
    stuck_s=3.0,
    window=12,
    dead_s=float('inf'),
    has_neighbours=False,
    most_dead=0.5,
    noise_broken=(1 / 12, 3.5),
    noise_healthy=(1 / 8, 2.0),
)
STREAMS = {'touch': _TOUCH, 'gas': _GAS}

# From so many times its own noise on a channel is worth less than it is together with the picture;
# under that it is only no witness against it.
_GRAVE_NOISE = 6.0
# The median change from reading to reading of normal noise, in standard deviations.
_MEDIAN_CHANGE = 0.954
_LEAST_NOISE = 1e-9
_AGEING = 5e-4
_STUCK_READINGS = 5
_JUDGED = 0.6  # part of the taxels that have to change for the noise of their bank to be judged


class ReadingChecks:
    """Judges one stream of readings `float32[N]`: each by itself at once, their course over the last second or so."""

    def __init__(self, stream: Stream) -> None:
        """Know nothing yet."""
        self._stream = stream
        self._near_top = stream.high * np.float32(0.999)
        self._none = np.zeros(stream.low.size, bool)
        self.reset()

    def reset(self) -> None:
        """Forget every reading and the sensor's own level of noise."""
        groups = len(self._stream.groups)
        self._last: np.ndarray | None = None
        # when each element last changed
        self._changed_ns = np.zeros(self._stream.low.size, np.int64)
        self._repeats = 0
        self._stamp_ns = 0
        self._changes = np.zeros((groups, self._stream.window), np.float32)  # of late, in a ring
        self._changed = 0  # readings that were unlike the one before
        self._change = np.zeros(groups)  # the median of these
        self._own_noise: np.ndarray | None = None
        self._judged = 0
        self._wrong_noise = np.zeros(groups, np.int8)  # -1 too quiet, 1 too noisy
        self._noise = np.ones(groups)
        self._outside = self._dead = self._bad = self._none  # cannot be; have not changed; either
        self._bad_count = 0
        # By how much elements without neighbours may be off, `float[N]`, as a standard deviation
        # in their units: 0 where they are as ever, infinite where they tell nothing.
        self.doubt = self._sure = np.zeros(self._none.size)
        # the same where a channel is worth more together with the picture
        self.grave_doubt = self._sure

    def refuse(self, value: np.ndarray) -> str:
        """Return why `value` cannot be a reading of a working sensor; empty if it can. It is not remembered."""
        stream = self._stream
        # As nearly always, and at a third of the cost.
        if np.count_nonzero((value >= stream.low) & (value < self._near_top)) == value.size:
            self._outside = self._none
            return ''
        outside = (value < stream.low) | (value > stream.high)
        ended = stream.tops & (value >= self._near_top) & ~outside
        count = int(np.count_nonzero(outside | ended))
        if count <= stream.most_dead * value.size:
            self._outside = outside | ended
            return ''
        first = int(np.argmax(outside if outside.any() else ended))
        if outside.any():
            return (
                f'{count} of {value.size} {stream.element}s out of range: {self._name(first)} reads {value[first]:.6g} '
                f'(a working one {stream.low[first]:.6g} to {stream.high[first]:.6g})'
            )
        return (
            f'{count} of {value.size} {stream.element}s saturated: {self._name(first)} reads {value[first]:.6g} '
            f'(the top of its range is {stream.high[first]:.6g})'
        )

    def take(self, stamp_ns: int, value: np.ndarray) -> np.ndarray:
        """Remember a reading that was not refused; return it with its dead elements read from their neighbours."""
        last, self._last = self._last, value
        self._stamp_ns = stamp_ns
        if last is None:
            self._changed_ns[:] = stamp_ns
        else:
            self._compare(value, last)
        if self._stream.has_neighbours:
            return self._mend(value)
        if self._outside is self._none and not self._wrong_noise.any():
            self.doubt = self.grave_doubt = self._sure
        else:
            noise = np.where(
                self._wrong_noise > 0, self._change * self._stream.floor / _MEDIAN_CHANGE, 0.0
            )
            self.doubt = np.where(self._outside | (self._wrong_noise < 0), np.inf, noise)
            self.grave_doubt = np.where(
                np.isinf(self.doubt) | (self._noise > _GRAVE_NOISE), self.doubt, 0.0
            )
        return value

    def verdict(self) -> str:
        """Return why the readings cannot be trusted, with the figure behind it; empty if they can."""
        return self._stuck() or self._too_many_dead() or self._noise_verdict()

    def remark(self) -> str:
        """Return what is wrong without making the readings useless; empty if nothing is."""
        if self.doubt is not self._sure:
            whys = (
                self._noise_words(index)
                if self._wrong_noise[index]
                else f'{self._name(index)} reads what it cannot'
                for index in np.flatnonzero(self.doubt)
            )
            return f'{", ".join(whys)}: {"read from" if np.isinf(self.doubt).any() else "weighed against"} the picture'
        if self._bad_count:
            return f'{self._bad_count} of {self._bad.size} {self._stream.element}s are dead and read from their neighbours'
        return (
            self._noise_words(int(np.argmin(self._wrong_noise)))
            if (self._wrong_noise < 0).any()
            else ''
        )

    def _stuck(self) -> str:
        if self._last is None or self._repeats < _STUCK_READINGS:
            return ''
        stuck_s = (self._stamp_ns - int(self._changed_ns.max())) / 1e9
        if stuck_s < self._stream.stuck_s:
            return ''
        return f'stuck: the same reading for {stuck_s:.2f} s (limit {self._stream.stuck_s:.2f} s)'

    def _too_many_dead(self) -> str:
        most = int(self._stream.most_dead * self._bad.size)
        if self._bad_count <= most:
            return ''
        return (
            f'{self._bad_count} of {self._bad.size} {self._stream.element}s are dead: they have not changed for '
            f'{self._stream.dead_s:.0f} s, or read what they cannot (limit {most})'
        )

    def _noise_verdict(self) -> str:
        # `any` takes four times as long, and is asked eight times a picture
        if not np.count_nonzero(self._wrong_noise):
            return ''
        if self._stream.has_neighbours:
            # A pad that is too quiet has a slow filter: it lags a little, and is worth more than
            # none.
            return (
                self._noise_words(int(np.argmax(self._wrong_noise)))
                if self._wrong_noise.max() > 0
                else ''
            )
        count, most = (
            int(np.count_nonzero(np.isinf(self.doubt))),
            int(self._stream.most_dead * self._none.size),
        )
        if count <= most:
            return ''
        return (
            f'{count} of {self._none.size} {self._stream.element}s are in doubt (limit {most}): '
            f'{self._noise_words(int(np.argmin(self._wrong_noise)))}'
        )

    def _noise_words(self, worst: int) -> str:
        noisy = self._wrong_noise[worst] > 0
        return (
            f'{self._stream.groups[worst]} is {"noisy" if noisy else "too quiet"}: {self._noise[worst]:.3g} times its own '
            f'healthy noise (limit {self._stream.noise_broken[int(noisy)]:.3g})'
        )

    def _compare(self, value: np.ndarray, last: np.ndarray) -> None:
        """Note which elements have changed since the reading before, and by how much."""
        changed = value != last
        count = int(np.count_nonzero(changed))
        if count == changed.size:
            self._changed_ns.fill(self._stamp_ns)
        else:
            self._changed_ns[changed] = self._stamp_ns
        self._repeats = 0 if count else self._repeats + 1
        # The median of a bank of which half is dead is no noise; a gas channel has its own.
        if count > (_JUDGED * changed.size if self._stream.has_neighbours else 0):
            self._judge_noise(value, last)
        if count == changed.size:
            self._dead = self._none
        elif count > changed.size // 4:
            self._dead = self._stamp_ns - self._changed_ns > self._stream.dead_s * 1e9

    def _judge_noise(self, value: np.ndarray, last: np.ndarray) -> None:
        """Compare the noise of late with the sensor's own. From the first window on that is what it had there."""
        change = np.abs(value - last) / (np.abs(value) + self._stream.floor)
        # The median over a bank, and then over time, so that a wall that changes under some taxels
        # is no noise.
        self._changes[:, self._changed % self._stream.window] = median(
            change.reshape(len(self._stream.groups), -1)
        )
        self._changed += 1
        if self._changed < self._stream.window:
            return
        self._change = noise = median(self._changes)
        if self._own_noise is None:
            self._own_noise = np.maximum(noise, _LEAST_NOISE)
        self._noise = np.where(self._own_noise > _LEAST_NOISE, noise / self._own_noise, 1.0)
        # The mean at first, as the first moment need not have been typical; then a slow average,
        # as a sensor ages.
        self._judged += 1
        share = 1.0 / self._judged if self._judged <= 5 * self._stream.window else _AGEING
        towards = share * (np.maximum(noise, _LEAST_NOISE) - self._own_noise)
        low, high = self._stream.noise_broken
        is_right = all(low <= noise <= high for noise in self._noise.tolist())
        # as nearly always: a quarter of the time of a reading less
        if is_right and not np.count_nonzero(self._wrong_noise):
            self._own_noise += towards
            return
        broken = (self._noise > high).astype(np.int8) - (self._noise < low)
        healthy = (self._noise > self._stream.noise_healthy[0]) & (
            self._noise < self._stream.noise_healthy[1]
        )
        self._wrong_noise = np.where(
            broken != 0, broken, np.where(healthy, 0, self._wrong_noise)
        ).astype(np.int8)
        calm = self._wrong_noise == 0
        self._own_noise[calm] += towards[calm]

    def _mend(self, value: np.ndarray) -> np.ndarray:
        """Return `value` with each dead taxel replaced by the median of the good ones round it."""
        if self._outside is self._none and self._dead is self._none:
            self._bad, self._bad_count = self._none, 0
            return value
        bad = self._bad = self._outside | self._dead
        self._bad_count = int(np.count_nonzero(bad))
        if not self._bad_count or self._bad_count > self._stream.most_dead * value.size:
            return value
        mended = value.copy()
        banks = np.where(bad, np.nan, value).reshape(_BANKS, *BANK_SHAPE)
        for bank, row, column in np.argwhere(np.isnan(banks)):
            near = banks[bank, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            near = near[np.isfinite(near)]
            mended[np.ravel_multi_index((bank, row, column), banks.shape)] = np.median(
                near if near.size else banks[bank][np.isfinite(banks[bank])]
            )
        return mended

    def _name(self, index: int) -> str:
        if self._stream.element == 'channel':
            return GAS_NAMES[index]
        bank, row, column = np.unravel_index(index, (_BANKS, *BANK_SHAPE))
        return f'{self._stream.groups[bank]} taxel ({row}, {column})'


def median(values: np.ndarray) -> np.ndarray:
    """Return `np.median(values, axis=-1)` of `float32[N, M]` without NaN, bit for bit, in a sixth of its time for so few."""
    middle = values.shape[-1] // 2
    ordered = np.sort(values, axis=-1)
    return (
        ordered[:, middle]
        if values.shape[-1] % 2
        else (ordered[:, middle - 1] + ordered[:, middle]) / 2
    )
