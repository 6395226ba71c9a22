# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The fault matrix on all processors, its summary and its page."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

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
from crossmodal_kd_ros.benchmark.progress import bar
from crossmodal_kd_ros.calibration.model import CalibrationError, load_calibration
from crossmodal_kd_ros.files import check_writable, whole_folder, write_json
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.reports import write_page
from crossmodal_kd_ros.simulation import FAULT_KINDS

# A healthy hour is cut into stretches of this length, each over panels of its own.
_STRETCH_MIN = 15.0
_HEALTHY_SEED = 900
_STATEMENT = (
    'The wall, its sensors, their faults and the expert are simulated: no figure here was '
    'measured on a real '
    'robot.'
)

_bench: Bench | None = None  # of a worker process


def run_matrix(
    models_dir: Path,
    profile: Profile,
    out: Path,
    *,
    healthy_minutes: float,
    command: str,
    only: list[tuple[str, str, float]] | None = None,
    onset_s: float = ONSET_S,
    broken_s: float = BROKEN_S,
) -> dict[str, Any]:
    """Run the matrix and the healthy stretches; return what `summary.json` says.

    Args:
        models_dir: both weight files and their calibration.
        profile: of the simulated robot.
        out: gets `summary.json` and `report.html`.
        healthy_minutes: how long nothing is broken.
        command: how the user started it, for the page.
        only: which cells; `None`: all.
        onset_s, broken_s: how long the sensor of a cell is healthy at first, and how long it is
            broken then, s.

    Raises:
        WeightsError, CalibrationError: the models cannot be used.
        OutputError: `out` cannot be written.
    """
    calibration = load_calibration(models_dir, profile)
    if calibration is None:
        raise CalibrationError(
            f'expected calibration.json in {models_dir}, found none: make it with '
            '"crossmodal-kd calibrate"'
        )
    check_writable(out)
    chosen = cells(profile) if only is None else only
    stretches = [_STRETCH_MIN] * int(healthy_minutes // _STRETCH_MIN) + [
        healthy_minutes % _STRETCH_MIN
    ]
    with ProcessPoolExecutor(
        os.cpu_count(),
        get_context('spawn'),
        initializer=_prepare,
        initargs=(models_dir, profile, onset_s, broken_s),
    ) as workers:
        controls = [
            workers.submit(healthy_operation, models_dir, profile, _HEALTHY_SEED + index, minutes)
            for index, minutes in enumerate(stretches)
            if minutes > 0.0
        ]
        measured = list(bar('faults')(workers.map(_run, chosen), len(chosen)))
        healthy = [control.result() for control in bar('healthy')(controls, len(controls))]
        summary = {
            'command': command,
            'statement': _STATEMENT,
            'simulated': True,
            'weights': dict(calibration.weights),
            'onset_s': onset_s,
            'broken_s': broken_s,
            'severities': SEVERITIES,
            **summarise(measured, healthy, profile),
            'out_of_distribution': calibration.origin.get('out_of_distribution_on_test', []),
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
    with whole_folder(out) as folder:
        write_json(folder / 'summary.json', summary)
        write_page(
            folder / 'report.html',
            'benchmark/faults.html.j2',
            summary=summary,
            kinds=FAULT_KINDS,
            senses=' and '.join(profile.senses),
            dearest=max(HOLD_COSTS, key=HOLD_COSTS.get),
        )
    return summary


def _prepare(models_dir: Path, profile: Profile, onset_s: float, broken_s: float) -> None:
    global _bench
    _bench = Bench(models_dir, profile, onset_s=onset_s, broken_s=broken_s)


def _run(cell: tuple[str, str, float]) -> Cell:
    return _bench.run(*cell)
