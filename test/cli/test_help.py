# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the command says without doing anything."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from crossmodal_kd_ros.cli.demo import closing_lines
from crossmodal_kd_ros.cli.main import SUBCOMMANDS, main


def test_help_names_every_subcommand():
    shown = CliRunner().invoke(main, ['--help'])
    assert shown.exit_code == 0
    for name, line in SUBCOMMANDS.items():
        assert f'  {name} ' in shown.output and line.split()[0] in shown.output


@pytest.mark.parametrize(
    'arguments', [['--help'], ['demo', '--help'], ['run', '--help'], ['doctor', '--help']]
)
def test_help_needs_neither_torch_nor_ros(arguments):
    program = (
        'import sys\nfrom crossmodal_kd_ros.cli.main import main\n'
        f'main({arguments}, standalone_mode=False)\n'
        'print(sorted({"torch", "rclpy", "cv2", "numpy", "matplotlib"} & set(sys.modules)))'
    )
    shown = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout.strip().endswith('[]')


@pytest.mark.parametrize('name', list(SUBCOMMANDS))
def test_every_subcommand_has_help(name):
    shown = CliRunner().invoke(main, [name, '--help'])
    assert shown.exit_code == 0 and 'Usage:' in shown.output


def test_no_command_takes_an_empty_path_for_this_folder():
    context = click.Context(main)
    paths = [
        (name, parameter)
        for name in SUBCOMMANDS
        for parameter in _leaves(main.get_command(context, name))
        if isinstance(parameter.type, click.Path)
    ]
    assert {'demo', 'replay', 'scenario', 'train'} <= {name for name, _ in paths}
    for name, parameter in paths:
        with pytest.raises(click.BadParameter, match="expected a path, got ''"):
            parameter.type.convert('', parameter, context)


def _leaves(command):
    """Yield the parameters of a command and of all that are below it."""
    yield from command.params
    for below in getattr(command, 'commands', {}).values():
        yield from _leaves(below)


def test_the_version_is_told():
    assert 'crossmodal-kd, version' in CliRunner().invoke(main, ['--version']).output


@pytest.mark.parametrize(
    'arguments, sentence',
    [
        (['fly'], "No such command 'fly'"),
        (['demo', '--photos', '/no/such/folder'], "'/no/such/folder' does not exist"),
        (['demo', '--photos', '.', '--camera', '0'], 'expected --photos or --camera, got both'),
        (['demo', '--duration', '-3'], '-3'),
        (['run', '--params', '/no/such/file.yaml'], "'/no/such/file.yaml' does not exist"),
        (
            ['run', '--', 'camera'],
            'expected remaps like camera/image_raw:=/front/image, got camera',
        ),
        (['doctor', '--', ':=x'], 'expected remaps like camera/image_raw:=/front/image, got :=x'),
    ],
)
def test_bad_usage_is_refused_with_code_2(arguments, sentence):
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 2
    assert sentence in shown.output and 'Traceback' not in shown.output


SUMMARY = {
    'frames_answered': 0,
    'frames_published': 0,
    'latency_ms': {'p50': None, 'p99': None},
    'failover_ms': {'touch': None, 'gas': 80.0},
    'failover_limit_ms': {'touch': 266.7, 'gas': 266.7},
    'recovery_ms': {'touch': 12.0, 'gas': None},
    'unplanned_gaps': [{'sensor': 'gas', 'start_s': 5.0, 'length_s': 4.0}],
    'accuracy': None,
    'bag': {'error': 'the disk is full'},
    'interrupted': False,
}


def test_the_closing_lines_say_in_words_what_never_came(tmp_path):
    lines = '\n'.join(closing_lines(SUMMARY, tmp_path))
    assert 'touch lost: not noticed (limit 267 ms), trusted again after 12 ms' in lines
    assert 'not trusted again by the end' in lines and 'never' not in lines
    assert 'the machine was too busy' in lines and 'not whole: the disk is full' in lines


def test_a_folder_is_printed_by_its_name_also_where_that_looks_like_markup(monkeypatch):
    monkeypatch.setattr('crossmodal_kd_ros.demo.session.run_demo', lambda *_: SUMMARY)
    shown = CliRunner().invoke(main, ['demo', '--out', 'runs[a]/x [/tmp/y] :cat:'])
    assert shown.exit_code == 0
    assert 'report: runs[a]/x [/tmp/y] :cat:/report.html' in shown.output
