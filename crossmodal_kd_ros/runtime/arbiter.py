# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who decides: the teacher, with or without one of its senses, the student, or nobody, from the health of the sensors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crossmodal_kd_ros.contract import SENSORS, Mode
from crossmodal_kd_ros.health.sensor import Health

# From the third on, each failure within this time after the last trouble doubles the proof that a
# sensor owes, up to this factor.
_MEMORY_S = 30.0
_MOST_PROOF = 16
# Pictures that are not looked at, and readings of a sensor that is known to stutter, may come so
# seldom: later, it is dead.
_RARE_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decides now, and why.

    Attributes:
        mode: one of `Mode`.
        reason: in words, with the figures behind it.
        lost: the sensors that are the cause, in the order of `SENSORS`.
        usable: the sensors whose newest reading counts, in the same order.
    """

    mode: Mode
    reason: str
    lost: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()


def without_evidence(usable: tuple[str, ...]) -> Mode:
    """Return who decides with `usable` where nobody has measured who is best."""
    if 'camera' not in usable:
        return Mode.HOLD
    return Mode.TEACHER if usable == SENSORS else Mode.STUDENT


@dataclass
class _Trust:
    """What the arbiter remembers of one sensor."""

    trusted: bool = False
    failed: bool = False  # it was trusted once and then failed: it has to earn its return
    good_since_ns: int = 0
    good_stamp_ns: int | None = None  # stamp of the first good reading after the failure
    failures: int = 0  # each within `_MEMORY_S` of the one before
    last_bad_ns: int | None = None


class ModeArbiter:
    """Turns the health of each sensor into a mode, slowly upwards and at once downwards.

    A sensor that fails is dropped at once: what is transient has been smoothed out before, one bad
    reading makes no bad health. It counts again after `recovery_s` of unbroken health with at
    least two readings: one late reading of a 2 Hz gas module is fresh for longer than
    `recovery_s`, and proves nothing. From the third failure within 30 s on, each doubles that
    time, so that a sensor that comes and goes does not make the mode come and go. A sensor that
    has not failed yet counts from its first reading on: at start-up there is nothing to recover
    from.

    A sensor that only falls silent is dropped at its timeout. One that has come back from two
    failures, the second within 30 s
    of the first, is known to stutter, and as long as it does its last reading counts for up to 3
    s: that is worth more than none, and the mode does not come and go. So is one that was good for
    `recovery_s` in between, its second reading just too late. One failure makes no stutterer: a
    hiccup at start-up must not hide a loss.

    Where no picture arrives there is nothing to answer: the mode is `HOLD`. Pictures that arrive
    while the camera is not trusted are answered by whoever was measured to decide well without it;
    as nobody looks at them, these may come seldom.
    """

    def __init__(
        self,
        *,
        recovery_s: float = 0.5,
        choose: Callable[[tuple[str, ...]], Mode] = without_evidence,
    ) -> None:
        """Remember nothing yet; `choose` says who decides best with a set of sensors, `HOLD` if nobody does well."""
        self.recovery_s = recovery_s
        self._choose = choose
        self.reset()

    def reset(self) -> None:
        """Forget every failure, as after a jump of the clock."""
        self._trust = {sensor: _Trust() for sensor in SENSORS}
        self._is_absent, self._arrived_ns = True, 0

    def decide(self, healths: Mapping[str, Health], now_ns: int) -> Decision:
        """Return who decides at `now_ns`, given the health of each of `SENSORS`."""
        self._await_pictures(healths['camera'].arriving, now_ns)
        doubts = {}
        for sensor in SENSORS:
            doubt = self._doubt(sensor, healths[sensor], now_ns)
            if doubt is not None:
                doubts[sensor] = doubt
        usable = tuple(sensor for sensor in SENSORS if sensor not in doubts)
        # Where nobody does well without the camera, that alone is the cause, whatever else is
        # lost.
        if 'camera' in doubts and (self._is_absent or self._choose(SENSORS[1:]) is Mode.HOLD):
            return Decision(
                mode=Mode.HOLD, reason=doubts['camera'], lost=('camera',), usable=usable
            )
        late = (healths[sensor].reason for sensor in usable if not healths[sensor].healthy)
        reason = '; '.join([*doubts.values(), *late]) or 'camera, touch and gas are healthy'
        return Decision(
            mode=self._choose(usable), reason=reason, lost=tuple(doubts), usable=usable
        )

    def _stutters(self, trust: _Trust, health: Health, now_ns: int) -> bool:
        """Return whether a sensor that has come back from two failures is silent again, for no longer than that may last."""
        is_known = (
            trust.failures >= 2
            and trust.good_stamp_ns is not None
            and now_ns - trust.last_bad_ns < _MEMORY_S * 1e9
        )
        return is_known and health.late_s is not None and health.late_s <= _RARE_S

    def _was_back(self, trust: _Trust, health: Health, now_ns: int) -> bool:
        """Return whether a sensor falls silent that was good for long enough, but too seldom to be trusted again."""
        return (
            health.late_s is not None
            and trust.good_stamp_ns is not None
            and now_ns - trust.good_since_ns >= self.recovery_s * 1e9
        )

    def _await_pictures(self, arriving: bool, now_ns: int) -> None:
        """Note whether there is anything to answer, before the camera is judged."""
        if arriving:
            self._is_absent, self._arrived_ns = False, now_ns
        elif self._trust['camera'].trusted or now_ns - self._arrived_ns > _RARE_S * 1e9:
            self._is_absent = True

    def _doubt(self, sensor: str, health: Health, now_ns: int) -> str | None:
        """Return why `sensor` does not count, or `None` if it does."""
        trust = self._trust[sensor]
        if not health.healthy and self._stutters(trust, health, now_ns):
            trust.last_bad_ns = now_ns
        elif not health.healthy:
            if trust.trusted or self._was_back(trust, health, now_ns):
                recent = (
                    trust.last_bad_ns is not None and now_ns - trust.last_bad_ns < _MEMORY_S * 1e9
                )
                trust.failed, trust.failures = True, trust.failures + 1 if recent else 1
            trust.trusted, trust.good_stamp_ns, trust.last_bad_ns = False, None, now_ns
            return health.reason
        if trust.trusted or not trust.failed:
            trust.trusted = True
            return None
        if trust.good_stamp_ns is None or now_ns < trust.good_since_ns:
            trust.good_since_ns, trust.good_stamp_ns = now_ns, health.stamp_ns
        good_s = (now_ns - trust.good_since_ns) / 1e9
        owed_s = self.recovery_s * min(2 ** max(trust.failures - 2, 0), _MOST_PROOF)
        if good_s >= owed_s and health.stamp_ns != trust.good_stamp_ns:
            trust.trusted = True
            return None
        return (
            f'{sensor} is back for {good_s:.2f} s (counts after {owed_s:.2f} s and two readings)'
        )
