# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is measured of a network on a set of pairs: decisions, readings, and how much to believe its confidence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crossmodal_kd_ros.contract import ACTIONS, GAS_NAMES, surface_state
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.experiments.reference_nets import MultiModalTeacher, VisionOnlyStudent
from crossmodal_kd_ros.networks import Statistics, Student, Teacher
from crossmodal_kd_ros.training.batches import in_order
from crossmodal_kd_ros.training.tasks import teacher_output

_CALIBRATION_BINS = 15
_UPTAKE = GAS_NAMES.index('co2_uptake_ppm')


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a network says of N pairs; a teacher has no readings.

    Attributes:
        probabilities: `float32[N, 6]`.
        touch: `float32[N, 256]` (um, mm). gas: `float32[N, 8]`. surface: `float32[N, 3]`,
            `SURFACE_STATE`.
    """

    probabilities: np.ndarray
    touch: np.ndarray | None = None
    gas: np.ndarray | None = None
    surface: np.ndarray | None = None


@torch.inference_mode()
def ask_teacher(
    teacher: Teacher, pairs: Pairs, *, touch: bool = True, gas: bool = True
) -> Answers:
    """Ask a teacher about every pair, with touch and gas as they are or masked."""
    outputs = [teacher_output(teacher, batch, touch=touch, gas=gas) for batch in in_order(pairs)]
    return Answers(probabilities=torch.cat([o.logits for o in outputs]).softmax(1).numpy())


@torch.inference_mode()
def ask_student(student: Student, pairs: Pairs) -> Answers:
    """Ask a student about every picture."""
    outputs = [student(batch.image) for batch in in_order(pairs)]

    def joined(name: str) -> np.ndarray:
        return torch.cat([getattr(output, name) for output in outputs]).numpy()

    return Answers(
        probabilities=torch.from_numpy(joined('logits')).softmax(1).numpy(),
        touch=joined('touch'),
        gas=joined('gas'),
        surface=joined('surface'),
    )


@torch.inference_mode()
def ask_reference(
    teacher: MultiModalTeacher, student: VisionOnlyStudent, pairs: Pairs
) -> tuple[Answers, Answers]:
    """Ask the article's teacher and student about every pair; roughness, depth and absorption as the article derives them."""
    seen, told = [], []
    for batch in in_order(pairs):
        seen.append(teacher.classifier(teacher(batch.image, batch.touch, batch.gas)).softmax(1))
        features, touch, gas = student(batch.image)
        told.append((student.classifier(features).softmax(1), touch, gas))
    probabilities, touch, gas = (torch.cat(parts).numpy() for parts in zip(*told, strict=True))
    return Answers(probabilities=torch.cat(seen).numpy()), Answers(
        probabilities=probabilities,
        touch=touch,
        gas=gas,
        surface=surface_state(touch=touch, gas=gas),
    )


def measure(answers: Answers, pairs: Pairs) -> dict[str, Any]:
    """Compare answers with the expert's actions and the sensors' readings.

    Returns:
        `accuracy`, `macro_f1`, `ece`, `day_accuracy`, `night_accuracy` (None without such views),
        each 0 to 1; with readings also `r2` of `surface_roughness` and `crack_depth` (against the
        truth without noise) and `co2_uptake` (against the reading).
    """
    chosen = answers.probabilities.argmax(1)
    right = chosen == pairs.action
    measured = {
        'accuracy': float(right.mean()),
        'macro_f1': float(
            f1_score(
                pairs.action,
                chosen,
                labels=range(len(ACTIONS)),
                average='macro',
                zero_division=0.0,
            )
        ),
        'ece': expected_calibration_error(answers.probabilities, pairs.action),
        'day_accuracy': _mean(right[~pairs.night]),
        'night_accuracy': _mean(right[pairs.night]),
    }
    if answers.surface is not None:
        measured['r2'] = {
            'surface_roughness': float(r2_score(pairs.surface[:, 0], answers.surface[:, 0])),
            'crack_depth': float(r2_score(pairs.surface[:, 1], answers.surface[:, 1])),
            'co2_uptake': float(r2_score(pairs.gas[:, _UPTAKE], answers.gas[:, _UPTAKE])),
        }
    return measured


def accuracy(answers: Answers, pairs: Pairs) -> float:
    """Return how often the likeliest action is the expert's."""
    return float((answers.probabilities.argmax(1) == pairs.action).mean())


def readings(answers: Answers, pairs: Pairs, train: Pairs) -> dict[str, dict[str, float]]:
    """Compare readings with two that know nothing of the picture: the training set's mean, and another pair's answer.

    Returns:
        For `touch_map` (RMS error over 256 taxels in standard deviations of their bank),
        `surface_roughness` (um), `crack_depth` (mm) and `co2_uptake` (ppm): RMS `error`, that of
        the `train_mean`, and that of `shuffled` answers.
    """
    other = np.random.default_rng(0).permutation(len(pairs))
    scale = Statistics.of(touch=train.touch, gas=train.gas, surface=train.surface).touch_std

    def rms(answer: np.ndarray, truth: np.ndarray) -> float:
        return float(np.sqrt(np.mean((answer - truth) ** 2)))

    def compare(answer: np.ndarray, truth: np.ndarray, mean: np.ndarray) -> dict[str, float]:
        return {
            'error': rms(answer, truth),
            'train_mean': rms(mean, truth),
            'shuffled': rms(answer[other], truth),
        }

    return {
        'touch_map': compare(
            answers.touch / scale, pairs.touch / scale, train.touch.mean(0) / scale
        ),
        'surface_roughness': compare(
            answers.surface[:, 0], pairs.surface[:, 0], train.surface[:, 0].mean()
        ),
        'crack_depth': compare(
            answers.surface[:, 1], pairs.surface[:, 1], train.surface[:, 1].mean()
        ),
        'co2_uptake': compare(
            answers.gas[:, _UPTAKE], pairs.gas[:, _UPTAKE], train.gas[:, _UPTAKE].mean()
        ),
    }


@torch.inference_mode()
def lighting_probe(student: Student, train: Pairs, test: Pairs) -> float:
    """Return how often a fresh linear probe on the student's frozen features tells day from night; 0.5 is chance.

    Args:
        student: gives the features.
        train: pairs that the probe learns from; not those that the student learnt from.
        test: pairs that it is measured on.
    """
    tables = [
        torch.cat([student(batch.image).features for batch in in_order(pairs)]).numpy()
        for pairs in (train, test)
    ]
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(probe.fit(tables[0], train.night).score(tables[1], test.night))


def expected_calibration_error(probabilities: np.ndarray, action: np.ndarray) -> float:
    r"""Return $\sum_k \frac{n_k}{N} |accuracy_k - confidence_k|$ over 15 equal bins of confidence.

    Args:
        probabilities: `float[N, C]`.
        action: `int64[N]`, the right class.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == action
    bins = np.minimum((confidence * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence.astype(float), minlength=_CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(action))


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
