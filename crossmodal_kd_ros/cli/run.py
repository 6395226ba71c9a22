# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd run`."""

import math
import os
import signal
import threading
import time
from collections import deque
from pathlib import Path

import click

from crossmodal_kd_ros.cli.node_options import node_options, ros_arguments

_POLL_S = 0.1
# Asked to end, or refused what it was given: the same again would end the same way.
_ON_PURPOSE = (0, 1)
# A node that dies so often within that time will not be helped by another start.
_MOST_DEATHS, _DEATHS_WITHIN_S = 4, 60.0


@click.command()
@node_options
@click.option('--sim', is_flag=True, help='Start the simulated wall too.')
def command(params: Path | None, namespace: str, sim: bool, remaps: tuple[str, ...]) -> None:
    """Start the maintenance node, for your robot or with a simulated one.

    REMAPS, behind --, say what your robot calls a topic: camera/image_raw:=/front/image. Where
    ROS's launch is installed, robot.launch.py and sim.launch.py do the same. A node that is killed
    is started again. Ctrl-C ends it.
    """
    arguments = ros_arguments(params, namespace, remaps)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    from crossmodal_kd_ros.demo.processes import NodeProcess, stop_all
    from crossmodal_kd_ros.nodes.transport import profile_environment

    environ = {**os.environ, **profile_environment(os.environ)}
    names = ('maintenance_node', 'simulator_node') if sim else ('maintenance_node',)
    processes: list[NodeProcess] = []
    deaths_s: deque[float] = deque([-math.inf] * _MOST_DEATHS, maxlen=_MOST_DEATHS)
    try:
        for name in names:
            processes.append(NodeProcess(name, arguments, environ=environ))
        while not stop.wait(_POLL_S):
            for index, process in enumerate(processes):
                if process.exit_code is None:
                    continue
                deaths_s.append(time.monotonic())
                if (
                    process.exit_code in _ON_PURPOSE
                    or deaths_s[-1] - deaths_s[0] < _DEATHS_WITHIN_S
                ):
                    # It has said why on the outputs that it shares with this process.
                    raise SystemExit(process.exit_code)
                click.echo(
                    f'{process.name} died (exit code {process.exit_code}): started again', err=True
                )
                processes[index] = NodeProcess(process.name, arguments, environ=environ)
    finally:
        stop_all(processes)
    raise SystemExit(max(process.exit_code for process in processes))
