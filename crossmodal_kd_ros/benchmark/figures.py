# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The benchmark's pictures, as SVG text that stands in the page."""

from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from crossmodal_kd_ros.benchmark.cells import SYSTEMS
from crossmodal_kd_ros.profile import CAMERA, Profile
from crossmodal_kd_ros.reports.plots import legend_outside, svg
from crossmodal_kd_ros.reports.style import FAINT, FIGURE_STYLE, INK, MODE_COLOURS, WIDTH_IN

NAMES = {
    'teacher': 'teacher (all senses)',
    'student_kd': 'student',
    'student_self_training': 'student by self-training',
    'student_no_kd': 'student without distillation',
}
_BELIEVED, _MASKED = (MODE_COLOURS['HOLD'], '#d98a80'), MODE_COLOURS['PARTIAL']
_COLOURS = {
    'teacher': MODE_COLOURS['TEACHER'],
    'student_kd': MODE_COLOURS['STUDENT'],
    'student_self_training': '#c9a86a',
    'student_no_kd': '#a9b4c0',
}


def labels(summary: dict[str, Any], profile: Profile) -> str:
    """Draw accuracy over label count for each system, with intervals, under the ceilings."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 3.8), layout='constrained')
        axes = figure.add_subplot()
        counts = sorted({int(count) for system in SYSTEMS for count in summary[system]})
        for offset, system in enumerate(SYSTEMS):
            scores = [
                (counts.index(int(count)), entry['accuracy'])
                for count, entry in summary[system].items()
            ]
            place = np.array([index for index, _ in scores]) + 0.21 * (offset - 1.5)
            mean = 100 * np.array([score['mean'] for _, score in scores])
            limits = 100 * np.array([score['interval'] for _, score in scores])
            bars = axes.bar(
                place, mean, 0.19, color=_COLOURS[system], label=NAMES[system], zorder=2
            )
            axes.errorbar(
                place,
                mean,
                np.abs(limits.T - mean),
                fmt='none',
                ecolor=INK,
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
        best = {'+'.join(profile.sensors): 'all senses at best', CAMERA: 'camera at best'}
        for name, words in best.items():
            axes.axhline(100 * summary['ceilings'][name], color=FAINT, lw=1, ls='--', zorder=1)
            axes.text(
                len(counts) - 0.55,
                100 * summary['ceilings'][name] + 0.8,
                words,
                color=FAINT,
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
        legend_outside(figure, 'upper left', ncols=2)
        return svg(figure)


def conditions(summary: dict[str, Any], count: str) -> str:
    """Draw accuracy under each condition at one label count, as a table of colours."""
    systems = [system for system in SYSTEMS if 'conditions' in summary[system].get(count, {})]
    names = list(summary[systems[0]][count]['conditions'])
    table = np.array(
        [
            [100 * summary[system][count]['conditions'][name] for name in names]
            for system in systems
        ]
    )
    with matplotlib.rc_context(
        FIGURE_STYLE | {'axes.spines.left': False, 'axes.spines.bottom': False}
    ):
        figure = Figure(figsize=(WIDTH_IN, 0.55 * len(systems) + 0.9), layout='constrained')
        axes = figure.add_subplot()
        axes.imshow(table, cmap='YlGnBu', vmin=20, vmax=160, aspect='auto')
        for (row, column), value in np.ndenumerate(table):
            axes.text(
                column, row, f'{value:.0f}', ha='center', va='center', color=INK, fontweight='bold'
            )
        axes.set_xticks(range(len(names)), [name.replace('_', ' ') for name in names], color=INK)
        axes.set_yticks(range(len(systems)), [NAMES[system] for system in systems], color=INK)
        axes.tick_params(length=0)
        return svg(figure)


def sensors(summary: dict[str, Any], count: str) -> str:
    """Draw what may decide when a sense is lost: teachers that believe it, or not; the student."""
    teacher, student = summary['teacher'][count], summary['student_kd'][count]['accuracy']['mean']
    masked, believed = teacher['sensors'], teacher['unguarded']
    teacher_colour, student_colour = _COLOURS['teacher'], _COLOURS['student_kd']
    rows = [('all healthy', [('teacher', masked['healthy']['accuracy'], teacher_colour)])]
    for name, measured in masked.items():
        lost = name.removesuffix(' masked')
        if lost == name:
            continue
        bars = [
            (f'teacher that believes it, {how}', believed[f'{lost} {how}'], colour)
            for how, colour in zip(('dead', 'stuck'), _BELIEVED)
            if f'{lost} {how}' in believed
        ]
        bars += [
            ('teacher told that it is lost (mask token)', measured['accuracy'], _MASKED),
            ('student', student, student_colour),
        ]
        rows.append((f'{lost} lost', bars))
    with matplotlib.rc_context(FIGURE_STYLE):
        bars = [(group, *bar) for group, group_bars in rows for bar in group_bars]
        figure = Figure(figsize=(WIDTH_IN, 0.33 * len(bars) + 0.8), layout='constrained')
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
        axes.set_yticks(heights, [f'{group}: {name}' for group, name, *_ in bars], color=INK)
        axes.tick_params(axis='y', length=0)
        axes.set(xlim=(0, 100), xlabel='agrees with the expert, %')
        return svg(figure)


def changes(rows: list[tuple[str, dict[str, Any]]]) -> str:
    """Draw what each change to the recipe gains or costs, with its interval.

    Args:
        rows: (name of the change, {mean, interval} of the accuracy it gains).
    """
    rows = sorted(rows, key=lambda row: row[1]['mean'])
    mean = 100 * np.array([gained['mean'] for _, gained in rows])
    limits = 100 * np.array([gained['interval'] for _, gained in rows])
    with matplotlib.rc_context(FIGURE_STYLE | {'axes.spines.left': False}):
        figure = Figure(figsize=(WIDTH_IN, 0.36 * len(rows) + 0.8), layout='constrained')
        axes = figure.add_subplot()
        places = np.arange(len(rows))
        axes.axvline(0, color=FAINT, lw=1, ls='--', zorder=1)
        axes.errorbar(
            mean,
            places,
            xerr=np.abs(limits.T - mean),
            fmt='none',
            ecolor=FAINT,
            lw=1.6,
            capsize=3,
            zorder=2,
        )
        colours = [
            MODE_COLOURS['HOLD']
            if high < 0
            else MODE_COLOURS['TEACHER']
            if low > 0
            else _COLOURS['student_no_kd']
            for low, high in limits
        ]
        axes.scatter(mean, places, s=60, color=colours, zorder=3)
        axes.set_yticks(places, [name for name, _ in rows], color=INK)
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
        return svg(figure)


def curve(summary: dict[str, Any]) -> str:
    """Draw accuracy, also of a perfect eye, over how much of the hidden state shows."""
    points = sorted((float(recovery), point) for recovery, point in summary['recovery'].items())
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 3.6), layout='constrained')
        axes = figure.add_subplot()
        best = sorted(
            (float(recovery), 100 * value)
            for recovery, value in summary['ceilings']['by_recovery'].items()
        )
        axes.plot(*zip(*best), color=FAINT, lw=1, ls='--', label='camera at best')
        for system in SYSTEMS:
            measured = [
                (recovery, 100 * point[system]) for recovery, point in points if system in point
            ]
            if measured:
                axes.plot(
                    *zip(*measured),
                    color=_COLOURS[system],
                    lw=2,
                    marker='o',
                    ms=7,
                    label=NAMES[system],
                )
        commonest = 100 * summary['ceilings']['largest_class']
        axes.axhline(commonest, color=FAINT, lw=1, ls=':')
        axes.text(
            0.99,
            commonest - 1.5,
            'commonest action',
            color=FAINT,
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
        legend_outside(figure, 'upper left', ncols=3)
        return svg(figure)


def saliency(
    pictures: list[np.ndarray], maps: dict[str, list[np.ndarray]], titles: list[str]
) -> str:
    """Draw where the networks look: a column for each picture, a row for each of `maps`."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 1.75 * (1 + len(maps))), layout='constrained')
        grid = figure.subplots(1 + len(maps), len(pictures), squeeze=False)
        for (name, images), line in zip({'picture': pictures, **maps}.items(), grid):
            line[0].set_ylabel(name, color=INK)
            for axes, image in zip(line, images):
                axes.imshow(image, cmap='magma', interpolation='nearest')
                axes.set(xticks=[], yticks=[])
        for axes, title in zip(grid[0], titles):
            axes.set_title(title, fontsize=9)
        return svg(figure)
