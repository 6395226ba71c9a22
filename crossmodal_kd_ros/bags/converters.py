# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What each type of message means as camera, touch, gas or label. docs/bags.md says the same in words."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from crossmodal_kd_ros.contract import (
    ACTIONS,
    GAS_NAMES,
    NUM_TAXELS,
    ContractError,
    check_gas,
    check_touch,
)
from crossmodal_kd_ros.runtime.messages import (
    BadMessage,
    compressed_image_reader,
    gas_from_array,
    gas_from_joint_state,
    image_reader,
    touch_from_array,
    touch_from_image,
)

ROLES = ('camera', 'touch', 'gas', 'label')
_BANK = NUM_TAXELS // 2
_POINT_FIELDS = ('texture', 'indentation')
# sensor_msgs/PointField: INT8 to FLOAT64.
_POINT_TYPES = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 8: 'f8'}


def touch_from_positions(message: Any) -> np.ndarray:
    """Return touch `float32[256]` from the 256 positions of a JointState, in the order of the contract."""
    return _touch(message.position)


def touch_from_scan(message: Any) -> np.ndarray:
    """Return touch `float32[256]` from a LaserScan: 128 intensities are texture (um), 128 ranges indentation (mm)."""
    return _touch(
        np.concatenate([message.intensities, message.ranges])
        if len(message.ranges) == _BANK
        else message.ranges
    )


def touch_from_cloud(message: Any) -> np.ndarray:
    """Return touch `float32[256]` from a PointCloud2 of 128 points, row by row, with `texture` (um) and `indentation` (mm)."""
    fields = {field.name: field for field in message.fields}
    missing = [
        name
        for name in _POINT_FIELDS
        if name not in fields or fields[name].datatype not in _POINT_TYPES
    ]
    if missing:
        raise BadMessage(
            f'expected a tactile point cloud with the fields {" and ".join(_POINT_FIELDS)}, '
            f'got {", ".join(fields) or "none"}'
        )
    count = message.height * message.width
    if (
        count != _BANK
        or len(message.data) != message.row_step * message.height
        or message.row_step < message.width * message.point_step
    ):
        raise BadMessage(
            f'expected {_BANK} points, whole, got {count} and {len(message.data)} bytes'
        )
    order = '>' if message.is_bigendian else '<'
    try:
        point = np.dtype(
            {
                'names': _POINT_FIELDS,
                'offsets': [fields[name].offset for name in _POINT_FIELDS],
                'formats': [order + _POINT_TYPES[fields[name].datatype] for name in _POINT_FIELDS],
                'itemsize': message.point_step,
            }
        )
    except ValueError as error:
        raise BadMessage(
            f'expected fields within a point of {message.point_step} bytes ({error})'
        ) from error
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.row_step)
    packed = (
        np.ascontiguousarray(rows[:, : message.width * message.point_step]).reshape(-1).view(point)
    )
    return _touch(np.concatenate([packed[name] for name in _POINT_FIELDS]))


class NamedGas:
    """Gas from whatever has names or numbers: each of the contract's channels is looked up, or is a constant."""

    def __init__(self, channels: Mapping[str, str | int], constants: Mapping[str, float]) -> None:
        """Take for each of `GAS_NAMES` its name or number in the message, or a constant where the robot has no such cell."""
        self._channels, self._constants = channels, constants

    def __call__(self, message: Any) -> np.ndarray:
        """Return gas `float32[8]`; raise `BadMessage` for a channel that is not there."""
        found = _gas_values(message)
        values = dict(self._constants)
        for name, place in self._channels.items():
            if place not in found:
                raise BadMessage(
                    f'expected a gas channel {place!r}, got {", ".join(map(str, found)) or "none"}'
                )
            values[name] = found[place]
        missing = [name for name in GAS_NAMES if name not in values]
        if missing:
            raise BadMessage(
                f'expected all gas channels, got none for {", ".join(missing)}: name them under channels, '
                'or under constants where the robot has no such cell'
            )
        return _checked(check_gas, [values[name] for name in GAS_NAMES])


def label_from_string(message: Any) -> str:
    """Return one of `ACTIONS` from a String that is one, or is JSON with one as `action`, as the simulator's expert says it."""
    label = message.data
    if label.startswith('{'):
        try:
            label = json.loads(label).get('action')
        except ValueError:
            pass
    if label not in ACTIONS:
        raise BadMessage(
            f'expected a label out of {", ".join(ACTIONS)}, got {message.data[:40]!r}'
        )
    return label


_CONVERTERS: dict[str, dict[str, Callable[[Any], Any]]] = {
    'camera': {
        'sensor_msgs/msg/Image': image_reader,
        'sensor_msgs/msg/CompressedImage': compressed_image_reader,
    },
    'touch': {
        'sensor_msgs/msg/Image': touch_from_image,
        'std_msgs/msg/Float32MultiArray': touch_from_array,
        'sensor_msgs/msg/JointState': touch_from_positions,
        'sensor_msgs/msg/PointCloud2': touch_from_cloud,
        'sensor_msgs/msg/LaserScan': touch_from_scan,
    },
    'gas': {
        'sensor_msgs/msg/JointState': gas_from_joint_state,
        'std_msgs/msg/Float32MultiArray': gas_from_array,
        'olfaction_msgs/msg/GasSensor': NamedGas({}, {}),
        'olfaction_msgs/msg/GasSensorArray': NamedGas(
            dict(zip(GAS_NAMES, range(len(GAS_NAMES)))), {}
        ),
    },
    'label': {'std_msgs/msg/String': label_from_string},
}


def types_of(role: str) -> tuple[str, ...]:
    """Return the types that can be read as `role`."""
    return tuple(_CONVERTERS[role])


def converter(
    role: str, msgtype: str, *, channels: Mapping[str, str | int], constants: Mapping[str, float]
) -> Callable[[Any], Any]:
    """Return what turns a message of `msgtype` into the reading of `role`, or raises `BadMessage`.

    For `camera` it returns a function that decodes; for touch `float32[256]`, for gas
    `float32[8]`, for labels a text.
    """
    if role == 'gas' and (channels or constants):
        return NamedGas(channels, constants)
    return _CONVERTERS[role][msgtype]


def _gas_values(message: Any) -> dict[str | int, float]:
    """Return every value of a gas message by its name and by its number."""
    if hasattr(message, 'sensors'):
        return {index: float(sensor.raw) for index, sensor in enumerate(message.sensors)}
    if hasattr(message, 'raw'):
        return {0: float(message.raw)}
    if hasattr(message, 'position'):
        by_number: dict[str | int, float] = dict(enumerate(map(float, message.position)))
        return by_number | dict(zip(message.name, map(float, message.position)))
    return dict(enumerate(map(float, message.data)))


def _touch(values: Any) -> np.ndarray:
    return _checked(check_touch, values)


def _checked(check: Callable[[np.ndarray], np.ndarray], values: Any) -> np.ndarray:
    try:
        with np.errstate(over='ignore', invalid='ignore'):
            return check(np.asarray(values, np.float64).astype(np.float32))
    except ContractError as error:
        raise BadMessage(str(error)) from error
