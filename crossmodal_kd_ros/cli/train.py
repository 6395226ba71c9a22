# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd train`."""

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import (
    EXISTING_FOLDER,
    FOLDER,
    bf16_option,
    device_option,
    find_profile,
    profile_option,
)


@click.command()
@click.option(
    '--recipe',
    default='default',
    show_default=True,
    help='default, alone (no teacher), photographs (cracks in photographs too), quick, reference '
    '(nets and loop of the article), or a YAML file of your own.',
)
@click.option(
    '--out',
    type=FOLDER,
    default=Path('out/models'),
    show_default=True,
    help='Folder for teacher.safetensors, student.safetensors and their card, README.md.',
)
@click.option(
    '--cache',
    type=FOLDER,
    default=Path('out/cache'),
    show_default=True,
    help='Folder for what is made once: simulated data, trained networks, and trainings to go '
    'on with.',
)
@click.option(
    '--data',
    type=FOLDER,
    help='Your own data set, from crossmodal-kd dataset from-bags, in place of simulated views.',
)
@click.option(
    '--photos',
    type=EXISTING_FOLDER,
    help='Photographs of your own walls, without cracks: the training draws cracks on them. Needs '
    'a recipe that learns from photographs, such as photographs.',
)
@profile_option
@device_option
@bf16_option
@click.option('--tensorboard', type=FOLDER, help='Folder for TensorBoard.')
def command(
    recipe: str,
    out: Path,
    cache: Path,
    data: Path | None,
    photos: Path | None,
    profile: str | None,
    device: str,
    bf16: bool,
    tensorboard: Path | None,
) -> None:
    """Train a teacher, and a student from it.

    Simulates the data (or reads it from the cache), trains a teacher with every sense, a student
    that sees alone and learns from the teacher, and the same student without a teacher, to compare
    with. Measures all three on panels that none has seen. Killed, it goes on where it was when it
    is started again. On several processes or machines: torchrun --nproc-per-node 2 -m
    crossmodal_kd_ros.cli.main train.
    """
    if tensorboard is not None and find_spec('tensorboard') is None:
        raise click.ClickException(
            'expected the package tensorboard for --tensorboard, found none: pip install '
            'tensorboard'
        )
    # Before torch is imported: threads that spin while they wait cost a busy machine eight times
    # the time of a step.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    from crossmodal_kd_ros.benchmark.card import figures_table
    from crossmodal_kd_ros.benchmark.train_and_measure import measure_reference, train_and_save
    from crossmodal_kd_ros.training.device import Device
    from crossmodal_kd_ros.training.recipe import ReferenceRecipe, find_recipe, load_recipe

    path = find_recipe(recipe)
    chosen = load_recipe(path)
    robot = find_profile(profile, data)
    place = Device.find(device, bf16=bf16)
    if isinstance(chosen, ReferenceRecipe):
        click.echo(measure_reference(chosen, cache))
        click.echo('The robot cannot run these nets: no weights are written.')
        return
    card = train_and_save(
        robot,
        chosen,
        out=out,
        cache=cache,
        command=shlex.join(['crossmodal-kd', *sys.argv[1:]]),
        recipe_name=path.stem,
        device=place,
        tensorboard=tensorboard,
        data_set=data,
        photos=photos,
    )
    if place.is_first:
        click.echo(f'{figures_table(card.figures)}\nweights and their card: {out}')
    place.leave()
