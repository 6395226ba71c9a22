# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd calibrate`."""

import os
import shlex
import sys
from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import (
    EXISTING_FOLDER,
    FOLDER,
    find_profile,
    profile_option,
    trained_data_option,
)

# Pictures of the test split that strange ones are made from.
_MAX_FAMILIAR = 240


@click.command()
@click.option(
    '--models',
    type=EXISTING_FOLDER,
    default=Path('models'),
    show_default=True,
    help='Folder with both weight files; calibration.json is written beside them.',
)
@trained_data_option
@profile_option
@click.option(
    '--views',
    type=click.IntRange(300),
    default=9000,
    show_default=True,
    help='Views of the simulated calibration split, three to a panel; as many of the test split.',
)
@click.option(
    '--seed', type=click.IntRange(0), default=0, show_default=True, help='Of the simulated panels.'
)
@click.option(
    '--cache',
    type=FOLDER,
    default=Path('out/cache'),
    show_default=True,
    help='Folder for simulated data, made once.',
)
def command(
    models: Path, data: Path | None, profile: str | None, views: int, seed: int, cache: Path
) -> None:
    """Measure how far the weights can be believed.

    Simulates a calibration split that no training has seen, asks both networks about it, and
    writes calibration.json: who decides best with which healthy sensors and from which confidence
    on, 90 % intervals, how much each sense may contradict the picture, and how pictures of the
    training's kind look. Then it tests the intervals on the test split. To be run again for new
    weights; a calibration of other weights is refused.
    """
    # Before torch is imported: threads that spin while they wait cost a busy machine eight times
    # the time of a step.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    import numpy as np
    from rich.console import Console

    from crossmodal_kd_ros.benchmark.coverage import coverage
    from crossmodal_kd_ros.benchmark.progress import bar
    from crossmodal_kd_ros.benchmark.shift import separation
    from crossmodal_kd_ros.calibration.fit import ask, calibrate
    from crossmodal_kd_ros.calibration.model import save_calibration
    from crossmodal_kd_ros.calibration.report import tables
    from crossmodal_kd_ros.datasets import Pairs, load_folder, load_simulated
    from crossmodal_kd_ros.files import check_writable
    from crossmodal_kd_ros.runtime import ENGINES, make_engine

    robot = find_profile(profile, data)
    # Weights of another profile are refused before thousands of views are simulated.
    engine = make_engine(ENGINES[0], models, robot)
    check_writable(models)

    def pairs(split: str) -> Pairs:
        if data is not None:
            return load_folder(split, data, robot)
        progress = bar(f'simulating {split}')
        return load_simulated(
            split, views, seed=seed, cache_dir=cache, profile=robot, progress=progress
        )

    # The validation split chose the weights; of recordings it is the only other one.
    split = 'calibration' if data is None else 'validation'
    fitted, test = pairs(split), pairs('test')
    answers, test_answers = (
        ask(models, part, robot, progress=bar(f'asking about {name}'))
        for part, name in ((fitted, split), (test, 'test'))
    )
    origin = {
        'command': shlex.join(['crossmodal-kd', *sys.argv[1:]]),
        'simulated': data is None,
        'split': split,
        'views': len(fitted),
        'seed': seed,
    }
    calibration = calibrate(models, fitted, answers, origin=origin)
    calibration.origin['coverage_on_test'] = coverage(calibration, test, test_answers)
    # One picture of each group: pictures of one are much alike.
    _, first = np.unique(test.group, return_index=True)
    calibration.origin['out_of_distribution_on_test'] = separation(
        engine, calibration, test.image[first[:_MAX_FAMILIAR]]
    )
    save_calibration(calibration, models)
    # A unit may stand in brackets.
    console = Console(markup=False)
    for table in tables(calibration):
        console.print(table)
    console.out(f'calibration: {models / "calibration.json"}', highlight=False)
