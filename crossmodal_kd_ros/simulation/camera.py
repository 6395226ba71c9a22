# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Light, lens and sensor: from a surface to the 8-bit picture a camera gives."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from crossmodal_kd_ros.simulation.fields import FINE_PX_PER_MM, blur, draw_normals, mean_sigma
from crossmodal_kd_ros.simulation.surface import Surface


@dataclass(frozen=True, kw_only=True)
class Light:
    """What lights a panel: a lamp or the sun from a side, and other light from everywhere.

    Attributes:
        direction: towards the lamp, unit vector (x right, y down, z to the camera).
        key: brightness of the lamp. `fill`: brightness of the rest. `rgb`: colour of both.
        gloss_rgb_gain: how bright the mirror-like reflection is.
        vignette: fall-off from the centre to the corner of the *view*, of a lamp that travels with
            the camera.
        grain: standard deviation of the sensor's noise at mid-grey, 8-bit steps.
    """

    direction: tuple[float, float, float]
    key: float
    fill: float
    rgb: tuple[float, float, float]
    gloss_rgb_gain: float
    vignette: float
    grain: float


def draw_light(rng: np.random.Generator, lighting: str) -> Light:
    """Draw a light: by day sun or sky from any side, by night the robot's own ring of LEDs."""
    azimuth = rng.uniform(0.0, 2.0 * np.pi)
    elevation = rng.uniform(0.45, 1.2)
    horizontal = np.cos(elevation)
    # Python's floats, for a NumPy scalar would make every picture that it touches float64.
    towards = (horizontal * np.cos(azimuth), horizontal * np.sin(azimuth), np.sin(elevation))
    direction = tuple(map(float, towards))
    warmth = rng.normal(0.0, 0.10)
    if lighting == 'night':
        cool = np.exp(np.array([-0.14 + warmth, 0.0, 0.12 - warmth]))
        return Light(
            direction=direction,
            key=rng.uniform(0.45, 0.7),
            fill=0.12,
            rgb=tuple(cool),
            gloss_rgb_gain=0.5,
            vignette=rng.uniform(0.25, 0.5),
            grain=rng.uniform(3.0, 7.0),
        )
    warm = np.exp(np.array([warmth, 0.0, -warmth]))
    return Light(
        direction=direction,
        key=rng.uniform(0.6, 1.1),
        fill=rng.uniform(0.25, 0.6),
        rgb=tuple(warm),
        gloss_rgb_gain=0.35,
        vignette=rng.uniform(0.0, 0.15),
        grain=rng.uniform(1.0, 3.5),
    )


def illuminate(surface: Surface, light: Light, px_per_mm: float) -> np.ndarray:
    """Return the light that leaves the surface, `float32[3, H, W]`, linear.

    That is Lambert's law plus a Blinn-Phong highlight.
    """
    right, down = _slopes(surface.height_mm, px_per_mm)
    inverse_norm = 1.0 / np.sqrt(1.0 + right * right + down * down)

    def facing(x: float, y: float, z: float) -> np.ndarray:
        """Return the cosine between the surface and a direction, 0 if it faces away."""
        return np.maximum((z - x * right - y * down) * inverse_norm, 0.0)

    lx, ly, lz = light.direction
    half = np.array([lx, ly, lz + 1.0])
    mirror = cv2.pow(facing(*(half / np.linalg.norm(half)).tolist()), 24)
    shade = light.fill + light.key / lz * facing(lx, ly, lz)
    highlight = light.gloss_rgb_gain * light.key * surface.gloss * mirror
    radiance = np.empty_like(surface.albedo)
    for plane, albedo, strength in zip(radiance, surface.albedo, light.rgb, strict=True):
        np.multiply(albedo, shade, out=plane)
        plane += highlight
        plane *= float(strength)
    return radiance


def _slopes(height_mm: np.ndarray, px_per_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how steeply a surface rises to the right and downwards, `float32[H, W]` each.

    By Sobel's operator at four pixels a millimetre or more. At fewer that would flatten the grain,
    and a wider kernel takes its place that gives at two what Sobel's gives at four.
    """
    if px_per_mm >= FINE_PX_PER_MM:
        along, across = np.float32([-1, 0, 1]) / 2, np.float32([1, 2, 1]) / 4
    else:
        along = np.float32([-0.05, 0.21, -0.77, 0.0, 0.77, -0.21, 0.05])
        across = np.float32([1, 14, 1]) / 16
    return (
        cv2.sepFilter2D(height_mm, -1, px_per_mm * along, across),
        cv2.sepFilter2D(height_mm, -1, across, px_per_mm * along),
    )


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What happens between the wall and the file: exposure, lens and sensor of one picture.

    Attributes:
        exposure: multiplies the light; 1 puts a mid-grey wall at mid-scale.
        defocus_px: standard deviation of the blur, pixels of the picture. `motion_px`: length of
            the smear.
        colour_rgb: colour cast. `drops`: water drops on the lens. `occlusion`: part of the picture
            covered, 0 to 1.
        contrast: slope round mid-grey.
        noise_gain: multiplies the light's grain. `seed`: of noise, drops and cover.
        mean_of: a pixel is the mean of so many by so many pixels of the camera.
    """

    exposure: float = 1.0
    defocus_px: float = 0.0
    motion_px: float = 0.0
    motion_angle_rad: float = 0.0
    colour_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    drops: int = 0
    occlusion: float = 0.0
    contrast: float = 1.0
    noise_gain: float = 1.0
    seed: int = 0
    mean_of: int = 1

    def averaged_down(self, factor: int) -> 'Shot':
        """Return what to take so that a pixel is the mean of `factor` by `factor` of this shot."""
        return replace(
            self,
            defocus_px=self.defocus_px / factor,
            motion_px=self.motion_px / factor,
            noise_gain=self.noise_gain / factor,
            mean_of=factor,
        )


def draw_shot(rng: np.random.Generator) -> Shot:
    """Draw an ordinary picture: exposure right to a third of a stop, focus and colour nearly."""
    return Shot(
        exposure=float(np.exp(0.22 * rng.standard_normal())),
        defocus_px=float(rng.uniform(0.0, 0.7)),
        colour_rgb=tuple(np.exp(0.05 * rng.standard_normal(3))),
        contrast=float(rng.uniform(0.9, 1.1)),
        seed=int(rng.integers(2**31)),
    )


def _coloured(rng: np.random.Generator) -> tuple[float, ...]:
    cast = rng.uniform(0.35, 1.0, 3)
    return tuple(cast / cast.max())


# What each condition changes of a shot, drawn by a generator. `day` and `night` are lights alone.
_CHANGES: dict[str, Callable[[Shot, np.random.Generator], dict[str, Any]]] = {
    'day': lambda shot, rng: {},
    'night': lambda shot, rng: {},
    'coloured_light': lambda shot, rng: {'colour_rgb': _coloured(rng)},
    'wet_lens': lambda shot, rng: {'drops': int(rng.integers(4, 10))},
    'motion_blur': lambda shot, rng: {
        'motion_px': float(rng.uniform(4.0, 9.0)),
        'motion_angle_rad': float(rng.uniform(0.0, np.pi)),
    },
    'occlusion': lambda shot, rng: {'occlusion': float(rng.uniform(0.1, 0.25))},
    'half_exposure': lambda shot, rng: {'exposure': 0.5 * shot.exposure},
}
CONDITIONS = tuple(_CHANGES)


def under_condition(shot: Shot, condition: str, rng: np.random.Generator) -> Shot:
    """Return `shot` under one of `CONDITIONS`."""
    return replace(shot, **_CHANGES[condition](shot, rng))


def expose(radiance: np.ndarray, light: Light, shot: Shot, *, reference: float) -> np.ndarray:
    """Take the picture.

    Args:
        radiance: `float32[H, W, 3]`, light from the part of the panel in view.
        light: gives the vignette and the grain.
        shot: gives all else.
        reference: the light that auto-exposure puts at mid-scale: the mean over the panel, so that
            the exposure tells nothing of one view's content.

    Returns:
        `uint8[H, W, 3]`, sRGB-like (gamma 2.2).
    """
    rng = np.random.default_rng(shot.seed)
    # OpenCV multiplies three channels 8 times faster than NumPy broadcasts over them: 0.7 ms for
    # 5.3 at 640x480.
    picture = cv2.multiply(
        radiance, (*(0.20 * shot.exposure / reference * np.asarray(shot.colour_rgb)), 0.0)
    )
    if light.vignette > 0.0:
        picture = cv2.multiply(picture, vignette(picture.shape[:2], light.vignette))
    if shot.drops:
        picture = _wet(picture, shot.drops, rng)
    if shot.motion_px >= 1.0:
        picture = cv2.filter2D(picture, -1, _motion_kernel(shot.motion_px, shot.motion_angle_rad))
    if shot.defocus_px > 0.05:
        picture = blur(picture, shot.defocus_px)
    if shot.occlusion:
        picture = _cover(picture, shot.occlusion, rng)
    # OpenCV's power takes a tenth of the time of NumPy's.
    encoded = cv2.pow(np.clip(picture, 0.0, 1.0, out=picture), 1.0 / 2.2)
    if shot.mean_of > 1:
        encoded = blur(encoded, mean_sigma(shot.mean_of))
    encoded *= 255.0 * shot.contrast
    encoded += 118.0 * (1.0 - shot.contrast)
    grain = light.grain * shot.noise_gain / min(1.0, max(shot.exposure, 0.25))
    encoded += grain * draw_normals(rng, encoded.shape)
    return np.clip(encoded, 0.0, 255.0, out=encoded).astype(np.uint8)


@lru_cache(maxsize=4)
def vignette(shape: tuple[int, int], strength: float) -> np.ndarray:
    """Return the fall-off `float32[H, W, 3]`: 1 in the centre, 1 - `strength` in the corners."""
    height, width = shape
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)
    return cv2.merge([1.0 - np.float32(strength * 0.5) * (x[None] ** 2 + y[:, None] ** 2)] * 3)


def _motion_kernel(length_px: float, angle_rad: float) -> np.ndarray:
    size = int(length_px) | 1
    kernel = np.zeros((size + 2, size + 2), np.float32)
    centre = (size + 1) / 2
    reach = np.array([np.cos(angle_rad), np.sin(angle_rad)]) * length_px / 2
    start, end = np.round(centre - reach).astype(int), np.round(centre + reach).astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
    return kernel / kernel.sum()


def _wet(picture: np.ndarray, drops: int, rng: np.random.Generator) -> np.ndarray:
    """Blur and brighten round spots: drops of water on the lens, far out of focus."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.float32)
    for _ in range(drops):
        centre = (rng.uniform(0.0, 1.0, 2) * (width, height)).astype(int).tolist()
        cv2.circle(mask, centre, max(2, int(rng.uniform(0.04, 0.13) * height)), 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.012 * height)[..., None]
    smeared = 1.12 * cv2.GaussianBlur(picture, (0, 0), 0.035 * height)
    return picture + (smeared - picture) * mask


def _cover(picture: np.ndarray, part: float, rng: np.random.Generator) -> np.ndarray:
    """Cover a rectangle of `part` of the picture: a hose, a cable, the robot's own arm."""
    height, width = picture.shape[:2]
    aspect = rng.uniform(0.4, 2.5)
    h = min(height, int(np.sqrt(part * aspect) * height))
    w = min(width, int(np.sqrt(part / aspect) * width))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    covered = picture.copy()
    covered[top : top + h, left : left + w] = rng.uniform(0.01, 0.4, 3)
    return covered
