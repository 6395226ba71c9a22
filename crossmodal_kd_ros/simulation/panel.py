# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The hidden state of wall panels, drawn by the hundred, and what of it shows on the surface.

Every quantity that decides an action exists twice: as it is (touch and gas feel it) and as it
shows (the camera sees it). A crack filled with dust looks shallower than it is; a stain looks like
growth; a debonded layer bulges a little or not at all. The pairs are correlated, never equal, and
that correlation is all that a camera-only student can learn.
"""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.profile import load_profile

# Whose sensors are simulated: the numbers of their noise, the size of the view and of the pad.
PROFILE = load_profile('living_wall')


@dataclass(frozen=True, kw_only=True)
class Material:
    """What one material is like where nothing is wrong; `surface` draws its texture.

    Attributes:
        roughness_um: mean RMS micro-roughness.
        uptake_ppm: CO2 that it takes out of the hood's air while it thrives and is moist, ppm
            below ambient.
        voc_index, h2s_ppb: what it adds to the air of the hood.
        gloss: strength of its mirror-like reflection while dry.
        dark_rgb, light_rgb: linear RGB between which its colour lies. The hue wanders by as much
            as the materials differ, so that texture and not hue tells them apart.
    """

    roughness_um: float
    uptake_ppm: float
    dark_rgb: tuple[float, float, float]
    light_rgb: tuple[float, float, float]
    voc_index: float = 0.0
    h2s_ppb: float = 0.0
    gloss: float = 0.0


MATERIALS = {
    'bio_concrete': Material(
        roughness_um=60.0,
        uptake_ppm=55.0,
        dark_rgb=(0.24, 0.23, 0.21),
        light_rgb=(0.52, 0.50, 0.46),
    ),
    'mycelium_composite': Material(
        roughness_um=42.0,
        uptake_ppm=25.0,
        dark_rgb=(0.40, 0.33, 0.23),
        light_rgb=(0.70, 0.62, 0.49),
    ),
    'algae_panel': Material(
        roughness_um=26.0,
        uptake_ppm=140.0,
        dark_rgb=(0.13, 0.23, 0.11),
        light_rgb=(0.36, 0.44, 0.25),
    ),
    'bacterial_coating': Material(
        roughness_um=16.0,
        uptake_ppm=85.0,
        dark_rgb=(0.38, 0.24, 0.18),
        light_rgb=(0.62, 0.45, 0.36),
        voc_index=25.0,
        h2s_ppb=6.0,
        gloss=0.25,
    ),
}
_NAMES = tuple(MATERIALS)

# Large enough for a 4:3 camera (85 x 64 mm) to travel.
PANEL_MM = (160.0, 96.0)

# How far what shows strays from what is. Tuned with `benchmark.ceilings` so that the camera alone
# can decide 85-90 % and all senses together at least 96 %.
CRACK_FILL_LOG_STD = 0.18
FUZZ_SEPARATION = 1.15
MOISTURE_SHOWN_STD = 0.07
VITALITY_SHOWN_STD = 0.07
BULGE_SHOWN_STD = 0.45
ROUGHNESS_LOG_STD = 0.18

_MATERIAL_ROUGHNESS_UM = np.array([material.roughness_um for material in MATERIALS.values()])


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One wall panel: its state, how that shows, and the seeds of its texture. Lengths in mm.

    Attributes:
        material: index into `MATERIALS`.
        roughness_um, roughness_shown_um: RMS micro-roughness, felt and seen.
        crack_depth_mm, crack_shown_mm: depth of the crack at its deepest (0: none), and the depth
            it looks like.
        growth_cover: part of the panel under dark patches, 0 to 1.
        growth_alive: whether the patches are living growth or an inert stain.
        growth_fuzz: how furry the patches look, standard units; higher for the living on average.
        moisture, moisture_shown: 0 (parched) to 1 (soaked).
        vitality, vitality_shown: 0 (dying) to 1 (thriving).
        delamination, bulge_shown: how far the layer has come off its ground, and how far it looks
            so, 0 to 1.
        lighting: `day` or `night`, independent of everything else.
        crack_seed, growth_seed, delamination_seed: where the crack, the patches and the debonded
            zone lie as touch and gas meet them; `shown_seeds` are the same three as the camera
            meets them.
        texture_seed: everything that means nothing: palette, mottling, pores, light, ambient air.
    """

    material: int
    roughness_um: float
    roughness_shown_um: float
    crack_depth_mm: float
    crack_shown_mm: float
    growth_cover: float
    growth_cover_shown: float
    growth_alive: bool
    growth_fuzz: float
    moisture: float
    moisture_shown: float
    vitality: float
    vitality_shown: float
    delamination: float
    bulge_shown: float
    lighting: str
    crack_seed: int
    growth_seed: int
    delamination_seed: int
    shown_seeds: tuple[int, int, int]
    texture_seed: int

    @property
    def material_name(self) -> str:
        """The material's label, one of `MATERIALS`."""
        return _NAMES[self.material]


def draw_panels(
    count: int, *, seed: int | tuple[int, ...], vision_recovery: float = 1.0
) -> list[Panel]:
    """Draw `count` independent panels.

    Args:
        count: how many.
        seed: everything follows from it.
        vision_recovery: 0 to 1, the probability that each part of the surface's state (crack,
            patches, moisture, vitality, debonding, roughness) shows as its own rather than as that
            of some other panel. At 1 only the stray above stands between the camera and the state;
            at 0 the picture says nothing of it.

    Raises:
        ValueError: `vision_recovery` is not within 0 to 1.
    """
    if not 0.0 <= vision_recovery <= 1.0:
        raise ValueError(f'expected vision_recovery within 0 to 1, got {vision_recovery}')
    rng = np.random.default_rng(seed)
    own, other = _draw_state(rng, count), _draw_state(rng, count)
    other['roughness_um'] *= (
        _MATERIAL_ROUGHNESS_UM[own['material']] / _MATERIAL_ROUGHNESS_UM[other['material']]
    )
    shown = {}
    for names in (
        ('crack_depth_mm', 'crack_seed'),
        ('growth_cover', 'growth_alive', 'growth_seed'),
        ('moisture',),
        ('vitality',),
        ('delamination', 'delamination_seed'),
        ('roughness_um',),
    ):
        is_own = rng.random(count) < vision_recovery
        shown |= {name: np.where(is_own, own[name], other[name]) for name in names}

    noise = rng.standard_normal((6, count))
    columns = own | {
        'crack_shown_mm': shown['crack_depth_mm'] * np.exp(CRACK_FILL_LOG_STD * noise[0]),
        'growth_cover_shown': shown['growth_cover'],
        'growth_fuzz': np.where(shown['growth_alive'], FUZZ_SEPARATION, -FUZZ_SEPARATION)
        + noise[1],
        'moisture_shown': np.clip(shown['moisture'] + MOISTURE_SHOWN_STD * noise[2], 0.0, 1.0),
        'vitality_shown': np.clip(shown['vitality'] + VITALITY_SHOWN_STD * noise[3], 0.0, 1.0),
        'bulge_shown': np.clip(shown['delamination'] + BULGE_SHOWN_STD * noise[4], 0.0, 1.5),
        'roughness_shown_um': shown['roughness_um'] * np.exp(ROUGHNESS_LOG_STD * noise[5]),
    }
    columns = {name: values.tolist() for name, values in columns.items()}
    seeds = zip(
        *(shown[name].tolist() for name in ('crack_seed', 'growth_seed', 'delamination_seed')),
        strict=True,
    )
    return [
        Panel(shown_seeds=shown_seeds, **dict(zip(columns, row, strict=True)))
        for shown_seeds, row in zip(seeds, zip(*columns.values(), strict=True), strict=True)
    ]


def _draw_state(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Draw the state itself.

    Each trouble leaves a gap round the expert's threshold: near-ties teach nothing.
    """
    material = rng.integers(len(MATERIALS), size=count)
    # none, hairline, open, structural
    crack_kind = rng.choice(4, size=count, p=(0.28, 0.14, 0.38, 0.20))
    low, high = np.array([[0, 0], [0.25, 0.7], [1.4, 3.4], [5.4, 9.0]])[crack_kind].T
    vitality = np.where(
        rng.random(count) < 0.12, rng.uniform(0.02, 0.2, count), rng.uniform(0.42, 1.0, count)
    )
    is_dry = rng.random(count) < 0.34
    has_patches = rng.random(count) < 0.72
    is_debonded = rng.random(count) < 0.26
    return {
        'material': material,
        'roughness_um': _MATERIAL_ROUGHNESS_UM[material]
        * np.exp(0.35 * rng.standard_normal(count)),
        'crack_depth_mm': rng.uniform(low, high),
        'growth_cover': np.where(has_patches, rng.uniform(0.3, 0.6, count), 0.0),
        'growth_alive': rng.random(count) < 0.55,
        'moisture': np.where(
            is_dry, rng.uniform(0.04, 0.24, count), rng.uniform(0.40, 0.95, count)
        ),
        'vitality': vitality,
        'delamination': np.where(is_debonded, rng.uniform(0.6, 1.0, count), 0.0),
        'lighting': np.where(rng.random(count) < 0.5, 'day', 'night'),
        **{
            name: rng.integers(2**31, size=count)
            for name in ('crack_seed', 'growth_seed', 'delamination_seed', 'texture_seed')
        },
    }
