# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The gas module: eight channels of the air in a hood over the view."""

import numpy as np

from crossmodal_kd_ros.simulation.panel import PROFILE, Panel

# CO2 that a thriving, moist wall of each of MATERIALS takes out of the hood's air, ppm below
# ambient.
_UPTAKE_PPM = np.array([55.0, 25.0, 140.0, 85.0])
# Of a healthy channel, in its own unit.
_NOISE_STD = PROFILE.senses['gas'].per_element('noise_std')


def read_hood(panel: Panel, growth_cover: float) -> np.ndarray:
    """Return the noise-free reading `float32[8]` over a view.

    Args:
        panel: what the hood stands on.
        growth_cover: part of the view under patches, 0 to 1.
    """
    rng = np.random.default_rng((panel.texture_seed, 3))
    ambient_ppm, air_humidity, air_temperature_c, air_voc = rng.normal(
        (430.0, 0.0, 21.0, 60.0), (18.0, 7.0, 2.5, 18.0)
    )
    living = growth_cover if panel.growth_alive else 0.0
    thirst = 0.35 + 0.65 * min(1.0, panel.moisture / 0.5)
    uptake = _UPTAKE_PPM[panel.material] * (0.15 + 0.85 * panel.vitality) * thirst - 30.0 * living
    decay = max(0.0, 0.45 - panel.vitality)
    return np.array(
        [
            uptake,
            ambient_ppm - uptake,
            np.clip(42.0 + 48.0 * panel.moisture + air_humidity, 5.0, 99.0),
            air_temperature_c - 2.5 * panel.moisture,
            air_voc + 230.0 * living + 60.0 * decay + (25.0 if panel.material == 3 else 0.0),
            2.0 + 85.0 * decay,
            20.9 + 0.004 * uptake,
            4.0 + 60.0 * decay + (6.0 if panel.material == 3 else 0.0),
        ],
        np.float32,
    )


def add_noise(reading: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `reading` (`float32[8]`) as a healthy module gives it."""
    return reading + _NOISE_STD * rng.standard_normal(8, dtype=np.float32)
