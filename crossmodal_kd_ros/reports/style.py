# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One colour for each mode and each action, on the screen and on paper; every one is also named where it is used."""

MODE_COLOURS = {
    'TEACHER': '#2a8c82',
    'STUDENT': '#e39a2d',
    'HOLD': '#c2483d',
    'PARTIAL': '#7a68b3',
    '': '#c9ced6',
}

ACTION_COLOURS = {
    'continue_inspection': '#a9b4c0',
    'seal_crack': '#2f6fb7',
    'apply_bio_adhesive': '#b97a26',
    'remove_growth': '#4f9d45',
    'hydrate': '#46b8cf',
    'request_human': '#b5418f',
    'hold': '#3a3f47',
}

MODE_MEANINGS = {
    'TEACHER': 'all senses decide',
    'STUDENT': 'the camera alone decides',
    'HOLD': 'nobody knows: the robot keeps still',
    'PARTIAL': 'the teacher decides without the lost sense',
}


def words(name: str) -> str:
    """Return a name from the vocabulary as words: `seal_crack` gives `seal crack`."""
    return name.replace('_', ' ')
