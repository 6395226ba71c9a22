# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The readings of the tip at a place of the world, by the physics of `simulation`."""

import numpy as np

from crossmodal_kd_ros.gazebo.layout import Place, four_panels
from crossmodal_kd_ros.simulation import PROFILE, VIEW_MM, PanelScene, add_noise, gas
from crossmodal_kd_ros.simulation.constants import COMMON
from crossmodal_kd_ros.simulation.panel import PANEL_MM
from crossmodal_kd_ros.simulation.touch import PAD_MM


class GazeboSenses:
    """The pad and the gas module on the four panels that `seed` draws; for one thread."""

    def __init__(self, seed: int) -> None:
        """Prepare the four panels; takes about a second."""
        self._panels = four_panels(seed)
        self._scenes = [PanelScene(panel) for panel in self._panels]
        self._rng = np.random.default_rng(seed)

    def touch(self, place: Place, *, in_contact: bool) -> np.ndarray:
        """Return the pad's reading `float32[256]` (um, mm), with a healthy pad's noise.

        Its noise alone in the air, and where it does not rest wholly on a panel.
        """
        reading = np.zeros(PROFILE.senses['touch'].size, np.float32)
        if (
            in_contact
            and place.panel is not None
            and _inside(place.centre_mm, PAD_MM) == place.centre_mm
        ):
            reading = self._scenes[place.panel].read('touch', place.centre_mm)
        return add_noise('touch', reading, self._rng)

    def gas(self, place: Place) -> np.ndarray:
        """Return the gas module's reading `float32[8]`, with a healthy module's noise.

        The wall's own air under the hood, settled, and the more of the room's air the wider the
        gap; beside the panels the room's air alone. The hood is as wide as the camera's view: near
        an edge it reads the place where it just fits.
        """
        nearest = place.panel if place.panel is not None else 0
        room = gas.room_air(self._panels[nearest])
        share = (
            0.0
            if place.panel is None
            else float(np.exp(-max(place.gap_mm, 0.0) / COMMON.gas_hood.lift_mm))
        )
        centre_mm = _inside(place.centre_mm, (VIEW_MM, VIEW_MM))
        wall = self._scenes[nearest].read('gas', centre_mm)
        return add_noise('gas', room + np.float32(share) * (wall - room), self._rng)


def _inside(centre_mm: tuple[float, float], size_mm: tuple[float, float]) -> tuple[float, float]:
    """Return the centre nearest to `centre_mm` at which `size_mm` lies wholly on the panel."""
    x, y = (
        min(max(at, size / 2), whole - size / 2)
        for at, size, whole in zip(centre_mm, size_mm, PANEL_MM)
    )
    return x, y
