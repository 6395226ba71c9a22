# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Everything that a place needs, not only what is most urgent: what acts are judged by."""

from dataclasses import replace

from crossmodal_kd_ros.simulation.expert import TrueState, decide
from crossmodal_kd_ros.simulation.panel import PROFILE

# Troubles that the expert is shown one at a time, on an otherwise sound place. A fine crack heals
# if it is wet enough: that needs both.
_TROUBLES = (
    ('crack_width_mm',),
    ('vitality',),
    ('debonded',),
    ('growth_cover', 'growth_alive'),
    ('moisture',),
    ('crack_width_mm', 'moisture'),
)
_PASS = PROFILE.actions[0]


def needs_of(state: TrueState) -> dict[str, str]:
    """Return what the expert would do at a place in the end, action by reason; empty: nothing."""
    sound = replace(
        state, crack_width_mm=0.0, vitality=1.0, debonded=0.0, growth_alive=False, moisture=1.0
    )
    needs = {}
    for trouble in _TROUBLES:
        shown = replace(sound, **{name: getattr(state, name) for name in trouble})
        action, reason = decide(shown)
        if action != _PASS:
            needs.setdefault(action, reason)
    return needs
