# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node under the time of a simulation or a recording, which stands still and starts again."""

import time

import pytest
from robot import Robot
from simulated_time import START_S, SimulatedTime
from waiting import wait_for


@pytest.fixture
def simulated():
    """Return a simulated time that runs."""
    simulated = SimulatedTime()
    yield simulated
    simulated.close()


@pytest.fixture
def node(simulated, start, models):
    """Return a node under that time, in TEACHER mode."""
    node = start('maintenance_node', models_dir=models, min_confidence=0.0, use_sim_time=True)
    wait_for(lambda: simulated.robot.last('mode') == 'TEACHER', printed=node.printed)
    return node


def test_a_short_pause_is_no_dropout(simulated, node):
    modes = len(simulated.robot.got['mode_reason'])
    simulated.pause()
    time.sleep(1.5)  # the longest timeout is 1.25 s
    simulated.run()
    simulated.robot.forget()
    wait_for(lambda: len(simulated.robot.got['action_scores']) > 30, printed=node.printed)

    assert simulated.robot.got['mode_reason'][modes:] == []


def test_a_time_that_starts_over_is_told_and_the_teacher_decides_again(simulated, node):
    robot = simulated.robot
    before = len(robot.got['mode_reason'])
    wait_for(lambda: robot.node.get_clock().now().nanoseconds > (START_S + 2.0) * 1e9)
    simulated.start_over()
    wait_for(
        lambda: any('the clock was set back by' in said for said in reasons(robot, before)),
        printed=node.printed,
    )
    wait_for(lambda: reasons(robot, before)[-1].startswith('TEACHER: '), printed=node.printed)
    robot.forget()
    wait_for(lambda: robot.status(': mode')[1].get('clock_jumps') == '1', printed=node.printed)

    assert not any(word in node.printed() for word in ('ERROR', 'FATAL', 'Traceback'))


def reasons(robot: Robot, since: int) -> list[str]:
    """Return what was said of the mode since there were so many messages of it."""
    return [message.data for _, message in robot.got['mode_reason'][since:]]
