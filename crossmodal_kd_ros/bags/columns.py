# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What metrics keep of a replay, in memory that does not grow with it: sums, samples, errors."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

_FIRST_WIDTH_NS = 33_333_333  # a frame of 30 Hz: the first minute is kept frame by frame
_BINS = 1800
_BATCH = 64
T = TypeVar('T')


class TimeColumns:
    """Sums of named numbers over equal stretches of time; a stretch without any is not kept.

    Where there are too many stretches, each two neighbours become one. A gap takes no room.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Sum the numbers called `names`."""
        self._columns = {name: column for column, name in enumerate(names)}
        self._sums = np.zeros((_BINS, len(self._columns)))
        self._rows: dict[int, int] = {}  # by number of the stretch
        self._start_ns = 0
        self._end_ns = 0
        self._width_ns = _FIRST_WIDTH_NS

    def add(self, now_ns: int, values: Mapping[str, float]) -> None:
        """Add `values` to the stretch of `now_ns`; what is before the first counts with that."""
        self._start_ns = self._start_ns or now_ns
        self._end_ns = max(self._end_ns, now_ns)
        while (row := self._row(max(0, now_ns - self._start_ns) // self._width_ns)) >= _BINS:
            self._join_neighbours()
        for name, value in values.items():
            self._sums[row, self._columns[name]] += value

    @property
    def start_ns(self) -> int:
        """Time of the first value; 0 before it."""
        return self._start_ns

    @property
    def duration_s(self) -> float:
        """Seconds from the first value to the last."""
        return (self._end_ns - self._start_ns) / 1e9

    @property
    def width_s(self) -> float:
        """Length of a stretch, seconds."""
        return self._width_ns / 1e9

    @property
    def seconds(self) -> np.ndarray:
        """Start of each stretch that has a value, ascending, seconds since the first value."""
        return np.sort(self._numbers()) * self.width_s

    def sums(self, name: str) -> np.ndarray:
        """Return the sum of a number in each stretch that has a value."""
        return self._sums[: len(self._rows), self._columns[name]][np.argsort(self._numbers())]

    def means(self, name: str, count: str) -> np.ndarray:
        """Return a number over another in each stretch; NaN where the other is 0."""
        counts = self.sums(count)
        return np.divide(
            self.sums(name), counts, out=np.full(len(counts), np.nan), where=counts > 0
        )

    def _row(self, number: int) -> int:
        """Return the row of a stretch; a new one where it has none, were it beyond the last."""
        row = self._rows.get(number, len(self._rows))
        if row < _BINS:
            self._rows[number] = row
        return row

    def _numbers(self) -> np.ndarray:
        """Return the number of the stretch that each row has."""
        return np.fromiter(self._rows, np.int64, len(self._rows))

    def _join_neighbours(self) -> None:
        """Make stretches twice as long."""
        numbers, rows = np.unique(self._numbers() // 2, return_inverse=True)
        sums = np.zeros_like(self._sums)
        np.add.at(sums, rows, self._sums[: len(rows)])
        self._sums, self._width_ns = sums, 2 * self._width_ns
        self._rows = {int(number): row for row, number in enumerate(numbers)}


class EvenSample(Generic[T]):
    """Some of very many items, evenly spaced and chosen by their number alone."""

    def __init__(self, size: int) -> None:
        """Choose `size` items; up to twice as many are kept meanwhile."""
        self._size, self._step, self._count = size, 1, 0
        self._kept: list[T] = []

    def add(self, make: Callable[[], T]) -> None:
        """Count an item; have it made and keep it if it is one of those."""
        if self._count % self._step == 0:
            self._kept.append(make())
            if len(self._kept) > 2 * self._size:
                self._kept, self._step = self._kept[::2], 2 * self._step
        self._count += 1

    def __len__(self) -> int:
        """Return how many items were added."""
        return self._count

    def chosen(self) -> list[T]:
        """Return at most `size` of them, evenly spaced."""
        if not self._kept:
            return []
        rows = np.linspace(0, len(self._kept) - 1, self._size).round().astype(int)
        return [self._kept[row] for row in np.unique(rows)]


class EstimateErrors:
    """Mean absolute errors by name, beside the spread of what was measured."""

    def __init__(self) -> None:
        """Start without a pair."""
        self._sums: dict[tuple[str, ...], np.ndarray] = {}
        self._batches: dict[tuple[str, ...], list[tuple[np.ndarray, np.ndarray]]] = {}

    def add(self, names: Sequence[str], estimates: np.ndarray, measured: np.ndarray) -> None:
        """Compare estimates with measurements.

        Args:
            names: of the numbers that are compared.
            estimates, measured: `float[k * len(names)]`: `k` values of each name, one name after
                the other.
        """
        names = tuple(names)
        batch = self._batches.setdefault(names, [])
        # A copy: the rows of an engine's answer would keep the whole answer in memory.
        batch.append((np.array(estimates, np.float64), np.array(measured, np.float64)))
        if len(batch) == _BATCH:
            self._sum_up(names)

    def table(self) -> dict[str, dict[str, Any]]:
        """Return `mean_absolute_error` and `measured_sd` by name."""
        for names in list(self._batches):
            self._sum_up(names)
        table = {}
        for names, sums in self._sums.items():
            for name, (count, error, total, squares) in zip(names, sums.T):
                variance = max(0.0, squares / count - (total / count) ** 2)
                table[name] = {
                    'mean_absolute_error': round(float(error / count), 4),
                    'measured_sd': round(float(variance**0.5), 4),
                }
        return table

    def _sum_up(self, names: tuple[str, ...]) -> None:
        """Add a batch to the sums: ten times as fast as pair by pair."""
        pairs = np.array(self._batches.pop(names))
        pairs = pairs.reshape(len(pairs), 2, len(names), -1)
        estimates, measured = pairs[:, 0], pairs[:, 1]
        # Rows: count, absolute error, measured, its square.
        sums = self._sums.setdefault(names, np.zeros((4, len(names))))
        sums += [
            np.full(len(names), measured[:, 0].size),
            np.abs(estimates - measured).sum((0, 2)),
            measured.sum((0, 2)),
            np.square(measured).sum((0, 2)),
        ]
