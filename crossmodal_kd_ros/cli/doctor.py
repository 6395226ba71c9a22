# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd doctor`."""

import os
from pathlib import Path

import click

from crossmodal_kd_ros.cli.run import node_options, ros_arguments


@click.command()
@node_options
def command(
    profile: str | None, params: Path | None, namespace: str, remaps: tuple[str, ...]
) -> None:
    """Say what keeps the maintenance node from working here, and how to mend it.

    Looks at what is installed, measures whether pictures get from one process to another, loads
    the weights, and listens for 5 s, longer to slow sensors, to the topics that the node would
    have with the same options and REMAPS (behind --, such as camera/image_raw:=/front/image). Ends
    with 0 if all is well, with 1 if something is to be mended.
    """
    arguments = ros_arguments(profile, params, namespace, remaps)
    # Imported here: ROS, torch and their friends take seconds, and the help should not.
    from rich.console import Console

    from crossmodal_kd_ros.doctor.finding import Level, show
    from crossmodal_kd_ros.doctor.machine import examine

    console = Console()
    with console.status('looking at what is installed') as status:
        findings = examine(os.environ, arguments, on_step=status.update)
    show(findings, console)
    raise SystemExit(any(finding.level is Level.PROBLEM for finding in findings))
