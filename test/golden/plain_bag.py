# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A bag of plain readings, and the answers in a bag, without the package."""

from pathlib import Path

import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

_TYPES = get_typestore(Stores.LATEST)
_START_NS, _DELAY_NS = 1_700_000_000_000_000_000, 1_000_000
_IMAGE, _JOINTS = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/JointState'
_TOPICS = {
    'camera': ('/camera/image_raw', _IMAGE),
    'touch': ('/tactile/image', _IMAGE),
    'gas': ('/gas/state', _JOINTS),
}

Readings = list[tuple[float, np.ndarray]]


def write_bag(
    path: Path, *, camera: Readings, touch: Readings, gas: Readings, gas_names: list[str]
) -> Path:
    """Write (seconds, value) of each sense to an MCAP bag; return `path`.

    Each is received 1 ms after its stamp.

    Args:
        path: the folder to make.
        camera: pictures uint8[H, W, 3], RGB.
        touch: float32[256] (um, mm).
        gas: float32[8], by `gas_names`.
    """
    events = sorted(
        (
            (t_s, sense, value)
            for sense, readings in (('camera', camera), ('touch', touch), ('gas', gas))
            for t_s, value in readings
        ),
        key=lambda event: event[:2],
    )
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        links = {
            sense: writer.add_connection(topic, msgtype, typestore=_TYPES)
            for sense, (topic, msgtype) in _TOPICS.items()
        }
        for t_s, sense, value in events:
            stamp_ns = _START_NS + round(1e9 * t_s)
            message = _message(sense, stamp_ns, value, gas_names)
            data = _TYPES.serialize_cdr(message, _TOPICS[sense][1])
            writer.write(links[sense], stamp_ns + _DELAY_NS, data)
    return path


def answers(path: Path) -> list[tuple[str, str]]:
    """Return (mode, action) of each picture that was answered in the bag that a replay wrote."""
    found, mode, answered = [], '', False
    with AnyReader([path], default_typestore=_TYPES) as reader:
        for link, _, data in reader.messages():
            name = link.topic.rsplit('/', 1)[1]
            if name == 'action_scores':
                answered = True
            elif name in ('mode', 'action'):
                said = reader.deserialize(data, link.msgtype).data
                if name == 'mode':
                    mode = said
                elif answered:  # not a hold between pictures
                    found.append((mode, said))
                    answered = False
    return found


def _message(sense: str, stamp_ns: int, value: np.ndarray, gas_names: list[str]):
    stamp = _TYPES.types['builtin_interfaces/msg/Time'](stamp_ns // 10**9, stamp_ns % 10**9)
    header = _TYPES.types['std_msgs/msg/Header'](stamp, sense)
    if sense == 'gas':
        nothing = np.zeros(0)
        return _TYPES.types[_JOINTS](header, gas_names, value.astype(float), nothing, nothing)
    if sense == 'touch':
        pixels = np.ascontiguousarray(value, '<f4').view(np.uint8)
        return _TYPES.types[_IMAGE](header, 16, 16, '32FC1', 0, 64, pixels)
    height, width = value.shape[:2]
    return _TYPES.types[_IMAGE](header, height, width, 'rgb8', 0, 3 * width, value.reshape(-1))
