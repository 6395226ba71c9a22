# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the subcommands share that start a node or look through its eyes."""

from collections.abc import Callable
from pathlib import Path

import click


def node_options(command: Callable) -> Callable:
    """Give a click command the options `params`, `namespace` and the arguments `remaps`."""
    for decorate in (
        click.argument('remaps', nargs=-1),
        click.option(
            '--namespace', default='', help='Puts the nodes and all their topics under this name.'
        ),
        click.option(
            '--params',
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help='ROS parameter file, such as config/robot.yaml.',
        ),
    ):
        command = decorate(command)
    return command


def ros_arguments(params: Path | None, namespace: str, remaps: tuple[str, ...]) -> list[str]:
    """Return the three as what follows `--ros-args`; raise `click.UsageError` for a remap that is none."""
    for remap in remaps:
        name, arrow, other = remap.partition(':=')
        if not (name and arrow and other):
            raise click.UsageError(
                f'expected remaps like camera/image_raw:=/front/image, got {remap}'
            )
    return [
        *(part for remap in remaps for part in ('-r', remap)),
        *(('-r', f'__ns:=/{namespace.strip("/")}') if namespace else ()),
        *(('--params-file', str(params)) if params is not None else ()),
    ]
