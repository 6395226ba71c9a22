# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a repair is done, as the maintenance node publishes it over DDS."""

import numpy as np
import pytest
from robot import Robot
from waiting import wait_for

from crossmodal_kd_ros.profile import load_profile

WALL = load_profile()
SEAL = WALL.actions.index('seal_crack')
# A rigid wall of 40 um roughness, 0.22 mm below the feet, with a level crack in its third row.
CRACK = np.concatenate([np.full(128, 40.0), np.full(128, 0.22)]).astype(np.float32)
CRACK[128 + 2 * 16 : 128 + 3 * 16] += 5.0


@pytest.fixture(scope='module')
def sealing(tmp_path_factory):
    """Return a folder with networks that always seal."""
    torch = pytest.importorskip('torch')
    from crossmodal_kd_ros.networks import Student, Teacher, save_weights

    folder = tmp_path_factory.mktemp('sealing')
    torch.manual_seed(0)
    for network in (Student, Teacher):
        made = network(WALL)
        last = [m for m in made.modules() if getattr(m, 'out_features', 0) == len(WALL.actions)]
        for layer in last:
            torch.nn.init.zeros_(layer.weight)
            layer.bias.data[:] = torch.eye(len(WALL.actions))[SEAL] * 9.0
        save_weights(made, folder / f'{network.kind}.safetensors', card={'seed': '0'})
    return folder


@pytest.fixture
def robot():
    """Return a robot whose array stands on a crack; its sensors are off."""
    robot = Robot(readings={'touch': CRACK})
    yield robot
    robot.close()


def stamps(robot, topic: str) -> list[tuple[int, int]]:
    got = list(robot.got[topic])
    return [(m.header.stamp.sec, m.header.stamp.nanosec) for _, m in got]


def test_a_crack_that_is_felt_is_sealed_along_its_line_with_the_header_of_the_picture(
    robot, start, sealing
):
    robot.turn_on(*WALL.sensors)
    node = start('maintenance_node', models_dir=sealing)
    wait_for(
        lambda: robot.last('mode') == 'TEACHER' and len(robot.got['repair_command']) > 5,
        printed=node.printed,
    )
    known = len(robot.got['repair_command'])
    wait_for(lambda: len(robot.got['repair_command']) > known + 5, printed=node.printed)

    commanded = set(stamps(robot, 'repair_command'))
    command, path = robot.got['repair_command'][-1][1], robot.got['repair_path'][-1][1]
    values = dict(zip(command.name, command.position))
    assert values['action'] == SEAL and values['request_human'] == 0.0
    assert values['contact_pressure_kpa'] > 4.0
    assert abs(values['approach_pitch_deg']) < 1.0 and abs(values['approach_yaw_deg']) < 1.0
    # The middle of the third of eight rows, 16 mm over 24: 29 mm of 64 from above.
    y_m = [pose.position.y for pose in path.poses]
    np.testing.assert_allclose(y_m, (29.0 - 32.0) / 1e3, atol=3e-4)
    x_m = [pose.position.x for pose in path.poses]
    np.testing.assert_allclose((min(x_m), max(x_m)), (-0.015, 0.015), atol=1e-6)
    assert path.header.frame_id == command.header.frame_id == 'front_camera'
    assert commanded <= set(stamps(robot, 'action_scores'))
    assert 'seal_crack: ' in robot.last('repair_reason')


def test_an_estimate_that_nobody_measured_asks_for_a_person_and_a_hold_is_silent(
    robot, start, sealing
):
    robot.turn_on('camera', 'gas')
    node = start('maintenance_node', models_dir=sealing)
    wait_for(lambda: robot.got['repair_command'], printed=node.printed)
    values = dict(
        zip(robot.got['repair_command'][-1][1].name, robot.got['repair_command'][-1][1].position)
    )
    assert values['request_human'] == 1.0 and values['contact_pressure_kpa'] == 0.0
    assert robot.got['repair_path'][-1][1].poses == []
    assert 'a person has to look' in robot.last('repair_reason')

    robot.turn_on('gas')
    wait_for(lambda: robot.last('mode') == 'HOLD', printed=node.printed)
    robot.forget()
    wait_for(lambda: len(robot.got['action']) >= 5)
    assert robot.got['repair_command'] == [] and robot.got['repair_reason'] == []
