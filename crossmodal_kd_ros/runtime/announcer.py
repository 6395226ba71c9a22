# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is said of the mode: each change once, whoever noticed it, and why answers are withheld."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.profile import CAMERA, Mode
from crossmodal_kd_ros.runtime.arbiter import Decision

# Said also where the robot held before, for another reason: it gets no answer any more.
_FAILURES = (ReasonCode.MODEL_FAILED, ReasonCode.ANSWER_FAILED)


@dataclass(frozen=True, kw_only=True)
class ModeChange:
    """The mode changed, the sensors that are the cause of it did, or an answer failed.

    Attributes:
        now_ns: when it was noticed, nanoseconds.
        mode: the mode from now on.
        reason: why, in words.
    """

    now_ns: int
    mode: Mode
    reason: str


class Announcer:
    """Turns decisions by the health of the sensors into the mode that is acted on, and says it.

    Decisions may come from several threads, under one lock of the caller, and out of order: the
    newest counts.
    """

    def __init__(self, decision: Decision, on_mode: Callable[[ModeChange], None] | None) -> None:
        """Begin with a decision that was not said yet; `on_mode` is called at each change."""
        self._latest, self._on_mode = decision, on_mode
        self._announced: Decision | None = None
        # The newest for the sensors, the clock or a suspension; what is withheld is of one answer.
        self._hold: Decision | None = None
        self._withheld: tuple[Reason, ...] = ()
        self._suspended: tuple[Reason, ...] = ()
        self._jumps: list[Reason] = []  # why each epoch began; the first has no reason
        self._withheld_epoch = self._announced_epoch = 0

    @property
    def suspended(self) -> tuple[Reason, ...]:
        """Why no answer can be acted on, whatever the sensors say."""
        return self._suspended

    @property
    def clock_jumps(self) -> int:
        """How many epochs began because the clock was set back."""
        return len(self._jumps)

    def suspend(self, *reasons: Reason) -> None:
        """Hold for `reasons` from the next announcement on; without any, go on."""
        if [one.code for one in reasons] != [one.code for one in self._suspended]:
            self._announced = None
        self._suspended = reasons

    def begin_epoch(self, back_s: float) -> None:
        """Note that the clock was set back by `back_s`; it is said before the next decision."""
        self._jumps.append(Reason(ReasonCode.CLOCK_SET_BACK, value=back_s))

    def settle(self, decision: Decision, withheld: tuple[Reason, ...], now_ns: int) -> Decision:
        """Announce after an answer, which cannot be acted on for the reasons in `withheld`.

        Returns what becomes of the answer: its decision, or a hold.
        """
        self._withheld, self._withheld_epoch = withheld, decision.epoch
        self.announce(decision, now_ns)
        return self.hold_since(decision.number) or withhold(decision, self._suspended or withheld)

    def announce(self, decision: Decision, now_ns: int) -> Mode:
        """Announce and return the mode of `decision`, or of a newer one that came before."""
        # Another thread may have noticed something newer since the decision was made.
        if decision.number >= self._latest.number:
            self._latest = decision
        if self._latest.epoch != self._announced_epoch:
            self._announced_epoch = self._latest.epoch
            self._announced = None
            reasons = (self._jumps[self._latest.epoch - 1],)
            self._hold = replace(self._latest, mode=Mode.HOLD, reasons=reasons, lost=(CAMERA,))
            self._say(self._hold, now_ns)
        acted_on = self.acted_on(self._latest)
        if self._suspended or self._latest.mode is Mode.HOLD:
            self._hold = acted_on
        return self._say(acted_on, now_ns)

    def hold_since(self, number: int) -> Decision | None:
        """Return the newest hold, if a newer decision than that of a number asked for it.

        It forbids what was decided before, also once it is over.
        """
        return self._hold if self._hold is not None and self._hold.number > number else None

    def acted_on(self, decision: Decision) -> Decision:
        """Return `decision`, or a hold where answers are suspended or the last was withheld."""
        if self._suspended:
            return replace(decision, mode=Mode.HOLD, reasons=self._suspended, lost=())
        is_of_now = self._withheld_epoch == decision.epoch
        return withhold(decision, self._withheld if is_of_now else ())

    def _say(self, decision: Decision, now_ns: int) -> Mode:
        before, self._announced = self._announced, decision
        is_new = before is None or _what_is_said(before) != _what_is_said(decision)
        if is_new and self._on_mode is not None:
            self._on_mode(ModeChange(now_ns=now_ns, mode=decision.mode, reason=decision.reason))
        return decision.mode


def _what_is_said(decision: Decision) -> tuple[Mode, tuple[str, ...], ReasonCode | None]:
    code = decision.reasons[0].code
    return decision.mode, decision.lost, code if code in _FAILURES else None


def withhold(decision: Decision, withheld: tuple[Reason, ...]) -> Decision:
    """Return `decision`, or a hold where the answer cannot be acted on."""
    if not withheld or decision.mode is Mode.HOLD:
        return decision
    return replace(decision, mode=Mode.HOLD, reasons=withheld)
