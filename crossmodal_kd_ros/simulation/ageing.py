# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What time, weather and chance do to a panel, in closed form."""

import math
from dataclasses import dataclass, replace

import numpy as np

from crossmodal_kd_ros.simulation.constants import COMMON, MATERIALS, Material
from crossmodal_kd_ros.simulation.expert import CRACK_LIMITS_MM
from crossmodal_kd_ros.simulation.panel import Panel
from crossmodal_kd_ros.simulation.weather import DAY_H, Sky

_LIFE, _TOOL, _DRAW = COMMON.life, COMMON.contact, COMMON.draw
_CODES, _LIMITS, _CULTURE = COMMON.codes, COMMON.expert, COMMON.culture
YEAR_H = 365 * DAY_H
PER_YEAR = {
    'crack': COMMON.troubles.crack_per_year,
    'debonded': COMMON.troubles.debonded_per_year,
    'mould': COMMON.troubles.mould_per_year,
    'sick': COMMON.troubles.sick_per_year,
}
_SEED_SPACE = 79
# A crack that is narrower has closed.
_CLOSED_MM = 1e-6


@dataclass(frozen=True, kw_only=True)
class State:
    """A panel with what does not show.

    Attributes:
        panel: as it is.
        film: water on it that has not soaked in yet, as moisture.
        is_sick: whether its culture is.
    """

    panel: Panel
    film: float = 0.0
    is_sick: bool = False


def health(panel: Panel) -> float:
    """Return the health of a panel, 0 to 1: the product of five parts, each 0 to 1.

    Crack: 1 up to the width that EN 1992-1-1 allows, falling linearly to 0 where ACI 201.1R calls
    it wide. Layer: what has not come off. Growth: what no living growth covers. Water: moisture
    over the limit at which a panel is dry, at most 1. Culture: its vitality.
    """
    limit_mm = CRACK_LIMITS_MM[panel.exposure]
    over = (panel.crack_width_mm - limit_mm) / (_CODES.wide_crack_mm - limit_mm)
    return (
        (1.0 - min(max(over, 0.0), 1.0))
        * (1.0 - panel.delamination)
        * (1.0 - (panel.growth_cover if panel.growth_alive else 0.0))
        * min(panel.moisture / _LIMITS.dry_limit, 1.0)
        * panel.vitality
    )


def mended(panel: Panel, *, vitality: float) -> Panel:
    """Return `panel` with nothing wrong, its culture at least at `vitality`."""
    return replace(
        sealed(panel),
        delamination=0.0,
        growth_cover=0.0,
        growth_alive=False,
        moisture=max(panel.moisture, _LIMITS.healing_moisture),
        vitality=max(panel.vitality, vitality),
    )


def sealed(panel: Panel) -> Panel:
    """Return `panel` with its crack under a seal."""
    if panel.crack_width_mm <= 0.0:
        return panel
    seal = (panel.crack_seed, panel.crack_width_mm + 2.0 * _TOOL.seal_margin_mm)
    return replace(panel, crack_width_mm=0.0, crack_depth_mm=0.0, seals=(*panel.seals, seal))


def cracked(panel: Panel, other: Panel) -> Panel:
    """Return `panel` with the crack of `other`, unless it has a wider one."""
    if panel.crack_width_mm >= other.crack_width_mm:
        return panel
    return replace(
        panel,
        crack_width_mm=other.crack_width_mm,
        crack_depth_mm=other.crack_depth_mm,
        crack_seed=other.crack_seed,
    )


def debonded(panel: Panel, other: Panel) -> Panel:
    """Return `panel` with the debonded zone of `other`, unless its own is looser."""
    if panel.delamination >= other.delamination:
        return panel
    return replace(
        panel, delamination=other.delamination, delamination_seed=other.delamination_seed
    )


def evolve(state: State, hours: float, sky: Sky) -> State:
    """Return `state` after `hours`, at most one, of a weather.

    - Moisture m follows the humidity of the surface m_e, or rain, with the time constant tau:
      dm/dt = (m_e - m) / tau + f / s. The film f soaks in: df/dt = -f / s.
    - Vitality follows what the moisture allows, with one time constant up and another down; that
      of a sick or dying culture falls.
    - Living growth c spreads where it is wet: dc/dt = g c (1 - c / K).
    - A crack heals at one rate, or widens by a share of its width.
    """
    panel = state.panel
    material = MATERIALS[panel.material_name]
    width_mm = _crack_after(panel, material, hours / DAY_H, sky)
    ratio = width_mm / panel.crack_width_mm if panel.crack_width_mm > 0.0 else 0.0
    moisture, film = _water_after(panel.moisture, state.film, material, hours, sky)
    return replace(
        state,
        film=film,
        panel=replace(
            panel,
            moisture=moisture,
            vitality=_vitality_after(panel, state.is_sick, hours / DAY_H),
            growth_cover=_cover_after(panel, hours / DAY_H),
            crack_width_mm=width_mm,
            crack_depth_mm=min(panel.crack_depth_mm * ratio, material.thickness_mm),
            lighting=sky.lighting,
            air_seed=sky.air_seed,
        ),
    )


def _water_after(
    moisture: float, film: float, material: Material, hours: float, sky: Sky
) -> tuple[float, float]:
    goal, tau_h = (
        (1.0, COMMON.weather.wetting_hours)
        if sky.is_raining
        else (sky.moisture, material.drying_hours)
    )
    soak_h = material.soaking_minutes / 60.0
    dries, soaks = math.exp(-hours / tau_h), math.exp(-hours / soak_h)
    soaked = film * (dries - soaks) / (1.0 - soak_h / tau_h)
    return min(goal + (moisture - goal) * dries + soaked, 1.0), film * soaks


def _vitality_after(panel: Panel, is_sick: bool, days: float) -> float:
    wet = (panel.moisture - _LIFE.least_moisture) / (
        _CULTURE.full_activity_moisture - _LIFE.least_moisture
    )
    goal, tau_days = min(max(wet, 0.0), 1.0), _LIFE.recovery_days
    if goal < panel.vitality:
        tau_days = _LIFE.decline_days
    if is_sick or panel.vitality < _LIMITS.least_vitality:
        goal, tau_days = min(goal, _LIFE.sick_vitality), _LIFE.sick_days
    return goal + (panel.vitality - goal) * math.exp(-days / tau_days)


def _cover_after(panel: Panel, days: float) -> float:
    spread = (panel.moisture - _LIFE.mould_moisture) / (1.0 - _LIFE.mould_moisture)
    cover, most = panel.growth_cover, _LIFE.mould_cover
    if not panel.growth_alive or spread <= 0.0 or not 0.0 < cover < most:
        return cover
    grown = 2.0 ** (spread * days / _LIFE.mould_doubling_days)
    return most * cover * grown / (most + cover * (grown - 1.0))


def _crack_after(panel: Panel, material: Material, days: float, sky: Sky) -> float:
    width_mm = panel.crack_width_mm
    limit_mm = (
        material.healing_limit_mm
        if panel.vitality >= _LIMITS.least_vitality
        else material.plain_healing_limit_mm
    )
    if 0.0 < width_mm <= limit_mm and panel.moisture >= _LIMITS.healing_moisture:
        left_mm = width_mm - days * limit_mm / material.healing_days
        return left_mm if left_mm > _CLOSED_MM else 0.0
    return width_mm * math.exp(material.crack_growth_per_k * sky.swing_k * panel.moisture * days)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something that goes wrong with a panel.

    Attributes:
        hours: when.
        kind: one of `PER_YEAR`.
        seed: where.
        crack_width_mm: of a crack. `depth_log`: by how much it is deeper than usual.
        delamination: of a debonded zone.
    """

    hours: float
    kind: str
    seed: int
    crack_width_mm: float
    depth_log: float
    delamination: float

    @property
    def words(self) -> str:
        """What it is."""
        return {
            'crack': f'a crack {self.crack_width_mm:.2f} mm wide opens',
            'debonded': 'a layer comes off',
            'mould': 'growth settles',
            'sick': 'the culture falls sick',
        }[self.kind]


def draw_troubles(seed: int, panel: int, year: int) -> list[Trouble]:
    """Draw what goes wrong with a panel within a year: a Poisson process of each kind."""
    rng = np.random.default_rng((_SEED_SPACE, seed, panel, year))
    shares = np.array(_DRAW.crack_shares[1:])
    troubles = []
    for kind, per_year in PER_YEAR.items():
        for _ in range(rng.poisson(per_year)):
            median_mm = rng.choice(_DRAW.crack_medians_mm[1:], p=shares / shares.sum())
            width_log, depth_log = rng.standard_normal(2).tolist()
            trouble = Trouble(
                hours=YEAR_H * (year + rng.random()),
                kind=kind,
                seed=int(rng.integers(2**31)),
                crack_width_mm=float(median_mm) * math.exp(_DRAW.crack_log_std * width_log),
                depth_log=_DRAW.depth_log_std * depth_log,
                delamination=rng.uniform(*_DRAW.delamination),
            )
            troubles.append(trouble)
    return troubles


def strike(state: State, trouble: Trouble) -> State:
    """Return `state` with a trouble; growth settles where there are no patches yet."""
    panel, material = state.panel, MATERIALS[state.panel.material_name]
    if trouble.kind == 'sick':
        return replace(state, is_sick=True)
    depth_mm = trouble.crack_width_mm * material.depth_per_width * math.exp(trouble.depth_log)
    struck = replace(
        panel,
        crack_width_mm=trouble.crack_width_mm,
        crack_depth_mm=min(depth_mm, material.thickness_mm),
        crack_seed=trouble.seed,
        delamination=trouble.delamination,
        delamination_seed=trouble.seed,
    )
    if trouble.kind == 'crack':
        panel = cracked(panel, struck)
    elif trouble.kind == 'debonded':
        panel = debonded(panel, struck)
    elif panel.growth_cover < _LIFE.spore_cover:
        cover = {'growth_cover': _LIFE.spore_cover, 'growth_alive': True}
        panel = replace(panel, **cover, growth_seed=trouble.seed)
    return replace(state, panel=panel)
