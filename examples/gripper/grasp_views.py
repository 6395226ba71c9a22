# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a photograph to the view of the object alone, and to what is around it alone.

One object was recorded in one session, so what lies around it tells which object it is: the light,
a pen on the table, where the arm stands. A view that shows any of it learns that instead.
"""

import cv2
import numpy as np

VIEW_PX = 128
# Where objects lie: left, top, right, bottom.
_TABLE = (110, 70, 470, 400)
# Side of the square that a gripper can reach round, and of the view, which lies within an object.
_OBJECT_PX, _INSIDE_PX = 130, 80
# Where most lie, and how far from there half of the weight is lost.
_USUAL, _STRAY_PX = (312.0, 180.0), 120.0
_NEUTRAL = 200.0


def object_view(photograph: np.ndarray) -> np.ndarray:
    """Return the middle of the object, `uint8[128, 128, 3]`, with the table's colour made grey."""
    balanced = _balance(photograph)
    x, y = find_object(balanced)
    half = _INSIDE_PX // 2
    inside = balanced[y - half : y + half, x - half : x + half]
    return cv2.resize(inside, (VIEW_PX, VIEW_PX), interpolation=cv2.INTER_LINEAR)


def background_view(photograph: np.ndarray) -> np.ndarray:
    """Return all but the place of the object, `uint8[128, 128, 3]`, colours as they are.

    For the control that tells how much the session gives away.
    """
    x, y = find_object(_balance(photograph))
    around = photograph.copy()
    cv2.circle(around, (x, y), _OBJECT_PX, (128, 128, 128), -1)
    return cv2.resize(around, (VIEW_PX, VIEW_PX), interpolation=cv2.INTER_AREA)


def find_object(balanced: np.ndarray) -> tuple[int, int]:
    """Return column and row of an object's middle: where there is most colour, shade and edge."""
    left, top, right, bottom = _TABLE
    table = cv2.GaussianBlur(balanced[top:bottom, left:right], (0, 0), 2.0).astype(np.float32)
    grey = table.mean(2)
    colour = table.max(2) - table.min(2)
    light = cv2.GaussianBlur(grey, (0, 0), 60.0)
    edge = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    odd = colour + 0.5 * np.abs(grey - light) + edge
    odd = cv2.boxFilter(np.minimum(odd, 80.0), -1, (_OBJECT_PX, _OBJECT_PX), normalize=True)
    rows, columns = np.mgrid[top:bottom, left:right]
    stray = ((columns - _USUAL[0]) ** 2 + (rows - _USUAL[1]) ** 2) / _STRAY_PX**2
    odd /= 1.0 + stray
    margin = _INSIDE_PX // 2
    row, column = np.unravel_index(np.argmax(odd), odd.shape)
    return int(left + max(column, margin)), int(top + max(row, margin))


def _balance(photograph: np.ndarray) -> np.ndarray:
    """Return the photograph with the median of the table around the object made neutral grey."""
    left, top, right, bottom = _TABLE
    table = photograph[bottom - 60 : bottom, left:right].reshape(-1, 3)
    gain = _NEUTRAL / np.maximum(np.median(table, 0), 1.0)
    return np.clip(photograph * gain, 0.0, 255.0).astype(np.uint8)
