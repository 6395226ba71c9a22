# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages to numbers and pictures, for the node and for a recording alike.

Only the names of a message's fields are used, so that one of rclpy and one that rosbags read from
a bag are the same here. A message that is not what its type promises raises `BadMessage`; nothing
else escapes. `runtime.sources` makes readings of a sense from these numbers.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from crossmodal_kd_ros.profile import ReadingError, Sense
from crossmodal_kd_ros.profile.sources import KEYS

try:
    from cv_bridge import CvBridge
except ImportError:  # cv_bridge for ROS 2 is not on PyPI
    from rosbags.image import message_to_cvimage

    def _to_rgb(message: Any) -> np.ndarray:
        return message_to_cvimage(message, 'rgb8')
else:

    def _to_rgb(message: Any) -> np.ndarray:
        return CvBridge().imgmsg_to_cv2(message, 'rgb8')


GRID_ENCODING = '32FC1'

_PICTURE = 'an image that can be converted to rgb8'
_BAYER = ('bayer_rggb', 'bayer_bggr', 'bayer_gbrg', 'bayer_grbg')
# Bytes of a pixel, for every encoding that holds a picture.
_PIXEL_BYTES = {
    'rgb8': 3,
    'bgr8': 3,
    'rgba8': 4,
    'bgra8': 4,
    'mono8': 1,
    'rgb16': 6,
    'bgr16': 6,
    'rgba16': 8,
    'bgra16': 8,
    'mono16': 2,
    'yuv422': 2,
    'yuv422_yuy2': 2,
    'uyvy': 2,
    'yuyv': 2,
    **{f'{pattern}8': 1 for pattern in _BAYER},
    **{f'{pattern}16': 2 for pattern in _BAYER},
}
# Names without a colour order, read in the order of OpenCV, which is where they come from.
_OPENCV_NAMES = {'8UC1': 'mono8', '8UC3': 'bgr8', '8UC4': 'bgra8'}
# Newer names of what the converters know by an older one.
_OLDER_NAMES = {'uyvy': 'yuv422', 'yuyv': 'yuv422_yuy2'}
# sensor_msgs/PointField: INT8 to FLOAT64.
_POINT_TYPES = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 8: 'f8'}
_PLURALS = {'position': 'positions', 'velocity': 'velocities', 'effort': 'efforts'}

Key = str | int
Numbers = Mapping[Key, float | np.ndarray]


class BadMessage(ReadingError):
    """A message is not what its type promises."""


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Raise whatever is raised as a `BadMessage`, for `what` was expected: a node outlives it."""
    try:
        yield
    except BadMessage:
        raise
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
            'expected the time of the reading in header.stamp, got 0: the driver has to set it'
        )
    return stamp


def image_reader(message: Any) -> Callable[[], np.ndarray]:
    """Check a `sensor_msgs/Image` and return a function that decodes it.

    The function returns `uint8[H, W, 3]` RGB, or raises `BadMessage`.
    """
    encoding = _OPENCV_NAMES.get(message.encoding, message.encoding)
    if encoding not in _PIXEL_BYTES:
        raise BadMessage(
            'expected a colour or grey encoding such as rgb8, bgr8 or mono8, got '
            f'{quote(encoding)}'
        )
    row_bytes = _check_layout(message, _PIXEL_BYTES[encoding])
    return lambda: _decode(message, encoding, row_bytes)


def compressed_image_reader(message: Any) -> Callable[[], np.ndarray]:
    """Check a `sensor_msgs/CompressedImage` and return a function that decodes it.

    The function returns `uint8[H, W, 3]` RGB, or raises `BadMessage`.
    """
    if 'compressedDepth' in message.format:
        raise BadMessage(
            f'expected a compressed picture, got a depth image ({quote(message.format)})'
        )
    if not len(message.data):
        raise BadMessage('expected a compressed picture, got a message without data')
    return lambda: _decompress(message)


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


def _check_layout(message: Any, pixel_bytes: int) -> int:
    """Return the bytes of a row without its padding.

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
    if len(message.data) != message.step * message.height:
        raise BadMessage(
            f'expected step x height = {message.step * message.height} bytes of data, '
            f'got {len(message.data)}'
        )
    return row_bytes


def _decode(message: Any, encoding: str, row_bytes: int) -> np.ndarray:
    data = message.data
    if message.step != row_bytes:  # rosbags takes rows for packed
        rows = np.frombuffer(data, np.uint8).reshape(message.height, message.step)[:, :row_bytes]
        data = array('B', rows.tobytes())
    packed = SimpleNamespace(
        height=message.height,
        width=message.width,
        encoding=_OLDER_NAMES.get(encoding, encoding),
        is_bigendian=message.is_bigendian,
        step=row_bytes,
        data=data,
    )
    with refusing(_PICTURE):
        return _to_rgb(packed)


def _decompress(message: Any) -> np.ndarray:
    # Not by cv_bridge or rosbags: a grey JPEG and an undecodable one each end in an assertion
    # there.
    with refusing(_PICTURE):
        picture = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise BadMessage(
            f'expected a compressed picture, got {len(message.data)} bytes that are none'
        )
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def quote(text: object) -> str:
    """Return a text of a message for a sentence: in quotes, and not longer than 40 characters."""
    text = str(text)
    return repr(text if len(text) <= 40 else text[:40] + '...')
