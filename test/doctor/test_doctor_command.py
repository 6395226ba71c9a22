# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The command as people use it: exit code 0 on a healthy machine, 1 on one that is not."""

import os
import re
import signal
import subprocess
import sys

import pytest

from crossmodal_kd_ros.nodes.transport import profile_environment

pytestmark = pytest.mark.timeout(180)


def doctor(*arguments: str, environ) -> subprocess.CompletedProcess:
    """Run the command."""
    return subprocess.run(
        [sys.executable, '-m', 'crossmodal_kd_ros.cli.main', 'doctor', *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=150,
    )


@pytest.fixture
def params(tmp_path, models):
    """Return a parameter file with weights that exist."""
    path = tmp_path / 'robot.yaml'
    path.write_text(f'/**/maintenance_node:\n  ros__parameters:\n    models_dir: {models}\n')
    return str(path)


@pytest.fixture
def healthy():
    """Return an environment with the Fast DDS profile, in which the simulated wall runs."""
    environ = {**os.environ, **profile_environment(os.environ)}
    simulator = subprocess.Popen(
        [
            sys.executable,
            '-m',
            'crossmodal_kd_ros.nodes.simulator_node',
            '--ros-args',
            '-r',
            '__ns:=/left',
            '-p',
            'width:=64',
            '-p',
            'height:=48',
        ],
        env=environ,
        stderr=subprocess.DEVNULL,
    )
    yield environ
    simulator.send_signal(signal.SIGTERM)
    simulator.wait(30)


@pytest.mark.alone
def test_a_healthy_machine_ends_with_0(healthy, params):
    done = doctor('--params', params, '--namespace', 'left', environ=healthy)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith('healthy')
    for subject in ('ROS 2', 'libraries', 'pictures', 'weights', 'camera', 'touch', 'gas'):
        assert re.search(rf'^ *ok  {subject} ', done.stdout, re.MULTILINE), subject


def test_a_machine_without_anything_ends_with_1_and_a_remedy_for_each_problem(tmp_path):
    params = tmp_path / 'robot.yaml'
    params.write_text(f'/**/maintenance_node:\n  ros__parameters:\n    models_dir: {tmp_path}\n')
    environ = {
        name: value for name, value in os.environ.items() if 'DEFAULT_PROFILES_FILE' not in name
    }
    done = doctor('--params', str(params), environ=environ)

    assert done.returncode == 1 and 'Traceback' not in done.stdout + done.stderr
    assert '5 things to mend' in done.stdout
    for remedy in (
        'pictures: export ',
        f'weights: crossmodal-kd train --out {tmp_path}',
        'camera: start the camera driver',
        'touch: start the driver of touch',
        'gas: start the driver of gas',
    ):
        assert f'\n{remedy}' in done.stdout


@pytest.mark.parametrize(
    ('trouble', 'remedy'),
    [
        ({'RMW_IMPLEMENTATION': 'rmw_of_nobody_cpp'}, 'pictures: unset RMW_IMPLEMENTATION'),
        ({'ROS_DOMAIN_ID': 'abc'}, 'discovery: unset ROS_DOMAIN_ID'),
        ({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF'}, 'discovery: unset ROS_AUTOMATIC_DISCOVERY_'),
        ({'ROS_LOG_DIR': f'{__file__}/logs'}, 'logs: export ROS_LOG_DIR='),
    ],
)
def test_an_environment_in_which_no_node_starts_ends_with_1_and_the_line_that_mends_it(
    trouble, remedy
):
    done = doctor(environ={**os.environ, **trouble})

    assert done.returncode == 1 and 'Traceback' not in done.stdout + done.stderr
    assert f'\n{remedy}' in done.stdout and '1 thing to mend' in done.stdout
