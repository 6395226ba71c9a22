# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known while a run goes on: the newest message of each topic, and the few figures that need more than that."""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.contract import ACTIONS, SURFACE_STATE
from crossmodal_kd_ros.demo import topics
from crossmodal_kd_ros.demo.recording import TRUTH_NAMES, by_name, taxels

_TYPES = get_typestore(Stores.LATEST)
_ALL_TYPES = topics.INPUTS | topics.OUTPUTS | topics.SIMULATION
_SURFACE_IN_TRUTH = [TRUTH_NAMES.index(name) for name in SURFACE_STATE]
_FORGET_S = 0.5


@dataclass
class Live:
    """The state of a run, fed by `take` with what the observer received.

    Attributes:
        start_ns: stamp of the first frame; 0 before it.
        mode, reason: what is in force. `history`: every (seconds, mode, reason) so far.
        action: the last one published. `probabilities`: of each of `ACTIONS`, `None` before the
            first.
        expert: what the expert says of the newest frame; empty where there is none.
        surface, true_surface: `SURFACE_STATE` published, and true.
        touch, touch_estimate: newest reading and the student's prediction, `float32[256]`.
        seen_ns: when each topic was last heard.
        answered: frames that got an answer. latencies_ms: of the last 300 of them.
    """

    start_ns: int = 0
    now_ns: int = 0
    mode: str = ''
    reason: str = ''
    history: list[tuple[float, str, str]] = field(default_factory=list)
    action: str = ''
    probabilities: np.ndarray | None = None
    expert: dict[str, Any] = field(default_factory=dict)
    surface: np.ndarray | None = None
    true_surface: np.ndarray | None = None
    touch: np.ndarray | None = None
    touch_estimate: np.ndarray | None = None
    seen_ns: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=300))
    _told: str = ''
    _camera: bytes = b''

    @property
    def picture(self) -> np.ndarray | None:
        """The newest picture `uint8[H, W, 3]`, RGB; decoded when asked for, which is far more seldom than pictures come."""
        if not self._camera:
            return None
        message = _decode(topics.CAMERA, self._camera)
        return message.data.reshape(message.height, message.step)[:, : 3 * message.width].reshape(
            message.height, message.width, 3
        )

    @property
    def seconds(self) -> float:
        """Seconds since the first frame; 0 before it."""
        return (self.now_ns - self.start_ns) / 1e9 if self.start_ns else 0.0

    def alive(self, topic: str, *, forget_s: float = _FORGET_S) -> bool:
        """Return whether `topic` was heard lately."""
        return self.now_ns - self.seen_ns.get(topic, -(10**18)) < forget_s * 1e9

    def take(
        self,
        fresh: list[tuple[str, int, bytes]],
        newest: dict[str, tuple[int, bytes]],
        now_ns: int,
    ) -> None:
        """Take in the messages received since the last call.

        Args:
            fresh: (topic, received_ns, serialised) in order, without pictures.
            newest: by topic, the newest (received_ns, serialised), pictures too.
            now_ns: the time, nanoseconds since the epoch.
        """
        self.now_ns = now_ns
        self.seen_ns.update({topic: received_ns for topic, (received_ns, _) in newest.items()})
        if topics.CAMERA in newest:
            self._camera = newest[topics.CAMERA][1]
            self.start_ns = self.start_ns or _stamp_ns(_decode(topics.CAMERA, self._camera))
        last = {topic: index for index, (topic, _, _) in enumerate(fresh)}
        for index, (topic, received_ns, data) in enumerate(fresh):
            if topic in _READERS and (topic in _EVERY or index == last[topic]):
                _READERS[topic](self, received_ns, _decode(topic, data))

    def _on_mode(self, received_ns: int, message: Any) -> None:
        if message.data != self.mode:
            self.mode = message.data
            self.history.append((self._since_start(received_ns), self.mode, ''))
            self._explain()

    def _on_reason(self, received_ns: int, message: Any) -> None:
        self._told = message.data
        self._explain()

    def _explain(self) -> None:
        """Join mode and reason, which arrive in either order."""
        mode, _, reason = self._told.partition(': ')
        if mode == self.mode and self.history:
            self.reason = reason
            self.history[-1] = (*self.history[-1][:2], self.history[-1][2] or reason)

    def _on_scores(self, received_ns: int, message: Any) -> None:
        self.probabilities = np.array(by_name(message, ACTIONS))
        self.answered += 1
        self.latencies_ms.append((received_ns - _stamp_ns(message)) / 1e6)

    def _on_action(self, received_ns: int, message: Any) -> None:
        self.action = message.data

    def _on_truth(self, received_ns: int, message: Any) -> None:
        self.start_ns = self.start_ns or _stamp_ns(message)
        self.true_surface = np.array(by_name(message, TRUTH_NAMES))[_SURFACE_IN_TRUTH]

    def _on_expert(self, received_ns: int, message: Any) -> None:
        self.expert = json.loads(message.data)

    def _on_surface(self, received_ns: int, message: Any) -> None:
        self.surface = np.array(by_name(message, SURFACE_STATE))

    def _on_touch(self, received_ns: int, message: Any) -> None:
        self.touch = taxels(message)

    def _on_touch_estimate(self, received_ns: int, message: Any) -> None:
        self.touch_estimate = taxels(message)

    def _since_start(self, received_ns: int) -> float:
        return (received_ns - self.start_ns) / 1e9 if self.start_ns else 0.0


# Of these every message counts; of the others the newest of each call is enough.
_EVERY = (topics.MODE, topics.MODE_REASON, topics.SCORES)
_READERS = {
    topics.MODE: Live._on_mode,
    topics.MODE_REASON: Live._on_reason,
    topics.SCORES: Live._on_scores,
    topics.ACTION: Live._on_action,
    topics.TRUTH: Live._on_truth,
    topics.EXPERT: Live._on_expert,
    topics.SURFACE: Live._on_surface,
    topics.TOUCH: Live._on_touch,
    topics.TOUCH_ESTIMATE: Live._on_touch_estimate,
}


def _decode(topic: str, data: bytes) -> Any:
    return _TYPES.deserialize_cdr(data, _ALL_TYPES[topic])


def _stamp_ns(message: Any) -> int:
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
