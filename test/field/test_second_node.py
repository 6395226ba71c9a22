# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node was started twice, or a driver: who acts on the topic gets two opinions."""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from robot import Robot  # noqa: E402
from waiting import wait_for  # noqa: E402

from crossmodal_kd_ros.doctor.finding import Level  # noqa: E402
from crossmodal_kd_ros.doctor.node import examine  # noqa: E402
from crossmodal_kd_ros.nodes import conversions  # noqa: E402
from crossmodal_kd_ros.nodes.qos import qos_profile  # noqa: E402

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def robot():
    """Return a robot whose sensors are off."""
    robot = Robot()
    yield robot
    robot.close()


def finding_of(subject: str):
    """Return what the doctor finds of a subject; `None` if nothing."""
    return next((each for each in examine(())[0] if each.subject == subject), None)


def test_a_node_that_was_started_twice_is_named_by_both_and_by_the_doctor_until_one_is_ended(
    robot, start, models
):
    nodes = [
        start('maintenance_node', models_dir=models),
        start('maintenance_node', '-r', '__node:=decider', models_dir=models),
    ]
    for name, other in (('maintenance_node', 'decider'), ('decider', 'maintenance_node')):
        wait_for(
            lambda name=name, other=other: (
                robot.status(f'/{name}: mode')[1].get('other_nodes') == f'/{other}'
            ),
            printed=nodes[0].printed,
        )
    assert '/decider publishes actions too' in robot.status('/maintenance_node: mode')[0]
    wait_for(lambda: '/decider publishes maintenance/action too' in nodes[0].printed())

    doctor = finding_of('nodes')
    assert doctor.level is Level.PROBLEM
    assert doctor.result == (
        '2 nodes decide on /maintenance/action: /decider and /maintenance_node'
    )

    assert nodes[1].end() == 0
    robot.forget()
    wait_for(lambda: robot.status('/maintenance_node: mode')[1].get('other_nodes') == '')
    alone = finding_of('nodes')
    assert alone.level is Level.OK and alone.result == '/maintenance_node runs'


def test_two_nodes_of_one_name_are_two_even_before_they_are_configured(robot, start):
    nodes = [start('maintenance_node', autostart=False) for _ in range(2)]
    for node in nodes:
        wait_for(lambda node=node: 'waiting to be configured' in node.printed())
    wait_for(lambda: robot.node.get_node_names().count('maintenance_node') == 2)
    doctor = finding_of('nodes')

    assert doctor.level is Level.PROBLEM
    assert doctor.result.endswith('/maintenance_node and /maintenance_node')
    assert nodes[1].end() == 0
    assert finding_of('nodes').level is Level.OK


def test_a_camera_driver_that_was_started_twice_is_named_by_the_doctor(robot):
    robot.turn_on('camera')
    picture = conversions.image_message(robot.header(), np.zeros((48, 64, 3), np.uint8))
    second = robot.node.create_publisher(type(picture), 'camera/image_raw', qos_profile('sensor'))
    camera = finding_of('camera')
    assert camera.level is Level.WARNING
    assert camera.result == '/camera/image_raw has 2 publishers: /robot and /robot'

    robot.node.destroy_publisher(second)
    assert finding_of('camera').level is Level.OK
