# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What readings of single channels say of their health.

Of the living wall's gas module, and of a slow module whose driver repeats itself.
"""

import numpy as np
import pytest

from crossmodal_kd_ros.health.channels import ChannelsHealth
from crossmodal_kd_ros.health.reasons import say
from crossmodal_kd_ros.health.sensor import sensors_of
from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.runtime.config import RuntimeConfig

SECOND = 1_000_000_000
SENSE = load_profile().senses['gas']
NAMES = SENSE.channel_names
GAS = np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0], np.float32)
GAS_NOISE = np.array([4.0, 8.0, 1.2, 0.25, 7.0, 0.8, 0.04, 2.0])


def fault(health: ChannelsHealth) -> str:
    return '' if health.verdict.fault is None else say(health.verdict.fault)


def remark(health: ChannelsHealth) -> str:
    return say(*health.verdict.remarks)


def test_a_wall_that_changes_every_five_seconds_is_no_noise_to_a_gas_module():
    health, rng = ChannelsHealth(SENSE), np.random.default_rng(0)
    for index in range(2000):
        if index % 10 == 0:
            level = GAS + 10.0 * GAS_NOISE * rng.standard_normal(8)
        value = (level + GAS_NOISE * rng.standard_normal(8)).astype(np.float32)
        assert not health.refuse(np.clip(value, SENSE.per_element('least'), None))
        health.take(index * SECOND // 2, value)
        assert fault(health) == ''


@pytest.mark.parametrize('channels', [[3], [0, 1, 2, 3, 4]], ids=['one', 'most'])
def test_channels_that_die_are_named_and_doubted_and_most_of_them_condemn_the_module(channels):
    health, rng = ChannelsHealth(SENSE), np.random.default_rng(0)
    for index in range(60):
        value = (GAS + GAS_NOISE * rng.standard_normal(8)).astype(np.float32)
        if index >= 40:
            value[channels] = 0.0
        health.take(index * SECOND // 2, value)

    np.testing.assert_array_equal(np.flatnonzero(np.isinf(health.verdict.channel_std)), channels)
    assert health.verdict.needs_picture
    words = f'{NAMES[channels[0]]} is too quiet: 0 times its own healthy noise (limit 0.0833)'
    if len(channels) == 1:
        assert (fault(health), remark(health)) == ('', words + ': read from the picture')
    else:
        assert fault(health) == '5 of 8 channels are in doubt (limit 4): ' + words


def test_a_noisy_channel_says_by_how_much_it_may_be_off():
    health, rng = ChannelsHealth(SENSE), np.random.default_rng(0)
    for index in range(200):
        times = np.where(np.arange(8) == 3, 16.0 if index >= 100 else 1.0, 1.0)
        health.take(
            index * SECOND // 2,
            (GAS + times * GAS_NOISE * rng.standard_normal(8)).astype(np.float32),
        )

    std = health.verdict.channel_std
    assert fault(health) == '' and remark(health).endswith(
        '(limit 3.5): weighed against the picture'
    )
    assert std[3] == pytest.approx(16.0 * GAS_NOISE[3], rel=0.5)
    assert not np.delete(std, 3).any()
    np.testing.assert_array_equal(health.verdict.weighed_std, std)


def test_a_channel_that_reads_what_it_cannot_is_doubted_while_it_does():
    health, impossible = ChannelsHealth(SENSE), GAS.copy()
    impossible[NAMES.index('o2_pct')] = 90.0

    assert health.refuse(impossible) is None
    health.take(0, impossible)
    assert remark(health) == (
        'o2_pct reads 90, which it cannot (a working one 0 to 30): read from the picture'
    )
    assert health.refuse(GAS) is None
    health.take(SECOND // 2, GAS)
    assert remark(health) == ''


def test_a_channel_that_never_had_noise_is_not_called_quiet():
    health, rng = ChannelsHealth(SENSE), np.random.default_rng(0)
    for index in range(60):
        value = (GAS + GAS_NOISE * rng.standard_normal(8)).astype(np.float32)
        value[NAMES.index('o2_pct')] = 20.9
        health.take(index * SECOND // 2, value)

    assert fault(health) == ''


def test_a_humid_wall_at_100_percent_is_no_saturated_sensor():
    health = ChannelsHealth(SENSE)
    humid = GAS.copy()
    humid[NAMES.index('relative_humidity_pct')] = 100.0

    assert health.refuse(humid) is None
    health.take(0, humid)
    assert remark(health) == '' and health.verdict.channel_std is None
    ended = np.where(np.arange(8) < 6, SENSE.per_element('max'), GAS)
    assert say(health.refuse(ended)) == (
        '5 of 8 channels saturated: co2_uptake_ppm reads 40000 (the top of its range is 40000)'
    )


@pytest.mark.parametrize(
    ('low', 'high', 'healthy'), [(100_000, 102_000, 101_990), (100_000, 100_050, 100_040)]
)
def test_the_end_of_a_converter_is_a_part_of_its_range_however_far_that_is_from_0(
    low, high, healthy
):
    profile = module().model_dump(mode='json', exclude_none=True)
    for channel in profile['senses']['air']['channels']:
        channel.update(min=low, max=high)
    health = ChannelsHealth(Profile.model_validate(profile).senses['air'])

    health.take(0, np.full(3, healthy, np.float32))
    assert health.refuse(np.full(3, healthy, np.float32)) is None and remark(health) == ''
    assert health.refuse(np.full(3, high, np.float32))


def module(*, topics: int = 1, **channel) -> Profile:
    """Return a robot with a module of three channels that measures every 3 s."""
    channels = [
        {'name': name, 'unit': 'x', 'min': -1000, 'max': 1000, **channel}
        for name in ('co2', 'heat', 'damp')
    ]
    sense = {'layout': 'channels', 'channels': channels, 'period_s': 3.0}
    if topics == 1:
        sense['source'] = {'topic': 'air', 'type': 'std_msgs/msg/Float32MultiArray'}
    else:
        for one in channels:
            one['source'] = {'topic': f'air_{one["name"]}', 'type': 'std_msgs/msg/Float32'}
    return Profile.model_validate(
        {
            'name': 'slow',
            'camera': {'topic': 'camera', 'period_s': 0.03},
            'senses': {'air': sense},
            'actions': ['go', 'stay'],
        }
    )


@pytest.mark.parametrize('topics', [1, 3], ids=['measured together', 'each at its own time'])
def test_a_module_of_three_seconds_repeated_at_two_hertz_is_healthy(topics):
    profile = module()
    rng = np.random.default_rng(0)
    health = sensors_of(profile, RuntimeConfig.of(profile).timeouts_s)['air']
    value = np.zeros(3, np.float32)
    measured_s = np.full(3, -9.0)
    for step in range(1200):
        now_s = step / 2.0
        # The device takes 3.1 s, so that the driver sees a new value after six or seven of its own
        # periods; channels of their own topics change at different moments.
        due = now_s - measured_s >= 3.1 - 1e-9
        if topics == 1:
            due = np.full(3, due[0])
        else:
            due &= now_s >= np.arange(3)
        value = np.where(due, 100.0 + rng.standard_normal(3), value).astype(np.float32)
        measured_s = np.where(due, now_s, measured_s)
        now_ns = round(now_s * SECOND) + SECOND
        health.accept(now_ns, value, now_ns)
        report = health.report(now_ns)
        assert report.healthy and report.remarks == (), say(*report.reasons, *report.remarks)


def test_a_channel_of_a_slow_module_that_dies_is_noticed_although_its_driver_repeats_the_others():
    health, rng = ChannelsHealth(module().senses['air']), np.random.default_rng(0)
    for step in range(600):
        if step % 6 == 0:
            value = (100.0 + rng.standard_normal(3)).astype(np.float32)
            value[1] = value[1] if step < 240 else 50.0
        health.take(step * SECOND // 2, value)

    assert fault(health) == ''
    assert remark(health) == (
        'heat is too quiet: 0 times its own healthy noise (limit 0.0833): read from the picture'
    )


def test_noise_is_judged_over_readings_in_which_the_channel_changed():
    health, rng = ChannelsHealth(module().senses['air']), np.random.default_rng(0)
    values = np.zeros(3, np.float32)
    for step in range(600):
        # In turn, so that no reading changes two of them, and each repeats more often than not.
        values[step % 3] = 100.0 + (10.0 if step >= 480 and step % 3 == 2 else 1.0) * (
            rng.standard_normal()
        )
        health.take(step * SECOND, values.copy())

    assert remark(health).startswith('damp is noisy: ')
    assert health.verdict.channel_std[2] == pytest.approx(10.0, rel=0.5)


@pytest.mark.parametrize(('std', 'is_quiet'), [(1.0, False), (0.1, True)])
def test_a_channel_first_seen_in_turmoil_is_not_called_quiet_for_noise_of_its_profile(
    std, is_quiet
):
    health, rng = ChannelsHealth(module(noise=1.0).senses['air']), np.random.default_rng(0)
    for step in range(200):
        value = 100.0 + (50.0 if step < 40 else std) * rng.standard_normal(3)
        health.take(step * 3 * SECOND, value.astype(np.float32))

    # Under a twelfth of what was its own; a twelfth of three times its profile's are 0.25.
    assert (' is too quiet: ' in remark(health)) == is_quiet


def test_a_constant_channel_is_not_judged():
    profile = module()
    air = profile.senses['air']
    lacking = air.channels[0].model_copy(update={'constant': 1000.0, 'source': None})
    health = ChannelsHealth(air.model_copy(update={'channels': (lacking, *air.channels[1:])}))
    rng = np.random.default_rng(0)
    for step in range(200):
        value = np.r_[1000.0, 100.0 + rng.standard_normal(2)].astype(np.float32)
        assert health.refuse(value) is None
        health.take(step * 3 * SECOND, value)
        assert health.verdict.fault is None and health.verdict.remarks == ()
    for step in range(200, 220):
        health.take(step * 3 * SECOND, value)
    assert fault(health).startswith('stuck: the same reading for')


def resting_module() -> ChannelsHealth:
    """Return the health of the module where its readings may rest for ever."""
    profile = module().model_dump(mode='json', exclude_none=True)
    profile['senses']['air']['stuck_s'] = None
    return ChannelsHealth(Profile.model_validate(profile).senses['air'])


def test_a_sense_that_may_rest_for_ever_is_not_stuck():
    resting = resting_module()
    other = ChannelsHealth(module().senses['air'])
    for second in range(0, 60, 3):
        for health in (resting, other):
            health.take(second * SECOND, np.zeros(3, np.float32))

    assert other.verdict.fault is not None
    assert resting.verdict.fault is None


def test_channels_that_may_rest_for_ever_are_not_too_quiet_while_another_changes():
    resting, other = resting_module(), ChannelsHealth(module().senses['air'])
    rng = np.random.default_rng(0)
    for step in range(200):
        value = 100.0 + rng.standard_normal(3).astype(np.float32)
        if step >= 60:
            value[1:] = 100.0
        for health in (resting, other):
            health.take(step * 3 * SECOND, value)

    assert fault(other).startswith('2 of 3 channels are in doubt')
    assert resting.verdict.fault is None and resting.verdict.remarks == ()
