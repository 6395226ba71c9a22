# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The report's pictures, as SVG text that stands in the page."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from crossmodal_kd_ros.contract import (
    ACTIONS,
    BANK_SHAPE,
    HOLD,
    INDENTATION,
    SENSORS,
    SURFACE_STATE,
    TEXTURE,
)
from crossmodal_kd_ros.demo.recording import TRUTH_NAMES, Recording
from crossmodal_kd_ros.demo.summary import Setting, mode_changes
from crossmodal_kd_ros.reports.drawing import FAINT, INK, OUTAGE, STYLE, WIDTH_IN, svg
from crossmodal_kd_ros.reports.style import ACTION_COLOURS, MODE_COLOURS, words
from crossmodal_kd_ros.simulation import RATES_HZ, Fault

_SECONDS = 'seconds since the first frame'
_LABELS = {
    'surface_roughness': 'roughness, um',
    'crack_depth': 'crack depth, mm',
    'co2_absorption': 'CO2 absorbed, %',
}
# A map without anything on it must not be blown up into noise.
_LEAST_TOP = {'um': 5.0, 'mm': 1.0}
_SCALES = {'co2_absorption': 100.0}


def timeline(recording: Recording, setting: Setting) -> str:
    """Draw which sensor spoke when, which mode was in force, and the decision above the expert's."""
    with matplotlib.rc_context(STYLE):
        known = len(recording.truth) > 0
        rows = [
            *(sensor for sensor in SENSORS),
            'mode',
            'decision',
            *(['expert'] if known else []),
        ]
        figure = Figure(figsize=(WIDTH_IN, 0.5 * len(rows) + 1.15), layout='constrained')
        axes = figure.add_subplot()
        height = {row: len(rows) - index for index, row in enumerate(rows)}
        for fault, end_s in _outages(setting, recording):
            axes.axvspan(fault.start_s, end_s, color=OUTAGE, lw=0, zorder=0)
            axes.text(
                (fault.start_s + end_s) / 2,
                len(rows) + 0.62,
                f'{fault.sensor} is dead',
                color='#a03a30',
                ha='center',
                va='bottom',
                fontsize=9,
            )
        for sensor in SENSORS:
            _activity(axes, recording, sensor, height[sensor])
        _modes(axes, recording, height['mode'])
        said_s = recording.seconds([said.received_ns for said in recording.actions])
        _strip(
            axes, said_s, np.array([said.text for said in recording.actions]), height['decision']
        )
        if known:
            expert = np.array(ACTIONS)[
                recording.truth.values[:, TRUTH_NAMES.index('action')].astype(int)
            ]
            _strip(axes, recording.seconds(recording.truth.stamp_ns), expert, height['expert'])
        axes.set(
            xlim=(0.0, max(recording.duration_s, 0.1)),
            ylim=(0.45, len(rows) + 0.6),
            xlabel=_SECONDS,
        )
        axes.set_yticks(list(height.values()), list(height), color=INK)
        axes.tick_params(axis='y', length=0)
        axes.spines['left'].set_visible(False)
        named = [Patch(color=ACTION_COLOURS[name], label=words(name)) for name in (*ACTIONS, HOLD)]
        figure.legend(
            handles=named,
            loc='outside lower center',
            ncols=len(named),
            frameon=False,
            fontsize=9,
            handlelength=1.0,
            columnspacing=1.2,
            handletextpad=0.5,
        )
        return svg(figure)


def estimates(recording: Recording, setting: Setting) -> str:
    """Draw roughness, crack depth and CO2 absorption over time: what was published over what was true."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, 5.0), layout='constrained')
        panels = figure.subplots(len(SURFACE_STATE), 1, sharex=True)
        seconds = recording.seconds(recording.surface.stamp_ns)
        for column, (name, axes) in enumerate(zip(SURFACE_STATE, panels)):
            scale = _SCALES.get(name, 1.0)
            # Touch feels roughness and depth, gas smells CO2: their outages are where the student
            # has to guess.
            sense = 'gas' if name == 'co2_absorption' else 'touch'
            for fault, end_s in _outages(setting, recording):
                if fault.sensor in (sense, 'camera'):
                    axes.axvspan(fault.start_s, end_s, color=OUTAGE, lw=0, zorder=0)
            if len(recording.truth):
                truth = recording.truth.values[:, TRUTH_NAMES.index(name)]
                axes.plot(
                    recording.seconds(recording.truth.stamp_ns),
                    scale * truth,
                    color=INK,
                    lw=1.6,
                    label='truth',
                )
            shown = _outside_gaps(seconds) & (seconds <= recording.duration_s)
            values = np.where(shown, scale * recording.surface.values[:, column], np.nan)
            axes.plot(seconds, values, color='#d9822b', lw=1.1, label='published')
            axes.set_ylabel(_LABELS[name])
            axes.margins(x=0.0)
        panels[0].legend(loc='upper right', ncols=2, frameon=False, fontsize=9)
        panels[-1].set_xlabel(_SECONDS)
        panels[-1].set_xlim(0.0, max(recording.duration_s, 0.1))
        return svg(figure)


def touch_maps(
    pictures: Sequence[np.ndarray | None],
    true: Sequence[np.ndarray] | None,
    predicted: Sequence[np.ndarray],
    titles: Sequence[str],
) -> str:
    """Draw what the student predicts of touch beside the picture that it predicts it from.

    Args:
        pictures: for each moment `uint8[H, W, 3]` RGB; `None` where it is lost.
        true: for each moment `float32[256]` (um, mm), drawn left of the prediction; `None` where
            nobody knows.
        predicted: for each moment `float32[256]`.
        titles: for each moment, what stands left of it.
    """
    with matplotlib.rc_context(STYLE):
        kinds = ('predicted',) if true is None else ('true', 'predicted')
        widths = [1.2 if true is None else 0.75] + [1.0] * 2 * len(kinds)
        figure = Figure(figsize=(WIDTH_IN, 1.35 * len(titles) + 0.35), layout='constrained')
        grid = figure.subplots(len(titles), len(widths), squeeze=False, width_ratios=widths)
        for axes in grid.flat:
            axes.set_axis_off()
        for row, title in enumerate(titles):
            if pictures[row] is not None:
                grid[row, 0].imshow(pictures[row])
            grid[row, 0].text(
                -0.08,
                0.5,
                title,
                transform=grid[row, 0].transAxes,
                ha='right',
                va='center',
                fontsize=9.5,
            )
            maps = (predicted[row],) if true is None else (true[row], predicted[row])
            for index, (bank, unit, colours) in enumerate(
                ((TEXTURE, 'um', 'viridis'), (INDENTATION, 'mm', 'magma'))
            ):
                cells = grid[row, 1 + index * len(kinds) : 1 + (index + 1) * len(kinds)]
                values = [touch[bank].reshape(BANK_SHAPE) for touch in maps]
                top = max(float(np.max(values)), _LEAST_TOP[unit])
                for axes, shown in zip(cells, values):
                    image = axes.imshow(
                        shown, interpolation='nearest', vmin=0.0, vmax=top, cmap=colours
                    )
                bar = figure.colorbar(
                    image, ax=cells[-1], fraction=0.05, pad=0.03, aspect=9, shrink=0.72, label=unit
                )
                bar.outline.set_visible(False)
        heads = [
            'what the camera sees',
            *(f'{bank}, {kind}' for bank in ('texture', 'depth') for kind in kinds),
        ]
        for axes, head in zip(grid[0], heads):
            axes.set_title(head, fontsize=9, color=FAINT)
        return svg(figure)


def latency(recording: Recording) -> str:
    """Draw how long the answers took."""
    with matplotlib.rc_context(STYLE):
        ages = (recording.scores.received_ns - recording.scores.stamp_ns) / 1e6
        figure = Figure(figsize=(WIDTH_IN, 2.2), layout='constrained')
        axes = figure.add_subplot()
        if len(ages):
            p50, p99 = np.percentile(ages, [50, 99])
            top = float(max(1.3 * p99, p50 + 1.0))
            axes.hist(ages.clip(max=top), bins=np.linspace(0.0, top, 80), color='#5b86b5')
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
            axes.set_xlim(0.0, top)
        axes.set(
            ylabel='frames',
            xlabel='ms from the stamp of an image to its scores, in another process',
        )
        return svg(figure)


def _outages(setting: Setting, recording: Recording) -> list[tuple[Fault, float]]:
    """Return each fault that the run lived to see, with its end, or the run's."""
    end_s = recording.duration_s
    return [
        (fault, min(fault.end_s, end_s))
        for fault in setting.schedule.faults
        if fault.start_s < end_s
    ]


def _activity(axes: Axes, recording: Recording, sensor: str, height: float) -> None:
    """Draw a bar wherever messages followed one another; a gap of three periods is a gap."""
    stamps = np.sort(recording.seconds(getattr(recording, sensor).stamp_ns))
    if not len(stamps):
        axes.text(
            0.01,
            height,
            'never spoke in this run',
            transform=axes.get_yaxis_transform(),
            va='center',
            color=FAINT,
            fontsize=9,
        )
        return
    breaks = np.flatnonzero(np.diff(stamps) > 3.0 / RATES_HZ[sensor])
    starts, ends = (
        stamps[np.r_[0, breaks + 1]],
        stamps[np.r_[breaks, len(stamps) - 1]] + 1.0 / RATES_HZ[sensor],
    )
    axes.broken_barh(
        list(zip(starts, ends - starts)), (height - 0.12, 0.24), color='#5d6874', lw=0
    )


def _modes(axes: Axes, recording: Recording, height: float) -> None:
    changes = mode_changes(recording)
    starts = [
        float(np.clip(recording.seconds(said.received_ns), 0.0, recording.duration_s))
        for said in changes
    ]
    for said, start, end in zip(changes, starts, [*starts[1:], recording.duration_s]):
        if end > start:
            axes.broken_barh(
                [(start, end - start)], (height - 0.36, 0.72), color=MODE_COLOURS[said.text], lw=0
            )
        if end - start > 0.06 * recording.duration_s:
            axes.text(
                (start + end) / 2,
                height,
                said.text,
                ha='center',
                va='center',
                color='white',
                fontsize=9,
                fontweight='bold',
            )


def _strip(axes: Axes, seconds: np.ndarray, actions: np.ndarray, height: float) -> None:
    """Draw a coloured strip: one colour for each action, from its frame to the next, blank where frames are missing."""
    if not len(seconds):
        return
    period = 1.0 / RATES_HZ['camera']
    edges = np.flatnonzero((actions[1:] != actions[:-1]) | (np.diff(seconds) > 3.0 * period)) + 1
    for first, last in zip(np.r_[0, edges], np.r_[edges, len(actions)] - 1):
        length = seconds[last] - seconds[first] + period
        colour = ACTION_COLOURS.get(str(actions[first]), '#ffffff')
        axes.broken_barh([(seconds[first], length)], (height - 0.3, 0.6), color=colour, lw=0)


def _outside_gaps(seconds: np.ndarray) -> np.ndarray:
    """Return False for the first frame after a gap, where a line drawn on would invent what nobody saw."""
    return np.r_[True, np.diff(seconds) < 5.0 / RATES_HZ['camera']][: len(seconds)]
