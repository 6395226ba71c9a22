# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What readings say of the health of their sensor."""

import numpy as np
import pytest

from crossmodal_kd_ros.contract import GAS_NAMES
from crossmodal_kd_ros.health.picture import PictureChecks
from crossmodal_kd_ros.health.readings import STREAMS, ReadingChecks, median

SECOND = 1_000_000_000
GAS = np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0], np.float32)
GAS_NOISE = np.array([4.0, 8.0, 1.2, 0.25, 7.0, 0.8, 0.04, 2.0])


class Pad:
    """A pad at 100 Hz whose taxels have 3 % of noise, and its checks."""

    def __init__(self) -> None:
        self.checks, self.rng, self.time_ns = (
            ReadingChecks(STREAMS['touch']),
            np.random.default_rng(0),
            0,
        )

    def reading(self, noise: float = 0.03) -> np.ndarray:
        value = np.repeat([40.0, 0.5], 128) * (1.0 + noise * self.rng.standard_normal(256))
        return value.astype(np.float32)

    def feed(self, seconds: float, change=lambda value: value, noise: float = 0.03) -> np.ndarray:
        for _ in range(round(100 * seconds)):
            self.time_ns += SECOND // 100
            value = change(self.reading(noise))
            taken = value if self.checks.refuse(value) else self.checks.take(self.time_ns, value)
        return taken


@pytest.fixture
def pad() -> Pad:
    """Return a pad that has been healthy for two seconds."""
    pad = Pad()
    pad.feed(2.0)
    return pad


def test_a_healthy_pad_is_not_accused_of_anything(pad):
    for _ in range(100):
        pad.feed(0.2)
        assert (pad.checks.verdict(), pad.checks.remark()) == ('', '')


@pytest.mark.parametrize(
    ('times', 'sentence'),
    [
        (
            20.0,
            '150 of 256 taxels out of range: texture taxel (0, 0) reads 20000 (a working one -50 to 1000)',
        ),
        (
            1.0,
            '150 of 256 taxels saturated: texture taxel (0, 0) reads 1000 (the top of its range is 1000)',
        ),
    ],
)
def test_a_reading_that_no_pad_gives_is_refused_with_the_taxel_and_the_figure(
    pad, times, sentence
):
    reading = pad.reading()
    reading[:150] = times * STREAMS['touch'].high[:150]

    assert pad.checks.refuse(reading) == sentence


def test_a_few_impossible_taxels_are_read_from_their_neighbours(pad):
    def broken(value):
        value[[40, 200]] = 1e6
        return value

    taken = pad.feed(0.1, broken)

    assert taken[40] == pytest.approx(40.0, rel=0.1)
    assert taken[200] == pytest.approx(0.5, rel=0.1)
    assert pad.checks.remark() == '2 of 256 taxels are dead and read from their neighbours'
    assert pad.checks.verdict() == ''


def test_dead_taxels_are_found_after_a_second_and_too_many_condemn_the_pad(pad):
    def dead(count):
        def change(value):
            value[:count] = 0.0
            return value

        return change

    pad.feed(0.9, dead(20))
    assert pad.checks.remark() == ''
    taken = pad.feed(0.3, dead(20))
    assert pad.checks.remark() == '20 of 256 taxels are dead and read from their neighbours'
    assert taken[:20].min() > 30.0
    assert pad.feed(1.2, dead(120))[:120].min() > 30.0
    assert pad.checks.verdict() == ''
    pad.feed(1.2, dead(140))
    assert pad.checks.verdict().startswith('140 of 256 taxels are dead')
    pad.feed(0.1)
    assert pad.checks.verdict() == ''


def test_a_reading_that_repeats_itself_is_stuck_after_half_a_second(pad):
    same = pad.reading()
    pad.feed(0.4, lambda value: same)
    assert pad.checks.verdict() == ''
    pad.feed(0.2, lambda value: same)
    assert pad.checks.verdict().startswith('stuck: the same reading for 0.5')


def test_noise_far_above_its_own_level_is_noticed_and_forgiven_late(pad):
    pad.feed(0.3, noise=0.9)
    assert pad.checks.verdict().startswith('texture is noisy')
    assert 'times its own healthy noise' in pad.checks.verdict()
    pad.feed(0.5)
    assert pad.checks.verdict() == ''


def test_a_pad_that_grew_quiet_lags_and_is_used_with_a_remark(pad):
    pad.feed(0.3, noise=0.001)
    assert pad.checks.verdict() == ''
    assert pad.checks.remark().startswith('texture is too quiet: 0.0')


def test_noise_between_the_two_limits_keeps_the_verdict_whatever_it_was(pad):
    pad.feed(0.5, noise=0.03 * 9.0)
    assert pad.checks.verdict() == ''
    pad.feed(0.3, noise=0.9)
    pad.feed(0.5, noise=0.03 * 9.0)
    assert pad.checks.verdict().startswith('texture is noisy')


def test_a_wall_that_changes_every_five_seconds_is_no_noise_to_a_gas_module():
    checks, rng = ReadingChecks(STREAMS['gas']), np.random.default_rng(0)
    for index in range(2000):
        if index % 10 == 0:
            level = GAS + 10.0 * GAS_NOISE * rng.standard_normal(8)
        value = (level + GAS_NOISE * rng.standard_normal(8)).astype(np.float32)
        assert not checks.refuse(np.clip(value, STREAMS['gas'].low, None))
        checks.take(index * SECOND // 2, value)
        assert checks.verdict() == ''


@pytest.mark.parametrize('channels', [[3], [0, 1, 2, 3, 4]], ids=['one', 'most'])
def test_gas_channels_that_die_are_named_and_doubted_and_most_of_them_condemn_the_module(channels):
    checks, rng = ReadingChecks(STREAMS['gas']), np.random.default_rng(0)
    for index in range(60):
        value = (GAS + GAS_NOISE * rng.standard_normal(8)).astype(np.float32)
        if index >= 40:
            value[channels] = 0.0
        checks.take(index * SECOND // 2, value)

    np.testing.assert_array_equal(np.flatnonzero(np.isinf(checks.doubt)), channels)
    words = f'{GAS_NAMES[channels[0]]} is too quiet: 0 times its own healthy noise (limit 0.0833)'
    if len(channels) == 1:
        assert (checks.verdict(), checks.remark()) == ('', words + ': read from the picture')
    else:
        assert checks.verdict() == '5 of 8 channels are in doubt (limit 4): ' + words


def test_a_noisy_gas_channel_says_by_how_much_it_may_be_off():
    checks, rng = ReadingChecks(STREAMS['gas']), np.random.default_rng(0)
    for index in range(200):
        times = np.where(np.arange(8) == 3, 16.0 if index >= 100 else 1.0, 1.0)
        checks.take(
            index * SECOND // 2,
            (GAS + times * GAS_NOISE * rng.standard_normal(8)).astype(np.float32),
        )

    assert checks.verdict() == '' and checks.remark().endswith(
        '(limit 3.5): weighed against the picture'
    )
    assert checks.doubt[3] == pytest.approx(16.0 * GAS_NOISE[3], rel=0.5)
    assert not np.delete(checks.doubt, 3).any()
    np.testing.assert_array_equal(checks.grave_doubt, checks.doubt)


def test_a_gas_channel_that_reads_what_it_cannot_is_doubted_while_it_does():
    checks, impossible = ReadingChecks(STREAMS['gas']), GAS.copy()
    impossible[GAS_NAMES.index('o2_pct')] = 90.0

    assert checks.refuse(impossible) == ''
    checks.take(0, impossible)
    assert checks.remark() == 'o2_pct reads what it cannot: read from the picture'
    assert checks.refuse(GAS) == ''
    checks.take(SECOND // 2, GAS)
    assert checks.remark() == ''


def test_dead_taxels_are_doubted_by_nobody_for_they_have_neighbours(pad):
    pad.feed(0.1, lambda value: np.where(np.arange(256) < 20, 1e6, value))

    assert not pad.checks.doubt.any()


def test_a_channel_that_never_had_noise_is_not_called_quiet():
    checks, rng = ReadingChecks(STREAMS['gas']), np.random.default_rng(0)
    for index in range(60):
        value = (GAS + GAS_NOISE * rng.standard_normal(8)).astype(np.float32)
        value[GAS_NAMES.index('o2_pct')] = 20.9
        checks.take(index * SECOND // 2, value)

    assert checks.verdict() == ''


def test_a_humid_wall_at_100_percent_is_no_saturated_sensor():
    checks = ReadingChecks(STREAMS['gas'])
    humid = GAS.copy()
    humid[GAS_NAMES.index('relative_humidity_pct')] = 100.0

    assert checks.refuse(humid) == ''
    ended = np.where(np.arange(8) < 6, STREAMS['gas'].high, GAS)
    assert checks.refuse(ended) == (
        '5 of 8 channels saturated: co2_uptake_ppm reads 40000 (the top of its range is 40000)'
    )


@pytest.mark.parametrize(
    ('picture', 'words'),
    [
        (np.full((60, 80, 3), 90, np.uint8), 'no detail'),
        (np.random.default_rng(0).integers(0, 12, (60, 80, 3), np.uint8), 'dark: mean 5'),
        (
            np.where(np.random.default_rng(0).random((60, 80, 3)) < 0.7, 255, 40).astype(np.uint8),
            'overexposed',
        ),
    ],
)
def test_three_useless_pictures_in_a_row_condemn_a_camera_and_one_does_not(picture, words):
    checks, rng = PictureChecks(), np.random.default_rng(0)
    for index in range(3):
        checks.take(index * SECOND // 30, np.roll(picture, index, 1))
        assert checks.verdict().startswith(words) == (index == 2)
    checks.take(SECOND, rng.integers(0, 255, (60, 80, 3), np.uint8))
    assert checks.verdict() == ''


def test_a_frozen_camera_is_noticed_after_half_a_second():
    checks, picture = (
        PictureChecks(),
        np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8),
    )
    for index in range(15):
        checks.take(index * SECOND // 30, picture)
    assert checks.verdict() == ''
    checks.take(SECOND // 2 + 1, picture)
    assert checks.verdict() == 'frozen: the same picture for 0.50 s (limit 0.50 s)'


@pytest.mark.parametrize('shape', [(2, 128), (2, 20), (8, 12), (8, 1), (3, 7)])
def test_the_median_of_noise_is_numpys_bit_for_bit(shape):
    values = np.random.default_rng(0).random(shape, np.float32)
    found, expected = median(values), np.median(values, axis=-1)

    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_a_part_of_the_picture_that_stands_still_while_the_rest_moves_is_a_flaw():
    checks, rng = PictureChecks(), np.random.default_rng(0)
    still = rng.integers(60, 200, (48, 48, 3), np.uint8)
    for index in range(40):
        picture = rng.integers(60, 200, (48, 48, 3), np.uint8)
        picture[:6, :8] = still[:6, :8]
        checks.take(index * SECOND // 30, picture)

    assert checks.verdict() == ''
    assert checks.flaw() == (
        'camera is damaged: 2% of the picture has not changed for 1 s while the rest did (limit 2%)'
    )
    checks.take(2 * SECOND, still[::-1])
    assert checks.flaw() == ''


def test_a_camera_of_one_picture_a_second_is_not_damaged():
    checks, rng = PictureChecks(), np.random.default_rng(0)
    for index in range(8):
        checks.take(index * SECOND, rng.integers(100, 103, (48, 48, 3), np.uint8))

    assert checks.flaw() == ''
