# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd evaluate`."""

import os
import shlex
import sys
from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import EXISTING_FOLDER, FOLDER, bf16_option, device_option


@click.command()
@click.option(
    '--out',
    type=FOLDER,
    default=Path('out/evaluation'),
    show_default=True,
    help='Folder for summary.json, cells.csv, results.md, report.html, and for what is measured '
    'so far.',
)
@click.option(
    '--quick', is_flag=True, help='A small benchmark of ten minutes, to see that everything works.'
)
@click.option(
    '--cells',
    'max_cells',
    type=click.IntRange(1),
    help='Stop after so many cells; the most telling come first.',
)
@click.option(
    '--no-conditions',
    is_flag=True,
    help='Leave out coloured light, wet lens and the like: they need views of their own.',
)
@click.option(
    '--photos',
    type=EXISTING_FOLDER,
    help='Measure the student in --models on the photographs in crack/ and clean/ of this '
    'folder, and no more.',
)
@click.option(
    '--parity',
    type=click.Choice(['all', 'odd', 'even']),
    default='all',
    show_default=True,
    help='Which of the photographs: of the first number in the name of each, in their order, the '
    'first, third, ... or the second, fourth, ...',
)
@click.option(
    '--models',
    type=FOLDER,
    default=Path('models'),
    show_default=True,
    help='Weights for the photographs, and for the pictures of where the networks look.',
)
@click.option(
    '--cache',
    type=FOLDER,
    default=Path('out/cache'),
    show_default=True,
    help='Folder for simulated data and trained networks, made once.',
)
@click.option(
    '--results', type=FOLDER, help='Write results.md and results.json into this folder too.'
)
@device_option
@bf16_option
def command(
    out: Path,
    quick: bool,
    max_cells: int | None,
    no_conditions: bool,
    photos: Path | None,
    parity: str,
    models: Path,
    cache: Path,
    results: Path | None,
    device: str,
    bf16: bool,
) -> None:
    """Measure how good teacher and student are, and what each part of the training is worth.

    Trains each system of the benchmark with each label count and seed and measures it on panels
    that no training saw. Whatever is finished is kept in --out: stopped and started again, it goes
    on; the report is written after every cell.
    """
    if parity != 'all' and photos is None:
        raise click.UsageError(f'expected --photos with --parity {parity}, got none')
    # Before torch is imported: threads that spin while they wait cost a busy machine eight times
    # the time of a step.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    from crossmodal_kd_ros.benchmark.evaluate import evaluate_benchmark, evaluate_photos, make_plan
    from crossmodal_kd_ros.training.device import Device

    if photos is not None:
        evaluate_photos(
            photos, parity=parity, out=out, models=models, cache=cache, results=results
        )
    else:
        evaluate_benchmark(
            make_plan(quick, max_cells=max_cells, conditions=not no_conditions),
            out=out,
            models=models,
            cache=cache,
            results=results,
            device=Device.find(device, bf16=bf16),
            command=shlex.join(['crossmodal-kd', *sys.argv[1:]]),
            say=lambda line: click.echo(line, err=True),
        )
    click.echo(f'report: {out / "report.html"}\nfigures: {out / "summary.json"}')
