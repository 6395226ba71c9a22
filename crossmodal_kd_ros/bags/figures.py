# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The pictures of a replay's report, as SVG text that stands in the page."""

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from crossmodal_kd_ros.bags.columns import Course, Histogram
from crossmodal_kd_ros.bags.metrics import MEASURED_BY, Account, LaneAccount
from crossmodal_kd_ros.contract import ACTIONS, HOLD, SENSORS, Mode
from crossmodal_kd_ros.reports.drawing import FAINT, INK, OUTAGE, STYLE, WIDTH_IN, svg
from crossmodal_kd_ros.reports.style import ACTION_COLOURS, MODE_COLOURS, words
from crossmodal_kd_ros.simulation import FaultSchedule

_SECONDS = 'seconds of the bag'
_LABELS = {
    'surface_roughness': 'roughness, um',
    'crack_depth': 'crack depth, mm',
    'co2_absorption': 'CO2 absorbed, %',
}
_SCALES = {'co2_absorption': 100.0}
# Two pictures of a 10 Hz camera.
_SHORT_GAP_S = 0.2
_LONGEST_SILENCE_S = {'camera': 0.2, 'touch': 0.2, 'gas': 1.25}
_MODES = [mode.value for mode in Mode]
_DECISIONS = [*ACTIONS, HOLD]


def timeline(account: Account, schedule: FaultSchedule, lanes: list[str]) -> str:
    """Draw which sensor spoke when, who decided, what, and where teacher and student disagreed; rows for each of `lanes`."""
    with matplotlib.rc_context(STYLE):
        rows = list(SENSORS)
        for name in lanes:
            ending = f', {name}' if len(lanes) > 1 else ''
            rows += [f'mode{ending}', f'decision{ending}', f'disagreement{ending}']
        figure = Figure(figsize=(WIDTH_IN, 0.42 * len(rows) + 1.3), layout='constrained')
        axes = figure.add_subplot()
        duration_s = max(account.activity.duration_s, 0.1)
        for fault in schedule.faults:
            axes.axvspan(fault.start_s, min(fault.end_s, duration_s), color=OUTAGE, lw=0, zorder=0)
        for row, sensor in enumerate(SENSORS):
            _activity(axes, account.activity, sensor, len(rows) - row)
        for index, lane in enumerate(account.lanes):
            below = len(rows) - len(SENSORS) - 3 * index
            offset_s = (lane.course.start_ns - account.activity.start_ns) / 1e9
            _dominant(axes, lane.course, offset_s, _MODES, MODE_COLOURS, below, named=True)
            _dominant(axes, lane.course, offset_s, _DECISIONS, ACTION_COLOURS, below - 1)
            _disagreement(axes, lane.course, offset_s, below - 2)
        axes.set(xlim=(0.0, duration_s), ylim=(0.45, len(rows) + 0.6), xlabel=_SECONDS)
        axes.set_yticks(range(len(rows), 0, -1), rows, color=INK)
        axes.tick_params(axis='y', length=0)
        axes.spines['left'].set_visible(False)
        shown = [
            *(
                Patch(color=MODE_COLOURS[mode], label=mode)
                for mode in _MODES
                if _occurs(account, mode)
            ),
            *(
                Patch(color=ACTION_COLOURS[name], label=words(name))
                for name in _DECISIONS
                if _occurs(account, name)
            ),
        ]
        figure.legend(
            handles=shown,
            loc='outside lower center',
            ncols=6,
            frameon=False,
            fontsize=9,
            handlelength=1.0,
            columnspacing=1.2,
            handletextpad=0.5,
        )
        return svg(figure)


def estimates(lane: LaneAccount) -> str:
    """Draw what the student estimates over what healthy senses measured."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, 5.0), layout='constrained')
        panels = figure.subplots(len(MEASURED_BY), 1, sharex=True)
        course = lane.course
        for axes, (name, sense) in zip(panels, MEASURED_BY.items()):
            scale = _SCALES.get(name, 1.0)
            for quantity, count, look in (
                (
                    f'measured {name}',
                    f'{sense}_used',
                    {'color': INK, 'lw': 1.6, 'label': 'measured, while healthy'},
                ),
                (
                    f'estimated {name}',
                    'frames',
                    {'color': '#d9822b', 'lw': 1.0, 'label': 'estimated from the picture'},
                ),
            ):
                means = course.means(quantity, count)
                axes.plot(
                    course.seconds,
                    scale * _without_short_gaps(means, ~np.isnan(means), course.width_s),
                    **look,
                )
            axes.set_ylabel(_LABELS[name])
            axes.margins(x=0.0)
        figure.legend(
            *panels[0].get_legend_handles_labels(),
            loc='outside upper right',
            ncols=2,
            frameon=False,
            fontsize=9,
        )
        panels[-1].set_xlabel(_SECONDS)
        return svg(figure)


def latency(histogram: Histogram) -> str:
    """Draw how long the live answers took."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, 2.2), layout='constrained')
        axes = figure.add_subplot()
        p50, p99 = histogram.percentile(50), histogram.percentile(99)
        axes.stairs(histogram.counts, histogram.edges_ms, fill=True, color='#5b86b5')
        for value, name in ((p50, 'p50'), (p99, 'p99')):
            axes.axvline(value, color='#a03a30', lw=1.2)
            axes.annotate(
                f' {name} {value:.1f} ms',
                (value, 1.0),
                xycoords=('data', 'axes fraction'),
                va='top',
                color='#a03a30',
                fontsize=9,
            )
        axes.set(
            xlim=(0.0, max(1.3 * p99, p50 + 1.0)),
            ylabel='frames',
            xlabel='ms from the stamp of a picture to the receipt of its scores, while the bag was recorded',
        )
        return svg(figure)


def _activity(axes: Axes, course: Course, sensor: str, height: float) -> None:
    """Draw a bar wherever readings followed one another; a silence beyond the sensor's timeout is a gap."""
    spoke = np.flatnonzero(course.sums(sensor) > 0)
    if not len(spoke):
        axes.text(
            0.01,
            height,
            'no reading',
            transform=axes.get_yaxis_transform(),
            va='center',
            color=FAINT,
            fontsize=9,
        )
        return
    most = max(1.0, _LONGEST_SILENCE_S[sensor] / course.width_s)
    breaks = np.flatnonzero(np.diff(spoke) > most)
    starts, ends = spoke[np.r_[0, breaks + 1]], spoke[np.r_[breaks, len(spoke) - 1]] + 1
    spans = [
        (start * course.width_s, (end - start) * course.width_s)
        for start, end in zip(starts, ends)
    ]
    axes.broken_barh(spans, (height - 0.12, 0.24), color='#5d6874', lw=0)


def _dominant(
    axes: Axes,
    course: Course,
    offset_s: float,
    names: list[str],
    colours: dict[str, str],
    height: float,
    *,
    named: bool = False,
) -> None:
    """Draw, for each stretch, the colour of the name that most of its frames had; blank where there was none."""
    counts = np.array([course.sums(name) for name in names])
    some = counts.sum(0) > 0
    first = _without_short_gaps(np.where(some, counts.argmax(0), -1), some, course.width_s)
    edges = np.r_[0, np.flatnonzero(np.diff(first)) + 1, len(first)]
    for start, end in zip(edges[:-1], edges[1:]):
        if first[start] < 0:
            continue
        name, length = names[first[start]], (end - start) * course.width_s
        axes.broken_barh(
            [(offset_s + start * course.width_s, length)],
            (height - 0.34, 0.68),
            color=colours[name],
            lw=0,
        )
        if named and length > 0.07 * course.duration_s:
            axes.text(
                offset_s + start * course.width_s + length / 2,
                height,
                name,
                ha='center',
                va='center',
                color='white',
                fontsize=9,
                fontweight='bold',
            )


def _without_short_gaps(values: np.ndarray, known: np.ndarray, width_s: float) -> np.ndarray:
    """Return values with short gaps filled from before, where they are not known: frames need not fall into each stretch."""
    rows = np.arange(len(values))
    last = np.maximum.accumulate(np.where(known, rows, -1))
    return np.where((last >= 0) & (rows - last <= _SHORT_GAP_S / width_s), values[last], values)


def _disagreement(axes: Axes, course: Course, offset_s: float, height: float) -> None:
    spans = [
        (offset_s + row * course.width_s, course.width_s)
        for row in np.flatnonzero(course.sums('disagreed') > 0)
    ]
    if spans:
        axes.broken_barh(spans, (height - 0.28, 0.56), color='#a03a30', lw=0)
    else:
        axes.text(
            0.01,
            height,
            'none',
            transform=axes.get_yaxis_transform(),
            va='center',
            color=FAINT,
            fontsize=9,
        )


def _occurs(account: Account, name: str) -> bool:
    return any(lane.course.sums(name).any() for lane in account.lanes)
