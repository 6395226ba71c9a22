# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The maintenance node over DDS, beside what can be done at least and what the article does."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from child import ROOT, Child, ask, environment, python
from drive import make_drive, picture_folder
from measure import Bench, Column, Figure, Part, Result, Table, figures, ratio
from pairs import make_pairs

from crossmodal_kd_ros.demo.processes import free_domain_id, private_environment

TITLE = 'The node'
EMPTY, BARE, PACED, NODE, WITHIN, PLAIN, BEFORE = (
    'empty callback',
    'bare engine',
    'bare engine, at the rate',
    'maintenance node',
    'the same, camera in the process',
    'plain node',
    'maintenance node, before',
)
_COLUMNS = (
    Column(key='p50_ms', title='p50', unit='ms'),
    Column(key='p99_ms', title='p99', unit='ms'),
    Column(key='own_p50_ms', title='p50 in the process', unit='ms'),
    Column(key='lost_pct', title='frames lost', unit='%'),
    Column(key='pad_pct', title='pad handled', unit='%'),
    Column(key='cpu_pct', title='of a core', unit='%'),
    Column(key='rss_mib', title='memory', unit='MiB'),
    Column(key='shared_mib', title='of it shared', unit='MiB'),
    Column(key='peak_mib', title='peak', unit='MiB'),
    Column(key='first_answer_s', title='first answer', unit='s'),
)
# The teacher decides in one mode alone: who was never in it has had less to do.
_MODE = Column(key='mode', title='mode')
_START = (
    ('the interpreter', 'pass'),
    ('and import rclpy', 'import rclpy'),
    ("and the node's modules", 'import crossmodal_kd_ros.nodes.maintenance_node'),
    (
        'and both networks',
        'import crossmodal_kd_ros.nodes.maintenance_node, sys\n'
        'from crossmodal_kd_ros.profile import load_profile\n'
        'from crossmodal_kd_ros.runtime import make_engine\n'
        "make_engine('auto', sys.argv[1], load_profile())",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the camera sends, and for how long it is watched."""

    width: int
    height: int
    hz: float
    seconds: float
    who: Sequence[str] = (EMPTY, BARE, PACED, NODE)

    @property
    def name(self) -> str:
        """The setting in words."""
        return f'{self.width}x{self.height} at {self.hz:g} Hz'


_SETTINGS = (
    Setting(
        width=640, height=480, hz=30.0, seconds=5.0, who=(EMPTY, BARE, PACED, NODE, WITHIN, PLAIN)
    ),
    Setting(width=640, height=480, hz=60.0, seconds=2.5),
    Setting(width=1920, height=1080, hz=30.0, seconds=2.5),
)

Rounds = dict[str, list[dict[str, Any]]]


def run(bench: Bench) -> Part:
    """Measure every setting in turns."""
    measured: list[tuple[Setting, Rounds]] = []
    with bare_engine(bench) as engine:
        for setting in _SETTINGS:
            who = [*setting.who, *([BEFORE] if bench.before else [])]
            rounds: Rounds = {name: [] for name in who}
            for number in range(bench.rounds):
                bench.say(f'{setting.name}, round {number + 1} of {bench.rounds}')
                for name in who:
                    rounds[name].append(_measure(bench, setting, name, engine))
            measured.append((setting, rounds))
        kind = engine.said['kind']
    starts = _starts(bench)
    results = [
        result for setting, rounds in measured for result in _results(setting, rounds, kind)
    ]
    firsts = [round_['first_answer_s'] for round_ in measured[0][1][NODE]]
    return Part(
        title=TITLE,
        text=(
            'One process plays the sensors: pre-made pictures (rgb8, best effort), touch at '
            '100 Hz, gas at 2 Hz, as the profile says. Another answers, over Fast DDS with the '
            'profile in config/fastdds.xml, as every launch file sets it. Measured by the first '
            'process: the time from the stamp of a picture to the arrival of the answer with that '
            'stamp.',
            f'The *{EMPTY}* takes the same messages and answers each picture at once, by a '
            f'String: nothing written with rclpy is faster. The *{BARE}* is the arithmetic alone: '
            f'student and teacher by {kind}, in a process without ROS, on one view after another; '
            '*at the rate*, each time a picture would come, when the caches have forgotten it. '
            f'The *{NODE}* has the shipped weights and all its defaults. With the *camera in the '
            'process* it shows a folder of pictures to itself (`camera_source`); *in the process* '
            'is what a node says of itself: from the stamp to the published answer. The '
            f'*{PLAIN}* is the one file that the article leads to: the same networks, in eager '
            'torch, within the callback of the picture.',
            'All take turns, each time in fresh processes. p50 and p99 are of one turn; the table '
            'has the median of the turns, and the lowest and highest. *Pad handled*: touch '
            'messages that were received, of those that were sent. *Memory*: resident, with the '
            'shared memory of Fast DDS in it.',
        ),
        results=results,
        tables=(
            *(_table(setting, rounds, kind) for setting, rounds in measured),
            _start_table(starts, firsts, kind),
        ),
    )


def bare_engine(bench: Bench) -> Child:
    """Start the fastest engine in a process of its own."""
    pairs = make_pairs(bench.out, 60 if bench.quick else 300)
    return Child(python('engine.py', 'auto', bench.models, pairs), environment())


def node_command(models: Path, *parameters: str) -> list[str]:
    """Return the command of the maintenance node."""
    values = [f'models_dir:={models}', *parameters]
    return [
        *(sys.executable, '-m', 'crossmodal_kd_ros.nodes.maintenance_node', '--ros-args'),
        *(text for value in values for text in ('-p', value)),
    ]


def over_dds(
    bench: Bench,
    setting: Setting,
    command: Sequence[str],
    *,
    answers: str,
    log: str,
    root: Path = ROOT,
    camera: bool = True,
    domain_id: int | None = None,
) -> dict[str, Any]:
    """Return what `processes/sensors.py` measures of a command, in a domain of its own.

    Args:
        bench: how it is run.
        setting: what the camera sends.
        command: the process that answers.
        answers: `scores` or `text`, see `processes/sensors.py`.
        log: name of the file with its output.
        root: the checkout that it is of.
        camera: pictures are sent; else the command has a camera of its own.
        domain_id: if not any that is free.
    """
    plan = {
        'command': list(command),
        'root': str(root),
        'path': environment(root)['PYTHONPATH'],
        'drive': str(_drive(bench, setting)),
        'answers': answers,
        'camera_hz': setting.hz if camera else 0.0,
        'settle_s': 1.0,
        'seconds': 1.5 if bench.quick else setting.seconds,
        'log': str(bench.out / f'{log}.log'),
    }
    environ = environment()
    environ = private_environment(environ, domain_id or free_domain_id(environ))
    return ask(python('sensors.py', json.dumps(plan)), environ)


def _drive(bench: Bench, setting: Setting) -> Path:
    if (setting.width, setting.height) == (640, 480):
        return make_drive(bench.out, hz=60.0, loop_s=2.0)
    return make_drive(bench.out, width=setting.width, height=setting.height)


def _measure(bench: Bench, setting: Setting, name: str, engine: Child) -> dict[str, Any]:
    if name in (BARE, PACED):
        calls = round(setting.hz * (1.0 if bench.quick else 2.0))
        times = engine.ask(calls=calls, period_s=1.0 / setting.hz if name == PACED else 0.0)
        both_ms = np.add(times['student_ms'], times['teacher_ms'])
        p50_ms, p99_ms = (float(value) for value in np.percentile(both_ms, (50, 99)))
        return {'p50_ms': p50_ms, 'p99_ms': p99_ms, 'rss_mib': engine.said['rss_mib']}
    if name == EMPTY:
        return over_dds(bench, setting, python('empty_callback.py'), answers='text', log='empty')
    if name == WITHIN:
        folder = picture_folder(_drive(bench, setting))
        command = node_command(bench.models, f'camera_source:={folder}')
        return over_dds(bench, setting, command, answers='scores', log='within', camera=False)
    if name == PLAIN:
        command = python('plain_node.py', bench.models)
        return over_dds(bench, setting, command, answers='text', log='plain')
    if name == BEFORE:
        command = node_command(bench.before / 'models')
        root = bench.before
        return over_dds(bench, setting, command, answers='scores', log='before', root=root)
    return over_dds(bench, setting, node_command(bench.models), answers='scores', log='node')


def _results(setting: Setting, rounds: Rounds, kind: str) -> list[Result]:
    """Return what counts most of one setting."""

    def of(name: str, key: str) -> list[float | None]:
        return [round_.get(key) for round_ in rounds[name]]

    def both(key: str) -> list[float | None]:
        pairs = zip(of(EMPTY, key), of(BARE, key))
        return [None if a is None or b is None else a + b for a, b in pairs]

    is_usual = (setting.width, setting.hz) == (640, 30.0)
    is_large = setting.width > 640
    limit = 1.25 if is_usual else 1.5 if is_large else None
    results = [
        Result(
            name=f'{setting.name}: p50 of the node over that of empty callback and bare engine',
            figure=ratio(of(NODE, 'p50_ms'), both('p50_ms')),
            at_most=limit,
        )
    ]
    if is_usual:
        allowed = [None if p99 is None else 1.5 * p99 + 3.0 for p99 in of(EMPTY, 'p99_ms')]
        results += [
            Result(
                name=f'{setting.name}: p99 of the node over (1.5 x that of the empty callback '
                '+ 3 ms)',
                figure=ratio(of(NODE, 'p99_ms'), allowed),
                at_most=1.0,
            ),
            Result(
                name=f'{setting.name}: processor time of the node over that of the empty callback',
                figure=ratio(of(NODE, 'cpu_pct'), of(EMPTY, 'cpu_pct')),
                at_most=1.6,
            ),
            Result(
                name=f'{setting.name}: memory of the node ({kind})',
                figure=Figure.of(of(NODE, 'rss_mib')),
                unit='MiB',
                at_most=150.0,
            ),
            Result(
                name=f'{setting.name}: pad messages handled',
                figure=Figure.of(of(NODE, 'pad_pct')),
                unit='%',
                at_least=99.0,
            ),
            Result(
                name='first answer after the start of the process',
                figure=Figure.of(of(NODE, 'first_answer_s')),
                unit='s',
                at_most=1.0,
            ),
        ]
    if not is_large:
        results.append(
            Result(
                name=f'{setting.name}: frames lost, all rounds together',
                figure=Figure.of([_lost_pct(rounds[NODE])]),
                unit='%',
                at_most=0.0,
            )
        )
    if PLAIN in rounds:
        results += [
            Result(
                name=f'{setting.name}: p50 of the plain node over that of the node',
                figure=ratio(of(PLAIN, 'p50_ms'), of(NODE, 'p50_ms')),
            ),
            Result(
                name=f'{setting.name}: frames lost by the plain node, all rounds together',
                figure=Figure.of([_lost_pct(rounds[PLAIN])]),
                unit='%',
            ),
        ]
    if WITHIN in rounds:
        results += [
            Result(
                name='in-process camera: stamp to action over the bare engine',
                figure=ratio(of(WITHIN, 'own_p50_ms'), of(BARE, 'p50_ms')),
                at_most=1.5,
            ),
            Result(
                name='in-process camera: stamp to action over the bare engine, at the rate',
                figure=ratio(of(WITHIN, 'own_p50_ms'), of(PACED, 'p50_ms')),
            ),
        ]
    if BEFORE in rounds:
        results.append(
            Result(
                name=f'{setting.name}: p50 of the node before over that of the node',
                figure=ratio(of(BEFORE, 'p50_ms'), of(NODE, 'p50_ms')),
            )
        )
    return results


def _lost_pct(rounds: Sequence[Mapping[str, Any]]) -> float | None:
    """Return what was lost of all that was sent."""
    sent = sum(round_['sent'] for round_ in rounds)
    lost = sum(round_['sent'] * (round_['lost_pct'] or 0.0) / 100.0 for round_ in rounds)
    return 100.0 * lost / sent if sent else None


def _table(setting: Setting, rounds: Rounds, kind: str) -> Table:
    rows = []
    for name, measured in rounds.items():
        modes = ', '.join(sorted({round_.get('mode', '') for round_ in measured} - {''}))
        row = figures(_COLUMNS, measured) | {_MODE.key: modes}
        rows.append((f'{name} ({kind})' if name in (NODE, WITHIN, BARE, PACED) else name, row))
    return Table(
        title=setting.name,
        first='process',
        columns=(*_COLUMNS, _MODE),
        rows=rows,
        plot=('p50_ms', 'p99_ms'),
    )


def _starts(bench: Bench) -> dict[str, list[float]]:
    """Return how long after the start of a process each stage of a start is over, seconds."""
    bench.say('what a start is made of')
    after_s: dict[str, list[float]] = {name: [] for name, _ in _START}
    for _ in range(bench.rounds):
        for name, code in _START:
            said = f'{code}\nimport time; print(time.monotonic())'
            start_s = time.monotonic()
            end_s = ask([sys.executable, '-c', said, str(bench.models)], environment(), cwd=ROOT)
            after_s[name].append(float(end_s) - start_s)
    return after_s


def _start_table(after_s: Mapping[str, list[float]], firsts_s: list[float], kind: str) -> Table:
    stages = {**after_s, 'and the first answer has arrived': firsts_s}
    return Table(
        title=f'A start of the node ({kind}), stage by stage',
        first='once it has loaded',
        columns=(Column(key='after_s', title='after the start of the process', unit='s'),),
        rows=[(name, {'after_s': Figure.of(times)}) for name, times in stages.items()],
        plot=('after_s',),
    )
