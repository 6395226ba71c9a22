# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What `calibration.json` holds, measured of a pair of weights on panels that no training has seen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from crossmodal_kd_ros.calibration import conformal
from crossmodal_kd_ros.calibration.consistency import FEATURES, WINDOWS_S, ResidualModel, residual
from crossmodal_kd_ros.calibration.fusion import Stack, opinions
from crossmodal_kd_ros.calibration.intervals import Familiarity, Intervals, fine_detail
from crossmodal_kd_ros.calibration.model import (
    HOLD_COST,
    KINDS,
    Calibration,
    Predictor,
    weights_digest,
)
from crossmodal_kd_ros.contract import (
    ACTIONS,
    Mode,
    co2_absorption,
    crack_depth_mm,
    surface_roughness_um,
)
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import load_student, load_teacher
from crossmodal_kd_ros.runtime.traced import surface_std
from crossmodal_kd_ros.training.batches import in_order
from crossmodal_kd_ros.training.train import teacher_output

# Set of healthy sensors: who could decide with it, and which senses a teacher would be shown then.
SENSOR_SETS = {
    'camera+touch+gas': (Mode.TEACHER, {'touch': True, 'gas': True}),
    'camera+touch': (Mode.PARTIAL, {'touch': True, 'gas': False}),
    'camera+gas': (Mode.PARTIAL, {'touch': False, 'gas': True}),
    'camera': (Mode.PARTIAL, {'touch': False, 'gas': False}),
    # shown a blank picture: it has no mask
    'touch+gas': (Mode.PARTIAL, {'touch': True, 'gas': True}),
}
# Where senses are lost of which the student has an estimate.
FILLED = ('camera+touch', 'camera+gas', 'camera')
# Holds that save less than that, in wrong actions for each answer, are spared.
_SPARE = 0.002
# No limit under it: one of six at random has 0.17.
_LEAST_CONFIDENCE = 0.25
# How far beyond the largest residual, or distance, of the calibration split a limit lies: another
# split has larger ones.
_MARGIN = 1.15
# Panels are passed in 5 s in the simulated world; on so many, drawn from the split, no mean may
# reach its limit.
_DWELL_S, _COURSE_PANELS = 5.0, 20_000
# A stack is judged on panels that it was not fitted to; its 78 numbers want so many of each
# action.
_FOLDS, _STACK_PANELS = 5, 50


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What both networks say of N pairs.

    Attributes:
        student: `float32[N, 6]`, probabilities. `teacher`: the same for each of `SENSOR_SETS`;
            `filled`: for those of `FILLED`, of a teacher that is shown the student's estimates of
            what is lost.
        touch, gas, surface, surface_std, features: the student's, as in `Prediction`, `[N, ...]`.
    """

    student: np.ndarray
    teacher: Mapping[str, np.ndarray]
    filled: Mapping[str, np.ndarray]
    touch: np.ndarray
    gas: np.ndarray
    surface: np.ndarray
    surface_std: np.ndarray
    features: np.ndarray

    def by(self, name: str, *, filled: bool, stack: Stack | None) -> np.ndarray:
        """Return the probabilities of the teacher with the sensors `name`, shown and joined as `Predictor` says."""
        said = (self.filled if filled else self.teacher)[name]
        return said if stack is None else stack.join(said, self.student)


@torch.inference_mode()
def ask(models_dir: Path, pairs: Pairs, *, progress=lambda batches, total: batches) -> Answers:
    """Ask the networks of `models_dir` about every pair; raise `WeightsError` if they cannot be read."""
    student, teacher = (
        load_student(models_dir / 'student.safetensors'),
        load_teacher(models_dir / 'teacher.safetensors'),
    )
    rows: dict[str, list[np.ndarray]] = {}
    batch_size = 64
    batches: Iterable = progress(in_order(pairs, batch_size), -(-len(pairs) // batch_size))
    for batch in batches:
        output = student(batch.image)
        said = {name: getattr(output, name) for name in ('touch', 'gas', 'surface')} | {
            'features': output.texture
        }
        said |= {'student': output.logits.softmax(1), 'surface_std': surface_std(student, output)}
        for name, (_, senses) in SENSOR_SETS.items():
            shown = (
                batch if 'camera' in name else replace(batch, image=torch.zeros_like(batch.image))
            )
            said[name] = teacher_output(teacher, shown, **senses).logits.softmax(1)
        for name in FILLED:
            shown = replace(
                batch,
                **{
                    sense: getattr(output, sense)
                    for sense in ('touch', 'gas')
                    if sense not in name
                },
            )
            said['filled ' + name] = teacher_output(teacher, shown).logits.softmax(1)
        for name, value in said.items():
            rows.setdefault(name, []).append(value.numpy())
    joined = {name: np.concatenate(parts) for name, parts in rows.items()}
    return Answers(
        teacher={name: joined.pop(name) for name in SENSOR_SETS},
        filled={name: joined.pop('filled ' + name) for name in FILLED},
        **joined,
    )


def calibrate(
    models_dir: Path, pairs: Pairs, answers: Answers, *, origin: Mapping[str, Any]
) -> Calibration:
    """Return the calibration of the weights in `models_dir` from what they said of `pairs`.

    Args:
        models_dir: holds both weight files.
        pairs: the calibration split, of panels that neither training nor test has.
        answers: from `ask`.
        origin: command, seed and so on, kept for the reader of the file.
    """
    return Calibration(
        weights={kind: weights_digest(models_dir / f'{kind}.safetensors') for kind in KINDS},
        origin=dict(origin),
        predictors={
            name: {
                mode: _teacher(name, pairs, answers),
                **({Mode.STUDENT: _predictor(answers.student, pairs)} if 'camera' in name else {}),
            }
            for name, (mode, _) in SENSOR_SETS.items()
        },
        intervals=_intervals(pairs, answers),
        familiarity=_familiarity(answers.features, pairs),
        residuals={sensor: _residuals(sensor, pairs, answers) for sensor in FEATURES},
    )


def measured_surface(pairs: Pairs) -> np.ndarray:
    """Return the surface state `float[N, 3]` as healthy senses measure it."""
    return np.stack(
        [
            surface_roughness_um(pairs.touch),
            crack_depth_mm(pairs.touch),
            co2_absorption(pairs.gas),
        ],
        1,
    )


def _teacher(name: str, pairs: Pairs, answers: Answers) -> Predictor:
    """Return the best teacher: shown nothing, or the student's estimate, of what is lost; alone, or joined with the student."""
    if name not in answers.filled:
        return _predictor(answers.teacher[name], pairs)
    ways = []
    for filled in (False, True):
        said = answers.by(name, filled=filled, stack=None)
        ways.append(replace(_predictor(said, pairs), filled=filled))
        # With the camera alone there is no measurement to join: both see the same.
        if name != 'camera' and _are_enough(pairs):
            joined, stack = _stacked(said, answers.student, pairs)
            ways.append(replace(_predictor(joined, pairs), filled=filled, stack=stack))
    return max(ways, key=lambda found: found.worth)


def _stacked(teacher: np.ndarray, student: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, Stack]:
    """Return what both say together, `float32[N, 6]`, of each panel by a stack that has not seen it; and the stack of all."""
    joined = np.empty_like(teacher)
    for fitted, asked in GroupKFold(_FOLDS).split(teacher, groups=pairs.panel):
        stack = _fit_stack(teacher[fitted], student[fitted], pairs.action[fitted])
        joined[asked] = stack.join(teacher[asked], student[asked])
    return joined, _fit_stack(teacher, student, pairs.action)


def _are_enough(pairs: Pairs) -> bool:
    """Return whether every action is wanted on panels enough to fit a stack to."""
    return all(
        len(np.unique(pairs.panel[pairs.action == action])) >= _STACK_PANELS
        for action in range(len(ACTIONS))
    )


def _fit_stack(teacher: np.ndarray, student: np.ndarray, action: np.ndarray) -> Stack:
    model = LogisticRegression(max_iter=1000).fit(opinions(teacher, student), action)
    return Stack(weights=model.coef_.T, bias=model.intercept_)


def _predictor(probabilities: np.ndarray, pairs: Pairs) -> Predictor:
    confidence, right = probabilities.max(1), probabilities.argmax(1) == pairs.action
    limit = conformal.confidence_limit(
        confidence, right, hold_cost=HOLD_COST, spare=_SPARE, least=_LEAST_CONFIDENCE
    )
    decided = confidence >= limit
    return Predictor(
        accuracy=float(right.mean()),
        min_confidence=limit,
        held=float(1.0 - decided.mean()),
        decided=float(right[decided].mean()) if decided.any() else 0.0,
        least_possible=conformal.least_probability(probabilities, pairs.action),
    )


def _intervals(pairs: Pairs, answers: Answers) -> Intervals:
    return Intervals(
        measured=conformal.two_sided(pairs.surface - measured_surface(pairs)),
        estimated=conformal.two_sided((pairs.surface - answers.surface) / answers.surface_std),
    )


def _familiarity(features: np.ndarray, pairs: Pairs) -> Familiarity:
    """Fit a Gaussian to the features of half of the panels; the other half says how far a familiar picture may be.

    The Gaussian is the Mahalanobis distance of Lee et al. 2018 (https://arxiv.org/abs/1807.03888),
    over the finest maps: what lies deeper has learnt to overlook what does not matter to the
    action, and knew a covered lens from a wall no better.
    """
    fitted = pairs.panel % 2 == 0
    mean = features[fitted].mean(0, dtype=np.float64)
    variances, axes = np.linalg.eigh(np.cov(features[fitted].T.astype(np.float64)))
    # Axes on which familiar pictures hardly differ would blow up the least noise.
    kept = variances > 1e-4 * variances.max()
    whitening = (axes[:, kept] / np.sqrt(variances[kept])).T
    detail = np.array([fine_detail(view) for view in pairs.image])
    unlimited = Familiarity(
        mean=mean,
        whitening=whitening,
        limit=1.0,
        usual=1.0,
        least_detail=detail.min() / _MARGIN,
        most_detail=detail.max() * _MARGIN,
        usual_detail=np.quantile(detail, (0.025, 0.975)),
    )
    distance = unlimited.distance(features[~fitted])
    return replace(
        unlimited,
        limit=_MARGIN * float(distance.max()),
        usual=float(conformal.upper_quantile(distance, 0.95)),
    )


def _residuals(sensor: str, pairs: Pairs, answers: Answers) -> ResidualModel:
    """Measure how far the student's own errors go, at once and on average over courses of panels."""
    values = residual(sensor, getattr(pairs, sensor), getattr(answers, sensor)).astype(np.float64)
    model = ResidualModel(
        bias=values.mean(0),
        scale=values.std(0),
        whitening=np.eye(values.shape[1]),
        limits=np.zeros((len(WINDOWS_S), values.shape[1] + 1)),
    )
    z = model.standardise(sensor, values)
    variances, axes = np.linalg.eigh(np.cov(z.T))
    model = replace(model, whitening=(axes / np.sqrt(np.maximum(variances, 1e-3))).T)
    # Within a panel the student's error hardly changes: one mean stands for each pass.
    by_panel = np.array([z[pairs.panel == index].mean(0) for index in np.unique(pairs.panel)])
    limits = [
        _MARGIN
        * (
            model.sizes(z).max(0)
            if window_s < _DWELL_S
            else _largest_mean(model, by_panel, window_s)
        )
        for window_s in WINDOWS_S
    ]
    return replace(model, limits=np.array(limits))


def _largest_mean(model: ResidualModel, by_panel: np.ndarray, window_s: float) -> np.ndarray:
    """Return the largest sizes, `float[F + 1]`, of the mean over `window_s` on a long course.

    It has 20,000 panels (28 h), drawn at random from those given, `float[P, F]`, standardised.
    """
    rng = np.random.default_rng(0)
    keep = np.exp(-_DWELL_S / window_s)
    # A hundred courses side by side.
    mean, largest = np.zeros((100, by_panel.shape[1])), np.zeros(by_panel.shape[1] + 1)
    for rows in rng.integers(len(by_panel), size=(_COURSE_PANELS // 100, 100)):
        mean = keep * mean + (1.0 - keep) * by_panel[rows]
        np.maximum(largest, model.sizes(mean).max(0), out=largest)
    return largest
