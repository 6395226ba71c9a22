# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Crack scores by filters that nobody trained: what a student must beat.

The sizes of each were chosen, by the mean AUROC over both sets, out of 12 to 36 variants on the
odd-numbered photographs of `cracktile` and `flor_concrete`, with their labels. The hand-made
scores are allowed to have seen labels, the student is not.
"""

from collections.abc import Callable

import cv2
import numpy as np

_HAT_PX, _HAT_BLUR_PX, _HAT_PERCENTILE = 15, 2.0, 98
_RIDGE_PX, _RIDGE_PERCENTILE = 1.0, 99.5
_GABOR_WAVE_PX, _GABOR_SIDE_PX, _GABOR_PERCENTILE, _GABOR_ANGLES = 8.0, 21, 90, 8
_CANNY_BLUR_PX, _CANNY_LOW = 2.0, 40


def black_hat(picture: np.ndarray) -> float:
    """Return the 98th percentile of a black-hat filter over its median.

    Args:
        picture: `uint8[S, S, 3]`, RGB; so of all scores here.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HAT_PX, _HAT_PX))
    hat = cv2.morphologyEx(_grey(picture, _HAT_BLUR_PX), cv2.MORPH_BLACKHAT, kernel)
    return float(np.percentile(hat, _HAT_PERCENTILE) / (np.median(hat) + 1.0))


def frangi(picture: np.ndarray) -> float:
    """Return how much darker than both sides the strongest ridges are.

    That is the larger eigenvalue of the Hessian less the smaller, as Frangi et al. 1998 tell a
    vessel from a blob, over the median of the larger.
    """
    grey = _grey(picture, _RIDGE_PX)
    down = cv2.Sobel(grey, -1, 0, 2) * _RIDGE_PX**2
    along = cv2.Sobel(grey, -1, 2, 0) * _RIDGE_PX**2
    both = cv2.Sobel(grey, -1, 1, 1) * _RIDGE_PX**2
    apart = np.sqrt((along - down) ** 2 / 4.0 + both**2)
    high, low = (along + down) / 2.0 + apart, (along + down) / 2.0 - apart
    larger = np.where(np.abs(high) > np.abs(low), high, low)
    smaller = np.where(np.abs(high) > np.abs(low), low, high)
    ridge = np.where(larger > 0.0, larger - np.abs(smaller), 0.0)
    return float(np.percentile(ridge, _RIDGE_PERCENTILE) / (np.median(np.abs(larger)) + 1.0))


def gabor(picture: np.ndarray) -> float:
    """Return the 90th percentile of the strongest dark line over all angles, over its median."""
    grey, strongest = _grey(picture, 0.0), np.full(picture.shape[:2], -np.inf, np.float32)
    for angle in np.arange(_GABOR_ANGLES) * np.pi / _GABOR_ANGLES:
        side, wave = (_GABOR_SIDE_PX, _GABOR_SIDE_PX), _GABOR_WAVE_PX
        kernel = cv2.getGaborKernel(side, wave / 2.0, angle, wave, 0.5, 0.0).astype(np.float32)
        np.maximum(strongest, -cv2.filter2D(grey, -1, kernel - kernel.mean()), out=strongest)
    median = np.median(np.abs(strongest))
    return float(np.percentile(strongest, _GABOR_PERCENTILE) / (median + 1.0))


def canny(picture: np.ndarray) -> float:
    """Return the share of pixels that Canny's detector calls an edge."""
    grey = _grey(picture, _CANNY_BLUR_PX).round().astype(np.uint8)
    return float(np.count_nonzero(cv2.Canny(grey, _CANNY_LOW, 3 * _CANNY_LOW)) / grey.size)


# By the names under which they are reported.
SCORES: dict[str, Callable[[np.ndarray], float]] = {
    'black_hat': black_hat,
    'frangi': frangi,
    'gabor': gabor,
    'canny': canny,
}


def _grey(picture: np.ndarray, blur_px: float) -> np.ndarray:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.GaussianBlur(grey, (0, 0), blur_px) if blur_px > 0.0 else grey
