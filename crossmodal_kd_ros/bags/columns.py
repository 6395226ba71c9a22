# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a report needs of a replay, in memory that does not grow with it: sums over stretches of time, samples, errors."""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

_FIRST_WIDTH_NS = 33_333_333  # a frame of 30 Hz: the first minute is drawn frame by frame
_BINS = 1800
_TOGETHER = 64
T = TypeVar('T')


class Course:
    """Sums of named quantities over equal stretches of time; when these do not reach, each two become one."""

    def __init__(self, names: Iterable[str]) -> None:
        """Sum the quantities `names`."""
        self._columns = {name: column for column, name in enumerate(names)}
        self._sums = np.zeros((_BINS, len(self._columns)))
        self._start_ns = 0
        self._end_ns = 0
        self._width_ns = _FIRST_WIDTH_NS

    def add(self, now_ns: int, values: Mapping[str, float]) -> None:
        """Add `values` to the stretch that `now_ns` is in; what came before the first counts with that."""
        self._start_ns = self._start_ns or now_ns
        self._end_ns = max(self._end_ns, now_ns)
        while (row := max(0, now_ns - self._start_ns) // self._width_ns) >= _BINS:
            self._sums = np.concatenate(
                [self._sums[::2] + self._sums[1::2], np.zeros_like(self._sums[::2])]
            )
            self._width_ns *= 2
        for name, value in values.items():
            self._sums[row, self._columns[name]] += value

    @property
    def start_ns(self) -> int:
        """When the first value came."""
        return self._start_ns

    @property
    def duration_s(self) -> float:
        """Seconds from the first value to the last."""
        return (self._end_ns - self._start_ns) / 1e9

    @property
    def width_s(self) -> float:
        """Length of a stretch."""
        return self._width_ns / 1e9

    @property
    def seconds(self) -> np.ndarray:
        """Start of each stretch that has begun, seconds since the first value."""
        return np.arange((self._end_ns - self._start_ns) // self._width_ns + 1) * self.width_s

    def sums(self, name: str) -> np.ndarray:
        """Return the sum of a quantity in each stretch that has begun."""
        return self._sums[: len(self.seconds), self._columns[name]]

    def means(self, name: str, count: str) -> np.ndarray:
        """Return a quantity over another in each stretch; NaN where the other is 0."""
        counts = self.sums(count)
        return np.divide(
            self.sums(name), counts, out=np.full(len(counts), np.nan), where=counts > 0
        )


class EvenSample(Generic[T]):
    """Some of very many things, evenly spaced and chosen by their number alone: twice as many are kept as are asked for."""

    def __init__(self, size: int) -> None:
        """Keep from `size` to twice as many, once so many came."""
        self._size, self._step, self._seen = size, 1, 0
        self._kept: list[T] = []

    @property
    def wants_next(self) -> bool:
        """Whether the next thing will be kept."""
        return self._seen % self._step == 0

    def add(self, thing: T) -> None:
        """Take a thing, or leave it."""
        if self.wants_next:
            self._kept.append(thing)
            if len(self._kept) > 2 * self._size:
                self._kept, self._step = self._kept[::2], 2 * self._step
        self._seen += 1

    def __len__(self) -> int:
        """Return how many things came."""
        return self._seen

    def chosen(self) -> list[T]:
        """Return at most `size` of them, evenly spaced."""
        rows = (
            np.unique(np.linspace(0, len(self._kept) - 1, self._size).round().astype(int))
            if self._kept
            else ()
        )
        return [self._kept[row] for row in rows]


class Errors:
    """Mean absolute errors by name, and the spread of what was measured to hold them against."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._sums: dict[tuple[str, ...], np.ndarray] = {}
        self._waiting: dict[tuple[str, ...], list[tuple[np.ndarray, np.ndarray]]] = {}

    def add(self, names: tuple[str, ...], estimates: np.ndarray, measured: np.ndarray) -> None:
        """Compare estimates with what was measured: `float[len(names)]`, or as many rows of values of one kind."""
        waiting = self._waiting.setdefault(names, [])
        waiting.append((estimates, measured))
        if len(waiting) == _TOGETHER:
            self._sum_up(names)

    def _sum_up(self, names: tuple[str, ...]) -> None:
        """Add what waits to the sums: count, error, measured, its square; one by one it would take ten times as long."""
        pairs = np.array(self._waiting.pop(names), np.float64)
        pairs = pairs.reshape(len(pairs), 2, len(names), -1)
        estimates, measured = pairs[:, 0], pairs[:, 1]
        sums = self._sums.setdefault(names, np.zeros((4, len(names))))
        sums += [
            np.full(len(names), measured[:, 0].size),
            np.abs(estimates - measured).sum((0, 2)),
            measured.sum((0, 2)),
            np.square(measured).sum((0, 2)),
        ]

    def table(self) -> dict[str, dict[str, Any]]:
        """Return `mean_absolute_error` and `measured_sd` by name."""
        for names in list(self._waiting):
            self._sum_up(names)
        told = {}
        for names, sums in self._sums.items():
            for name, (count, error, total, squares) in zip(names, sums.T):
                variance = max(0.0, squares / count - (total / count) ** 2)
                told[name] = {
                    'mean_absolute_error': round(float(error / count), 4),
                    'measured_sd': round(float(variance**0.5), 4),
                }
        return told


class Histogram:
    """Times in ms, to half a millisecond up to a second."""

    _STEP_MS, _TOP_MS = 0.5, 1000.0

    def __init__(self) -> None:
        """Start empty."""
        self.counts = np.zeros(int(self._TOP_MS / self._STEP_MS) + 1, np.int64)

    def add(self, ms: float) -> None:
        """Count one; what is beyond the ends counts at the end."""
        self.counts[int(min(max(ms / self._STEP_MS, 0), len(self.counts) - 1))] += 1

    def percentile(self, percent: float) -> float | None:
        """Return the time under which `percent` of them are, ms; `None` of nothing."""
        if not self.counts.any():
            return None
        reached = np.searchsorted(np.cumsum(self.counts), percent / 100 * self.counts.sum())
        return float((min(reached, len(self.counts) - 1) + 0.5) * self._STEP_MS)

    @property
    def edges_ms(self) -> np.ndarray:
        """Where each count starts, and the end of the last."""
        return np.arange(len(self.counts) + 1) * self._STEP_MS
