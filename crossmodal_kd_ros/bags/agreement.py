# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Does a replay say what the node said live? Frame by frame, with a reason for each difference."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossmodal_kd_ros.bags.columns import Histogram
from crossmodal_kd_ros.bags.replay import Answer
from crossmodal_kd_ros.bags.topics import Reading
from crossmodal_kd_ros.contract import ACTIONS
from crossmodal_kd_ros.runtime import ModeChange
from crossmodal_kd_ros.simulation import FaultSchedule

# A live answer comes at most so many frames after its picture: 10 s of 30 Hz.
_REMEMBERED = 300
_MOST_TOLD = 200
# The best two actions are close when their probabilities differ by less.
_CLOSE = 0.2
# A sensor that was broken has to earn its return.
_AFTER_FAULT_S = 2.0


@dataclass(frozen=True)
class _Replayed:
    """What the replay said of a picture."""

    now_ns: int
    action: str
    probabilities: np.ndarray | None


class Agreement:
    """Compares a replay with the answers in the recording, as both go by.

    The action of a frame is the first published after its scores, its mode the one in force by
    then, live and here: the node publishes the mode first, then scores, then the action, and only
    the scores carry the header of the picture.

    Attributes:
        compared: frames that the node answered live and whose picture is in the bag.
        agreed: those with the same action and the same mode here.
        not_in_bag: frames that the node answered and whose picture the recorder missed.
        latency: from the stamp of a picture to the receipt of its scores, live.
        live_model: which weights the node said it ran; empty if it did not.
    """

    def __init__(self, *, lossy: bool, model: str, schedule: FaultSchedule) -> None:
        """Compare a replay by `model`, into which `schedule` was put.

        `lossy`: the pictures in the bag are not exactly those that the node saw.
        """
        self.compared = self.agreed = self.not_in_bag = 0
        self.latency = Histogram()
        self.live_model = ''
        self.differences: list[dict[str, Any]] = []
        self._lossy, self._model, self._schedule, self._start_ns = lossy, model, schedule, 0
        self._replayed: OrderedDict[int, _Replayed] = OrderedDict()
        self._mode, self._mode_since_ns, self._reason = '', 0, ''
        self._own_mode, self._own_mode_since_ns, self._own_reason = '', 0, ''
        self._waiting: tuple[int, int, np.ndarray] | None = None  # stamp, receipt, probabilities

    @property
    def fraction(self) -> float | None:
        """Which part of the compared frames agreed; `None` without any."""
        return self.agreed / self.compared if self.compared else None

    def changed(self, change: ModeChange) -> None:
        """Note a change of mode in the replay."""
        if change.mode.value != self._own_mode:
            self._own_mode, self._own_mode_since_ns = change.mode.value, change.now_ns
        self._own_reason = change.reason

    def replayed(self, now_ns: int, stamp_ns: int, answer: Answer) -> None:
        """Note what the replay says of a picture."""
        self._start_ns = self._start_ns or now_ns
        estimate = answer.estimate
        self._replayed[stamp_ns] = _Replayed(
            now_ns,
            estimate.action if estimate else '',
            estimate.probabilities if estimate else None,
        )
        if len(self._replayed) > _REMEMBERED:
            self._replayed.popitem(last=False)

    def live(self, reading: Reading) -> None:
        """Take in what the node said live."""
        message = reading.value
        if reading.role == 'live_mode':
            self._mode, self._mode_since_ns = message.data, reading.received_ns
        elif reading.role == 'live_reason':
            self._reason = message.data
        elif reading.role == 'live_scores' and not reading.bad:
            self.latency.add((reading.received_ns - reading.stamp_ns) / 1e6)
            scores = dict(zip(message.name, message.position))
            self._waiting = (
                reading.stamp_ns,
                reading.received_ns,
                np.array([scores.get(name, np.nan) for name in ACTIONS]),
            )
        elif reading.role == 'live_action' and self._waiting is not None:
            self._compare(*self._waiting, message.data)
            self._waiting = None
        elif reading.beat_ns:
            told = {pair.key: pair.value for status in message.status for pair in status.values}
            self.live_model = told.get('model', '')

    def table(self) -> dict[str, Any]:
        """Return what `summary.json` says of it."""
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
        mine = self._replayed.pop(stamp_ns, None)
        if mine is None:
            self.not_in_bag += 1
            return
        self.compared += 1
        if (self._own_mode, mine.action) == (self._mode, action):
            self.agreed += 1
        elif len(self.differences) < _MOST_TOLD:
            self.differences.append(
                {
                    't_s': round((mine.now_ns - self._start_ns) / 1e9, 3),
                    'live': {'mode': self._mode, 'action': action},
                    'replay': {'mode': self._own_mode, 'action': mine.action},
                    'why': self._why(mine, received_ns, live, action),
                }
            )

    def _why(self, mine: _Replayed, received_ns: int, live: np.ndarray, action: str) -> str:
        if mine.probabilities is None:
            return 'the picture in the bag cannot be read'
        at_s = (mine.now_ns - self._start_ns) / 1e9
        if any(
            fault.start_s <= at_s < fault.end_s + _AFTER_FAULT_S for fault in self._schedule.faults
        ):
            return 'a fault was put into this replay'
        if self._own_mode != self._mode:
            ago_ms, own_ago_ms = (
                (received_ns - since_ns) / 1e6
                for since_ns in (self._mode_since_ns, self._own_mode_since_ns)
            )
            return (
                f'live for {ago_ms:.0f} ms by then "{self._reason or self._mode}", here for {own_ago_ms:.0f} ms '
                f'"{self._own_mode}: {self._own_reason}"; the node noticed it at another moment, or readings came later to '
                'it than to the recorder'
            )
        moved = float(np.nanmax(np.abs(live - mine.probabilities)))
        best, second = np.sort(live)[::-1][:2]
        cause = (
            'other weights than live'
            if self.live_model not in ('', self._model)
            else (
                'the picture was recorded as JPEG, not as the node saw it'
                if self._lossy
                else 'readings reached the node in another order than the recorder, or the arithmetic differs'
            )
        )
        call = 'a close call: ' if best - second < _CLOSE else ''
        return (
            f'{call}live {best:.3f} to {second:.3f} between the best two, and up to {moved:.3f} is what changed here '
            f'({cause})'
        )
