# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who decides."""

import pytest

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.health.sensor import Health
from crossmodal_kd_ros.profile import Mode, load_profile
from crossmodal_kd_ros.runtime.arbiter import ModeArbiter
from crossmodal_kd_ros.runtime.engine import best_mode

SECOND = 1_000_000_000
PROFILE = load_profile()
SENSORS = ('camera', 'touch', 'gas')


def why(text: str) -> tuple[Reason, ...]:
    return (Reason(ReasonCode.MALFORMED, text=text),)


def healths(now_s: float, *lost: str) -> dict[str, Health]:
    """Return healths in which every sensor but `lost` has a fresh reading."""
    return {
        sensor: Health(
            healthy=sensor not in lost,
            reasons=why(f'{sensor} says why') if sensor in lost else (),
            stamp_ns=round(now_s * SECOND),
        )
        for sensor in SENSORS
    }


def without_evidence(usable: tuple[str, ...]) -> Mode:
    return best_mode(None, PROFILE, usable)


def with_evidence(usable: tuple[str, ...]) -> Mode:
    """Return who decides where touch and gas were measured to do without the camera."""
    return Mode.PARTIAL if usable == ('touch', 'gas') else without_evidence(usable)


class Robot:
    """An arbiter with a clock in seconds."""

    def __init__(self, recovery_s: float = 0.5, choose=without_evidence) -> None:
        self.arbiter = ModeArbiter(SENSORS, choose, recovery_s=recovery_s)

    def at(self, now_s: float, *lost: str):
        return self.arbiter.decide(healths(now_s, *lost), round(now_s * SECOND))

    def without_picture(self, now_s: float, *lost: str):
        silent = Health(healthy=False, reasons=why('camera is silent'), stamp_ns=0, arriving=False)
        return self.arbiter.decide(
            healths(now_s, *lost) | {'camera': silent}, round(now_s * SECOND)
        )


@pytest.mark.parametrize(
    ('lost', 'mode'),
    [
        ((), Mode.TEACHER),
        (('touch',), Mode.STUDENT),
        (('gas',), Mode.STUDENT),
        (('touch', 'gas'), Mode.STUDENT),
        (('camera',), Mode.HOLD),
        (('camera', 'touch'), Mode.HOLD),
        (('camera', 'touch', 'gas'), Mode.HOLD),
    ],
)
def test_the_mode_follows_from_the_sensors_that_are_lost(lost, mode):
    assert Robot().at(0.0, *lost).mode is mode


def test_the_reason_is_that_of_every_lost_sensor():
    decision = Robot().at(0.0, 'touch', 'gas')

    assert decision.reason == 'touch says why; gas says why'
    assert decision.lost == ('touch', 'gas')
    assert decision.usable == ('camera',)


def test_a_sensor_that_has_not_failed_yet_counts_from_its_first_reading_on():
    robot = Robot()
    robot.at(0.0, 'gas')

    assert robot.at(0.1).mode is Mode.TEACHER


def test_a_sensor_that_failed_is_dropped_at_once_and_comes_back_late():
    robot = Robot()
    robot.at(0.0)
    assert robot.at(1.0, 'touch').mode is Mode.STUDENT

    waiting = robot.at(2.0)
    assert waiting.mode is Mode.STUDENT
    assert waiting.reason == 'touch is back for 0.00 s (counts after 0.50 s and two readings)'
    assert robot.at(2.49).mode is Mode.STUDENT
    assert robot.at(2.5).mode is Mode.TEACHER


def test_a_sensor_that_fails_again_while_it_comes_back_starts_over():
    robot = Robot()
    robot.at(0.0)
    robot.at(1.0, 'touch')
    robot.at(2.0)
    robot.at(2.4, 'touch')
    robot.at(2.5)

    assert robot.at(2.9).mode is Mode.STUDENT
    assert robot.at(3.0).mode is Mode.TEACHER


def test_one_reading_of_a_slow_sensor_proves_nothing_however_long_it_stays_fresh():
    robot = Robot()
    robot.at(0.0)
    robot.at(1.0, 'gas')
    same = healths(2.0)

    robot.arbiter.decide(same, 2 * SECOND)

    assert robot.arbiter.decide(same, 3 * SECOND).mode is Mode.STUDENT
    assert robot.at(3.0).mode is Mode.TEACHER


def test_a_clock_that_was_set_back_does_not_keep_a_sensor_out():
    robot = Robot()
    robot.at(0.0)
    robot.at(100.0, 'touch')
    robot.at(100.1)
    robot.at(5.0)

    assert robot.at(5.5).mode is Mode.TEACHER


def test_from_the_third_failure_on_each_doubles_the_proof_that_a_sensor_owes():
    robot, now_s, waits = Robot(), 0.0, []
    robot.at(now_s)
    for _ in range(5):
        now_s += 1.0
        robot.at(now_s, 'touch')
        back_s = now_s = now_s + 0.1
        while robot.at(now_s).mode is not Mode.TEACHER:
            now_s += 0.05
        waits.append(round(now_s - back_s, 2))

    assert waits == pytest.approx([0.5, 0.5, 1.0, 2.0, 4.0], abs=0.051)


def test_a_sensor_that_comes_and_goes_does_not_make_the_mode_come_and_go():
    robot, modes = Robot(), []
    for tick in range(3000):  # touch is silent for half a second of every two, for five minutes
        now_s = tick / 10.0
        modes.append(
            robot.at(now_s, *(['touch'] if now_s % 2.0 < 0.5 and now_s > 5.0 else [])).mode
        )

    assert sum(a is not b for a, b in zip(modes, modes[1:])) <= 7
    assert modes[-1] is Mode.STUDENT


def test_failures_far_apart_are_forgiven():
    robot = Robot()
    robot.at(0.0)
    for now_s in (10.0, 110.0, 210.0, 310.0):
        robot.at(now_s, 'touch')
        robot.at(now_s + 0.1)
        assert robot.at(now_s + 0.6).mode is Mode.TEACHER


@pytest.mark.parametrize(
    ('lost', 'mode'), [((), Mode.TEACHER), (('touch',), Mode.PARTIAL), (('gas',), Mode.STUDENT)]
)
def test_who_decides_with_which_sensors_follows_the_evidence(lost, mode):
    evidence = {
        ('camera', 'touch', 'gas'): Mode.TEACHER,
        ('camera', 'gas'): Mode.PARTIAL,
        ('camera', 'touch'): Mode.STUDENT,
    }

    assert ModeArbiter(SENSORS, evidence.get).decide(healths(0.0, *lost), 0).mode is mode


def test_where_the_camera_falls_silent_nobody_decides_at_once_and_the_camera_alone_is_the_cause():
    robot = Robot(choose=with_evidence)
    robot.at(0.0)
    decision = robot.without_picture(0.1, 'touch')

    assert (decision.mode, decision.reason, decision.lost) == (
        Mode.HOLD,
        'camera is silent',
        ('camera',),
    )


def test_pictures_that_are_worth_nothing_are_answered_by_touch_and_gas_not_by_one_alone():
    robot = Robot(choose=with_evidence)
    assert robot.at(0.0, 'camera').mode is Mode.PARTIAL
    decision = robot.at(0.1, 'camera', 'gas')

    assert (decision.mode, decision.lost) == (Mode.HOLD, ('camera', 'gas'))
    assert decision.reason == 'camera says why; gas says why'


def test_a_sense_that_needs_the_picture_does_not_count_while_the_camera_proves_itself():
    robot = Robot(choose=with_evidence)
    robot.at(0.0)
    assert robot.at(0.1, 'camera').usable == ('touch', 'gas')
    needs = {'gas': why('gas needs the picture')[0]}
    proving, proven = (
        robot.arbiter.decide(healths(now_s), round(now_s * SECOND), needs) for now_s in (0.2, 0.8)
    )

    assert (proving.mode, proving.lost) == (Mode.HOLD, ('camera', 'gas'))
    assert proving.reason.endswith('; gas needs the picture')
    assert proven.usable == ('camera', 'touch')
    assert robot.arbiter.decide(healths(1.4), round(1.4 * SECOND), needs).mode is Mode.TEACHER


def test_a_camera_that_comes_and_goes_is_done_without_and_the_mode_stays():
    robot, modes = Robot(choose=with_evidence), []
    robot.at(0.0)
    for tick in range(1, 1200):  # silent for half a second of every two, for two minutes
        now_s = tick / 10.0
        modes.append((robot.without_picture if now_s % 2.0 < 0.5 else robot.at)(now_s).mode)

    assert modes[0] is Mode.HOLD and modes[-1] is Mode.PARTIAL
    assert sum(a is not b for a, b in zip(modes, modes[1:])) <= 12


def test_a_camera_that_was_done_without_and_then_dies_makes_the_robot_hold():
    robot = Robot(choose=with_evidence)
    robot.at(0.0, 'camera')

    assert [robot.without_picture(now_s).mode for now_s in (0.5, 2.9, 3.1)] == [
        Mode.PARTIAL,
        Mode.PARTIAL,
        Mode.HOLD,
    ]


def test_a_sensor_that_has_come_back_from_two_silences_may_fall_silent_for_three_seconds():
    robot = Robot()

    def late(now_s: float, late_s: float):
        touch = Health(
            healthy=False,
            reasons=why(f'touch is {late_s:.1f} s old'),
            stamp_ns=0,
            arriving=False,
            late_s=late_s,
        )
        return robot.arbiter.decide(healths(now_s) | {'touch': touch}, round(now_s * SECOND))

    robot.at(0.0)
    assert late(1.0, 0.3).mode is late(2.0, 1.3).mode is Mode.STUDENT
    robot.at(2.5)
    robot.at(3.0)
    assert late(4.0, 0.3).mode is Mode.STUDENT  # once is no habit
    robot.at(4.5)
    robot.at(5.0)
    decision = late(6.0, 1.0)
    assert (decision.mode, decision.reason, decision.usable) == (
        Mode.TEACHER,
        'touch is 1.0 s old',
        SENSORS,
    )
    assert late(8.0, 3.0).mode is Mode.TEACHER
    assert late(8.1, 3.1).mode is Mode.STUDENT


def test_a_gas_module_that_sends_just_too_seldom_counts_once_that_is_known():
    robot, modes = Robot(), []
    for tick in range(400):  # a reading every 1.5 s, fresh for 1.25 s of them, for 20 s
        now_s = tick / 20.0
        read_s = now_s // 1.5 * 1.5
        late_s = now_s - read_s
        gas = Health(
            healthy=late_s < 1.25,
            reasons=() if late_s < 1.25 else why('gas is late'),
            stamp_ns=round(read_s * SECOND),
            arriving=True,
            late_s=None if late_s < 1.25 else late_s,
        )
        modes.append(
            robot.arbiter.decide(healths(now_s) | {'gas': gas}, round(now_s * SECOND)).mode
        )

    assert modes[25] is Mode.STUDENT  # the first silence is one like any other
    assert set(modes[100:]) == {Mode.TEACHER}


def test_a_sensor_that_has_not_stuttered_for_half_a_minute_is_dropped_at_its_timeout_again():
    robot = Robot()
    robot.at(0.0)
    robot.at(1.0, 'touch')
    for tick in range(400):
        robot.at(1.1 + tick / 10.0)
    touch = Health(
        healthy=False, reasons=why('touch is late'), stamp_ns=0, arriving=False, late_s=0.3
    )

    assert (
        robot.arbiter.decide(healths(41.2) | {'touch': touch}, round(41.2 * SECOND)).mode
        is Mode.STUDENT
    )


@pytest.mark.parametrize(
    ('lost', 'mode'),
    [
        ((), Mode.TEACHER),
        (('nose',), Mode.PARTIAL),
        (('arm', 'nose'), Mode.STUDENT),
        (('arm', 'nose', 'skin'), Mode.STUDENT),
        (('camera',), Mode.PARTIAL),
        (('camera', 'skin'), Mode.HOLD),
    ],
)
def test_who_decides_of_three_senses_follows_the_set_of_those_that_count(lost, mode):
    sensors = ('camera', 'arm', 'nose', 'skin')
    evidence = {
        sensors: Mode.TEACHER,
        ('camera', 'arm', 'skin'): Mode.PARTIAL,
        ('arm', 'nose', 'skin'): Mode.PARTIAL,
        ('arm', 'nose'): Mode.HOLD,
        ('camera', 'skin'): Mode.STUDENT,
        ('camera',): Mode.STUDENT,
    }
    arbiter = ModeArbiter(sensors, evidence.get)
    decision = arbiter.decide(
        {
            sensor: Health(
                healthy=sensor not in lost,
                reasons=why(f'{sensor} says why') if sensor in lost else (),
                stamp_ns=0,
            )
            for sensor in sensors
        },
        0,
    )

    assert (decision.mode, decision.lost) == (mode, lost)
    expected = [f'{sensor} says why' for sensor in lost]
    assert decision.reason == '; '.join(expected or ['camera, arm, nose and skin are healthy'])


def test_decisions_are_numbered_and_know_how_often_everything_was_forgotten():
    robot = Robot()
    first, second = robot.at(0.0), robot.at(1.0)
    robot.arbiter.reset()
    third = robot.at(0.5)

    assert [one.epoch for one in (first, second, third)] == [0, 0, 1]
    assert first.number < second.number < third.number
