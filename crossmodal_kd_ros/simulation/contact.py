# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a tool's pressure and angle do to a wall: what a repair takes, and what crushes.

The tool is a flat sponge of radius R, which can be squeezed together by s. Square to the wall it
presses alike everywhere. Tilted by theta, its pressure grows linearly from one edge to the other;
one edge is about to lift, and the other bears twice the mean, where 2 R tan(theta) = s. Tilted
further it touches only in part.
"""

import math
from dataclasses import dataclass

from crossmodal_kd_ros.simulation.constants import COMMON, MATERIALS, Material
from crossmodal_kd_ros.simulation.panel import Panel

_TOOL, _ARRAY = COMMON.contact, COMMON.touch_array
# The greatest pressure of the tool in each action that touches the wall.
TOOL_KPA = {
    'seal_crack': _TOOL.tool_kpa,
    'apply_bio_adhesive': _TOOL.tool_kpa,
    'remove_growth': _TOOL.brush_kpa,
}
MOST_TILT_DEG = math.degrees(math.atan(_TOOL.sponge_mm / (2.0 * _TOOL.tool_radius_mm)))
_KPA_PER_MPA = 1e3


@dataclass(frozen=True, kw_only=True)
class Contact:
    """How a tool meets the wall.

    Attributes:
        pressure_kpa: mean pressure under the tool.
        pitch_deg, yaw_deg: of the approach, z of the view turned by pitch about x and then by yaw
            about y. The view looks along the wall's normal.
    """

    pressure_kpa: float
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0


def tilt_deg(contact: Contact) -> float:
    """Return the angle of the approach with the wall's normal: its cosine is cos pitch cos yaw."""
    pitch, yaw = math.radians(contact.pitch_deg), math.radians(contact.yaw_deg)
    return math.degrees(math.acos(min(1.0, math.cos(pitch) * math.cos(yaw))))


def peak_kpa(contact: Contact) -> float:
    """Return the pressure under the edge that presses most.

    Up to the tilt at which the other edge lifts it is p (1 + tan(theta) / tan(theta_0)). Beyond it
    the part that touches, and with it the area, shrinks: 2 p sqrt(tan(theta) / tan(theta_0)), as
    of a strip on springs.
    """
    tilt = math.tan(math.radians(min(tilt_deg(contact), 89.0)))
    ratio = tilt / math.tan(math.radians(MOST_TILT_DEG))
    return contact.pressure_kpa * (1.0 + ratio if ratio <= 1.0 else 2.0 * math.sqrt(ratio))


def touches_whole(contact: Contact) -> bool:
    """Return whether no edge of the tool lifts."""
    return tilt_deg(contact) <= MOST_TILT_DEG


def crush_kpa(material: Material) -> float:
    """Return the pressure that crushes: the collapse strain times Young's modulus."""
    return _KPA_PER_MPA * material.collapse_strain * material.young_modulus_mpa


def right_contact(panel: Panel, action: str) -> Contact:
    """Return the right contact of an action that touches the wall.

    That is straight into the wall, with the greatest pressure that does not crush at any tilt at
    which the tool still touches as a whole: half of what crushes, at most what the tool gives.

    Raises:
        KeyError: the action does not touch the wall.
    """
    crushes = crush_kpa(MATERIALS[panel.material_name])
    return Contact(pressure_kpa=min(crushes / 2.0, TOOL_KPA[action]))


def sealing_kpa(panel: Panel) -> float:
    """Return the pressure that drives paste to the bottom of the panel's crack.

    A fluid with the yield stress tau comes p w / (2 tau) deep into a slot w wide.
    """
    return 2.0 * _TOOL.paste_yield_kpa * panel.crack_depth_mm / panel.crack_width_mm


def bonding_kpa(panel: Panel, debonded: float) -> float:
    """Return the least pressure that glues a layer down where it has come off by `debonded`.

    The film has to wet both sides. A soft layer has to be pressed back over its gap too: a plate
    of radius R, clamped at its rim, under a uniform pressure p bends by p R^4 / (64 D) in its
    middle (Timoshenko and Woinowsky-Krieger 1959, chapter 3), D = E t^3 / (12 (1 - nu^2)). A
    stiff one stays where it is, and the adhesive fills the gap.
    """
    material = MATERIALS[panel.material_name]
    if material.is_mineral:
        return _TOOL.wetting_kpa
    stiffness_n_mm = (
        material.young_modulus_mpa
        * material.layer_mm**3
        / (12.0 * (1.0 - material.poisson_ratio**2))
    )
    gap_mm = debonded * _ARRAY.blister_gap_mm
    closes_mpa = 64.0 * stiffness_n_mm * gap_mm / _ARRAY.blister_radius_mm**4
    return _TOOL.wetting_kpa + _KPA_PER_MPA * closes_mpa


def left_growth(contact: Contact) -> float:
    """Return what part of living growth a brush leaves, 0 to 1; half of it where an edge lifts."""
    left = max(math.exp(-contact.pressure_kpa / _TOOL.brush_scale_kpa), _TOOL.root_share)
    return left if touches_whole(contact) else (1.0 + left) / 2.0
