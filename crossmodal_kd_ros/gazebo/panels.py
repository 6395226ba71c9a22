# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which four panels hang in the world."""

from functools import lru_cache

from crossmodal_kd_ros.simulation import Panel, Wall, draw_panels
from crossmodal_kd_ros.simulation.panel import PANEL_MM

# What the middle of each panel asks for, in the order of MATERIALS: four different troubles in one
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
    """Return one panel for each of `MATERIALS`: the first draw of that material whose middle has the wanted trouble."""
    panels = []
    for material, wanted in enumerate(_WANTED):
        draws = draw_panels(_DRAWS, seed=(_SEED_SPACE, seed, material))
        draws = [panel for panel in draws if panel.material == material]
        panels.append(
            next(
                (panel for panel in draws if Wall(panel).truth(_MIDDLE_MM).action == wanted),
                draws[0],
            )
        )
    return tuple(panels)
