# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What `crossmodal-kd calibrate` does: data, answers, calibration, test of the intervals, tables."""

import sys
from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from tqdm import tqdm

from crossmodal_kd_ros.benchmark.coverage import coverage
from crossmodal_kd_ros.benchmark.shift import separation
from crossmodal_kd_ros.calibration.fit import ask, calibrate
from crossmodal_kd_ros.datasets import load_simulated
from crossmodal_kd_ros.datasets.simulated import VIEWS_PER_PANEL
from crossmodal_kd_ros.runtime import Calibration, save_calibration
from crossmodal_kd_ros.runtime.torch_engine import TorchEngine

# A line now and then where nobody watches, a living bar where somebody does.
_REFRESH_S = 0.5 if sys.stderr.isatty() else 30.0


# Pictures of the test split, one of each panel, that unfamiliar ones are made from.
_FAMILIAR = 240


def calibrate_and_save(
    models: Path, *, views: int, seed: int, cache: Path, command: str
) -> Calibration:
    """Calibrate the weights in `models`, test intervals and familiarity on the test split, and write `calibration.json`.

    Raises:
        WeightsError: the weights cannot be read.
    """
    data = {
        split: load_simulated(
            split, views, seed=seed, cache_dir=cache, progress=_bar(f'simulating {split}')
        )
        for split in ('calibration', 'test')
    }
    answers = {
        split: ask(models, pairs, progress=_bar(f'asking about {split}'))
        for split, pairs in data.items()
    }
    origin = {
        'command': command,
        'simulated': True,
        'split': 'calibration',
        'views': views,
        'seed': seed,
    }
    calibration = calibrate(models, data['calibration'], answers['calibration'], origin=origin)
    calibration.origin['coverage_on_test'] = coverage(calibration, data['test'], answers['test'])
    familiar = data['test'].image[::VIEWS_PER_PANEL][:_FAMILIAR]
    calibration.origin['unfamiliar_on_test'] = separation(
        TorchEngine(models), calibration, familiar
    )
    save_calibration(calibration, models)
    return calibration


def tables(calibration: Calibration) -> list[Table]:
    """Return what a calibration says, for a person."""
    who = Table(
        title='who decides with which healthy sensors (simulated calibration panels)',
        title_justify='left',
    )
    for name in ('sensors', 'mode', 'accuracy', 'confidence limit', 'held', 'right when decided'):
        who.add_column(name)
    for name, by_mode in calibration.predictors.items():
        best = calibration.best_mode(tuple(name.split('+')))
        for mode, found in by_mode.items():
            who.add_row(
                name,
                f'{mode}{" (chosen)" if mode is best else ""}',
                f'{found.accuracy:.1%}',
                f'{found.min_confidence:.2f}',
                f'{found.held:.1%}',
                f'{found.decided:.1%}',
            )
    held = Table(title='90 % intervals on test panels (simulated)', title_justify='left')
    for name in ('quantity', 'from', 'covered', 'by day', 'by night', 'mean width'):
        held.add_column(name)
    for row in calibration.origin['coverage_on_test']:
        width = '' if row['mean_width'] is None else f'{row["mean_width"]:.3g} {row["unit"]}'
        held.add_row(
            row['quantity'],
            row['source'],
            *(f'{row[part]:.1%}' for part in ('covered', 'day', 'night')),
            width,
        )
    strange = Table(title='pictures unlike anything in training (simulated)', title_justify='left')
    for name in ('pictures', 'AUROC against familiar ones', 'doubted'):
        strange.add_column(name)
    for row in calibration.origin['unfamiliar_on_test']:
        strange.add_row(
            row['pictures'],
            '' if row['auroc'] is None else f'{row["auroc"]:.4f}',
            f'{row["doubted"]:.1%}',
        )
    return [who, held, strange]


def _bar(what: str):
    def progress(tasks: Iterable, total: int) -> Iterable:
        return tqdm(tasks, what, total, mininterval=_REFRESH_S)

    return progress
