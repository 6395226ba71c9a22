# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a slow sense will read where the picture is."""

import numpy as np
import pytest

from crossmodal_kd_ros.health.verdict import Verdict
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime import Perception
from crossmodal_kd_ros.runtime.arbiter import Evidence
from crossmodal_kd_ros.runtime.lag import Lag, SlowSenses
from crossmodal_kd_ros.simulation.gas import HOOD

SECOND = 10**9
T90_S = 2.0
BEFORE, HERE = np.array([400.0, 60.0], np.float32), np.array([340.0, 90.0], np.float32)


def first_order(t_s):
    """Return what a sense of `T90_S` reads `t_s` after it came from `BEFORE` to `HERE`."""
    return HERE + (BEFORE - HERE) * 10.0 ** (-max(t_s, 0.0) / T90_S)


def lag_that_saw(predict, until_s, rate_hz=30):
    """Return a lag that has seen what `predict` says of each picture since -10 s."""
    lag = Lag(T90_S)
    for index in range(-10 * rate_hz, round(until_s * rate_hz) + 1):
        t_s = index / rate_hz
        lag.see(round(t_s * SECOND), predict(t_s))
    return lag


def there(t_s):
    return BEFORE if t_s < 0.0 else HERE


@pytest.mark.parametrize('t_s', [0.0, 0.1, 0.7, 2.0, 6.0])
def test_a_step_that_the_student_sees_is_made_up_for_at_once(t_s):
    settled = lag_that_saw(there, t_s).settle(round(t_s * SECOND), first_order(t_s))
    np.testing.assert_allclose(settled, HERE, atol=0.05)


def test_a_reading_from_before_the_picture_counts_for_when_it_was_read():
    settled = lag_that_saw(there, 1.0).settle(SECOND // 2, first_order(0.5))
    np.testing.assert_allclose(settled, HERE, atol=0.05)


def test_where_the_student_errs_the_error_fades_as_the_sense_settles():
    def predict(t_s):
        return there(t_s) + (0.0 if t_s < 0.0 else 30.0)

    off = [
        lag_that_saw(predict, t_s).settle(round(t_s * SECOND), first_order(t_s)) - HERE
        for t_s in (0.0, T90_S, 3 * T90_S)
    ]
    np.testing.assert_allclose(off, [[30.0] * 2, [3.0] * 2, [0.0] * 2], atol=0.1)


def test_at_one_place_a_reading_stays_as_it_is_however_wrong():
    wrong = np.array([9000.0, -3.0], np.float32)
    settled = lag_that_saw(lambda t_s: HERE, 1.0).settle(SECOND, wrong)
    np.testing.assert_allclose(settled, wrong, rtol=1e-6)


def test_after_a_gap_the_sense_counts_as_settled():
    lag = lag_that_saw(lambda t_s: BEFORE, 0.0)
    lag.see(10 * SECOND, HERE)
    np.testing.assert_array_equal(lag.settle(10 * SECOND, HERE), HERE)


def test_of_the_hood_of_the_living_wall_a_fifth_of_a_step_remains_at_most():
    """Its air, then its cell: of second order, for which one time constant stands in."""
    response_s = load_profile().senses['gas'].response_s
    assert HOOD.response(response_s) == pytest.approx(0.9, abs=0.01)
    lag = Lag(response_s)
    left = []
    for index in range(-300, 240):
        t_s = index / 30
        lag.see(round(t_s * SECOND), np.array([float(t_s >= 0.0)]))
        left.append(lag.settle(round(t_s * SECOND), np.array([HOOD.response(t_s)])) - (t_s >= 0))
    assert np.abs(left).max() < 0.2 and np.abs(left[-1]) < 1e-3


def test_only_slow_senses_are_changed_and_a_clock_set_back_forgets_the_way():
    profile = load_profile()
    slow = SlowSenses(profile)
    verdict = Verdict()

    def evidence(gas):
        one = {'read_ns': 0, 'verdict': verdict, 'is_fresh': True}
        return {
            'touch': Evidence(reading=np.ones(256), **one),
            'gas': Evidence(reading=gas, **one),
        }

    def seen(level):
        return Perception(
            probabilities=np.zeros(6),
            readings={'touch': np.full(256, level), 'gas': np.full(8, level)},
            quantities=np.zeros(4),
        )

    gas = np.full(8, 5.0, np.float32)
    slow.settle(0, 0, seen(1.0), evidence(gas))
    settled = slow.settle(0, SECOND // 30, seen(4.0), evidence(gas))
    np.testing.assert_allclose(settled['gas'].reading, 8.0)
    np.testing.assert_array_equal(settled['touch'].reading, np.ones(256))
    assert slow.settle(0, SECOND // 15, seen(4.0), evidence(None))['gas'].reading is None
    np.testing.assert_allclose(slow.settle(1, 0, seen(2.0), evidence(gas))['gas'].reading, 5.0)
