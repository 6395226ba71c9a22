# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One place on one panel, met by all three senses at once."""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.contract import surface_state
from crossmodal_kd_ros.simulation.camera import Light, Shot, draw_light, expose, illuminate
from crossmodal_kd_ros.simulation.expert import Findings, decide
from crossmodal_kd_ros.simulation.fields import crack_width_mm, patches
from crossmodal_kd_ros.simulation.gas import read_hood
from crossmodal_kd_ros.simulation.panel import PANEL_MM, Panel
from crossmodal_kd_ros.simulation.surface import build_surface
from crossmodal_kd_ros.simulation.touch import TactileWall

# Side of the square that the networks see, and height of a 4:3 picture, mm.
VIEW_MM = 64.0
_COVER_PX_PER_MM = 1.0


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The noise-free state at the tip.

    Attributes:
        action, reason: what the expert does, and why.
        material: one of `MATERIALS`. `lighting`: `day` or `night`. `description`: what the camera
            sees, in words.
        touch: `float32[256]`. gas: `float32[8]`. surface: `float32[3]`, `SURFACE_STATE`.
    """

    action: str
    reason: str
    material: str
    lighting: str
    description: str
    touch: np.ndarray
    gas: np.ndarray
    surface: np.ndarray


class Wall:
    """A panel ready to be felt and smelt anywhere; the camera's part is `Lit`, which costs more."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._tactile = TactileWall(panel)
        self._growth = patches(panel.growth_seed, panel.growth_cover, _COVER_PX_PER_MM)

    def truth(self, centre_mm: tuple[float, float]) -> Truth:
        """Return everything there is to know with the tip at `centre_mm`."""
        panel = self.panel
        touch, gas = self.touch(centre_mm), self.gas(centre_mm)
        findings = self.findings(centre_mm)
        action, reason = decide(findings)
        return Truth(
            action=action,
            reason=reason,
            material=panel.material_name,
            lighting=panel.lighting,
            description=describe(panel),
            touch=touch,
            gas=gas,
            surface=surface_state(touch=touch, gas=gas),
        )

    def findings(self, centre_mm: tuple[float, float]) -> Findings:
        """Return what decides at `centre_mm`."""
        return Findings(
            crack_mm=self._tactile.crack_mm(centre_mm),
            ammonia_ppm=float(self.gas(centre_mm)[5]),
            debonded=self._tactile.debonded(centre_mm),
            growth_cover=self._cover(centre_mm),
            growth_alive=self.panel.growth_alive,
            moisture=self.panel.moisture,
        )

    def touch(self, centre_mm: tuple[float, float]) -> np.ndarray:
        """Return the noise-free touch reading `float32[256]`."""
        return self._tactile.press(centre_mm)

    def gas(self, centre_mm: tuple[float, float]) -> np.ndarray:
        """Return the noise-free gas reading `float32[8]`."""
        return read_hood(self.panel, self._cover(centre_mm))

    def _cover(self, centre_mm: tuple[float, float]) -> float:
        half = VIEW_MM / 2
        left, top = (
            round((centre_mm[0] - half) * _COVER_PX_PER_MM),
            round((centre_mm[1] - half) * _COVER_PX_PER_MM),
        )
        side = round(VIEW_MM * _COVER_PX_PER_MM)
        return float(self._growth[top : top + side, left : left + side].mean())


class Lit:
    """A panel under its light at one resolution: pictures of it cost little more than a copy."""

    def __init__(self, panel: Panel, *, px_per_mm: float, lighting: str | None = None) -> None:
        lighting = panel.lighting if lighting is None else lighting
        self.light: Light = draw_light(np.random.default_rng((panel.texture_seed, 4)), lighting)
        self.px_per_mm = px_per_mm
        self._radiance = illuminate(build_surface(panel, px_per_mm), self.light, px_per_mm)
        self._reference = float(self._radiance.mean())

    def picture(
        self, centre_mm: tuple[float, float], shot: Shot, *, width_px: int, height_px: int
    ) -> np.ndarray:
        """Return the picture `uint8[height_px, width_px, 3]` with `centre_mm` in its middle."""
        left = min(
            max(round(centre_mm[0] * self.px_per_mm - width_px / 2), 0),
            self._radiance.shape[1] - width_px,
        )
        top = min(
            max(round(centre_mm[1] * self.px_per_mm - height_px / 2), 0),
            self._radiance.shape[0] - height_px,
        )
        part = self._radiance[top : top + height_px, left : left + width_px]
        return expose(part, self.light, shot, reference=self._reference)


def reachable_mm(
    width_mm: float, height_mm: float = VIEW_MM
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return ((x_min, y_min), (x_max, y_max)): where the tip may be so that the picture stays on the panel."""
    return (width_mm / 2, height_mm / 2), (PANEL_MM[0] - width_mm / 2, PANEL_MM[1] - height_mm / 2)


def describe(panel: Panel) -> str:
    """Return what a person at the camera's screen would say of `panel`."""
    words = [f'{panel.material_name.replace("_", " ")} by {panel.lighting}']
    if panel.crack_shown_mm > 0.0:
        words.append(f'a crack {crack_width_mm(panel.crack_shown_mm):.1f} mm wide')
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
