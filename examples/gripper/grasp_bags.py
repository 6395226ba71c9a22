# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Grasps as a rosbag2 recording: what the arm, its camera and its summary of a grasp published.

- `/joint_states`: position (rad), velocity (rad/s) and load (%, as effort) of six joints, each
  message with its own stamp; of the gripper a percent of its opening counts as a degree.
- `/joint_currents`: mA, as effort. Both are what `config/profiles/gripper.yaml` reads.
- `/camera/image_raw/compressed`: the view of the object, once a second. There is one photograph
  of each grasp, so that it repeats.
- `/grasp/summary`: ten times a second what is known by touch: numbers of this grasp where they
  have come, of the last one where not yet. Silent until the first grasp is whole.

The pause between two grasps is left out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from grasp_features import NAMES, summarise
from grasp_recordings import JOINTS, Grasp
from grasp_views import object_view
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

_STORE = get_typestore(Stores.LATEST)
_JOINT_STATE, _PICTURE = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/CompressedImage'
_TOPICS = {
    '/joint_states': _JOINT_STATE,
    '/joint_currents': _JOINT_STATE,
    '/grasp/summary': _JOINT_STATE,
    '/camera/image_raw/compressed': _PICTURE,
}
START_S = 1_700_000_000
# After the begin of a grasp.
FIRST_PICTURE_S = 0.3
_NS = 1_000_000_000
_CAMERA_S, _SUMMARY_S, _SUM_UP_S = 1.0, 0.1, 0.5
# A message is received so long after it was stamped.
_DELAY_NS = 1_000_000


class Stretch(NamedTuple):
    """When a grasp is in a bag, s from its first message."""

    start_s: float
    end_s: float
    grasp: Grasp


def write_bag(path: Path, grasps: Sequence[Grasp]) -> list[Stretch]:
    """Write a bag of grasps, one after the other; return when each of them is in it."""
    stretches, known, start_s = [], None, 0.0
    joint_states, joint_currents = (
        _JointStates('position', 'velocity', 'effort'),
        _JointStates('effort'),
    )
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        links = {
            topic: writer.add_connection(topic, msgtype, typestore=_STORE)
            for topic, msgtype in _TOPICS.items()
        }
        for grasp in grasps:
            stamps_s, channels = grasp.signals
            stamps_s = stamps_s - stamps_s[0]
            end_s = float(stamps_s[-1]) + 0.005
            events = []
            radians = np.deg2rad(channels[:, :6]), np.deg2rad(channels[:, 18:])
            load, current = channels[:, 6:12], channels[:, 12:18]
            for stamp_s, position, velocity, effort, amps in zip(
                stamps_s, radians[0], radians[1], load, current
            ):
                at_ns = _at_ns(start_s + stamp_s)
                events.append(
                    (
                        at_ns,
                        '/joint_states',
                        joint_states.message(at_ns, position, velocity, effort),
                    )
                )
                events.append((at_ns, '/joint_currents', joint_currents.message(at_ns, amps)))
            picture = _picture(object_view(grasp.photograph()))
            for t_s in np.arange(FIRST_PICTURE_S, end_s, _CAMERA_S):
                at_ns = _at_ns(start_s + t_s)
                events.append((at_ns, '/camera/image_raw/compressed', picture(at_ns)))
            summed_up_s = -np.inf
            for t_s in np.arange(0.0, end_s, _SUMMARY_S):
                if t_s - summed_up_s >= _SUM_UP_S - 1e-9 or t_s + _SUMMARY_S >= end_s:
                    rows = stamps_s <= t_s
                    felt, summed_up_s = summarise(stamps_s[rows], channels[rows]), t_s
                    known = felt if known is None else np.where(np.isnan(felt), known, felt)
                if not np.isnan(known).any():
                    at_ns = _at_ns(start_s + t_s)
                    events.append((at_ns, '/grasp/summary', _summary(at_ns, known)))
            for at_ns, topic, data in sorted(events, key=lambda event: event[0]):
                writer.write(links[topic], at_ns + _DELAY_NS, data)
            stretches.append(Stretch(start_s, start_s + end_s, grasp))
            start_s += end_s
    return stretches


class _JointStates:
    """Makes messages of the six joints; only the numbers of one differ from those of the last."""

    def __init__(self, *fields: str) -> None:
        marks = {field: np.full(len(JOINTS), 1.5 + n) for n, field in enumerate(fields)}
        values = [marks.get(field, np.zeros(0)) for field in ('position', 'velocity', 'effort')]
        message = _STORE.types[_JOINT_STATE](_header(0), list(JOINTS), *values)
        self._data = bytearray(_STORE.serialize_cdr(message, _JOINT_STATE))
        self._places = [self._data.index(mark.tobytes()) for mark in marks.values()]

    def message(self, at_ns: int, *values: np.ndarray) -> bytes:
        """Return the message of that time with these values of the fields."""
        # Behind the four bytes that say how a message is encoded.
        self._data[4:12] = np.array(divmod(at_ns, _NS), '<u4').tobytes()
        for place, numbers in zip(self._places, values, strict=True):
            self._data[place : place + 8 * len(JOINTS)] = numbers.astype('<f8').tobytes()
        return bytes(self._data)


def _at_ns(t_s: float) -> int:
    return START_S * _NS + round(t_s * _NS)


def _header(at_ns: int) -> Any:
    time = _STORE.types['builtin_interfaces/msg/Time'](*divmod(at_ns, _NS))
    return _STORE.types['std_msgs/msg/Header'](time, 'arm')


def _summary(at_ns: int, felt: np.ndarray) -> bytes:
    nothing = np.zeros(0)
    message = _STORE.types[_JOINT_STATE](
        _header(at_ns), list(NAMES), felt.astype(np.float64), nothing, nothing
    )
    return _STORE.serialize_cdr(message, _JOINT_STATE)


def _picture(view: np.ndarray) -> Any:
    """Return what makes the message of a view for a time."""
    _, data = cv2.imencode('.jpg', view[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    data = data.reshape(-1)

    def message(at_ns: int) -> bytes:
        picture = _STORE.types[_PICTURE](_header(at_ns), 'rgb8; jpeg compressed bgr8', data)
        return _STORE.serialize_cdr(picture, _PICTURE)

    return message
