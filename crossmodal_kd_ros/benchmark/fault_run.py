# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The fault matrix on all processors, its summary and its page."""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from crossmodal_kd_ros.benchmark.fault_matrix import (
    BROKEN_S,
    HOLD_COSTS,
    ONSET_S,
    SEVERITIES,
    Bench,
    Cell,
    cells,
    healthy_operation,
    summarise,
)
from crossmodal_kd_ros.reports import write_page
from crossmodal_kd_ros.runtime import CalibrationError, load_calibration
from crossmodal_kd_ros.simulation import FAULT_KINDS

# A healthy hour is cut into stretches of this length, each over panels of its own.
_STRETCH_MIN = 15.0
_HEALTHY_SEED = 900
_STATEMENT = (
    'The wall, its sensors, their faults and the expert are simulated: no figure here was measured on a real '
    'robot.'
)
_REFRESH_S = 0.5 if sys.stderr.isatty() else 30.0

_bench: Bench | None = None  # of a worker process


def run_matrix(
    models_dir: Path,
    out: Path,
    *,
    healthy_minutes: float,
    command: str,
    only: list[tuple[str, str, float]] | None = None,
    onset_s: float = ONSET_S,
    broken_s: float = BROKEN_S,
) -> dict[str, Any]:
    """Run the matrix and the healthy stretches; write `summary.json` and `report.html` into `out`; return the summary.

    Args:
        models_dir: both weight files and their calibration.
        out: is made if need be.
        healthy_minutes: how long nothing is broken.
        command: how the user started it, for the page.
        only: which cells; `None`: all.
        onset_s, broken_s: how long the sensor of a cell is healthy at first, and how long it is
            broken then, s.

    Raises:
        WeightsError, CalibrationError: the models cannot be used.
    """
    calibration = load_calibration(models_dir)
    if calibration is None:
        raise CalibrationError(
            f'expected calibration.json in {models_dir}, found none: make it with "crossmodal-kd calibrate"'
        )
    chosen = cells() if only is None else only
    stretches = [_STRETCH_MIN] * int(healthy_minutes // _STRETCH_MIN) + [
        healthy_minutes % _STRETCH_MIN
    ]
    with ProcessPoolExecutor(
        os.cpu_count(),
        get_context('spawn'),
        initializer=_prepare,
        initargs=(models_dir, onset_s, broken_s),
    ) as workers:
        controls = [
            workers.submit(healthy_operation, models_dir, _HEALTHY_SEED + index, minutes)
            for index, minutes in enumerate(stretches)
            if minutes > 0.0
        ]
        found = list(
            tqdm(workers.map(_run, chosen), 'faults', len(chosen), mininterval=_REFRESH_S)
        )
        summary = {
            'command': command,
            'statement': _STATEMENT,
            'simulated': True,
            'weights': dict(calibration.weights),
            'onset_s': onset_s,
            'broken_s': broken_s,
            'severities': SEVERITIES,
            **summarise(
                found,
                [
                    control.result()
                    for control in tqdm(controls, 'healthy', mininterval=_REFRESH_S)
                ],
            ),
            'unfamiliar': calibration.origin.get('unfamiliar_on_test', []),
            'coverage': calibration.origin.get('coverage_on_test', []),
            'predictors': {
                name: {
                    str(mode): vars(figures) | {'stack': figures.stack is not None}
                    for mode, figures in by_mode.items()
                }
                for name, by_mode in calibration.predictors.items()
            },
            'chosen': {
                name: str(calibration.best_mode(tuple(name.split('+'))))
                for name in calibration.predictors
            },
        }
    out.mkdir(parents=True, exist_ok=True)
    (out / 'summary.json').write_text(
        json.dumps(summary, indent=2, allow_nan=False) + '\n', encoding='utf-8'
    )
    write_page(
        out / 'report.html',
        'benchmark/faults.html.j2',
        summary=summary,
        kinds=FAULT_KINDS,
        dearest=max(HOLD_COSTS, key=HOLD_COSTS.get),
    )
    return summary


def _prepare(models_dir: Path, onset_s: float, broken_s: float) -> None:
    global _bench
    _bench = Bench(models_dir, onset_s=onset_s, broken_s=broken_s)


def _run(cell: tuple[str, str, float]) -> Cell:
    return _bench.run(*cell)
