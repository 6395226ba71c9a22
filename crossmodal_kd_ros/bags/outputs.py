# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A replay's answers as a bag, on the topics and with the headers that the node would have published."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.contract import ACTIONS, GAS_NAMES, HOLD, TOUCH_IMAGE_SHAPE, Estimate, Mode
from crossmodal_kd_ros.runtime import ModeChange
from crossmodal_kd_ros.runtime.messages import TOUCH_ENCODING

_STORE = get_typestore(Stores.LATEST)
_STRING, _JOINTS, _IMAGE = (
    'std_msgs/msg/String',
    'sensor_msgs/msg/JointState',
    'sensor_msgs/msg/Image',
)
_FOREVER = QosTime(0, 0)
_TYPES = {
    'action': _STRING,
    'action_scores': _JOINTS,
    'tactile_estimate': _IMAGE,
    'gas_estimate': _JOINTS,
    'surface_state': _JOINTS,
    'mode': _STRING,
    'mode_reason': _STRING,
}


class OutputBag:
    """Writes answers; what is written depends on them alone, so that two replays of one bag give equal bytes."""

    def __init__(self, path: Path) -> None:
        """Create an MCAP bag at `path`."""
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._links = {
            name: self._writer.add_connection(
                f'/maintenance/{name}',
                msgtype,
                typestore=_STORE,
                offered_qos_profiles=[_profile(lasting=name.startswith('mode'))],
            )
            for name, msgtype in _TYPES.items()
        }
        self._mode: Mode | None = None

    def answer(self, now_ns: int, header: Any, estimate: Estimate) -> None:
        """Write one answer, in the order of the node; `header` is that of the picture."""
        self._write(
            'action_scores',
            now_ns,
            _named(header, ACTIONS, estimate.probabilities, estimate.efforts()),
        )
        self._write('action', now_ns, _text(estimate.action))
        self._write('tactile_estimate', now_ns, _touch(header, estimate.touch))
        self._write('gas_estimate', now_ns, _named(header, GAS_NAMES, estimate.gas))
        surface = estimate.named_surface()
        self._write(
            'surface_state',
            now_ns,
            _named(header, tuple(surface), np.array(list(surface.values()))),
        )

    def hold(self, now_ns: int) -> None:
        """Write that the robot holds, without a picture."""
        self._write('action', now_ns, _text(HOLD))

    def mode(self, change: ModeChange) -> None:
        """Write a change of mode or of its reason."""
        self._write('mode_reason', change.now_ns, _text(f'{change.mode}: {change.reason}'))
        if change.mode is not self._mode:
            self._mode = change.mode
            self._write('mode', change.now_ns, _text(str(change.mode)))
        if change.mode is Mode.HOLD:
            self.hold(change.now_ns)

    def close(self) -> None:
        """Write the index and `metadata.yaml`."""
        self._writer.close()

    def _write(self, name: str, now_ns: int, message: Any) -> None:
        self._writer.write(self._links[name], now_ns, _STORE.serialize_cdr(message, _TYPES[name]))


def _text(words: str) -> Any:
    return _STORE.types[_STRING](words)


def _named(
    header: Any, names: tuple[str, ...], values: np.ndarray, efforts: Sequence[float] = ()
) -> Any:
    return _STORE.types[_JOINTS](
        header,
        list(names),
        np.asarray(values, np.float64),
        np.zeros(0),
        np.asarray(efforts, np.float64),
    )


def _touch(header: Any, touch: np.ndarray) -> Any:
    height, width = TOUCH_IMAGE_SHAPE
    return _STORE.types[_IMAGE](
        header,
        height,
        width,
        TOUCH_ENCODING,
        0,
        4 * width,
        np.frombuffer(touch.astype('<f4').tobytes(), np.uint8),
    )


def _profile(*, lasting: bool) -> Qos:
    """Return what the node offers: see `nodes.qos`."""
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if lasting else 10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if lasting else QosDurability.VOLATILE,
        deadline=_FOREVER,
        lifespan=_FOREVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_FOREVER,
        avoid_ros_namespace_conventions=False,
    )
