# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd mission`."""

from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import FILE
from crossmodal_kd_ros.cli.run import node_options, ros_arguments


@click.command()
@node_options
@click.option(
    '--dot',
    type=FILE,
    help='Write the tree as a graph for Graphviz to this file, and start nothing.',
)
def command(
    profile: str | None,
    params: Path | None,
    namespace: str,
    remaps: tuple[str, ...],
    dot: Path | None,
) -> None:
    """Start the mission node, beside a maintenance node that runs.

    It inspects, decides, confirms, acts, verifies and moves on, through the topics in
    docs/mission.md. Ctrl-C ends it; what is under way is stopped first.
    """
    arguments = ros_arguments(profile, params, namespace, remaps)
    if dot is not None:
        from crossmodal_kd_ros.files import write_text
        from crossmodal_kd_ros.mission import load_tree

        write_text(dot, load_tree().dot_text())
        click.echo(f'tree: {dot}')
        return
    from crossmodal_kd_ros.nodes.mission_node import main

    raise SystemExit(main(['mission_node', '--ros-args', *arguments]))
