# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known of one sensor."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode, say
from crossmodal_kd_ros.health.sensor import SensorHealth, sensors_of
from crossmodal_kd_ros.health.verdict import HEALTHY
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime.config import RuntimeConfig

SECOND = 1_000_000_000
VALUE = np.zeros(8, np.float32)


class Content:
    """Finds nothing wrong with any reading."""

    verdict = HEALTHY

    def reset(self) -> None:
        pass

    def refuse(self, value):
        return None

    def take(self, stamp_ns, value):
        return value


def sensor(name: str) -> SensorHealth:
    """Return a sensor of the living wall that has said nothing yet."""
    profile = load_profile()
    return sensors_of(profile, RuntimeConfig.of(profile).timeouts_s)[name]


@pytest.fixture
def gas() -> SensorHealth:
    return sensor('gas')


@pytest.fixture
def camera() -> SensorHealth:
    return sensor('camera')


def reason(sensor: SensorHealth, now_ns: int, accusation: Reason | None = None) -> str:
    """Return why a sensor is not healthy, in words."""
    return say(*sensor.health(now_ns, accusation).reasons)


def remark(sensor: SensorHealth, now_ns: int) -> str:
    return say(*sensor.report(now_ns).remarks)


def test_a_sensor_that_never_spoke_is_not_healthy_and_says_so(gas):
    assert not gas.health(5 * SECOND).healthy
    assert reason(gas, 5 * SECOND) == 'no gas reading yet'


def test_a_reading_counts_up_to_its_timeout_and_not_longer(gas):
    gas.accept(10 * SECOND, VALUE)

    assert gas.health(10 * SECOND + 1_250_000_000).healthy
    assert not gas.health(10 * SECOND + 1_260_000_000).healthy
    assert (
        reason(gas, 10 * SECOND + 1_260_000_000)
        == 'newest gas reading is 1.26 s old (limit 1.25 s)'
    )


def test_a_healthy_sensor_is_reported_with_the_age_of_its_newest_reading(gas):
    gas.accept(10 * SECOND, VALUE)
    report = gas.report(11 * SECOND)

    assert report.healthy and say(*report.reasons) == 'newest gas reading is 1.00 s old'


def test_a_reading_from_the_future_does_not_keep_a_dead_sensor_alive(gas):
    gas.accept(20 * SECOND, VALUE)

    assert not gas.health(10 * SECOND).healthy
    assert '10.00 s ahead of this clock' in reason(gas, 10 * SECOND)


def test_a_rejected_message_is_counted_and_named_and_changes_nothing_else(gas):
    gas.accept(10 * SECOND, VALUE)
    gas.reject('expected 8 values of gas, got 7')

    assert gas.health(10 * SECOND).healthy
    assert reason(gas, 12 * SECOND).endswith(
        '; 1 rejected, the last: expected 8 values of gas, got 7'
    )
    report = gas.report(12 * SECOND)
    assert (report.received, report.rejected, say(report.last_rejection)) == (
        1,
        1,
        'expected 8 values of gas, got 7',
    )


def test_the_rate_is_that_of_the_last_seconds(gas):
    for stamp in range(10, 20):
        gas.accept(stamp * SECOND // 2, VALUE)

    assert gas.rate_hz(10 * SECOND) == pytest.approx(2.0)
    assert gas.rate_hz(30 * SECOND) == 0.0


def test_a_sensor_under_half_of_the_rate_that_it_had_is_worth_a_look(gas):
    for tick in range(12):
        gas.accept(10 * SECOND + tick * SECOND // 2, VALUE + tick)
    assert remark(gas, 16 * SECOND) == ''
    for tick in range(1, 7):
        now_ns = 16 * SECOND + tick * 6 * SECOND // 5
        gas.accept(now_ns, VALUE + tick)

    assert remark(gas, now_ns) == '0.8 Hz, where it used to have 2.0 Hz'


def test_a_sensor_under_half_of_its_profiles_rate_from_the_start_is_worth_a_look(gas):
    remarks = []
    for tick in range(12):  # a period of 1.2 s, where 0.5 s are expected
        now_ns = 10 * SECOND + tick * 6 * SECOND // 5
        gas.accept(now_ns, VALUE + tick)
        remarks.append(remark(gas, now_ns))

    # Not before the rate has been measured over its whole window.
    assert remarks[:5] == [''] * 5
    assert set(remarks[5:]) == {'0.8 Hz, where 2.0 Hz are expected'}


def test_stamps_that_stand_still_fill_no_memory_and_are_no_rate(camera):
    pictures = np.random.default_rng(0).integers(0, 255, (2, 96, 96, 3), np.uint8)
    tracemalloc.start()
    for index in range(1000):
        assert camera.announce(10 * SECOND, 10 * SECOND)
        camera.examine(10 * SECOND, pictures[index % 2])
    grown_bytes = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    for tick in range(1, 41):
        now_ns = 10 * SECOND + tick * SECOND // 30
        assert camera.announce(now_ns, now_ns)
        camera.examine(now_ns, pictures[tick % 2])

    assert grown_bytes < 500_000
    assert camera.rate_hz(now_ns) == pytest.approx(30.0) and remark(camera, now_ns) == ''


def test_messages_at_one_time_of_a_coarse_clock_all_count_as_arrived(gas):
    for tick in range(10):
        for part in range(2):
            gas.accept(10 * SECOND + tick * SECOND + part, VALUE, 10 * SECOND + tick * SECOND)

    assert gas.report(19 * SECOND).arrival_rate_hz == pytest.approx(11 / 5)


def test_a_reading_that_was_overtaken_is_refused_and_the_newer_one_goes_on_counting(gas):
    gas.accept(10 * SECOND, VALUE)
    gas.accept(9 * SECOND, VALUE + 1.0)

    read_ns, value, _ = gas.reading_at(10 * SECOND)
    assert (read_ns, value[0]) == (10 * SECOND, 0.0)
    assert (
        say(gas.report(10 * SECOND).last_rejection)
        == 'stamped 1.00 s before a reading that came earlier'
    )
    assert gas.health(10 * SECOND).healthy


def test_a_clock_that_was_set_back_does_not_stop_the_sensor_for_good(gas):
    gas.accept(100 * SECOND, VALUE)
    for later in range(5):
        gas.accept(3 * SECOND + later * SECOND // 2, VALUE + later)

    assert gas.health(5 * SECOND).healthy


@pytest.mark.parametrize(('name', 'readings'), [('camera', 10), ('touch', 20), ('gas', 5)])
def test_how_many_readings_tell_that_a_clock_was_set_follows_from_the_period(name, readings):
    one = sensor(name)
    one.announce(100 * SECOND)
    accepted = [one.announce(3 * SECOND + later) for later in range(readings)]

    assert accepted == [False] * (readings - 1) + [True]


def test_a_reading_from_the_future_is_refused_where_the_time_of_its_arrival_is_known(gas):
    gas.accept(10 * SECOND, VALUE, 10 * SECOND)
    gas.accept(20 * SECOND, VALUE + 1.0, 10 * SECOND)

    assert gas.health(10 * SECOND).healthy
    assert (
        say(gas.report(10 * SECOND).last_rejection)
        == 'stamped 10.00 s ahead of this clock (limit 1.25 s)'
    )
    assert 'ahead of this clock' in reason(gas, 12 * SECOND)


def test_an_announced_picture_counts_only_once_one_could_be_decoded(camera):
    camera.announce(SECOND)
    assert not camera.health(SECOND).healthy
    camera.examine(SECOND, np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8))
    assert camera.health(SECOND).healthy
    camera.deny('not a picture')
    camera.announce(2 * SECOND)
    assert (
        reason(camera, 2 * SECOND)
        == 'no camera reading could be decoded; 1 rejected, the last: not a picture'
    )


def test_a_clock_that_is_ahead_by_the_same_again_and_again_is_allowed_for_and_told(gas):
    for later in range(8):
        now_ns = 10 * SECOND + later * SECOND // 2
        gas.accept(now_ns + 60 * SECOND + later, VALUE + later, now_ns)

    assert gas.report(now_ns).rejected == 4 and gas.health(now_ns).healthy
    assert remark(gas, now_ns) == 'its clock is 60.00 s ahead of this one, which is allowed for'
    assert reason(gas, now_ns + 2 * SECOND).startswith('newest gas reading is 2.00 s old')
    gas.accept(now_ns + SECOND, VALUE, now_ns + SECOND)
    assert remark(gas, now_ns + SECOND) == ''


@pytest.mark.parametrize(
    'lead_s',
    [lambda time_s: 5.0 if time_s < 2.0 else 4.85, lambda time_s: 5.0 + 0.02 * time_s],
    ids=['set back a little', 'drifting'],
)
def test_a_lead_that_changes_a_little_does_not_stop_the_sensor_for_good(lead_s):
    arm, healthy = SensorHealth('arm', Content(), period_s=0.005, timeout_s=0.2), []
    for tick in range(4000):
        now_ns = 10 * SECOND + tick * SECOND // 200
        arm.accept(now_ns + round(lead_s(tick / 200) * SECOND), VALUE, now_ns)
        healthy.append(arm.health(now_ns).healthy)

    # Lost are 20 readings until the lead is known, and about as many where it is another.
    assert np.mean(healthy) > 0.9 and all(healthy[-100:])
    assert remark(arm, now_ns).endswith(' s ahead of this one, which is allowed for')


def test_readings_that_are_ahead_by_ever_other_times_are_refused_for_good(gas):
    for later in range(20):
        now_ns = 10 * SECOND + later * SECOND // 2
        gas.accept(now_ns + (10 + 3 * (later % 2)) * SECOND, VALUE + later, now_ns)

    assert gas.report(now_ns).rejected == 20 and not gas.health(now_ns).healthy


def test_pictures_of_a_camera_whose_clock_is_ahead_are_read_too(camera):
    rng = np.random.default_rng(0)
    for later in range(20):
        now_ns = 10 * SECOND + later * SECOND // 30
        if camera.announce(now_ns + SECOND, now_ns):
            camera.examine(now_ns + SECOND, rng.integers(0, 255, (8, 8, 3), np.uint8))

    assert camera.report(now_ns).rejected == 9 and camera.health(now_ns).healthy


def test_a_reading_that_is_only_late_says_how_late_and_one_that_is_also_wrong_does_not(gas):
    gas.accept(10 * SECOND, VALUE)

    assert gas.health(12 * SECOND).late_s == 2.0
    accusation = Reason(ReasonCode.CONTRADICTION, sensor='gas')
    assert gas.health(12 * SECOND, accusation).late_s is None


def test_what_another_sensor_says_against_one_is_the_last_reason_to_count(gas):
    accusation = Reason(ReasonCode.CONTRADICTION, sensor='gas', part='nh3_ppm')
    gas.accept(10 * SECOND, VALUE)

    assert reason(gas, 10 * SECOND, accusation).startswith('gas contradicts the picture: nh3_ppm')
    assert reason(gas, 12 * SECOND, accusation).startswith('newest gas reading is 2.00 s old')
    for tick in range(1, 10):
        gas.accept(10 * SECOND + tick * SECOND // 2, VALUE)
    assert reason(gas, 14 * SECOND, accusation).startswith('gas stuck: the same reading for')


def test_a_camera_is_only_late_while_its_last_picture_could_be_read_and_that_is_not_kept(camera):
    assert camera.health(SECOND).late_s is None
    camera.announce(SECOND)
    camera.examine(SECOND, np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8))

    assert camera.health(3 * SECOND).late_s == 2.0 and camera.reading_at(SECOND) is None
    camera.announce(4 * SECOND)
    camera.deny('no JPEG')
    assert camera.health(6 * SECOND).late_s is None


def test_the_verdict_is_computed_when_a_reading_comes_and_not_when_health_is_asked_for(gas):
    gas.accept(10 * SECOND, VALUE)
    before = gas.verdict
    for later in range(20):
        gas.health(10 * SECOND + later * SECOND)
        gas.report(10 * SECOND + later * SECOND)

    assert gas.verdict is before and dataclasses.asdict(before)['fault'] is None


def test_what_a_sense_waits_for_is_said_where_its_readings_are_missing_and_is_no_rejection(gas):
    gas.waits_for = 'air/co2: nothing yet'
    assert reason(gas, 0) == 'no gas reading yet; waits for air/co2: nothing yet'
    assert gas.report(0).rejected == 0
