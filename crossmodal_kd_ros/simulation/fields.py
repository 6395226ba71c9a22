# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scalar fields over a panel in mm: the same seed gives the same wall at any resolution."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from crossmodal_kd_ros.simulation.panel import PANEL_MM

# So many in a row, along and across, strew the opening of a crack.
_DOTS_PER_PX = 4
# Places along a crack where its edges are chipped or bridged, as it looks.
_CHIPS = 64


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
    """Return a crack's polyline `float64[P, 2]` (mm) and its relative opening `float64[P]`.

    A crack in a body under uniform stress opens to an ellipse (linear elastic fracture mechanics):
    w(s) = w0 sqrt(1 - (s / L)^2), s from its middle, L half its length. So it has two ends.
    """
    rng = np.random.default_rng(seed)
    anchor = rng.uniform((25.0, 34.0), (135.0, 62.0))
    heading = rng.normal(0.0, 0.55) + (np.pi / 2 if rng.random() < 0.25 else 0.0)
    step_mm, steps = 2.5, int(rng.integers(14, 36))
    halves = []
    for direction in (heading, heading + np.pi):
        angle = direction + np.cumsum(rng.normal(0.0, 0.16, steps)) + rng.normal(0.0, 0.22, steps)
        halves.append(anchor + step_mm * np.cumsum(np.stack([np.cos(angle), np.sin(angle)], 1), 0))
    path = np.concatenate([halves[1][::-1], anchor[None], halves[0]])
    return path, np.sqrt(1.0 - np.linspace(-1.0, 1.0, len(path)) ** 2)


def crack_line(seed: int, step_mm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places along a crack's path, every `step_mm`.

    Returns:
        Places `float64[P, 2]` (mm), unit vectors across the crack `float64[P, 2]`, and its
        relative opening `float64[P]`.
    """
    path, relative = crack_path(seed)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    along = np.arange(step_mm / 2, lengths[-1], step_mm)

    def between(values: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(along, lengths, column) for column in values.T], 1)

    # Turning from vertex to vertex, so that a wide crack has no gaps outside of its bends.
    tangents = between(np.gradient(path, axis=0))
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    across = tangents[:, ::-1] * (-1.0, 1.0)
    return between(path), across, between(relative[:, None])[:, 0]


def crack_cover(seed: int, width_mm: float, px_per_mm: float) -> np.ndarray:
    """Return how much of each pixel `float32[H, W]` a crack covers that is `width_mm` wide.

    That is where it is widest. A crack of 0.1 mm covers a fifth of a pixel of 0.5 mm.
    """
    width, height = size_px(px_per_mm)
    if width_mm <= 0.0:
        return np.zeros((height, width), np.float32)
    # The opening is strewn with dots of equal area, and each pixel counts its own.
    step_mm = 1.0 / (_DOTS_PER_PX * px_per_mm)
    places, across, relative = crack_line(seed, step_mm)
    chips = np.random.default_rng((seed, 1)).uniform(0.75, 1.25, _CHIPS)
    ragged = np.interp(np.linspace(0.0, _CHIPS - 1.0, len(places)), np.arange(_CHIPS), chips)
    opening_mm = width_mm * relative * ragged
    dots = math.ceil(width_mm / step_mm)
    aside = (np.arange(dots) + 0.5) / dots - 0.5
    at = places[:, None] + aside[:, None] * (opening_mm[:, None] * across)[:, None]
    columns, rows = np.floor(at.reshape(-1, 2).T * px_per_mm).astype(int)
    area_px = np.repeat(opening_mm * step_mm * px_per_mm**2 / dots, dots)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    cover = np.bincount(
        rows[inside] * width + columns[inside], area_px[inside], minlength=width * height
    )
    return np.minimum(cover, 1.0).reshape(height, width).astype(np.float32)
