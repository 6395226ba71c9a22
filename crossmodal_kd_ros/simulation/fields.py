# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scalar fields over a panel in mm: the same seed gives the same wall at any resolution."""

from collections.abc import Sequence

import cv2
import numpy as np

from crossmodal_kd_ros.simulation.panel import PANEL_MM

# Cracks are drawn on this grid and then averaged down, so that a hair of 0.2 mm keeps its
# darkness.
_DRAWING_PX_PER_MM = 8


def size_px(px_per_mm: float) -> tuple[int, int]:
    """Return (width, height) of a panel in pixels."""
    return round(PANEL_MM[0] * px_per_mm), round(PANEL_MM[1] * px_per_mm)


def value_noise(
    rng: np.random.Generator, wavelength_mm: float, px_per_mm: float, *, stretch: float = 1.0
) -> np.ndarray:
    """Return smooth noise `float32[H, W]` of mean 0 and standard deviation about 1.

    Args:
        rng: is advanced by the same amount at every resolution.
        wavelength_mm: spacing of the random lattice (height); the width's is `stretch` times
            longer.
        px_per_mm: resolution of the field.
        stretch: over 1 for horizontal fibres.
    """
    columns = max(2, round(PANEL_MM[0] / (wavelength_mm * stretch)) + 1)
    rows = max(2, round(PANEL_MM[1] / wavelength_mm) + 1)
    lattice = rng.standard_normal((rows, columns), dtype=np.float32)
    # Interpolation between independent values lowers the deviation; 1.45 restores it (measured for
    # cubic).
    return 1.45 * cv2.resize(lattice, size_px(px_per_mm), interpolation=cv2.INTER_CUBIC)


def fractal(
    rng: np.random.Generator,
    wavelengths_mm: Sequence[float],
    px_per_mm: float,
    *,
    gain: float = 0.6,
) -> np.ndarray:
    """Return a sum of octaves of `value_noise`, each weaker by `gain`; deviation about 1."""
    weights = gain ** np.arange(len(wavelengths_mm), dtype=np.float32)
    weights /= np.sqrt((weights**2).sum())
    return sum(
        weight * value_noise(rng, wavelength, px_per_mm)
        for weight, wavelength in zip(weights, wavelengths_mm, strict=True)
    )


def patches(seed: int, cover: float, px_per_mm: float) -> np.ndarray:
    """Return soft-edged patches `float32[H, W]`, 0 to 1, with a mean of about `cover`."""
    if cover <= 0.0:
        return np.zeros(size_px(px_per_mm)[::-1], np.float32)
    noise = fractal(np.random.default_rng(seed), (22.0, 9.0, 3.5), px_per_mm)
    edge = np.quantile(noise[::4, ::4], 1.0 - cover)
    return np.clip((noise - edge) / 0.3 + 0.5, 0.0, 1.0)


def blister(seed: int, px_per_mm: float) -> np.ndarray:
    """Return a smooth dome `float32[H, W]`, 1 on its flat top, 0 outside: a debonded layer."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform((50.0, 38.0), (110.0, 58.0))
    radii = rng.uniform((26.0, 18.0), (48.0, 30.0))
    width, height = size_px(px_per_mm)
    x = ((np.arange(width, dtype=np.float32) + 0.5) / px_per_mm - centre[0]) / radii[0]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / px_per_mm - centre[1]) / radii[1]
    distance = np.sqrt(x[None] ** 2 + y[:, None] ** 2)
    return np.clip((1.0 - distance) / 0.4, 0.0, 1.0)


def crack_path(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a crack's polyline `float64[P, 2]` (mm) and its relative depth `float64[P]`."""
    rng = np.random.default_rng(seed)
    anchor = rng.uniform((25.0, 34.0), (135.0, 62.0))
    heading = rng.normal(0.0, 0.55) + (np.pi / 2 if rng.random() < 0.25 else 0.0)
    step_mm, steps = 2.5, int(rng.integers(14, 36))
    halves = []
    for direction in (heading, heading + np.pi):
        angle = direction + np.cumsum(rng.normal(0.0, 0.16, steps)) + rng.normal(0.0, 0.22, steps)
        halves.append(anchor + step_mm * np.cumsum(np.stack([np.cos(angle), np.sin(angle)], 1), 0))
    path = np.concatenate([halves[1][::-1], anchor[None], halves[0]])
    wave = np.cumsum(rng.normal(0.0, 1.0, len(path)))
    wave = (wave - wave.min()) / max(np.ptp(wave), 1e-9)
    return path, 0.86 + 0.14 * wave


def crack_cover(seed: int, shown_mm: float, px_per_mm: float) -> np.ndarray:
    """Return how much of each pixel `float32[H, W]` the crack's opening covers.

    A crack that looks deeper is wider.
    """
    width, height = size_px(px_per_mm)
    if shown_mm <= 0.0:
        return np.zeros((height, width), np.float32)
    path, relative = crack_path(seed)
    rng = np.random.default_rng((seed, 1))
    canvas = np.zeros(size_px(_DRAWING_PX_PER_MM)[::-1], np.uint8)
    points = np.round(path * _DRAWING_PX_PER_MM * 16).astype(int)  # 4 fractional bits
    for start, end, depth in zip(points[:-1], points[1:], relative[1:] * shown_mm, strict=True):
        opening = crack_width_mm(depth) * rng.uniform(0.75, 1.25)
        thickness = max(1, round(opening * _DRAWING_PX_PER_MM))
        cv2.line(canvas, start.tolist(), end.tolist(), 255, thickness, cv2.LINE_AA, 4)
    cover = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return cover.astype(np.float32) / 255.0


def crack_width_mm(shown_mm: float) -> float:
    """Return the opening of a crack that looks `shown_mm` deep, mm."""
    return 0.2 + 0.21 * shown_mm
