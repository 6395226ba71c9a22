# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The gas module: eight channels of the air in a hood over the view."""

from functools import lru_cache

import numpy as np

from crossmodal_kd_ros.simulation.panel import MATERIALS, PROFILE, Panel

# Of a healthy channel, in its own unit.
_NOISE_STD = PROFILE.senses['gas'].per_element('noise_std')


def read_hood(panel: Panel, growth_cover: float) -> np.ndarray:
    """Return the noise-free reading `float32[8]` over a view.

    Args:
        panel: what the hood stands on.
        growth_cover: part of the view under patches, 0 to 1.
    """
    ambient_ppm, air_humidity, air_temperature_c, air_voc = _room_air(panel.texture_seed)
    material = MATERIALS[panel.material_name]
    living = growth_cover if panel.growth_alive else 0.0
    thirst = 0.35 + 0.65 * min(1.0, panel.moisture / 0.5)
    uptake = material.uptake_ppm * (0.15 + 0.85 * panel.vitality) * thirst - 30.0 * living
    decay = max(0.0, 0.45 - panel.vitality)
    return np.array(
        [
            uptake,
            ambient_ppm - uptake,
            np.clip(42.0 + 48.0 * panel.moisture + air_humidity, 5.0, 99.0),
            air_temperature_c - 2.5 * panel.moisture,
            air_voc + 230.0 * living + 60.0 * decay + material.voc_index,
            2.0 + 85.0 * decay,
            20.9 + 0.004 * uptake,
            4.0 + 60.0 * decay + material.h2s_ppb,
        ],
        np.float32,
    )


@lru_cache(maxsize=2)
def _room_air(seed: int) -> np.ndarray:
    """Return CO2 (ppm), humidity beside the usual (%), temperature (C), VOC index; kept of two."""
    rng = np.random.default_rng((seed, 3))
    return rng.normal((430.0, 0.0, 21.0, 60.0), (18.0, 7.0, 2.5, 18.0))


def add_noise(reading: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `reading` (`float32[8]`) as a healthy module gives it."""
    return reading + _NOISE_STD * rng.standard_normal(8, dtype=np.float32)
