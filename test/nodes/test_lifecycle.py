# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the nodes start, refuse and end."""

import re
import shutil
import signal
import time
from pathlib import Path

import pytest
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from robot import Robot
from waiting import wait_for

from crossmodal_kd_ros.nodes import maintenance_node
from crossmodal_kd_ros.nodes.managed import ManagedNode
from crossmodal_kd_ros.nodes.signals import END_SIGNALS
from crossmodal_kd_ros.profile import load_profile


class Manager:
    """Drives a node through its services, as nav2's lifecycle manager does."""

    def __init__(self, robot: Robot, name: str) -> None:
        self._robot, self._name = robot, name
        self._clients = {}

    def state(self) -> str:
        """Return the label of the node's state."""
        return self._call(GetState, 'get_state', GetState.Request()).current_state.label

    def change(self, transition: int) -> bool:
        """Ask for a transition and return whether it succeeded."""
        request = ChangeState.Request(transition=Transition(id=transition))
        return self._call(ChangeState, 'change_state', request).success

    def set(self, name: str, value: str | float):
        """Set a parameter to a text or a float; return (successful, reason)."""
        kind = (
            ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=value)
            if isinstance(value, str)
            else (ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value))
        )
        parameter = Parameter(name=name, value=kind)
        result = self._call(
            SetParameters, 'set_parameters', SetParameters.Request(parameters=[parameter])
        ).results[0]
        return result.successful, result.reason

    def describe(self, *names: str):
        """Return the descriptors of parameters."""
        request = DescribeParameters.Request(names=list(names))
        return self._call(DescribeParameters, 'describe_parameters', request).descriptors

    def _call(self, kind, service: str, request):
        if service not in self._clients:
            self._clients[service] = self._robot.node.create_client(
                kind, f'{self._name}/{service}'
            )
        client = self._clients[service]
        wait_for(client.service_is_ready)
        future = client.call_async(request)
        wait_for(future.done)
        return future.result()


@pytest.fixture
def robot():
    """Return a robot whose sensors are off."""
    robot = Robot()
    yield robot
    robot.close()


def damaged_weights(models, folder):
    """Yield (folder, what the refusal must say) for each way in which weights can be wrong."""
    from safetensors.torch import save_file

    from crossmodal_kd_ros.networks import Student

    for name, sentence in (
        ('missing', 'expected a weight file at'),
        ('truncated', 'is not a complete safetensors file'),
        ('foreign', 'got those of nothing this package wrote'),
        ('swapped', 'those of teacher'),
    ):
        (folder / name).mkdir()
        student = folder / name / 'student.safetensors'
        shutil.copy(models / 'teacher.safetensors', folder / name)
        if name == 'truncated':
            student.write_bytes((models / 'student.safetensors').read_bytes()[:-1000])
        if name == 'foreign':
            save_file({'weight': Student(load_profile()).classifier.weight.detach()}, student)
        if name == 'swapped':
            shutil.copy(models / 'teacher.safetensors', student)
        yield folder / name, sentence


def test_a_manager_can_take_the_node_through_its_whole_life(robot, start, models, tmp_path):
    node = start('maintenance_node', autostart=False, min_confidence=0.0)
    manager = Manager(robot, 'maintenance_node')
    assert manager.state() == 'unconfigured'

    for folder, sentence in damaged_weights(models, tmp_path):
        assert manager.set('models_dir', str(folder)) == (True, '')
        assert not manager.change(Transition.TRANSITION_CONFIGURE)
        assert manager.state() == 'unconfigured'
        wait_for(lambda: sentence in node.printed(), printed=node.printed)

    manager.set('models_dir', str(models))
    for _ in range(2):  # what was cleaned up can be configured again
        assert manager.change(Transition.TRANSITION_CONFIGURE)
        assert manager.state() == 'inactive'
        assert manager.set('camera_transport', 'compressed') == (
            False,
            'camera_transport is read when the node is configured: '
            'deactivate it and clean it up first',
        )
        assert manager.change(Transition.TRANSITION_ACTIVATE)
        robot.turn_on('camera')
        wait_for(
            lambda: robot.last('mode') == 'STUDENT' and robot.got['action_scores'],
            printed=node.printed,
        )
        assert manager.change(Transition.TRANSITION_DEACTIVATE)
        wait_for(lambda: robot.last('mode_reason') == 'HOLD: the node is not active')
        wait_for(lambda: robot.last('action') == 'hold')  # another topic: it may come later
        assert manager.change(Transition.TRANSITION_CLEANUP)
        robot.forget()
    assert manager.state() == 'unconfigured'
    assert manager.set('camera_transport', 'braille') == (
        False,
        "expected the parameter camera_transport to be one of raw, compressed, got 'braille'",
    )
    successful, reason = manager.set('profile', 'air')
    assert not successful and 'profile' in reason
    assert 'Traceback' not in node.printed()


def test_every_parameter_has_a_description_and_numbers_have_a_range(robot, start):
    parameters = maintenance_node.parameters(load_profile())
    start('maintenance_node', autostart=False)
    descriptors = Manager(robot, 'maintenance_node').describe(
        *(parameter.name for parameter in parameters)
    )

    for parameter, descriptor in zip(parameters, descriptors, strict=True):
        assert descriptor.description == parameter.description
        assert descriptor.read_only == (parameter.name == 'profile')
        assert descriptor.additional_constraints == (
            parameter.expected if parameter.choices else ''
        )
        ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
        assert [(limits.from_value, limits.to_value) for limits in ranges] == (
            [] if parameter.min is None else [(parameter.min, parameter.max)]
        )


@pytest.mark.parametrize(
    ('profile', 'sensors'),
    [('air', ['air']), ('gripper', ['arm']), ('living_wall', ['touch', 'gas'])],
)
def test_each_sensor_of_the_profile_has_a_timeout(robot, start, profile, sensors):
    start('maintenance_node', autostart=False, profile=profile)
    names = [f'{sensor}_timeout_s' for sensor in ('camera', *sensors)]

    for descriptor in Manager(robot, 'maintenance_node').describe(*names):
        assert len(descriptor.floating_point_range) == 1, descriptor


@pytest.mark.parametrize(
    ('node', 'parameters', 'sentence'),
    [
        (
            'maintenance_node',
            {'camera_transport': 'foo'},
            "expected the parameter camera_transport to be one of raw, compressed, got 'foo'",
        ),
        (
            'maintenance_node',
            {'touch_timeout_s': 0.0},
            'expected the parameter touch_timeout_s to be a number with a decimal point '
            'from 0.01 to 60.0, got 0.0',
        ),
        (
            'maintenance_node',
            {'gas_timeout_s': 2},
            'a number with a decimal point from 0.01 to 60.0, got 2',
        ),
        (
            'maintenance_node',
            {'autostart': 'maybe'},
            "expected the parameter autostart to be true or false, got 'maybe'",
        ),
        (
            'maintenance_node',
            {'camera_timeout': 0.5},
            "expected the name of a parameter of maintenance_node, got 'camera_timeout'; "
            'there is: camera_timeout_s',
        ),
        (
            'maintenance_node',
            {'profile': 'aquarium'},
            'expected one of air, gripper, living_wall, living_wall_arm, or a .yaml file, got '
            "'aquarium'",
        ),
        (
            'maintenance_node',
            {'profile': 'air', 'gas_timeout_s': 2.0},
            "got 'gas_timeout_s'; there is: air_timeout_s",
        ),
        (
            'maintenance_node',
            {'engine': 'steam'},
            "expected the parameter engine to be one of auto, onnx, openvino, torch, got 'steam'",
        ),
        (
            'maintenance_node',
            {'models_dir': '/nonexistent'},
            'expected a weight file at /nonexistent/student.safetensors',
        ),
        (
            'maintenance_node',
            {'device': 'abacus'},
            "expected a torch device that works here, such as cpu, got 'abacus'",
        ),
        ('simulator_node', {'faults': 'nose:1-2'}, 'expected a sensor out of camera, touch, gas'),
        ('simulator_node', {'width': 3000}, 'expected a picture at most'),
        ('simulator_node', {'photos_dir': '/nonexistent'}, 'expected a folder with photographs'),
        ('simulator_node', {'camera_device': 63}, 'expected a camera at /dev/video63, found none'),
        (
            'simulator_node',
            {'camera_device': 0, 'photos_dir': '/tmp'},
            'expected photos_dir or camera_device, got both',
        ),
    ],
)
def test_what_cannot_be_done_ends_in_one_sentence_and_a_failure(start, node, parameters, sentence):
    process = start(node, **parameters)

    assert process.exit_code() == 1
    printed = process.printed()
    assert sentence in printed
    assert 'Traceback' not in printed
    assert len(re.findall(r'\[(?:ERROR|FATAL)\]', printed)) == 1


@pytest.mark.parametrize(
    'arguments', [('-p', 'threads'), ('--params-file', '/nonexistent.yaml'), ('--', '--seed', '3')]
)
def test_arguments_that_nobody_understands_end_in_a_sentence_too(start, arguments):
    process = start('maintenance_node', *arguments)

    assert process.exit_code() == 1
    assert 'Traceback' not in process.printed()
    assert '[FATAL]' in process.printed()


@pytest.mark.parametrize('number', END_SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_both_nodes_at_work_without_a_complaint(robot, start, models, number):
    processes = [
        start('maintenance_node', models_dir=models, min_confidence=0.0),
        start('simulator_node', width=64, height=48),
    ]
    wait_for(lambda: robot.last('mode') == 'TEACHER', printed=processes[0].printed)

    assert [process.end(number) for process in processes] == [0, 0]
    for process in processes:
        assert not re.search(r'WARN|ERROR|FATAL|Traceback|terminate|abort', process.printed()), (
            process.printed()
        )


def test_nodes_that_are_ended_leave_nothing_in_shared_memory(start):
    others = set(Path('/dev/shm').iterdir())
    processes = [start('maintenance_node'), start('simulator_node', width=64, height=48)]
    for process in processes:
        wait_for(lambda process=process: 'active' in process.printed(), printed=process.printed)
    files = set.union(*(process.shared_memory() for process in processes)) - others

    assert len(files) >= 2
    assert [process.end(signal.SIGINT) for process in processes] == [0, 0]
    assert not [file for file in files if file.exists()]


def test_a_node_that_is_destroyed_leaves_the_graph_at_once_whoever_still_knows_it(robot):
    rclpy.init()
    try:
        node = ManagedNode('mayfly', ['mayfly'], [])
        wait_for(lambda: 'mayfly' in robot.node.get_node_names())
        node.destroy_node()
        wait_for(lambda: 'mayfly' not in robot.node.get_node_names(), limit_s=5.0)
    finally:
        rclpy.shutdown()


def test_limits_change_while_the_node_works_and_a_senseless_one_is_refused(robot, start, models):
    node = start('maintenance_node', models_dir=models, min_confidence=0.0)
    manager = Manager(robot, 'maintenance_node')
    robot.turn_on('camera', 'touch', 'gas')
    wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)

    assert manager.set('min_confidence', 1.0) == (True, '')
    wait_for(
        lambda: robot.last('mode_reason').endswith('is under the limit 1.00'), printed=node.printed
    )
    wait_for(lambda: robot.last('action') == 'hold', printed=node.printed)
    successful, reason = manager.set('touch_timeout_s', 0.0)
    assert not successful
    assert 'touch_timeout_s' in reason
    assert manager.set('min_confidence', 0.0) == (True, '')
    wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)


def test_faults_are_injected_into_a_simulator_at_work_by_a_call_of_its_service(robot, start):
    node = start('simulator_node', width=64, height=48)
    manager = Manager(robot, 'simulator_node')
    wait_for(lambda: len(robot.got['tactile/image']) > 10, printed=node.printed)

    assert manager.set('faults', 'touch:0-100:dead') == (True, '')
    wait_for(lambda: not any(robot.got['tactile/image'][-1][1].data), printed=node.printed)
    assert manager.set('faults', '') == (True, '')
    wait_for(lambda: any(robot.got['tactile/image'][-1][1].data), printed=node.printed)
    successful, reason = manager.set('faults', 'touch:0-100:tired')
    assert not successful
    assert reason.startswith('expected a fault of touch out of silent, slow')


def test_faults_count_from_the_last_activation(robot, start):
    node = start('simulator_node', width=64, height=48)
    manager = Manager(robot, 'simulator_node')
    wait_for(lambda: len(robot.got['tactile/image']) > 10, printed=node.printed)
    assert manager.set('faults', 'touch:0-100:dead') == (True, '')
    assert manager.change(Transition.TRANSITION_DEACTIVATE)
    robot.forget()
    assert manager.change(Transition.TRANSITION_ACTIVATE)
    wait_for(lambda: len(robot.got['tactile/image']) > 10, printed=node.printed)

    # The first ones may have been under way.
    late = [message for _, message in robot.got['tactile/image']][-5:]
    assert not any(any(message.data) for message in late)


def test_a_node_under_load_can_be_stopped_and_started_again_and_again(robot, start, models):
    node = start('maintenance_node', models_dir=models, min_confidence=0.0)
    start('simulator_node', width=64, height=48, camera_hz=60.0, touch_hz=200.0)
    manager = Manager(robot, 'maintenance_node')
    for _ in range(5):
        wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)
        assert manager.change(Transition.TRANSITION_DEACTIVATE)
        wait_for(lambda: robot.last('mode_reason') == 'HOLD: the node is not active')
        assert manager.change(Transition.TRANSITION_ACTIVATE)
    wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)
    assert not re.search(r'ERROR|FATAL|Traceback', node.printed())


def test_a_node_that_is_ending_is_not_killed_by_being_asked_again(robot, start, models):
    node = start('maintenance_node', models_dir=models, min_confidence=0.0)
    robot.turn_on('camera', 'touch', 'gas')
    wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)

    node.send(signal.SIGINT)
    while node.alive():
        node.send(signal.SIGTERM)
        time.sleep(0.005)
    assert node.exit_code() == 0, node.printed()
