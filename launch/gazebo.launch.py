# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The maintenance node in Gazebo: the living wall, an arm, the bridge, and the other senses."""

import os
import shlex
from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.gazebo import GAZEBOS, write_world
from crossmodal_kd_ros.nodes.given import entries, value
from crossmodal_kd_ros.nodes.launching import arguments, nodes
from crossmodal_kd_ros.nodes.transport import distro
from launch import LaunchContext, LaunchDescription

_WINDOW = {'false': '-r', 'true': '-r -s --headless-rendering'}


def generate_launch_description() -> LaunchDescription:
    """Return the description; `ros2 launch` lists its arguments with `--show-args`."""
    return LaunchDescription(
        [
            *arguments('gazebo.yaml', use_sim_time='true'),
            DeclareLaunchArgument(
                'headless',
                default_value='false',
                choices=list(_WINDOW),
                description='Run Gazebo without its window.',
            ),
            DeclareLaunchArgument(
                'gazebo',
                default_value='',
                choices=['', *GAZEBOS],
                description='Release of Gazebo to write the world for; empty: the one that goes '
                'with this ROS 2.',
            ),
            DeclareLaunchArgument(
                'world_dir',
                default_value=os.path.join('~', '.ros', 'crossmodal_kd_ros', 'gazebo'),
                description='Folder that the world is written into, anew at each start; 22 MB.',
            ),
            nodes('gazebo_senses_node', 'maintenance_node'),
            OpaqueFunction(function=_gazebo),
        ]
    )


def _gazebo(context: LaunchContext) -> list[Node | IncludeLaunchDescription]:
    given = context.launch_configurations
    world = write_world(
        Path(given['world_dir']).expanduser(),
        gazebo=given['gazebo'] or _paired(),
        seed=_seed(given['params_file'], given['namespace']),
    )
    server = PathJoinSubstitution([FindPackageShare('ros_gz_sim'), 'launch', 'gz_sim.launch.py'])
    return [
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(server),
            launch_arguments={
                # ros_gz_sim hands it to a shell.
                'gz_args': f'{_WINDOW[given["headless"]]} {shlex.quote(str(world))}',
                'on_exit_shutdown': 'true',
            }.items(),
        ),
        Node(
            package='ros_gz_bridge',
            executable='parameter_bridge',
            name='gazebo_bridge',
            namespace=given['namespace'],
            parameters=[
                {
                    'config_file': str(share_dir() / 'config' / 'ros_gz_bridge.yaml'),
                    'use_sim_time': True,
                }
            ],
            ros_arguments=['--log-level', given['log_level']],
            output='screen',
        ),
    ]


def _paired() -> str:
    here = distro(os.environ)
    for gazebo in GAZEBOS.values():
        if gazebo.ros_distro == here:
            return gazebo.name
    raise RuntimeError(
        f'expected a ROS 2 that is paired with a Gazebo, got {here or "none"}: '
        f'say gazebo:= one of {", ".join(GAZEBOS)}'
    )


def _seed(params_file: str, namespace: str) -> int:
    """Return the seed that gazebo_senses_node gets: the panels have to be the same."""
    full_name = '/'.join(('', *filter(None, namespace.split('/')), 'gazebo_senses_node'))
    seed = value(entries(('--ros-args', '--params-file', params_file)), full_name, 'seed')
    try:
        return int(seed or 0)
    except (TypeError, ValueError):
        raise RuntimeError(
            f'expected a whole number as seed in {params_file}, got {seed}'
        ) from None
