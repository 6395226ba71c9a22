# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages to arrays, for the node and for a recording alike.

Only the names of a message's fields are used, so that one of rclpy and one that rosbags read from
a bag are the same here. A message that is not what it should be raises `BadMessage`; nothing else
escapes.
"""

from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from crossmodal_kd_ros.contract import (
    GAS_NAMES,
    NUM_GAS,
    NUM_TAXELS,
    TOUCH_IMAGE_SHAPE,
    ContractError,
    check_gas,
    check_touch,
)

try:
    from cv_bridge import CvBridge
except ImportError:  # cv_bridge for ROS 2 is not on PyPI
    from rosbags.image import message_to_cvimage

    def _to_rgb(message: Any) -> np.ndarray:
        return message_to_cvimage(message, 'rgb8')
else:

    def _to_rgb(message: Any) -> np.ndarray:
        return CvBridge().imgmsg_to_cv2(message, 'rgb8')


TOUCH_ENCODING = '32FC1'

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


class BadMessage(ContractError):
    """A message is not what its topic promises: one sentence with what was expected and what came."""


def stamp_ns(header: Any) -> int:
    """Return the stamp of `header`, nanoseconds; raise `BadMessage` if it was never set."""
    stamp = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
    if stamp <= 0:
        raise BadMessage(
            'expected the time of the reading in header.stamp, got 0: the driver has to set it'
        )
    return stamp


def image_reader(message: Any) -> Callable[[], np.ndarray]:
    """Check `message` and return a function that decodes it to `uint8[H, W, 3]` RGB, or raises `BadMessage`."""
    encoding = _OPENCV_NAMES.get(message.encoding, message.encoding)
    if encoding not in _PIXEL_BYTES:
        raise BadMessage(
            f'expected a colour or grey encoding such as rgb8, bgr8 or mono8, got {_quote(encoding)}'
        )
    row_bytes = _check_layout(message, _PIXEL_BYTES[encoding])
    return lambda: _decode(message, encoding, row_bytes)


def compressed_image_reader(message: Any) -> Callable[[], np.ndarray]:
    """Check `message` and return a function that decodes it to `uint8[H, W, 3]` RGB, or raises `BadMessage`."""
    if 'compressedDepth' in message.format:
        raise BadMessage(
            f'expected a compressed picture, got a depth image ({_quote(message.format)})'
        )
    if not len(message.data):
        raise BadMessage('expected a compressed picture, got a message without data')
    return lambda: _decompress(message)


def touch_from_image(message: Any) -> np.ndarray:
    """Return touch `float32[256]` from a 32FC1 image of 16x16."""
    if (message.height, message.width) != TOUCH_IMAGE_SHAPE or message.encoding != TOUCH_ENCODING:
        raise BadMessage(
            f'expected a tactile image of 16x16 {TOUCH_ENCODING}, got {message.height}x{message.width} '
            f'{_quote(message.encoding)}'
        )
    row_bytes = _check_layout(message, 4)
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)[
        :, :row_bytes
    ]
    return _checked(
        check_touch, np.ascontiguousarray(rows).view('>f4' if message.is_bigendian else '<f4')
    )


def touch_from_array(message: Any) -> np.ndarray:
    """Return touch `float32[256]` from an array of 256."""
    return _checked(check_touch, _flat(message, NUM_TAXELS, 'taxel values'))


def gas_from_joint_state(message: Any) -> np.ndarray:
    """Return gas `float32[8]` in the contract's order from named channels in any order."""
    if len(message.position) != len(message.name):
        raise BadMessage(
            f'expected a position for each name, got {len(message.name)} names and '
            f'{len(message.position)} positions'
        )
    channels = dict(zip(message.name, message.position))
    unknown = [name for name in channels if name not in GAS_NAMES]
    missing = [name for name in GAS_NAMES if name not in channels]
    twice = [name for name in channels if message.name.count(name) > 1]
    for fault, names in (('unknown', unknown), ('missing', missing), ('repeated', twice)):
        if names:
            raise BadMessage(
                f'expected the gas channels {", ".join(GAS_NAMES)}, each once: '
                f'{fault} {", ".join(map(_quote, names[:3]))}'
            )
    return _checked(check_gas, np.array([channels[name] for name in GAS_NAMES]))


def gas_from_array(message: Any) -> np.ndarray:
    """Return gas `float32[8]` from an array of 8 in the contract's order."""
    return _checked(check_gas, _flat(message, NUM_GAS, 'gas channels'))


def _check_layout(message: Any, pixel_bytes: int) -> int:
    """Return the bytes of a row without its padding; refuse a size, step or amount of data that contradict each other."""
    if message.height == 0 or message.width == 0:
        raise BadMessage(
            f'expected an image with pixels in it, got {message.height} rows of {message.width}'
        )
    row_bytes = message.width * pixel_bytes
    if message.step < row_bytes:
        raise BadMessage(
            f'expected a step of at least {row_bytes} bytes for {message.width} pixels of '
            f'{_quote(message.encoding)}, got {message.step}'
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
    return _guarded(lambda: _to_rgb(packed))


def _decompress(message: Any) -> np.ndarray:
    # Not by cv_bridge or rosbags: a grey JPEG and an undecodable one each end in an assertion
    # there.
    picture = _guarded(
        lambda: cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    )
    if picture is None:
        raise BadMessage(
            f'expected a compressed picture, got {len(message.data)} bytes that are none'
        )
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _guarded(convert: Callable[[], np.ndarray]) -> np.ndarray:
    try:
        return convert()
    except Exception as error:  # noqa: BLE001  Each converter has exceptions of its own; the node outlives them all.
        why = ' '.join(str(error).split())
        raise BadMessage(
            f'expected an image that can be converted to rgb8, got one that cannot ({why})'
        ) from error


def _flat(message: Any, size: int, what: str) -> np.ndarray:
    values = np.asarray(message.data, np.float32)[message.layout.data_offset :]
    if values.size != size:
        raise BadMessage(f'expected {size} {what}, got {values.size}')
    return values


def _checked(check: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    try:
        # a double beyond float32 becomes infinite, and is refused as such
        with np.errstate(over='ignore'):
            return check(values.astype(np.float32))
    except ContractError as error:
        raise BadMessage(str(error)) from error


def _quote(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + '...')
