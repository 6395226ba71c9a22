# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The weather on a wall, hour by hour: the same seed and hour, the same weather."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crossmodal_kd_ros.simulation.constants import COMMON
from crossmodal_kd_ros.simulation.gas import ambient

_TABLE = COMMON.weather
_SEED_SPACE = 78
DAY_H = 24


@dataclass(frozen=True, kw_only=True)
class Sky:
    """The weather of one hour on a wall.

    Attributes:
        lighting: `day` or `night`.
        moisture: that at which a surface is in balance with the air, 0 to 1.
        is_raining: whether rain is driven onto it.
        swing_k: by how much this day warms it over its night.
        air_seed: of this day's air, for `gas`.
    """

    lighting: str
    moisture: float
    is_raining: bool
    swing_k: float
    air_seed: int


class Weather:
    """All hours, on walls of either exposure class. Inside there is neither sun nor rain."""

    def __init__(self, seed: int) -> None:
        """Take the seed of all of it."""
        self._seed = seed
        self.sky = lru_cache(maxsize=None)(self._sky)

    def light(self, panel: int) -> float:
        """Return how much more than usual the day warms a panel: it lies in the sun or shade."""
        rng = np.random.default_rng((_SEED_SPACE, self._seed, 1, panel))
        return math.exp(_TABLE.light_log_std * rng.standard_normal())

    def _sky(self, hour: int, exposure: str, light: float) -> Sky:
        """Return the weather of the hour that begins `hour` hours after the first midnight."""
        day, hour_of_day = divmod(hour, DAY_H)
        rng = np.random.default_rng((_SEED_SPACE, self._seed, 0, day))
        air_seed = int(rng.integers(2**31))
        cloud, rain, start = rng.random(3).tolist()
        rain_h = round(rng.uniform(*_TABLE.rain_hours))
        is_inside, has_rain = exposure == 'XC1', rain < _TABLE.rain_share
        starts_h = math.floor(start * (DAY_H - rain_h))
        is_clear = cloud < _TABLE.clear_share and not has_rain
        by_day_k, by_night_k = (
            (_TABLE.lamp_warming_c, 0.0)
            if is_inside
            else (
                _TABLE.sun_warming_c if is_clear else _TABLE.cloud_warming_c,
                -_TABLE.night_cooling_c,
            )
        )
        by_day_k *= light
        lighting = 'day' if is_day(hour_of_day) else 'night'
        air = ambient(exposure, air_seed)
        return Sky(
            lighting=lighting,
            moisture=surface_humidity(
                air['relative_humidity_pct'] / 100.0,
                air['surface_temperature_c'],
                by_day_k if lighting == 'day' else by_night_k,
            ),
            is_raining=not is_inside and has_rain and starts_h <= hour_of_day < starts_h + rain_h,
            swing_k=by_day_k - by_night_k,
            air_seed=air_seed,
        )


def is_day(hour_of_day: float) -> bool:
    """Return whether it is light at an hour, 0 to 24."""
    return _TABLE.sunrise_h <= hour_of_day < _TABLE.sunset_h


def surface_humidity(humidity: float, air_c: float, warmer_k: float) -> float:
    """Return the humidity at a surface that is warmer than its air, at most 1.

    The pressure of the vapour is the same, that of saturation is not (Alduchov and Eskridge
    1996): it is proportional to exp(b t / (c + t)), t in degrees Celsius.
    """

    def exponent(t_c: float) -> float:
        return _TABLE.magnus_b * t_c / (_TABLE.magnus_c + t_c)

    return min(humidity * math.exp(exponent(air_c) - exponent(air_c + warmer_k)), 1.0)
