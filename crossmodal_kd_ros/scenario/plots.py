# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The figures of a scenario's page, as SVG text that stands in it."""

from collections import Counter
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from crossmodal_kd_ros.reports.plots import legend_outside, svg
from crossmodal_kd_ros.reports.style import (
    ALARM,
    FAINT,
    FIGURE_STYLE,
    INK,
    MODE_COLOURS,
    MODE_MEANINGS,
    PUBLISHED,
    WIDTH_IN,
    action_colour,
    words,
)
from crossmodal_kd_ros.scenario.robot import Event
from crossmodal_kd_ros.scenario.score import VERDICTS, Visit, mode_spans
from crossmodal_kd_ros.scenario.setting import START_HOUR
from crossmodal_kd_ros.simulation.living import Contact, tilt_deg

VERDICT_COLOURS = {
    'crushed': '#7a1f17',
    'wrongly treated': '#c2483d',
    'missed': '#e39a2d',
    'will not hold': '#b97a26',
    'left to a person': '#5b7fb5',
    'asked in vain': '#b5418f',
    'found': '#2a8c82',
    'sound': '#dfe3e8',
}
VERDICT_WORDS = {
    'crushed': 'tissue was crushed',
    'wrongly treated': 'something was repaired that was not wrong',
    'missed': 'something was wrong and was left',
    'will not hold': 'repaired, but it comes off again',
    'left to a person': 'something was wrong: the robot could not tell what, and asked a person',
    'asked in vain': 'a person was asked although nothing was wrong',
    'found': 'something was wrong and was seen to',
    'sound': 'nothing was wrong and nothing was done',
}
_DAY_H = 24.0


def facade_map(places: Sequence[Visit], materials: Sequence[str], columns: int) -> str:
    """Draw what became of each panel: on the facade, or round by round where there are more."""
    rounds = -(-len(places) // len(materials))
    rows = -(-len(materials) // columns)
    wide, high = (columns, rows) if rounds == 1 else (rounds, len(materials))
    labels = [_done(place) for place in places]
    height_in = 0.9 if rounds == 1 else max(0.42, 0.16 * max(map(len, labels)) + 0.1)
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, height_in * high + 0.9), layout='constrained')
        axes = figure.add_subplot()
        for number, place in enumerate(places):
            panel = place.arrival['panel']
            x, y = (
                (panel % columns, panel // columns)
                if rounds == 1
                else (number // len(materials), panel)
            )
            colour = VERDICT_COLOURS[place.verdict]
            axes.add_patch(Rectangle((x + 0.04, y + 0.06), 0.92, 0.88, color=colour, lw=0))
            done = '\n'.join(labels[number])
            label = f'{panel + 1}: {done}'.rstrip(': ') if rounds == 1 else done
            ink = INK if place.verdict == 'sound' else 'white'
            axes.text(x + 0.5, y + 0.5, label, color=ink, ha='center', va='center', fontsize=8)
        axes.set_xlim(0, wide)
        axes.set_ylim(high, 0)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        if rounds == 1:
            axes.set_xticks([])
            axes.set_yticks([])
        else:
            hours = [places[n * len(materials)].arrival['hours'] for n in range(rounds)]
            # As the histories of the panels count them: a day begins at midnight.
            days = [1 + int((START_HOUR + hour) // _DAY_H) for hour in hours]
            axes.set_xticks(np.arange(rounds) + 0.5, [f'day {day}' for day in days])
            axes.set_yticks(
                np.arange(high) + 0.5,
                [f'{index + 1}: {words(name)}' for index, name in enumerate(materials)],
                color=INK,
            )
        seen = {place.verdict for place in places}
        handles = [
            Patch(color=VERDICT_COLOURS[name], label=VERDICT_WORDS[name])
            for name in VERDICTS
            if name in seen
        ]
        legend_outside(figure, 'lower center', handles=handles, ncols=2)
        return svg(figure)


def _done(place: Visit) -> list[str]:
    """Return what the robot did at a place, a line for each kind."""
    counts = Counter(act['action'] for act in place.acts)
    lines = [f'{words(action)}{f" x {n}" if n > 1 else ""}' for action, n in counts.items()]
    return lines + ['a person'] if place.requests else lines


def contacts(acts: Sequence[Event]) -> str:
    """Draw pressure and angle of each contact beside the right ones."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 3.4), layout='constrained')
        pressures, angles = figure.subplots(1, 2, width_ratios=(2, 1))
        at = np.arange(len(acts))
        used = [
            100.0 * act['contact']['pressure_kpa'] / act['right']['pressure_kpa'] for act in acts
        ]
        tilts = [tilt_deg(Contact(**act['contact'])) for act in acts]
        colours = [ALARM if act['outcome'] == 'crushed' else PUBLISHED for act in acts]
        pressures.axhline(100.0, color=INK, lw=1)
        pressures.vlines(at, used, 100.0, color=FAINT, lw=1)
        pressures.scatter(at, used, color=colours, s=28, zorder=3)
        pressures.set_ylabel('pressure, % of the right one')
        pressures.set_ylim(0.0, 1.1 * max(100.0, *used))
        angles.scatter(at, tilts, color=colours, s=28)
        angles.axhline(0, color=INK, lw=1)
        angles.set_ylabel('off the right angle, degrees')
        for axes in (pressures, angles):
            axes.set_xticks(at, [f'{act["panel"] + 1}' for act in acts])
            axes.set_xlabel('panel')
        angles.set_ylim(0, max(5.0, 1.1 * max(tilts)))
        return svg(figure)


def over_time(events: Sequence[Event]) -> str:
    """Draw health and carbon dioxide of the facade by the hour."""
    facade = [event for event in events if event['kind'] == 'facade']
    days = np.array([event['hours'] for event in facade]) / _DAY_H
    health = 100.0 * np.array([event['health'] for event in facade])
    uptake = np.array([event['uptake'] for event in facade]).mean(1)
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 3.8), layout='constrained')
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.fill_between(days, health.min(1), health.max(1), color='#e7eaee', lw=0)
        upper.plot(days, health.mean(1), color='#2a8c82', lw=2)
        upper.set_ylabel('health, %')
        upper.set_ylim(0, 102)
        lower.axhline(0, color=FAINT, lw=0.8)
        lower.plot(days, uptake, color=INK, lw=1.2)
        lower.set_ylabel('CO2 taken up,\numol m-2 s-1')
        lower.set_xlabel('days')
        acts = [event for event in events if event['kind'] == 'act']
        for act in acts:
            upper.axvline(
                act['hours'] / _DAY_H, ymax=0.06, color=action_colour(act['action']), lw=2
            )
        return svg(figure)


def modes(events: Sequence[Event]) -> str:
    """Draw who decided when."""
    spans = list(mode_spans(events))
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 1.5), layout='constrained')
        axes = figure.add_subplot()
        for start_s, end_s, mode, _ in spans:
            axes.barh(0, end_s - start_s, left=start_s, height=0.8, color=MODE_COLOURS[mode], lw=0)
        axes.set_yticks([])
        axes.set_xlim(0, max(events[-1]['t_s'], 1.0))
        axes.set_xlabel('seconds of the robot at work')
        axes.spines['left'].set_visible(False)
        seen = dict.fromkeys(mode for *_, mode, _ in spans)
        handles = [
            Patch(color=MODE_COLOURS[mode], label=f'{mode}: {MODE_MEANINGS[mode]}')
            for mode in seen
        ]
        legend_outside(figure, 'upper center', handles=handles, ncols=2)
        return svg(figure)
