# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The same places by day and by night, and sensors that are lost."""

from dataclasses import replace

import numpy as np

from claim_parts.measures import FAILS, HOLDS, IN_PART, Claim, Figure, Table, graded, mean_of
from claim_parts.views import Networks, accuracy, look, panels_of, places_of
from crossmodal_kd_ros.benchmark.measures import Answers
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.simulation import Panel

_PANELS = 1500
_STREAM = 5
# Fixed before anything was measured.
_MARGIN = 0.02


def run(networks: Networks) -> list[Claim]:
    """Measure both claims, and judge each."""
    count = networks.count(_PANELS)
    panels, places = panels_of(_STREAM, count), places_of(_STREAM, count)

    def see(what: str, panels: list[Panel], shot: int = 0) -> Pairs:
        return look(panels, places, stream=_STREAM, say=networks.say, what=what, shot=shot).pairs

    by_day, by_night = (
        [replace(panel, lighting=lighting) for panel in panels] for lighting in ('day', 'night')
    )
    day, again = see('by day', by_day), see('by day, another picture', by_day, 1)
    return [
        _light(networks, day, again, see('by night', by_night)),
        _lost(networks, see('each in its own light', panels)),
    ]


def _light(networks: Networks, day: Pairs, again: Pairs, night: Pairs) -> Claim:
    figures, rows = {}, []
    for name, ask in (('student', networks.by_student), ('teacher', networks.by_teacher)):
        figures |= by_light(name, ask(day), ask(again), ask(night), day)
        own = {column: figures[f'{name}, {column}'] for column in _COLUMNS}
        rows.append([name, *(own[c].points if c in _DIFFERENCES else own[c].percent for c in own)])
    lost, disagrees = figures['student, lost by night'], figures['student, parted by night']
    return Claim(
        name='Invariance to light',
        section='Challenges and Solutions, 1',
        claim='The student predicts as well when the light changes.',
        data='simulated',
        test=f'{len(day)} places, each seen by day (sun or sky from some side) and by night '
        '(lamps of the robot), noise and exposure alike: how often each network agrees with the '
        'expert, and with itself.',
        control='Two pictures of the same place by day, of other noise and exposure; the teacher.',
        rule=f'Holds if by night the student loses at most {100 * _MARGIN:g} points of accuracy, '
        'and of agreement with itself beyond what two pictures by day do, both by the upper end '
        'of the interval; does not if either is more by its lower end; else in part.',
        outcome=outcome(lost, disagrees),
        figure=f'student loses {lost.points} of accuracy by night',
        found=f'By night the student loses {lost.points}; it decides otherwise than by day in '
        f'{disagrees.points} more of the places than it does between two pictures by day. The '
        'student was trained without gradient reversal: its training pictures vary in light. '
        'Lights are simulated, and darkness without a lamp is not among them.',
        tables=[Table(head=('network', *_COLUMNS), rows=rows)],
        figures=figures,
    )


_COLUMNS = (
    'right by day',
    'right by night',
    'lost by night',
    'alike, day and day',
    'alike, day and night',
    'parted by night',
)
_DIFFERENCES = ('lost by night', 'parted by night')


def by_light(
    name: str, day: Answers, again: Answers, night: Answers, pairs: Pairs
) -> dict[str, Figure]:
    """Return the figures of `_COLUMNS` of one network; `pairs` have the labels of all three."""
    right = accuracy(day, pairs), accuracy(night, pairs)
    chosen = [said.probabilities.argmax(1) for said in (day, again, night)]
    same = (chosen[0] == chosen[1]).astype(float), (chosen[0] == chosen[2]).astype(float)
    values = (*right, right[0] - right[1], *same, same[0] - same[1])
    return {f'{name}, {column}': mean_of(each) for column, each in zip(_COLUMNS, values)}


def outcome(lost: Figure, parted: Figure) -> str:
    """Return what the claim comes to; where the interval holds the margin, in part."""
    if lost.high <= _MARGIN and parted.high <= _MARGIN:
        return HOLDS
    return FAILS if max(lost.low, parted.low) > _MARGIN else IN_PART


def _lost(networks: Networks, pairs: Pairs) -> Claim:
    elsewhere = np.roll(np.arange(len(pairs)), 1)
    dead = {name: np.zeros_like(values) for name, values in pairs.readings.items()}
    stuck = {name: values[elsewhere] for name, values in pairs.readings.items()}
    broken = {
        'touch dead': {'touch': dead['touch']},
        'touch stuck': {'touch': stuck['touch']},
        'gas dead': {'gas': dead['gas']},
        'gas stuck': {'gas': stuck['gas']},
        'touch and gas dead': dead,
    }
    student = accuracy(networks.by_student(pairs), pairs)
    healthy = accuracy(networks.by_teacher(pairs), pairs)
    commonest = np.bincount(pairs.action).argmax()
    figures = {
        'student': mean_of(student),
        'teacher, nothing broken': mean_of(healthy),
        'commonest action': mean_of((pairs.action == commonest).astype(float)),
    }
    rows, gains = [], {}
    for what, readings in broken.items():
        networks.say(f'broken: {what}')
        shown = replace(pairs, readings={**pairs.readings, **readings})
        believes = accuracy(networks.by_teacher(shown), pairs)
        told = accuracy(networks.by_teacher(pairs, masked=tuple(readings)), pairs)
        figures |= {f'believes, {what}': mean_of(believes), f'told, {what}': mean_of(told)}
        gains[what] = mean_of(student - believes)
        rows.append(
            [
                what,
                figures[f'believes, {what}'].percent,
                figures[f'told, {what}'].percent,
                figures['student'].percent,
                gains[what].points,
            ]
        )
    most = gains['touch and gas dead']
    return Claim(
        name='The robot goes on when senses fail',
        section='The knowledge distillation insight; Conclusion',
        claim='A student that needs the camera alone keeps the robot working when other sensors '
        'fail.',
        data='simulated',
        test=f'{len(pairs)} panels, by day and by night, each sense dead (reads 0) or stuck '
        '(reads another place): agreement with the expert of the student, which needs neither.',
        control='The teacher that believes the broken sense; the teacher that is told of it; '
        f'always the commonest action ({figures["commonest action"].percent}).',
        rule='Holds if the student beats the believing teacher whatever is broken, in part if in '
        'some cases.',
        outcome=graded([gain.low > 0.0 for gain in gains.values()]),
        figure=f'student {figures["student"].percent}; {most.points} more than a teacher that '
        'believes two dead senses',
        found=f'With nothing broken the teacher is right in '
        f'{figures["teacher, nothing broken"].percent}, the student in '
        f'{figures["student"].percent}: going on costs the difference. The package does better '
        'than the student alone where one sense is left, for it joins what is left with what the '
        'student sees ([resilience.md](resilience.md); [results.md](results.md), "When a sensor '
        'breaks").',
        tables=[
            Table(
                head=('broken', 'teacher believes it', 'teacher is told', 'student', 'it gains'),
                rows=rows,
            )
        ],
        figures=figures | {f'gain, {what}': gain for what, gain in gains.items()},
    )
