# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The encodings of `sensor_msgs` that hold a camera's picture, and how each becomes RGB."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

# Depth, disparity, confidence: OpenCV's names of numbers that are no brightness.
_NO_BRIGHTNESS = re.compile(r'(8S|16U|16S|32S|32F|64F)(C\d*)?')


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How a picture lies in a message.

    Attributes:
        convert: makes `uint8[H, W, 3]`, RGB, of `uint8[H, W]`, or `uint8[H, W, elements]` if there
            are several, and of the rows of a second plane.
        elements: of a pixel, one after the other in a row.
        bits: of an element, 8 or 16.
        chroma: of the second plane, if there is one: its rows, and the elements of a row, over
            those of the first.
    """

    convert: Callable[..., np.ndarray]
    elements: int = 1
    bits: int = 8
    chroma: tuple[float, int] | None = None

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel in the first plane."""
        return self.elements * self.bits // 8

    @property
    def planes(self) -> float:
        """Bytes of all planes over those of the first."""
        return 1 + (self.chroma[0] * self.chroma[1] if self.chroma else 0)

    def to_rgb(self, rows: np.ndarray, *chroma: np.ndarray) -> np.ndarray:
        """Return `uint8[H, W, 3]`, RGB; raise `cv2.error` where the size has no meaning.

        Args:
            rows: `uint8` or `uint16`, `[H, W * elements]`.
            chroma: the rows of the second plane, if there is one.
        """
        if self.bits == 16:
            rows = cv2.convertScaleAbs(rows, alpha=1 / 257)
        if self.elements > 1:
            rows = rows.reshape(len(rows), -1, self.elements)
        return self.convert(rows, *chroma)


def _by(code: int) -> Callable[..., np.ndarray]:
    return lambda pixels: cv2.cvtColor(pixels, code)


def _by_pairs(code: int) -> Callable[..., np.ndarray]:
    def convert(pixels: np.ndarray) -> np.ndarray:
        width = pixels.shape[1]
        if width % 2:  # OpenCV 4.6 writes past the end of such a picture, newer ones refuse it
            raise cv2.error(f'two pixels share a colour, and its width of {width} is odd')
        return cv2.cvtColor(pixels, code)

    return convert


def _by_planes(code: int) -> Callable[..., np.ndarray]:
    return lambda rows, chroma: cv2.cvtColorTwoPlane(
        rows, chroma.reshape(len(chroma), -1, 2), code
    )


def _nv24(rows: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    # OpenCV has no such conversion: each pixel becomes two of the same colour, as yuyv has them.
    twice = np.dstack([rows, chroma[:, ::2], rows, chroma[:, 1::2]]).reshape(len(rows), -1, 2)
    return np.ascontiguousarray(cv2.cvtColor(twice, cv2.COLOR_YUV2RGB_YUY2)[:, ::2])


# Elements of a pixel, and its conversion, of what there is with 8 bits and with 16.
_COLOURS: dict[str, tuple[int, Callable[..., np.ndarray]]] = {
    'rgb': (3, lambda pixels: pixels),
    'bgr': (3, _by(cv2.COLOR_BGR2RGB)),
    'rgba': (4, _by(cv2.COLOR_RGBA2RGB)),
    'bgra': (4, _by(cv2.COLOR_BGRA2RGB)),
    'mono': (1, _by(cv2.COLOR_GRAY2RGB)),
    # ROS names a pattern from its first pixel on, OpenCV from the second one of the second row.
    'bayer_rggb': (1, _by(cv2.COLOR_BayerBG2RGB)),
    'bayer_bggr': (1, _by(cv2.COLOR_BayerRG2RGB)),
    'bayer_gbrg': (1, _by(cv2.COLOR_BayerGR2RGB)),
    'bayer_grbg': (1, _by(cv2.COLOR_BayerGB2RGB)),
}
_UYVY = Encoding(elements=2, convert=_by_pairs(cv2.COLOR_YUV2RGB_UYVY))
_YUYV = Encoding(elements=2, convert=_by_pairs(cv2.COLOR_YUV2RGB_YUY2))

ENCODINGS: dict[str, Encoding] = {
    **{
        f'{name}{bits}': Encoding(elements=elements, bits=bits, convert=convert)
        for name, (elements, convert) in _COLOURS.items()
        for bits in (8, 16)
    },
    # Names without a colour order, read in the order of OpenCV, which is where they come from.
    '8UC1': Encoding(convert=_by(cv2.COLOR_GRAY2RGB)),
    '8UC3': Encoding(elements=3, convert=_by(cv2.COLOR_BGR2RGB)),
    '8UC4': Encoding(elements=4, convert=_by(cv2.COLOR_BGRA2RGB)),
    'uyvy': _UYVY,
    'yuv422': _UYVY,
    'yuyv': _YUYV,
    'yuv422_yuy2': _YUYV,
    'nv12': Encoding(convert=_by_planes(cv2.COLOR_YUV2RGB_NV12), chroma=(0.5, 1)),
    'nv21': Encoding(convert=_by_planes(cv2.COLOR_YUV2RGB_NV21), chroma=(0.5, 1)),
    'nv24': Encoding(convert=_nv24, chroma=(1, 2)),
}


def is_no_brightness(encoding: str) -> bool:
    """Return whether an encoding holds other numbers than brightness, such as depth."""
    return _NO_BRIGHTNESS.fullmatch(encoding) is not None
