# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The figures of a run's page, as SVG text that stands in it."""

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from crossmodal_kd_ros.profile import CAMERA, HOLD, Channel
from crossmodal_kd_ros.reports.run import Curve, ModelRun, Run, Span
from crossmodal_kd_ros.reports.style import (
    ALARM,
    BAR,
    FAINT,
    FIGURE_STYLE,
    INK,
    MODE_COLOURS,
    OUTAGE,
    PUBLISHED,
    WIDTH_IN,
    action_colour,
    display_unit,
    words,
)

_COLOUR_MAPS = ('viridis', 'magma', 'cividis', 'plasma')
# A map without anything on it must not be blown up into noise: its scale reaches over this part of
# the channel's spread at least.
_MIN_SCALE = 0.5
# Width of a letter of 9 points, as a part of the width of the axes.
_LETTER = 0.0075
# On an axis that leaves out gaps.
_TICKS = 6


# A kind of row in the timeline: thickness, colour of a span by its name, words where it is empty.
_ROWS = {
    'activity': (0.24, lambda name, actions: BAR, 'no reading'),
    'mark': (0.56, lambda name, actions: ALARM, 'none'),
    'mode': (0.72, lambda name, actions: MODE_COLOURS[name], ''),
    'action': (0.64, action_colour, ''),
}


def timeline(run: Run) -> str:
    """Draw which sensor sent readings when, and for each model who decided and what."""
    rows: list[tuple[str, str, Sequence[Span]]] = [
        ('activity', sensor, run.activity[sensor]) for sensor in run.profile.sensors
    ]
    for model in run.models:
        ending = f', {model.name}' if model.name else ''
        rows.append(('mode', f'mode{ending}', model.modes))
        rows += [('action', f'{name}{ending}', row) for name, row in model.actions.items()]
        if model.disagreements is not None:
            rows.append(('mark', f'disagreement{ending}', model.disagreements))
    with matplotlib.rc_context(FIGURE_STYLE):
        levels = _label_levels(run)
        height_in = 0.46 * len(rows) + 0.22 * max(levels, default=-1) + 1.3
        figure = Figure(figsize=(WIDTH_IN, height_in), layout='constrained')
        axes = figure.add_subplot()
        for outage, level in zip(run.outages, levels):
            axes.axvspan(outage.start_s, outage.end_s, color=OUTAGE, lw=0, zorder=0)
            axes.text(
                (outage.start_s + outage.end_s) / 2,
                len(rows) + 0.62 + 0.45 * level,
                outage.label,
                color=ALARM,
                ha='center',
                va='bottom',
                fontsize=9,
            )
        for height, (kind, _, row) in zip(range(len(rows), 0, -1), rows):
            thickness, colour, empty = _ROWS[kind]
            colours = [colour(span.name, run.profile.actions) for span in row]
            _bars(axes, row, height, thickness, colours, empty)
            if kind == 'mode':
                _name_spans(axes, row, height, run)
        _time_axis([axes], run)
        axes.set_ylim(0.45, len(rows) + 0.6)
        axes.set_yticks(range(len(rows), 0, -1), [label for _, label, _ in rows], color=INK)
        axes.tick_params(axis='y', length=0)
        axes.spines['left'].set_visible(False)
        _legend(figure, run)
        return svg(figure)


def quantities(run: Run, model: ModelRun) -> str:
    """Draw each quantity over time: what was published or estimated over what is known."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 1.4 * len(model.curves) + 0.8), layout='constrained')
        panels = figure.subplots(len(model.curves), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, curves) in zip(panels, model.curves.items()):
            quantity = run.profile.quantities[name]
            for outage in run.outages:
                if {*outage.sensors} & {*quantity.senses, CAMERA}:
                    axes.axvspan(outage.start_s, outage.end_s, color=OUTAGE, lw=0, zorder=0)
            scale, unit = display_unit(quantity.unit)
            for curve in curves:
                _curve(axes, curve, scale)
            axes.set_ylabel(f'{words(name)},\n{unit}')
        _time_axis(panels, run)
        figure.align_ylabels(panels)
        labelled: dict[str, object] = {}
        for axes in panels:
            handles, labels = axes.get_legend_handles_labels()
            labelled |= dict(zip(labels, handles))
        if labelled:
            legend_outside(
                figure,
                'upper right',
                handles=labelled.values(),
                labels=labelled.keys(),
                ncols=len(labelled),
                fontsize=9,
            )
        return svg(figure)


def grid_maps(run: Run, model: ModelRun) -> str:
    """Draw the grid senses as the student estimates them, beside what is known of them.

    A row is a moment: its picture, then each channel.
    """
    channels = [(sense, channel) for sense in run.grids for channel in sense.channels]
    has_known = any(moment.known for moment in model.moments)
    kinds = (model.known_label, 'estimated') if has_known else ('estimated',)
    widths = [0.75 if has_known else 1.2] + [1.0] * len(kinds) * len(channels)
    with matplotlib.rc_context(FIGURE_STYLE):
        count = len(model.moments)
        figure = Figure(figsize=(WIDTH_IN, 1.35 * count + 0.35), layout='constrained')
        grid = figure.subplots(count, len(widths), squeeze=False, width_ratios=widths)
        for axes in grid.flat:
            axes.set_axis_off()
        for row, moment in zip(grid, model.moments):
            if moment.view is not None:
                row[0].imshow(moment.view)
            row[0].text(
                -0.08,
                0.5,
                moment.title,
                transform=row[0].transAxes,
                ha='right',
                va='center',
                fontsize=9.5,
            )
            for index, (sense, channel) in enumerate(channels):
                cells = row[1 + index * len(kinds) : 1 + (index + 1) * len(kinds)]
                readings = ([moment.known] if has_known else []) + [moment.estimates]
                maps = [
                    by_sense[sense.name][sense.elements_of(channel.name)].reshape(sense.shape[1:])
                    if sense.name in by_sense
                    else None
                    for by_sense in readings
                ]
                _maps(figure, cells, maps, channel, _COLOUR_MAPS[index % len(_COLOUR_MAPS)])
        heads = ['what the camera sees']
        for sense, channel in channels:
            owner = f'{words(sense.name)} ' if len(run.grids) > 1 else ''
            heads += [f'{owner}{words(channel.name)}, {kind}' for kind in kinds]
        for axes, head in zip(grid[0], heads):
            axes.set_title(head, fontsize=9, color=FAINT)
        return svg(figure)


def latency(run: Run) -> str:
    """Draw how long the answers took."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 2.4), layout='constrained')
        axes = figure.add_subplot()
        p50, p99 = run.latency_ms['p50'], run.latency_ms['p99']
        axes.stairs(run.latency.counts, run.latency.edges_ms, fill=True, color='#5b86b5')
        for name, value in (('p50', p50), ('p99', p99)):
            axes.axvline(value, color=ALARM, lw=1.2)
            axes.annotate(
                f'{name} {value:.1f} ms',
                (value, 1.0),
                xytext=(0, 3),
                xycoords=('data', 'axes fraction'),
                textcoords='offset points',
                ha='center',
                va='bottom',
                color=ALARM,
                fontsize=9,
            )
        axes.set(xlim=(0.0, max(1.3 * p99, p50 + 1.0)), ylabel='frames', xlabel=run.latency_label)
        return svg(figure)


def svg(figure: Figure) -> str:
    """Return a figure as SVG text for a page; the same figure gives the same bytes."""
    text = io.StringIO()
    figure.savefig(text, format='svg', transparent=True, metadata={'Date': None})
    # The XML prologue has no place inside a page.
    return text.getvalue()[text.getvalue().index('<svg') :]


def legend_outside(figure: Figure, loc: str, **options: Any) -> None:
    """Add a legend above or below all axes of a figure of constrained layout.

    matplotlib 3.6, which Ubuntu 24.04 and Debian 12 have, knows no `loc='outside ...'`.

    Args:
        figure: with its axes.
        loc: such as `upper right` or `lower center`.
        options: as for `Figure.legend`.
    """
    legend = figure.legend(loc=loc, frameon=False, **options)
    drawn = legend.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    height = figure.bbox.height
    below, above = (drawn.y1, 0.0) if loc.startswith('lower') else (0.0, height - drawn.y0)
    rect = (0.0, below / height, 1.0, 1.0 - (below + above) / height)
    figure.get_layout_engine().set(rect=rect)


def _time_axis(axes: Sequence[Axes], run: Run) -> None:
    """Set the axis of time that figures above one another share; mark the gaps in it."""
    last = axes[-1]
    if run.gaps:
        last.set_xscale('function', functions=(run.shown, run.time_of))
        last.xaxis.set_major_locator(FixedLocator(_ticks_s(run)))
        last.xaxis.set_major_formatter(lambda t_s, _: f'{t_s:.10g}')
        last.xaxis.set_minor_locator(NullLocator())
    for each in axes:
        for gap in run.gaps:
            each.axvspan(gap.start_s, gap.end_s, facecolor='white', edgecolor=FAINT, hatch='////')
    last.set(xlim=(0.0, max(run.duration_s, 0.1)), xlabel=run.time_label)


def _ticks_s(run: Run) -> list[float]:
    """Return where the axis of a run with gaps has its ticks: round numbers in each stretch."""
    ticks_s = [
        float(tick_s)
        for stretch in run.stretches
        for tick_s in MaxNLocator(max(1, _TICKS // len(run.stretches))).tick_values(
            stretch.start_s, stretch.end_s
        )
        if stretch.start_s <= tick_s <= stretch.end_s
    ]
    return ticks_s[:: math.ceil(len(ticks_s) / _TICKS)]


def _bars(
    axes: Axes,
    row: Sequence[Span],
    height: float,
    thickness: float,
    colours: Sequence[str],
    empty: str,
) -> None:
    bars = [(span.start_s, span.end_s - span.start_s) for span in row]
    if bars:
        axes.broken_barh(
            bars, (height - thickness / 2, thickness), facecolors=colours, edgecolors='none'
        )
    else:
        axes.text(
            0.01,
            height,
            empty,
            transform=axes.get_yaxis_transform(),
            va='center',
            color=FAINT,
            fontsize=9,
        )


def _name_spans(axes: Axes, row: Sequence[Span], height: float, run: Run) -> None:
    """Write the name on each span that is long enough."""
    for span in row:
        start_s, end_s = run.shown([max(span.start_s, 0.0), min(span.end_s, run.duration_s)])
        if end_s - start_s > 0.07 * run.shown(run.duration_s):
            axes.text(
                run.time_of((start_s + end_s) / 2),
                height,
                span.name,
                ha='center',
                va='center',
                color='white',
                fontsize=9,
                fontweight='bold',
            )


def _label_levels(run: Run) -> list[int]:
    """Return the line on which each outage's label stands, so that none covers another."""
    levels: list[int] = []
    ends_s: list[float] = []  # of the last label on each line
    for outage in run.outages:
        half_s = _LETTER / 2 * len(outage.label) * run.duration_s
        middle_s = (outage.start_s + outage.end_s) / 2
        free = [level for level, end_s in enumerate(ends_s) if end_s < middle_s - half_s]
        level = free[0] if free else len(ends_s)
        ends_s[level : level + 1] = [middle_s + half_s]
        levels.append(level)
    return levels


def _legend(figure: Figure, run: Run) -> None:
    """Name the colours of all modes and actions that the timeline shows."""
    modes = {span.name for model in run.models for span in model.modes}
    actions = {span.name for model in run.models for row in model.actions.values() for span in row}
    handles = [
        *(
            Patch(color=colour, label=mode)
            for mode, colour in MODE_COLOURS.items()
            if mode in modes
        ),
        *(
            Patch(color=action_colour(name, run.profile.actions), label=words(name))
            for name in (*run.profile.actions, HOLD)
            if name in actions
        ),
    ]
    if handles:
        legend_outside(
            figure,
            'lower center',
            handles=handles,
            ncols=min(6, len(handles)),
            fontsize=9,
            handlelength=1.0,
            columnspacing=1.2,
            handletextpad=0.5,
        )


def _curve(axes: Axes, curve: Curve, scale: float) -> None:
    look = {'color': INK, 'lw': 1.6} if curve.known else {'color': PUBLISHED, 'lw': 1.1}
    axes.plot(curve.t_s, scale * curve.values, label=curve.label, **look)
    if curve.lower is not None and np.isfinite(curve.lower).any():
        axes.fill_between(
            curve.t_s,
            scale * curve.lower,
            scale * curve.upper,
            color=PUBLISHED,
            alpha=0.18,
            lw=0,
            label='90 % bounds',
        )


def _maps(
    figure: Figure,
    cells: Sequence[Axes],
    maps: Sequence[np.ndarray | None],
    channel: Channel,
    colours: str,
) -> None:
    """Draw one channel at one moment, every map on one scale, with its bar."""
    shown = np.concatenate([values.ravel() for values in maps if values is not None])
    bottom = max(channel.min, min(0.0, float(shown.min())))
    spread = channel.spread or 0.05 * (channel.max - channel.min)
    top = max(float(shown.max()), bottom + _MIN_SCALE * spread)
    for axes, values in zip(cells, maps):
        if values is not None:
            image = axes.imshow(
                values, interpolation='nearest', vmin=bottom, vmax=top, cmap=colours
            )
    bar = figure.colorbar(
        image, ax=cells[-1], fraction=0.05, pad=0.03, aspect=9, shrink=0.72, label=channel.unit
    )
    bar.outline.set_visible(False)
