# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known of one sensor: its newest reading, its age, its rate, what was rejected, and whether it can be trusted."""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from crossmodal_kd_ros.health.picture import PictureChecks
from crossmodal_kd_ros.health.readings import STREAMS, ReadingChecks

# Long enough to see five readings of a 1 Hz gas module.
RATE_WINDOW_S = 5.0
# So many readings in a row that are older than the newest, or from the future by the same, are no
# stragglers: the clock of the sensor was set. Of readings of which a third come late, twenty in a
# row do less than once in a billion.
_CLOCK_SET = {'camera': 10, 'touch': 20, 'gas': 5}
# At 200 Hz the last third of a second: longer than any answer is under way.
_REMEMBERED = 64
# Under this part of the rate that it had, a sensor is worth a look; what that means for the robot,
# its timeout says.
_SLOW = 0.5
_RATE_READINGS = 10


@dataclass(frozen=True, kw_only=True)
class Health:
    """The verdict on one sensor at one instant.

    Attributes:
        healthy: its newest reading can be used.
        reason: why, in words, with the figure behind it.
        stamp_ns: stamp of the newest reading, nanoseconds; `None` if there never was one.
        arriving: readings come, and can be decoded, whatever they are worth; those of a healthy
            sensor do.
        late_s: age of a newest reading with which nothing is wrong but that; `None` if anything
            is, or nothing.
        remark: what a technician should see to though the reading can be used; empty if nothing,
            and outside of a report.
    """

    healthy: bool
    reason: str
    stamp_ns: int | None = None
    arriving: bool = True
    late_s: float | None = None
    remark: str = ''


@dataclass(frozen=True, kw_only=True)
class SensorReport:
    """What a technician wants to know of one sensor.

    Attributes:
        sensor: one of `SENSORS`.
        health: the verdict.
        age_s: age of the newest reading, seconds; `None` if there never was one.
        rate_hz: readings a second, over the last `RATE_WINDOW_S`.
        received: readings that were well formed.
        rejected: messages that were not, and readings that no working sensor gives.
        last_rejection: what was wrong with the last of these; empty if there was none.
    """

    sensor: str
    health: Health
    age_s: float | None
    rate_hz: float
    received: int
    rejected: int
    last_rejection: str


class RecentReadings:
    """The last readings of touch or gas: a picture goes with what was felt when it was taken, not when it is answered."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._readings: deque[tuple[int, np.ndarray]] = deque(maxlen=_REMEMBERED)

    def __bool__(self) -> bool:
        return bool(self._readings)

    def add(self, stamp_ns: int, value: np.ndarray) -> None:
        """Remember a reading."""
        self._readings.append((stamp_ns, value))

    def at(self, stamp_ns: int) -> np.ndarray | None:
        """Return the newest that is not of after `stamp_ns`; the oldest if all are, `None` if there is none."""
        for read_ns, value in reversed(self._readings):
            if read_ns <= stamp_ns:
                return value
        return self._readings[0][1] if self._readings else None


class SensorState:
    """The newest reading of one sensor, and how it has behaved. Every time is a header stamp: no clock is read here.

    A reading that is bad by itself (malformed, out of range, overtaken, from the future) is
    refused and the one before it goes on counting until it is stale. So one bad reading of a
    hundred changes nothing, and a hundred do within the timeout.
    """

    def __init__(self, sensor: str, *, timeout_s: float) -> None:
        """Start with no reading; `timeout_s` is the age at which a reading can no longer be used."""
        self.sensor = sensor
        self.timeout_s = timeout_s
        self.received = 0
        self.rejected = 0
        self.last_rejection = ''
        self.checks = PictureChecks() if sensor == 'camera' else ReadingChecks(STREAMS[sensor])
        self.reset()

    def reset(self) -> None:
        """Forget every reading, as after a jump of the clock; the counts go on."""
        self.readings = RecentReadings()  # of touch or gas: those that were not refused
        self.suspicion = ''  # why another sense contradicts this one; empty if none does
        self._stamp_ns: int | None = None
        self._readable = False
        self._read_ns: int | None = None  # stamp of the newest picture that could be decoded
        self._older_in_a_row = 0
        # of readings from the future, in a row
        self._leads_ns: deque[int] = deque(maxlen=_CLOCK_SET[self.sensor])
        self._ahead_ns = 0  # of the sensor's clock, where that is known to be wrong
        self._refused = ''  # why the readings since the newest good one were refused
        self._refused_in_a_row = 0
        self._stamps: deque[int] = deque()
        self._own_rate_hz = 0.0
        self.checks.reset()

    def accept(self, stamp_ns: int, value: np.ndarray, now_ns: int | None = None) -> None:
        """Take a reading of touch or gas that is well formed, or refuse it for what it says.

        Args:
            stamp_ns: when it was read, nanoseconds.
            value: `float32[256]` or `float32[8]`.
            now_ns: the time by this clock, if the caller has one: a reading from the future is
                refused then.
        """
        if not self.announce(stamp_ns, now_ns):
            return
        why = self.checks.refuse(value)
        if why:
            self.refuse(why)
            return
        stamp_ns = self.by_this_clock(stamp_ns)
        self._arrived(stamp_ns)
        # No reading is of later than its arrival, whatever its stamp says.
        self.readings.add(
            stamp_ns if now_ns is None else min(stamp_ns, now_ns),
            self.checks.take(stamp_ns, value),
        )
        self.confirm()

    def announce(self, stamp_ns: int, now_ns: int | None = None) -> bool:
        """Return whether the stamp of a reading that has arrived is in order; if not, the reading is refused.

        The content of a picture is decoded later: `picture` or `deny` follows, unless it is
        skipped.
        """
        self.received += 1
        if now_ns is not None and self._is_ahead(stamp_ns - now_ns):
            self.refuse(
                f'stamped {(stamp_ns - now_ns) / 1e9:.2f} s ahead of this clock (limit {self.timeout_s:.2f} s)'
            )
            return False
        stamp_ns = self.by_this_clock(stamp_ns)
        if self._stamp_ns is not None and stamp_ns < self._stamp_ns:
            self._older_in_a_row += 1
            if self._older_in_a_row < _CLOCK_SET[self.sensor]:
                self.refuse(
                    f'stamped {(self._stamp_ns - stamp_ns) / 1e9:.2f} s before a reading that came earlier'
                )
                return False
            self.reset()
        self._older_in_a_row = 0
        if self.sensor == 'camera':
            self._arrived(stamp_ns)
        return True

    def picture(self, stamp_ns: int, image: np.ndarray) -> None:
        """Look at the picture that was announced with this stamp."""
        self._read_ns = self.by_this_clock(stamp_ns)
        self.checks.take(self._read_ns, image)
        self.confirm()

    def confirm(self) -> None:
        """Note that the content could be decoded."""
        self._readable = True
        self._refused, self._refused_in_a_row = '', 0

    def deny(self, reason: str) -> None:
        """Note that the content could not be decoded: the last that could be counts on until the timeout."""
        self.reject(reason)
        self._readable = False

    def reject(self, reason: str) -> None:
        """Count a malformed message; it is treated as absent."""
        self.rejected += 1
        self.last_rejection = reason

    def refuse(self, reason: str) -> None:
        """Count a message whose content cannot be true; it is treated as absent, and is why the sensor falls silent."""
        self.reject(reason)
        self._refused = reason
        self._refused_in_a_row += 1

    def by_this_clock(self, stamp_ns: int) -> int:
        """Return a stamp of this sensor without the lead of its clock, where that is known to be wrong."""
        return stamp_ns - self._ahead_ns

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
        silence, lie = self._silence(age_s), self._lie()
        if silence or lie:
            late_s = age_s if self.readings and age_s > self.timeout_s and not lie else None
            return Health(
                healthy=False,
                reason=silence or lie,
                stamp_ns=self._stamp_ns,
                arriving=not silence,
                late_s=late_s,
            )
        reason = f'newest {self.sensor} reading is {age_s:.2f} s old'
        return Health(healthy=True, reason=reason, stamp_ns=self._stamp_ns)

    def measures(self, now_ns: int) -> bool:
        """Return whether there is a fresh reading that is sound by itself, whatever another sense says of it."""
        return (
            bool(self.readings)
            and abs(self.age_s(now_ns)) <= self.timeout_s
            and not self.checks.verdict()
        )

    def report(self, now_ns: int) -> SensorReport:
        """Return what a technician wants to know at `now_ns`."""
        health = self.health(now_ns)
        # a technician reads it once a second; the verdict is asked for eight times a picture
        if health.healthy:
            health = replace(health, remark=self._remark(now_ns))
        return SensorReport(
            sensor=self.sensor,
            health=health,
            age_s=self.age_s(now_ns),
            rate_hz=self.rate_hz(now_ns),
            received=self.received,
            rejected=self.rejected,
            last_rejection=self.last_rejection,
        )

    def _is_ahead(self, lead_ns: int) -> bool:
        """Return whether a stamp is too far ahead of this clock; by the same again and again, that is allowed for."""
        most_ns = self.timeout_s * 1e9
        if lead_ns <= most_ns:
            self._leads_ns.clear()
            if lead_ns >= -most_ns:
                self._ahead_ns = 0
            return False
        if abs(lead_ns - self._ahead_ns) <= most_ns:
            return False
        self._leads_ns.append(lead_ns)
        if (
            len(self._leads_ns) < self._leads_ns.maxlen
            or max(self._leads_ns) - min(self._leads_ns) > most_ns
        ):
            return True
        # The least of them had the shortest way.
        self._ahead_ns = min(self._leads_ns)
        self._leads_ns.clear()
        return False

    def _silence(self, age_s: float | None) -> str:
        """Return why there is no reading to use; empty if there is one."""
        if age_s is None:
            return f'no {self.sensor} reading yet' + self._rejections()
        if not self._readable and self._unreadable_s() > self.timeout_s:
            return f'no {self.sensor} reading could be decoded' + self._rejections()
        if age_s > self.timeout_s:
            return (
                f'newest {self.sensor} reading is {age_s:.2f} s old (limit {self.timeout_s:.2f} s)'
                + self._rejections()
            )
        if age_s < -self.timeout_s:
            return (
                f'newest {self.sensor} reading is stamped {-age_s:.2f} s ahead of this clock '
                f'(limit {self.timeout_s:.2f} s)'
            )
        return ''

    def _lie(self) -> str:
        """Return why the readings that arrive cannot be trusted; empty if they can."""
        verdict = self.checks.verdict()
        if verdict:
            return f'{self.sensor} {verdict}'
        return self.suspicion

    def _unreadable_s(self) -> float:
        return float('inf') if self._read_ns is None else (self._stamp_ns - self._read_ns) / 1e9

    def _remark(self, now_ns: int) -> str:
        remarks = [] if self.sensor == 'camera' else [self.checks.remark()]
        rate_hz = self.rate_hz(now_ns)
        if rate_hz < _SLOW * self._own_rate_hz:
            remarks.append(f'{rate_hz:.1f} Hz, where it used to have {self._own_rate_hz:.1f} Hz')
        if self._ahead_ns:
            remarks.append(
                f'its clock is {self._ahead_ns / 1e9:.2f} s ahead of this one, which is allowed for'
            )
        if self._refused_in_a_row > 1:
            remarks.append(
                f'the last {self._refused_in_a_row} readings were refused: {self._refused}'
            )
        return '; '.join(filter(None, remarks))

    def _arrived(self, stamp_ns: int) -> None:
        self._stamp_ns = stamp_ns
        self._stamps.append(stamp_ns)
        while stamp_ns - self._stamps[0] > RATE_WINDOW_S * 1e9:
            self._stamps.popleft()
        if len(self._stamps) >= _RATE_READINGS:
            self._own_rate_hz = max(self._own_rate_hz, self.rate_hz(stamp_ns))

    def _rejections(self) -> str:
        return (
            f'; {self.rejected} rejected, the last: {self.last_rejection}' if self.rejected else ''
        )
