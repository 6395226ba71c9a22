# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures with their spread, ratios of interleaved rounds, tables: what every part comes to.

The machine is never alone, so that a time alone says little. What is compared is measured in turns
(A B C A B C ...), a ratio is taken within each round, and the median of the rounds counts.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

# A machine that has had more to do in the last minute is not idle.
IDLE_LOAD = 0.5


@dataclass(frozen=True, kw_only=True)
class Bench:
    """How a part is run.

    Attributes:
        out: folder for what is made once, and for logs.
        models: folder of the weights.
        quick: a few seconds, to see that everything works; no figure of it counts.
        before: another checkout of this repository, measured beside this one; `None`: none is.
        say: shows one line of progress.
    """

    out: Path
    models: Path
    quick: bool = False
    before: Path | None = None
    say: Callable[[str], None] = print

    @property
    def rounds(self) -> int:
        """How often everything is measured."""
        return 1 if self.quick else 5


@dataclass(frozen=True)
class Figure:
    """One number of every round.

    Attributes:
        median, low, high: of the rounds.
        values: of each round, in order.
    """

    median: float
    low: float
    high: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float | None]) -> 'Figure | None':
        """Return the figure of the rounds that have a value; `None` if none has."""
        known = [float(value) for value in values if value is not None]
        if not known:
            return None
        return cls(float(np.median(known)), min(known), max(known), tuple(known))


def ratio(above: Sequence[float | None], below: Sequence[float | None]) -> Figure | None:
    """Return `above / below`, round by round; a round that lacks either is left out."""
    pairs = zip(above, below, strict=True)
    return Figure.of([a / b for a, b in pairs if a is not None and b])


@dataclass(frozen=True, kw_only=True)
class Result:
    """One figure that somebody wants to know first, with what it is to be, if anything.

    Attributes:
        name: in words.
        figure: what was measured; `None`: nothing was.
        unit: such as `ms`; empty for a ratio.
        at_most, at_least: the aim; it is the median that is compared with it.
    """

    name: str
    figure: Figure | None
    unit: str = ''
    at_most: float | None = None
    at_least: float | None = None

    @property
    def aim(self) -> str:
        """The aim in words; empty if there is none."""
        if self.at_most is not None:
            return f'at most {number(self.at_most)}'
        return '' if self.at_least is None else f'at least {number(self.at_least)}'

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is reached; `None`: there is none, or nothing was measured."""
        if self.figure is None or not self.aim:
            return None
        median = self.figure.median
        return median <= self.at_most if self.at_least is None else median >= self.at_least


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table: a key of its rows, what stands above it, and the unit."""

    key: str
    title: str
    unit: str = ''


def figures(
    columns: Sequence[Column], rounds: Sequence[Mapping[str, Any]]
) -> dict[str, Figure | None]:
    """Return what every round says of each column, by its key."""
    return {
        column.key: Figure.of([round_.get(column.key) for round_ in rounds]) for column in columns
    }


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of figures.

    Attributes:
        title: what is measured.
        first: what stands above the names of the rows.
        columns: in order.
        rows: (name, {key: figure, number or text}).
        plot: keys of the columns that are drawn: as bars by row, or, if every row has an `x`, as
            lines over it.
        x: what `x` is, with its unit; empty: bars.
    """

    title: str
    first: str
    columns: Sequence[Column]
    rows: Sequence[tuple[str, Mapping[str, Any]]]
    plot: Sequence[str] = ()
    x: str = ''


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a part comes to.

    Attributes:
        title: in words.
        text: what is measured and how, a paragraph each.
        results: what somebody wants to know first.
        tables: all the rest.
    """

    title: str
    text: Sequence[str]
    results: Sequence[Result]
    tables: Sequence[Table] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """Return plain data for `summary.json`."""
        content = asdict(self)
        for row, result in zip(content['results'], self.results, strict=True):
            row |= {'aim': result.aim, 'is_met': result.is_met}
        return content


def number(value: float) -> str:
    """Return a number with three figures that count, or more where it is near to 100."""
    if value and abs(value) < 1e-3:
        return f'{value:.1e}'
    if value and abs(value) < 0.9995:
        return f'{value:.3g}'
    digits = 0 if abs(value) >= 100.0 else 1 if 9.995 <= abs(value) < 99.0 else 2
    text = f'{value:.{digits}f}'
    return text.rstrip('0').rstrip('.') if '.' in text else text


def timed(*calls: Callable[[], Any], repeats: int) -> list[list[float]]:
    """Call each in turn, again and again; return the seconds that each call of each took."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, own in zip(calls, times):
            start_s = time.perf_counter()
            call()
            own.append(time.perf_counter() - start_s)
    return times


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))
