# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an expert would do who knows the truth, and why: the source of every label."""

from dataclasses import dataclass

STRUCTURAL_CRACK_MM = 4.3
OPEN_CRACK_MM = 1.0
AMMONIA_LIMIT_PPM = 15.0
DEBONDED_LIMIT = 0.35
GROWTH_LIMIT = 0.22
DRY_LIMIT = 0.32


@dataclass(frozen=True, kw_only=True)
class TrueState:
    """The truth at the tip that decides. Units in the names; fractions are 0 to 1."""

    crack_mm: float
    ammonia_ppm: float
    debonded: float
    growth_cover: float
    growth_alive: bool
    moisture: float


def decide(state: TrueState) -> tuple[str, str]:
    """Return (action, reason) by the most urgent trouble: safety comes before looks."""
    if state.crack_mm >= STRUCTURAL_CRACK_MM:
        return 'request_human', f'crack {state.crack_mm:.1f} mm deep: structural'
    if state.ammonia_ppm >= AMMONIA_LIMIT_PPM:
        return 'request_human', f'ammonia {state.ammonia_ppm:.0f} ppm: the culture is dying'
    if state.crack_mm >= OPEN_CRACK_MM:
        return 'seal_crack', f'crack {state.crack_mm:.1f} mm deep'
    if state.debonded >= DEBONDED_LIMIT:
        return 'apply_bio_adhesive', f'layer debonded ({state.debonded:.0%}) under the pad'
    if state.growth_alive and state.growth_cover >= GROWTH_LIMIT:
        return 'remove_growth', f'living growth on {state.growth_cover:.0%} of the view'
    if state.moisture <= DRY_LIMIT:
        return 'hydrate', f'moisture {state.moisture:.0%}'
    return 'continue_inspection', 'nothing wrong'
