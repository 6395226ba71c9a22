# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd`: finds the subcommand, and turns its errors into sentences.

It imports neither torch nor ROS, so that help and mistakes answer at once.
"""

import io
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from crossmodal_kd_ros.errors import CrossmodalError

# One line of help by name; the module of that name, with _ for -, has a click command `command`.
SUBCOMMANDS = {
    'export': 'Write the networks as ONNX files, for a robot without torch.',
    'calibrate': 'Measure how far the weights can be believed, for the node to act on.',
    'dataset': 'Make a training set of your own recordings.',
    'demo': 'Watch a robot decide, lose its senses and carry on; 40 s, then a report.',
    'doctor': 'Say what keeps it from working here, and how to mend it.',
    'gain': 'Predict what distillation would bring to a data set, before training.',
    'gazebo-world': 'Write the living wall as a Gazebo world.',
    'mission': 'Start the node that runs a mission, beside the maintenance node.',
    'play': 'Publish a bag on its topics, with its time on /clock.',
    'profile': 'Check what a robot has, or print the schema of such a file.',
    'record': 'Record topics into a rosbag2 bag.',
    'replay': 'Put a recording through the runtime of the node, faster than life and without ROS.',
    'scenario': "Play one of the article's stories in closed loop, and report on it.",
    'evaluate': 'Measure teacher and student, and what each part of the training is worth.',
    'faults': 'Break every sensor in every way, and see what the robot makes of it.',
    'run': 'Start the maintenance node, for your robot or with a simulated one.',
    'train': 'Train a teacher, and a student from it, into models/.',
}


class LazyGroup(click.Group):
    """Imports a subcommand when it is called, and not before.

    A `CrossmodalError` of any subcommand, and what the system says of a file, is printed as its
    sentence; the exit code is 1.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a subcommand."""
        if name not in SUBCOMMANDS:
            return None
        return import_module(f'crossmodal_kd_ros.cli.{name.replace("-", "_")}').command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        with formatter.section('Commands'):
            formatter.write_dl(list(SUBCOMMANDS.items()))

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command; print what the console's encoding does not have as an escape."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors='backslashreplace')
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except CrossmodalError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:  # click ends quietly where nobody reads on
            raise
        except OSError as error:
            where = f'{error.filename}: ' if error.filename is not None else ''
            raise click.ClickException(f'{where}{error.strerror or error}') from error


def _version() -> str:
    try:
        return version('crossmodal_kd_ros')
    except PackageNotFoundError:
        return 'from source, not installed'


@click.group(cls=LazyGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(_version(), prog_name='crossmodal-kd')
def main() -> None:
    """Keep a robot deciding while its senses fail.

    A profile says what the robot has: a camera, other senses, actions. A teacher network decides
    from all of them; when a sense is lost it carries on with what is left, down to a student that
    needs the camera alone; without a picture the robot holds still. The default profile is a robot
    that looks after living walls.
    """


if __name__ == '__main__':
    main(prog_name='crossmodal-kd')
