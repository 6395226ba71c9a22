# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd gazebo-world`, as people use it."""

import click
from click.testing import CliRunner

from crossmodal_kd_ros.cli.gazebo_world import command
from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.gazebo import GAZEBOS


def test_the_command_writes_the_world_and_says_where(tmp_path):
    done = CliRunner().invoke(
        main, ['gazebo-world', '--out', str(tmp_path / 'world'), '--gazebo', 'fortress']
    )

    assert done.exit_code == 0, done.output
    assert done.output == f'{tmp_path}/world/world.sdf\n'
    assert 'ignition-gazebo-physics-system' in (tmp_path / 'world' / 'world.sdf').read_text()


def test_the_command_offers_every_gazebo_there_is():
    (option,) = [option for option in command.params if option.name == 'gazebo']

    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == tuple(GAZEBOS)


def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(tmp_path):
    (tmp_path / 'file').touch()

    done = CliRunner().invoke(
        main, ['gazebo-world', '--out', str(tmp_path / 'file' / 'world'), '--gazebo', 'jetty']
    )

    assert done.exit_code == 1
    assert done.output.startswith(f'Error: cannot write {tmp_path}/file/world: Not a directory')
