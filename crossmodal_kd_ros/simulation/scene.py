# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One place on one panel, met by the camera, the pad and the gas module at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from crossmodal_kd_ros.profile import measure_quantities
from crossmodal_kd_ros.simulation import gas, touch
from crossmodal_kd_ros.simulation.camera import Shot, draw_light, expose, illuminate
from crossmodal_kd_ros.simulation.expert import TrueState, decide
from crossmodal_kd_ros.simulation.fields import patches
from crossmodal_kd_ros.simulation.panel import PANEL_MM, PROFILE, Panel
from crossmodal_kd_ros.simulation.surface import build_surface

# Side of the square that the networks see, and height of a 4:3 picture, mm.
VIEW_MM = PROFILE.camera.view_mm
# As of touch, so that both share one field of patches.
_COVER_PX_PER_MM = 2.0
_CRACK_WIDTH = list(PROFILE.quantities).index('crack_width')


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The noise-free state at the tip.

    Attributes:
        action, reason: what the expert does, and why.
        material: one of `MATERIALS`. `exposure`: class of EN 206. `lighting`: `day` or `night`.
        description: what the camera sees, in words.
        crack_width_mm: the widest opening of the crack under the tip; 0 where there is none.
        readings: `float32[size]` by sense; the gas settled, for a hood that stands.
        quantities: `float32[Q]`, in the order of the profile.
    """

    action: str
    reason: str
    material: str
    exposure: str
    lighting: str
    description: str
    crack_width_mm: float
    readings: Mapping[str, np.ndarray]
    quantities: np.ndarray


class PanelScene:
    """A panel that can be read at any place; pictures, which cost more, are `RenderedPanel`'s."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._tactile = touch.TactileWall(panel)
        self._description = describe(panel)
        self._growth = patches(panel.growth_seed, panel.growth_cover, _COVER_PX_PER_MM)

    def truth(self, centre_mm: tuple[float, float]) -> Truth:
        """Return everything there is to know with the tip at `centre_mm`."""
        panel = self.panel
        readings = {sense: self.read(sense, centre_mm) for sense in PROFILE.senses}
        state = self.true_state(centre_mm)
        action, reason = decide(state)
        quantities = measure_quantities(PROFILE, readings)
        # What no sense measures and the picture shows.
        quantities[_CRACK_WIDTH] = state.crack_width_mm
        return Truth(
            action=action,
            reason=reason,
            material=panel.material_name,
            exposure=panel.exposure,
            lighting=panel.lighting,
            description=self._description,
            crack_width_mm=state.crack_width_mm,
            readings=readings,
            quantities=quantities,
        )

    def true_state(self, centre_mm: tuple[float, float]) -> TrueState:
        """Return what decides at `centre_mm`."""
        return TrueState(
            material=self.panel.material_name,
            exposure=self.panel.exposure,
            crack_width_mm=self._tactile.crack_width_mm(centre_mm),
            vitality=self.panel.vitality,
            debonded=self._tactile.debonded(centre_mm),
            growth_cover=self._cover(centre_mm),
            growth_alive=self.panel.growth_alive,
            moisture=self.panel.moisture,
        )

    def read(self, sense: str, centre_mm: tuple[float, float]) -> np.ndarray:
        """Return the noise-free reading `float32[size]` of `touch`, or of `gas`, settled."""
        if sense == 'touch':
            return self._tactile.press(centre_mm)
        return gas.read_hood(self.panel, self._cover(centre_mm))

    def _cover(self, centre_mm: tuple[float, float]) -> float:
        left, top = (round((mm - VIEW_MM / 2) * _COVER_PX_PER_MM) for mm in centre_mm)
        side = round(VIEW_MM * _COVER_PX_PER_MM)
        return float(self._growth[top : top + side, left : left + side].mean())


def add_noise(sense: str, reading: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a noise-free `reading` of `touch` or `gas` as a healthy sensor gives it."""
    return {'touch': touch, 'gas': gas}[sense].add_noise(reading, rng)


class RenderedPanel:
    """A panel under its light at one resolution: a picture of it costs little more than a copy."""

    def __init__(self, panel: Panel, *, px_per_mm: float, lighting: str | None = None) -> None:
        lighting = panel.lighting if lighting is None else lighting
        self._light = draw_light(np.random.default_rng((panel.texture_seed, 4)), lighting)
        self._px_per_mm = px_per_mm
        self._radiance = illuminate(build_surface(panel, px_per_mm), self._light, px_per_mm)
        self._reference = float(self._radiance.mean())

    def picture(
        self, centre_mm: tuple[float, float], shot: Shot, *, width_px: int, height_px: int
    ) -> np.ndarray:
        """Return the picture `uint8[height_px, width_px, 3]` with `centre_mm` in its middle."""

        def window(middle_mm: float, side_px: int, all_px: int) -> slice:
            start = round(middle_mm * self._px_per_mm - side_px / 2)
            start = min(max(start, 0), all_px - side_px)
            return slice(start, start + side_px)

        _, panel_height_px, panel_width_px = self._radiance.shape
        rows = window(centre_mm[1], height_px, panel_height_px)
        columns = window(centre_mm[0], width_px, panel_width_px)
        part = cv2.merge([plane[rows, columns] for plane in self._radiance])
        return expose(part, self._light, shot, reference=self._reference)


def reachable_mm(
    width_mm: float, height_mm: float = VIEW_MM
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where the tip may be so that the picture stays on the panel.

    Returns:
        (x_min, y_min), (x_max, y_max), mm.
    """
    return (width_mm / 2, height_mm / 2), (PANEL_MM[0] - width_mm / 2, PANEL_MM[1] - height_mm / 2)


def describe(panel: Panel) -> str:
    """Return what a person at the camera's screen would say of `panel`."""
    words = [f'{panel.material_name.replace("_", " ")} by {panel.lighting}']
    if panel.crack_width_shown_mm > 0.0:
        words.append(f'a crack {panel.crack_width_shown_mm:.1f} mm wide')
    if panel.growth_cover_shown > 0.0:
        words.append(f'{"furry" if panel.growth_fuzz > 0.0 else "flat"} dark patches')
    if panel.moisture_shown < 0.35:
        words.append('crazed by drought')
    elif panel.moisture_shown > 0.7:
        words.append('a wet sheen')
    if panel.vitality_shown < 0.35:
        words.append('bleached')
    if panel.bulge_shown > 0.6:
        words.append('a bulge')
    return ', '.join(words)
