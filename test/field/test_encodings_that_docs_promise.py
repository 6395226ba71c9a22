# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every encoding that docs/bags.md promises, by pictures that are made by hand."""

import re
from array import array
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from crossmodal_kd_ros.runtime.encodings import ENCODINGS
from crossmodal_kd_ros.runtime.messages import BadMessage, NoPicture, image_reader

DOCUMENT = Path(__file__).resolve().parents[2] / 'docs' / 'bags.md'
# Fields of one colour, large enough for what lies between them to be no matter: 48x64 pixels.
COLOURS = np.random.default_rng(16).integers(30, 226, (3, 4, 3))
FIELDS = np.repeat(np.repeat(COLOURS, 16, 0), 16, 1).astype(np.uint8)
GREY = FIELDS[..., :1]
ALPHA = np.full_like(GREY, 9)


def ycbcr(rgb: np.ndarray) -> np.ndarray:
    """Return Y, Cb and Cr as ITU-R BT.601 defines them for 8 bits, `uint8[..., 3]`."""
    r, g, b = np.moveaxis(rgb / 255.0, -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack(
        [16 + 219 * y, 128 + 224 * (b - y) / 1.772, 128 + 224 * (r - y) / 1.402], -1
    ).round().astype(np.uint8)  # fmt: skip


Y, CB, CR = (plane[..., 0] for plane in np.split(ycbcr(FIELDS), 3, -1))


def pairs(*elements: np.ndarray) -> np.ndarray:
    """Return rows of elements that take turns, `uint8[H, elements * W]`."""
    return np.stack(elements, -1).reshape(len(elements[0]), -1)


def mosaic(pattern: str) -> np.ndarray:
    pixels = np.empty(FIELDS.shape[:2], np.uint8)
    for place, colour in enumerate(pattern.upper()):
        rows, columns = slice(place // 2, None, 2), slice(place % 2, None, 2)
        pixels[rows, columns] = FIELDS[rows, columns, 'RGB'.index(colour)]
    return pixels


EIGHT_BITS = {
    'rgb8': FIELDS,
    'bgr8': FIELDS[..., ::-1],
    'rgba8': np.dstack([FIELDS, ALPHA]),
    'bgra8': np.dstack([FIELDS[..., ::-1], ALPHA]),
    'mono8': GREY,
    **{f'bayer_{pattern}8': mosaic(pattern) for pattern in ('rggb', 'bggr', 'gbrg', 'grbg')},
}
# The rows of each plane.
PLANES = {
    **{name: [pixels.reshape(48, -1)] for name, pixels in EIGHT_BITS.items()},
    **{
        name.replace('8', '16'): [pixels.reshape(48, -1).astype(np.uint16) * 257]
        for name, pixels in EIGHT_BITS.items()
    },
    '8UC1': [GREY.reshape(48, -1)],
    '8UC3': [FIELDS[..., ::-1].reshape(48, -1)],
    '8UC4': [np.dstack([FIELDS[..., ::-1], ALPHA]).reshape(48, -1)],
    # Two pixels share their colour.
    'uyvy': [pairs(CB[:, ::2], Y[:, ::2], CR[:, ::2], Y[:, 1::2])],
    'yuyv': [pairs(Y[:, ::2], CB[:, ::2], Y[:, 1::2], CR[:, ::2])],
    # Four pixels do, and colours come after all of the brightness.
    'nv12': [Y, pairs(CB[::2, ::2], CR[::2, ::2])],
    'nv21': [Y, pairs(CR[::2, ::2], CB[::2, ::2])],
    # None do.
    'nv24': [Y, pairs(CB, CR)],
}
PLANES |= {'yuv422': PLANES['uyvy'], 'yuv422_yuy2': PLANES['yuyv']}


def image(
    encoding: str, planes: list[np.ndarray], *, padding: int = 0, big_endian: bool = False
) -> SimpleNamespace:
    """Return a message; a row of a plane that is twice as wide has twice the padding."""
    data, step = b'', 0
    for plane in planes:
        rows = plane.astype(plane.dtype.newbyteorder('>' if big_endian else '<'))
        rows = np.ascontiguousarray(rows).view(np.uint8)
        step = step or rows.shape[1] + padding
        extra = padding * (rows.shape[1] // (step - padding))
        data += np.pad(rows, ((0, 0), (0, extra)), constant_values=77).tobytes()
    return SimpleNamespace(
        height=48,
        width=64,
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=step,
        data=array('B', data),
    )


def expected(encoding: str) -> np.ndarray:
    grey = encoding in ('mono8', 'mono16', '8UC1')
    return (COLOURS[..., [0, 0, 0]] if grey else COLOURS).astype(int)


@pytest.mark.parametrize('padding', [0, 6])
@pytest.mark.parametrize('encoding', PLANES)
def test_a_camera_of_each_encoding_is_seen_in_its_colours(encoding, padding):
    picture = image_reader(image(encoding, PLANES[encoding], padding=padding))()

    assert picture.shape == (48, 64, 3) and picture.dtype == np.uint8
    # BT.601 in 8 bits cannot say every colour.
    tolerance = 3 if encoding.startswith(('yuv', 'nv', 'uyvy')) else 1
    np.testing.assert_allclose(picture[7::16, 7::16], expected(encoding), atol=tolerance)
    if not encoding.startswith('bayer'):
        whole = np.repeat(np.repeat(expected(encoding), 16, 0), 16, 1)
        np.testing.assert_allclose(picture, whole, atol=tolerance)


@pytest.mark.parametrize('encoding', [name for name in PLANES if name.endswith('16')])
def test_sixteen_bits_are_read_in_either_order(encoding):
    picture = image_reader(image(encoding, PLANES[encoding], big_endian=True))()

    np.testing.assert_allclose(picture[7::16, 7::16], expected(encoding), atol=1)


def test_the_document_promises_what_is_read_and_no_more():
    [row] = re.findall(r'^\| camera \| `sensor_msgs/Image` \|(.*)\|$', DOCUMENT.read_text(), re.M)
    promised = set()
    for name in re.findall(r'`([^`]+)`', row):
        promised |= (
            {f'{name[:-1]}{pattern}{bits}' for pattern in ('rggb', 'bggr', 'gbrg', 'grbg')
             for bits in (8, 16)}
            if name == 'bayer_*' else {name}
        )  # fmt: skip

    assert promised == set(ENCODINGS) == set(PLANES)


def test_every_picture_encoding_of_sensor_msgs_is_read():
    # Of sensor_msgs/image_encodings.hpp those of isColor, isMono and isBayer; nv12 is of 2025.
    names = """rgb8 rgba8 rgb16 rgba16 bgr8 bgra8 bgr16 bgra16 mono8 mono16 uyvy yuv422 yuyv
        yuv422_yuy2 nv12 nv21 nv24 bayer_rggb8 bayer_bggr8 bayer_gbrg8 bayer_grbg8 bayer_rggb16
        bayer_bggr16 bayer_gbrg16 bayer_grbg16""".split()

    assert set(names) <= set(PLANES)


@pytest.mark.parametrize('encoding', ['nv12', 'nv21', 'nv24'])
def test_a_picture_without_its_second_plane_is_refused(encoding):
    message = image(encoding, PLANES[encoding][:1])
    factor = {'nv12': '1.5', 'nv21': '1.5', 'nv24': '3'}[encoding]

    with pytest.raises(BadMessage, match=f'expected {factor} x step x height = [0-9]+ bytes'):
        image_reader(message)


def test_a_second_plane_of_half_a_row_is_refused():
    message = image('nv12', [Y, pairs(CB[::2, ::2], CR[::2, ::2])])
    message.height, message.step, message.width = 32, 96, 95

    with pytest.raises(BadMessage, match='expected'):
        image_reader(message)()


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1', '64FC1', '16SC1', '8SC3', '32SC2', '16UC'])
def test_what_is_no_brightness_is_refused_as_that(encoding):
    with pytest.raises(NoPicture, match='which is depth or another measurement'):
        image_reader(image(encoding, [Y]))


@pytest.mark.parametrize('encoding', ['nv16', 'yuv420', 'h264', '8UC2', 'RGB8', ''])
def test_what_nobody_promised_is_refused_by_its_name(encoding):
    with pytest.raises(NoPicture, match=f"such as rgb8, bgr8 or mono8, got '{encoding}'"):
        image_reader(image(encoding, [Y]))
