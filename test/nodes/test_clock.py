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
