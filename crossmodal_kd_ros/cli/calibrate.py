# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd calibrate`."""

import os
import shlex
import sys
from pathlib import Path

import click


@click.command()
@click.option(
    '--models',
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path('models'),
    show_default=True,
    help='Folder with both weight files; calibration.json is written beside them.',
)
@click.option(
    '--views',
    type=click.IntRange(300),
    default=9000,
    show_default=True,
    help='Views of the calibration split, three to a panel; as many of the test split.',
)
@click.option(
    '--seed', type=click.IntRange(0), default=0, show_default=True, help='Of the simulated panels.'
)
@click.option(
    '--cache',
    type=click.Path(path_type=Path, file_okay=False),
    default=Path('out/cache'),
    show_default=True,
    help='Folder for simulated data, made once.',
)
def command(models: Path, views: int, seed: int, cache: Path) -> None:
    """Measure how far the weights can be believed.

    Simulates a calibration split that no training has seen, asks both networks about it, and
    writes calibration.json: who decides best with which healthy sensors and from which confidence
    on, 90 % intervals, how much touch and gas may contradict the picture, and how pictures of the
    training's kind look. Then it tests the intervals on further panels. To be run again for new
    weights; a calibration of other weights is refused.
    """
    # Before torch is imported: threads that spin while they wait cost a busy machine eight times
    # the time of a step.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    from rich.console import Console

    from crossmodal_kd_ros.cli.calibrating import calibrate_and_save, tables
    from crossmodal_kd_ros.networks import WeightsError

    try:
        calibration = calibrate_and_save(
            models,
            views=views,
            seed=seed,
            cache=cache,
            command=shlex.join(['crossmodal-kd', *sys.argv[1:]]),
        )
    except WeightsError as error:
        raise click.ClickException(str(error)) from None
    console = Console()
    for table in tables(calibration):
        console.print(table)
    console.print(f'calibration: {models / "calibration.json"}', highlight=False, soft_wrap=True)
