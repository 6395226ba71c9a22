# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd`: finds the subcommand. It imports neither torch nor ROS, so that help and mistakes answer at once."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import click

# Name: module of this package with a click command called `command`, and one line of help.
SUBCOMMANDS = {
    'calibrate': (
        'calibrate',
        'Measure how far the weights can be believed, for the node to act on.',
    ),
    'dataset': ('dataset', 'Make a training set of your own recordings.'),
    'demo': ('demo', 'Watch a robot decide, lose its senses and carry on; 40 s, then a report.'),
    'doctor': ('doctor', 'Say what keeps it from working here, and how to mend it.'),
    'gazebo-world': ('gazebo_world', 'Write the living wall as a Gazebo world.'),
    'play': ('play', 'Publish a bag on its topics, with its time on /clock.'),
    'record': ('record', 'Record topics into a rosbag2 bag.'),
    'replay': (
        'replay',
        'Put a recording through the runtime of the node, faster than life and without ROS.',
    ),
    'evaluate': (
        'evaluate',
        'Measure teacher and student, and what each part of the training is worth.',
    ),
    'faults': ('faults', 'Break every sensor in every way, and see what the robot makes of it.'),
    'run': ('run', 'Start the maintenance node, for your robot or with a simulated one.'),
    'train': ('train', 'Train a teacher, and a student from it, into models/.'),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a subcommand."""
        if name not in SUBCOMMANDS:
            return None
        return import_module(f'crossmodal_kd_ros.cli.{SUBCOMMANDS[name][0]}').command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        with formatter.section('Commands'):
            formatter.write_dl([(name, line) for name, (_, line) in SUBCOMMANDS.items()])


def _version() -> str:
    try:
        return version('crossmodal_kd_ros')
    except PackageNotFoundError:
        return 'from source, not installed'


@click.group(cls=LazyGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(_version(), prog_name='crossmodal-kd')
def main() -> None:
    """Maintain living walls with a robot whose sense of touch and smell may fail.

    A teacher network decides from camera, touch and gas; when one of these is lost it carries on
    with what is left, down to a student that needs the camera alone; without a picture the robot
    holds still.
    """


if __name__ == '__main__':
    main(prog_name='crossmodal-kd')
