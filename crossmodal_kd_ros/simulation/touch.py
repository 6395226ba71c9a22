# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tactile pad: an elastic skin of 8 x 16 taxels pressed on the wall and stroked along it."""

import cv2
import numpy as np

from crossmodal_kd_ros.simulation.fields import blister, crack_path, patches, size_px, value_noise
from crossmodal_kd_ros.simulation.panel import PROFILE, Panel

_PAD = PROFILE.senses['touch']
_ROWS, _COLUMNS = _PAD.shape[1:]
# Width and height.
PAD_MM = _PAD.footprint_mm[2:]

# Depth to which a debonded layer gives way under the pad, and a sound one does, mm.
DEBONDED_GIVE_MM = 0.9
SOUND_GIVE_MM = 0.12
# Living growth is soft and furry: it damps the vibration of stroking.
GROWTH_DAMPING = 0.25
# Relative gain error and noise floor of a healthy taxel, texture (um) and then indentation (mm).
_GAIN_STD, _FLOOR_STD = _PAD.per_element('relative_noise'), _PAD.per_element('noise_std')

_GRID_PX_PER_MM = 2.0


class TactileWall:
    """A panel as the pad meets it: texture and depth everywhere on the panel, at 0.5 mm."""

    def __init__(self, panel: Panel) -> None:
        rng = np.random.default_rng((panel.texture_seed, 2))
        growth = patches(panel.growth_seed, panel.growth_cover, _GRID_PX_PER_MM)
        roughness = panel.roughness_um * np.exp(0.15 * value_noise(rng, 16.0, _GRID_PX_PER_MM))
        if panel.growth_alive:
            roughness = roughness * (1.0 - GROWTH_DAMPING * growth)
        self._texture_um = roughness.astype(np.float32)
        self._debonded = np.zeros_like(self._texture_um)
        if panel.delamination > 0.0:
            dome = blister(panel.delamination_seed, _GRID_PX_PER_MM)
            self._debonded = panel.delamination * dome
        self._crack_mm = _crack_depth_map(panel)

    def press(self, centre_mm: tuple[float, float]) -> np.ndarray:
        """Return the noise-free reading `float32[256]` with the pad's centre at `centre_mm`."""
        texture = self._bank(self._texture_um, centre_mm).mean((1, 3))
        debonded = self._bank(self._debonded, centre_mm).mean((1, 3))
        give = SOUND_GIVE_MM + DEBONDED_GIVE_MM * debonded
        # The skin bridges an opening but sinks into it: a taxel reads the deepest point below it.
        indentation = give + self._bank(self._crack_mm, centre_mm).max((1, 3))
        return np.concatenate([texture.ravel(), indentation.ravel()]).astype(np.float32)

    def crack_mm(self, centre_mm: tuple[float, float]) -> float:
        """Return the depth of the deepest crack under the pad, mm."""
        return float(self._bank(self._crack_mm, centre_mm).max())

    def debonded(self, centre_mm: tuple[float, float]) -> float:
        """Return how far the layer under the pad has come off, 0 to 1."""
        return float(self._bank(self._debonded, centre_mm).mean())

    @staticmethod
    def _bank(field: np.ndarray, centre_mm: tuple[float, float]) -> np.ndarray:
        """Return the part of `field` under the pad as `[8, 4, 16, 4]`.

        That is rows of taxels, points in each, columns of taxels, points in each.
        """
        points = round(PAD_MM[1] / _ROWS * _GRID_PX_PER_MM)
        left = round((centre_mm[0] - PAD_MM[0] / 2) * _GRID_PX_PER_MM)
        top = round((centre_mm[1] - PAD_MM[1] / 2) * _GRID_PX_PER_MM)
        under = field[top : top + _ROWS * points, left : left + _COLUMNS * points]
        return under.reshape(_ROWS, points, _COLUMNS, points)


def add_noise(reading: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `reading` (`float32[256]`) as a healthy pad gives it.

    Each taxel has a gain error and a noise floor; no reading is negative.
    """
    noisy = reading * (1.0 + _GAIN_STD * rng.standard_normal(_PAD.size, dtype=np.float32))
    noisy += _FLOOR_STD * rng.standard_normal(_PAD.size, dtype=np.float32)
    return np.maximum(noisy, 0.0)


def _crack_depth_map(panel: Panel) -> np.ndarray:
    """Return the depth of the crack at each point, `float32[H, W]`, mm; 0 where there is none."""
    width, height = size_px(_GRID_PX_PER_MM)
    depth_map = np.zeros((height, width), np.float32)
    if panel.crack_depth_mm > 0.0:
        path, relative = crack_path(panel.crack_seed)
        points = np.round(path * _GRID_PX_PER_MM - 0.5).astype(int).tolist()
        depths_mm = (relative[1:] * panel.crack_depth_mm).tolist()
        for start, end, depth in zip(points[:-1], points[1:], depths_mm, strict=True):
            cv2.line(depth_map, start, end, depth)
    return depth_map
