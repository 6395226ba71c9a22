# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tactile pad: an elastic skin of 8 x 16 taxels pressed on the wall and stroked along it."""

import cv2
import numpy as np

from crossmodal_kd_ros.contract import BANK_SHAPE
from crossmodal_kd_ros.simulation.fields import blister, crack_path, patches, size_px, value_noise
from crossmodal_kd_ros.simulation.panel import Panel

TAXEL_PITCH_MM = 2.0
PAD_MM = (BANK_SHAPE[1] * TAXEL_PITCH_MM, BANK_SHAPE[0] * TAXEL_PITCH_MM)

# Depth to which a debonded layer gives way under the pad, and a sound one does, mm.
DEBONDED_GIVE_MM = 0.9
SOUND_GIVE_MM = 0.12
# Living growth is soft and furry: it damps the vibration of stroking.
GROWTH_DAMPING = 0.25
# Relative gain error and floor of a healthy taxel.
GAIN_STD = 0.03
TEXTURE_FLOOR_UM = 0.6
INDENTATION_FLOOR_MM = 0.03

_GRID_PX_PER_MM = 2.0


class TactileWall:
    """A panel as the pad meets it: the two banks everywhere on the panel, at 0.5 mm, ready to be pressed anywhere."""

    def __init__(self, panel: Panel) -> None:
        rng = np.random.default_rng((panel.texture_seed, 2))
        growth = patches(panel.growth_seed, panel.growth_cover, _GRID_PX_PER_MM)
        roughness = panel.roughness_um * np.exp(0.15 * value_noise(rng, 16.0, _GRID_PX_PER_MM))
        if panel.growth_alive:
            roughness = roughness * (1.0 - GROWTH_DAMPING * growth)
        self._texture_um = roughness.astype(np.float32)
        self._debonded = panel.delamination * blister(panel.delamination_seed, _GRID_PX_PER_MM)
        self._crack_mm = _crack_depth_map(panel)

    def press(self, centre_mm: tuple[float, float]) -> np.ndarray:
        """Return the noise-free reading `float32[256]` with the pad's centre at `centre_mm` (x, y on the panel)."""
        texture = self._bank(self._texture_um, centre_mm).mean((1, 3))
        give = SOUND_GIVE_MM + DEBONDED_GIVE_MM * self._bank(self._debonded, centre_mm).mean(
            (1, 3)
        )
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
        """Return the part of `field` under the pad as `[8, 4, 16, 4]`: taxel rows and columns, and points in each."""
        rows, columns = BANK_SHAPE
        points = round(TAXEL_PITCH_MM * _GRID_PX_PER_MM)
        left = round((centre_mm[0] - PAD_MM[0] / 2) * _GRID_PX_PER_MM)
        top = round((centre_mm[1] - PAD_MM[1] / 2) * _GRID_PX_PER_MM)
        under = field[top : top + rows * points, left : left + columns * points]
        return under.reshape(rows, points, columns, points)


def add_noise(reading: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `reading` (`float32[256]`) as a healthy pad gives it: gain error per taxel and a noise floor; never negative."""
    noisy = reading * (1.0 + GAIN_STD * rng.standard_normal(256, dtype=np.float32))
    noisy[:128] += TEXTURE_FLOOR_UM * rng.standard_normal(128, dtype=np.float32)
    noisy[128:] += INDENTATION_FLOOR_MM * rng.standard_normal(128, dtype=np.float32)
    return np.maximum(noisy, 0.0)


def _crack_depth_map(panel: Panel) -> np.ndarray:
    """Return the depth of the crack at each point, `float32[H, W]`, mm; 0 where there is none."""
    width, height = size_px(_GRID_PX_PER_MM)
    depth_map = np.zeros((height, width), np.float32)
    if panel.crack_depth_mm > 0.0:
        path, relative = crack_path(panel.crack_seed)
        points = np.round(path * _GRID_PX_PER_MM - 0.5).astype(int)
        for start, end, depth in zip(
            points[:-1], points[1:], relative[1:] * panel.crack_depth_mm, strict=True
        ):
            cv2.line(depth_map, start.tolist(), end.tolist(), float(depth))
    return depth_map
