# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From when on a sensor counts, and from when on one that failed counts again."""

from enum import Enum, auto

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.health.sensor import Health

# From the third on, each failure within this time after the last trouble doubles the proof that a
# sensor owes, up to this factor.
_MEMORY_S = 30.0
_MAX_PROOF = 16
# So many failures, each within that time after the trouble before, make a sensor one that flaps.
_FLAPPING_FAILURES = 2
# Pictures that are not looked at, and readings of a sensor that is known to flap, may come so
# seldom: later, it is dead.
RARE_S = 3.0


class TrustState(Enum):
    """Whether a sensor counts."""

    LOST = auto()
    RECOVERING = auto()
    TRUSTED = auto()
    FLAPPING = auto()
    IDLE = auto()


class Trust:
    """The trust in one sensor: a state machine, driven by the sensor's health. It starts `LOST`.

    A sensor counts while it is `TRUSTED`, or `FLAPPING`: silent for a moment, as so often. Its
    health at one instant is one of

    - good: healthy;
    - pause: its only fault is the age of its newest reading, at most 3 s, and it has failed twice
      or more, each time within 30 s after the trouble before, the last of it less than 30 s ago;
    - idle: it works, and measures nothing now, as a pad in the air;
    - bad: anything else.

    ========== ====== ==========
    state      health next state
    ========== ====== ==========
    LOST       good   RECOVERING; TRUSTED if it owes no proof
    LOST       pause  LOST
    LOST       idle   LOST
    LOST       bad    LOST
    RECOVERING good   RECOVERING; TRUSTED once the proof is complete
    RECOVERING pause  RECOVERING; FLAPPING once the proof is complete
    RECOVERING idle   LOST
    RECOVERING bad    LOST
    TRUSTED    good   TRUSTED
    TRUSTED    pause  FLAPPING
    TRUSTED    idle   IDLE
    TRUSTED    bad    LOST, and a failure is counted
    FLAPPING   good   TRUSTED
    FLAPPING   pause  FLAPPING
    FLAPPING   idle   IDLE
    FLAPPING   bad    LOST, and a failure is counted
    IDLE       good   TRUSTED
    IDLE       pause  FLAPPING
    IDLE       idle   IDLE
    IDLE       bad    LOST, and a failure is counted
    ========== ====== ==========

    The proof is `recovery_s` since the sensor came back, and two readings: one late reading of a
    slow sensor is fresh for longer than that, and proves nothing. From the third failure within
    30 s on, each doubles that time, up to 16 times. A sensor that has never failed owes none: at
    start-up there is nothing to recover from. Nor does one whose readings are used once, as those
    of the camera, when it was trusted and then only silent: the picture that is answered is as
    good as ever. One that was good for `recovery_s` while `RECOVERING`, its second reading just
    too late, counts as failed too when it falls silent.

    Attributes:
        state: one of `TrustState`.
    """

    def __init__(self, sensor: str, *, is_used_once: bool = False) -> None:
        """Start with a sensor that has never been good and never failed.

        Args:
            sensor: its name.
            is_used_once: each of its readings, in the answer that belongs to it.
        """
        self.state = TrustState.LOST
        self._sensor, self._is_used_once = sensor, is_used_once
        self._owes_proof = False
        self._failures = 0  # each within `_MEMORY_S` of the trouble before
        self._back_ns = 0  # since when it is good again
        self._back_stamp_ns: int | None = None  # stamp of the first good reading since then
        self._trouble_ns: int | None = None  # when it last was not good

    @property
    def counts(self) -> bool:
        """Whether the newest reading of the sensor is used."""
        return self.state in (TrustState.TRUSTED, TrustState.FLAPPING)

    @property
    def _has_failed(self) -> bool:
        """Whether it has to prove itself, or has not been seen yet."""
        return self.state in (TrustState.LOST, TrustState.RECOVERING)

    def update(self, health: Health, now_ns: int, recovery_s: float) -> tuple[Reason, ...]:
        """Go to the next state; return why the sensor does not count, empty if it does."""
        if health.idle and not self._has_failed:
            self.state = TrustState.IDLE
            return health.reasons
        is_pause = not health.healthy and self._is_pause(health, now_ns)
        if not health.healthy:
            if not is_pause:
                self._fail(health, now_ns, recovery_s)
            self._trouble_ns = now_ns
            if not is_pause:
                return health.reasons
        usable = TrustState.FLAPPING if is_pause else TrustState.TRUSTED
        if not self._has_failed or not self._owes_proof:
            self.state = usable
            return ()
        if self.state is TrustState.LOST or now_ns < self._back_ns:
            self.state = TrustState.RECOVERING
            self._back_ns, self._back_stamp_ns = now_ns, health.stamp_ns
        back_s = (now_ns - self._back_ns) / 1e9
        proof_s = recovery_s * min(2 ** max(self._failures - 2, 0), _MAX_PROOF)
        if back_s >= proof_s and health.stamp_ns != self._back_stamp_ns:
            self.state = usable
            return ()
        return (Reason(ReasonCode.RECOVERING, sensor=self._sensor, value=back_s, limit=proof_s),)

    def _is_pause(self, health: Health, now_ns: int) -> bool:
        return (
            self.state is not TrustState.LOST
            and self._failures >= _FLAPPING_FAILURES
            and now_ns - self._trouble_ns < _MEMORY_S * 1e9
            and health.late_s is not None
            and health.late_s <= RARE_S
        )

    def _fail(self, health: Health, now_ns: int, recovery_s: float) -> None:
        """Go to `LOST`; count a failure if the sensor counted, or was good for long enough to."""
        was_back = (
            self.state is TrustState.RECOVERING
            and health.late_s is not None
            and now_ns - self._back_ns >= recovery_s * 1e9
        )
        if not self._has_failed or was_back:
            is_recent = (
                self._trouble_ns is not None and now_ns - self._trouble_ns < _MEMORY_S * 1e9
            )
            self._failures = self._failures + 1 if is_recent else 1
        owes_already = self._owes_proof and self._has_failed
        is_only_silent = self._is_used_once and health.late_s is not None
        self._owes_proof = self._failures > 0 and (owes_already or not is_only_silent)
        self.state = TrustState.LOST
