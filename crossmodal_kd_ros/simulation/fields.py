# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scalar fields over a panel in mm: the same seed gives the same wall at any resolution."""

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from crossmodal_kd_ros.simulation.panel import PANEL_MM

# So many in a row, along and across, strew the opening of a crack.
_DOTS_PER_PX = 4
# Places along a crack where its edges are chipped or bridged, as it looks.
_CHIPS = 64
# What a camera's picture resolves. A coarser field is like the mean of such pixels.
FINE_PX_PER_MM = 4
_NORMALS = np.random.default_rng(0).standard_normal(2**21, dtype=np.float32)
_FEW_NORMALS = 2000
# Width of the edge of a joint or a dot.
SOFT_EDGE_MM = 0.5
# Lattices of at most so many columns are enlarged by matrices: at 12 mm that takes a seventh of
# `cv2.resize`'s time, and the octaves of a fractal share one product.
_MATRIX_COLUMNS = 24
# Products of up to so many multiplications stay in one thread of the BLAS library. Its other
# threads would take the processor of the camera, or of another process that simulates.
_ONE_THREAD = 2**18

# What a pixel shows of which 0 to 255 are under a crack, 10 times as dark as the rest, and back.
_ENCODED = np.round(255.0 * (1.0 - 0.9 * np.arange(256) / 255.0) ** (1 / 2.2)).astype(np.uint8)
_DECODED = ((1.0 - (np.arange(256) / 255.0) ** 2.2) / 0.9).clip(0.0, 1.0).astype(np.float32)


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
    return enlarge([draw_lattice(rng, wavelength_mm, stretch=stretch)], px_per_mm)


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
    lattices = [
        weight * draw_lattice(rng, wavelength)
        for weight, wavelength in zip(weights, wavelengths_mm, strict=True)
    ]
    return enlarge(lattices, px_per_mm)


def draw_lattice(
    rng: np.random.Generator, wavelength_mm: float, *, stretch: float = 1.0
) -> np.ndarray:
    """Return the random values between which `value_noise` is smooth, `float32[R, C]`."""
    columns = max(2, round(PANEL_MM[0] / (wavelength_mm * stretch)) + 1)
    rows = max(2, round(PANEL_MM[1] / wavelength_mm) + 1)
    # Interpolation between independent values lowers the deviation; 1.45 restores it (measured for
    # cubic).
    return np.float32(1.45) * draw_normals(rng, (rows, columns))


def draw_normals(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return standard normal numbers `float32[shape]`, not to be written to.

    Thousands are cut from a long strip at a random place, which is 10 times faster than to draw
    them; more than half of the strip are drawn.
    """
    size = math.prod(shape)
    if not _FEW_NORMALS < size <= _NORMALS.size // 2:
        return rng.standard_normal(shape, dtype=np.float32)
    start = int(rng.integers(_NORMALS.size - size))
    return _NORMALS[start : start + size].reshape(shape)


def enlarge(lattices: Sequence[np.ndarray], px_per_mm: float) -> np.ndarray:
    """Return the sum `float32[H, W]` of lattices that each cover the panel, cubic in between."""
    width, height = size_px(px_per_mm)
    field = np.zeros((height, width), np.float32)
    if coarse := [lattice for lattice in lattices if lattice.shape[1] <= _MATRIX_COLUMNS]:
        down = [_product(_cubic(len(lattice), height), lattice) for lattice in coarse]
        across = [_cubic(lattice.shape[1], width).T for lattice in coarse]
        field = _product(np.hstack(down), np.vstack(across))
    for lattice in lattices:
        if lattice.shape[1] > _MATRIX_COLUMNS:
            field += cv2.resize(lattice, (width, height), interpolation=cv2.INTER_CUBIC)
    return field


@lru_cache(maxsize=64)
def _cubic(count: int, pixels: int) -> np.ndarray:
    """Return what each of `count` values in a row adds to each pixel, `float32[pixels, count]`."""
    identity = np.eye(count, dtype=np.float32)
    return cv2.resize(identity, (count, pixels), interpolation=cv2.INTER_CUBIC)


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the matrix product, a strip of rows at a time, in this thread alone."""
    product = np.empty((left.shape[0], right.shape[1]), np.float32)
    rows = max(1, _ONE_THREAD // right.size)
    for start in range(0, len(left), rows):
        strip = slice(start, start + rows)
        np.matmul(left[strip], right, out=product[strip])
    return product


def mean_sigma(factor: float) -> float:
    """Return the standard deviation of `factor` places that are evenly spread over one pixel."""
    return math.sqrt((1.0 - factor**-2) / 12.0)


def blur(field: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return `field` (`float32[H, W]` or `[H, W, 3]`) under a Gaussian blur.

    OpenCV samples the Gaussian at the pixels, so that one under half a pixel does next to nothing.
    Here a narrow one is three values that weaken a wave of four pixels as much as it does.
    """
    if sigma_px >= 0.6:
        return cv2.GaussianBlur(field, (0, 0), sigma_px)
    side = (1.0 - math.exp(-((0.5 * math.pi * sigma_px) ** 2) / 2.0)) / 2.0
    taps = np.array([side, 1.0 - 2.0 * side, side], np.float32)
    return cv2.sepFilter2D(field, -1, taps, taps)


def straight_line(
    start_mm: tuple[float, float], end_mm: tuple[float, float], width_mm: float, px_per_mm: float
) -> np.ndarray:
    """Return how much of each pixel `float32[H, W]` an endless line through two places covers."""
    cover = np.abs(_beside(start_mm, end_mm, px_per_mm))
    np.subtract(0.5 * width_mm, cover, out=cover)
    cover /= SOFT_EDGE_MM
    cover += 0.5
    return np.clip(cover, 0.0, 1.0, out=cover)


def half_plane(
    start_mm: tuple[float, float],
    end_mm: tuple[float, float],
    px_per_mm: float,
    *,
    edge_mm: float = SOFT_EDGE_MM,
) -> np.ndarray:
    """Return how much of each pixel `float32[H, W]` lies left of a line, looking along it.

    `edge_mm` is the width over which that goes from 0 to 1.
    """
    cover = _beside(start_mm, end_mm, px_per_mm)
    cover /= edge_mm
    cover += 0.5
    return np.clip(cover, 0.0, 1.0, out=cover)


def _beside(
    start_mm: tuple[float, float], end_mm: tuple[float, float], px_per_mm: float
) -> np.ndarray:
    """Return how far each pixel lies beside a line, `float32[H, W]`, mm; over 0 on its left."""
    width, height = size_px(px_per_mm)
    along = np.subtract(end_mm, start_mm)
    normal_x, normal_y = (np.array([along[1], -along[0]]) / np.linalg.norm(along)).tolist()
    x = (np.arange(width, dtype=np.float32) + 0.5) / px_per_mm - start_mm[0]
    y = (np.arange(height, dtype=np.float32) + 0.5) / px_per_mm - start_mm[1]
    return normal_x * x[None] + normal_y * y[:, None]


def disc(centre_mm: tuple[float, float], radius_mm: float, px_per_mm: float) -> np.ndarray:
    """Return how much of each pixel `float32[H, W]` a disc covers."""
    width, height = size_px(px_per_mm)
    x = (np.arange(width, dtype=np.float32) + 0.5) / px_per_mm - centre_mm[0]
    y = (np.arange(height, dtype=np.float32) + 0.5) / px_per_mm - centre_mm[1]
    distance_mm = np.sqrt(x[None] ** 2 + y[:, None] ** 2)
    cover = (radius_mm - distance_mm) / SOFT_EDGE_MM + 0.5
    return np.clip(cover, 0.0, 1.0, out=cover)


@lru_cache(maxsize=2)
def patches(seed: int, cover: float, px_per_mm: float) -> np.ndarray:
    """Return soft-edged patches `float32[H, W]`, 0 to 1, with a mean of about `cover`.

    The newest two are kept, for what is felt is mostly what is seen: not to be written to.
    """
    if cover <= 0.0:
        return np.zeros(size_px(px_per_mm)[::-1], np.float32)
    noise = fractal(np.random.default_rng(seed), (22.0, 9.0, 3.5), px_per_mm)
    noise -= float(np.quantile(noise[::4, ::4], 1.0 - cover))
    noise /= 0.3
    noise += 0.5
    return np.clip(noise, 0.0, 1.0, out=noise)


@lru_cache(maxsize=2)
def blister(seed: int, px_per_mm: float) -> np.ndarray:
    """Return a smooth dome `float32[H, W]`, 1 on its flat top, 0 outside: a debonded layer.

    The newest two are kept, as those of `patches` are.
    """
    rng = np.random.default_rng(seed)
    # Python's floats, for a NumPy scalar would make the field float64.
    centre = rng.uniform((50.0, 38.0), (110.0, 58.0)).tolist()
    radii = rng.uniform((26.0, 18.0), (48.0, 30.0)).tolist()
    width, height = size_px(px_per_mm)
    x = ((np.arange(width, dtype=np.float32) + 0.5) / px_per_mm - centre[0]) / radii[0]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / px_per_mm - centre[1]) / radii[1]
    distance = np.sqrt(x[None] ** 2 + y[:, None] ** 2)
    dome = (1.0 - distance) / 0.4
    return np.clip(dome, 0.0, 1.0, out=dome)


@lru_cache(maxsize=2)
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
    if px_per_mm >= FINE_PX_PER_MM:
        return _strewn(seed, width_mm, px_per_mm)
    # The mean of a camera's pixels is taken after its gamma, and a crack that fills half of them
    # is then darker than half.
    seen = np.round(255.0 * _strewn(seed, width_mm, FINE_PX_PER_MM)).astype(np.uint8)
    seen = cv2.resize(cv2.LUT(seen, _ENCODED), (width, height), interpolation=cv2.INTER_AREA)
    cover = cv2.LUT(seen, _DECODED)
    # The camera averages over its pixels once more.
    return 2.0 * cover - blur(cover, mean_sigma(FINE_PX_PER_MM / px_per_mm))


def _strewn(seed: int, width_mm: float, px_per_mm: float) -> np.ndarray:
    """Return `crack_cover` as plain area, `float32[H, W]`.

    The opening is strewn with dots of equal area, and each pixel counts its own.
    """
    width, height = size_px(px_per_mm)
    step_mm = 1.0 / (_DOTS_PER_PX * px_per_mm)
    places, across, relative = crack_line(seed, step_mm)
    chips = np.random.default_rng((seed, 1)).uniform(0.75, 1.25, _CHIPS)
    ragged = np.interp(np.linspace(0.0, _CHIPS - 1.0, len(places)), np.arange(_CHIPS), chips)
    opening_mm = width_mm * relative * ragged
    dots = math.ceil(width_mm / step_mm)
    aside = ((np.arange(dots, dtype=np.float32) + 0.5) / dots - 0.5)[:, None]
    middles = np.float32(places.T * px_per_mm)
    openings = np.float32((opening_mm[:, None] * across).T * px_per_mm)
    # Rounded towards zero, so with a margin of a pixel, which takes what lies outside.
    columns, rows = (
        np.clip((middle + aside * opening + 1.0).astype(np.int32), 0, most + 1)
        for middle, opening, most in zip(middles, openings, (width, height), strict=True)
    )
    area_px = np.broadcast_to(opening_mm * step_mm * px_per_mm**2 / dots, rows.shape)
    cover = np.bincount(
        (rows * (width + 2) + columns).ravel(),
        area_px.ravel(),
        minlength=(width + 2) * (height + 2),
    ).reshape(height + 2, width + 2)[1:-1, 1:-1]
    return np.minimum(cover, 1.0).astype(np.float32)
