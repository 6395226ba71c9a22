# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One sensor: its newest reading and the verdict on it, its age, its rate, what was rejected."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crossmodal_kd_ros.health.channels import ChannelsHealth
from crossmodal_kd_ros.health.grid import GridHealth
from crossmodal_kd_ros.health.picture import PictureHealth
from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.health.verdict import ContentHealth, Verdict
from crossmodal_kd_ros.profile import CAMERA, Profile

# Long enough to see five readings of a sensor.
_RATE_WINDOW_S, _RATE_PERIODS = 5.0, 5
# As many readings in a row as come in this time (within limits) that are older than the newest, or
# from the future by the same, are no stragglers: the clock of the sensor was set. Of readings of
# which a third come late, twenty in a row do less than once in a billion.
_CLOCK_SET_S, _MIN_CLOCK_SET, _MAX_CLOCK_SET = 1 / 3, 5, 20
# At 200 Hz the last third of a second: longer than any answer is under way.
_REMEMBERED = 64
# Under this part of the rate that it had, or should have, a sensor is worth a look; what that
# means for the robot, its timeout says.
SLOW = 0.5
_RATE_READINGS = 10


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether one sensor can be used at one instant.

    Attributes:
        healthy: its newest reading can be used.
        reasons: why it cannot; empty if it can.
        stamp_ns: stamp of the newest reading, nanoseconds; `None` if there never was one.
        arriving: readings come, and can be decoded, whatever they are worth; those of a healthy
            sensor do.
        late_s: age of a newest reading with which nothing is wrong but that; `None` if anything
            is, or nothing.
        idle: it works, and measures nothing now.
    """

    healthy: bool
    reasons: tuple[Reason, ...] = ()
    stamp_ns: int | None = None
    arriving: bool = True
    late_s: float | None = None
    idle: bool = False


@dataclass(frozen=True, kw_only=True)
class SensorReport:
    """What a technician wants to know of one sensor.

    Attributes:
        sensor: its name.
        healthy: its newest reading can be used.
        reasons: why it can or cannot be used.
        remarks: what a technician should see to though it can be used.
        age_s: age of the newest reading, seconds; `None` if there never was one.
        rate_hz: readings a second of late, by their stamps.
        arrival_rate_hz: well-formed messages a second of late, by this clock when they came; 0
            where the caller brings no clock.
        expected_rate_hz: readings a second by the profile.
        delay_s: from the stamp of the newest well-formed message to its arrival, seconds; `None`
            before the first.
        received: readings that were well formed.
        rejected: messages that were not, and readings that no working sensor gives.
        last_rejection: what was wrong with the last of these; `None` if there was none.
    """

    sensor: str
    healthy: bool
    reasons: tuple[Reason, ...]
    remarks: tuple[Reason, ...]
    age_s: float | None
    rate_hz: float
    arrival_rate_hz: float
    expected_rate_hz: float
    delay_s: float | None
    received: int
    rejected: int
    last_rejection: Reason | None


class Rate:
    """How often something happened of late."""

    def __init__(self, window_ns: float) -> None:
        """Start with nothing; what is longer ago than `window_ns` is forgotten."""
        self._window_ns = window_ns
        # Each time, and how often it happened then: a clock that stands still fills no memory.
        self._moments: deque[list[int]] = deque()
        self._count = 0

    def __len__(self) -> int:
        """Return how often it happened within the window."""
        return self._count

    def add(self, time_ns: int) -> None:
        """Note that it happened."""
        moments = self._moments
        if moments and moments[-1][0] == time_ns:
            moments[-1][1] += 1
        else:
            moments.append([time_ns, 1])
        self._count += 1
        while time_ns - moments[0][0] > self._window_ns:
            self._count -= moments.popleft()[1]

    def hz(self, now_ns: int) -> float:
        """Return how often a second; 0 where it happened less than twice."""
        moments = self._moments
        if self._count < 2 or now_ns - moments[-1][0] > self._window_ns:
            return 0.0
        span_s = (moments[-1][0] - moments[0][0]) / 1e9
        return (self._count - 1) / span_s if span_s > 0.0 else 0.0


class SensorHealth:
    """The newest reading of one sensor, and how it has behaved. Every time is a header stamp.

    A reading that is bad by itself (malformed, out of range, overtaken, from the future) is
    refused and the one before it goes on counting until it is stale. So one bad reading of a
    hundred changes nothing, and a hundred do within the timeout.

    The content of a sense's reading is known when it comes: `accept`. That of a picture is decoded
    later: `announce`, then `examine` or `deny`, unless a newer one comes first.

    Attributes:
        sensor: its name.
        timeout_s: age at which a reading can no longer be used, s.
        waits_for: what keeps readings from coming, as far as the reader of the messages knows.
    """

    def __init__(
        self,
        sensor: str,
        content: ContentHealth,
        *,
        period_s: float,
        timeout_s: float,
        remembered: int = _REMEMBERED,
    ) -> None:
        """Start with no reading.

        Args:
            sensor: its name.
            content: judges the content of its readings.
            period_s: from one reading to the next, s.
            timeout_s: see above.
            remembered: readings to keep; 0 where a reading is used once or never.
        """
        self.sensor, self.timeout_s, self.waits_for = sensor, timeout_s, ''
        self._content = content
        self._period_s = period_s
        self._rate_window_ns = 1e9 * max(_RATE_WINDOW_S, _RATE_PERIODS * period_s)
        self._clock_set = min(max(round(_CLOCK_SET_S / period_s), _MIN_CLOCK_SET), _MAX_CLOCK_SET)
        # The last readings that were not refused, with their stamps and the verdicts on them.
        self._readings: deque[tuple[int, np.ndarray, Verdict]] = deque(maxlen=remembered)
        self._received = self._rejected = 0
        self._last_rejection: Reason | None = None
        self.reset()

    def reset(self) -> None:
        """Forget every reading, as after a jump of the clock; the counts go on."""
        self._readings.clear()
        self._first_ns: int | None = None
        self._stamp_ns: int | None = None
        self._readable = False
        self._read_ns: int | None = None  # stamp of the newest picture that could be decoded
        self._older_in_a_row = 0
        # of readings from the future, in a row
        self._leads_ns: deque[int] = deque(maxlen=self._clock_set)
        self._ahead_ns = 0  # of the sensor's clock, where that is known to be wrong
        self._refusal: Reason | None = None  # of the last reading, if it was refused
        self._refused_in_a_row = 0
        self._stamps, self._arrivals = Rate(self._rate_window_ns), Rate(self._rate_window_ns)
        self._delay_ns: int | None = None
        self._best_rate_hz = 0.0
        self._content.reset()

    @property
    def verdict(self) -> Verdict:
        """The verdict on the content of the newest reading that was not refused."""
        return self._content.verdict

    def accept(self, stamp_ns: int, value: np.ndarray, now_ns: int | None = None) -> None:
        """Take a reading of a sense that is well formed, or refuse it for what it says.

        Args:
            stamp_ns: when it was read, nanoseconds.
            value: `float32[size]`.
            now_ns: the time by this clock, if the caller has one: a reading from the future is
                refused then.
        """
        if not self._is_in_order(stamp_ns, now_ns):
            return
        refusal = self._content.refuse(value)
        if refusal is not None:
            self._refuse(refusal)
            return
        stamp_ns = self.by_this_clock(stamp_ns)
        self._arrived(stamp_ns)
        # No reading is of later than its arrival, whatever its stamp says.
        read_ns = stamp_ns if now_ns is None else min(stamp_ns, now_ns)
        used = self._content.take(stamp_ns, value)
        self._readings.append((read_ns, used, self.verdict))
        self._confirm()

    def reading_at(self, stamp_ns: int) -> tuple[int, np.ndarray, Verdict] | None:
        """Return the newest reading that is not of after `stamp_ns`, or else the oldest.

        A picture goes with what was read when it was taken, not when it is answered. It comes
        between the time when it was read, nanoseconds, and the verdict when it came, which knows
        what is wrong with this reading alone; it is `None` if there is no reading.
        """
        for reading in reversed(self._readings):
            if reading[0] <= stamp_ns:
                return reading
        return self._readings[0] if self._readings else None

    def announce(self, stamp_ns: int, now_ns: int | None = None) -> bool:
        """Return whether the stamp of a reading is in order; if not, it is refused.

        Its content is not known yet.
        """
        is_in_order = self._is_in_order(stamp_ns, now_ns)
        if is_in_order:
            self._arrived(self.by_this_clock(stamp_ns))
        return is_in_order

    def examine(self, stamp_ns: int, value: np.ndarray) -> None:
        """Judge the content of the reading that was announced with this stamp."""
        self._read_ns = self.by_this_clock(stamp_ns)
        self._content.take(self._read_ns, value)
        self._confirm()

    def deny(self, text: str) -> None:
        """Note, and say why, that the content could not be decoded.

        The last that could be goes on counting until the timeout.
        """
        self.reject(text)
        self._readable = False

    def reject(self, text: str) -> None:
        """Count a malformed message, for what `text` says; it is treated as absent."""
        self._rejected += 1
        self._last_rejection = Reason(ReasonCode.MALFORMED, text=text)

    def by_this_clock(self, stamp_ns: int) -> int:
        """Return a stamp of this sensor without the lead of its clock, where that is known."""
        return stamp_ns - self._ahead_ns

    def age_s(self, now_ns: int) -> float | None:
        """Return the age of the newest reading, s; negative if its stamp is ahead of the clock."""
        return None if self._stamp_ns is None else (now_ns - self._stamp_ns) / 1e9

    def rate_hz(self, now_ns: int) -> float:
        """Return how many readings a second came of late; 0 when there were none."""
        return self._stamps.hz(now_ns)

    def health(self, now_ns: int, accusation: Reason | None = None) -> Health:
        """Return whether the newest reading can be used at `now_ns`, and why not.

        Args:
            now_ns: the time, nanoseconds.
            accusation: what another sensor says against this one.
        """
        age_s = self.age_s(now_ns)
        silence = self._silence(age_s)
        fault = self.verdict.fault or accusation
        if not silence and fault is None:
            return Health(healthy=True, stamp_ns=self._stamp_ns)
        is_late = bool(silence) and silence[0].code is ReasonCode.STALE and fault is None
        return Health(
            healthy=False,
            reasons=silence or (replace(fault, sensor=self.sensor),),
            stamp_ns=self._stamp_ns,
            arriving=not silence,
            late_s=age_s if is_late else None,
            idle=not silence and fault.code is ReasonCode.NO_CONTACT,
        )

    def measures(self, now_ns: int) -> bool:
        """Return whether there is a fresh reading with no fault of its own."""
        return (
            bool(self._readings)
            and abs(self.age_s(now_ns)) <= self.timeout_s
            and self.verdict.fault is None
        )

    def report(self, now_ns: int, accusation: Reason | None = None) -> SensorReport:
        """Return what a technician wants to know at `now_ns`; `accusation` as for `health`."""
        health, age_s = self.health(now_ns, accusation), self.age_s(now_ns)
        fresh = (Reason(ReasonCode.FRESH, sensor=self.sensor, value=age_s or 0.0),)
        return SensorReport(
            sensor=self.sensor,
            healthy=health.healthy,
            reasons=health.reasons or fresh,
            remarks=self._remarks(now_ns) if health.healthy else (),
            age_s=age_s,
            rate_hz=self.rate_hz(now_ns),
            arrival_rate_hz=self._arrivals.hz(now_ns),
            expected_rate_hz=1.0 / self._period_s,
            delay_s=None if self._delay_ns is None else self._delay_ns / 1e9,
            received=self._received,
            rejected=self._rejected,
            last_rejection=self._last_rejection,
        )

    def _is_in_order(self, stamp_ns: int, now_ns: int | None) -> bool:
        self._received += 1
        if now_ns is not None:
            self._arrivals.add(now_ns)
            self._delay_ns = now_ns - stamp_ns
        if now_ns is not None and self._is_ahead(stamp_ns - now_ns):
            lead_s = (stamp_ns - now_ns) / 1e9
            self._refuse(Reason(ReasonCode.AHEAD, value=lead_s, limit=self.timeout_s))
            return False
        stamp_ns = self.by_this_clock(stamp_ns)
        if self._stamp_ns is not None and stamp_ns < self._stamp_ns:
            self._older_in_a_row += 1
            if self._older_in_a_row < self._clock_set:
                behind_s = (self._stamp_ns - stamp_ns) / 1e9
                self._refuse(Reason(ReasonCode.OVERTAKEN, value=behind_s))
                return False
            # Without the lead of a clock that is still ahead the next would be from the future.
            is_still_ahead = now_ns is not None and self._ahead_ns + stamp_ns > now_ns
            ahead_ns = self._ahead_ns if is_still_ahead else 0
            self.reset()
            self._ahead_ns = ahead_ns
        self._older_in_a_row = 0
        return True

    def _is_ahead(self, lead_ns: int) -> bool:
        """Return whether a stamp is too far ahead of this clock.

        A lead that is the same again and again is allowed for.
        """
        limit_ns = self.timeout_s * 1e9
        if lead_ns <= limit_ns:
            self._leads_ns.clear()
            if lead_ns >= -limit_ns:
                self._ahead_ns = 0
            return False
        if abs(lead_ns - self._ahead_ns) <= limit_ns:
            return False
        self._leads_ns.append(lead_ns)
        if (
            len(self._leads_ns) < self._clock_set
            or max(self._leads_ns) - min(self._leads_ns) > limit_ns
        ):
            return True
        # The least of them had the shortest way.
        self._ahead_ns = min(self._leads_ns)
        self._leads_ns.clear()
        return False

    def _arrived(self, stamp_ns: int) -> None:
        if self._first_ns is None:
            self._first_ns = stamp_ns
        if stamp_ns != self._stamp_ns:  # of one stamp there is one reading, however often it comes
            self._stamps.add(stamp_ns)
        self._stamp_ns = stamp_ns
        if len(self._stamps) >= _RATE_READINGS:
            self._best_rate_hz = max(self._best_rate_hz, self.rate_hz(stamp_ns))

    def _confirm(self) -> None:
        self._readable = True
        self._refusal, self._refused_in_a_row = None, 0

    def _refuse(self, reason: Reason) -> None:
        """Count a message that cannot be true; it is treated as absent."""
        self._rejected += 1
        self._last_rejection = self._refusal = reason
        self._refused_in_a_row += 1

    def _silence(self, age_s: float | None) -> tuple[Reason, ...]:
        """Return why there is no reading to use; empty if there is one."""
        if age_s is None:
            return self._with_rejections(ReasonCode.NO_READING)
        if not self._readable and self._unreadable_s() > self.timeout_s:
            return self._with_rejections(ReasonCode.NOT_DECODED)
        if age_s > self.timeout_s:
            return self._with_rejections(ReasonCode.STALE, age_s)
        if age_s < -self.timeout_s:
            return (self._reason(ReasonCode.NEWEST_AHEAD, -age_s),)
        return ()

    def _with_rejections(self, code: ReasonCode, value: float = 0.0) -> tuple[Reason, ...]:
        reasons = (self._reason(code, value),)
        if self.waits_for:
            reasons += (Reason(ReasonCode.WAITING, text=self.waits_for),)
        if not self._rejected:
            return reasons
        rejections = Reason(
            ReasonCode.REJECTIONS, count=self._rejected, causes=(self._last_rejection,)
        )
        return *reasons, rejections

    def _reason(self, code: ReasonCode, value: float) -> Reason:
        return Reason(code, sensor=self.sensor, value=value, limit=self.timeout_s)

    def _unreadable_s(self) -> float:
        return float('inf') if self._read_ns is None else (self._stamp_ns - self._read_ns) / 1e9

    def _remarks(self, now_ns: int) -> tuple[Reason, ...]:
        remarks = list(self.verdict.remarks)
        rate_hz, expected_hz = self.rate_hz(now_ns), 1.0 / self._period_s
        is_rate_known = self._stamp_ns - self._first_ns >= self._rate_window_ns
        if rate_hz < SLOW * self._best_rate_hz:
            remarks.append(Reason(ReasonCode.SLOWER, value=rate_hz, limit=self._best_rate_hz))
        elif is_rate_known and rate_hz < SLOW * expected_hz:
            remarks.append(Reason(ReasonCode.SLOW, value=rate_hz, limit=expected_hz))
        if self._ahead_ns:
            remarks.append(Reason(ReasonCode.CLOCK_AHEAD, value=self._ahead_ns / 1e9))
        if self._refused_in_a_row > 1:
            remarks.append(
                Reason(ReasonCode.REFUSED, count=self._refused_in_a_row, causes=(self._refusal,))
            )
        return tuple(remarks)


def sensors_of(profile: Profile, timeouts_s: Mapping[str, float]) -> dict[str, SensorHealth]:
    """Return the health of each sensor, the camera first, with these timeouts (s) by sensor."""
    layouts = {'grid': GridHealth, 'channels': ChannelsHealth}
    content = {CAMERA: PictureHealth(stuck_s=profile.camera.stuck_s)}
    content |= {name: layouts[sense.layout](sense) for name, sense in profile.senses.items()}
    return {
        sensor: SensorHealth(
            sensor,
            content[sensor],
            period_s=timing.period_s,
            timeout_s=timeouts_s[sensor],
            remembered=0 if sensor == CAMERA else _REMEMBERED,
        )
        for sensor, timing in profile.timing.items()
    }
