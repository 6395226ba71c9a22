# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Simulated pairs a second."""

import time

from measure import Bench, Column, Figure, Part, Result, Table, cores

from crossmodal_kd_ros.datasets import simulate
from crossmodal_kd_ros.profile import load_profile


def run(bench: Bench) -> Part:
    """Simulate a few and many: what lies between them is free of the start of the processes."""
    few = 60
    probed_s = [_seconds(views, 0) for views in (few, 4 * few)]
    # So many that they take much longer than the start of the processes varies.
    wanted = (1.0 if bench.quick else 3.0) * 3 * few / max(probed_s[1] - probed_s[0], 0.01)
    many = few * (1 + max(4, round(wanted / few)))
    few_s, many_s, rates = [], [], []
    for number in range(bench.rounds):
        bench.say(f'simulation, round {number + 1} of {bench.rounds}')
        few_s.append(_seconds(few, number))
        many_s.append(_seconds(many, number))
        rates.append((many - few) / (many_s[-1] - few_s[-1]) / cores())
    rate = Figure.of(rates)
    view_px = load_profile().camera.view_px
    return Part(
        title='Simulation',
        text=(
            f'`datasets.simulate` on {cores()} processors: pictures of {view_px} x {view_px} '
            'pixels, touch, gas and what the expert says. The rate is that between '
            f'{few} and {many} pairs, so that the start of the processes is not in it.',
        ),
        results=[
            Result(
                name='simulated pairs a second a core', figure=rate, unit='pairs/s', at_least=400.0
            )
        ],
        tables=(
            Table(
                title='Simulated pairs',
                first='pairs',
                columns=(Column(key='took_s', title='took', unit='s'),),
                rows=[
                    (str(few), {'took_s': Figure.of(few_s)}),
                    (str(many), {'took_s': Figure.of(many_s)}),
                ],
            ),
        ),
    )


def _seconds(views: int, seed: int) -> float:
    start_s = time.perf_counter()
    simulate('train', views, seed=seed)
    return time.perf_counter() - start_s
