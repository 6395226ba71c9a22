# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One run of a robot as plain data, whether it was live or a replay: what its page shows.

Times are seconds of the run. A live run fills this from its recording, a replay from its metrics.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossmodal_kd_ros.profile import Profile, Sense

# What the marks of all gaps take of a figure, were there so many at least.
_MARKS, _MIN_MARKS = 0.3, 15


@dataclass(frozen=True)
class Span:
    """A stretch of time, and the mode or action that it had; no name where it is a mere mark."""

    start_s: float
    end_s: float
    name: str = ''


@dataclass(frozen=True)
class Outage:
    """A planned fault: of which sensors, when, and what a figure calls it."""

    sensors: tuple[str, ...]
    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Curve:
    """A quantity over time, in its own unit.

    Attributes:
        label: what the curve is.
        known: it was measured or is true; else it was estimated or published.
        t_s, values: `float[n]`; NaN interrupts the line.
        lower, upper: `float[n]`, 90 % bounds; `None`, or NaN, where nobody knows them.
    """

    label: str
    known: bool
    t_s: np.ndarray
    values: np.ndarray
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class GridMoment:
    """What the student estimates of every grid sense at one moment, beside what is known of it.

    Attributes:
        title: what stands left of it.
        view: `uint8[S, S, 3]`, the square picture; `None` where it is lost.
        estimates: by sense, `float32[size]`.
        known: likewise what was measured or is true; empty where nobody knows.
    """

    title: str
    view: np.ndarray | None
    estimates: Mapping[str, np.ndarray]
    known: Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What somebody decided about a picture.

    Attributes:
        who: `teacher`, `old`, ...; empty where only one decided.
        action: of the profile, or `hold`.
        confidence: 0 to 1; `None` where there is none.
        right: whether an expert decides so; `None` where nobody knows.
    """

    who: str = ''
    action: str
    confidence: float | None = None
    right: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Card:
    """One picture and what was decided from it.

    Attributes:
        t_s: when.
        picture: as `page.thumbnail` gives it; empty where there is none. no_picture: why.
        mode: who decided; empty where it does not matter.
        choices: what was decided.
        notes: what else is known of the picture.
    """

    t_s: float
    picture: str
    no_picture: str = ''
    mode: str = ''
    choices: Sequence[Choice]
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class ModelRun:
    """What one model made of the run.

    Attributes:
        name: `old` or `new` where two are compared; else empty.
        summary: its part of `summary.json`; `modes` in it are the changes of mode.
        modes: who decided.
        actions: by row of the timeline, such as `decision` and `expert`.
        disagreements: when teacher and student disagreed; `None` if that was not looked at.
        cards: some of the pictures.
        curves: by quantity.
        moments: of the grid senses. known_label: what `GridMoment.known` is, `true` or `measured`.
    """

    name: str = ''
    summary: Mapping[str, Any]
    modes: Sequence[Span]
    actions: Mapping[str, Sequence[Span]]
    disagreements: Sequence[Span] | None = None
    cards: Sequence[Card]
    curves: Mapping[str, Sequence[Curve]]
    moments: Sequence[GridMoment]
    known_label: str


class Histogram:
    """Counts of times in ms, in steps of half a millisecond up to a second."""

    _STEP_MS, _TOP_MS = 0.5, 1000.0

    def __init__(self, times_ms: Iterable[float] = ()) -> None:
        """Count each of `times_ms`."""
        self.counts = np.zeros(int(self._TOP_MS / self._STEP_MS) + 1, np.int64)
        for ms in times_ms:
            self.add(ms)

    def add(self, ms: float) -> None:
        """Count one; what is beyond the ends counts at the end."""
        self.counts[int(min(max(ms / self._STEP_MS, 0), len(self.counts) - 1))] += 1

    def percentile(self, percent: float) -> float | None:
        """Return the time under which `percent` of them are, ms; `None` if there are none."""
        if not self.counts.any():
            return None
        reached = np.searchsorted(np.cumsum(self.counts), percent / 100 * self.counts.sum())
        return float((min(reached, len(self.counts) - 1) + 0.5) * self._STEP_MS)

    @property
    def edges_ms(self) -> np.ndarray:
        """Where each count starts, and the end of the last."""
        return np.arange(len(self.counts) + 1) * self._STEP_MS


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that the figures of a run show.

    Attributes:
        profile: of the robot.
        duration_s: from the first reading to the last. time_label: what second 0 is.
        gaps: stretches without anything that are so long that figures leave them out.
        activity: by sensor, when readings followed one another.
        outages: the planned faults.
        models: one, or the two that are compared.
        latency: of the live answers. latency_ms: its `p50` and `p99`; `None` where nobody
            answered. latency_label: from when to when.
    """

    profile: Profile
    duration_s: float
    time_label: str
    activity: Mapping[str, Sequence[Span]]
    outages: Sequence[Outage]
    models: Sequence[ModelRun]
    latency: Histogram
    latency_ms: Mapping[str, float | None]
    latency_label: str
    gaps: Sequence[Span] = ()

    def shown(self, t_s: float | np.ndarray) -> np.ndarray:
        """Return where in a figure a time is, s: a gap is as narrow as a mark."""
        return np.interp(t_s, *self._knots)

    def time_of(self, shown_s: float | np.ndarray) -> np.ndarray:
        """Return the time that is at a place of a figure, s."""
        return np.interp(shown_s, *reversed(self._knots))

    @property
    def stretches(self) -> list[Span]:
        """What figures show: the time between the gaps."""
        starts_s = [0.0, *(gap.end_s for gap in self.gaps)]
        ends_s = [*(gap.start_s for gap in self.gaps), self.duration_s]
        return [Span(start_s, end_s) for start_s, end_s in zip(starts_s, ends_s)]

    @property
    def _knots(self) -> tuple[np.ndarray, np.ndarray]:
        """Where gaps start and end, in the run and in a figure, s."""
        stretches = self.stretches
        lengths_s = np.array([stretch.end_s - stretch.start_s for stretch in stretches])
        mark_s = lengths_s.sum() * _MARKS / max(len(self.gaps), _MIN_MARKS)
        times_s = np.array([(stretch.start_s, stretch.end_s) for stretch in stretches])
        ends_s = np.cumsum(lengths_s) + mark_s * np.arange(len(lengths_s))
        return times_s.ravel(), np.stack([ends_s - lengths_s, ends_s], axis=1).ravel()

    @property
    def grids(self) -> list[Sense]:
        """The senses that are drawn as maps."""
        return [sense for sense in self.profile.senses.values() if sense.layout == 'grid']

    @property
    def units(self) -> dict[str, str]:
        """The unit of each quantity, and of each channel of a sense as `sense channel`."""
        return {name: quantity.unit for name, quantity in self.profile.quantities.items()} | {
            f'{sense.name} {channel.name}': channel.unit
            for sense in self.profile.senses.values()
            for channel in sense.channels
        }


def spans(
    starts_s: np.ndarray, names: Sequence[str] | np.ndarray, *, length_s: float, gap_s: float
) -> list[Span]:
    """Return what had which name when, equal neighbours as one span.

    Args:
        starts_s: `float[n]`, ascending.
        names: of each of them.
        length_s: how long one lasts after which there is a gap.
        gap_s: one lasts until the next unless that starts more than this later.
    """
    result: list[Span] = []
    for index, (start_s, name) in enumerate(zip(starts_s, names)):
        next_s = starts_s[index + 1] if index + 1 < len(starts_s) else np.inf
        end_s = next_s if next_s - start_s <= gap_s else start_s + length_s
        before = result[-1] if result else None
        if before is not None and before.name == name and before.end_s >= start_s:
            result[-1] = Span(before.start_s, float(end_s), name)
        else:
            result.append(Span(float(start_s), float(end_s), str(name)))
    return result


def with_gaps(
    t_s: np.ndarray, *columns: np.ndarray | None, gap_s: float
) -> tuple[np.ndarray, ...]:
    """Return `t_s` and each of `columns`, `float[n]`, with NaN where more than `gap_s` is missing.

    Without it a line would show what nobody saw. Rows whose first column is NaN are left out.
    """
    is_known = np.isfinite(columns[0])
    t_s = t_s[is_known]
    breaks = np.flatnonzero(np.diff(t_s) > gap_s) + 1
    return (
        np.insert(t_s, breaks, t_s[breaks]),
        *(
            None if column is None else np.insert(column[is_known], breaks, np.nan)
            for column in columns
        ),
    )
