# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How pages, figures and screens look: colours of modes and actions, names as words, units."""

from collections.abc import Sequence

from crossmodal_kd_ros.profile import HOLD

WIDTH_IN = 10.6
INK, FAINT, OUTAGE, ALARM = '#20262e', '#69737f', '#f3dcd8', '#a03a30'
BAR, PUBLISHED = '#5d6874', '#d9822b'
# Settings of matplotlib for every figure of a page.
FIGURE_STYLE = {
    'svg.fonttype': 'none',
    'svg.hashsalt': 'crossmodal_kd_ros',
    'font.family': 'sans-serif',
    'font.size': 10.0,
    'text.color': INK,
    'axes.labelcolor': FAINT,
    'xtick.color': FAINT,
    'ytick.color': FAINT,
    'axes.edgecolor': '#c9ced6',
    'axes.spines.top': False,
    'axes.spines.right': False,
}

MODE_COLOURS = {
    'TEACHER': '#2a8c82',
    'STUDENT': '#e39a2d',
    'HOLD': '#c2483d',
    'PARTIAL': '#7a68b3',
    '': '#c9ced6',
}
MODE_MEANINGS = {
    'TEACHER': 'all senses decide',
    'STUDENT': 'the camera alone decides',
    'HOLD': 'nobody knows: the robot keeps still',
    'PARTIAL': 'the teacher decides without the lost sense',
}

_ACTION_COLOURS = {
    'continue_inspection': '#a9b4c0',
    'seal_crack': '#2f6fb7',
    'apply_bio_adhesive': '#b97a26',
    'remove_growth': '#4f9d45',
    'hydrate': '#46b8cf',
    'request_human': '#b5418f',
    HOLD: '#3a3f47',
}
# For the actions of other profiles, in their order.
_PALETTE = (
    *('#2f6fb7', '#4f9d45', '#b97a26', '#b5418f', '#46b8cf'),
    *('#8a8f2b', '#d1685a', '#5c6bc0', '#7d5a4a', '#a9b4c0'),
)

# Units of time, s.
_TIMES = {'years': 31_557_600.0, 'days': 86_400.0, 'h': 3600.0, 'min': 60.0, 's': 1.0}


def action_colour(name: str, actions: Sequence[str] = ()) -> str:
    """Return the colour of an action, `#rrggbb`.

    Args:
        name: of the action, or `hold`.
        actions: the profile's, whose order decides the colour of an action that has none of its
            own. Grey where `name` is not among them.
    """
    if name in _ACTION_COLOURS:
        return _ACTION_COLOURS[name]
    return _PALETTE[actions.index(name) % len(_PALETTE)] if name in actions else FAINT


def words(name: str) -> str:
    """Return a name from a profile as words: `seal_crack` gives `seal crack`."""
    return name.replace('_', ' ')


def lasting(time_s: float) -> str:
    """Return a length of time in a unit that suits it, such as `100 days`."""
    unit, size_s = next((each for each in _TIMES.items() if time_s >= 2.0 * each[1]), ('s', 1.0))
    return f'{time_s / size_s:.3g} {unit}'


def display_unit(unit: str) -> tuple[float, str]:
    """Return factor and unit in which a number of `unit` is shown: fractions as percent."""
    return (100.0, '%') if unit == 'fraction' else (1.0, unit)
