# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The hidden state of wall panels, drawn by the hundred, and what of it shows on the surface.

Every quantity that decides an action exists twice: as it is (touch and gas feel it) and as it
shows (the camera sees it). A crack full of dust looks narrower than it is; a stain looks like
growth; a debonded layer bulges a little or not at all. The pairs are correlated, never equal, and
that correlation is all that a camera-only student can learn.

A panel has its state and, by chance and for ever, how it shows. The looks follow from both, so
that a copy of it with another state (`dataclasses.replace`) shows that state.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.simulation.constants import COMMON, MATERIALS

# Whose sensors are simulated: the numbers of their noise, the size of the view and of the pad.
PROFILE = load_profile('living_wall')
_NAMES = tuple(MATERIALS)

# Large enough for a 4:3 camera (85 x 64 mm) to travel.
PANEL_MM = (160.0, 96.0)
# Exposure classes of EN 206: inside and dry; outside, wet and dry by turns.
EXPOSURES = ('XC1', 'XC4')

_DRAW, _SHOWN = COMMON.draw, COMMON.shown
# The parts of the state, and with `vision_recovery` below 1 what shows as another panel's.
_PARTS = (
    ('crack_width_mm', 'crack_seed'),
    ('growth_cover', 'growth_alive', 'growth_seed'),
    ('moisture',),
    ('vitality',),
    ('delamination', 'delamination_seed'),
    ('roughness_um',),
)


@dataclass(frozen=True, kw_only=True)
class Stray:
    """How a panel's looks stray from its state: standard normal numbers, drawn once."""

    crack: float
    fuzz: float
    moisture: float
    vitality: float
    bulge: float
    roughness: float


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One wall panel: its state, how that shows, and the seeds of its texture. Lengths in mm.

    Attributes:
        material: index into `MATERIALS`.
        exposure: one of `EXPOSURES`.
        roughness_um: RMS micro-roughness.
        crack_width_mm, crack_depth_mm: opening at the mouth and depth of the crack where it is
            widest (0: none).
        growth_cover: part of the panel under dark patches, 0 to 1.
        growth_alive: whether the patches are living growth or an inert stain.
        moisture: 0 (parched) to 1 (soaked).
        vitality: share of the culture's cells that live, 0 to 1.
        delamination: how far the layer has come off its ground, 0 to 1.
        lighting: `day` or `night`, independent of everything else.
        crack_seed, growth_seed, delamination_seed: where the crack, the patches and the debonded
            zone lie.
        texture_seed: everything that means nothing: palette, mottling, pores, light.
        air_seed: the air of the room, and the bias of the cell that measures it.
        stray: how the looks stray from the state.
        taken_for: state by name that shows instead of the panel's own; empty on a real wall.
        seals: where a crack was sealed or healed: its seed, and how wide the seal is, mm.
        dents: where a tool has crushed the panel, mm.
    """

    material: int
    exposure: str
    roughness_um: float
    crack_width_mm: float
    crack_depth_mm: float
    growth_cover: float
    growth_alive: bool
    moisture: float
    vitality: float
    delamination: float
    lighting: str
    crack_seed: int
    growth_seed: int
    delamination_seed: int
    texture_seed: int
    air_seed: int
    stray: Stray
    taken_for: Mapping[str, Any] = field(default_factory=dict)
    seals: tuple[tuple[int, float], ...] = ()
    dents: tuple[tuple[float, float], ...] = ()

    @property
    def material_name(self) -> str:
        """The material's label, one of `MATERIALS`."""
        return _NAMES[self.material]

    @property
    def roughness_shown_um(self) -> float:
        """RMS micro-roughness as it looks."""
        factor = math.exp(_SHOWN.roughness_log_std * self.stray.roughness)
        return self._shown('roughness_um') * factor

    @property
    def crack_width_shown_mm(self) -> float:
        """Opening of the crack where it is widest, as it looks."""
        factor = math.exp(_SHOWN.crack_log_std * self.stray.crack)
        return self._shown('crack_width_mm') * factor

    @property
    def growth_cover_shown(self) -> float:
        """Part of the panel that looks to be under patches."""
        return self._shown('growth_cover')

    @property
    def growth_fuzz(self) -> float:
        """How furry the patches look, standard units; higher for the living on average."""
        side = 1.0 if self._shown('growth_alive') else -1.0
        return side * _SHOWN.fuzz_separation + self.stray.fuzz

    @property
    def moisture_shown(self) -> float:
        """Moisture as it looks, 0 to 1."""
        shown = self._shown('moisture') + _SHOWN.moisture_std * self.stray.moisture
        return min(max(shown, 0.0), 1.0)

    @property
    def vitality_shown(self) -> float:
        """Vitality as it looks, 0 to 1."""
        shown = self._shown('vitality') + _SHOWN.vitality_std * self.stray.vitality
        return min(max(shown, 0.0), 1.0)

    @property
    def bulge_shown(self) -> float:
        """How far the layer looks to have come off, 0 to 1.5; a sound one may bulge too."""
        shown = self._shown('delamination') + _SHOWN.bulge_std * self.stray.bulge
        return min(max(shown, 0.0), 1.5)

    @property
    def shown_seeds(self) -> tuple[int, int, int]:
        """Where the crack, the patches and the debonded zone look to lie."""
        return tuple(map(self._shown, ('crack_seed', 'growth_seed', 'delamination_seed')))

    def as_it_looks(self) -> 'Panel':
        """Return the panel whose state is what this one shows."""
        crack_seed, growth_seed, delamination_seed = self.shown_seeds
        return replace(
            self,
            roughness_um=self.roughness_shown_um,
            crack_width_mm=self.crack_width_shown_mm,
            crack_seed=crack_seed,
            growth_cover=self.growth_cover_shown,
            growth_alive=self.growth_fuzz > 0.0,
            growth_seed=growth_seed,
            moisture=self.moisture_shown,
            vitality=self.vitality_shown,
            delamination=self.bulge_shown,
            delamination_seed=delamination_seed,
        )

    def _shown(self, name: str) -> Any:
        return self.taken_for.get(name, getattr(self, name))


def draw_panels(
    count: int, *, seed: int | tuple[int, ...], vision_recovery: float = 1.0
) -> list[Panel]:
    """Draw `count` independent panels.

    Args:
        count: how many.
        seed: everything follows from it.
        vision_recovery: 0 to 1, the probability that each part of the surface's state (crack,
            patches, moisture, vitality, debonding, roughness) shows as its own rather than as that
            of some other panel. At 1 only the stray stands between the camera and the state; at 0
            the picture says nothing of it.

    Raises:
        ValueError: `vision_recovery` is not within 0 to 1.
    """
    if not 0.0 <= vision_recovery <= 1.0:
        raise ValueError(f'expected vision_recovery within 0 to 1, got {vision_recovery}')
    rng = np.random.default_rng(seed)
    own, other = _draw_state(rng, count), _draw_state(rng, count)
    usual_um = np.array([material.roughness_um for material in MATERIALS.values()])
    other['roughness_um'] *= usual_um[own['material']] / usual_um[other['material']]
    is_own = rng.random((len(_PARTS), count)) < vision_recovery
    strays = rng.standard_normal((count, len(Stray.__dataclass_fields__))).tolist()

    names = tuple(own)
    rows = zip(*(own[name].tolist() for name in names), strict=True)
    others = {name: other[name].tolist() for part in _PARTS for name in part}
    return [
        Panel(
            **dict(zip(names, row, strict=True)),
            stray=Stray(**dict(zip(Stray.__dataclass_fields__, stray, strict=True))),
            taken_for={
                name: others[name][index]
                for part, shows_itself in zip(_PARTS, is_own[:, index], strict=True)
                if not shows_itself
                for name in part
            },
        )
        for index, (row, stray) in enumerate(zip(rows, strays, strict=True))
    ]


def _draw_state(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Draw the state itself.

    Troubles that have no code of practice leave a gap round the expert's threshold: near-ties
    teach nothing. Cracks have none: their width is drawn as widths are found.
    """

    def lognormal(log_std: float) -> np.ndarray:
        return np.exp(log_std * rng.standard_normal(count))

    def is_one_of(share: float) -> np.ndarray:
        return rng.random(count) < share

    def within(limits: tuple[float, ...]) -> np.ndarray:
        return rng.uniform(*limits, count)

    materials = tuple(MATERIALS.values())
    material = rng.integers(len(materials), size=count)
    kind = rng.choice(len(_DRAW.crack_shares), size=count, p=_DRAW.crack_shares)
    width_mm = np.array(_DRAW.crack_medians_mm)[kind] * lognormal(_DRAW.crack_log_std)
    depth_mm = (
        width_mm
        * np.array([one.depth_per_width for one in materials])[material]
        * lognormal(_DRAW.depth_log_std)
    )

    is_dying, is_dry = is_one_of(_DRAW.dying_share), is_one_of(_DRAW.dry_share)
    has_patches, is_debonded = is_one_of(_DRAW.patches_share), is_one_of(_DRAW.debonded_share)
    return {
        'material': material,
        'exposure': np.where(is_one_of(_DRAW.outside_share), 'XC4', 'XC1'),
        'roughness_um': np.array([one.roughness_um for one in materials])[material]
        * lognormal(_DRAW.roughness_log_std),
        'crack_width_mm': width_mm,
        'crack_depth_mm': np.minimum(
            depth_mm, np.array([one.thickness_mm for one in materials])[material]
        ),
        'growth_cover': np.where(has_patches, within(_DRAW.patches_cover), 0.0),
        'growth_alive': is_one_of(_DRAW.growth_alive_share),
        'moisture': np.where(is_dry, within(_DRAW.dry_moisture), within(_DRAW.moist_moisture)),
        'vitality': np.where(
            is_dying, within(_DRAW.dying_vitality), within(_DRAW.living_vitality)
        ),
        'delamination': np.where(is_debonded, within(_DRAW.delamination), 0.0),
        'lighting': np.where(is_one_of(_DRAW.night_share), 'night', 'day'),
        **{
            name: rng.integers(2**31, size=count)
            for name in (
                'crack_seed',
                'growth_seed',
                'delamination_seed',
                'texture_seed',
                'air_seed',
            )
        },
        **_draw_traces(rng, count),
    }


def _draw_traces(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Draw what earlier repairs have left, `object[count]` each."""
    seals, dents = np.empty((2, count), object)
    is_sealed = rng.random(count) < _DRAW.sealed_share
    is_dented = rng.random(count) < _DRAW.dented_share
    widths_mm = rng.uniform(*_DRAW.sealed_crack_mm, count) + 2.0 * COMMON.contact.seal_margin_mm
    seeds = rng.integers(2**31, size=count)
    places_mm = rng.uniform((0.0, 0.0), PANEL_MM, (count, 2))
    for index in range(count):
        seal, dent = (int(seeds[index]), float(widths_mm[index])), tuple(places_mm[index].tolist())
        seals[index] = (seal,) if is_sealed[index] else ()
        dents[index] = (dent,) if is_dented[index] else ()
    return {'seals': seals, 'dents': dents}
