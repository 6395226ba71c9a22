# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recordings of a drive, of any length."""

import shutil
from pathlib import Path

import cv2
import numpy as np
from drive import make_drive
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.runtime.messages import grid_image_fields
from crossmodal_kd_ros.runtime.topics import COMPRESSED_IMAGE, IMAGE, JOINT_STATE
from crossmodal_kd_ros.simulation import PROFILE

_TYPES = get_typestore(Stores.LATEST)
_START_NS = 1_700_000_000_000_000_000
_RECEIVED_NS = 1_000_000
_HZ = {'camera': 30.0, 'touch': 100.0, 'gas': 2.0}


def make_bag(folder: Path, seconds: float) -> Path:
    """Return a bag of the living wall, JPEGs of 640x480 as of a demo; it is made once."""
    path = folder / f'bag-{seconds:g}s'
    complete = folder / f'{path.name}.complete'
    if complete.exists():
        return path
    shutil.rmtree(path, ignore_errors=True)
    drive = np.load(make_drive(folder, hz=60.0, loop_s=2.0))
    # What is read out of the file at every access is read once.
    jpegs = [_jpeg(picture) for picture in drive['pictures']]
    arrays = {'camera': jpegs, 'touch': drive['touch'], 'gas': drive['gas']}
    loops_s = {'camera': 2.0, 'touch': 2.0, 'gas': len(arrays['gas']) / _HZ['gas']}
    [touch_topic] = PROFILE.senses['touch'].topics
    [gas_topic] = PROFILE.senses['gas'].topics
    topics = {
        'camera': (f'/{PROFILE.camera.topic}/compressed', COMPRESSED_IMAGE),
        'touch': (f'/{touch_topic}', IMAGE),
        'gas': (f'/{gas_topic}', JOINT_STATE),
    }
    events = sorted(
        (index / hz, role) for role, hz in _HZ.items() for index in range(round(seconds * hz))
    )
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        links = {
            role: writer.add_connection(topic, msgtype, typestore=_TYPES)
            for role, (topic, msgtype) in topics.items()
        }
        for t_s, role in events:
            rows = arrays[role]
            row = rows[int(t_s / loops_s[role] * len(rows) + 1e-6) % len(rows)]
            stamp_ns = _START_NS + round(t_s * 1e9)
            message = _message(role, stamp_ns, row)
            data = _TYPES.serialize_cdr(message, topics[role][1])
            writer.write(links[role], stamp_ns + _RECEIVED_NS, data)
    complete.touch()
    return path


def _jpeg(picture: np.ndarray) -> np.ndarray:
    _, data = cv2.imencode('.jpg', picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return data.reshape(-1)


def _message(role: str, stamp_ns: int, values: np.ndarray):
    stamp = _TYPES.types['builtin_interfaces/msg/Time'](stamp_ns // 10**9, stamp_ns % 10**9)
    header = _TYPES.types['std_msgs/msg/Header'](stamp, 'bench')
    if role == 'camera':
        return _TYPES.types[COMPRESSED_IMAGE](header=header, format='jpeg', data=values)
    sense = PROFILE.senses[role]
    if role == 'touch':
        fields = grid_image_fields(sense, values)
        data = np.frombuffer(fields.pop('data'), np.uint8)
        return _TYPES.types[IMAGE](header=header, data=data, **fields)
    nothing = np.zeros(0)
    return _TYPES.types[JOINT_STATE](
        header, list(sense.channel_names), values.astype(np.float64), nothing, nothing
    )
