# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an expert would do who knows the truth, and why: the source of every label.

Where a limit comes from a code of practice, the reason names it. Every number is in the tables of
`materials/`.
"""

import math
from dataclasses import dataclass

from crossmodal_kd_ros.simulation.constants import COMMON, MATERIALS, Material

_CODES, _LIMITS = COMMON.codes, COMMON.expert
# EN 1992-1-1:2004, Table 7.1N.
CRACK_LIMITS_MM = {'XC1': _CODES.crack_limit_xc1_mm, 'XC4': _CODES.crack_limit_xc4_mm}


@dataclass(frozen=True, kw_only=True)
class TrueState:
    """The truth at the tip that decides. Units in the names; fractions are 0 to 1.

    Attributes:
        material: one of `MATERIALS`. `exposure`: one of `CRACK_LIMITS_MM`.
        crack_width_mm: the widest opening whose middle is under the array; 0 where there is none.
        debonded: mean of how far the layer under the array has come off.
        growth_cover, growth_alive: of the view.
        moisture, vitality: of the panel.
    """

    material: str
    exposure: str
    crack_width_mm: float
    vitality: float
    debonded: float
    growth_cover: float
    growth_alive: bool
    moisture: float


def decide(state: TrueState) -> tuple[str, str]:
    """Return (action, reason) by the most urgent trouble: safety comes before looks."""
    material = MATERIALS[state.material]
    width_mm, limit_mm = state.crack_width_mm, CRACK_LIMITS_MM[state.exposure]
    if width_mm >= _CODES.wide_crack_mm:
        return 'request_human', f'crack {width_mm:.1f} mm wide: wide by ACI 201.1R'
    if state.vitality < _LIMITS.least_vitality:
        return 'request_human', f'vitality {state.vitality:.0%}: the culture is dying'
    if width_mm > limit_mm:
        repair, what = (
            ('seal_crack', 'crack') if material.is_mineral else ('apply_bio_adhesive', 'tear')
        )
        return repair, (
            f'{what} {width_mm:.2f} mm wide: over {limit_mm} mm for {state.exposure} '
            '(EN 1992-1-1, Table 7.1N)'
        )
    if state.debonded >= _LIMITS.debonded_limit:
        return 'apply_bio_adhesive', f'layer debonded ({state.debonded:.0%}) under the pad'
    if state.growth_alive and state.growth_cover >= _LIMITS.growth_limit:
        return 'remove_growth', f'living growth on {state.growth_cover:.0%} of the view'
    if state.moisture <= _LIMITS.dry_limit:
        return 'hydrate', f'moisture {state.moisture:.0%}'
    if _LIMITS.fine_crack_mm <= width_mm <= material.healing_limit_mm:
        heals = (
            f'crack {width_mm:.2f} mm wide heals by itself (Wiktor and Jonkers 2011): keep wet, '
            f'look again in {look_again_days(material, width_mm)} days'
        )
        is_wet = state.moisture >= _LIMITS.healing_moisture
        return 'continue_inspection' if is_wet else 'hydrate', heals
    return 'continue_inspection', 'nothing wrong at the tip'


def look_again_days(material: Material, width_mm: float) -> int:
    """Return the days until a crack of `width_mm` has closed, kept wet, in a living `material`.

    The widest that heals takes all of the healing time; it is assumed that walls grow towards each
    other at the same rate in a narrower one.
    """
    return math.ceil(material.healing_days * width_mm / material.healing_limit_mm)
