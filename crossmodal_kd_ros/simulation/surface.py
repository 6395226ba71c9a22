# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a panel looks like without light: height and colour, from the state that shows."""

from dataclasses import dataclass

import cv2
import numpy as np

from crossmodal_kd_ros.simulation.fields import blister, crack_cover, fractal, patches, value_noise
from crossmodal_kd_ros.simulation.panel import MATERIALS, Panel

_GROWTH_RGB = np.array([0.085, 0.095, 0.05], np.float32)
_BLEACHED_RGB = np.array([0.80, 0.78, 0.70], np.float32)
_CRACK_RGB = np.array([0.028, 0.024, 0.020], np.float32)


@dataclass(frozen=True)
class Surface:
    """A panel as the camera meets it.

    Attributes:
        height_mm: `float32[H, W]`, towards the camera.
        albedo: `float32[H, W, 3]`, linear RGB reflectance, 0 to 1.
        gloss: `float32[H, W]`, strength of the mirror-like reflection.
    """

    height_mm: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray


def build_surface(panel: Panel, px_per_mm: float) -> Surface:
    """Return the surface of `panel` at `px_per_mm` pixels a millimetre."""
    rng = np.random.default_rng((panel.texture_seed, 1))
    crack_seed, growth_seed, blister_seed = panel.shown_seeds
    crack = crack_cover(crack_seed, panel.crack_width_shown_mm, px_per_mm)
    growth = patches(growth_seed, panel.growth_cover_shown, px_per_mm)
    grain = fractal(rng, (3.2, 1.6, 0.8), px_per_mm, gain=0.8)
    fur = _fur(panel.growth_fuzz) * value_noise(rng, 1.6, px_per_mm) * growth
    weave = _material_pattern(panel.material_name, rng, px_per_mm)
    crazing = _crazing(rng, panel.moisture_shown, px_per_mm)

    height = 0.35 * fractal(rng, (48.0, 24.0, 12.0), px_per_mm) * rng.uniform(0.4, 1.4)
    height += panel.roughness_shown_um * 1e-3 * 3.0 * grain + 0.08 * weave
    height += growth * 0.25 + 0.25 * fur
    dome = panel.bulge_shown * blister(blister_seed, px_per_mm)
    height += dome * (1.5 + 0.7 * _buckles(rng, px_per_mm))
    height -= 0.25 * crazing
    groove = cv2.GaussianBlur(crack, (0, 0), 0.3 * px_per_mm)
    height -= groove * min(1.0, 0.9 * panel.crack_width_shown_mm)

    albedo = _albedo(panel, rng, weave, grain, px_per_mm)
    speckle = _speckle(rng, panel.vitality_shown, px_per_mm)
    albedo = _blend(albedo, _BLEACHED_RGB, 0.85 * speckle)
    tint = _GROWTH_RGB * rng.uniform(0.6, 1.5, 3).astype(np.float32)
    albedo = _blend(albedo, tint, growth * rng.uniform(0.65, 0.9))
    albedo *= np.exp(0.5 * fur)[..., None]
    albedo *= (1.0 - 0.55 * crazing)[..., None]
    albedo = _distract(albedo, rng, px_per_mm)
    depth_darkness = 0.80 + 0.19 * (1.0 - np.exp(-panel.crack_width_shown_mm / 0.4))
    albedo = _blend(
        albedo, _CRACK_RGB * rng.uniform(0.5, 1.6, 3).astype(np.float32), crack * depth_darkness
    )
    wet_film = np.clip(
        fractal(rng, (14.0, 7.0), px_per_mm) + 4.0 * (panel.moisture_shown - 0.75), 0.0, 1.0
    )
    gloss = (wet_film + MATERIALS[panel.material_name].gloss) * (1.0 - crack)
    albedo *= (1.0 - 0.25 * wet_film)[..., None]
    return Surface(height, np.clip(albedo, 0.005, 1.0), gloss)


def _fur(fuzz: float) -> float:
    """Return how furry patches are, 0 to 1: 0.06 at a fuzziness of -2, 0.94 at +2."""
    return 1.0 / (1.0 + np.exp(-1.4 * fuzz))


def _buckles(rng: np.random.Generator, px_per_mm: float) -> np.ndarray:
    """Return the wrinkles of a debonded layer, `float32[H, W]`, -1 to 1."""
    return 2.0 * _ridges(value_noise(rng, 9.0, px_per_mm)) - 1.0


def _albedo(
    panel: Panel, rng: np.random.Generator, weave: np.ndarray, grain: np.ndarray, px_per_mm: float
) -> np.ndarray:
    """Return the bare material's colour `float32[H, W, 3]`."""
    material = MATERIALS[panel.material_name]
    dark, light = np.float32(material.dark_rgb), np.float32(material.light_rgb)
    mottling = fractal(rng, (40.0, 20.0, 10.0, 5.0), px_per_mm)
    mix = np.clip(0.5 + 0.15 * mottling + 0.24 * weave + rng.uniform(-0.2, 0.2), 0.0, 1.0)
    hue = np.exp(0.16 * rng.standard_normal(3)).astype(np.float32)
    colour = dark + (light - dark) * mix[..., None]
    contrast = rng.uniform(0.02, 0.10)
    return colour * hue * np.exp(contrast * grain)[..., None]


def _material_pattern(material: str, rng: np.random.Generator, px_per_mm: float) -> np.ndarray:
    """Return the texture that names a material, `float32[H, W]`, about -1 to 1."""
    if material == 'bio_concrete':  # pores of cast concrete
        pores = value_noise(rng, 2.2, px_per_mm)
        return -np.clip((pores - rng.uniform(1.6, 2.6)) * 3.0, 0.0, 2.5)
    if material == 'mycelium_composite':  # felted hyphae
        along = _ridges(value_noise(rng, 1.4, px_per_mm, stretch=5.0))
        across = _ridges(value_noise(rng, 5.0, px_per_mm, stretch=0.3))
        return 2.2 * np.maximum(along, across) - 1.0
    if material == 'algae_panel':  # cells of an algae mat
        return 2.0 * _ridges(fractal(rng, (7.0, 3.5), px_per_mm)) - 1.0
    veins = _ridges(fractal(rng, (18.0, 8.0), px_per_mm))  # dendrites of a biofilm
    return 1.6 * veins**2 - 0.6


def _ridges(noise: np.ndarray) -> np.ndarray:
    """Return bright lines, 0 to 1, where `noise` crosses zero."""
    return np.exp(-((noise / 0.35) ** 2))


def _crazing(rng: np.random.Generator, moisture: float, px_per_mm: float) -> np.ndarray:
    """Return the net of shrinkage lines of a drying surface, 0 to 1; none above moisture 0.45."""
    net = np.maximum(
        _thin_ridges(value_noise(rng, 6.0, px_per_mm)),
        _thin_ridges(value_noise(rng, 4.5, px_per_mm)),
    )
    return net * np.clip((0.45 - moisture) / 0.35, 0.0, 1.0)


def _thin_ridges(noise: np.ndarray) -> np.ndarray:
    return np.exp(-((noise / 0.15) ** 2))


def _speckle(rng: np.random.Generator, vitality: float, px_per_mm: float) -> np.ndarray:
    """Return bleached dots, 0 to 1: the deader the culture, the more of them."""
    noise = value_noise(rng, 2.6, px_per_mm)
    return np.clip((noise - 3.2 * vitality) * 3.0, 0.0, 1.0)


def _distract(albedo: np.ndarray, rng: np.random.Generator, px_per_mm: float) -> np.ndarray:
    """Add what no action depends on: formwork joints, runs, edges of shadows, stuck grit."""
    height, width = albedo.shape[:2]
    overlay = np.ones((height, width), np.float32)
    for _ in range(rng.poisson(0.5)):  # a joint: straight, unlike a crack
        x0, x1 = rng.uniform(-0.2, 1.2, 2) * width
        ends = (
            ((round(x0), 0), (round(x1), height))
            if rng.random() < 0.5
            else ((0, round(rng.uniform(0, height))), (width, round(rng.uniform(0, height))))
        )
        brightness = float(rng.uniform(0.55, 1.3))
        cv2.line(overlay, *ends, brightness, max(1, round(rng.uniform(0.3, 1.6) * px_per_mm)))
    if rng.random() < 0.3:  # runs of dirty water
        runs = value_noise(rng, 60.0, px_per_mm, stretch=0.05)
        overlay *= np.exp(-0.25 * np.clip(runs, 0.0, 2.0))
    if rng.random() < 0.4:  # grit and lichen dots
        grit = value_noise(rng, rng.uniform(1.2, 3.5), px_per_mm)
        overlay *= np.where(grit > rng.uniform(1.9, 2.8), rng.uniform(0.35, 1.25), 1.0).astype(
            np.float32
        )
    return albedo * cv2.GaussianBlur(overlay, (0, 0), 0.15 * px_per_mm)[..., None]


def _blend(base: np.ndarray, colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return `base` moved towards `colour` (`float32[3]`) by `weight` (`float32[H, W]`)."""
    return base + (colour - base) * weight[..., None].astype(np.float32)
