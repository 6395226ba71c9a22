# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd profile`, the option of that name, and errors as sentences."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from crossmodal_kd_ros.cli import main as main_module
from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.cli.run import ros_arguments
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.profile import schema_path

PROFILES = schema_path().parent


def call(*arguments: str):
    """Run the command."""
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    ('given', 'line'),
    [
        ('living_wall', 'living_wall: ok: living_wall, senses touch, gas, 6 actions'),
        (str(PROFILES / 'air.yaml'), f'{PROFILES}/air.yaml: ok: air, senses air, 3 actions'),
        ('gripper', 'gripper: ok: gripper, senses arm, 3 actions'),
    ],
)
def test_a_profile_that_can_be_used_is_summed_up_in_a_line(given, line):
    shown = call('profile', 'check', given)

    assert (shown.exit_code, shown.output) == (0, f'{line}\n')


def test_each_fault_of_a_profile_has_a_line_and_the_exit_code_is_1(tmp_path):
    path = tmp_path / 'mine.yaml'
    text = (PROFILES / 'air.yaml').read_text()
    path.write_text(text.replace('period_s: 3', 'period: 3').replace('max: 70', 'max: -70'))

    shown = call('profile', 'check', str(path))

    lines = shown.output.splitlines()
    assert shown.exit_code == 1 and len(lines) >= 2
    assert all(line.startswith(f'{path}: ') for line in lines)
    assert any('min below max of the channel temperature_c' in line for line in lines)
    assert any('period_s' in line for line in lines)


@pytest.mark.parametrize('given', ['aquarium', '/no/such.yaml'])
def test_a_profile_that_is_not_there_is_told_in_a_line(given):
    shown = call('profile', 'check', given)

    assert shown.exit_code == 1
    assert given in shown.output and len(shown.output.splitlines()) == 1


def test_the_schema_is_the_one_that_is_shipped_for_editors():
    shown = call('profile', 'schema')

    assert shown.exit_code == 0
    assert shown.output == schema_path().read_text()
    assert json.loads(shown.output)['title'] == 'Profile'


def test_the_options_are_given_to_the_node():
    arguments = ros_arguments('air', Path('my.yaml'), 'left', ('camera/image_raw:=/front',))

    assert arguments == [
        *('-r', 'camera/image_raw:=/front'),
        *('-r', '__ns:=/left'),
        *('--params-file', 'my.yaml'),
        *('-p', 'profile:=air'),
    ]
    assert ros_arguments(None, None, '', ()) == []


def test_an_error_of_any_command_is_printed_as_its_sentence(monkeypatch):
    @click.command()
    def command():
        raise CrossmodalError('expected a wall, got a door: paint it')

    class Module:
        pass

    module = Module()
    module.command = command
    monkeypatch.setattr(main_module, 'import_module', lambda name: module)

    shown = call('run')

    assert shown.exit_code == 1
    assert shown.output == 'Error: expected a wall, got a door: paint it\n'
