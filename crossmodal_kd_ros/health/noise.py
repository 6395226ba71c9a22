# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is judged alike in grids and in channels: range, repeats, and noise. No clock is read."""

from typing import ClassVar

import numpy as np

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.health.verdict import HEALTHY, Verdict
from crossmodal_kd_ros.profile import Sense

# The median change from reading to reading of normal noise, in standard deviations.
MEDIAN_CHANGE = 0.954
# Of the range: a channel with less noise of its own has none that could be compared.
_MIN_NOISE = 1e-9
# A channel is not too quiet with noise that is not too quiet for one whose own is so many times
# what its profile says: its own may have been measured while the world was in turmoil.
_MAX_QUIET = 3.0
# Share of the newest noise in a sensor's own, once that is known well.
_AGEING = 5e-4
# From this part of the range's end on a reading is at it: of the end itself where the range holds
# 0, else of the range, which may be narrow and far from 0.
_END = 0.999
_STUCK_READINGS = 5


class ReadingHealth:
    """Judges readings `float32[size]` of one sense: each by itself, and against those before it.

    A channel that the profile makes constant is not judged.

    Attributes:
        verdict: after the newest reading.
        element: what one number of a reading is called.
        window: readings over which noise is judged.
        noise_broken, noise_healthy: outside of the first pair of multiples of its own noise a
            channel is broken, inside of the second healthy again.
    """

    element: ClassVar[str]
    window: ClassVar[int]
    noise_broken: ClassVar[tuple[float, float]]
    noise_healthy: ClassVar[tuple[float, float]]

    def __init__(self, sense: Sense) -> None:
        """Start with no reading."""
        self._sense = sense
        each = sense.size // len(sense.channels)
        self._is_constant = sense.per_element('is_constant').astype(bool)
        self._is_judged = None if not self._is_constant.any() else ~self._is_constant
        self._judged_size = sense.size - int(np.count_nonzero(self._is_constant))
        # So many elements may be broken.
        self._max_broken = int(0.5 * self._judged_size)
        self._low, self._high = sense.per_element('least'), sense.per_element('max')
        self._near_end = np.where(
            (self._low <= 0.0) & (self._high > 0.0),
            self._high * np.float32(_END),
            self._high - np.float32(1.0 - _END) * (self._high - self._low),
        )
        self._saturates = np.repeat([c.saturates for c in sense.channels], each)
        self._low[self._is_constant] = -np.inf
        self._high[self._is_constant] = self._near_end[self._is_constant] = np.inf
        # Noise grows with the reading where the channel has a noise floor, and is judged in
        # multiples of that; else in the channel's unit.
        floors = np.float32([channel.noise_floor or 1.0 for channel in sense.channels])
        has_floor = np.array([channel.noise_floor is not None for channel in sense.channels])
        self._floor = np.repeat(floors, each) if has_floor.any() else None
        self._has_floor = None if has_floor.all() else np.repeat(has_floor, each)
        ranges = np.float32([channel.max - channel.min for channel in sense.channels])
        stds = np.float32(
            [
                max(channel.noise_std, channel.relative_noise * (channel.noise_floor or 0.0))
                for channel in sense.channels
            ]
        )
        self._contact = sense.contact
        self._contact_elements = (
            sense.elements_of(sense.contact.channel) if sense.contact else None
        )
        self._noise = NoiseMonitor(
            np.float32(_MIN_NOISE) * ranges / floors,
            np.float32(_MAX_QUIET * MEDIAN_CHANGE) * stds / floors,
            window=self.window,
            broken=self.noise_broken,
            healthy=self.noise_healthy,
        )
        self.reset()

    def reset(self) -> None:
        """Forget every reading and the sensor's own level of noise."""
        self.verdict = HEALTHY
        self._last: np.ndarray | None = None
        self._stamp_ns = 0
        # When each element last changed, and when any did.
        self._changed_ns = np.zeros(self._sense.size, np.int64)
        self._any_changed_ns = 0
        self._repeats = 0
        # Which elements read what they cannot, and which of them are not at the end of their
        # converter, where a hard press brings them too; `None`: none.
        self._outside: np.ndarray | None = None
        self._beyond: np.ndarray | None = None
        self._noise.reset()

    def refuse(self, value: np.ndarray) -> Reason | None:
        """Return why `value` cannot be a reading of a working sensor; `None` if it can."""
        # As nearly always, and at a third of the cost.
        if np.count_nonzero((value >= self._low) & (value < self._near_end)) == value.size:
            self._outside = self._beyond = None
            return None
        outside = (value < self._low) | (value > self._high)
        ended = self._saturates & (value >= self._near_end) & ~outside
        count = int(np.count_nonzero(outside | ended))
        if count <= self._max_broken:
            self._outside = outside | ended if count else None
            self._beyond = outside if outside.any() else None
            return None
        is_outside = bool(outside.any())
        first = int(np.argmax(outside if is_outside else ended))
        return Reason(
            ReasonCode.OUT_OF_RANGE if is_outside else ReasonCode.SATURATED,
            part=self._sense.element_name(first),
            text=self.element,
            value=float(value[first]),
            low=float(self._low[first]),
            high=float(self._high[first]),
            count=count,
            size=self._judged_size,
        )

    def take(self, stamp_ns: int, value: np.ndarray) -> np.ndarray:
        """Remember a reading that was not refused and judge it; return it as it is to be used."""
        last, self._last = self._last, value
        self._stamp_ns = stamp_ns
        if last is None:
            self._changed_ns[:] = self._any_changed_ns = stamp_ns
        else:
            changed = value != last
            count = int(np.count_nonzero(changed))
            if count == self._judged_size:
                self._changed_ns.fill(stamp_ns)
            else:
                self._changed_ns[changed] = stamp_ns
            if count:
                self._repeats, self._any_changed_ns = 0, stamp_ns
                self._compare(value, last, changed, count)
            else:
                self._repeats += 1
        stuck = self._stuck() if self._repeats >= _STUCK_READINGS else None
        fault = stuck or (self._no_contact(value) if self._contact else None)
        if not (fault or self._noise.is_any_wrong or self._bad_elements() is not None):
            self.verdict = HEALTHY
            return value
        self.verdict, value = self._judge(value, fault)
        return value

    def _compare(
        self, value: np.ndarray, last: np.ndarray, changed: np.ndarray, count: int
    ) -> None:
        """Note by how much the elements that have changed, `bool[size]`, `count` of them, did."""
        raise NotImplementedError

    def _bad_elements(self) -> np.ndarray | None:
        """Return which elements are known to be broken, `bool[size]`; `None`: none."""
        return self._outside

    def _senseless_elements(self) -> np.ndarray | None:
        """Return which elements say nothing of contact, `bool[size]`; `None`: none."""
        return self._beyond

    def _judge(self, value: np.ndarray, fault: Reason | None) -> tuple[Verdict, np.ndarray]:
        """Return the verdict where anything is wrong, and the reading as it is to be used.

        `fault` goes before what else may be wrong.
        """
        raise NotImplementedError

    def _change(self, value: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Return how large each change is, `float32[size]`, in multiples of `_growth`."""
        change = np.abs(value - last)
        if self._floor is not None:
            change /= self._growth(value)
        return change

    def _growth(self, value: np.ndarray) -> np.ndarray | float:
        """Return |value| + noise floor, `float32[size]`, or 1 where a channel has no floor."""
        if self._floor is None:
            return 1.0
        growth = np.abs(value)
        if self._has_floor is not None:
            growth *= self._has_floor
        growth += self._floor
        return growth

    def _stuck(self) -> Reason | None:
        stuck_s = (self._stamp_ns - self._any_changed_ns) / 1e9
        if self._sense.stuck_s is None or stuck_s < self._sense.stuck_s:
            return None
        return Reason(ReasonCode.STUCK, value=stuck_s, limit=self._sense.stuck_s)

    def _no_contact(self, value: np.ndarray) -> Reason | None:
        elements, bad = value[self._contact_elements], self._senseless_elements()
        if bad is not None:
            # Where all are broken, what they read is all that is known.
            good = ~bad[self._contact_elements]
            elements = elements[good] if good.any() else elements
        mean = float(elements.mean())
        if mean >= self._contact.min:
            return None
        return Reason(
            ReasonCode.NO_CONTACT, part=self._contact.channel, value=mean, limit=self._contact.min
        )

    def _noise_reason(self, channel: int) -> Reason:
        is_noisy = self._noise.wrong[channel] > 0
        return Reason(
            ReasonCode.NOISY if is_noisy else ReasonCode.QUIET,
            part=self._sense.channel_names[channel],
            value=float(self._noise.factor[channel]),
            limit=self.noise_broken[int(is_noisy)],
        )


class NoiseMonitor:
    """Compares the noise of late of G channels with what each had at first.

    Attributes:
        wrong: `int8[G]`, -1 too quiet, 1 too noisy.
        is_any_wrong: whether one of them is.
        change: `float32[G]`, the median of the changes of late.
        factor: `float32[G]`, how many times its own noise that is.
    """

    def __init__(
        self,
        min_noise: np.ndarray,
        max_quiet: np.ndarray,
        *,
        window: int,
        broken: tuple[float, float],
        healthy: tuple[float, float],
    ) -> None:
        """Start with no change.

        Args:
            min_noise: `float32[G]`; a channel with less of its own is not judged.
            max_quiet: `float32[G]`; too quiet is judged by a channel's own noise up to that.
            window, broken, healthy: as in `ReadingHealth`.
        """
        self._min_noise, self._max_quiet, self._window = min_noise, max_quiet, window
        self._broken, self._healthy = broken, healthy
        self.reset()

    def reset(self) -> None:
        """Forget every change."""
        groups = self._min_noise.size
        self.wrong, self.is_any_wrong = np.zeros(groups, np.int8), False
        self.change, self.factor = np.zeros(groups, np.float32), np.ones(groups, np.float32)
        self._changes = np.zeros((groups, self._window), np.float32)  # of late, in a ring
        self._counts = np.zeros(groups, np.int64)  # changes so far
        self._own = np.zeros(groups, np.float32)
        # Changes so far as long as all channels have as many: spares a quarter of the time.
        self._shared_count: int | None = 0

    def add(self, change: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Add a change `float32[G]` of every channel, or of those that count, `bool[G]`."""
        if counts is None and self._shared_count is not None:
            self._changes[:, self._shared_count % self._window] = change
            self._shared_count += 1
            if self._shared_count >= self._window:
                self._update(None, self._shared_count)
            return
        if self._shared_count is not None:
            self._counts.fill(self._shared_count)
            self._shared_count = None
        rows = np.arange(change.size) if counts is None else np.flatnonzero(counts)
        self._changes[rows, self._counts[rows] % self._window] = change[rows]
        self._counts[rows] += 1
        rows = rows[self._counts[rows] >= self._window]
        if rows.size:
            self._update(rows, self._counts[rows])

    def _update(self, rows: np.ndarray | None, count: int | np.ndarray) -> None:
        """Judge the channels `rows` (`None`: all), which have had `count` changes.

        The noise of the first window is a channel's own.
        """
        if rows is None:
            changes, own, min_noise = self._changes, self._own, self._min_noise
        else:
            changes, own, min_noise = self._changes[rows], self._own[rows], self._min_noise[rows]
        noise = median_of_rows(changes)
        bounded = np.maximum(noise, min_noise)
        own, share = self._weigh(own, bounded, count - self._window + 1)
        factor = np.where(own > min_noise, noise / own, np.float32(1.0))
        own_then = own + share * (bounded - own)
        low, high = self._broken
        # as nearly always
        if self.is_any_wrong or not all(low <= one <= high for one in factor.tolist()):
            wrong = self._wrong_of(rows, noise, own, factor)
            own_then = np.where(wrong == 0, own_then, own)
            self.wrong[slice(None) if rows is None else rows] = wrong
            self.is_any_wrong = bool(np.count_nonzero(self.wrong))
        if rows is None:
            self.change, self.factor, self._own = noise, factor, own_then
        else:
            self.change[rows], self.factor[rows], self._own[rows] = noise, factor, own_then

    def _weigh(
        self, own: np.ndarray, noise: np.ndarray, judged: int | np.ndarray
    ) -> tuple[np.ndarray, float | np.ndarray]:
        """Return a channel's own noise, and the weight of the newest in it.

        That is the mean at first, as the first moment need not have been typical; then a slow
        average, as a sensor ages.
        """
        many = 5 * self._window
        if isinstance(judged, int):  # at a tenth of the cost
            return (noise if judged == 1 else own, 1.0 / judged if judged <= many else _AGEING)
        share = np.where(judged <= many, 1.0 / judged, _AGEING).astype(np.float32)
        return np.where(judged == 1, noise, own), share

    def _wrong_of(
        self, rows: np.ndarray | None, noise: np.ndarray, own: np.ndarray, factor: np.ndarray
    ) -> np.ndarray:
        """Return -1, 0 or 1 for each channel; between the limits it stays as it was before."""
        before, max_quiet = self.wrong, self._max_quiet
        if rows is not None:
            before, max_quiet = before[rows], max_quiet[rows]
        quiet = np.where(own > max_quiet, noise / max_quiet, factor)
        broken = (factor > self._broken[1]).astype(np.int8) - (quiet < self._broken[0])
        healthy = (quiet > self._healthy[0]) & (factor < self._healthy[1])
        return np.where(broken != 0, broken, np.where(healthy, 0, before))


def median_of_rows(values: np.ndarray) -> np.ndarray:
    """Return `np.median(values, axis=-1)` of `float32[N, M]` without NaN, bit for bit.

    It takes a sixth of the time where M is small.
    """
    middle = values.shape[-1] // 2
    ordered = np.sort(values, axis=-1)
    return (
        ordered[:, middle]
        if values.shape[-1] % 2
        else (ordered[:, middle - 1] + ordered[:, middle]) / 2
    )
