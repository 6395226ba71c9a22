# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an expert would do with the truth in hand, and why. This is where every label comes from."""

from dataclasses import dataclass

STRUCTURAL_CRACK_MM = 4.3
OPEN_CRACK_MM = 1.0
AMMONIA_LIMIT_PPM = 15.0
DEBONDED_LIMIT = 0.35
GROWTH_LIMIT = 0.22
DRY_LIMIT = 0.32


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The truth at the tip: what decides. Units in the names; fractions are 0 to 1."""

    crack_mm: float
    ammonia_ppm: float
    debonded: float
    growth_cover: float
    growth_alive: bool
    moisture: float


def decide(findings: Findings) -> tuple[str, str]:
    """Return (action, reason): the most urgent trouble first, the wall's safety before its looks."""
    if findings.crack_mm >= STRUCTURAL_CRACK_MM:
        return 'request_human', f'crack {findings.crack_mm:.1f} mm deep: structural'
    if findings.ammonia_ppm >= AMMONIA_LIMIT_PPM:
        return 'request_human', f'ammonia {findings.ammonia_ppm:.0f} ppm: the culture is dying'
    if findings.crack_mm >= OPEN_CRACK_MM:
        return 'seal_crack', f'crack {findings.crack_mm:.1f} mm deep'
    if findings.debonded >= DEBONDED_LIMIT:
        return 'apply_bio_adhesive', f'layer debonded ({findings.debonded:.0%}) under the pad'
    if findings.growth_alive and findings.growth_cover >= GROWTH_LIMIT:
        return 'remove_growth', f'living growth on {findings.growth_cover:.0%} of the view'
    if findings.moisture <= DRY_LIMIT:
        return 'hydrate', f'moisture {findings.moisture:.0%}'
    return 'continue_inspection', 'nothing wrong'
