# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""gazebo.launch.py: the world it writes, and what it starts; stand-ins take Gazebo's place."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

# Not `launch` itself: the folder of that name would pass for it.
pytest.importorskip('launch_ros.actions', reason="ROS's launch and launch_ros are not installed")

ROOT = Path(__file__).resolve().parents[2]
# Stands in for every executable: writes down how it was called.
WITNESS = """#!{python}
import json, os, sys
texts = [open(after).read() for word, after in zip(sys.argv, sys.argv[1:]) if word == '--params-file']
with open(os.environ['WITNESS'], 'a') as file:
    print(json.dumps([os.path.basename(sys.argv[0]), sys.argv[1:], texts]), file=file)
"""
# Stands in for ros_gz_sim's launch file of the same name, arguments and way of calling.
GZ_SIM = """from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration


def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument('gz_args', default_value=''),
        DeclareLaunchArgument('on_exit_shutdown', default_value='false'),
        ExecuteProcess(cmd=[{gazebo!r}, LaunchConfiguration('gz_args'), '--on-exit-shutdown',
                            LaunchConfiguration('on_exit_shutdown')], shell=True)])
"""
EXECUTABLES = {
    'crossmodal_kd_ros': ('gazebo_senses_node', 'maintenance_node'),
    'ros_gz_bridge': ('parameter_bridge',),
    'ros_gz_sim': ('gazebo',),
}


@pytest.fixture
def launched(tmp_path, private_environ):
    """Return a function that runs the launch file: {what was called: (arguments, parameter files)}."""
    prefix = tmp_path / 'prefix'
    (prefix / 'share/ament_index/resource_index/packages').mkdir(parents=True)
    for package, names in EXECUTABLES.items():
        (prefix / 'share/ament_index/resource_index/packages' / package).touch()
        (prefix / 'lib' / package).mkdir(parents=True)
        for name in names:
            (prefix / 'lib' / package / name).write_text(WITNESS.format(python=sys.executable))
            (prefix / 'lib' / package / name).chmod(0o755)
    (prefix / 'share/ros_gz_sim/launch').mkdir(parents=True)
    (prefix / 'share/ros_gz_sim/launch/gz_sim.launch.py').write_text(
        GZ_SIM.format(gazebo=str(prefix / 'lib/ros_gz_sim/gazebo'))
    )
    environ = {
        **private_environ,
        'WITNESS': str(tmp_path / 'witness'),
        'ROS_LOG_DIR': str(tmp_path / 'log'),
        'ROS_DISTRO': 'jazzy',
        'AMENT_PREFIX_PATH': os.pathsep.join(
            filter(None, [str(prefix), os.environ.get('AMENT_PREFIX_PATH')])
        ),
    }

    def run(*arguments: str, **changes: str) -> dict[str, tuple[list[str], list[str]]]:
        done = subprocess.run(
            [
                sys.executable,
                str(Path(__file__).with_name('ros2_launch.py')),
                str(ROOT / 'launch/gazebo.launch.py'),
                f'world_dir:={tmp_path / "my world"}',
                *arguments,
            ],
            env={**environ, **changes},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        seen = [json.loads(line) for line in (tmp_path / 'witness').read_text().splitlines()]
        return {name: (arguments, texts) for name, arguments, texts in seen}

    return run


def test_it_writes_the_world_and_starts_gazebo_the_bridge_and_both_nodes_on_its_clock(
    launched, tmp_path
):
    called = launched()
    world = tmp_path / 'my world' / 'world.sdf'

    assert set(called) == {'gazebo', 'parameter_bridge', 'gazebo_senses_node', 'maintenance_node'}
    assert called['gazebo'][0] == ['-r', str(world), '--on-exit-shutdown', 'true']
    assert 'Gazebo Harmonic, with seed 0' in world.read_text()
    for name in ('parameter_bridge', 'gazebo_senses_node', 'maintenance_node'):
        given = [
            parameters for text in called[name][1] for parameters in yaml.safe_load(text).values()
        ]
        assert any(
            parameters['ros__parameters'].get('use_sim_time') is True for parameters in given
        ), name
    (bridge,) = [yaml.safe_load(text) for text in called['parameter_bridge'][1]]
    (node,) = bridge.values()
    assert node['ros__parameters']['config_file'] == str(ROOT / 'config/ros_gz_bridge.yaml')


@pytest.mark.parametrize(
    'text',
    [
        '/**/gazebo_senses_node: {ros__parameters: {seed: 5}}',
        '/**: {ros__parameters: {seed: 5}}',
        'left: {gazebo_senses_node: {ros__parameters: {seed: 5}}}',
    ],
)
def test_headless_in_a_namespace_with_another_seed(launched, tmp_path, text):
    mine = tmp_path / 'mine.yaml'
    mine.write_text(text)

    called = launched(
        'headless:=true', 'namespace:=left', f'params_file:={mine}', 'gazebo:=fortress'
    )

    text = (tmp_path / 'my world' / 'world.sdf').read_text()
    assert 'Gazebo Fortress, with seed 5' in text
    assert called['gazebo'][0][:3] == ['-r', '-s', '--headless-rendering']
    assert shlex.join(called['gazebo'][0][3:4]) == shlex.quote(
        str(tmp_path / 'my world' / 'world.sdf')
    )
    for name in ('parameter_bridge', 'gazebo_senses_node', 'maintenance_node'):
        assert '__ns:=/left' in called[name][0], name


def test_a_ros_that_no_gazebo_is_paired_with_has_to_name_one(launched):
    with pytest.raises(
        AssertionError, match='say gazebo:= one of fortress, harmonic, ionic, jetty'
    ):
        launched(ROS_DISTRO='rolling')
