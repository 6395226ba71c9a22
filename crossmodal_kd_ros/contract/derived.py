# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Quantities derived from the raw senses, as in the article: each takes `[..., 256]` or `[..., 8]` and keeps the rest."""

import numpy as np

from crossmodal_kd_ros.contract.vocabulary import GAS_NAMES, INDENTATION, TEXTURE

_UPTAKE = GAS_NAMES.index('co2_uptake_ppm')
_SURFACE = GAS_NAMES.index('co2_surface_ppm')


def surface_roughness_um(touch: np.ndarray) -> np.ndarray:
    """Return the mean of the texture bank, um."""
    return touch[..., TEXTURE].mean(-1)


def crack_depth_mm(touch: np.ndarray) -> np.ndarray:
    """Return the maximum of the indentation bank, mm."""
    return touch[..., INDENTATION].max(-1)


def co2_absorption(gas: np.ndarray) -> np.ndarray:
    """Return uptake / (uptake + surface CO2), that is the fraction of the ambient CO2 that the wall takes away.

    Ambient CO2 is never zero on Earth; a reading that says so (1 ppm or less) gives 0 rather than
    a division by zero.
    """
    uptake, surface = gas[..., _UPTAKE], gas[..., _SURFACE]
    ambient = uptake + surface
    return np.where(ambient > 1.0, uptake / np.maximum(ambient, 1.0), 0.0)


def surface_state(*, touch: np.ndarray, gas: np.ndarray) -> np.ndarray:
    """Return `float32[..., 3]` in the order of `SURFACE_STATE`."""
    return np.stack(
        [surface_roughness_um(touch), crack_depth_mm(touch), co2_absorption(gas)], axis=-1
    ).astype(np.float32)
