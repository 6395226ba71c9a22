# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The pace of what is simulated, by a system clock that is set."""

from types import SimpleNamespace

import pytest

from crossmodal_kd_ros.nodes import clock
from crossmodal_kd_ros.nodes.clock import Pace


class SystemClock:
    """The clock of a node without /clock, beside a steady one, seconds."""

    ros_time_is_active = False

    def __init__(self) -> None:
        self.wall_s, self.steady_s = 1e6, 50.0

    def now(self) -> SimpleNamespace:
        return SimpleNamespace(nanoseconds=round(self.wall_s * 1e9))


@pytest.mark.parametrize('step_s', [3600.0, 0.5, -0.5], ids=str)
def test_stamps_follow_a_system_clock_that_is_set_and_the_seconds_do_not(monkeypatch, step_s):
    system = SystemClock()
    monkeypatch.setattr(clock, 'time', SimpleNamespace(monotonic=lambda: system.steady_s))
    pace = Pace(SimpleNamespace(get_clock=lambda: system), 0.1)
    system.wall_s, system.steady_s = 1e6 + 2.0, 52.0
    assert pace.now_s() == pytest.approx(1.9) and pace.jumps == 0

    system.wall_s, system.steady_s = 1e6 + 3.0 + step_s, 53.0
    assert pace.now_s() == pytest.approx(2.9) and pace.jumps == 1
    assert pace.stamp_ns(2.9) / 1e9 == pytest.approx(system.wall_s, abs=1e-6)
    assert pace.stamp_ns(3.9) / 1e9 == pytest.approx(system.wall_s + 1.0, abs=1e-6)


def test_a_simulation_that_begins_or_is_set_is_no_time_that_went_by_and_a_fast_one_is():
    simulated = SimpleNamespace(ros_time_is_active=True, seconds=0.0)
    simulated.now = lambda: SimpleNamespace(nanoseconds=round(simulated.seconds * 1e9))
    pace = Pace(SimpleNamespace(get_clock=lambda: simulated), 0.0, jump_s=60.0)
    told = []
    for simulated.seconds in (0.0, 20.0, 22.0, 24.0, 400.0, 402.0, 1.0, 3.0):
        told.append(pace.now_s())
    # 2 s at a look are twenty times real time at ten looks a second.
    assert told == pytest.approx([0.0, 0.0, 2.0, 4.0, 4.0, 6.0, 6.0, 8.0]) and pace.jumps == 3
