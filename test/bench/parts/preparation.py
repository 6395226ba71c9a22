# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a message to the view that the networks see, beside OpenCV alone."""

from array import array
from functools import partial

import cv2
import numpy as np
from measure import Bench, Column, Figure, Part, Result, Table, ratio, timed
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from crossmodal_kd_ros.nodes.conversions import image_message
from crossmodal_kd_ros.profile import load_profile, square_view
from crossmodal_kd_ros.runtime.sources import CameraReader
from crossmodal_kd_ros.runtime.topics import COMPRESSED_IMAGE, IMAGE

_SIZES = ((640, 480), (1280, 720), (1920, 1080))
_KINDS = ('rgb8', 'bgr8', 'JPEG')
_COLUMNS = (
    Column(key='ms', title='to the view', unit='ms'),
    Column(key='plain_ms', title='OpenCV alone', unit='ms'),
    Column(key='ratio', title='ratio'),
)


def run(bench: Bench) -> Part:
    """Time every size and kind in turns with its opponent."""
    view_px = load_profile().camera.view_px
    rows, results = [], []
    cv2.setNumThreads(1)
    for width, height in _SIZES:
        picture = _picture(width, height)
        for kind in _KINDS:
            bench.say(f'{width}x{height} {kind}')
            message = _message(picture, kind)
            reader = CameraReader(COMPRESSED_IMAGE if kind == 'JPEG' else IMAGE)
            calls = (
                partial(view_of, reader, message, view_px),
                partial(plain_view, message, view_px),
            )
            own_ms, plain_ms = [], []
            for _ in range(bench.rounds):
                own_s, plain_s = timed(*calls, repeats=10 if bench.quick else 40)
                own_ms.append(1e3 * float(np.median(own_s)))
                plain_ms.append(1e3 * float(np.median(plain_s)))
            figure = ratio(own_ms, plain_ms)
            name = f'{width}x{height} {kind}'
            rows.append(
                (name, {'ms': Figure.of(own_ms), 'plain_ms': Figure.of(plain_ms), 'ratio': figure})
            )
            if kind != 'bgr8':
                results.append(Result(name=f'{name}: over OpenCV alone', figure=figure))
    return Part(
        title='From a message to the view',
        text=(
            f'The square view of {view_px} x {view_px} pixels that both networks see, from an '
            'rclpy message, with every check of it, on one thread. *OpenCV alone*: of a raw '
            'picture, its reduction by area of the middle square, which is cut out without a '
            'copy; of a JPEG (quality 90), its decoding and that reduction.',
        ),
        results=results,
        tables=(
            Table(
                title='One picture',
                first='message',
                columns=_COLUMNS,
                rows=rows,
                plot=('ms', 'plain_ms'),
            ),
        ),
    )


def view_of(reader: CameraReader, message: Image | CompressedImage, view_px: int) -> np.ndarray:
    """Return the view as the package makes it."""
    _, decode = reader.read(message)
    return square_view(decode(), size_px=view_px)


def plain_view(message: Image | CompressedImage, view_px: int) -> np.ndarray:
    """Return a view of that size by OpenCV alone, unchecked."""
    pixels = np.frombuffer(message.data, np.uint8)
    if isinstance(message, CompressedImage):
        picture = cv2.imdecode(pixels, cv2.IMREAD_COLOR)
    else:
        picture = pixels.reshape(message.height, message.width, 3)
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    return cv2.resize(square, (view_px, view_px), interpolation=cv2.INTER_AREA)


def _picture(width: int, height: int) -> np.ndarray:
    """Return a picture that compresses as a wall does: structure of every size, and grain."""
    rng = np.random.default_rng(0)
    picture = np.zeros((height, width, 3), np.float32)
    for cells in (4, 16, 64, 256):
        noise = rng.normal(0.0, 18.0, (cells * height // width + 1, cells, 3)).astype(np.float32)
        picture += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    picture += rng.normal(120.0, 3.0, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def _message(picture: np.ndarray, kind: str) -> Image | CompressedImage:
    header = Header(frame_id='bench')
    header.stamp.sec = 1
    if kind == 'JPEG':
        _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        return CompressedImage(header=header, format='jpeg', data=array('B', data.tobytes()))
    message = image_message(header, picture)
    message.encoding = kind
    return message
