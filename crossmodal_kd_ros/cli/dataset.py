# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd dataset`."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from crossmodal_kd_ros.cli.options import BAG, FILE, FOLDER


@click.group()
def command() -> None:
    """Make a training set of your own recordings."""


@command.command('from-bags')
@click.argument('bags', type=BAG, nargs=-1, required=True)
@click.option(
    '--out',
    type=FOLDER,
    default=Path('out/dataset'),
    show_default=True,
    help='Folder for the data set and its datasheet.',
)
@click.option(
    '--profile',
    metavar='NAME|FILE',
    default='living_wall',
    show_default=True,
    help='What the robot has that recorded them.',
)
@click.option(
    '--labels',
    type=FILE,
    help='CSV file: start_s,end_s,action and if wanted bag,panel and what only the picture shows; '
    'seconds from the first message of the bag. Commas, semicolons or tabs.',
)
@click.option(
    '--map',
    'requests',
    multiple=True,
    metavar='ROLE=TOPIC',
    help='Such as camera=/cam0/image; also each sense, and label for a topic that names the '
    'action.',
)
@click.option(
    '--block',
    'block_s',
    type=click.FloatRange(1.0, 3600.0),
    default=10.0,
    show_default=True,
    help='Seconds that are never divided between splits, where labels name no panel.',
)
@click.option(
    '--seed',
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help='Of which block goes into which split.',
)
def from_bags(
    bags: tuple[Path, ...],
    out: Path,
    profile: str,
    labels: Path | None,
    requests: tuple[str, ...],
    block_s: float,
    seed: int,
) -> None:
    """Turn BAGS into samples, split by panel or by block of time.

    A sample is a picture with the readings nearest to it. Give the labels as a CSV file or as a
    topic; stretches without a label are kept, and the teacher labels them. `crossmodal-kd train
    --data` takes the result in place of the simulator's.
    """
    from crossmodal_kd_ros.bags.dataset import DataSetPlan, make_dataset
    from crossmodal_kd_ros.bags.labels import read_labels
    from crossmodal_kd_ros.bags.topics import parse_requests
    from crossmodal_kd_ros.profile import load_profile

    robot = load_profile(profile)
    sheet = make_dataset(
        DataSetPlan(
            bags=bags,
            out=out,
            profile=robot,
            labels=read_labels(labels, robot) if labels is not None else (),
            requests=parse_requests(requests, robot),
            block_s=block_s,
            seed=seed,
            command=shlex.join(['crossmodal-kd', *sys.argv[1:]]),
        ),
        progress=lambda what: click.echo(what, err=True),
    )
    for line in closing_lines(sheet, out):
        click.echo(line)


def closing_lines(sheet: dict[str, Any], out: Path) -> list[str]:
    """Return what a data set comes to, in a few lines."""
    lines = list(sheet['topics'])
    for name, split in sheet['splits'].items():
        actions = ', '.join(f'{action} {count}' for action, count in split['actions'].items())
        known = ''.join(f', {what} known of {count}' for what, count in split['known'].items())
        lines.append(
            f'{name}: {split["samples"]} samples of {split["blocks"]} panels or blocks '
            f'({actions}{known})'
        )
    lines += [f'dropped: {count}, {reason}' for reason, count in sheet['dropped'].items()]
    return [*lines, f'data set and datasheet: {out}']
