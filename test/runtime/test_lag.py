# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a slow sense will read where the picture is."""

import sys
from pathlib import Path

import numpy as np
import pytest

from crossmodal_kd_ros.health.verdict import Verdict
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime import Perception
from crossmodal_kd_ros.runtime.arbiter import Evidence
from crossmodal_kd_ros.runtime.lag import Lag, SlowSenses
from crossmodal_kd_ros.simulation.gas import HOOD

sys.path.append(str(Path(__file__).parents[1]))
from three_senses import three_senses  # noqa: E402

SECOND = 10**9
T90_S = 2.0
PROFILE = load_profile()
BEFORE, HERE = np.array([400.0, 60.0], np.float32), np.array([340.0, 90.0], np.float32)


def first_order(t_s):
    """Return what a sense of `T90_S` reads `t_s` after it came from `BEFORE` to `HERE`."""
    return HERE + (BEFORE - HERE) * 10.0 ** (-max(t_s, 0.0) / T90_S)


def slow_gas(response_s):
    return PROFILE.senses['gas'].model_copy(update={'response_s': response_s})


def lag_that_saw(predict, until_s, rate_hz=30):
    """Return a lag that has seen what `predict` says of each picture since -10 s."""
    lag = Lag(slow_gas(T90_S), 1.0 / rate_hz)
    for index in range(-10 * rate_hz, round(until_s * rate_hz) + 1):
        t_s = index / rate_hz
        lag.see(round(t_s * SECOND), predict(t_s))
    return lag


def there(t_s):
    return BEFORE if t_s < 0.0 else HERE


@pytest.mark.parametrize('t_s', [0.0, 0.1, 0.7, 2.0, 6.0])
def test_a_step_that_the_student_sees_is_made_up_for_at_once(t_s):
    correction = lag_that_saw(there, t_s).correction(round(t_s * SECOND))
    np.testing.assert_allclose(first_order(t_s) + correction, HERE, atol=0.05)


def test_a_reading_from_before_the_picture_counts_for_when_it_was_read():
    correction = lag_that_saw(there, 1.0).correction(SECOND // 2)
    np.testing.assert_allclose(first_order(0.5) + correction, HERE, atol=0.05)


def test_where_the_student_errs_the_error_fades_as_the_sense_settles():
    def predict(t_s):
        return there(t_s) + (0.0 if t_s < 0.0 else 30.0)

    off = [
        first_order(t_s) + lag_that_saw(predict, t_s).correction(round(t_s * SECOND)) - HERE
        for t_s in (0.0, T90_S, 3 * T90_S)
    ]
    np.testing.assert_allclose(off, [[30.0] * 2, [3.0] * 2, [0.0] * 2], atol=0.1)


def test_at_one_place_nothing_is_corrected():
    np.testing.assert_array_equal(lag_that_saw(lambda t_s: HERE, 1.0).correction(SECOND), 0.0)


@pytest.mark.parametrize('gap_s', [0.3, 0.59, 0.61, 3.0, 10.0])
@pytest.mark.parametrize('moved', [0.0, 0.5, 1.0])
def test_where_a_move_hides_in_a_gap_the_reading_is_corrected_to_no_worse(gap_s, moved):
    lag = lag_that_saw(lambda t_s: BEFORE, 0.0)
    lag.see(round(gap_s * SECOND), HERE)
    reading = first_order(gap_s * (1.0 - moved))
    off = reading + lag.correction(round(gap_s * SECOND)) - HERE
    assert (np.abs(off) <= np.maximum(np.abs(reading - HERE), np.abs(HERE - BEFORE) / 2)).all()


def test_of_the_hood_of_the_living_wall_a_fifth_of_a_step_remains_at_most():
    """Its air, then its cell: of second order, for which one time constant stands in."""
    gas = PROFILE.senses['gas']
    assert HOOD.response(gas.response_s) == pytest.approx(0.9, abs=0.01)
    lag = Lag(gas, 1 / 30)
    left = []
    for index in range(-300, 240):
        t_s = index / 30
        lag.see(round(t_s * SECOND), np.array([float(t_s >= 0.0)]))
        left.append(HOOD.response(t_s) + lag.correction(round(t_s * SECOND)) - (t_s >= 0.0))
    assert np.abs(left).max() < 0.2 and np.abs(left[-1]) < 1e-3


def seen(gas, touch=0.0):
    return Perception(
        probabilities=np.zeros(6),
        readings={'touch': np.full(256, touch), 'gas': np.asarray(gas, np.float32)},
        quantities=np.zeros(4),
    )


def evidence(gas, read_ns=0):
    one = {'read_ns': read_ns, 'verdict': Verdict(), 'is_fresh': True}
    return {'touch': Evidence(reading=np.ones(256), **one), 'gas': Evidence(reading=gas, **one)}


GAS = np.array([10.0, 400.0, 60.0, 20.0, 100.0, 1.0, 20.9, 5.0], np.float32)
FRAME_NS = SECOND // 30


def test_only_slow_senses_are_corrected_and_a_clock_set_back_forgets_the_way():
    slow = SlowSenses(PROFILE)
    slow.settle(0, 0, seen(GAS, touch=1.0), evidence(GAS))
    moved = slow.settle(0, FRAME_NS, seen(GAS + 3.0, touch=4.0), evidence(GAS))
    np.testing.assert_allclose(moved['gas'].reading, GAS + 3.0)
    np.testing.assert_array_equal(moved['touch'].reading, np.ones(256))
    assert slow.settle(0, 2 * FRAME_NS, seen(GAS), evidence(None))['gas'].reading is None
    again = slow.settle(1, 0, seen(GAS + 50.0), evidence(GAS))
    np.testing.assert_allclose(again['gas'].reading, GAS)


def test_a_channel_is_measured_again_once_no_more_than_its_noise_is_added():
    slow, uptake = SlowSenses(PROFILE), np.array([30.0] + 7 * [0.0], np.float32)
    slow.settle(0, 0, seen(GAS), evidence(GAS))
    in_transit = []
    for beat in range(1, 181):  # 6 s at the next place
        now_ns = beat * FRAME_NS
        gas = slow.settle(0, now_ns, seen(GAS + uptake), evidence(GAS, now_ns))['gas']
        in_transit.append(gas.in_transit)
    # 30 ppm have come down to 2.8, twice the noise, after T90 x log10(30 / 2.8): 2.37 s.
    assert [bool(one[0]) for one in in_transit] == [True] * 72 + [False] * 108
    assert not np.any(np.array(in_transit)[:, 1:])


def test_how_far_a_slow_sense_is_from_here_is_known_once_pictures_have_followed_it_long_enough():
    slow, response_s = SlowSenses(PROFILE), PROFILE.senses['gas'].response_s

    def known(t_s):
        settled = slow.settle(0, round(t_s * SECOND), seen(GAS), evidence(GAS))
        assert settled['touch'].is_lag_known
        return settled['gas'].is_lag_known

    times_s = np.arange(0.0, 2.0 * response_s, 0.1)
    assert [known(t_s) for t_s in times_s] == (times_s >= response_s - 1e-6).tolist()
    assert not slow.unsettled(evidence(GAS))['gas'].is_lag_known
    assert known(2.0 * response_s + 0.1)
    assert not known(3.0 * response_s)  # a gap, in which nobody knows where the robot went


def test_a_corrected_reading_stays_within_what_the_sense_can_report():
    profile = three_senses()
    air = profile.senses['air'].model_copy(update={'response_s': 2.0})
    slow = SlowSenses(profile.model_copy(update={'senses': {'air': air}}))

    def settle(stamp_ns, predicted):
        reading = np.array([500.0, 50.0, 60.0], np.float32)
        one = Evidence(reading=reading, read_ns=0, verdict=Verdict(), is_fresh=True)
        perception = Perception(
            probabilities=np.zeros(3),
            readings={'air': np.array(predicted, np.float32)},
            quantities=np.zeros(2),
        )
        return slow.settle(0, stamp_ns, perception, {'air': one})['air'].reading

    settle(0, [2000.0, 50.0, 60.0])
    # CO2 would be at -1300 ppm; humidity is a constant.
    np.testing.assert_allclose(settle(FRAME_NS, [200.0, 70.0, 65.0]), [300.0, 50.0, 65.0])


def test_a_student_that_says_nothing_of_a_picture_corrects_nothing_for_good():
    slow = SlowSenses(PROFILE)
    slow.settle(0, 0, seen(GAS), evidence(GAS))
    slow.settle(0, FRAME_NS, seen(np.full(8, np.nan)), evidence(GAS))
    slow.settle(0, 2 * FRAME_NS, seen(GAS), evidence(GAS))
    np.testing.assert_allclose(
        slow.settle(0, 3 * FRAME_NS, seen(GAS), evidence(GAS))['gas'].reading, GAS
    )


@pytest.mark.parametrize(
    ('response_s', 'period_s', 'pause_s', 'expected'),
    [(2.3, 0.033, 0, True), (0.3, 0.1, 0, True), (0.1, 0.033, 0, True), (2.3, 0.1, 0.8, False)],
)
def test_the_way_is_known_where_pictures_come_as_the_camera_sends_them(
    response_s, period_s, pause_s, expected
):
    gas = slow_gas(response_s)
    lag, seen = Lag(gas, period_s), np.zeros(gas.size, np.float32)
    count = round(2.0 * response_s / period_s)
    times_s = [*(index * period_s for index in range(count)), count * period_s + pause_s]
    for t_s in times_s:
        lag.see(round(t_s * SECOND), seen)
    read_ns = round(times_s[-1] * SECOND)
    evidence = Evidence(reading=seen, read_ns=read_ns, verdict=Verdict(), is_fresh=True)
    assert lag.settle(evidence).is_lag_known == expected
