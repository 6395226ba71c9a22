# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One run read back from its bag, as arrays: all figures of the report come from these."""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from crossmodal_kd_ros.bags import read_messages
from crossmodal_kd_ros.profile import Sense
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.runtime.sources import CameraReader
from crossmodal_kd_ros.simulation.panel import PROFILE

# The reason is published just before its mode, on a topic of its own; nobody promises that they
# arrive in that order.
_SLACK_NS = 20_000_000
TRUTH_FIELDS = topics.truth_fields(PROFILE)
GRID_TRUTHS = topics.grid_truths(PROFILE)
ESTIMATES = topics.estimates(PROFILE)
# Pictures are recorded as they were sent, or as JPEG.
_PICTURES = {
    f'/{PROFILE.camera.topic}': CameraReader(topics.IMAGE),
    f'/{PROFILE.camera.topic}/compressed': CameraReader(topics.COMPRESSED_IMAGE),
}


@dataclass(frozen=True)
class Series:
    """The messages of one topic, in the order received.

    Attributes:
        stamp_ns: `int64[n]`, stamp of each header.
        received_ns: `int64[n]`, when each reached the observer.
        values: `float32[n, width]`.
    """

    stamp_ns: np.ndarray
    received_ns: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.stamp_ns)

    def match(self, other: 'Series') -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of this series and of `other` that have equal stamps, in step."""
        _, rows, other_rows = np.intersect1d(self.stamp_ns, other.stamp_ns, return_indices=True)
        return rows, other_rows


@dataclass(frozen=True)
class Text:
    """A text that came without a header: a mode with its reason, or an action."""

    received_ns: int
    text: str
    reason: str = ''


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One run over the living wall, or with a camera alone.

    Attributes:
        camera: stamps of the images that were received; no values.
        readings, estimates: by sense, `[n, size]`: what was read, and the student's estimates.
        scores: `[n, A]`, probability of each action.
        quantities: `[n, Q]`; lower, upper: their bounds, NaN without a calibration.
        actions: what was published as the action. modes: every mode with its reason, and
            again where the reason changed.
        truth: `[n, F]`, columns `TRUTH_FIELDS`; empty where nobody knows the truth.
        grid_truths: by sense of layout `grid`, `[n, size]`; empty likewise.
        experts: what the expert said of each frame.
        end_ns: when the last message of any topic was received while the run was watched.
    """

    camera: Series
    readings: Mapping[str, Series]
    estimates: Mapping[str, Series]
    scores: Series
    quantities: Series
    lower: Series
    upper: Series
    actions: tuple[Text, ...]
    modes: tuple[Text, ...]
    truth: Series
    grid_truths: Mapping[str, Series]
    experts: tuple[dict[str, Any], ...]
    end_ns: int

    @property
    def start_ns(self) -> int:
        """Stamp of the first frame: second 0 of the run. 0 where no frame ever came."""
        frames_ns = self.truth.stamp_ns if len(self.truth) else self.camera.stamp_ns
        return int(frames_ns[0]) if len(frames_ns) else 0

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end; 0 where no frame ever came."""
        return (self.end_ns - self.start_ns) / 1e9 if self.start_ns else 0.0

    def seconds(self, time_ns: np.ndarray | int) -> np.ndarray:
        """Return times as seconds since the first frame."""
        return (np.asarray(time_ns, np.int64) - self.start_ns) / 1e9

    def of_sensor(self, sensor: str) -> Series:
        """Return the messages of the camera or of a sense."""
        return self.readings[sensor] if sensor in self.readings else self.camera


def load_recording(bag: Path, *, end_ns: int) -> Recording:
    """Read the bag of a run.

    Args:
        bag: its folder.
        end_ns: see `Recording`. Answers to the last pictures may come later.

    Raises:
        BagError: there is no readable bag at `bag`.
    """
    messages: dict[str, list] = defaultdict(list)
    for message in read_messages(bag):
        topic, kept = message.topic, message.message
        if topic in _PICTURES:
            # The header is enough: a run of 40 s can hold a gigabyte of pixels.
            topic, kept = '/' + PROFILE.camera.topic, SimpleNamespace(header=kept.header)
        messages[topic].append((message.received_ns, kept))

    def series(topic: str, width: int, read: Callable[[Any], Any]) -> Series:
        own = messages['/' + topic]
        return Series(
            np.array([stamp_ns(message) for _, message in own], np.int64),
            np.array([received for received, _ in own], np.int64),
            np.array([read(message) for _, message in own], np.float32).reshape(len(own), width),
        )

    def named(topic: topics.Topic, names: Collection[str]) -> Series:
        return series(topic.name, len(names), lambda message: by_name(message, names))

    def senses(topic_of: Mapping[str, str]) -> dict[str, Series]:
        return {
            name: series(
                topic,
                PROFILE.senses[name].size,
                lambda message, name=name: read_reading(PROFILE.senses[name], message),
            )
            for name, topic in topic_of.items()
        }

    def texts(topic: topics.Topic) -> list[Text]:
        return [Text(received, message.data) for received, message in messages['/' + topic.name]]

    return Recording(
        camera=series(PROFILE.camera.topic, 0, lambda message: ()),
        readings=senses({name: sensed_topic(sense) for name, sense in PROFILE.senses.items()}),
        estimates=senses({name: topic.name for name, topic in ESTIMATES.items()}),
        scores=named(topics.ACTION_SCORES, PROFILE.actions),
        quantities=named(topics.SURFACE_STATE, tuple(PROFILE.quantities)),
        lower=named(topics.SURFACE_STATE, [f'{name}_lower' for name in PROFILE.quantities]),
        upper=named(topics.SURFACE_STATE, [f'{name}_upper' for name in PROFILE.quantities]),
        actions=tuple(texts(topics.ACTION)),
        modes=with_reasons(texts(topics.MODE), texts(topics.MODE_REASON)),
        truth=named(topics.TRUTH, TRUTH_FIELDS),
        grid_truths=senses({name: topic.name for name, topic in GRID_TRUTHS.items()}),
        experts=tuple(
            json.loads(message.data) for _, message in messages['/' + topics.EXPERT.name]
        ),
        end_ns=end_ns,
    )


def read_pictures(bag: Path, stamps_ns: Iterable[int]) -> dict[int, np.ndarray]:
    """Return those images that are in the bag, `uint8[H, W, 3]` RGB, by stamp."""
    wanted = {int(stamp) for stamp in stamps_ns}
    return {
        stamp: _PICTURES[message.topic].decoder(message.message)()
        for message in read_messages(bag, topics=_PICTURES)
        if (stamp := stamp_ns(message.message)) in wanted
    }


def sensed_topic(sense: Sense) -> str:
    """Return the topic that a sense of the living wall comes from: each comes from one."""
    [topic] = sense.topics
    return topic


def by_name(message: Any, names: Collection[str]) -> list[float]:
    """Return a JointState's positions in the order of `names`; NaN for a name it does not have."""
    values = dict(zip(message.name, message.position))
    return [values.get(name, np.nan) for name in names]


def read_reading(sense: Sense, message: Any) -> np.ndarray:
    """Return a reading, an estimate or a truth of a sense as `float32[size]`.

    NaN where the message holds another size, or misses a channel.
    """
    if sense.layout == 'channels':
        return np.array(by_name(message, sense.channel_names), np.float32)
    if message.data.nbytes != 4 * sense.size:
        return np.full(sense.size, np.nan, np.float32)
    return np.frombuffer(message.data.tobytes(), np.float32)


def with_reasons(modes: list[Text], reasons: list[Text]) -> tuple[Text, ...]:
    """Return each mode with its reason, and again where the reason of the mode in force changes.

    The reason of a mode is the last `MODE: reason` that came no later than it did.
    """
    explained = []
    ends_ns = [*(later.received_ns for later in modes[1:]), math.inf]
    for mode, end_ns in zip(modes, ends_ns, strict=True):
        own = [reason for reason in reasons if reason.text.startswith(f'{mode.text}: ')]
        by_then = [each for each in own if each.received_ns <= mode.received_ns + _SLACK_NS]
        explained.append(Text(mode.received_ns, mode.text, _words(by_then[-1]) if by_then else ''))
        explained += [
            Text(each.received_ns, mode.text, _words(each))
            for each in own
            if mode.received_ns + _SLACK_NS < each.received_ns < end_ns
        ]
    return tuple(explained)


def _words(reason: Text) -> str:
    return reason.text.partition(': ')[2]


def stamp_ns(message: Any) -> int:
    """Return the stamp of a message's header, ns."""
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
