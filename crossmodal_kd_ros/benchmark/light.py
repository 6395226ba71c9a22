# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The same places by day and by night: what the light alone costs.

A test panel has a light of its own, so that the panels seen by day are not those seen by night,
and either half may have the harder ones. Here every view is seen twice.
"""

from typing import Any

import numpy as np

from crossmodal_kd_ros.benchmark.measures import ask_student, ask_teacher
from crossmodal_kd_ros.benchmark.summary import accuracy, confusions_of, interval
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import Student, Teacher


def by_light(teacher: Teacher, student: Student, day: Pairs, night: Pairs) -> dict[str, Any]:
    """Return how often two networks agree with the expert on the same views in both lights.

    Returns:
        `views` and `panels`, how many; for each network `day`, `night` and `less_by_night`: day
        less night, `mean` and 95 % `interval` over panels.

    Raises:
        ValueError: the views are not of the same places.
    """
    if not (np.array_equal(day.group, night.group) and np.array_equal(day.action, night.action)):
        raise ValueError('expected the same views by day and by night, got views of other places')
    measured: dict[str, Any] = {'views': len(day), 'panels': len(np.unique(day.group))}
    for name, ask, network in (
        ('teacher', ask_teacher, teacher),
        ('student', ask_student, student),
    ):
        tables = [
            confusions_of(ask(network, pairs).probabilities, pairs) for pairs in (day, night)
        ]
        means = [float(accuracy(table.sum(0))) for table in tables]
        measured[name] = {
            'day': means[0],
            'night': means[1],
            'less_by_night': {
                'mean': means[0] - means[1],
                'interval': interval([tables], accuracy),
            },
        }
    return measured
