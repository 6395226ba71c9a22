# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The gas module: eight channels of the air in a shallow, pumped hood over the view.

The air under the hood exchanges CO2 with the wall, and is renewed by the pump:

    dC/dt = -F / (h n) - k (C - C_ambient)

C in ppm; F: CO2 that the wall takes up, umol m-2 s-1; h: height of the hood, m; n: molecules in
air, 41.6 mol m-3; k: air exchanges, 1/s. A cell follows the air of the hood with a time constant
of its own. Both are of first order, so what they read of a wall that does not change is in closed
form: `Hood`.
"""

import math
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.simulation.constants import COMMON, MATERIALS
from crossmodal_kd_ros.simulation.panel import PROFILE, Panel

_HOOD, _AIR, _GROWTH, _CULTURE = COMMON.gas_hood, COMMON.air, COMMON.growth, COMMON.culture
_GAS = PROFILE.senses['gas']
# Of a healthy channel, in its own unit.
_NOISE_STD = _GAS.per_element('noise_std')
_PPM_PER_PERCENT = 1e4


@dataclass(frozen=True, kw_only=True)
class Hood:
    """A hood with its pump and its cell.

    Attributes:
        height_m: of the air under it.
        air_exchange_per_s: by the pump and by leaks; 0: a closed chamber.
        cell_t90_s: time in which the cell reaches 90 % of a step.
    """

    height_m: float = _HOOD.height_m
    air_exchange_per_s: float = _HOOD.air_exchange_per_s
    cell_t90_s: float = _HOOD.cell_t90_s

    def air_change_ppm(self, uptake: float, t_s: float) -> float:
        """Return how far the hood's air is from ambient `t_s` after it was ambient, ppm.

        Args:
            uptake: of the wall, umol m-2 s-1.
            t_s: seconds; infinity for settled air.
        """
        k = self.air_exchange_per_s
        effective_s = t_s if k == 0.0 else -math.expm1(-k * t_s) / k
        return -uptake * effective_s / (self.height_m * _HOOD.molar_density_mol_per_m3)

    def settled_ppm(self, uptake: float) -> float:
        """Return how far the settled air is from ambient, ppm: -F / (h n k)."""
        return self.air_change_ppm(uptake, math.inf)

    def response(self, t_s: float) -> float:
        """Return what part of a step of the wall the cell shows after `t_s`, 0 to 1."""
        if t_s <= 0.0:
            return 0.0
        hood_s, cell_s = 1.0 / self.air_exchange_per_s, self.cell_t90_s / math.log(10.0)
        if math.isclose(hood_s, cell_s):
            return 1.0 - (1.0 + t_s / cell_s) * math.exp(-t_s / cell_s)
        return 1.0 - (hood_s * math.exp(-t_s / hood_s) - cell_s * math.exp(-t_s / cell_s)) / (
            hood_s - cell_s
        )


HOOD = Hood()


def co2_uptake(panel: Panel, growth_cover: float) -> float:
    """Return the CO2 that a place takes out of the air, umol m-2 s-1; negative: it breathes out.

    The oxygen that it gives off is as many molecules, and the other way round.

    Args:
        panel: the place's panel.
        growth_cover: part of the place under patches, 0 to 1.
    """
    material = MATERIALS[panel.material_name]
    by_light = material.photosynthesis if panel.lighting == 'day' else -material.dark_respiration
    living = growth_cover if panel.growth_alive else 0.0
    culture = _activity(panel) * (by_light - material.respiration)
    return culture + material.carbonation - living * _GROWTH.respiration


def nh3_release(panel: Panel) -> float:
    """Return the ammonia that a panel's culture makes out of urea, umol m-2 s-1."""
    return _activity(panel) * MATERIALS[panel.material_name].nh3


def room_air(panel: Panel) -> np.ndarray:
    """Return what the module reads of the air round `panel`, `float32[8]`, without noise.

    The cell's own bias is in it. It is the same in the uptake's two readings, and cancels there.
    """
    return _reading(**ambient(panel.exposure, panel.air_seed))


def read_hood(panel: Panel, growth_cover: float) -> np.ndarray:
    """Return the settled reading `float32[8]` over a view, without noise.

    Args:
        panel: what the hood stands on.
        growth_cover: part of the view under patches, 0 to 1.
    """
    air = ambient(panel.exposure, panel.air_seed)
    material = MATERIALS[panel.material_name]
    uptake_ppm = -HOOD.settled_ppm(co2_uptake(panel, growth_cover))
    living = growth_cover if panel.growth_alive else 0.0
    decay = max(0.0, _CULTURE.decay_vitality - panel.vitality) / _CULTURE.decay_vitality
    vapour = _HOOD.vapour_exchange_per_s / (_HOOD.vapour_exchange_per_s + HOOD.air_exchange_per_s)
    return _reading(
        co2_uptake_ppm=uptake_ppm,
        co2_surface_ppm=air['co2_surface_ppm'] - uptake_ppm,
        relative_humidity_pct=(1.0 - vapour) * air['relative_humidity_pct']
        + vapour * 100.0 * panel.moisture,
        surface_temperature_c=air['surface_temperature_c'] - _AIR.cooling_c * panel.moisture,
        voc_index=air['voc_index']
        + material.voc_index
        + _GROWTH.voc_index * living
        + material.decay_voc_index * decay,
        nh3_ppm=air['nh3_ppm'] + HOOD.settled_ppm(-nh3_release(panel)),
        o2_pct=air['o2_pct'] + uptake_ppm / _PPM_PER_PERCENT,
        h2s_ppb=air['h2s_ppb'] + material.h2s_ppb + material.decay_h2s_ppb * decay,
    )


def add_noise(reading: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `reading` (`float32[8]`) as a healthy module gives it."""
    return reading + _NOISE_STD * rng.standard_normal(8, dtype=np.float32)


def _activity(panel: Panel) -> float:
    """Return how active a panel's culture is, 0 to 1: its living cells, as far as they are wet."""
    wet = min(1.0, panel.moisture / _CULTURE.full_activity_moisture)
    return panel.vitality * (_CULTURE.dry_activity + (1.0 - _CULTURE.dry_activity) * wet)


def ambient(exposure: str, air_seed: int) -> dict[str, float]:
    """Return what each channel reads of the air round a panel, by name."""
    rng = np.random.default_rng(air_seed)
    co2, humidity, temperature, voc, cell_ppm, cell_share = rng.standard_normal(6).tolist()
    co2_ppm = _AIR.co2_ppm + _AIR.co2_std_ppm * co2
    bias_ppm = cell_ppm * _HOOD.co2_bias_ppm + cell_share * _HOOD.co2_bias_share * co2_ppm
    usual_pct = {'XC1': _AIR.humidity_xc1_pct, 'XC4': _AIR.humidity_xc4_pct}[exposure]
    return {
        'co2_uptake_ppm': 0.0,
        'co2_surface_ppm': co2_ppm + bias_ppm / _HOOD.co2_bias_sigmas,
        'relative_humidity_pct': min(usual_pct + _AIR.humidity_std_pct * humidity, 99.0),
        'surface_temperature_c': _AIR.temperature_c + _AIR.temperature_std_c * temperature,
        'voc_index': max(_AIR.voc_index + _AIR.voc_std * voc, 0.0),
        'nh3_ppm': _AIR.nh3_ppm,
        'o2_pct': _AIR.o2_pct,
        'h2s_ppb': _AIR.h2s_ppb,
    }


def _reading(**values: float) -> np.ndarray:
    return np.array([values[name] for name in _GAS.channel_names], np.float32)
