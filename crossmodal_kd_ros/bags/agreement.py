# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether a replay decides as the node did live, with a reason for each difference."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossmodal_kd_ros.bags.topics import Reading
from crossmodal_kd_ros.reports.run import Histogram
from crossmodal_kd_ros.runtime.announcer import ModeChange
from crossmodal_kd_ros.runtime.sample import Answer
from crossmodal_kd_ros.simulation import FaultSchedule

# A live answer comes at most so many frames after its picture: 10 s of 30 Hz.
_REMEMBERED = 300
_MAX_DIFFERENCES = 200
# The best two actions are close when their probabilities differ by less.
_CLOSE = 0.2
# A sensor that was broken has to earn its return.
_AFTER_FAULT_S = 2.0


@dataclass(frozen=True)
class _Replayed:
    """What the replay decided from a picture; no action where it cannot be read."""

    now_ns: int
    action: str
    probabilities: np.ndarray | None


@dataclass
class _InForce:
    """The mode in force, since when, and why; empty before the first is known."""

    mode: str = ''
    since_ns: int = 0
    reason: str = ''

    def said(self, now_ns: int, before: str = '') -> str:
        """Return since when it is in force, and why; `before` stands before a known mode."""
        if not self.mode:
            return 'no mode was known yet'
        reason = self.reason.removeprefix(f'{self.mode}: ')
        why = f' ("{reason}")' if reason else ''
        return f'{before}{self.mode} for {(now_ns - self.since_ns) / 1e6:.0f} ms{why}'


class Agreement:
    """Compares a replay with the answers in the recording, step by step.

    The action of a frame is the first published after its scores, its mode the one in force by
    then, live and here: the node publishes the mode first, then scores, then the action, and only
    the scores carry the header of the picture.

    Attributes:
        compared: frames that the node answered live and whose picture is in the bag.
        agreed: those with the same action and the same mode here.
        not_in_bag: frames that the node answered and whose picture the recorder missed.
        latency: from the stamp of a picture to the receipt of its scores, live.
        live_model: which weights the node ran, by its diagnostics; empty without any.
    """

    def __init__(
        self, actions: Sequence[str], *, lossy: bool, model: str, schedule: FaultSchedule
    ) -> None:
        """Start without a frame.

        Args:
            actions: the profile's.
            lossy: the pictures in the bag are not exactly those that the node saw.
            model: which weights the replay runs.
            schedule: the faults that are put into it.
        """
        self._actions = actions
        self.compared = self.agreed = self.not_in_bag = 0
        self.latency = Histogram()
        self.live_model = ''
        self.differences: list[dict[str, Any]] = []
        self._lossy, self._model, self._schedule, self._start_ns = lossy, model, schedule, 0
        self._replayed: OrderedDict[int, _Replayed] = OrderedDict()
        self._live, self._own = _InForce(), _InForce()
        # Live scores without their action yet: stamp, receipt, probabilities.
        self._scores: tuple[int, int, np.ndarray] | None = None

    @property
    def fraction(self) -> float | None:
        """Which part of the compared frames agreed; `None` without any."""
        return self.agreed / self.compared if self.compared else None

    def add_mode_change(self, change: ModeChange) -> None:
        """Note a change of mode in the replay."""
        if change.mode.value != self._own.mode:
            self._own.mode, self._own.since_ns = change.mode.value, change.now_ns
        self._own.reason = change.reason

    def add_replayed(self, now_ns: int, stamp_ns: int, answer: Answer | None) -> None:
        """Note what the replay decides from a picture; `None` where it cannot be read."""
        self._start_ns = self._start_ns or now_ns
        self._replayed[stamp_ns] = (
            _Replayed(now_ns, '', None)
            if answer is None
            else _Replayed(now_ns, answer.estimate.action, answer.estimate.probabilities)
        )
        if len(self._replayed) > _REMEMBERED:
            self._replayed.popitem(last=False)

    def add_live(self, reading: Reading) -> None:
        """Note what the node published live; compare where it completes a frame."""
        message = reading.value
        if reading.role == 'live_mode':
            self._live.mode, self._live.since_ns = message.data, reading.received_ns
        elif reading.role == 'live_reason':
            self._live.reason = message.data
        elif reading.role == 'live_scores' and not reading.bad:
            self.latency.add((reading.received_ns - reading.stamp_ns) / 1e6)
            scores = dict(zip(message.name, message.position))
            self._scores = (
                reading.stamp_ns,
                reading.received_ns,
                np.array([scores.get(name, np.nan) for name in self._actions]),
            )
        elif reading.role == 'live_action' and self._scores is not None:
            self._compare(*self._scores, message.data)
            self._scores = None
        elif reading.beat_ns:
            values = {pair.key: pair.value for status in message.status for pair in status.values}
            self.live_model = values.get('model', '')

    def summary_table(self) -> dict[str, Any]:
        """Return what `summary.json` says of the comparison."""
        return {
            'frames_compared': self.compared,
            'frames_agreed': self.agreed,
            'frames_not_in_bag': self.not_in_bag,
            'live_model': self.live_model,
            'same_model': self.live_model == self._model if self.live_model else None,
            'live_latency_ms': {
                'p50': self.latency.percentile(50),
                'p99': self.latency.percentile(99),
            },
            'differences': self.differences,
        }

    def _compare(self, stamp_ns: int, received_ns: int, live: np.ndarray, action: str) -> None:
        replayed = self._replayed.pop(stamp_ns, None)
        if replayed is None:
            self.not_in_bag += 1
            return
        self.compared += 1
        if (self._own.mode, replayed.action) == (self._live.mode, action):
            self.agreed += 1
        elif len(self.differences) < _MAX_DIFFERENCES:
            kind, why = self._why(replayed, received_ns, live)
            self.differences.append(
                {
                    't_s': round((replayed.now_ns - self._start_ns) / 1e9, 3),
                    'live': {'mode': self._live.mode, 'action': action},
                    'replay': {'mode': self._own.mode, 'action': replayed.action},
                    'kind': kind,
                    'why': why,
                }
            )

    def _why(self, replayed: _Replayed, received_ns: int, live: np.ndarray) -> tuple[str, str]:
        """Return the kind of a difference, which has no figures in it, and its reason."""
        if replayed.probabilities is None:
            return 'picture', 'the picture in the bag cannot be read'
        at_s = (replayed.now_ns - self._start_ns) / 1e9
        if any(
            fault.start_s <= at_s < fault.end_s + _AFTER_FAULT_S for fault in self._schedule.faults
        ):
            return 'fault', 'a fault was put into this replay'
        if self._own.mode != self._live.mode:
            return 'mode', (
                f'live {self._live.said(received_ns, "the mode had been ")}; '
                f'here {self._own.said(received_ns)}; the node '
                'noticed it at another moment, or readings came later to it than to the recorder'
            )
        moved = float(np.nanmax(np.abs(live - replayed.probabilities)))
        best, second = np.sort(live)[::-1][:2]
        if self.live_model not in ('', self._model):
            cause = 'other weights than live'
        elif self._lossy:
            cause = 'the picture was recorded as JPEG, not as the node saw it'
        else:
            cause = (
                'readings reached the node in another order than the recorder, it passed over '
                'pictures on the way here, or the arithmetic differs'
            )
        kind, call = ('close call', 'a close call: ') if best - second < _CLOSE else ('scores', '')
        return kind, (
            f'{call}live {best:.3f} to {second:.3f} between the best two, and up to {moved:.3f} '
            f'is what changed here ({cause})'
        )
