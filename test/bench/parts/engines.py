# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The engines: time of a picture, memory of a process, and whether they decide alike."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from child import Child, environment, python
from measure import Bench, Column, Figure, Part, Result, Table, ratio
from pairs import make_pairs

from crossmodal_kd_ros.runtime import ENGINES
from crossmodal_kd_ros.runtime.exported_engine import EXPORT_FILE, LIBRARIES

# With this one the others are compared: it runs the weights themselves.
_REFERENCE = 'torch'
_NETWORKS = ('student', 'teacher')
_COLUMNS = (
    Column(key='student_ms', title='student', unit='ms'),
    Column(key='teacher_ms', title='teacher', unit='ms'),
    Column(key='both_ms', title='both', unit='ms'),
    Column(key='p99_ms', title='both, p99', unit='ms'),
    Column(key='rss_mib', title='memory', unit='MiB'),
    Column(key='load_s', title='load', unit='s'),
)
_AGREEMENT = (
    Column(key='student_pct', title='student decides alike', unit='%'),
    Column(key='teacher_pct', title='teacher decides alike', unit='%'),
    Column(key='tie', title='largest lead where not'),
    Column(key='probability', title='largest difference of a probability'),
    Column(key='reading', title='of a reading, as a share of its spread'),
)


def run(bench: Bench) -> Part:
    """Time all engines in turns, then ask each about the test pairs."""
    kinds = available(bench.models)
    count = 300 if bench.quick else 3000
    pairs = make_pairs(bench.out, count)
    times: dict[str, dict[str, list[float]]] = {kind: {} for kind in kinds}
    said, answers = {}, {}
    with ExitStack() as stack:
        children = {}
        for kind in kinds:
            command = python('engine.py', kind, bench.models, pairs)
            children[kind] = stack.enter_context(Child(command, environment()))
            said[kind] = children[kind].said
        for number in range(bench.rounds):
            bench.say(f'engines, round {number + 1} of {bench.rounds}')
            for kind, child in children.items():
                answer = child.ask(calls=50 if bench.quick else 300, period_s=0.0)
                both_ms = np.add(answer['student_ms'], answer['teacher_ms'])
                medians = {
                    'student_ms': np.median(answer['student_ms']),
                    'teacher_ms': np.median(answer['teacher_ms']),
                    'both_ms': np.median(both_ms),
                    'p99_ms': np.percentile(both_ms, 99),
                }
                for key, value in medians.items():
                    times[kind].setdefault(key, []).append(float(value))
        for kind, child in children.items():
            bench.say(f'what {kind} says of {count} pairs')
            path = bench.out / f'answers-{kind}.npz'
            child.ask(decide=str(path))
            answers[kind] = dict(np.load(path))
    rows = [
        (
            kind,
            {key: Figure.of(values) for key, values in times[kind].items()}
            | {key: Figure.of([said[kind][key]]) for key in ('rss_mib', 'load_s')},
        )
        for kind in kinds
    ]
    agreements = {
        kind: agreement(answers[_REFERENCE], answers[kind]) for kind in kinds if kind != _REFERENCE
    }
    results = [
        Result(
            name=f'both networks: {_REFERENCE} over {kind}',
            figure=ratio(times[_REFERENCE]['both_ms'], times[kind]['both_ms']),
        )
        for kind in agreements
    ]
    for kind, row in agreements.items():
        results.append(
            Result(
                name=f'{kind} decides as {_REFERENCE} does, the lesser of both networks',
                figure=Figure.of([min(row[f'{network}_pct'] for network in _NETWORKS)]),
                unit='%',
                at_least=99.95,
            )
        )
    return Part(
        title='The engines',
        text=(
            'Each engine in a process of its own without ROS, on one thread, one picture at a '
            f'time, back to back, in turns. Then all answer {count} test pairs of the benchmark, '
            'which no training saw, and are compared with torch. Where two decide otherwise, the '
            'lead is the probability of the best action less that of the second, by torch.',
        ),
        results=results,
        tables=(
            Table(
                title='One picture',
                first='engine',
                columns=_COLUMNS,
                rows=rows,
                plot=('student_ms', 'teacher_ms', 'both_ms'),
            ),
            Table(
                title=f'The same answers as {_REFERENCE}',
                first='engine',
                columns=_AGREEMENT,
                rows=list(agreements.items()),
            ),
        ),
    )


def available(models: Path) -> list[str]:
    """Return the engines that can be used here, torch last."""
    exported = (models / EXPORT_FILE).exists()
    return [
        kind
        for kind in ENGINES
        if kind == _REFERENCE or (kind in LIBRARIES and exported and LIBRARIES[kind].is_installed)
    ]


def agreement(
    reference: dict[str, np.ndarray], other: dict[str, np.ndarray]
) -> dict[str, float | None]:
    """Compare what two engines say of the same pairs.

    Args:
        reference, other: `student` and `teacher` float32[N, A], and estimates.

    Returns:
        The share of equal decisions, percent; the largest lead of the reference's decision where
        the other decides otherwise, `None` where it nowhere does; the largest differences.
    """
    result: dict[str, float | None] = {}
    leads, probability = [], 0.0
    for network in _NETWORKS:
        said, others = reference[network], other[network]
        differs = said.argmax(1) != others.argmax(1)
        result[f'{network}_pct'] = float(100.0 * (1.0 - differs.mean()))
        second, best = np.sort(said[differs], 1)[:, -2:].T
        leads += list(best - second)
        probability = max(probability, float(np.abs(said - others).max()))
    estimates = [name for name in reference if name not in _NETWORKS]
    reading = max(
        float((np.abs(reference[name] - other[name]) / np.ptp(reference[name])).max())
        for name in estimates
    )
    return result | {
        'tie': float(max(leads)) if leads else None,
        'probability': probability,
        'reading': reading,
    }
