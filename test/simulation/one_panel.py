# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Panels with one thing wrong, and a facade of one of them."""

from dataclasses import replace

from crossmodal_kd_ros.simulation.constants import MATERIALS
from crossmodal_kd_ros.simulation.fields import crack_path
from crossmodal_kd_ros.simulation.living import Facade, draw_facade

SOFT = ('mycelium_composite', 'algae_panel')
# Their seeds bring the debonded zone under the pad in the middle of the panel.
LOOSE = {'delamination': 0.9, 'delamination_seed': 2}


def sound(material: str = 'bio_concrete', **state):
    """Return a sound panel outside, with some of its state changed."""
    bare = {'seals': (), 'dents': ()}
    return replace(draw_facade([material], seed=3)[0], **(bare | state))


def alone(panel, *, seed: int = 5) -> Facade:
    """Return a facade of one panel."""
    return Facade([panel], seed=seed)


def cracked(width_mm: float, material: str = 'bio_concrete', **state):
    """Return a sound panel with a crack, and a place on it."""
    depth_mm = width_mm * MATERIALS[material].depth_per_width
    panel = sound(
        material, crack_width_mm=width_mm, crack_depth_mm=depth_mm, crack_seed=4, **state
    )
    path, _ = crack_path(4)
    x, y = path[len(path) // 2]
    return panel, (float(x), float(y))
