# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd gazebo-world`."""

from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import FOLDER

# Not from the room of that name, which takes OpenCV to import; a test holds the two together.
_GAZEBOS = ('fortress', 'harmonic', 'ionic', 'jetty')


@click.command()
@click.option(
    '--out',
    type=FOLDER,
    required=True,
    help='Folder for world.sdf and the meshes and pictures of its panels; 22 MB.',
)
@click.option(
    '--gazebo',
    type=click.Choice(_GAZEBOS),
    required=True,
    help='Fortress goes with ROS 2 Humble, Harmonic with Jazzy, Ionic with Kilted, Jetty with '
    'Lyrical.',
)
@click.option(
    '--seed',
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help='Of the four panels; gazebo_senses_node needs the same.',
)
def command(out: Path, gazebo: str, seed: int) -> None:
    """Write the living wall as a Gazebo world.

    One panel for each material, with the colour and relief of the simulated wall, and an arm with
    a camera and a tactile pad. gazebo.launch.py does this by itself.
    """
    from crossmodal_kd_ros.gazebo import write_world

    click.echo(write_world(out, gazebo=gazebo, seed=seed))
