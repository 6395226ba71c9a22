# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A broken sense on the test panels: a teacher that believes it, against the package once it has noticed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.benchmark.measures import ask_teacher
from crossmodal_kd_ros.benchmark.summary import accuracy, confusions_of, interval
from crossmodal_kd_ros.calibration.fit import ask
from crossmodal_kd_ros.calibration.model import sensor_set
from crossmodal_kd_ros.contract import SENSORS, Mode
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import load_teacher
from crossmodal_kd_ros.runtime import Calibration
from crossmodal_kd_ros.simulation import broken


def when_broken(models_dir: Path, calibration: Calibration, pairs: Pairs) -> dict[str, Any]:
    """Return how often the weights in `models_dir` agree with the expert while a sense is broken.

    Args:
        models_dir: holds both weight files.
        calibration: of these weights: says who decides with what is left.
        pairs: of panels that neither training nor calibration has seen.

    Returns:
        For each way to break touch, gas or both: `lost`, the senses; `mode`, who decides without
        them; the accuracies `unguarded` and `guarded`; `better`, their difference, `mean` and 95 %
        `interval` over panels.

    Raises:
        WeightsError: the weights cannot be read.
    """
    answers, teacher = ask(models_dir, pairs), load_teacher(models_dir / 'teacher.safetensors')
    found = {}
    for name, lost, shown in _breakages(pairs):
        left = tuple(sensor for sensor in SENSORS if sensor not in lost)
        mode = calibration.best_mode(left)
        way = calibration.predictor(left, mode)
        said = (
            answers.student
            if mode is Mode.STUDENT
            else answers.by(sensor_set(left), filled=way.filled, stack=way.stack)
        )
        tables = [
            confusions_of(probabilities, pairs)
            for probabilities in (said, ask_teacher(teacher, shown).probabilities)
        ]
        guarded, unguarded = (float(accuracy(rows.sum(0))) for rows in tables)
        found[name] = {
            'lost': list(lost),
            'mode': mode.name,
            'unguarded': unguarded,
            'guarded': guarded,
            'better': {'mean': guarded - unguarded, 'interval': interval([tables], accuracy)},
        }
    return found


def _breakages(pairs: Pairs) -> Iterator[tuple[str, tuple[str, ...], Pairs]]:
    """Yield (what happened, which senses are lost by it, what a teacher without a guard is shown)."""
    elsewhere = np.random.default_rng(0).permutation(len(pairs))
    dead = {'touch': np.zeros_like(pairs.touch), 'gas': np.zeros_like(pairs.gas)}
    for sense in ('touch', 'gas'):
        yield f'{sense} dead', (sense,), replace(pairs, **{sense: dead[sense]})
        yield (
            f'{sense} stuck at another place',
            (sense,),
            replace(pairs, **{sense: getattr(pairs, sense)[elsewhere]}),
        )
    yield (
        'touch wet',
        ('touch',),
        replace(pairs, touch=np.stack([broken.wet(reading, 1.0) for reading in pairs.touch])),
    )
    yield 'touch and gas dead', ('touch', 'gas'), replace(pairs, **dead)
