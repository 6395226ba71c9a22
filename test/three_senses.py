# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot that nobody has: two grids of odd sizes, one of them out of view, and three channels.

Of its quantities one is measured, and the width of a gap is what only the picture shows.
"""

from crossmodal_kd_ros.profile import Profile

PAD, SKIN, AIR = 'pad', 'skin', 'air'


def three_senses(**changes: object) -> Profile:
    """Return the profile, with some of its keys replaced."""
    grid = 'sensor_msgs/msg/Image'
    return Profile.model_validate(
        {
            'name': 'three_senses',
            'camera': {
                'topic': 'camera',
                'period_s': 0.1,
                'view_px': 64,
                'view_mm': 50,
                'mirrored': True,
            },
            'senses': {
                PAD: {
                    'layout': 'grid',
                    'shape': [2, 5, 7],
                    'channels': [
                        {'name': 'force', 'unit': 'N', 'min': 0, 'max': 20},
                        {'name': 'slip', 'unit': 'mm/s', 'min': -5, 'max': 5},
                    ],
                    'footprint_mm': [5, 20, 14, 10],
                    'period_s': 0.02,
                    'source': {'topic': 'pad', 'type': grid},
                },
                SKIN: {
                    'layout': 'grid',
                    'shape': [1, 3, 12],
                    'channels': [{'name': 'warmth', 'unit': '°C', 'min': 0, 'max': 60}],
                    'period_s': 0.1,
                    'source': {'topic': 'skin', 'type': grid},
                },
                AIR: {
                    'layout': 'channels',
                    'channels': [
                        {'name': 'co2', 'unit': 'ppm', 'min': 300, 'max': 40000},
                        {'name': 'humidity', 'unit': '%', 'min': 0, 'max': 100, 'constant': 50},
                        {'name': 'noise', 'unit': 'dB', 'min': 0, 'max': 120},
                    ],
                    'period_s': 2,
                    'source': {'topic': 'air', 'type': 'sensor_msgs/msg/JointState'},
                },
            },
            'actions': ['wait', 'press', 'leave'],
            'quantities': {
                'pressure': {'unit': 'N', 'max': f'{PAD}.force'},
                'gap': {'unit': 'mm', 'seen': {'min': 0}},
            },
            **changes,
        }
    )
