# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One run read back from its bag, as arrays: what every figure and every number of the report is computed from."""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from crossmodal_kd_ros.bags import read_messages
from crossmodal_kd_ros.contract import ACTIONS, GAS_NAMES, NUM_TAXELS, SURFACE_STATE
from crossmodal_kd_ros.demo import topics
from crossmodal_kd_ros.runtime.messages import image_reader

# The reason is published just before its mode, on a topic of its own; nobody promises that they
# arrive in that order.
_SLACK_NS = 20_000_000

TRUTH_NAMES = ('frame', 'action', *SURFACE_STATE, *(f'gas/{name}' for name in GAS_NAMES))


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

    def find(self, stamps_ns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Match by stamp: return (`int[m]` rows of this series, `int[m]` rows of `stamps_ns`), in step."""
        _, mine, theirs = np.intersect1d(self.stamp_ns, stamps_ns, return_indices=True)
        return mine, theirs


@dataclass(frozen=True)
class Said:
    """A text that came without a header: a mode with its reason, or an action."""

    received_ns: int
    text: str
    reason: str = ''


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One run.

    Attributes:
        camera: stamps of the images that were received; no values.
        touch: readings, `[n, 256]`. gas: readings, `[n, 8]`.
        scores: `[n, 6]`. surface: `[n, 3]`. touch_estimate: `[n, 256]`.
        actions: what was published on `maintenance/action`. modes: every mode with its reason.
        truth: `[n, 13]`, columns `TRUTH_NAMES`; empty where nobody knows the truth. touch_truth:
            `[n, 256]`.
        experts: what the expert said of each frame, from `simulation/expert`.
    """

    camera: Series
    touch: Series
    gas: Series
    scores: Series
    surface: Series
    touch_estimate: Series
    actions: tuple[Said, ...]
    modes: tuple[Said, ...]
    truth: Series
    touch_truth: Series
    experts: tuple[dict[str, Any], ...]

    @property
    def start_ns(self) -> int:
        """Stamp of the first frame: second 0 of the run. 0 where no frame ever came."""
        stamps = self.truth.stamp_ns if len(self.truth) else self.camera.stamp_ns
        return int(stamps[0]) if len(stamps) else 0

    @property
    def end_ns(self) -> int:
        """Stamp of the last frame."""
        stamps = self.truth.stamp_ns if len(self.truth) else self.camera.stamp_ns
        return int(stamps[-1]) if len(stamps) else 0

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last."""
        return (self.end_ns - self.start_ns) / 1e9

    def seconds(self, time_ns: np.ndarray | int) -> np.ndarray:
        """Return times as seconds since the first frame."""
        return (np.asarray(time_ns, np.int64) - self.start_ns) / 1e9


def load_recording(bag: Path) -> Recording:
    """Read the bag of a run.

    Raises:
        BagError: there is no readable bag at `bag`.
    """
    seen: dict[str, list] = defaultdict(list)
    for message in read_messages(bag):
        # Of a picture the header is enough: a run of 40 s holds a gigabyte of pixels.
        kept = (
            SimpleNamespace(header=message.message.header)
            if message.topic == '/' + topics.CAMERA
            else message.message
        )
        seen[message.topic].append((message.received_ns, kept))

    def series(topic: str, width: int, read: Any) -> Series:
        got = seen['/' + topic]
        return Series(
            np.array([_stamp_ns(message) for _, message in got], np.int64),
            np.array([received for received, _ in got], np.int64),
            np.array([read(message) for _, message in got], np.float32).reshape(len(got), width),
        )

    return Recording(
        camera=series(topics.CAMERA, 0, lambda message: ()),
        touch=series(topics.TOUCH, NUM_TAXELS, taxels),
        gas=series(topics.GAS, len(GAS_NAMES), lambda message: by_name(message, GAS_NAMES)),
        scores=series(topics.SCORES, len(ACTIONS), lambda message: by_name(message, ACTIONS)),
        surface=series(
            topics.SURFACE, len(SURFACE_STATE), lambda message: by_name(message, SURFACE_STATE)
        ),
        touch_estimate=series(topics.TOUCH_ESTIMATE, NUM_TAXELS, taxels),
        actions=tuple(
            Said(received, message.data) for received, message in seen['/' + topics.ACTION]
        ),
        modes=with_reasons(
            [Said(received, message.data) for received, message in seen['/' + topics.MODE]],
            [Said(received, message.data) for received, message in seen['/' + topics.MODE_REASON]],
        ),
        truth=series(
            topics.TRUTH, len(TRUTH_NAMES), lambda message: by_name(message, TRUTH_NAMES)
        ),
        touch_truth=series(topics.TOUCH_TRUTH, NUM_TAXELS, taxels),
        experts=tuple(json.loads(message.data) for _, message in seen['/' + topics.EXPERT]),
    )


def read_pictures(bag: Path, stamps_ns: Collection[int]) -> dict[int, np.ndarray]:
    """Return the images with `stamps_ns`, `uint8[H, W, 3]`, RGB, by stamp; an image that is not in the bag is left out."""
    wanted = {int(stamp) for stamp in stamps_ns}
    return {
        stamp: image_reader(message.message)()
        for message in read_messages(bag, topics=['/' + topics.CAMERA])
        if (stamp := _stamp_ns(message.message)) in wanted
    }


def by_name(message: Any, names: Collection[str]) -> list[float]:
    """Return a JointState's positions in the order of `names`; NaN for a name it does not have."""
    values = dict(zip(message.name, message.position))
    return [values.get(name, np.nan) for name in names]


def taxels(message: Any) -> np.ndarray:
    """Return a `32FC1` 16x16 Image as `float32[256]`; NaN where it is of another size."""
    if message.data.nbytes != 4 * NUM_TAXELS:
        return np.full(NUM_TAXELS, np.nan, np.float32)
    return np.frombuffer(message.data.tobytes(), np.float32)


def with_reasons(modes: list[Said], reasons: list[Said]) -> tuple[Said, ...]:
    """Give each mode the reason that was published for it: the last `MODE: reason` that came no later than it did."""
    explained = []
    for said in modes:
        by_then = [
            reason.text for reason in reasons if reason.received_ns <= said.received_ns + _SLACK_NS
        ]
        mine = [text for text in by_then if text.startswith(f'{said.text}: ')]
        explained.append(
            Said(said.received_ns, said.text, mine[-1].partition(': ')[2] if mine else '')
        )
    return tuple(explained)


def _stamp_ns(message: Any) -> int:
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
