# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Draws on a camera's picture what was decided from it."""

import cv2
import numpy as np

from crossmodal_kd_ros.contract import Estimate
from crossmodal_kd_ros.reports.style import ACTION_COLOURS, MODE_COLOURS, words

# Every picture is scaled into a square of this size: enough to read, and quick to send.
SIDE_PX = 640
_BAND = 0.055  # height of a line of text, in widths of the picture
_FONT = cv2.FONT_HERSHEY_DUPLEX
_GREY, _WHITE, _DARK = (190, 190, 190), (255, 255, 255), (24, 27, 32)
# How strongly the brightest part of the gaze covers the picture.
_STRENGTH = 0.6


def annotate(image: np.ndarray, estimate: Estimate, gaze: np.ndarray | None = None) -> np.ndarray:
    """Return `image` with the mode, the action, the confidence, the reason, the pad's place and the gaze drawn on it.

    Args:
        image: `uint8[H, W, 3]`, RGB; it stays as it is.
        estimate: what was decided from it.
        gaze: `float32[N, N]` over the square view, as `Gaze.look` gives it; only what speaks for
            the action is drawn.

    Returns:
        `uint8[h, 640, 3]`, RGB: the picture as large as 640 x 640 allows, between two bands of
        text.
    """
    picture = _fitted(image)
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    view = picture[top : top + side, left : left + side]
    if gaze is not None:
        view[:] = _lit(view, gaze)
    # The pad: the middle half of the view's width, the middle quarter of its height.
    corners = [
        (left + side // 4, top + side * 3 // 8),
        (left + side * 3 // 4, top + side * 5 // 8),
    ]
    cv2.rectangle(picture, *corners, _WHITE, 1, cv2.LINE_AA)
    beside = SIDE_PX - width
    picture = cv2.copyMakeBorder(
        picture, 0, 0, beside // 2, beside - beside // 2, cv2.BORDER_CONSTANT, value=_DARK
    )
    return np.concatenate(
        [_headline(estimate, SIDE_PX), picture, _footnote(estimate, SIDE_PX, gaze is not None)]
    )


def _fitted(image: np.ndarray) -> np.ndarray:
    scale = SIDE_PX / max(image.shape[:2])
    size = tuple(max(1, round(scale * pixels)) for pixels in image.shape[1::-1])
    return cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    )


def _lit(view: np.ndarray, gaze: np.ndarray) -> np.ndarray:
    """Return `view` with warm light where `gaze` is positive; its greatest value is the brightest."""
    spread = cv2.GaussianBlur(np.maximum(gaze, 0.0), (0, 0), 1.2)
    if spread.max() <= 0.0:
        return view
    heat = cv2.resize(
        spread / spread.max(), view.shape[1::-1], interpolation=cv2.INTER_CUBIC
    ).clip(0.0, 1.0)
    colours = cv2.applyColorMap((255.0 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    weight = (_STRENGTH * heat)[..., None]
    return (view * (1.0 - weight) + colours * weight).astype(np.uint8)


def _headline(estimate: Estimate, width: int) -> np.ndarray:
    band = np.full((round(1.7 * _BAND * width), width, 3), _DARK, np.uint8)
    base, size = round(0.68 * len(band)), _size(0.38 * len(band))
    chip = _width(str(estimate.mode), size) + round(0.04 * width)
    cv2.rectangle(band, (0, 0), (chip, len(band)), _rgb(MODE_COLOURS[str(estimate.mode)]), -1)
    _write(band, str(estimate.mode), round(0.02 * width), base, size, _WHITE)
    sure = f'{estimate.confidence:.0%}'
    bar, right = round(0.16 * width), width - round(0.02 * width)
    number = right - _width(sure, size)
    _write(band, sure, number, base, size, _WHITE)
    start, middle = number - round(0.02 * width) - bar, len(band) // 2
    for end, colour in (
        (start + bar, (70, 74, 80)),
        (start + round(bar * estimate.confidence), _WHITE),
    ):
        cv2.rectangle(band, (start, middle - 4), (end, middle + 4), colour, -1)
    room = start - chip - round(0.04 * width)
    action = words(estimate.action)
    fitting = size * min(1.0, room / max(_width(action, size), 1))
    mark = chip + round(0.02 * width)
    cv2.rectangle(
        band, (chip, len(band) - 5), (width, len(band)), _rgb(ACTION_COLOURS[estimate.action]), -1
    )
    _write(band, action, mark, base, fitting, _WHITE)
    return band


def _footnote(estimate: Estimate, width: int, with_gaze: bool) -> np.ndarray:
    band = np.full((round(_BAND * width), width, 3), _DARK, np.uint8)
    size = _size(0.36 * len(band))
    legend = 'bright: where the student looks' if with_gaze else 'frame: the pad'
    right = width - round(0.02 * width) - _width(legend, size)
    reason = estimate.reason
    while reason and _width(reason, size) > right - round(0.05 * width):
        reason = reason[:-4].rstrip('.') + '...' if len(reason) > 8 else ''
    _write(band, reason, round(0.02 * width), round(0.66 * len(band)), size, _GREY)
    _write(band, legend, right, round(0.66 * len(band)), size, _GREY)
    return band


def _write(
    band: np.ndarray, text: str, x: int, y: int, size: float, colour: tuple[int, int, int]
) -> None:
    # Hershey fonts know ASCII alone.
    cv2.putText(
        band, text.encode('ascii', 'replace').decode(), (x, y), _FONT, size, colour, 1, cv2.LINE_AA
    )


def _size(height_px: float) -> float:
    # The same font is drawn larger by OpenCV 5 than by OpenCV 4.
    return height_px / cv2.getTextSize('A', _FONT, 1.0, 1)[0][1]


def _width(text: str, size: float) -> int:
    return cv2.getTextSize(text, _FONT, size, 1)[0][0]


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.lstrip('#')))
