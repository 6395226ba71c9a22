# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether a node's time goes on: under `use_sim_time` it is that of `/clock`, if there is one."""

import threading
import time

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode

# For what has to happen whatever becomes of /clock, or of the system's clock: a timer of the
# node's own clock stands still with it, and after it was set back.
STEADY = Clock(clock_type=ClockType.STEADY_TIME)
# A simulation at a tenth of real time whose clock ticks ten times a second ticks once a second
# here.
_STANDS_S = 2.0
_NAME = '/clock'
# The system's clock and the steady one are read a moment apart; where they differ by more, one was
# set, or the machine slept.
_STEP_NS = 100_000_000
# How often it is looked at whether a time has come that only /clock can bring.
_POLL_S = 0.005


class ClockWatch:
    """Watches the clock of a node by the steady one."""

    def __init__(self, node: Node) -> None:
        """Start with a clock of which nothing is known."""
        self._node = node
        self._seen_ns, self._ticked_s = 0, time.monotonic()

    def faults(self) -> tuple[Reason, ...]:
        """Return why the node's time does not go on, if so; it is to be asked again and again.

        A time of 0 is no time: rclpy's, as long as `/clock` said nothing. Later the clock may
        pause for 2 s.
        """
        clock = self._node.get_clock()
        if not clock.ros_time_is_active:
            return ()
        now_ns, now_s = clock.now().nanoseconds, time.monotonic()
        if now_ns != self._seen_ns:
            self._seen_ns, self._ticked_s = now_ns, now_s
        stood_s = now_s - self._ticked_s
        if now_ns and stood_s < _STANDS_S:
            return ()
        name = clock_topic(self._node)
        if not self._node.count_publishers(name):
            return (Reason(ReasonCode.NO_CLOCK, text=name),)
        return (Reason(ReasonCode.CLOCK_STANDS, text=name, value=now_ns / 1e9, window_s=stood_s),)


class Pace:
    """Seconds since a start, by the clock of a node, for threads that do something at a time.

    They go on only with that clock, at its speed; to what it is set does not matter.

    Attributes:
        jumps: how often it was set; a stamp from before is worth nothing.
    """

    def __init__(self, node: Node, lead_s: float, *, jump_s: float = 1.0) -> None:
        """Let second 0 be `lead_s` from now.

        Args:
            node: whose clock it is.
            lead_s: seconds.
            jump_s: from one look at it to the next no clock goes on by so much: it was set.
        """
        self._clock, self._lock = node.get_clock(), threading.Lock()
        self._start_s = time.monotonic() + lead_s
        # What the clock said at a second, and last.
        self._base_s, self._base_ns = -lead_s, self._clock.now().nanoseconds
        self._last_ns, self._jump_ns = self._base_ns, round(1e9 * jump_s)
        self.jumps = 0

    def now_s(self) -> float:
        """Return the seconds since second 0."""
        with self._lock:
            now_ns = self._clock.now().nanoseconds
            if not self._clock.ros_time_is_active:
                now_s = time.monotonic() - self._start_s
                if abs(now_ns - self._stamp_ns(now_s)) > _STEP_NS:
                    self._base_s, self._base_ns = now_s, now_ns
                    self.jumps += 1
                return now_s
            begins = self._last_ns == 0 < now_ns
            if begins or not 0 <= now_ns - self._last_ns < self._jump_ns:
                self._base_s += (self._last_ns - self._base_ns) / 1e9
                self._base_ns = now_ns
                self.jumps += 1
            self._last_ns = now_ns
            return self._base_s + (now_ns - self._base_ns) / 1e9

    def stamp_ns(self, t_s: float) -> int:
        """Return what the node's clock says at second `t_s`, nanoseconds."""
        with self._lock:
            return self._stamp_ns(t_s)

    def wait(self, t_s: float, ended: threading.Event) -> bool:
        """Wait for second `t_s`; return whether `ended` was set before."""
        while (left_s := t_s - self.now_s()) > 0.0:
            if ended.wait(_POLL_S if self._clock.ros_time_is_active else left_s):
                return True
        return ended.is_set()

    def _stamp_ns(self, t_s: float) -> int:
        return self._base_ns + round((t_s - self._base_s) * 1e9)


def clock_topic(node: Node) -> str:
    """Return the whole name of the topic that the time of `node` comes from."""
    return node.resolve_topic_name(_NAME)
