# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a panel looks like without light: height and colour, from the state that shows."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from crossmodal_kd_ros.simulation.constants import COMMON
from crossmodal_kd_ros.simulation.fields import (
    SOFT_EDGE_MM,
    blister,
    blur,
    crack_cover,
    disc,
    draw_lattice,
    enlarge,
    fractal,
    half_plane,
    patches,
    size_px,
    straight_line,
    value_noise,
)
from crossmodal_kd_ros.simulation.panel import MATERIALS, PANEL_MM, Panel

_GROWTH_RGB = np.array([0.085, 0.095, 0.05], np.float32)
_BLEACHED_RGB = np.array([0.80, 0.78, 0.70], np.float32)
_CRACK_RGB = np.array([0.028, 0.024, 0.020], np.float32)
_SEAL_RGB = np.array([0.66, 0.64, 0.60], np.float32)
_DENT_RGB = np.array([0.10, 0.08, 0.06], np.float32)
_DENT_MM = 0.6


@dataclass(frozen=True)
class Surface:
    """A panel as the camera meets it.

    Attributes:
        height_mm: `float32[H, W]`, towards the camera.
        albedo: `float32[3, H, W]`, linear RGB reflectance, 0 to 1: a plane a colour, for a factor
            `[H, W]` multiplies planes 8 times faster than pixels.
        gloss: `float32[H, W]`, strength of the mirror-like reflection.
    """

    height_mm: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray


def build_surface(panel: Panel, px_per_mm: float) -> Surface:
    """Return the surface of `panel` at `px_per_mm` pixels a millimetre.

    Numbers are drawn in one order whatever the panel's state, so that the state alone tells two
    panels of one `texture_seed` apart.
    """
    rng = np.random.default_rng((panel.texture_seed, 1))
    crack_seed, growth_seed, blister_seed = panel.shown_seeds
    crack = crack_cover(crack_seed, panel.crack_width_shown_mm, px_per_mm)
    growth = patches(growth_seed, panel.growth_cover_shown, px_per_mm)
    grain = fractal(rng, (3.2, 1.6, 0.8), px_per_mm, gain=0.8)
    fur = _fur(draw_lattice(rng, 1.6), panel, growth, px_per_mm)
    weave = _material_pattern(panel.material_name, rng, px_per_mm)
    crazing = _crazing(rng, panel.moisture_shown, px_per_mm)

    height = fractal(rng, (48.0, 24.0, 12.0), px_per_mm)
    height *= 0.35 * rng.uniform(0.4, 1.4)
    height += panel.roughness_shown_um * 3e-3 * grain
    height += 0.08 * weave
    height += 0.25 * (growth + fur)
    height += _bulge(draw_lattice(rng, 9.0), panel.bulge_shown, blister_seed, px_per_mm)
    height -= 0.25 * crazing
    groove = blur(crack, 0.3 * px_per_mm)
    height -= min(1.0, 0.9 * panel.crack_width_shown_mm) * groove

    albedo = _bare_albedo(panel, rng, weave, grain, px_per_mm)
    _blend(albedo, _BLEACHED_RGB, 0.85 * _speckle(rng, panel.vitality_shown, px_per_mm))
    tint = _GROWTH_RGB * rng.uniform(0.6, 1.5, 3).astype(np.float32)
    _blend(albedo, tint, rng.uniform(0.65, 0.9) * growth)
    for seal_seed, seal_mm in panel.seals:  # a crack that has opened again shows in its seal
        seal = crack_cover(seal_seed, seal_mm, px_per_mm)
        height += 0.1 * seal
        _blend(albedo, _SEAL_RGB, 0.6 * seal)
    for centre_mm in panel.dents:
        dent = disc(centre_mm, COMMON.contact.tool_radius_mm, px_per_mm)
        height -= _DENT_MM * dent
        _blend(albedo, _DENT_RGB, 0.5 * dent)
    albedo *= cv2.exp(0.5 * fur) * (1.0 - 0.55 * crazing) * _distractions(rng, px_per_mm)
    depth_darkness = 0.80 + 0.19 * (1.0 - math.exp(-panel.crack_width_shown_mm / 0.4))
    dirt = _CRACK_RGB * rng.uniform(0.5, 1.6, 3).astype(np.float32)
    _blend(albedo, dirt, depth_darkness * crack)
    wet_film = fractal(rng, (14.0, 7.0), px_per_mm)
    wet_film += 4.0 * (panel.moisture_shown - 0.75)
    np.clip(wet_film, 0.0, 1.0, out=wet_film)
    albedo *= 1.0 - 0.25 * wet_film
    gloss = (wet_film + MATERIALS[panel.material_name].gloss) * (1.0 - crack)
    return Surface(height, np.clip(albedo, 0.005, 1.0, out=albedo), gloss)


def _fur(lattice: np.ndarray, panel: Panel, growth: np.ndarray, px_per_mm: float) -> np.ndarray:
    """Return the fur on patches, `float32[H, W]`, of deviation up to 1.

    Its part of that is 0.06 at a fuzziness of -2, 0.94 at +2.
    """
    if panel.growth_cover_shown <= 0.0:
        return np.zeros_like(growth)
    part = 1.0 / (1.0 + math.exp(-1.4 * panel.growth_fuzz))
    return enlarge([part * lattice], px_per_mm) * growth


def _bulge(lattice: np.ndarray, shown: float, seed: int, px_per_mm: float) -> np.ndarray | float:
    """Return the height of a debonded layer and its wrinkles, `float32[H, W]`, mm."""
    if shown <= 0.0:
        return 0.0
    buckles = 2.0 * _ridges(enlarge([lattice], px_per_mm)) - 1.0
    return shown * blister(seed, px_per_mm) * (1.5 + 0.7 * buckles)


def _bare_albedo(
    panel: Panel, rng: np.random.Generator, weave: np.ndarray, grain: np.ndarray, px_per_mm: float
) -> np.ndarray:
    """Return the bare material's colour `float32[3, H, W]`."""
    material = MATERIALS[panel.material_name]
    dark, light = np.float32(material.dark_rgb), np.float32(material.light_rgb)
    mix = 0.15 * fractal(rng, (40.0, 20.0, 10.0, 5.0), px_per_mm)
    mix += 0.24 * weave
    mix += 0.5 + rng.uniform(-0.2, 0.2)
    np.clip(mix, 0.0, 1.0, out=mix)
    hue = np.exp(0.16 * rng.standard_normal(3)).astype(np.float32)
    colour = _planes((light - dark) * hue) * mix
    colour += _planes(dark * hue)
    colour *= cv2.exp(rng.uniform(0.02, 0.10) * grain)
    return colour


def _material_pattern(material: str, rng: np.random.Generator, px_per_mm: float) -> np.ndarray:
    """Return the texture that names a material, `float32[H, W]`, about -1 to 1."""
    if material == 'bio_concrete':  # pores of cast concrete
        pores = value_noise(rng, 2.2, px_per_mm)
        return -np.clip((pores - rng.uniform(1.6, 2.6)) * 3.0, 0.0, 2.5)
    if material == 'mycelium_composite':  # felted hyphae
        along = value_noise(rng, 1.4, px_per_mm, stretch=5.0)
        across = value_noise(rng, 5.0, px_per_mm, stretch=0.3)
        return 2.2 * _ridges(np.minimum(np.abs(along), np.abs(across))) - 1.0
    if material == 'algae_panel':  # cells of an algae mat
        return 2.0 * _ridges(fractal(rng, (7.0, 3.5), px_per_mm)) - 1.0
    veins = _ridges(fractal(rng, (18.0, 8.0), px_per_mm))  # dendrites of a biofilm
    return 1.6 * veins**2 - 0.6


def _ridges(noise: np.ndarray, width: float = 0.35) -> np.ndarray:
    """Return bright lines, 0 to 1, where `noise` crosses zero."""
    return cv2.exp((-1.0 / width**2) * noise * noise)


def _crazing(rng: np.random.Generator, moisture: float, px_per_mm: float) -> np.ndarray | float:
    """Return the net of shrinkage lines of a drying surface, 0 to 1; none above moisture 0.45."""
    lattices = draw_lattice(rng, 6.0), draw_lattice(rng, 4.5)
    if moisture >= 0.45:
        return 0.0
    nearest = np.minimum(*(np.abs(enlarge([lattice], px_per_mm)) for lattice in lattices))
    return min(1.0, (0.45 - moisture) / 0.35) * _ridges(nearest, 0.15)


def _speckle(rng: np.random.Generator, vitality: float, px_per_mm: float) -> np.ndarray:
    """Return bleached dots, 0 to 1: the deader the culture, the more of them."""
    noise = value_noise(rng, 2.6, px_per_mm)
    return np.clip((noise - 3.2 * vitality) * 3.0, 0.0, 1.0)


def _distractions(rng: np.random.Generator, px_per_mm: float) -> np.ndarray:
    """Return what no action depends on, as a factor of the colour, `float32[H, W]`.

    That is formwork joints and tiles, lines that somebody drew, edges of paint and of shadows,
    holes, runs, stuck grit.
    """
    factor = np.ones(size_px(px_per_mm)[::-1], np.float32)

    def move(to: float, cover: np.ndarray) -> None:
        nonlocal factor
        factor += (to - factor) * cover

    if rng.random() < 0.15:  # paint ends here, or another cast begins
        factor += (rng.uniform(0.65, 1.4) - 1.0) * half_plane(*_across(rng), px_per_mm)
    if rng.random() < 0.2:  # a shadow, its edge as soft as its cause is far
        edge_mm = rng.uniform(1.0, 12.0)
        factor *= 1.0 - rng.uniform(0.2, 0.6) * half_plane(
            *_across(rng), px_per_mm, edge_mm=edge_mm
        )
    for _ in range(rng.poisson(0.5)):  # a joint or a drawn line: straight, unlike a crack
        cover = straight_line(*_across(rng), rng.uniform(0.3, 1.6), px_per_mm)
        move(rng.uniform(0.2, 1.3), cover)
    if rng.random() < 0.12:  # joints of tiles, all alike
        (start, end), shade = _across(rng), rng.uniform(0.3, 1.3)
        along = np.subtract(end, start)
        step = rng.uniform(22.0, 60.0) * np.array([along[1], -along[0]]) / np.linalg.norm(along)
        width_mm = rng.uniform(0.8, 3.0)
        for number in range(-4, 5):
            move(
                shade,
                straight_line(start + number * step, end + number * step, width_mm, px_per_mm),
            )
    for _ in range(rng.poisson(0.3)):  # holes of screws and of formwork ties
        centre_mm = rng.uniform((0.0, 0.0), PANEL_MM).tolist()
        move(rng.uniform(0.1, 0.5), disc(centre_mm, rng.uniform(0.8, 4.0), px_per_mm))
    if rng.random() < 0.3:  # runs of dirty water
        runs = value_noise(rng, 60.0, px_per_mm, stretch=0.05)
        factor *= cv2.exp(-0.25 * np.clip(runs, 0.0, 2.0))
    if rng.random() < 0.4:  # grit and lichen dots
        wavelength_mm = rng.uniform(1.2, 3.5)
        grit = value_noise(rng, wavelength_mm, px_per_mm)
        # The noise rises by this over the soft edge of a dot.
        rise = 1.5 * SOFT_EDGE_MM / wavelength_mm
        cover = np.clip((grit - rng.uniform(1.9, 2.8)) / rise + 0.5, 0.0, 1.0)
        factor *= 1.0 + (rng.uniform(0.35, 1.25) - 1.0) * cover
    return factor


def _across(rng: np.random.Generator) -> tuple[tuple[float, float], tuple[float, float]]:
    """Draw two places, mm, on opposite edges of the panel."""
    if rng.random() < 0.5:
        x = (rng.uniform(-0.2, 1.2, 2) * PANEL_MM[0]).tolist()
        return (x[0], 0.0), (x[1], PANEL_MM[1])
    y = rng.uniform(0.0, PANEL_MM[1], 2).tolist()
    return (0.0, y[0]), (PANEL_MM[0], y[1])


def _blend(base: np.ndarray, colour: np.ndarray, weight: np.ndarray) -> None:
    """Move `base` (`float32[3, H, W]`) towards `colour` (`float32[3]`) by `weight`, in place."""
    for plane, value in zip(base, colour.tolist(), strict=True):
        plane += (value - plane) * weight


def _planes(colour: np.ndarray) -> np.ndarray:
    """Return `colour` (`float32[3]`) in the form that combines with `float32[3, H, W]`."""
    return colour[:, None, None]
