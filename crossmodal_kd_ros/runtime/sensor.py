# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known of one sensor: its newest reading, its age, its rate, what was rejected, and whether it can be trusted."""

from collections import deque
from dataclasses import dataclass

import numpy as np

# Long enough to see five readings of a 1 Hz gas module.
RATE_WINDOW_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Health:
    """The verdict on one sensor at one instant.

    Attributes:
        healthy: its newest reading can be used.
        reason: why, in words, with the figure behind it.
        stamp_ns: stamp of the newest reading, nanoseconds; `None` if there never was one.
    """

    healthy: bool
    reason: str
    stamp_ns: int | None = None


@dataclass(frozen=True, kw_only=True)
class SensorReport:
    """What a technician wants to know of one sensor.

    Attributes:
        sensor: one of `SENSORS`.
        health: the verdict.
        age_s: age of the newest reading, seconds; `None` if there never was one.
        rate_hz: readings a second, over the last `RATE_WINDOW_S`.
        received: readings that were well formed.
        rejected: messages that were not.
        last_rejection: what was wrong with the last of these; empty if there was none.
    """

    sensor: str
    health: Health
    age_s: float | None
    rate_hz: float
    received: int
    rejected: int
    last_rejection: str


class SensorState:
    """The newest reading of one sensor, and how it has behaved. Every time is a header stamp: no clock is read here."""

    def __init__(self, sensor: str, *, timeout_s: float) -> None:
        """Start with no reading; `timeout_s` is the age at which a reading can no longer be used."""
        self.sensor = sensor
        self.timeout_s = timeout_s
        self.value: np.ndarray | None = None
        self.received = 0
        self.rejected = 0
        self.last_rejection = ''
        self._stamp_ns: int | None = None
        self._readable = False
        self._stamps: deque[int] = deque()

    def accept(self, stamp_ns: int, value: np.ndarray) -> None:
        """Take a reading that has been checked."""
        self.announce(stamp_ns)
        self.value = value
        self.confirm()

    def announce(self, stamp_ns: int) -> None:
        """Note that a reading arrived whose content is decoded later; `confirm` or `deny` follows, unless it is skipped.

        The last one to arrive counts as the newest, whatever its stamp, so that a clock set back does not stop the
        sensor for good.
        """
        self.received += 1
        self._stamp_ns = stamp_ns
        if self._stamps and stamp_ns < self._stamps[-1]:
            self._stamps.clear()
        self._stamps.append(stamp_ns)
        while stamp_ns - self._stamps[0] > RATE_WINDOW_S * 1e9:
            self._stamps.popleft()

    def confirm(self) -> None:
        """Note that the content could be decoded."""
        self._readable = True

    def deny(self, reason: str) -> None:
        """Note that the content could not be decoded: no reading counts until one can be."""
        self.reject(reason)
        self._readable = False

    def reject(self, reason: str) -> None:
        """Count a malformed message; it is treated as absent."""
        self.rejected += 1
        self.last_rejection = reason

    def age_s(self, now_ns: int) -> float | None:
        """Return the age of the newest reading, seconds; negative if its stamp is ahead of the clock."""
        return None if self._stamp_ns is None else (now_ns - self._stamp_ns) / 1e9

    def rate_hz(self, now_ns: int) -> float:
        """Return how many readings a second came lately; 0 when there were none in the last `RATE_WINDOW_S`."""
        if len(self._stamps) < 2 or now_ns - self._stamps[-1] > RATE_WINDOW_S * 1e9:
            return 0.0
        span_s = (self._stamps[-1] - self._stamps[0]) / 1e9
        return (len(self._stamps) - 1) / span_s if span_s > 0.0 else 0.0

    def health(self, now_ns: int) -> Health:
        """Return whether the newest reading can be used at `now_ns`, and why."""
        age_s = self.age_s(now_ns)
        if age_s is None:
            return Health(healthy=False, reason=f'no {self.sensor} reading yet' + self._rejections())
        if not self._readable:
            return Health(healthy=False, reason=f'no {self.sensor} reading could be decoded' + self._rejections(),
                          stamp_ns=self._stamp_ns)
        if age_s > self.timeout_s:
            reason = f'newest {self.sensor} reading is {age_s:.2f} s old (limit {self.timeout_s:.2f} s)'
            return Health(healthy=False, reason=reason + self._rejections(), stamp_ns=self._stamp_ns)
        if age_s < -self.timeout_s:
            reason = (f'newest {self.sensor} reading is stamped {-age_s:.2f} s ahead of this clock '
                      f'(limit {self.timeout_s:.2f} s)')
            return Health(healthy=False, reason=reason, stamp_ns=self._stamp_ns)
        return Health(healthy=True, reason=f'newest {self.sensor} reading is {age_s:.2f} s old', stamp_ns=self._stamp_ns)

    def report(self, now_ns: int) -> SensorReport:
        """Return what a technician wants to know at `now_ns`."""
        return SensorReport(
            sensor=self.sensor, health=self.health(now_ns), age_s=self.age_s(now_ns), rate_hz=self.rate_hz(now_ns),
            received=self.received, rejected=self.rejected, last_rejection=self.last_rejection)

    def _rejections(self) -> str:
        return f'; {self.rejected} rejected, the last: {self.last_rejection}' if self.rejected else ''
