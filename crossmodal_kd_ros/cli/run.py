# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd run`."""

import os
import signal
import threading
from pathlib import Path

import click

from crossmodal_kd_ros.cli.node_options import node_options, ros_arguments

_POLL_S = 0.1


@click.command()
@node_options
@click.option('--sim', is_flag=True, help='Start the simulated wall too.')
def command(params: Path | None, namespace: str, sim: bool, remaps: tuple[str, ...]) -> None:
    """Start the maintenance node, for your robot or with a simulated one.

    REMAPS, behind --, say what your robot calls a topic: camera/image_raw:=/front/image. Where ROS's launch is
    installed, robot.launch.py and sim.launch.py do the same. Ctrl-C ends it.
    """
    arguments = ros_arguments(params, namespace, remaps)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    from crossmodal_kd_ros.demo.processes import NodeProcess, stop_all
    from crossmodal_kd_ros.nodes.transport import profile_environment

    environ = {**os.environ, **profile_environment(os.environ)}
    processes: list[NodeProcess] = []
    try:
        for name in ('maintenance_node', 'simulator_node') if sim else ('maintenance_node',):
            processes.append(NodeProcess(name, arguments, environ=environ))
        while not stop.wait(_POLL_S):
            for process in processes:
                if process.exit_code is not None:
                    # It has said why on the outputs that it shares with this process.
                    raise SystemExit(process.exit_code)
    finally:
        stop_all(processes)
    raise SystemExit(max(process.exit_code for process in processes))
