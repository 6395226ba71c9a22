# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Replay of a recording beside reading and decoding it."""

from pathlib import Path
from typing import Any

from child import ROOT, ask, environment, python
from measure import Bench, Column, Figure, Part, Result, Table, cores, figures, ratio
from recordings import make_bag

from crossmodal_kd_ros.profile import load_profile

_READ, _REPLAY, _BEFORE = 'reading and decoding', 'replay', 'replay, before'
_COLUMNS = (
    Column(key='took_s', title='took', unit='s'),
    Column(key='command_s', title='whole command', unit='s'),
    Column(key='peak_mib', title='memory, peak', unit='MiB'),
    Column(key='views', title='pictures'),
)


def run(bench: Bench) -> Part:
    """Read and replay a bag in turns; replay one that is a third as long for its memory."""
    seconds = 6.0 if bench.quick else 40.0
    bag, short = make_bag(bench.out, seconds), make_bag(bench.out, seconds / 3.0)
    view_px = load_profile().camera.view_px
    rounds: dict[str, list[dict[str, Any]]] = {_READ: [], _REPLAY: []}
    if bench.before:
        rounds[_BEFORE] = []
    shorts = []
    for number in range(bench.rounds):
        bench.say(f'replay, round {number + 1} of {bench.rounds}')
        rounds[_READ].append(ask(python('reader.py', bag, view_px), environment()))
        rounds[_REPLAY].append(replay(bench, bag))
        if bench.before:
            rounds[_BEFORE].append(replay(bench, bag, root=bench.before))
        if number < 2:
            shorts.append(replay(bench, short))

    def of(name: str, key: str) -> list[float]:
        return [round_[key] for round_ in rounds[name]]

    names = {name: f'{name}, {seconds:g} s' for name in rounds}
    table = [(names[name], own) for name, own in rounds.items()]
    table.append((f'{_REPLAY}, {seconds / 3:.3g} s', shorts))
    results = [
        Result(
            name='time of a replay over that of reading and decoding',
            figure=ratio(of(_REPLAY, 'took_s'), of(_READ, 'took_s')),
            at_most=1.4,
        ),
        Result(
            name='memory of a replay over that of a bag a third as long',
            figure=ratio(of(_REPLAY, 'peak_mib')[: len(shorts)], [x['peak_mib'] for x in shorts]),
            at_most=1.05,
        ),
        Result(
            name='a recording is replayed faster than life by',
            figure=Figure.of([seconds / took_s for took_s in of(_REPLAY, 'took_s')]),
        ),
    ]
    if bench.before:
        results.append(
            Result(
                name='time of a replay before over that of now',
                figure=ratio(of(_BEFORE, 'took_s'), of(_REPLAY, 'took_s')),
                at_least=2.5,
            )
        )
    return Part(
        title='Replay',
        text=(
            f'`crossmodal-kd replay` of a recording of {seconds:g} s (JPEGs of 640x480 at 30 Hz, '
            f'touch at 100 Hz, gas at 2 Hz; MCAP), on {cores()} processors, beside a plain '
            'program that reads all its messages with rosbags and makes the view of every '
            'picture. In turns, a process each. *Took*: from the opening of the bag to the last '
            'byte of the answers; *whole command*: with imports, weights and the page.',
        ),
        results=results,
        tables=(
            Table(
                title='One recording',
                first='program and length',
                columns=_COLUMNS,
                rows=[(name, figures(_COLUMNS, own)) for name, own in table],
                plot=('took_s',),
            ),
        ),
    )


def replay(bench: Bench, bag: Path, *, root: Path = ROOT) -> dict[str, Any]:
    """Return what a replay took, by the code of a checkout."""
    models = bench.models if root == ROOT else root / 'models'
    # Each in a folder of its own: a command replaces no recording that another kind has made.
    out = bench.out / ('replay' if root == ROOT else 'replay-before')
    command = python('replay.py', bag, models, out)
    return ask(command, environment(root), cwd=root)
