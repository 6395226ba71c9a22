# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which panels hang where in the world.

Metres: the wall is the plane y = 0, the robot stands on the side of negative y. As the robot's
camera sees the wall, x points to the right and z up. A panel's own millimetres, as everywhere in
`simulation`, count from its upper left corner: x to the right, y down.
"""

from dataclasses import dataclass
from functools import lru_cache

from crossmodal_kd_ros.simulation import Panel, PanelScene, draw_panels
from crossmodal_kd_ros.simulation.panel import PANEL_MM

# One panel for each of the first of MATERIALS, in that order, from left to right.
PANEL_CENTRES_M = ((-0.3, 0.5), (-0.1, 0.5), (0.1, 0.5), (0.3, 0.5))

# What the middle of each panel needs, in the order of MATERIALS: four different troubles in one
# world.
_WANTED = ('seal_crack', 'apply_bio_adhesive', 'remove_growth', 'hydrate')
# No data set and no simulated world draws from it.
_SEED_SPACE = 78
_MIDDLE_MM = (PANEL_MM[0] / 2, PANEL_MM[1] / 2)
# The rarest of the four pairs, a dry bacterial coating, is one draw in 40: 400 miss it for one
# seed in 20 000.
_DRAWS = 400


@lru_cache(maxsize=4)
def four_panels(seed: int) -> tuple[Panel, ...]:
    """Return one panel for each of the first four of `MATERIALS`.

    It is the first draw of that material whose middle has the wanted trouble.
    """
    panels = []
    for material, wanted in enumerate(_WANTED):
        draws = draw_panels(_DRAWS, seed=(_SEED_SPACE, seed, material))
        draws = [panel for panel in draws if panel.material == material]
        panels.append(
            next(
                (panel for panel in draws if PanelScene(panel).truth(_MIDDLE_MM).action == wanted),
                draws[0],
            )
        )
    return tuple(panels)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the pad's face is, seen from the wall.

    Attributes:
        panel: index of the panel in front of it, or `None` beside them all.
        centre_mm: its centre on that panel (x, y), mm.
        gap_mm: from the wall's mean surface to the pad's face, mm; negative: pressed in.
    """

    panel: int | None
    centre_mm: tuple[float, float]
    gap_mm: float


def locate(position_m: tuple[float, float, float]) -> Place:
    """Return the place of a pad whose face has its centre at `position_m`: x, y, z, m.

    Beside every panel, `centre_mm` counts on the nearest one.
    """
    x, y, z = position_m
    panel = min(range(len(PANEL_CENTRES_M)), key=lambda index: abs(x - PANEL_CENTRES_M[index][0]))
    centre_x, centre_z = PANEL_CENTRES_M[panel]
    place_mm = (1e3 * (x - centre_x) + PANEL_MM[0] / 2, 1e3 * (centre_z - z) + PANEL_MM[1] / 2)
    on_it = all(0.0 <= at <= size for at, size in zip(place_mm, PANEL_MM))
    return Place(panel=panel if on_it else None, centre_mm=place_mm, gap_mm=-1e3 * y)
