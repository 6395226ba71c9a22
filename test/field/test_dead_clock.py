# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Nodes were told to take the time from /clock: it never came, went away, stood still, crept."""

import re
import time

import pytest

pytest.importorskip('rclpy')

from robot import NodeProcess  # noqa: E402
from simulated_time import START_S, SimulatedTime  # noqa: E402
from waiting import wait_for  # noqa: E402

from crossmodal_kd_ros.doctor import topics as doctor_topics  # noqa: E402
from crossmodal_kd_ros.doctor.finding import Level  # noqa: E402
from crossmodal_kd_ros.doctor.node import examine  # noqa: E402

pytestmark = pytest.mark.timeout(240)
UNDER_CLOCK = ('-p', 'use_sim_time:=true')
NOBODY = 'use_sim_time is true and nobody publishes /clock'


@pytest.fixture
def absent():
    """Return a time that nobody publishes."""
    simulated = SimulatedTime(is_there=False)
    yield simulated
    simulated.close()


@pytest.fixture(scope='module')
def running():
    """Return a time that goes on."""
    simulated = SimulatedTime()
    yield simulated
    simulated.close()


@pytest.fixture(scope='module')
def node(running, models, tmp_path_factory):
    """Return a node under that time, in TEACHER mode; each test leaves it so."""
    node = NodeProcess(
        'maintenance_node',
        output=tmp_path_factory.mktemp('node') / 'log',
        models_dir=models,
        min_confidence=0.0,
        use_sim_time=True,
    )
    try:
        wait_for(lambda: running.robot.last('mode') == 'TEACHER', printed=node.printed)
        yield node
    finally:
        node.end()


def reasons(simulated: SimulatedTime) -> list[str]:
    """Return what was said of the mode so far."""
    return [message.data for _, message in simulated.robot.got['mode_reason']]


def test_a_robot_without_a_clock_holds_from_the_start_says_why_and_goes_on_when_one_comes(
    absent, start, models
):
    robot = absent.robot
    node = start('maintenance_node', models_dir=models, min_confidence=0.0, use_sim_time=True)
    wait_for(lambda: len(robot.got['action']) > 20, printed=node.printed)
    wait_for(lambda: len(robot.got['diagnostics']) > 1, printed=node.printed)
    wait_for(lambda: re.search(rf'WARN.*{NOBODY}', node.printed()), printed=node.printed)

    assert {message.data for _, message in robot.got['action']} == {'hold'}
    assert reasons(absent) == [f'HOLD: {NOBODY}']
    assert robot.status(': mode')[0] == f'HOLD: {NOBODY}'

    absent.appear()
    wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)


def test_the_simulated_sensors_wait_for_the_clock_and_keep_to_it(absent, start):
    robot = absent.robot
    node = start('simulator_node', width=64, height=48, use_sim_time=True)
    wait_for(lambda: re.search(rf'WARN.*{NOBODY}', node.printed()), printed=node.printed)
    assert robot.got['tactile/image'] == []

    absent.appear()
    robot.turn_on()
    wait_for(lambda: len(robot.got['tactile/image']) > 20, printed=node.printed)
    absent.speed = 0.2
    time.sleep(1.0)
    robot.forget()
    wait_for(lambda: len(robot.got['tactile/image']) > 20, printed=node.printed)
    (first_s, first), (last_s, last) = (robot.got['tactile/image'][index] for index in (0, 20))
    stamps_s = [one.header.stamp.sec + one.header.stamp.nanosec / 1e9 for one in (first, last)]
    assert START_S < stamps_s[0] < START_S + 60.0
    # twenty periods of 10 ms by the clock, at a fifth of real time
    assert stamps_s[1] - stamps_s[0] == pytest.approx(0.2, abs=0.05)
    assert last_s - first_s > 0.5


def test_the_node_beside_gazebo_says_that_nobody_publishes_the_clock(absent, start):
    node = start('gazebo_senses_node', use_sim_time=True)
    wait_for(lambda: re.search(rf'WARN.*{NOBODY}', node.printed()), printed=node.printed)


def test_the_doctor_finds_the_missing_clock_and_blames_nothing_else_on_time(absent, monkeypatch):
    monkeypatch.setattr(doctor_topics, 'MIN_LISTEN_S', 3.0)
    absent.robot.turn_on('camera', 'touch', 'gas')
    findings, _ = examine(UNDER_CLOCK)
    clock = next(finding for finding in findings if finding.subject == 'clock')

    assert clock.level is Level.PROBLEM and clock.result == f'{NOBODY}: the robot holds'
    assert not any('NTP' in finding.remedy for finding in findings)
    assert 'use_sim_time: false in the parameter file' in clock.remedy

    absent.appear()
    healthy = {finding.subject: finding for finding in examine(UNDER_CLOCK)[0]}
    assert {name: found.level for name, found in healthy.items()} == dict.fromkeys(
        ('clock', 'nodes', 'camera', 'touch', 'gas'), Level.OK
    )


# From here on there is a clock, until the last test is done.


def test_a_simulation_that_dies_leaves_the_robot_holding_and_one_that_comes_back_lets_it_go_on(
    running, node
):
    before = len(reasons(running))
    running.disappear()
    gone_s = time.monotonic()
    wait_for(lambda: reasons(running)[before:], printed=node.printed)

    assert time.monotonic() - gone_s > 1.0
    assert reasons(running)[before:] == [f'HOLD: {NOBODY}']
    running.robot.forget()
    wait_for(lambda: len(running.robot.got['action']) > 5, printed=node.printed)
    assert {message.data for _, message in running.robot.got['action']} == {'hold'}

    running.appear()
    wait_for(lambda: len(reasons(running)) > before + 1, printed=node.printed)
    wait_for(lambda: running.robot.last('mode') == 'TEACHER', printed=node.printed)


def test_a_simulation_that_pauses_holds_the_robot_and_no_sensor_is_blamed_for_it(running, node):
    before = len(reasons(running))
    running.pause()
    wait_for(lambda: reasons(running)[before:], printed=node.printed)
    running.run()
    wait_for(lambda: reasons(running)[before + 1 :], printed=node.printed)
    wait_for(lambda: running.robot.last('mode') == 'TEACHER', printed=node.printed)

    held, *after = reasons(running)[before:]
    assert re.fullmatch(
        r'HOLD: the time on /clock has stood still at \d+\.\d\d s for \d+\.\d s', held
    )
    assert after == ['TEACHER: camera, touch and gas are healthy']


def test_a_simulation_at_a_tenth_of_real_time_is_taken_for_no_dead_one(running, node):
    before = len(reasons(running))
    running.speed, running.tick_s = 0.1, 1.0
    time.sleep(5.0)
    said = reasons(running)[before:]
    running.speed, running.tick_s = 1.0, 0.01

    assert said == [], node.printed()
    assert node.alive()
