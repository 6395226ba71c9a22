# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What faults make of a stream of readings."""

import numpy as np
import pytest
from three_senses import AIR, PAD, SKIN, three_senses

from crossmodal_kd_ros.profile import Sense, load_profile
from crossmodal_kd_ros.simulation import Fault, FaultSchedule, Injector, broken, kinds_of

RATE_HZ = {'camera': 10.0, 'touch': 50.0, 'gas': 2.0}
PROFILE, THREE = load_profile('living_wall'), three_senses()
TEXTURE, INDENTATION = (
    PROFILE.senses['touch'].elements_of(name) for name in ('texture', 'indentation')
)
START_S, END_S = 4.0, 20.0


def healthy(sensor: str, rng: np.random.Generator) -> np.ndarray:
    if sensor == 'camera':
        return rng.integers(60, 160, (64, 64, 3), np.uint8)
    if sensor == 'gas':
        return (
            np.array([60.0, 370.0, 70.0, 19.0, 120.0, 3.0, 21.0, 6.0]) + rng.standard_normal(8)
        ).astype(np.float32)
    return (np.repeat([40.0, 0.5], 128) * (1.0 + 0.03 * rng.standard_normal(256))).astype(
        np.float32
    )


def play(sensor: str, kind: str, severity: float = 1.0):
    """Return (second, healthy reading, what arrived) of 24 s, broken from 4 s to 20 s."""
    rng = np.random.default_rng(1)
    injector = Injector(
        sensor, FaultSchedule((Fault(sensor, START_S, END_S, kind, severity),)), seed=3
    )
    result = []
    for index in range(round(24.0 * RATE_HZ[sensor])):
        t_s, value = index / RATE_HZ[sensor], healthy(sensor, rng)
        result.append((t_s, value, injector.deliver(t_s, round(1e9 * (100.0 + t_s)), value)))
    return result


EVERY = [(sensor, kind) for sensor in PROFILE.sensors for kind in kinds_of(sensor)]


@pytest.mark.parametrize(('sensor', 'kind'), EVERY)
def test_every_fault_changes_the_stream_while_it_lasts_and_never_before(sensor, kind):
    def untouched(entry) -> bool:
        t_s, value, arrived = entry
        return (
            len(arrived) == 1
            and arrived[0].stamp_ns == round(1e9 * (100.0 + t_s))
            and arrived[0].value is value
        )

    played = play(sensor, kind)
    assert all(untouched(entry) for entry in played if entry[0] < START_S)
    assert sum(not untouched(entry) for entry in played if START_S <= entry[0] < END_S) > 3
    # What was held back by then arrives late.
    assert all(untouched(entry) for entry in played if entry[0] > END_S + 2.5)


@pytest.mark.parametrize(('sensor', 'kind'), EVERY)
def test_broken_readings_have_the_shape_and_type_of_healthy_ones(sensor, kind):
    for severity in (0.25, 1.0):
        for _, value, arrived in play(sensor, kind, severity):
            for delivery in arrived:
                assert delivery.value is None or (
                    delivery.value.shape == value.shape and delivery.value.dtype == value.dtype
                )


def test_the_same_seed_breaks_in_the_same_way():
    first, second = play('touch', 'noise'), play('touch', 'noise')

    assert all(np.array_equal(a[2][0].value, b[2][0].value) for a, b in zip(first, second))


def arrived(sensor: str, kind: str, severity: float = 1.0, at_s: float = 12.0) -> np.ndarray:
    """Return the reading that arrived at a second, and the healthy one."""
    _, value, deliveries = next(
        entry for entry in play(sensor, kind, severity) if entry[0] >= at_s
    )
    return deliveries[0].value, value


def test_each_kind_does_what_it_is_called():
    broken, value = arrived('touch', 'wet')
    assert broken[TEXTURE].mean() == pytest.approx(0.25 * value[TEXTURE].mean(), rel=0.02)
    assert broken[INDENTATION].mean() > value[INDENTATION].mean() + 0.7
    assert np.count_nonzero(arrived('touch', 'dead', 0.5)[0] == 0.0) == 64
    assert np.all(arrived('touch', 'saturated')[0] == np.repeat([1000.0, 16.0], 128))
    assert np.isnan(arrived('touch', 'nan')[0]).sum() == 1
    assert arrived('camera', 'nan')[0] is None
    assert arrived('camera', 'covered')[0].max() < 30
    broken, value = arrived('gas', 'poisoned')
    np.testing.assert_allclose(broken[[5, 7]], 0.1 * value[[5, 7]], rtol=1e-4)
    early, late = (
        arrived('gas', 'drift', 1.0, at_s)[0] - arrived('gas', 'drift', 1.0, at_s)[1]
        for at_s in (6.0, 18.0)
    )
    assert late[0] == pytest.approx(7.0 * early[0], rel=1e-3)


def test_a_fast_clock_stamps_the_future_and_an_overtaken_message_the_past():
    ahead = [
        delivery.stamp_ns - 1e9 * (100.0 + t_s)
        for t_s, _, deliveries in play('gas', 'future')
        for delivery in deliveries
        if START_S <= t_s < END_S
    ]
    assert np.allclose(ahead, 10e9, rtol=1e-2)
    stamps = [
        delivery.stamp_ns
        for _, _, deliveries in play('touch', 'disorder')
        for delivery in deliveries
    ]
    assert np.sum(np.diff(stamps) < 0) > 50
    assert sorted(set(stamps)) == sorted(stamps)


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('touch:1-2:poisoned', 'expected a fault of touch out of'),
        ('camera:1-2:out_of_range', 'expected a fault of camera out of'),
        ('gas:1-2:drift:1.5', 'expected a severity above 0 and up to 1, got 1.5'),
        ('gas:1-2:drift:0', 'got 0.0'),
    ],
)
def test_a_fault_that_cannot_happen_is_refused_in_words(text, said):
    with pytest.raises(ValueError, match=said):
        FaultSchedule.parse(text)


def test_a_schedule_names_kind_and_severity_or_leaves_them_out():
    silent, drift = FaultSchedule.parse('touch:10-18, gas:20-60:drift:0.5').faults

    assert (silent.kind, silent.severity) == ('silent', 1.0)
    assert (drift.kind, drift.severity) == ('drift', 0.5)


@pytest.mark.parametrize(
    ('sensor', 'kind'),
    [(sensor, kind) for sensor in THREE.senses for kind in kinds_of(sensor, THREE)],
)
def test_every_fault_breaks_the_senses_of_any_profile(sensor, kind):
    sense = THREE.senses[sensor]
    schedule = FaultSchedule((Fault(sensor, 4.0, 20.0, kind),), THREE)
    injector, rng = Injector(sensor, schedule, seed=3), np.random.default_rng(1)
    low, high = sense.per_element('min'), sense.per_element('max')
    before, during = [], []
    for index in range(200):
        t_s = 0.1 * index
        value = (0.5 * (low + high) + rng.standard_normal(sense.size)).astype(np.float32)
        deliveries = injector.deliver(t_s, index, value)
        healthy = len(deliveries) == 1 and deliveries[0].value is value
        untouched = healthy and deliveries[0].stamp_ns == index
        (before if t_s < 4.0 else during).append(untouched)
        for delivery in deliveries:
            assert delivery.value.shape == value.shape and delivery.value.dtype == np.float32
    assert all(before) and during.count(False) > 3


def test_kinds_of_faults_go_by_the_layout_of_a_sense():
    kinds = {sensor: kinds_of(sensor, THREE) for sensor in THREE.sensors}
    assert [name for name in kinds if 'wet' in kinds[name]] == [PAD, SKIN]
    assert [name for name in kinds if 'poisoned' in kinds[name]] == [AIR]
    assert [name for name in kinds if 'covered' in kinds[name]] == ['camera']
    schedule = FaultSchedule.parse('skin:1-2:wet, air:3-4', THREE)
    assert [fault.sensor for fault in schedule.faults] == [SKIN, AIR]
    with pytest.raises(ValueError, match="out of camera, pad, skin, air, got 'touch'"):
        FaultSchedule.parse('touch:1-2', THREE)


def test_what_no_working_sensor_can_report_lies_beyond_the_range_of_any_channel():
    below_zero = {'name': 'cold', 'unit': 'K', 'min': -9, 'max': -5}
    channel = THREE.senses[AIR].channels[0].model_copy(update=below_zero)
    data = THREE.senses[AIR].model_dump() | {'channels': [channel.model_dump()], 'shape': (1,)}
    sense = Sense.model_validate(data)
    broken_value = broken.out_of_range(sense, np.float32([-7.0]), 1.0, seed=0)
    assert broken_value.tolist() == [31.0]
