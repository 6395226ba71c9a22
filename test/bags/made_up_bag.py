# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A small recording of a robot, and an engine whose answers can be foretold."""

from pathlib import Path

import cv2
import numpy as np
from rosbags.interfaces import Qos
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime.sample import Perception

TYPES = get_typestore(Stores.LATEST)
START_NS = 1_700_000_000_000_000_000
MS = 1_000_000
STRING, IMAGE, JPEG = (
    'std_msgs/msg/String',
    'sensor_msgs/msg/Image',
    'sensor_msgs/msg/CompressedImage',
)
JOINTS = 'sensor_msgs/msg/JointState'
PROFILE = load_profile()
ACTIONS = PROFILE.actions
GAS_NAMES = PROFILE.senses['gas'].channel_names
GAS = np.array([80.0, 340.0, 85.0, 21.0, 110.0, 3.0, 20.6, 5.0])


def header(t_s: float):
    stamp_ns = START_NS + round(t_s * 1e9)
    return TYPES.types['std_msgs/msg/Header'](
        TYPES.types['builtin_interfaces/msg/Time'](stamp_ns // 10**9, stamp_ns % 10**9), 'frame'
    )


def picture(t_s: float) -> np.ndarray:
    """Return a picture whose brightness says which second it is, with some grain."""
    rng = np.random.default_rng(round(t_s * 1000))
    return (30 + 20 * int(t_s) + rng.integers(0, 30, (48, 64, 3))).clip(0, 255).astype(np.uint8)


def jpeg(t_s: float):
    _, data = cv2.imencode('.jpg', picture(t_s)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return TYPES.types[JPEG](header(t_s), 'rgb8; jpeg compressed bgr8', data.reshape(-1))


def raw(t_s: float):
    pixels = picture(t_s)
    return TYPES.types[IMAGE](header(t_s), 48, 64, 'rgb8', 0, 192, pixels.reshape(-1))


def touch_values(t_s: float) -> np.ndarray:
    rng = np.random.default_rng(round(t_s * 1e4) + 1)
    return np.concatenate([rng.normal(40.0, 2.0, 128), rng.uniform(0.5, 2.0, 128)]).astype(
        np.float32
    )


def touch(t_s: float):
    return TYPES.types[IMAGE](
        header(t_s), 16, 16, '32FC1', 0, 64, touch_values(t_s).view(np.uint8)
    )


def gas_values(t_s: float) -> np.ndarray:
    return GAS + np.random.default_rng(round(t_s * 1e4) + 2).normal(0.0, 0.05, 8)


def gas(t_s: float):
    nothing = np.zeros(0)
    return TYPES.types[JOINTS](header(t_s), list(GAS_NAMES), gas_values(t_s), nothing, nothing)


def text(words: str):
    return TYPES.types[STRING](words)


def write_bag(
    path: Path,
    topics: dict[str, tuple[str, list[tuple[float, object]]]],
    *,
    storage: str = 'mcap',
    shift_ns: int = 0,
    qos: tuple[Qos, ...] = (),
) -> Path:
    """Write a bag of topics, by name: type and (seconds, message) each, received 1 ms later."""
    plugin = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}[storage]
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        links = {
            name: writer.add_connection(
                name, msgtype, typestore=TYPES, offered_qos_profiles=list(qos)
            )
            for name, (msgtype, _) in topics.items()
        }
        events = [
            (t_s, name, message)
            for name, (_, messages) in topics.items()
            for t_s, message in messages
        ]
        for t_s, name, message in sorted(events, key=lambda event: event[:2]):
            data = TYPES.serialize_cdr(message, topics[name][0])
            writer.write(links[name], START_NS + round(t_s * 1e9) + MS + shift_ns, data)
    return path


def times(duration_s: float, hz: float, gaps: tuple[tuple[float, float], ...] = ()) -> list[float]:
    every = [index / hz for index in range(int(duration_s * hz))]
    return [t_s for t_s in every if not any(start <= t_s < end for start, end in gaps)]


def robot(
    path: Path,
    *,
    duration_s: float = 4.0,
    touch_gap: tuple[float, float] = (1.5, 2.5),
    camera=jpeg,
    camera_hz=30.0,
    touch_hz=100.0,
    more: dict | None = None,
    **options,
) -> Path:
    """Write a bag of a robot that loses touch for a while."""
    name, msgtype = (
        ('/camera/image_raw/compressed', JPEG) if camera is jpeg else ('/camera/image_raw', IMAGE)
    )
    return write_bag(
        path,
        {
            name: (msgtype, [(t_s, camera(t_s)) for t_s in times(duration_s, camera_hz)]),
            '/tactile/image': (
                IMAGE,
                [(t_s, touch(t_s)) for t_s in times(duration_s, touch_hz, (touch_gap,))],
            ),
            '/gas/state': (JOINTS, [(t_s, gas(t_s)) for t_s in times(duration_s, 2.0)]),
            **(more or {}),
        },
        **options,
    )


class Oracle:
    """An engine without networks: the teacher hydrates, the student goes by the brightness."""

    kind = weights = 'oracle'
    profile = PROFILE

    def __init__(self, *, teacher: str = 'hydrate') -> None:
        self.teacher = ACTIONS.index(teacher)
        # Rows of each call.
        self.perceived: list[int] = []
        self.decided: list[int] = []

    def perceive(self, views: np.ndarray) -> Perception:
        count = len(views)
        self.perceived.append(count)
        brightness = views.reshape(count, -1).mean(1)
        own = np.full((count, len(ACTIONS)), 0.04, np.float32)
        own[np.arange(count), brightness.astype(int) // 20 % 6] = 0.8
        return Perception(
            probabilities=own,
            readings={
                'touch': np.ones((count, 256), np.float32),
                'gas': np.repeat(brightness.astype(np.float32)[:, None], 8, 1),
            },
            quantities=np.ones((count, 4), np.float32),
        )

    def decide(self, views: np.ndarray, readings, present) -> np.ndarray:
        self.decided.append(len(views))
        assert set(readings) == set(present) == {'touch', 'gas'}
        probabilities = np.full((len(views), len(ACTIONS)), 0.02, np.float32)
        probabilities[:, self.teacher] = 0.9
        return probabilities
