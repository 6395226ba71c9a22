# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages to numbers and pictures, for the node and for a recording alike.

Only the names of a message's fields are used, so that one of rclpy and one that rosbags read from
a bag are the same here. A message that is not what its type promises raises `BadMessage`; nothing
else escapes. `runtime.sources` makes readings of a sense from these numbers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

import numpy as np

from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.profile import ReadingError, Sense
from crossmodal_kd_ros.profile.sources import KEYS
from crossmodal_kd_ros.runtime.encodings import ENCODINGS, Encoding, is_no_brightness
from crossmodal_kd_ros.runtime.picture_files import PictureFile, picture_file

GRID_ENCODING = '32FC1'

_PICTURE = 'an image that can be converted to RGB'
_EXPECTED_ENCODING = 'expected a colour or grey encoding such as rgb8, bgr8 or mono8'
# sensor_msgs/PointField: INT8 to FLOAT64.
_POINT_TYPES = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 8: 'f8'}
_PLURALS = {'position': 'positions', 'velocity': 'velocities', 'effort': 'efforts'}

Key = str | int
Numbers = Mapping[Key, float | np.ndarray]


class BadMessage(ReadingError):
    """A message is not what its type promises."""


class NoPicture(BadMessage):
    """A message is whole, and holds something else than a camera's picture: depth, say."""


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Raise whatever is raised as a `BadMessage`, for `what` was expected: a node outlives it."""
    try:
        yield
    except BadMessage:
        raise
    except CrossmodalError as error:  # a sentence already
        raise BadMessage(str(error)) from error
    # Each converter has exceptions of its own, and drivers send what nobody thought of.
    except Exception as error:  # noqa: BLE001
        why = ' '.join(str(error).split()) or type(error).__name__
        raise BadMessage(f'expected {what}, got one that cannot ({why})') from error


def stamp_ns(message: Any, received_ns: int) -> int:
    """Return when a message was measured, nanoseconds.

    It is the stamp of its header, or its arrival if its type has no header.

    Raises:
        BadMessage: the stamp was never set.
    """
    if not hasattr(message, 'header'):
        return received_ns
    stamp = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
    if stamp <= 0:
        raise BadMessage(
            f'expected the time of the reading in header.stamp, got {stamp / 1e9:g}: the driver '
            'has to set it'
        )
    return stamp


def image_reader(message: Any) -> Callable[[], np.ndarray]:
    """Check a `sensor_msgs/Image` and return a function that decodes it.

    The function returns `uint8[H, W, 3]` RGB, or raises `BadMessage`.
    """
    encoding = _encoding(message.encoding)
    row_bytes = _check_layout(message, encoding.pixel_bytes, encoding.planes)
    return lambda: _decode(message, encoding, row_bytes)


def compressed_image_reader(message: Any, view_px: int | None = None) -> Callable[[], np.ndarray]:
    """Check a `sensor_msgs/CompressedImage` and return a function that decodes it.

    The function returns `uint8[H, W, 3]` RGB, or raises `BadMessage`. With `view_px` it may be of
    half the size: see `PictureFile.decode`.
    """
    source, _, target = (part.strip() for part in message.format.partition(';'))
    if is_no_brightness(source) or target.startswith('compressedDepth'):
        raise _depth(message.format)
    if not len(message.data):
        raise BadMessage('expected a compressed picture, got a message without data')
    with refusing(_PICTURE):
        file = picture_file(bytes(message.data))
    grey = _grey_encoding(source, target, file.bits) if file.channels == 1 else None
    return lambda: _decompress(file, grey, view_px)


def _grey_encoding(source: str, target: str, bits: int) -> Encoding:
    """Return the encoding of a compressed picture of one channel of `bits` bits.

    `source` and `target` are the two halves of its `format`. compressed_image_transport writes a
    mosaic as it is, unless it says that it made it grey. Depth is written as 16 bits too, so that
    only `source` can say that they are brightness.
    """
    is_mosaic = source.startswith('bayer_') and 'mono8' not in target
    name = source.rstrip('0123456789') if is_mosaic else 'mono'
    if bits == 16 and source != f'{name}16':
        raise _depth(f'16 bits of {source or "one channel"}')
    return _encoding(f'{name}{max(8, bits)}')


def grid_image_fields(sense: Sense, reading: np.ndarray) -> dict[str, Any]:
    """Return the fields, beside the header, of the `sensor_msgs/Image` of a grid's reading.

    It is 32FC1, (channels * rows) x columns; `data` is `bytes`.
    """
    channels, rows, columns = sense.shape
    return {
        'height': channels * rows,
        'width': columns,
        'encoding': GRID_ENCODING,
        'is_bigendian': 0,
        'step': 4 * columns,
        'data': reading.astype('<f4').tobytes(),
    }


def _joint_state(message: Any, field: str) -> Numbers:
    names, values = message.name, getattr(message, field)
    if len(values) != len(names):
        article = 'an' if field[0] in 'aeiou' else 'a'
        raise BadMessage(
            f'expected {article} {field} for each name, got {len(names)} names and '
            f'{len(values)} {_PLURALS[field]}'
        )
    numbers = dict(zip(names, values))
    if len(numbers) != len(names):
        repeated = [name for name in numbers if names.count(name) > 1]
        raise BadMessage(
            f'expected each name once: repeated {", ".join(map(quote, repeated[:3]))}'
        )
    return {**numbers, **dict(enumerate(values))}


def _array(message: Any, field: str) -> Numbers:
    return dict(enumerate(_flat(message)))


def _point_cloud(message: Any, field: str) -> Numbers:
    """Return every field of a point cloud, an array of one number a point."""
    fields = {field.name: field for field in message.fields if field.datatype in _POINT_TYPES}
    count = message.height * message.width
    if (
        len(message.data) != message.row_step * message.height
        or message.row_step < message.width * message.point_step
    ):
        raise BadMessage(
            f'expected {count} points, whole, got {len(message.data)} bytes for rows of '
            f'{message.row_step}'
        )
    order = '>' if message.is_bigendian else '<'
    try:
        point = np.dtype(
            {
                'names': list(fields),
                'offsets': [field.offset for field in fields.values()],
                'formats': [order + _POINT_TYPES[field.datatype] for field in fields.values()],
                'itemsize': message.point_step,
            }
        )
        rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.row_step)
        packed = np.ascontiguousarray(rows[:, : message.width * message.point_step])
        points = packed.reshape(-1).view(point)
    except ValueError as error:
        raise BadMessage(
            f'expected fields within a point of {message.point_step} bytes ({error})'
        ) from error
    return {name: points[name] for name in fields}


def _named_fields(msgtype: str, root: str = '') -> Callable[[Any, str], Numbers]:
    """Return a reader of the fields that `profile.sources.KEYS` names, below the field `root`."""
    paths = {key: [part for part in (root, *key.split('.')) if part] for key in KEYS[msgtype]}
    return lambda message, field: {
        key: reduce(getattr, path, message) for key, path in paths.items()
    }


_IMU = 'sensor_msgs/msg/Imu'
_imu_fields = _named_fields(_IMU)


def _imu(message: Any, field: str) -> Numbers:
    """Return what the driver measures: a covariance of -1 says that it does not."""
    lacking = tuple(
        f'{part}.'
        for part in ('orientation', 'angular_velocity', 'linear_acceleration')
        if getattr(message, f'{part}_covariance')[0] == -1.0
    )
    numbers = _imu_fields(message, field)
    return {key: value for key, value in numbers.items() if not key.startswith(lacking)}


# By message type, a function of a message and its field (the list of a `JointState`). It returns
# the numbers by name or place: of a `JointState` by both; of a `LaserScan` and a `PointCloud2` an
# array for each. It raises `BadMessage` where the message contradicts itself.
NUMBER_READERS: dict[str, Callable[[Any, str], Numbers]] = {
    'sensor_msgs/msg/JointState': _joint_state,
    'sensor_msgs/msg/PointCloud2': _point_cloud,
    'std_msgs/msg/Float32MultiArray': _array,
    'olfaction_msgs/msg/GasSensorArray': lambda message, field: {
        place: sensor.raw for place, sensor in enumerate(message.sensors)
    },
    **{
        msgtype: _named_fields(msgtype, 'wrench' if msgtype.endswith('WrenchStamped') else '')
        for msgtype in KEYS
    },
    _IMU: _imu,
}


def _image_grid(message: Any, field: str, keys: Sequence[Key], sense: Sense) -> np.ndarray:
    rows, columns = sense.shape[1:]
    height = (max(keys) + 1) * rows
    if (message.height, message.width, message.encoding) != (height, columns, GRID_ENCODING):
        raise BadMessage(
            f'expected an image of {height}x{columns} {GRID_ENCODING} for {sense.name}, got '
            f'{message.height}x{message.width} {quote(message.encoding)}'
        )
    row_bytes = _check_layout(message, 4)
    pixels = np.frombuffer(message.data, np.uint8).reshape(height, message.step)[:, :row_bytes]
    values = np.ascontiguousarray(pixels).view('>f4' if message.is_bigendian else '<f4')
    return _banks(values, keys, rows * columns)


def _flat_grid(values: np.ndarray, keys: Sequence[Key], sense: Sense) -> np.ndarray:
    each = sense.shape[1] * sense.shape[2]
    places = [place if isinstance(key, str) else key for place, key in enumerate(keys)]
    size = (max(places) + 1) * each
    if values.size != size:
        raise BadMessage(f'expected {size} values of {sense.name}, got {values.size}')
    return _banks(values, places, each)


def _banks(values: np.ndarray, places: Sequence[int], each: int) -> np.ndarray:
    """Return the channels at `places` of values that hold `each` of every channel."""
    banks = values.reshape(-1, each)
    return banks if list(places) == list(range(len(banks))) else banks[list(places)]


def _scan_grid(message: Any, field: str, keys: Sequence[Key], sense: Sense) -> np.ndarray:
    each = sense.shape[1] * sense.shape[2]
    if len(keys) > 1 and len(message.ranges) == len(keys) * each:
        return np.asarray(message.ranges).reshape(len(keys), each)
    lists = [np.asarray(getattr(message, key)) for key in keys]
    if any(values.size != each for values in lists):
        raise BadMessage(
            f'expected {len(keys) * each} values of {sense.name}, got '
            f'{sum(values.size for values in lists)}'
        )
    return np.stack(lists)


def _point_cloud_grid(message: Any, field: str, keys: Sequence[Key], sense: Sense) -> np.ndarray:
    fields = _point_cloud(message, field)
    if not set(keys) <= fields.keys():
        raise BadMessage(
            f'expected a point cloud with the fields {" and ".join(map(str, keys))}, got '
            f'{", ".join(fields) or "none"}'
        )
    count, each = message.height * message.width, sense.shape[1] * sense.shape[2]
    if count != each:
        raise BadMessage(f'expected {each} points, whole, got {count}')
    return np.stack([fields[key] for key in keys])


# By message type, a function of a message, its field, the keys of the channels that are wanted and
# the sense. It returns them, `float[len(keys), rows * columns]`, from one message: a flat message
# holds one channel after the other, row by row; an `Image` has `rows` rows of pixels for each; a
# `PointCloud2` a field for each; a `LaserScan` a list for each, or all in `ranges`. It raises
# `BadMessage` where the message contradicts itself or has another size.
GRID_READERS: dict[str, Callable[[Any, str, Sequence[Key], Sense], np.ndarray]] = {
    'sensor_msgs/msg/Image': _image_grid,
    'sensor_msgs/msg/JointState': lambda message, field, keys, sense: _flat_grid(
        np.asarray(getattr(message, field)), keys, sense
    ),
    'sensor_msgs/msg/LaserScan': _scan_grid,
    'sensor_msgs/msg/PointCloud2': _point_cloud_grid,
    'std_msgs/msg/Float32MultiArray': lambda message, field, keys, sense: _flat_grid(
        _flat(message), keys, sense
    ),
}


def _flat(message: Any) -> np.ndarray:
    return np.asarray(message.data, np.float32)[message.layout.data_offset :]


def _encoding(name: str) -> Encoding:
    """Return an encoding by its name; raise `NoPicture` if it holds no picture."""
    if is_no_brightness(name):
        raise _depth(name)
    if name not in ENCODINGS:
        raise NoPicture(f'{_EXPECTED_ENCODING}, got {quote(name)}')
    return ENCODINGS[name]


def _depth(encoding: str) -> NoPicture:
    return NoPicture(
        f'{_EXPECTED_ENCODING}, got {quote(encoding)}, which is depth or another measurement: '
        "choose the topic of the camera's picture"
    )


def _check_layout(message: Any, pixel_bytes: int, planes: float = 1) -> int:
    """Return the bytes of a row of the first plane, without its padding.

    Raises:
        BadMessage: size, step and amount of data contradict each other.
    """
    if message.height == 0 or message.width == 0:
        raise BadMessage(
            f'expected an image with pixels in it, got {message.height} rows of {message.width}'
        )
    row_bytes = message.width * pixel_bytes
    if message.step < row_bytes:
        raise BadMessage(
            f'expected a step of at least {row_bytes} bytes for {message.width} pixels of '
            f'{quote(message.encoding)}, got {message.step}'
        )
    size = planes * message.step * message.height
    if len(message.data) != size:
        factor = f'{planes:g} x ' if planes != 1 else ''
        raise BadMessage(
            f'expected {factor}step x height = {size:.0f} bytes of data, got {len(message.data)}'
        )
    return row_bytes


def _decode(message: Any, encoding: Encoding, row_bytes: int) -> np.ndarray:
    data, step = np.frombuffer(message.data, np.uint8), message.step
    first = message.height * step
    with refusing(_PICTURE):
        rows = _packed(data[:first], step, row_bytes)
        if encoding.bits == 16:
            rows = rows.view('>u2' if message.is_bigendian else '<u2').astype(np.uint16)
        if encoding.chroma is None:
            return encoding.to_rgb(rows)
        wide = encoding.chroma[1]
        return encoding.to_rgb(rows, _packed(data[first:], wide * step, wide * row_bytes))


def _packed(data: np.ndarray, step: int, row_bytes: int) -> np.ndarray:
    """Return rows of `step` bytes without their padding."""
    return np.ascontiguousarray(data.reshape(-1, step)[:, :row_bytes])


def _decompress(file: PictureFile, grey: Encoding | None, view_px: int | None) -> np.ndarray:
    with refusing(_PICTURE):
        pixels = file.decode(view_px)
        return pixels if grey is None else grey.to_rgb(pixels)


def quote(text: object) -> str:
    """Return a text of a message for a sentence: in quotes, and not longer than 40 characters."""
    text = str(text)
    return repr(text if len(text) <= 40 else text[:40] + '...')
