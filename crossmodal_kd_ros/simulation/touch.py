# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tactile array: 8 x 16 sprung pins, stroked along the wall by one pitch.

A frame with three feet, wider than a debonded zone, stands on the peaks of the wall. From it the
pins reach down under their springs. While the array is stroked, each of them holds the deepest
reach over its cell (`indentation`, mm below the plane of the feet), and its vibration (`texture`,
um RMS).
"""

import math

import numpy as np

from crossmodal_kd_ros.simulation.constants import COMMON, MATERIALS, Material
from crossmodal_kd_ros.simulation.fields import blister, crack_line, patches, size_px, value_noise
from crossmodal_kd_ros.simulation.panel import PROFILE, Panel

_PAD = PROFILE.senses['touch']
_ROWS, _COLUMNS = _PAD.shape[1:]
# Width and height.
PAD_MM = _PAD.footprint_mm[2:]
_PINS = _ROWS * _COLUMNS

_ARRAY = COMMON.touch_array
# Relative gain error and noise floor of a healthy taxel, texture (um) and then indentation (mm).
_GAIN_STD, _FLOOR_STD = _PAD.per_element('relative_noise'), _PAD.per_element('noise_std')

_GRID_PX_PER_MM = 2.0
# Steps in which a crack is followed, along and across.
_STEP_MM = 0.2


def reach_mm(
    width_mm: np.ndarray, depth_mm: np.ndarray, aside_mm: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return how far a pin's tip reaches into a crack, mm below the surface.

    The crack is a wedge: `width_mm` (w) wide at its mouth, `depth_mm` (D) deep. The tip, of
    diameter d, is `aside_mm` (y) beside its middle. It stops where both flanks, or one of them,
    hold it: D (1 - (d + 2 y) / w), and its rounded end d / 2 more, at most the pin's travel. At
    the edge it stays outside. A crack narrower than the tip lets its round end sag by
    r - sqrt(r^2 - w^2 / 4), r = d / 2.
    """
    tip, width_mm = _ARRAY.tip_mm, np.asarray(width_mm, float)
    radius = tip / 2
    room = 1.0 - (tip + 2.0 * np.abs(aside_mm)) / np.maximum(width_mm, tip)
    enters = (width_mm > tip) & (room >= 0.0)
    half = np.minimum(width_mm / 2, radius)
    sag = np.where(np.abs(aside_mm) > 0.0, 0.0, radius - np.sqrt(radius**2 - half**2))
    return np.minimum(np.where(enters, radius + depth_mm * room, sag), _ARRAY.travel_mm)


def punch_mm(material: Material) -> float:
    """Return how far a pin presses into sound `material`, mm.

    A flat-ended punch of radius a on an elastic half-space: F (1 - nu^2) / (2 a E) (Johnson 1985,
    Contact Mechanics, 3.4).
    """
    newton_per_mm = 2.0 * (_ARRAY.tip_mm / 2) * material.young_modulus_mpa
    return _ARRAY.pin_force_n * (1.0 - material.poisson_ratio**2) / newton_per_mm


def debonded_give_mm(material: Material) -> float:
    """Return how far a fully debonded layer of `material` gives way under all pins, mm.

    A plate of thickness t and radius R, clamped at its rim, with the force F in its middle:
    F R^2 / (16 pi D), D = E t^3 / (12 (1 - nu^2)) (Timoshenko and Woinowsky-Krieger 1959, Theory
    of Plates and Shells, article 19); at most the gap behind it.
    """
    stiffness_n_mm = (
        material.young_modulus_mpa
        * material.layer_mm**3
        / (12.0 * (1.0 - material.poisson_ratio**2))
    )
    force_n = _PINS * _ARRAY.pin_force_n
    bent_mm = force_n * _ARRAY.blister_radius_mm**2 / (16.0 * math.pi * stiffness_n_mm)
    return min(bent_mm, _ARRAY.blister_gap_mm)


class TactileWall:
    """A panel as the array meets it: texture and depth everywhere on the panel, at 0.5 mm."""

    def __init__(self, panel: Panel) -> None:
        rng = np.random.default_rng((panel.texture_seed, 2))
        material = MATERIALS[panel.material_name]
        growth = patches(panel.growth_seed, panel.growth_cover, _GRID_PX_PER_MM)
        wander = COMMON.draw.roughness_wander * value_noise(rng, 16.0, _GRID_PX_PER_MM)
        texture = panel.roughness_um * np.exp(wander)
        texture *= 1.0 - _ARRAY.film_damping * _water_film(panel.moisture)
        if panel.growth_alive:
            texture *= 1.0 - _ARRAY.growth_damping * growth
        self._debonded = np.zeros_like(texture)
        if panel.delamination > 0.0:
            dome = blister(panel.delamination_seed, _GRID_PX_PER_MM)
            self._debonded = panel.delamination * dome
        if material.is_mineral:
            texture *= 1.0 + _ARRAY.ringing * self._debonded
        self._texture_um = texture.astype(np.float32)
        self._give_mm = debonded_give_mm(material)
        # The tip rests on the mean plane, below the peaks that the feet stand on.
        self._level_mm = (
            _ARRAY.glass_mm
            + _ARRAY.peaks_per_roughness * panel.roughness_um * 1e-3
            + punch_mm(material)
            + _ARRAY.moisture_drift_mm * (panel.moisture - 0.5)
        )
        self._width_mm, self._reach_mm = _crack_maps(panel)

    def press(self, centre_mm: tuple[float, float]) -> np.ndarray:
        """Return the noise-free reading `float32[256]` with the array's centre at `centre_mm`."""
        texture = self._bank(self._texture_um, centre_mm).mean((1, 3))
        debonded = self._bank(self._debonded, centre_mm).mean((1, 3))
        reach = self._bank(self._reach_mm, centre_mm).max((1, 3))
        indentation = self._level_mm + self._give_mm * debonded + reach
        indentation = np.minimum(indentation, _ARRAY.travel_mm)
        return np.concatenate([texture.ravel(), indentation.ravel()]).astype(np.float32)

    def crack_width_mm(self, centre_mm: tuple[float, float]) -> float:
        """Return the widest opening of the crack whose middle is under the array, mm; else 0.

        A flank alone does not count, see docs/wall.md.
        """
        return float(self._bank(self._width_mm, centre_mm).max())

    def debonded(self, centre_mm: tuple[float, float]) -> float:
        """Return how far the layer under the array has come off, 0 to 1."""
        return float(self._bank(self._debonded, centre_mm).mean())

    @staticmethod
    def _bank(field: np.ndarray, centre_mm: tuple[float, float]) -> np.ndarray:
        """Return the part of `field` under the array as `[8, 4, 16, 4]`.

        That is rows of taxels, points in each, columns of taxels, points in each.
        """
        points = round(PAD_MM[1] / _ROWS * _GRID_PX_PER_MM)
        left = round((centre_mm[0] - PAD_MM[0] / 2) * _GRID_PX_PER_MM)
        top = round((centre_mm[1] - PAD_MM[1] / 2) * _GRID_PX_PER_MM)
        under = field[top : top + _ROWS * points, left : left + _COLUMNS * points]
        return under.reshape(_ROWS, points, _COLUMNS, points)


def add_noise(reading: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `reading` (`float32[256]`) as a healthy array gives it.

    Each taxel has a gain error and a noise floor; no reading is negative.
    """
    noisy = reading * (1.0 + _GAIN_STD * rng.standard_normal(_PAD.size, dtype=np.float32))
    noisy += _FLOOR_STD * rng.standard_normal(_PAD.size, dtype=np.float32)
    return np.maximum(noisy, 0.0)


def _water_film(moisture: float) -> float:
    """Return how far water stands on the surface, 0 to 1."""
    return max(0.0, (moisture - _ARRAY.film_moisture) / (1.0 - _ARRAY.film_moisture))


def _crack_maps(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Return the crack's opening and how far a pin reaches into it, mm, `float32[H, W]` each.

    At each point of the grid the most within it; 0 where there is no crack.
    """
    width, height = size_px(_GRID_PX_PER_MM)
    widths, reaches = np.zeros((2, height, width), np.float32)
    if panel.crack_width_mm <= 0.0:
        return widths, reaches
    places, across, relative = crack_line(panel.crack_seed, _STEP_MM)
    steps = math.ceil(panel.crack_width_mm / 2 / _STEP_MM)
    # Across the crack, with its middle among them.
    aside = (_STEP_MM * np.arange(-steps, steps + 1))[:, None]
    opening = panel.crack_width_mm * relative
    reach = reach_mm(opening, panel.crack_depth_mm * relative, aside)
    at = places + aside[..., None] * across
    columns, rows = np.floor(np.moveaxis(at, -1, 0) * _GRID_PX_PER_MM).astype(int)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    np.maximum.at(reaches, (rows[inside], columns[inside]), reach[inside])
    middle = inside[steps]
    np.maximum.at(widths, (rows[steps][middle], columns[steps][middle]), opening[middle])
    return widths, reaches
