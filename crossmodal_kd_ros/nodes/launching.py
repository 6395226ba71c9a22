# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the launch files share: arguments, nodes made from them, the Fast DDS profile.

It needs ROS's launch.
"""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch_ros.actions import Node

from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.nodes.transport import profile_environment
from crossmodal_kd_ros.profile import CAMERA, DEFAULT_PROFILE, Profile, load_profile
from crossmodal_kd_ros.runtime.topics import sense_topics

PACKAGE = 'crossmodal_kd_ros'

# Short, for loading the networks takes most of the 5 s within which a node that was killed shall
# answer again.
_RESPAWN_DELAY_S = 0.5
_FLAGS = {'true': True, 'false': False}
# Name: default, description. An empty value leaves the choice to the parameter file.
_ARGUMENTS = {
    'namespace': ('', 'Name under which the nodes and their topics are put, such as left.'),
    'params_file': ('', 'ROS parameter file.'),
    'profile': (
        '',
        'What the robot has: a name in config/profiles, or a .yaml file; empty: profile of '
        'params_file.',
    ),
    'model': (
        '',
        'Folder with student.safetensors and teacher.safetensors; empty: models_dir of '
        'params_file.',
    ),
    'use_sim_time': ('', 'Take the time from /clock: true or false; empty: as params_file says.'),
    'image_transport': ('', 'How pictures come in; empty: camera_transport of params_file.'),
    'log_level': ('info', 'Least severity that is logged.'),
    'visualisation': (
        'none',
        'What to see it with: RViz, or the bridge that Foxglove connects to.',
    ),
    'respawn': (
        'false',
        f'Start a node again {_RESPAWN_DELAY_S} s after it ended: true or false.',
    ),
}
_CHOICES = {
    'image_transport': ['', 'raw', 'compressed'],
    'log_level': ['debug', 'info', 'warn', 'error', 'fatal'],
    'visualisation': ['none', 'rviz', 'foxglove'],
}
_VIEWERS = {'rviz': 'rviz2', 'foxglove': 'foxglove_bridge'}
_BAG = {
    'bag': ('', 'Folder of the bag, or its file.'),
    'rate': ('1.0', 'How fast to play it: 2.0 is twice as fast as life.'),
    'loop': ('false', 'Play it again at its end: true or false.'),
}
_CAMERAS = {
    'camera_source': (
        '',
        'Camera within the node: v4l2:/dev/video0, a folder of pictures, a video file, simulator; '
        'empty: camera_source of params_file.',
    ),
    'cameras': (
        '',
        'Names of several cameras, comma between: a node for each, in a namespace of that name.',
    ),
}
# Arguments that set a parameter of a node.
_PARAMETERS = {
    'maintenance_node': {
        'profile': 'profile',
        'model': 'models_dir',
        'image_transport': 'camera_transport',
        'camera_source': 'camera_source',
    },
    'mission_node': {'profile': 'profile'},
}


def arguments(params_file: str, **defaults: str) -> list[DeclareLaunchArgument]:
    """Declare what every launch file of this package takes.

    Args:
        params_file: the default parameter file, by its name in `config/`.
        defaults: of the arguments where they differ from the usual ones.
    """
    defaults['params_file'] = str(share_dir() / 'config' / params_file)
    return _declared(_ARGUMENTS, defaults)


def topic_arguments() -> list[DeclareLaunchArgument]:
    """Declare what the robot calls the topics of the sensors of the default profile.

    Another profile says itself which topics its sensors have.
    """
    return _declared(
        {
            f'{sensor}_topic': (
                topic,
                f'Topic of {sensor} in {DEFAULT_PROFILE}; other profiles name their own.',
            )
            for sensor, topic in _topics_by_sensor(load_profile()).items()
        }
    )


def camera_arguments() -> list[DeclareLaunchArgument]:
    """Declare which cameras there are, and whether one is within the node."""
    return _declared(_CAMERAS)


def bag_arguments() -> list[DeclareLaunchArgument]:
    """Declare which bag is played, and how."""
    return _declared(_BAG)


def played_bag() -> OpaqueFunction:
    """Return the action that plays the sensors of a bag, with its time on `/clock`."""
    return OpaqueFunction(function=lambda context: [_player(context.launch_configurations)])


def nodes(*executables: str) -> OpaqueFunction:
    """Return the action that starts `executables` of this package as the arguments say.

    Everything that starts after it has the Fast DDS profile too, unless the user has set one or
    uses another middleware.
    """
    return OpaqueFunction(
        function=lambda context: [
            *(
                SetEnvironmentVariable(name, value)
                for name, value in profile_environment(os.environ).items()
            ),
            *(
                _node(executable, namespace, context.launch_configurations)
                for executable in executables
                for namespace in _namespaces(context.launch_configurations)
            ),
            *_viewer(context.launch_configurations),
        ]
    )


def _declared(
    table: Mapping[str, tuple[str, str]], defaults: Mapping[str, str] | None = None
) -> list[DeclareLaunchArgument]:
    return [
        DeclareLaunchArgument(
            name,
            default_value=(defaults or {}).get(name, default),
            description=description,
            choices=_CHOICES.get(name),
        )
        for name, (default, description) in table.items()
    ]


def _namespaces(given: Mapping[str, str]) -> list[str]:
    """Return that of each camera; without `cameras` the one in which everything is."""
    cameras = [name.strip() for name in given.get('cameras', '').split(',') if name.strip()]
    return [f'{given["namespace"]}/{name}'.lstrip('/') for name in cameras] or [given['namespace']]


def _node(executable: str, namespace: str, given: Mapping[str, str]) -> Node:
    params_file = Path(given['params_file'])
    if not params_file.is_file():  # launch_ros would go on without it
        raise RuntimeError(
            f'expected a ROS parameter file at {params_file}, found none: check params_file:='
        )
    parameters = {
        parameter: given[name]
        for name, parameter in _PARAMETERS.get(executable, {}).items()
        if given.get(name)
    } | _sim_time(given)
    return Node(
        package=PACKAGE,
        executable=executable,
        name=executable,
        namespace=namespace,
        parameters=[str(params_file), *([parameters] if parameters else [])],
        remappings=_remappings(given),
        ros_arguments=['--log-level', given['log_level']],
        output='screen',
        emulate_tty=True,
        respawn=_flag('respawn', given),
        respawn_delay=_RESPAWN_DELAY_S,
    )


def _viewer(given: Mapping[str, str]) -> list[Node]:
    package = _VIEWERS.get(given['visualisation'])
    if package is None:
        return []
    # In the namespace of the nodes: the topics in the file are relative.
    layouts = sorted((share_dir() / 'config').rglob('*.rviz')) if package == 'rviz2' else []
    return [
        Node(
            package=package,
            executable=package,
            name=package,
            namespace=given['namespace'],
            arguments=['-d', str(layouts[0])] if layouts else [],
            output='screen',
            parameters=[_sim_time(given)] if given['use_sim_time'] else [],
        )
    ]


def _player(given: Mapping[str, str]) -> ExecuteProcess:
    bag = given['bag']
    if not Path(bag).exists() or not bag:
        raise RuntimeError(f'expected a bag, got {bag or "none"}: say bag:=FOLDER')
    speed = ['--rate', given['rate'], *['--loop'] * _flag('loop', given)]
    if find_spec('ros2bag') is None:
        command = [sys.executable, '-m', f'{PACKAGE}.cli.main', 'play', bag, *speed]
    else:
        renamed = dict(_remappings(given))
        profile = load_profile(given['profile'] or DEFAULT_PROFILE)
        names = [profile.camera.topic, *(topic.name for _, topic in sense_topics(profile))]
        # As the node hears them: what begins with / is in no namespace.
        root = PurePosixPath('/', given['namespace'])
        camera, *others = (str(root / renamed.get(name, name)) for name in names)
        command = ['ros2', 'bag', 'play', bag, '--clock', '100', *speed]
        command += ['--topics', camera, *others, f'{camera}/compressed']
    return ExecuteProcess(cmd=command, output='screen')


def _topics_by_sensor(profile: Profile) -> dict[str, str]:
    """Return the topic of each sensor that has one topic."""
    return {CAMERA: profile.camera.topic} | {
        sense: topic.name
        for sense, topic in sense_topics(profile)
        if len(profile.senses[sense].topics) == 1
    }


def _remappings(given: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (old, new) for each topic argument of the default profile that was changed."""
    by_sensor = _topics_by_sensor(load_profile())
    renamed = {
        topic: given[f'{sensor}_topic']
        for sensor, topic in by_sensor.items()
        if given.get(f'{sensor}_topic', topic) != topic
    }
    camera = by_sensor[CAMERA]
    if camera in renamed:
        renamed[f'{camera}/compressed'] = f'{renamed[camera]}/compressed'
    return list(renamed.items())


def _sim_time(given: Mapping[str, str]) -> dict[str, bool]:
    """Return the parameter that says whether time comes from /clock; none: the file says it."""
    name = 'use_sim_time'
    return {name: _flag(name, given)} if given[name] else {}


def _flag(name: str, given: Mapping[str, str]) -> bool:
    if given[name].lower() not in _FLAGS:
        raise RuntimeError(f'expected {name}:=true or {name}:=false, got {name}:={given[name]}')
    return _FLAGS[given[name].lower()]
