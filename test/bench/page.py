# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the parts come to: on the terminal, as a page with plots, as docs/performance.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from matplotlib.figure import Figure as Drawing
from measure import IDLE_LOAD, number
from rich.console import Console
from rich.table import Table as RichTable

from crossmodal_kd_ros.files import write_text
from crossmodal_kd_ros.reports.plots import legend_outside, svg
from crossmodal_kd_ros.reports.style import FAINT, FIGURE_STYLE, INK, WIDTH_IN

_COLOURS = ('#2a8c82', '#d9822b', '#7a68b3')
# Beyond this the smallest could not be seen beside the largest.
_LOGARITHMIC = 20.0


def print_part(part: Mapping[str, Any], console: Console) -> None:
    """Show a part of `summary.json` on the terminal."""
    console.print(f'\n[bold]{part["title"]}[/bold]')
    if part['results']:
        table = RichTable('', 'median', 'rounds', 'aim', box=None, pad_edge=False)
        for result in part['results']:
            median = f'{cell(result["figure"], spread=False)} {result["unit"]}'.strip()
            table.add_row(result['name'], median, spread_of(result['figure']), aim_of(result))
        console.print(table)
    for rows in part['tables']:
        table = RichTable(title=rows['title'], title_justify='left')
        table.add_column(rows['first'], no_wrap=True)
        for column in rows['columns']:
            table.add_column(head(column))
        for name, values in rows['rows']:
            shown = (cell(values.get(each['key']), spread=False) for each in rows['columns'])
            table.add_row(name, *shown)
        console.print(table)


def write_report(path: Path, summary: Mapping[str, Any]) -> None:
    """Write the page."""
    write_text(path, _environment(autoescape=True, summary=summary, name='report.html.j2'))


def write_markdown(path: Path, summary: Mapping[str, Any]) -> None:
    """Write what docs/performance.md holds."""
    text = _environment(autoescape=False, summary=summary, name='performance.md.j2')
    write_text(path, text.rstrip() + '\n')


def head(column: Mapping[str, str]) -> str:
    """Return title and unit of a column."""
    return f'{column["title"]}, {column["unit"]}' if column['unit'] else column['title']


def cell(value: Any, *, spread: bool = True) -> str:
    """Return a figure as `median (low to high)`, a number, a text; a dash for nothing."""
    if value is None or value == '':
        return '–'
    if isinstance(value, Mapping):
        median = number(value['median'])
        own = spread_of(value) if spread else ''
        return f'{median} ({own})' if own else median
    return number(value) if isinstance(value, (int, float)) else str(value)


def spread_of(figure: Mapping[str, Any] | None) -> str:
    """Return `low to high`; empty where all rounds are alike, or there was one."""
    if figure is None:
        return ''
    low, high = number(figure['low']), number(figure['high'])
    return '' if low == high else f'{low} to {high}'


def aim_of(result: Mapping[str, Any]) -> str:
    """Return the aim of a result, and whether it is reached."""
    if not result['aim']:
        return ''
    reached = {True: ': reached', False: ': not reached', None: ': not measured'}
    return result['aim'] + reached[result['is_met']]


def plot(table: Mapping[str, Any]) -> str:
    """Draw the columns that a table says: lines over `x`, or dots by row, with their spread."""
    with matplotlib.rc_context(FIGURE_STYLE):
        return svg(_lines(table) if table['x'] else _dots(table))


def _dots(table: Mapping[str, Any]) -> Drawing:
    rows, columns = table['rows'], _drawn(table)
    drawing = Drawing(figsize=(WIDTH_IN, 0.42 * len(rows) + 1.1), layout='constrained')
    axes = drawing.add_subplot()
    shown = []
    for place, (_, values) in enumerate(rows):
        axes.axhline(-place, color='#eef0f3', lw=1, zorder=0)
        for index, column in enumerate(columns):
            figure = values.get(column['key'])
            if figure is None:
                continue
            height = -place + 0.12 * (len(columns) - 1) / 2 - 0.12 * index
            axes.plot(
                [figure['low'], figure['high']],
                [height] * 2,
                color=_COLOURS[index],
                lw=2,
                alpha=0.5,
            )
            axes.plot(figure['median'], height, 'o', color=_COLOURS[index], ms=7)
            shown += [figure['low'], figure['high']]
    _scale(axes.xaxis, shown, axes.set_xscale, axes.set_xlim)
    axes.set_yticks([-place for place in range(len(rows))], [name for name, _ in rows], color=INK)
    axes.tick_params(axis='y', length=0)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_xlabel(_unit(columns, shown))
    axes.spines['left'].set_visible(False)
    _legend(drawing, columns)
    return drawing


def _lines(table: Mapping[str, Any]) -> Drawing:
    rows, columns = table['rows'], _drawn(table)
    drawing = Drawing(figsize=(WIDTH_IN, 3.0), layout='constrained')
    axes = drawing.add_subplot()
    shown = []
    for index, column in enumerate(columns):
        points = [
            (values['x'], values[column['key']])
            for _, values in rows
            if values.get(column['key']) is not None
        ]
        if not points:
            continue
        x = [at for at, _ in points]
        low, median, high = (
            [figure[key] for _, figure in points] for key in ('low', 'median', 'high')
        )
        axes.fill_between(x, low, high, color=_COLOURS[index], alpha=0.18, lw=0)
        axes.plot(x, median, 'o-', color=_COLOURS[index], ms=6, lw=1.6)
        shown += low + high
    _scale(axes.yaxis, shown, axes.set_yscale, axes.set_ylim)
    places = sorted({values['x'] for _, values in rows})
    axes.set_xticks(places, [number(place) for place in places])
    axes.set_xlabel(table['x'])
    axes.set_ylabel(_unit(columns, shown))
    _legend(drawing, columns)
    return drawing


def _drawn(table: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return [column for column in table['columns'] if column['key'] in table['plot']]


def _scale(axis: Any, shown: Sequence[float], set_scale: Any, set_limits: Any) -> None:
    """Make an axis logarithmic where the values need it, else let it begin at zero."""
    if _is_logarithmic(shown):
        set_scale('log')
        axis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: number(value)))
        axis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    elif shown:
        set_limits(0.0, 1.08 * max(shown) or 1.0)


def _is_logarithmic(shown: Sequence[float]) -> bool:
    return bool(shown) and min(shown) > 0.0 and max(shown) > _LOGARITHMIC * min(shown)


def _unit(columns: Sequence[Mapping[str, str]], shown: Sequence[float]) -> str:
    return columns[0]['unit'] + (', logarithmic' if _is_logarithmic(shown) else '')


def _legend(drawing: Drawing, columns: Sequence[Mapping[str, str]]) -> None:
    handles = [
        matplotlib.lines.Line2D([], [], marker='o', color=colour, lw=2, label=column['title'])
        for column, colour in zip(columns, _COLOURS)
    ]
    legend_outside(drawing, 'upper left', handles=handles, ncols=3, labelcolor=FAINT)


def _environment(*, autoescape: bool, summary: Mapping[str, Any], name: str) -> str:
    """Return a template of this folder, filled."""
    environment = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(Path(__file__).resolve().parent),
                PackageLoader('crossmodal_kd_ros', '.'),
            ]
        ),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(cell=cell, head=head, spread=spread_of, aim=aim_of, plot=plot)
    load = max(part['load_before'] for part in summary['parts'].values())
    return environment.get_template(name).render(
        summary=summary, busy_load=load if load > IDLE_LOAD else None
    )
