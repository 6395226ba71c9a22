# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Draws on a camera's picture what was decided from it."""

import cv2
import numpy as np

from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.reports.style import MODE_COLOURS, action_colour, words
from crossmodal_kd_ros.runtime.sample import Estimate

# Every picture is scaled into a square of this size: enough to read, and quick to send.
SIDE_PX = 640
_HEAD_PX, _FOOT_PX, _MARGIN_PX, _BAR_PX = 60, 35, 13, 102
_FONT = cv2.FONT_HERSHEY_DUPLEX
_GREY, _WHITE, _DARK = (190, 190, 190), (255, 255, 255), (24, 27, 32)
# How strongly the brightest part of the saliency covers the picture.
_STRENGTH = 0.6


def annotate(
    image: np.ndarray, estimate: Estimate, profile: Profile, saliency: np.ndarray | None = None
) -> np.ndarray:
    """Return `image` with the answer drawn on it.

    Between two bands of text with mode, action, confidence and reason is the picture, at most 640
    x 640, with a frame round what each grid covers and with the saliency.

    Args:
        image: `uint8[H, W, 3]`, RGB; it stays as it is.
        estimate: what was decided from it.
        profile: what the robot has.
        saliency: `float32[N, N]` over the square view, as `Saliency.map` gives it; only what
            speaks for the action is drawn.

    Returns:
        `uint8[h, 640, 3]`, RGB.
    """
    picture = _fitted(image)
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    view = picture[top : top + side, left : left + side]
    if saliency is not None:
        view[:] = _lit(view, saliency)
    grids = [sense.name for sense in profile.senses.values() if sense.footprint_mm is not None]
    for grid in grids:
        rows, columns = profile.footprint_px(grid, side)
        cv2.rectangle(
            picture,
            (left + columns.start, top + rows.start),
            (left + columns.stop, top + rows.stop),
            _WHITE,
            1,
            cv2.LINE_AA,
        )
    beside = SIDE_PX - width
    picture = cv2.copyMakeBorder(
        picture, 0, 0, beside // 2, beside - beside // 2, cv2.BORDER_CONSTANT, value=_DARK
    )
    if saliency is not None:
        legend = 'bright: where the student looks'
    else:
        legend = f'frame: {", ".join(grids)}' if grids else ''
    return np.concatenate(
        [_headline(estimate, profile), picture, _footnote(estimate.reason, legend)]
    )


def _fitted(image: np.ndarray) -> np.ndarray:
    scale = SIDE_PX / max(image.shape[:2])
    size = tuple(max(1, round(scale * pixels)) for pixels in image.shape[1::-1])
    return cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    )


def _lit(view: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """Return `view` with warm light where `saliency` is positive; its maximum is the brightest."""
    spread = cv2.GaussianBlur(np.maximum(saliency, 0.0), (0, 0), 1.2)
    if spread.max() <= 0.0:
        return view
    heat = cv2.resize(
        spread / spread.max(), view.shape[1::-1], interpolation=cv2.INTER_CUBIC
    ).clip(0.0, 1.0)
    colours = cv2.applyColorMap((255.0 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    weight = (_STRENGTH * heat)[..., None]
    return (view * (1.0 - weight) + colours * weight).astype(np.uint8)


def _headline(estimate: Estimate, profile: Profile) -> np.ndarray:
    band = np.full((_HEAD_PX, SIDE_PX, 3), _DARK, np.uint8)
    base, size = round(0.68 * _HEAD_PX), _size(0.38 * _HEAD_PX)
    mode, action = str(estimate.mode), words(estimate.action)
    chip = _width(mode, size) + 2 * _MARGIN_PX
    cv2.rectangle(band, (0, 0), (chip, _HEAD_PX), _rgb(MODE_COLOURS[mode]), -1)
    _write(band, mode, _MARGIN_PX, base, size, _WHITE)
    confidence = f'{estimate.confidence:.0%}'
    number = SIDE_PX - _MARGIN_PX - _width(confidence, size)
    _write(band, confidence, number, base, size, _WHITE)
    start, middle = number - _MARGIN_PX - _BAR_PX, _HEAD_PX // 2
    for length, colour in ((1.0, (70, 74, 80)), (estimate.confidence, _WHITE)):
        end = start + round(_BAR_PX * length)
        cv2.rectangle(band, (start, middle - 4), (end, middle + 4), colour, -1)
    room = start - chip - 2 * _MARGIN_PX
    fitting = size * min(1.0, room / max(_width(action, size), 1))
    colour = _rgb(action_colour(estimate.action, profile.actions))
    cv2.rectangle(band, (chip, _HEAD_PX - 5), (SIDE_PX, _HEAD_PX), colour, -1)
    _write(band, action, chip + _MARGIN_PX, base, fitting, _WHITE)
    return band


def _footnote(reason: str, legend: str) -> np.ndarray:
    band = np.full((_FOOT_PX, SIDE_PX, 3), _DARK, np.uint8)
    base, size = round(0.66 * _FOOT_PX), _size(0.36 * _FOOT_PX)
    right = SIDE_PX - _MARGIN_PX - _width(legend, size)
    while reason and _width(reason, size) > right - 32:
        reason = reason[:-4].rstrip('.') + '...' if len(reason) > 8 else ''
    _write(band, reason, _MARGIN_PX, base, size, _GREY)
    _write(band, legend, right, base, size, _GREY)
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
