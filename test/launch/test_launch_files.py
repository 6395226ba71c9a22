# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The launch files: what they declare, what they start with which arguments, and that it runs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

# Not `launch` itself: the folder of that name would pass for it.
pytest.importorskip('launch_ros.actions', reason="ROS's launch and launch_ros are not installed")

from launch.launch_description_sources import PythonLaunchDescriptionSource

from launch import LaunchContext

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'bags'))

import made_up_bag as made  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
COMMON = {
    'namespace',
    'params_file',
    'profile',
    'model',
    'use_sim_time',
    'image_transport',
    'log_level',
    'respawn',
    'visualisation',
}
PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
# Stands in for a node: writes down how it was called, and which parameters its files hold.
WITNESS = """#!{python}
import json, os, sys
texts = [open(after).read() for word, after in zip(sys.argv, sys.argv[1:]) if word == '--params-file']
with open(os.environ['WITNESS'], 'a') as file:
    print(json.dumps([sys.argv, texts, dict(os.environ)]), file=file)
"""
NODE = """#!{python}
import sys
sys.path.insert(0, {root!r})
from crossmodal_kd_ros.nodes.{name} import main
raise SystemExit(main())
"""
OUTER = """from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription, SetEnvironmentVariable
from launch.launch_description_sources import PythonLaunchDescriptionSource


def generate_launch_description():
    return LaunchDescription([SetEnvironmentVariable('RMW_IMPLEMENTATION', {rmw!r}),
                              IncludeLaunchDescription(PythonLaunchDescriptionSource({inner!r}))])
"""


@pytest.fixture
def environ(tmp_path, private_environ):
    """Return an environment with a DDS domain of its own and no profile yet."""
    return {
        name: value
        for name, value in private_environ.items()
        if name not in (*PROFILES, 'RMW_IMPLEMENTATION')
    } | {'ROS_LOG_DIR': str(tmp_path / 'log')}


def install(
    prefix: Path,
    environ: dict[str, str],
    program: str,
    *,
    package: str = 'crossmodal_kd_ros',
    executables: tuple[str, ...] = ('maintenance_node', 'simulator_node'),
) -> None:
    """Put an ament prefix first in which the executables of a package are `program`."""
    (prefix / 'share/ament_index/resource_index/packages').mkdir(parents=True)
    (prefix / 'share/ament_index/resource_index/packages' / package).touch()
    (prefix / 'lib' / package).mkdir(parents=True)
    for name in executables:
        path = prefix / 'lib' / package / name
        path.write_text(program.format(python=sys.executable, root=str(ROOT), name=name))
        path.chmod(0o755)
    environ['AMENT_PREFIX_PATH'] = os.pathsep.join(
        filter(None, [str(prefix), environ.get('AMENT_PREFIX_PATH', '')])
    )


def launch(name: str, *arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess:
    """Run a launch file to its end."""
    return subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name('ros2_launch.py')),
            str(ROOT / 'launch' / name),
            *arguments,
        ],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def witness(tmp_path, environ):
    """Return a function that launches a file: {node: (arguments, files, environment)}."""
    install(tmp_path / 'prefix', environ, WITNESS)
    environ['WITNESS'] = str(tmp_path / 'witness')

    def called(
        name: str, *arguments: str
    ) -> dict[str, tuple[list[str], list[str], dict[str, str]]]:
        done = launch(name, *arguments, environ=environ)
        assert done.returncode == 0, done.stdout + done.stderr
        seen = [json.loads(line) for line in (tmp_path / 'witness').read_text().splitlines()]
        return {Path(argv[0]).name: (argv[1:], texts, env) for argv, texts, env in seen}

    return called


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_every_launch_file_says_what_each_of_its_arguments_does(path):
    description = PythonLaunchDescriptionSource(str(path)).get_launch_description(LaunchContext())
    arguments = {argument.name: argument for argument in description.get_launch_arguments()}

    assert COMMON <= set(arguments)
    for argument in arguments.values():
        assert argument.description[-1] in '.]' and argument.description[0].isupper(), (
            argument.name
        )
        assert argument.default_value is not None, argument.name


def test_the_robot_file_starts_the_maintenance_node_alone_and_the_sim_file_both(witness, tmp_path):
    assert list(witness('robot.launch.py')) == ['maintenance_node']
    (tmp_path / 'witness').unlink()
    assert set(witness('sim.launch.py')) == {'maintenance_node', 'simulator_node'}


def test_without_arguments_the_node_gets_the_parameter_file_of_this_package_and_no_other_topics(
    witness,
):
    arguments, *_ = witness('robot.launch.py')['maintenance_node']

    assert arguments[arguments.index('--params-file') + 1] == str(ROOT / 'config' / 'robot.yaml')
    assert arguments.count('--params-file') == 1
    assert [word for word in arguments if ':=' in word] == ['__node:=maintenance_node', '__ns:=/']


def test_arguments_reach_the_node_as_parameters_and_remaps(witness, tmp_path):
    mine = tmp_path / 'mine.yaml'
    mine.write_text('/**/maintenance_node:\n  ros__parameters:\n    min_confidence: 0.5\n')
    arguments, texts, _ = witness(
        'robot.launch.py',
        f'params_file:={mine}',
        'namespace:=left',
        'profile:=/my/robot.yaml',
        'model:=/my/models',
        'image_transport:=compressed',
        'use_sim_time:=True',
        'log_level:=warn',
        'camera_topic:=/front/image',
        'gas_topic:=nose',
        'camera_source:=v4l2:/dev/video0',
    )['maintenance_node']

    assert [yaml.safe_load(text) for text in texts] == [
        {'/**/maintenance_node': {'ros__parameters': {'min_confidence': 0.5}}},
        {
            '/left/maintenance_node': {
                'ros__parameters': {
                    'profile': '/my/robot.yaml',
                    'models_dir': '/my/models',
                    'camera_transport': 'compressed',
                    'camera_source': 'v4l2:/dev/video0',
                    'use_sim_time': True,
                }
            }
        },
    ]
    assert arguments[arguments.index('--log-level') + 1] == 'warn'
    assert {word for word in arguments if ':=' in word} == {
        '__node:=maintenance_node',
        '__ns:=/left',
        'camera/image_raw:=/front/image',
        'camera/image_raw/compressed:=/front/image/compressed',
        'gas/state:=nose',
    }


def test_each_of_several_cameras_has_a_node_in_a_namespace_of_its_own(witness, tmp_path):
    witness('robot.launch.py', 'namespace:=robot', 'cameras:=left, right', 'gas_topic:=/nose')
    called = [json.loads(line)[0][1:] for line in (tmp_path / 'witness').open()]

    assert sorted(word for arguments in called for word in arguments if '__ns' in word) == [
        '__ns:=/robot/left',
        '__ns:=/robot/right',
    ]
    assert all('gas/state:=/nose' in arguments for arguments in called)


@pytest.mark.skipif(
    not (ROOT / 'models' / 'teacher.safetensors').exists(), reason='no weights to run'
)
def test_two_cameras_are_answered_under_one_launch_file(environ, tmp_path):
    install(tmp_path / 'prefix', environ, NODE)
    values = {'/**/maintenance_node': {'recovery_s': 0.1}}
    for name in ('left', 'right'):
        (tmp_path / name).mkdir()
        for index in range(3):
            picture = np.random.default_rng(index).integers(0, 255, (48, 64, 3), np.uint8)
            cv2.imwrite(str(tmp_path / name / f'{index}.png'), picture)
        values[f'/{name}/maintenance_node'] = {'camera_source': str(tmp_path / name)}
    params_file = tmp_path / 'mine.yaml'
    params_file.write_text(
        yaml.safe_dump({node: {'ros__parameters': given} for node, given in values.items()})
    )
    with launching(
        'robot.launch.py', 'cameras:=left,right', f'params_file:={params_file}', environ=environ
    ) as process:
        missing = {'[left.maintenance_node]: STUDENT: ', '[right.maintenance_node]: STUDENT: '}
        for line in process.stdout:
            missing = {words for words in missing if words not in line}
            if not missing:
                break
    assert not missing


def test_every_node_gets_the_profile(witness):
    for *_, environment in witness('sim.launch.py').values():
        assert [Path(environment[name]).name for name in PROFILES if name in environment] == [
            'fastdds.xml'
        ]


@pytest.mark.parametrize(
    ('viewer', 'executable'), [('rviz', 'rviz2'), ('foxglove', 'foxglove_bridge')]
)
def test_a_viewer_starts_in_the_namespace_of_the_nodes_if_it_is_asked_for(
    witness, environ, tmp_path, viewer, executable
):
    install(tmp_path / 'viewers', environ, WITNESS, package=executable, executables=(executable,))
    seen = witness('robot.launch.py', 'namespace:=left', f'visualisation:={viewer}')

    assert set(seen) == {'maintenance_node', executable}
    assert '__ns:=/left' in seen[executable][0]


@pytest.mark.parametrize('name', PROFILES)
def test_a_profile_that_the_user_has_set_stands(witness, environ, name):
    environ[name] = '/mine.xml'
    *_, environment = witness('robot.launch.py')['maintenance_node']

    assert {name: environment[name] for name in PROFILES if name in environment} == {
        name: '/mine.xml'
    }


@pytest.mark.parametrize('rmw', ['rmw_cyclonedds_cpp', 'rmw_zenoh_cpp'])
def test_no_profile_is_set_for_another_middleware_not_even_one_chosen_by_an_outer_launch_file(
    witness, tmp_path, rmw
):
    outer = tmp_path / 'outer.launch.py'
    outer.write_text(OUTER.format(rmw=rmw, inner=str(ROOT / 'launch' / 'robot.launch.py')))
    *_, environment = witness(str(outer))['maintenance_node']

    assert environment['RMW_IMPLEMENTATION'] == rmw
    assert not any(name in environment for name in PROFILES)


@pytest.mark.parametrize(
    ('argument', 'sentence'),
    [
        (
            'params_file:=/no/such.yaml',
            'expected a ROS parameter file at /no/such.yaml, found none',
        ),
        ('respawn:=maybe', 'expected respawn:=true or respawn:=false, got respawn:=maybe'),
        (
            'use_sim_time:=1',
            'expected use_sim_time:=true or use_sim_time:=false, got use_sim_time:=1',
        ),
        ('image_transport:=theora', 'theora'),
    ],
)
def test_a_bad_argument_ends_in_one_sentence_and_starts_nothing(
    environ, tmp_path, argument, sentence
):
    install(tmp_path / 'prefix', environ, WITNESS)
    environ['WITNESS'] = str(tmp_path / 'witness')
    done = launch('robot.launch.py', argument, environ=environ)

    assert done.returncode == 1
    assert sentence in done.stdout + done.stderr and 'Traceback' not in done.stdout + done.stderr
    assert not (tmp_path / 'witness').exists()


def test_a_launched_node_refuses_a_parameter_that_does_not_exist(environ, tmp_path):
    install(tmp_path / 'prefix', environ, NODE)
    (tmp_path / 'mine.yaml').write_text('/**/simulator_node:\n  ros__parameters:\n    sede: 3\n')
    done = launch(
        'sim.launch.py',
        f'params_file:={tmp_path / "mine.yaml"}',
        f'model:={tmp_path}',
        environ=environ,
    )

    assert "got 'sede'; there is: seed" in done.stdout
    # Given by an argument, and refused by the node that got it.
    assert f'expected a weight file at {tmp_path}' in done.stdout


def test_a_node_that_dies_comes_back_if_it_may(environ, tmp_path):
    install(tmp_path / 'prefix', environ, NODE)
    with launching(
        'robot.launch.py', 'respawn:=true', f'params_file:={waiting(tmp_path)}', environ=environ
    ) as process:
        first = until(process, 'waiting to be configured')
        os.kill(first, signal.SIGKILL)
        second = until(process, 'waiting to be configured')
    assert second != first
    assert not any(Path(f'/proc/{pid}').exists() for pid in (first, second))


@pytest.mark.skipif(
    not (ROOT / 'models' / 'teacher.safetensors').exists(), reason='no weights to run'
)
@pytest.mark.alone
def test_a_node_that_is_killed_under_the_sim_file_answers_again_within_five_seconds(
    environ, tmp_path
):
    install(tmp_path / 'prefix', environ, NODE)
    with launching('sim.launch.py', 'respawn:=true', environ=environ) as process:
        first = until(process, 'TEACHER: ')
        os.kill(first, signal.SIGKILL)
        killed_s = time.monotonic()
        second = until(process, 'TEACHER: ', other_than=first)
        took_s = time.monotonic() - killed_s
    assert took_s < 5.0
    assert not any(Path(f'/proc/{pid}').exists() for pid in (first, second))


@pytest.mark.alone
def test_the_replay_file_plays_a_bag_into_the_node_where_rosbag2_is_not_installed(
    environ, models, tmp_path
):
    if find_spec('ros2bag') is not None:
        pytest.skip('ros2 bag is installed, and plays it')
    bag = made.robot(tmp_path / 'bag', duration_s=4.0)
    install(tmp_path / 'prefix', environ, NODE)
    (tmp_path / 'mine.yaml').write_text(
        '/**/maintenance_node:\n  ros__parameters:\n    min_confidence: 0.0\n'
    )
    with launching(
        'replay.launch.py',
        f'bag:={bag}',
        'loop:=true',
        'image_transport:=compressed',
        f'model:={models}',
        f'params_file:={tmp_path / "mine.yaml"}',
        environ=environ,
    ) as process:
        until(process, 'TEACHER: camera, touch and gas are healthy')
        # Only by the time of the bag can the node tell that it began again.
        assert any('the clock was set back by' in line for line in process.stdout)


def test_the_replay_file_has_ros2_bag_play_the_sensors_where_it_is_installed(
    witness, environ, tmp_path
):
    bag = made.robot(tmp_path / 'bag', duration_s=0.1)
    (tmp_path / 'ros').mkdir()
    (tmp_path / 'ros' / 'ros2bag.py').touch()
    stand_in = tmp_path / 'ros' / 'ros2'
    stand_in.write_text(WITNESS.format(python=sys.executable))
    stand_in.chmod(0o755)
    for name in ('PATH', 'PYTHONPATH'):
        environ[name] = os.pathsep.join(
            filter(None, [str(tmp_path / 'ros'), environ.get(name, '')])
        )
    seen = witness(
        'replay.launch.py',
        f'bag:={bag}',
        'rate:=2.0',
        'loop:=true',
        'touch_topic:=/pad',
        'namespace:=left',
    )

    assert seen['ros2'][0] == [
        'bag',
        'play',
        str(bag),
        '--clock',
        '100',
        '--rate',
        '2.0',
        '--loop',
        '--topics',
        '/left/camera/image_raw',
        '/pad',
        '/left/gas/state',
        '/left/camera/image_raw/compressed',
    ]
    [_, parameters] = seen['maintenance_node'][1]
    assert yaml.safe_load(parameters)['/left/maintenance_node']['ros__parameters'] == {
        'use_sim_time': True
    }


@contextmanager
def launching(name: str, *arguments: str, environ: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Run a launch file until the block ends; whoever asks it to end then waits for it."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name('ros2_launch.py')),
            str(ROOT / 'launch' / name),
            *arguments,
        ],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()


def waiting(folder: Path) -> Path:
    """Return a parameter file with which the node waits to be configured: it needs no weights."""
    path = folder / 'waiting.yaml'
    path.write_text('/**/maintenance_node:\n  ros__parameters:\n    autostart: false\n')
    return path


def until(
    process: subprocess.Popen, words: str, *, other_than: int = 0, limit_s: float = 60.0
) -> int:
    """Read on until a maintenance node has started that says `words`; return its process id."""
    end_s, pid = time.monotonic() + limit_s, other_than
    while time.monotonic() < end_s:
        line = process.stdout.readline()
        assert line, 'the launch file ended by itself'
        if 'process started with pid' in line and 'maintenance_node' in line:
            pid = int(line.rsplit('[', 1)[1].split(']')[0])
        if words in line and pid != other_than:
            return pid
    raise AssertionError(f'no node that says "{words}" within {limit_s} s')
