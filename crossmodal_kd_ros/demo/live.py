# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The state of a run while it goes on: the newest message of each topic, and a few figures."""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.demo.recording import (
    ESTIMATES,
    TRUTH_FIELDS,
    by_name,
    read_reading,
    sensed_topic,
    stamp_ns,
)
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.runtime.messages import image_reader
from crossmodal_kd_ros.simulation.panel import PROFILE

CAMERA_TOPIC = PROFILE.camera.topic
SENSOR_TOPICS = {'camera': CAMERA_TOPIC} | {
    name: sensed_topic(sense) for name, sense in PROFILE.senses.items()
}
INPUT_TYPES = {CAMERA_TOPIC: topics.IMAGE} | {
    topic.name: topic.type for _, topic in topics.sense_topics(PROFILE)
}
OUTPUT_TYPES = {topic.name: topic.type for topic in topics.outputs(PROFILE)}
SIMULATION_TYPES = {topic.name: topic.type for topic in topics.simulation_topics(PROFILE)}

_TYPES = get_typestore(Stores.LATEST)
_ALL_TYPES = INPUT_TYPES | OUTPUT_TYPES | SIMULATION_TYPES
_TRUE_QUANTITIES = [TRUTH_FIELDS.index(name) for name in PROFILE.quantities]
_TOUCH_TOPIC, _TOUCH_ESTIMATE_TOPIC = SENSOR_TOPICS['touch'], ESTIMATES['touch'].name
_FORGET_S = 0.5


@dataclass
class Live:
    """The state of a run, fed by `take` with what the observer received.

    Attributes:
        start_ns: stamp of the first frame; 0 before it.
        mode, reason: what is in force. history: every (seconds, mode, reason) so far.
        action: the last one published. probabilities: of each action, `None` before the first.
        expert: what the expert says of the newest frame; empty where there is none.
        quantities, true_quantities: published, and true, in the order of the profile.
        touch, touch_estimate: newest reading and the student's estimate, `float32[256]`.
        received_ns: of the newest message of each topic.
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
    quantities: np.ndarray | None = None
    true_quantities: np.ndarray | None = None
    touch: np.ndarray | None = None
    touch_estimate: np.ndarray | None = None
    received_ns: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=300))
    _mode_and_reason: str = ''
    _camera: bytes = b''

    @property
    def picture(self) -> np.ndarray | None:
        """The newest picture `uint8[H, W, 3]`, RGB, decoded now: few are drawn of many."""
        if not self._camera:
            return None
        return image_reader(_decode(CAMERA_TOPIC, self._camera))()

    @property
    def seconds(self) -> float:
        """Seconds since the first frame; 0 before it."""
        return self._since_start(self.now_ns)

    @property
    def newest_ns(self) -> int:
        """When the newest message of any topic was received; 0 before the first."""
        return max(self.received_ns.values(), default=0)

    def alive(self, topic: str, *, forget_s: float = _FORGET_S) -> bool:
        """Return whether `topic` had a message within the last `forget_s`."""
        return self.now_ns - self.received_ns.get(topic, -(10**18)) < forget_s * 1e9

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
        self.received_ns.update({topic: received_ns for topic, (received_ns, _) in newest.items()})
        if CAMERA_TOPIC in newest:
            self._camera = newest[CAMERA_TOPIC][1]
            self.start_ns = self.start_ns or stamp_ns(_decode(CAMERA_TOPIC, self._camera))
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
        self._mode_and_reason = message.data
        self._explain()

    def _explain(self) -> None:
        """Join mode and reason, which arrive in either order."""
        mode, _, reason = self._mode_and_reason.partition(': ')
        if mode == self.mode and self.history:
            self.reason = reason
            self.history[-1] = (*self.history[-1][:2], self.history[-1][2] or reason)

    def _on_scores(self, received_ns: int, message: Any) -> None:
        self.probabilities = np.array(by_name(message, PROFILE.actions))
        self.answered += 1
        self.latencies_ms.append((received_ns - stamp_ns(message)) / 1e6)

    def _on_action(self, received_ns: int, message: Any) -> None:
        self.action = message.data

    def _on_truth(self, received_ns: int, message: Any) -> None:
        self.start_ns = self.start_ns or stamp_ns(message)
        self.true_quantities = np.array(by_name(message, TRUTH_FIELDS))[_TRUE_QUANTITIES]

    def _on_expert(self, received_ns: int, message: Any) -> None:
        self.expert = json.loads(message.data)

    def _on_quantities(self, received_ns: int, message: Any) -> None:
        self.quantities = np.array(by_name(message, tuple(PROFILE.quantities)))

    def _on_touch(self, received_ns: int, message: Any) -> None:
        self.touch = read_reading(PROFILE.senses['touch'], message)

    def _on_touch_estimate(self, received_ns: int, message: Any) -> None:
        self.touch_estimate = read_reading(PROFILE.senses['touch'], message)

    def _since_start(self, received_ns: int) -> float:
        return (received_ns - self.start_ns) / 1e9 if self.start_ns else 0.0


# Of these every message counts; of the others the newest of each call is enough.
_EVERY = (topics.MODE.name, topics.MODE_REASON.name, topics.ACTION_SCORES.name)
_READERS = {
    topics.MODE.name: Live._on_mode,
    topics.MODE_REASON.name: Live._on_reason,
    topics.ACTION_SCORES.name: Live._on_scores,
    topics.ACTION.name: Live._on_action,
    topics.TRUTH.name: Live._on_truth,
    topics.EXPERT.name: Live._on_expert,
    topics.SURFACE_STATE.name: Live._on_quantities,
    _TOUCH_TOPIC: Live._on_touch,
    _TOUCH_ESTIMATE_TOPIC: Live._on_touch_estimate,
}


def _decode(topic: str, data: bytes) -> Any:
    return _TYPES.deserialize_cdr(data, _ALL_TYPES[topic])
