# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From when on a sensor counts: the transition table as its docstring has it, and its times."""

import re

import pytest

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode, say
from crossmodal_kd_ros.health.sensor import Health
from crossmodal_kd_ros.health.trust import Trust, TrustState

SECOND = 1_000_000_000
BAD = (Reason(ReasonCode.STUCK, sensor='pad', value=1.0, limit=0.5),)
AIR = (Reason(ReasonCode.NO_CONTACT, sensor='pad', part='depth', value=0.0, limit=0.1),)
STATES, HEALTHS = [state.name for state in TrustState], ['good', 'pause', 'idle', 'bad']


class Sensor:
    """The trust in a sensor, with a clock in seconds."""

    def __init__(self, **options: bool) -> None:
        self.trust, self.now_s = Trust('pad', **options), 0.0

    def see(self, health: str, after_s: float = 0.1) -> tuple[Reason, ...]:
        self.now_s += after_s
        stamp_ns = round(self.now_s * SECOND)
        seen = {
            'good': Health(healthy=True, stamp_ns=stamp_ns),
            'pause': Health(healthy=False, reasons=BAD, stamp_ns=stamp_ns - SECOND, late_s=1.0),
            'idle': Health(healthy=False, reasons=AIR, stamp_ns=stamp_ns, idle=True),
            'bad': Health(healthy=False, reasons=BAD, stamp_ns=stamp_ns),
        }[health]
        return self.trust.update(seen, stamp_ns, 0.5)

    def fail_and_return(self, times: int) -> None:
        self.see('good')
        for _ in range(times):
            self.see('bad')
            for _ in range(100):
                self.see('good')
                if self.trust.counts:
                    break


def in_state(state: str, *, failures: int = 2) -> Sensor:
    """Return a sensor in this state that has failed as often, each soon after the other."""
    sensor = Sensor()
    if state == 'LOST' and failures:
        sensor.fail_and_return(failures - 1)
        sensor.see('bad')
    elif state != 'LOST':
        sensor.fail_and_return(failures)
        if state == 'RECOVERING':
            sensor.see('bad')
            sensor.see('good')
        elif state == 'FLAPPING':
            sensor.see('pause')
        elif state == 'IDLE':
            sensor.see('idle')
    assert sensor.trust.state.name == state
    return sensor


def rows() -> list[tuple[str, str, str]]:
    """Return (state, health, next state) of each row of the docstring's table."""
    return re.findall(
        rf'^ +({"|".join(STATES)}) +({"|".join(HEALTHS)}) +(.+?)$', Trust.__doc__, re.MULTILINE
    )


def test_the_table_has_a_row_for_every_state_and_every_health():
    assert {row[:2] for row in rows()} == {(state, one) for state in STATES for one in HEALTHS}


@pytest.mark.parametrize(('state', 'health', 'then'), rows())
def test_the_next_state_is_that_of_the_table(state, health, then):
    first = then.split(';')[0].split(',')[0]
    sensor = in_state(state)
    reasons = sensor.see(health)

    assert sensor.trust.state.name == first
    assert sensor.trust.counts == (first in ('TRUSTED', 'FLAPPING'))
    assert bool(reasons) == (not sensor.trust.counts)
    if 'once the proof is complete' in then:
        sensor = in_state(state)
        for _ in range(4):
            sensor.see('good', 0.2)  # the third failure wants a second of proof
        sensor.see(health, 0.3)
        assert sensor.trust.state.name == then.split('; ')[1].split(' ')[0]
    if 'if it owes no proof' in then:
        sensor = in_state(state, failures=0)
        sensor.see(health)
        assert sensor.trust.state.name == then.split('; ')[1].split(' ')[0]
    if 'a failure is counted' in then:
        assert proof_s(sensor) == pytest.approx(1.0)
        assert proof_s(in_state('TRUSTED')) == 0.0


def proof_s(sensor: Sensor) -> float:
    """Return how long a sensor has to be good before it counts."""
    reasons = sensor.see('good')
    return reasons[0].limit if reasons else 0.0


def test_a_pause_is_one_only_of_a_sensor_that_failed_twice_and_only_for_three_seconds():
    once = in_state('TRUSTED', failures=1)
    once.see('pause')
    assert once.trust.state is TrustState.LOST

    long = in_state('TRUSTED')
    late = Health(healthy=False, reasons=BAD, stamp_ns=0, late_s=3.1)
    assert long.trust.update(late, round(long.now_s * SECOND), 0.5) == BAD
    assert long.trust.state is TrustState.LOST


def test_a_camera_that_was_only_silent_counts_with_its_next_picture_and_no_other_sensor_does():
    for options, then in (({'is_used_once': True}, 'TRUSTED'), ({}, 'RECOVERING')):
        sensor = Sensor(**options)
        sensor.see('good')
        sensor.see('pause')
        assert sensor.trust.state is TrustState.LOST
        sensor.see('good')
        assert sensor.trust.state.name == then


def test_a_camera_that_sends_a_picture_every_two_seconds_counts_from_the_third_silence_on():
    sensor = Sensor(is_used_once=True)
    states = []
    for _ in range(5):
        sensor.see('good', 1.0)
        states.append(sensor.trust.state.name)
        sensor.see('pause', 1.0)
        states.append(sensor.trust.state.name)

    assert states == ['TRUSTED', 'LOST'] * 2 + ['TRUSTED', 'FLAPPING'] * 3


def test_a_camera_that_owes_proof_owes_it_after_a_silence_too():
    sensor = Sensor(is_used_once=True)
    for health in ('good', 'bad', 'pause', 'good'):
        sensor.see(health)
    assert sensor.trust.state is TrustState.RECOVERING
    # And one that was silent, and then shows nothing that is good.
    sensor = Sensor(is_used_once=True)
    for health in ('good', 'pause', 'bad', 'good'):
        sensor.see(health)
    assert sensor.trust.state is TrustState.RECOVERING


def test_half_a_minute_without_trouble_ends_what_is_known_of_a_sensors_pauses():
    sensor = in_state('TRUSTED')
    for _ in range(400):
        sensor.see('good')
    sensor.see('pause')

    assert sensor.trust.state is TrustState.LOST


def test_the_reason_of_a_sensor_that_comes_back_has_both_figures():
    sensor = in_state('LOST', failures=1)
    sensor.see('good')

    assert say(*sensor.see('good')) == (
        'pad is back for 0.10 s (counts after 0.50 s and two readings)'
    )
    assert sensor.trust.state is TrustState.RECOVERING


def test_the_proof_of_a_sensor_that_fails_again_and_again_has_an_end():
    sensor = Sensor()
    sensor.fail_and_return(12)
    sensor.see('bad')

    assert proof_s(sensor) == pytest.approx(16 * 0.5)
