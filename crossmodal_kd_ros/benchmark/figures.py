# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The benchmark's pictures, as SVG text that stands in the page."""

import io
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from crossmodal_kd_ros.benchmark.benchmark import TRIO

NAMES = {
    'teacher': 'teacher (all senses)',
    'student_kd': 'student',
    'student_no_kd': 'student without distillation',
}
_COLOURS = {'teacher': '#2a8c82', 'student_kd': '#e39a2d', 'student_no_kd': '#a9b4c0'}
_INK, _FAINT = '#20262e', '#69737f'
_STYLE = {
    'svg.fonttype': 'none',
    'svg.hashsalt': 'crossmodal_kd_ros',
    'font.family': 'sans-serif',
    'font.size': 10.0,
    'text.color': _INK,
    'axes.labelcolor': _FAINT,
    'xtick.color': _FAINT,
    'ytick.color': _FAINT,
    'axes.edgecolor': '#c9ced6',
    'axes.spines.top': False,
    'axes.spines.right': False,
}


def labels(summary: dict[str, Any]) -> str:
    """Draw accuracy over label count for the trio, with intervals, under the ceilings."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(10.6, 3.8), layout='constrained')
        axes = figure.add_subplot()
        counts = sorted({int(count) for system in TRIO for count in summary[system]})
        for offset, system in enumerate(TRIO):
            found = [
                (counts.index(int(count)), entry['accuracy'])
                for count, entry in summary[system].items()
            ]
            place = np.array([index for index, _ in found]) + 0.26 * (offset - 1)
            mean = 100 * np.array([entry['mean'] for _, entry in found])
            limits = 100 * np.array([entry['interval'] for _, entry in found])
            bars = axes.bar(
                place, mean, 0.24, color=_COLOURS[system], label=NAMES[system], zorder=2
            )
            axes.errorbar(
                place,
                mean,
                np.abs(limits.T - mean),
                fmt='none',
                ecolor=_INK,
                lw=1,
                capsize=3,
                zorder=3,
            )
            axes.bar_label(
                bars,
                [f'{value:.0f}' for value in mean],
                padding=-16,
                color='white',
                fontweight='bold',
            )
        for name, words in (('all', 'all senses at best'), ('camera', 'camera at best')):
            axes.axhline(100 * summary['ceilings'][name], color=_FAINT, lw=1, ls='--', zorder=1)
            axes.text(
                len(counts) - 0.55,
                100 * summary['ceilings'][name] + 0.8,
                words,
                color=_FAINT,
                fontsize=9,
                ha='right',
            )
        axes.set(
            ylim=(0, 104),
            xlim=(-0.55, len(counts) - 0.45),
            ylabel='agrees with the expert, %',
            xlabel='labelled views',
        )
        axes.set_xticks(range(len(counts)), [f'{count:,}' for count in counts])
        figure.legend(loc='outside upper left', ncols=3, frameon=False)
        return _svg(figure)


def conditions(summary: dict[str, Any], count: str) -> str:
    """Draw accuracy of the trio under each condition at one label count, as a table of colours."""
    systems = [system for system in TRIO if 'conditions' in summary[system].get(count, {})]
    names = list(summary[systems[0]][count]['conditions'])
    table = np.array(
        [
            [100 * summary[system][count]['conditions'][name] for name in names]
            for system in systems
        ]
    )
    with matplotlib.rc_context(_STYLE | {'axes.spines.left': False, 'axes.spines.bottom': False}):
        figure = Figure(figsize=(10.6, 0.55 * len(systems) + 0.9), layout='constrained')
        axes = figure.add_subplot()
        axes.imshow(table, cmap='YlGnBu', vmin=20, vmax=160, aspect='auto')
        for (row, column), value in np.ndenumerate(table):
            axes.text(
                column,
                row,
                f'{value:.0f}',
                ha='center',
                va='center',
                color=_INK,
                fontweight='bold',
            )
        axes.set_xticks(range(len(names)), [name.replace('_', ' ') for name in names], color=_INK)
        axes.set_yticks(range(len(systems)), [NAMES[system] for system in systems], color=_INK)
        axes.tick_params(length=0)
        return _svg(figure)


def sensors(summary: dict[str, Any], count: str) -> str:
    """Draw what may decide when a sensor is lost: the teacher that believes it, the teacher without it, the student."""
    teacher, student = summary['teacher'][count], summary['student_kd'][count]['accuracy']['mean']
    masked, believed = teacher['sensors'], teacher['unguarded']
    rows = [('all healthy', [('teacher', masked['healthy']['accuracy'], '#2a8c82')])]
    for sense in ('touch', 'gas'):
        rows.append(
            (
                f'{sense} lost',
                [
                    (
                        f'teacher that believes a dead {sense} (zeros)',
                        believed[f'{sense} dead'],
                        '#c2483d',
                    ),
                    (
                        f'teacher that believes a stuck {sense}',
                        believed[f'{sense} stuck'],
                        '#d98a80',
                    ),
                    (
                        'teacher told that it is lost (mask token)',
                        masked[f'{sense} masked']['accuracy'],
                        '#7a68b3',
                    ),
                    ('student', student, '#e39a2d'),
                ],
            )
        )
    rows.append(
        (
            'both lost',
            [
                ('teacher told that both are lost', masked['both masked']['accuracy'], '#7a68b3'),
                ('student', student, '#e39a2d'),
            ],
        )
    )
    with matplotlib.rc_context(_STYLE):
        bars = [(group, *bar) for group, found in rows for bar in found]
        figure = Figure(figsize=(10.6, 0.33 * len(bars) + 0.8), layout='constrained')
        axes = figure.add_subplot()
        heights = -np.arange(len(bars)) - 0.5 * np.cumsum(
            [0] + [a[0] != b[0] for a, b in pairwise(bars)]
        )
        drawn = axes.barh(
            heights, [100 * bar[2] for bar in bars], 0.8, color=[bar[3] for bar in bars]
        )
        axes.bar_label(
            drawn,
            [f'{100 * bar[2]:.0f}' for bar in bars],
            padding=-22,
            color='white',
            fontweight='bold',
        )
        axes.set_yticks(heights, [f'{group}: {name}' for group, name, *_ in bars], color=_INK)
        axes.tick_params(axis='y', length=0)
        axes.set(xlim=(0, 100), xlabel='agrees with the expert, %')
        return _svg(figure)


def changes(rows: list[tuple[str, dict[str, Any]]]) -> str:
    """Draw what each change to the recipe gains or costs, with its interval.

    Args:
        rows: (name of the change, {mean, interval} of the accuracy it gains).
    """
    rows = sorted(rows, key=lambda row: row[1]['mean'])
    mean = 100 * np.array([gained['mean'] for _, gained in rows])
    limits = 100 * np.array([gained['interval'] for _, gained in rows])
    with matplotlib.rc_context(_STYLE | {'axes.spines.left': False}):
        figure = Figure(figsize=(10.6, 0.36 * len(rows) + 0.8), layout='constrained')
        axes = figure.add_subplot()
        places = np.arange(len(rows))
        axes.axvline(0, color=_FAINT, lw=1, ls='--', zorder=1)
        axes.errorbar(
            mean,
            places,
            xerr=np.abs(limits.T - mean),
            fmt='none',
            ecolor=_FAINT,
            lw=1.6,
            capsize=3,
            zorder=2,
        )
        colours = [
            '#c2483d' if high < 0 else '#2a8c82' if low > 0 else _COLOURS['student_no_kd']
            for low, high in limits
        ]
        axes.scatter(mean, places, s=60, color=colours, zorder=3)
        axes.set_yticks(places, [name for name, _ in rows], color=_INK)
        axes.tick_params(axis='y', length=0)
        # Most changes are worth a point, some cost forty: linear within two points, logarithmic
        # beyond.
        axes.set_xscale('symlog', linthresh=2.0)
        ticks = [
            tick
            for tick in (-40, -20, -10, -5, -2, -1, 0, 1, 2, 5, 10)
            if limits.min() - 2 <= tick <= limits.max() + 1
        ]
        axes.set_xticks(ticks, [f'{tick:+d}' if tick else '0' for tick in ticks])
        axes.minorticks_off()
        axes.set(
            xlabel='points of accuracy gained on the recipe, same seeds (logarithmic beyond 2)'
        )
        return _svg(figure)


def curve(summary: dict[str, Any]) -> str:
    """Draw accuracy of the trio, and of a perfect eye, over how much of the hidden state shows."""
    points = sorted((float(recovery), found) for recovery, found in summary['recovery'].items())
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(10.6, 3.6), layout='constrained')
        axes = figure.add_subplot()
        best = sorted(
            (float(recovery), 100 * value)
            for recovery, value in summary['ceilings']['by_recovery'].items()
        )
        axes.plot(*zip(*best), color=_FAINT, lw=1, ls='--', label='camera at best')
        for system in TRIO:
            found = [
                (recovery, 100 * point[system]) for recovery, point in points if system in point
            ]
            if found:
                axes.plot(
                    *zip(*found),
                    color=_COLOURS[system],
                    lw=2,
                    marker='o',
                    ms=7,
                    label=NAMES[system],
                )
        commonest = 100 * summary['ceilings']['largest_class']
        axes.axhline(commonest, color=_FAINT, lw=1, ls=':')
        axes.text(
            0.99,
            commonest - 1.5,
            'commonest action',
            color=_FAINT,
            fontsize=9,
            ha='right',
            va='top',
        )
        axes.set(
            ylim=(0, 104),
            xlim=(-0.03, 1.03),
            ylabel='agrees with the expert, %',
            xlabel='how much of the hidden state shows in the picture',
        )
        figure.legend(loc='outside upper left', ncols=4, frameon=False)
        return _svg(figure)


def gaze(
    pictures: list[np.ndarray],
    teacher: list[np.ndarray],
    taxels: list[np.ndarray],
    student: list[np.ndarray],
    titles: list[str],
) -> str:
    """Draw where the networks look: picture, teacher's attention over it and over the pad, student's occlusion map."""
    rows = [
        ('picture', pictures, None),
        ('teacher looks', teacher, 'magma'),
        ('teacher feels', taxels, 'magma'),
        ('student looks', student, 'magma'),
    ]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(10.6, 1.75 * len(rows)), layout='constrained')
        grid = figure.subplots(len(rows), len(pictures), squeeze=False)
        for (name, images, colours), line in zip(rows, grid):
            line[0].set_ylabel(name, color=_INK)
            for axes, image, title in zip(line, images, titles):
                axes.imshow(image, cmap=colours, interpolation='nearest')
                axes.set(xticks=[], yticks=[])
                if name == 'picture':
                    axes.set_title(title, fontsize=9)
        return _svg(figure)


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format='svg', metadata={'Date': None})
    return text.getvalue()[text.getvalue().index('<svg') :]
