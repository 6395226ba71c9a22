# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Grasps as pairs for the networks, and two properties out of one decision.

An arm has one decision: how to handle what it has. So mass and stiffness, 3 x 4 classes of which
the objects have five pairs, are the five actions of one profile, not two profiles: one teacher and
one student, and either property is the sum over the actions that share it. Pairs that no object
has cannot be told: a heavy sponge would be called something else.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from grasp_features import summarise
from grasp_recordings import MASSES, STIFFNESSES, Grasp

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.profile import Profile, load_profile, measure_quantities

PROFILE = Path(__file__).with_name('grasp.yaml')
PROPERTIES = ('mass', 'stiffness')


def grasp_profile() -> Profile:
    """Return the profile of the networks."""
    return load_profile(str(PROFILE))


def action_of(grasp: Grasp) -> str:
    """Return the action that is right for a grasp."""
    return f'{grasp.stiffness}_{grasp.mass}'


def properties_of(profile: Profile) -> dict[str, np.ndarray]:
    """Return the class of each action, `int64[A]`, by property."""
    parts = [action.rsplit('_', 1) for action in profile.actions]
    return {
        'mass': np.array([MASSES.index(mass) for _, mass in parts]),
        'stiffness': np.array([STIFFNESSES.index(stiffness) for stiffness, _ in parts]),
    }


def decide_properties(profile: Profile, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return the likeliest class `int64[N]` by property, of probabilities `float[N, A]`."""
    answers = {}
    for name, classes in properties_of(profile).items():
        sums = np.stack(
            [probabilities[:, classes == each].sum(1) for each in range(classes.max() + 1)], 1
        )
        answers[name] = sums.argmax(1)
    return answers


def summaries(grasps: Sequence[Grasp]) -> np.ndarray:
    """Return what each whole grasp felt like, `float32[N, F]`; what never came is the median."""
    felt = np.stack([summarise(*grasp.signals) for grasp in grasps])
    return np.where(np.isnan(felt), np.nanmedian(felt, 0), felt).astype(np.float32)


def make_pairs(
    profile: Profile, grasps: Sequence[Grasp], views: np.ndarray, felt: np.ndarray
) -> Pairs:
    """Return a pair for each grasp, of its view `uint8[N, S, S, 3]` and its summary."""
    readings = {'grasp': felt}
    return Pairs(
        image=views,
        readings=readings,
        quantities=measure_quantities(profile, readings),
        action=np.array([profile.actions.index(action_of(grasp)) for grasp in grasps]),
        night=np.zeros(len(grasps), bool),
        group=np.arange(len(grasps)),
    )
