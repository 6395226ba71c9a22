# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A broken sense: a teacher that believes it, against the package once it has noticed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.benchmark.measures import ask_teacher
from crossmodal_kd_ros.benchmark.summary import accuracy, confusions_of, interval
from crossmodal_kd_ros.calibration.fit import ask
from crossmodal_kd_ros.calibration.model import Calibration, sensor_set
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import load_teacher
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.simulation import broken, kinds_of


def sensor_failures(models_dir: Path, calibration: Calibration, pairs: Pairs) -> dict[str, Any]:
    """Return how often the weights in `models_dir` agree with the expert while a sense is broken.

    Args:
        models_dir: holds both weight files.
        calibration: of these weights: says who decides with what is left.
        pairs: of groups that neither training nor calibration has seen.

    Returns:
        For each way to break a sense, or all: `lost`, the senses; `mode`, who decides without
        them; the accuracies `unguarded` and `guarded`; `better`, their difference, `mean` and 95 %
        `interval` over groups.

    Raises:
        WeightsError: the weights cannot be read.
    """
    profile = calibration.profile
    answers = ask(models_dir, pairs, profile)
    teacher = load_teacher(models_dir / 'teacher.safetensors', profile)
    measured = {}
    for name, lost, shown in _breakages(pairs, profile):
        left = tuple(sensor for sensor in profile.sensors if sensor not in lost)
        mode = calibration.best_mode(left)
        predictor = calibration.predictor(left, mode)
        tables = [
            confusions_of(probabilities, pairs)
            for probabilities in (
                answers.of(sensor_set(profile, left), mode, predictor),
                ask_teacher(teacher, shown).probabilities,
            )
        ]
        guarded, unguarded = (float(accuracy(rows.sum(0))) for rows in tables)
        measured[name] = {
            'lost': list(lost),
            'mode': mode.name,
            'unguarded': unguarded,
            'guarded': guarded,
            'better': {'mean': guarded - unguarded, 'interval': interval([tables], accuracy)},
        }
    return measured


def _breakages(pairs: Pairs, profile: Profile) -> Iterator[tuple[str, tuple[str, ...], Pairs]]:
    """Yield (what happened, which senses are lost by it, what an unguarded teacher sees)."""
    elsewhere = np.random.default_rng(0).permutation(len(pairs))
    dead = {sense: np.zeros_like(values) for sense, values in pairs.readings.items()}

    def shown(**readings: np.ndarray) -> Pairs:
        return replace(pairs, readings={**pairs.readings, **readings})

    for sense, values in pairs.readings.items():
        yield f'{sense} dead', (sense,), shown(**{sense: dead[sense]})
        yield f'{sense} stuck at another place', (sense,), shown(**{sense: values[elsewhere]})
    for name, sense in profile.senses.items():
        if 'wet' in kinds_of(name, profile):
            wet = np.stack([broken.wet(sense, reading, 1.0) for reading in pairs.readings[name]])
            yield f'{name} wet', (name,), shown(**{name: wet})
    if len(dead) > 1:
        yield f'{" and ".join(dead)} dead', tuple(dead), shown(**dead)
