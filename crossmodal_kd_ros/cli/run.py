# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd run`, and the options of every command that starts a node or listens as one."""

import math
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import EXISTING_FILE
from crossmodal_kd_ros.nodes.signals import end_event

_POLL_S = 0.1
# Ended on request, or refused what it was given: another start would end the same way.
_FINAL_EXIT_CODES = (0, 1)
# A node that dies so often within that time will not be helped by another start.
_MAX_DEATHS, _DEATHS_WITHIN_S = 4, 60.0


def node_options(command: Callable) -> Callable:
    """Give a click command the options `profile`, `params`, `namespace` and arguments `remaps`."""
    for decorate in (
        click.argument('remaps', nargs=-1),
        click.option(
            '--namespace', default='', help='Puts the nodes and all their topics under this name.'
        ),
        click.option(
            '--params', type=EXISTING_FILE, help='ROS parameter file, such as config/robot.yaml.'
        ),
        click.option(
            '--profile',
            metavar='NAME|FILE',
            help='What the robot has; default: as --params says, else living_wall.',
        ),
    ):
        command = decorate(command)
    return command


def ros_arguments(
    profile: str | None, params: Path | None, namespace: str, remaps: tuple[str, ...]
) -> list[str]:
    """Return the node options as what follows `--ros-args`, for a node that has a profile.

    Raises:
        click.UsageError: a remap has another form than `old:=new`.
    """
    for remap in remaps:
        old, arrow, new = remap.partition(':=')
        if not (old and arrow and new):
            raise click.UsageError(
                f'expected remaps like camera/image_raw:=/front/image, got {remap}'
            )
    return [
        *(part for remap in remaps for part in ('-r', remap)),
        *(('-r', f'__ns:=/{namespace.strip("/")}') if namespace else ()),
        *(('--params-file', str(params)) if params is not None else ()),
        # Not as maintenance_node:profile, which reaches no node in a namespace.
        *(('-p', f'profile:={profile}') if profile is not None else ()),
    ]


@click.command()
@node_options
@click.option('--sim', is_flag=True, help='Start the simulated wall too.')
def command(
    profile: str | None, params: Path | None, namespace: str, sim: bool, remaps: tuple[str, ...]
) -> None:
    """Start the maintenance node, for your robot or with a simulated one.

    REMAPS, behind --, say what your robot calls a topic: camera/image_raw:=/front/image. Where
    ROS's launch is installed, robot.launch.py and sim.launch.py do the same. A node that is killed
    is started again. Ctrl-C ends it.
    """
    # The simulator has no profile.
    arguments = {
        'maintenance_node': ros_arguments(profile, params, namespace, remaps),
        'simulator_node': ros_arguments(None, params, namespace, remaps),
    }
    stop = end_event()
    from crossmodal_kd_ros.demo.processes import NodeProcess, stop_all
    from crossmodal_kd_ros.nodes.transport import profile_environment

    environ = {**os.environ, **profile_environment(os.environ)}
    names = ('maintenance_node', 'simulator_node') if sim else ('maintenance_node',)
    processes: list[NodeProcess] = []
    deaths_s: deque[float] = deque([-math.inf] * _MAX_DEATHS, maxlen=_MAX_DEATHS)
    try:
        for name in names:
            processes.append(NodeProcess(name, arguments[name], environ=environ))
        while not stop.wait(_POLL_S):
            for index, process in enumerate(processes):
                if process.exit_code is None:
                    continue
                deaths_s.append(time.monotonic())
                if (
                    process.exit_code in _FINAL_EXIT_CODES
                    or deaths_s[-1] - deaths_s[0] < _DEATHS_WITHIN_S
                ):
                    # It has said why on the outputs that it shares with this process.
                    raise SystemExit(process.exit_code)
                click.echo(
                    f'{process.name} died (exit code {process.exit_code}): started again', err=True
                )
                processes[index] = NodeProcess(
                    process.name, arguments[process.name], environ=environ
                )
    finally:
        stop_all(processes)
    raise SystemExit(max(process.exit_code for process in processes))
