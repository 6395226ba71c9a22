# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What readings of a grid say of its health: the living wall's pad, and one with a constant."""

import numpy as np
import pytest

from crossmodal_kd_ros.health.grid import GridHealth
from crossmodal_kd_ros.health.noise import median_of_rows
from crossmodal_kd_ros.health.reasons import say
from crossmodal_kd_ros.profile import Profile, load_profile

SECOND = 1_000_000_000
TOUCH = load_profile().senses['touch']


class Pad:
    """A pad at 100 Hz whose elements have 3 % of noise, and its health."""

    def __init__(self) -> None:
        self.health, self.rng, self.time_ns = GridHealth(TOUCH), np.random.default_rng(0), 0

    @property
    def fault(self) -> str:
        fault = self.health.verdict.fault
        return '' if fault is None else say(fault)

    @property
    def remark(self) -> str:
        return say(*self.health.verdict.remarks)

    def reading(self, noise: float = 0.03) -> np.ndarray:
        value = np.repeat([40.0, 0.5], 128) * (1.0 + noise * self.rng.standard_normal(256))
        return value.astype(np.float32)

    def feed(self, seconds: float, change=lambda value: value, noise: float = 0.03) -> np.ndarray:
        for _ in range(round(100 * seconds)):
            self.time_ns += SECOND // 100
            value = change(self.reading(noise))
            taken = value if self.health.refuse(value) else self.health.take(self.time_ns, value)
        return taken


@pytest.fixture
def pad() -> Pad:
    """Return a pad that has been healthy for two seconds."""
    pad = Pad()
    pad.feed(2.0)
    return pad


def test_a_healthy_pad_has_no_fault_and_no_remark(pad):
    for _ in range(100):
        pad.feed(0.2)
        assert (pad.fault, pad.remark) == ('', '')


@pytest.mark.parametrize(
    ('times', 'sentence'),
    [
        (
            20.0,
            '150 of 256 elements out of range: texture (0, 0) reads 20000 '
            '(a working one -50 to 1000)',
        ),
        (
            1.0,
            '150 of 256 elements saturated: texture (0, 0) reads 1000 '
            '(the top of its range is 1000)',
        ),
    ],
)
def test_a_reading_that_no_pad_gives_is_refused_with_the_element_and_the_figure(
    pad, times, sentence
):
    reading = pad.reading()
    reading[:150] = times * TOUCH.per_element('max')[:150]

    assert say(pad.health.refuse(reading)) == sentence


def test_a_few_impossible_elements_are_read_from_their_neighbours(pad):
    def broken(value):
        value[[40, 200]] = 1e6
        return value

    taken = pad.feed(0.1, broken)

    assert np.flatnonzero(pad.health.verdict.mended).tolist() == [40, 200]
    assert taken[40] == pytest.approx(40.0, rel=0.1)
    assert taken[200] == pytest.approx(0.5, rel=0.1)
    assert pad.remark == '2 of 256 elements are dead and read from their neighbours'
    assert pad.fault == ''


def test_dead_elements_are_found_after_a_second_and_too_many_condemn_the_pad(pad):
    def dead(count):
        def change(value):
            value[:count] = 0.0
            return value

        return change

    pad.feed(0.9, dead(20))
    assert pad.remark == ''
    taken = pad.feed(0.3, dead(20))
    assert pad.remark == '20 of 256 elements are dead and read from their neighbours'
    assert taken[:20].min() > 30.0
    assert pad.feed(1.2, dead(120))[:120].min() > 30.0
    assert pad.fault == ''
    pad.feed(1.2, dead(140))
    assert pad.fault.startswith('140 of 256 elements are dead')
    pad.feed(0.1)
    assert pad.fault == ''


def test_pins_that_are_pressed_to_their_end_are_in_contact(pad):
    def pressed(value):
        value[128:] = 0.03 * np.abs(pad.rng.standard_normal(128))
        value[128:134] = 16.0
        return value

    pad.feed(0.5, pressed)
    assert pad.fault == ''


@pytest.mark.parametrize(('depth_mm', 'broken_mm'), [(0.0, 16.0), (0.0, 7.0), (1.0, -200.0)])
def test_a_broken_element_neither_makes_nor_hides_contact(pad, depth_mm, broken_mm):
    noise_mm = np.repeat([0.0, 0.03], 128)

    def one_broken(value):
        value = np.repeat([40.0, depth_mm], 128) + noise_mm * pad.rng.standard_normal(256)
        value[:128] += pad.rng.standard_normal(128)
        value[133] = broken_mm
        return value.astype(np.float32)

    pad.feed(1.2, one_broken)
    assert pad.fault.startswith('measures nothing: it is not in contact') == (depth_mm == 0.0)
    assert depth_mm == 0.0 or pad.fault == ''


def test_a_channel_of_which_nothing_is_left_condemns_the_pad_for_it_has_no_neighbours(pad):
    pad.feed(0.1, lambda value: np.where(np.arange(256) < 128, 1e6, value))

    assert pad.fault.startswith('128 of 256 elements are dead')


def test_a_reading_that_repeats_itself_is_stuck_after_half_a_second(pad):
    same = pad.reading()
    pad.feed(0.4, lambda value: same)
    assert pad.fault == ''
    pad.feed(0.2, lambda value: same)
    assert pad.fault.startswith('stuck: the same reading for 0.5')


def test_noise_far_above_its_own_level_is_noticed_and_forgiven_late(pad):
    pad.feed(0.3, noise=0.9)
    assert pad.fault.startswith('texture is noisy')
    assert 'times its own healthy noise' in pad.fault
    pad.feed(0.5)
    assert pad.fault == ''


def test_a_pad_that_grew_quiet_lags_and_is_used_with_a_remark(pad):
    pad.feed(0.3, noise=0.001)
    assert pad.fault == ''
    assert pad.remark.startswith('texture is too quiet: 0.0')


def test_noise_between_the_two_limits_keeps_the_verdict_whatever_it_was(pad):
    pad.feed(0.5, noise=0.03 * 9.0)
    assert pad.fault == ''
    pad.feed(0.3, noise=0.9)
    pad.feed(0.5, noise=0.03 * 9.0)
    assert pad.fault.startswith('texture is noisy')


def test_dead_elements_are_in_no_doubt_for_they_have_neighbours(pad):
    pad.feed(0.1, lambda value: np.where(np.arange(256) < 20, 1e6, value))

    assert pad.health.verdict.channel_std is None and not pad.health.verdict.needs_picture


def test_a_constant_channel_is_neither_dead_nor_quiet_nor_out_of_range():
    channel = {'unit': 'N', 'min': 0, 'max': 10}
    profile = Profile.model_validate(
        {
            'name': 'half',
            'camera': {'topic': 'camera', 'period_s': 0.03},
            'senses': {
                'skin': {
                    'layout': 'grid',
                    'shape': [2, 4, 4],
                    'channels': [
                        {'name': 'force', **channel},
                        {'name': 'heat', **channel, 'constant': 10},
                    ],
                    'period_s': 0.01,
                    'source': {'topic': 'skin', 'type': 'sensor_msgs/msg/Image'},
                }
            },
            'actions': ['go', 'stay'],
        }
    )
    health, rng = GridHealth(profile.senses['skin']), np.random.default_rng(0)
    for index in range(500):
        noise = 0.1 if index < 400 else 3.0
        reading = np.r_[5.0 + noise * rng.uniform(-1, 1, 16), np.full(16, 10.0)]
        assert health.refuse(reading.astype(np.float32)) is None
        health.take(index * SECOND // 100, reading.astype(np.float32))
        if index == 399:
            assert health.verdict.fault is None and health.verdict.remarks == ()

    # Only the other half can be judged, and is.
    assert say(health.verdict.fault).startswith('force is noisy')


@pytest.mark.parametrize('shape', [(2, 128), (2, 20), (8, 12), (8, 1), (3, 7)])
def test_the_median_of_noise_is_numpys_bit_for_bit(shape):
    values = np.random.default_rng(0).random(shape, np.float32)
    computed, expected = median_of_rows(values), np.median(values, axis=-1)

    assert computed.dtype == expected.dtype
    np.testing.assert_array_equal(computed, expected)


def test_elements_that_may_rest_for_ever_are_neither_dead_nor_stuck():
    resting = GridHealth(TOUCH.model_copy(update={'stuck_s': None}))
    rng = np.random.default_rng(0)
    for step in range(300):
        value = np.zeros(256, np.float32)
        value[78:178] = rng.uniform(1.0, 5.0, 100)  # something lies on a part of the pad
        taken = resting.take(step * SECOND // 100, value)

    assert resting.verdict.fault is None
    np.testing.assert_array_equal(taken, value)
    for step in range(300, 600):  # and is lifted
        resting.take(step * SECOND // 100, np.zeros(256, np.float32))
    assert say(resting.verdict.fault) == (
        'measures nothing: it is not in contact, for the mean of indentation is 0 '
        '(in contact at least 0.05)'
    )
