# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known of one sensor."""

import numpy as np
import pytest

from crossmodal_kd_ros.runtime import SensorState

SECOND = 1_000_000_000
VALUE = np.zeros(8, np.float32)


@pytest.fixture
def gas() -> SensorState:
    """Return a gas sensor that has said nothing yet."""
    return SensorState('gas', timeout_s=1.25)


def test_a_sensor_that_never_spoke_is_not_healthy_and_says_so(gas):
    health = gas.health(5 * SECOND)

    assert not health.healthy
    assert health.reason == 'no gas reading yet'


def test_a_reading_counts_up_to_its_timeout_and_not_longer(gas):
    gas.accept(10 * SECOND, VALUE)

    assert gas.health(10 * SECOND + 1_250_000_000).healthy
    late = gas.health(10 * SECOND + 1_260_000_000)
    assert not late.healthy
    assert late.reason == 'newest gas reading is 1.26 s old (limit 1.25 s)'


def test_a_reading_from_the_future_does_not_keep_a_dead_sensor_alive(gas):
    gas.accept(20 * SECOND, VALUE)

    health = gas.health(10 * SECOND)

    assert not health.healthy
    assert '10.00 s ahead of this clock' in health.reason


def test_a_rejected_message_is_counted_and_named_and_changes_nothing_else(gas):
    gas.accept(10 * SECOND, VALUE)
    gas.reject('expected 8 gas channels, got 7')

    assert gas.health(10 * SECOND).healthy
    late = gas.health(12 * SECOND)
    assert late.reason.endswith('; 1 rejected, the last: expected 8 gas channels, got 7')
    report = gas.report(12 * SECOND)
    assert (report.received, report.rejected, report.last_rejection) == (
        1,
        1,
        'expected 8 gas channels, got 7',
    )


def test_the_rate_is_that_of_the_last_seconds(gas):
    for stamp in range(10, 20):
        gas.accept(stamp * SECOND // 2, VALUE)

    assert gas.rate_hz(10 * SECOND) == pytest.approx(2.0)
    assert gas.rate_hz(30 * SECOND) == 0.0


def test_a_reading_that_was_overtaken_is_refused_and_the_newer_one_goes_on_counting(gas):
    gas.accept(10 * SECOND, VALUE)
    gas.accept(9 * SECOND, VALUE + 1.0)

    assert gas.readings.at(10 * SECOND)[0] == 0.0
    assert gas.last_rejection == 'stamped 1.00 s before a reading that came earlier'
    assert gas.health(10 * SECOND).healthy


def test_a_clock_that_was_set_back_does_not_stop_the_sensor_for_good(gas):
    gas.accept(100 * SECOND, VALUE)
    for later in range(5):
        gas.accept(3 * SECOND + later * SECOND // 2, VALUE + later)

    assert gas.health(5 * SECOND).healthy


def test_a_reading_from_the_future_is_refused_where_the_time_of_its_arrival_is_known(gas):
    gas.accept(10 * SECOND, VALUE, 10 * SECOND)
    gas.accept(20 * SECOND, VALUE + 1.0, 10 * SECOND)

    assert gas.health(10 * SECOND).healthy
    assert gas.last_rejection == 'stamped 10.00 s ahead of this clock (limit 1.25 s)'
    assert 'ahead of this clock' in gas.health(12 * SECOND).reason


def test_an_announced_picture_counts_only_once_one_could_be_decoded():
    camera = SensorState('camera', timeout_s=0.2)
    camera.announce(SECOND)
    assert not camera.health(SECOND).healthy
    camera.picture(SECOND, np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8))
    assert camera.health(SECOND).healthy
    camera.deny('not a picture')
    camera.announce(2 * SECOND)
    assert (
        camera.health(2 * SECOND).reason
        == 'no camera reading could be decoded; 1 rejected, the last: not a picture'
    )


def test_a_clock_that_is_ahead_by_the_same_again_and_again_is_allowed_for_and_told(gas):
    for later in range(8):
        now_ns = 10 * SECOND + later * SECOND // 2
        gas.accept(now_ns + 60 * SECOND + later, VALUE + later, now_ns)

    assert gas.rejected == 4 and gas.health(now_ns).healthy
    assert (
        gas.report(now_ns).health.remark
        == 'its clock is 60.00 s ahead of this one, which is allowed for'
    )
    assert gas.health(now_ns + 2 * SECOND).reason.startswith('newest gas reading is 2.00 s old')
    gas.accept(now_ns + SECOND, VALUE, now_ns + SECOND)
    assert gas.report(now_ns + SECOND).health.remark == ''


def test_readings_that_are_ahead_by_ever_other_times_are_refused_for_good(gas):
    for later in range(20):
        now_ns = 10 * SECOND + later * SECOND // 2
        gas.accept(now_ns + (10 + 3 * (later % 2)) * SECOND, VALUE + later, now_ns)

    assert gas.rejected == 20 and not gas.health(now_ns).healthy


def test_pictures_of_a_camera_whose_clock_is_ahead_are_read_too():
    camera, rng = SensorState('camera', timeout_s=0.2), np.random.default_rng(0)
    for later in range(20):
        now_ns = 10 * SECOND + later * SECOND // 30
        if camera.announce(now_ns + SECOND, now_ns):
            camera.picture(now_ns + SECOND, rng.integers(0, 255, (8, 8, 3), np.uint8))

    assert camera.rejected == 9 and camera.health(now_ns).healthy


def test_a_reading_that_is_only_late_says_how_late_and_one_that_is_also_wrong_does_not(gas):
    gas.accept(10 * SECOND, VALUE)

    assert gas.health(12 * SECOND).late_s == 2.0
    gas.suspicion = 'gas contradicts the picture'
    assert gas.health(12 * SECOND).late_s is None
