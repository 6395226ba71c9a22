# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Measures what `calibration.json` holds, on groups that no training has seen."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GroupKFold
from torch import Tensor

from crossmodal_kd_ros.calibration.consistency import DWELL_S, WINDOWS_S, ResidualModel, residual
from crossmodal_kd_ros.calibration.intervals import (
    Intervals,
    confidence_limit,
    min_probability,
    two_sided,
    upper_quantile,
)
from crossmodal_kd_ros.calibration.model import (
    HOLD_COST,
    KINDS,
    Calibration,
    CalibrationError,
    Predictor,
    Stack,
    log_probabilities,
    sensor_sets,
    weights_digest,
)
from crossmodal_kd_ros.calibration.out_of_distribution import OutOfDistribution, fine_detail
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import Teacher, load_student, load_teacher
from crossmodal_kd_ros.profile import CAMERA, Mode, Profile, Sense, measure_quantities
from crossmodal_kd_ros.training.batches import in_order

# Holds that save less than that, in wrong actions for each answer, are spared.
_SPARE = 0.002
# No limit under it: one of six at random has 0.17.
_MIN_CONFIDENCE = 0.25
# How far beyond the largest residual, or distance, of the calibration split a limit lies: another
# split has larger ones.
_MARGIN = 1.15
# On courses over so many groups, drawn from the split, no mean may reach its limit. Each is over
# 40: 200 s, ten times what the longest mean remembers.
_COURSE_GROUPS, _GROUPS_OF_A_COURSE = 20_000, 40
# Part of the pictures of different groups that are taken for pictures of one place.
_SAME_PLACE = 0.05
# Two million distances between groups are enough for that.
_MAX_COMPARED = 2000
# A stack is judged on groups that it was not fitted to; its 2 A x A + A numbers want so many
# groups of each action.
_FOLDS, _STACK_GROUPS = 5, 50
# In each half of the groups, and known of a quantity, for quantiles at 95 %.
_MIN_PAIRS = 30
_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What both networks say of N pairs.

    Attributes:
        profile: of both networks.
        student: `float32[N, A]`, probabilities.
        teacher: `float32[N, A]` for each set of `sensor_sets`; a lost sense is masked, a lost
            camera is a blank picture.
        filled: `float32[N, A]` for each set with the camera and without a sense; the teacher is
            shown the student's estimate of a lost sense.
        readings: the student's, `float32[N, size]` by sense.
        quantities, quantities_std: the student's, `float32[N, Q]`.
        features: the student's, `float32[N, D]`.
    """

    profile: Profile
    student: np.ndarray
    teacher: Mapping[str, np.ndarray]
    filled: Mapping[str, np.ndarray]
    readings: Mapping[str, np.ndarray]
    quantities: np.ndarray
    quantities_std: np.ndarray
    features: np.ndarray

    def by(self, name: str, *, filled: bool, stack: Stack | None) -> np.ndarray:
        """Return the teacher's probabilities `float32[N, A]` with the set `name`."""
        teacher = (self.filled if filled else self.teacher)[name]
        return teacher if stack is None else stack.join(teacher, self.student)

    def of(self, name: str, mode: Mode, predictor: Predictor) -> np.ndarray:
        """Return the probabilities `float32[N, A]` of who decides with `name` in `mode`."""
        if mode is Mode.STUDENT:
            return self.student
        return self.by(name, filled=predictor.filled, stack=predictor.stack)


@torch.inference_mode()
def ask(
    models_dir: Path,
    pairs: Pairs,
    profile: Profile,
    *,
    progress: Callable[[Iterable, int], Iterable] = lambda batches, total: batches,
) -> Answers:
    """Return what the networks in `models_dir` say of every pair.

    Args:
        models_dir: holds both weight files.
        pairs: what they are asked about.
        profile: of pairs and weights.
        progress: wraps the iteration over (batches, how many), for a progress bar.

    Raises:
        WeightsError: the weights cannot be read, or are of another profile.
    """
    student = load_student(models_dir / 'student.safetensors', profile)
    teacher = load_teacher(models_dir / 'teacher.safetensors', profile)
    sets = sensor_sets(profile)
    rows: list[dict[str, Any]] = []
    for batch in progress(in_order(pairs, _BATCH), -(-len(pairs) // _BATCH)):
        output = student(batch.image)
        by_set, filled = {}, {}
        for name, shown in sets.items():
            image = batch.image if CAMERA in shown else torch.zeros_like(batch.image)
            by_set[name] = _decide(teacher, image, batch.readings, shown)
            if CAMERA in shown and shown != profile.sensors:
                readings = output.readings | {s: batch.readings[s] for s in shown if s != CAMERA}
                filled[name] = _decide(teacher, image, readings, profile.sensors)
        rows.append(
            {
                'student': output.logits.softmax(1),
                'teacher': by_set,
                'filled': filled,
                'readings': output.readings,
                'quantities': output.quantities,
                'quantities_std': student.quantities_std(output),
                'features': output.texture,
            }
        )
    return Answers(profile=profile, **_joined(rows))


def calibrate(
    models_dir: Path, pairs: Pairs, answers: Answers, *, origin: Mapping[str, Any]
) -> Calibration:
    """Return the calibration of the weights in `models_dir` from what they said of `pairs`.

    Args:
        models_dir: holds both weight files.
        pairs: the calibration split, labelled, of groups that neither training nor test has.
        answers: from `ask`.
        origin: command, seed and so on, kept for the reader of the file.

    Raises:
        CalibrationError: there are too few pairs, or all are of one group.
    """
    halves = np.bincount(_is_second_half(pairs), minlength=2)
    if halves.min() < _MIN_PAIRS:
        raise CalibrationError(
            f'expected at least {_MIN_PAIRS} labelled pairs in either half of the groups to '
            f'calibrate on, got {halves[0]} and {halves[1]}: record more'
        )
    predictors = {}
    for name, sensors in sensor_sets(answers.profile).items():
        mode = Mode.TEACHER if sensors == answers.profile.sensors else Mode.PARTIAL
        predictors[name] = {mode: _teacher(name, pairs, answers)}
        if CAMERA in sensors:
            predictors[name][Mode.STUDENT] = _predictor(answers.student, pairs)
    return Calibration(
        profile=answers.profile,
        weights={kind: weights_digest(models_dir / f'{kind}.safetensors') for kind in KINDS},
        origin=dict(origin),
        predictors=predictors,
        intervals=_intervals(pairs, answers),
        out_of_distribution=_out_of_distribution(answers.features, pairs),
        residuals={sense: _residuals(sense, pairs, answers) for sense in answers.profile.senses},
    )


def _decide(
    teacher: Teacher, image: Tensor, readings: Mapping[str, Tensor], shown: Iterable[str]
) -> Tensor:
    present = {sense: torch.full((len(image),), sense in shown) for sense in readings}
    return teacher(image, readings, present).logits.softmax(1)


def _joined(rows: list[Any]) -> Any:
    """Return tensors `[B, ...]`, or those in dictionaries, joined to arrays `[N, ...]`."""
    if isinstance(rows[0], Mapping):
        return {name: _joined([row[name] for row in rows]) for name in rows[0]}
    return torch.cat(rows).numpy()


def _teacher(name: str, pairs: Pairs, answers: Answers) -> Predictor:
    """Return the best teacher with the set `name`.

    A lost sense is masked, or filled with the student's estimate; it decides alone, or joined with
    the student.
    """
    if name not in answers.filled:
        return _predictor(answers.teacher[name], pairs)
    ways = []
    for filled in (False, True):
        teacher = answers.by(name, filled=filled, stack=None)
        ways.append(replace(_predictor(teacher, pairs), filled=filled))
        # With the camera alone there is no measurement to join: both see the same.
        if name != CAMERA and _are_enough(pairs, answers.profile):
            joined, stack = _stacked(teacher, answers.student, pairs)
            ways.append(replace(_predictor(joined, pairs), filled=filled, stack=stack))
    return max(ways, key=lambda predictor: predictor.worth)


def _stacked(teacher: np.ndarray, student: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, Stack]:
    """Return what both say together, and the stack that is fitted to all pairs.

    What they say, `float32[N, A]`, is of each group by a stack that has not seen it.
    """
    joined = np.empty_like(teacher)
    for fitted, judged in GroupKFold(_FOLDS).split(teacher, groups=pairs.group):
        stack = _fit_stack(teacher[fitted], student[fitted], pairs.action[fitted])
        joined[judged] = stack.join(teacher[judged], student[judged])
    return joined, _fit_stack(teacher, student, pairs.action)


def _are_enough(pairs: Pairs, profile: Profile) -> bool:
    """Return whether every action is wanted on groups enough to fit a stack to."""
    return all(
        len(np.unique(pairs.group[pairs.action == action])) >= _STACK_GROUPS
        for action in range(len(profile.actions))
    )


def _fit_stack(teacher: np.ndarray, student: np.ndarray, action: np.ndarray) -> Stack:
    model = LogisticRegression(max_iter=1000).fit(log_probabilities(teacher, student), action)
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn has the odds of the second against the first alone
        weights, bias = (np.concatenate([np.zeros_like(one), one]) for one in (weights, bias))
    return Stack(weights=weights.T, bias=bias)


def _predictor(probabilities: np.ndarray, pairs: Pairs) -> Predictor:
    confidence, right = probabilities.max(1), probabilities.argmax(1) == pairs.action
    limit = confidence_limit(
        confidence, right, hold_cost=HOLD_COST, spare=_SPARE, minimum=_MIN_CONFIDENCE
    )
    decided = confidence >= limit
    return Predictor(
        accuracy=float(right.mean()),
        min_confidence=limit,
        held=float(1.0 - decided.mean()),
        decided=float(right[decided].mean()) if decided.any() else 0.0,
        min_possible=min_probability(probabilities, pairs.action),
    )


def _intervals(pairs: Pairs, answers: Answers) -> Intervals:
    measured = measure_quantities(answers.profile, pairs.readings)
    return Intervals(
        measured=_offsets(pairs.quantities - measured),
        estimated=_offsets((pairs.quantities - answers.quantities) / answers.quantities_std),
    )


def _offsets(errors: np.ndarray) -> np.ndarray:
    """Return offsets `float[2, Q]` from errors `[N, Q]`, NaN where the truth is not known.

    They are NaN of a quantity of which too few errors are known.
    """
    offsets = np.full((2, errors.shape[1]), np.nan)
    for column, error in enumerate(errors.T):
        known = error[~np.isnan(error)]
        if len(known) >= _MIN_PAIRS:
            offsets[:, column] = two_sided(known[:, None])[:, 0]
    return offsets


def _out_of_distribution(features: np.ndarray, pairs: Pairs) -> OutOfDistribution:
    """Fit a Gaussian to the features of half of the groups; the other half gives the limits.

    The Gaussian is the Mahalanobis distance of Lee et al. 2018 (https://arxiv.org/abs/1807.03888),
    over the finest maps: what lies deeper has learnt to overlook what does not matter to the
    action, and knew a covered lens from a wall no better.
    """
    judged = _is_second_half(pairs)
    mean = features[~judged].mean(0, dtype=np.float64)
    variances, axes = np.linalg.eigh(np.cov(features[~judged].T.astype(np.float64)))
    # Axes on which familiar pictures hardly differ would blow up the least noise.
    kept = variances > 1e-4 * variances.max()
    whitening = (axes[:, kept] / np.sqrt(variances[kept])).T
    detail = np.array([fine_detail(view) for view in pairs.image])
    unlimited = OutOfDistribution(
        mean=mean,
        whitening=whitening,
        limit=1.0,
        usual=1.0,
        min_detail=detail.min() / _MARGIN,
        max_detail=detail.max() * _MARGIN,
        usual_detail=np.quantile(detail, (0.025, 0.975)),
        same_place=1.0,
    )
    # One picture of each group.
    _, first = np.unique(pairs.group, return_index=True)
    whitened = unlimited.whiten(features[first[:_MAX_COMPARED]])
    apart = pairwise_distances(whitened)[np.triu_indices(len(whitened), 1)]
    apart = apart / np.sqrt(whitened.shape[1])
    distance = unlimited.distance(features[judged])
    return replace(
        unlimited,
        limit=_MARGIN * float(distance.max()),
        usual=float(upper_quantile(distance, 0.95)),
        same_place=float(np.quantile(apart, _SAME_PLACE)),
    )


def _is_second_half(pairs: Pairs) -> np.ndarray:
    """Return which pairs are of every second group, `bool[N]`."""
    return np.unique(pairs.group, return_inverse=True)[1] % 2 == 1


def _residuals(name: str, pairs: Pairs, answers: Answers) -> ResidualModel:
    """Measure how far the student's errors go, at once and on average over courses of groups."""
    sense = answers.profile.senses[name]
    values = residual(sense, pairs.readings[name], answers.readings[name]).astype(np.float64)
    model = ResidualModel(
        bias=values.mean(0),
        # What never varies, such as a constant, varies by rounding.
        scale=np.maximum(values.std(0), np.finfo(np.float32).eps),
        whitening=np.eye(values.shape[1]),
        limits=np.zeros((len(WINDOWS_S), values.shape[1] + 1)),
    )
    z = model.standardise(sense, values)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(z.T)))
    model = replace(model, whitening=(axes / np.sqrt(np.maximum(variances, 1e-3))).T)
    # Within a group the student's error hardly changes: one mean stands for each pass.
    by_group = np.array([z[pairs.group == group].mean(0) for group in np.unique(pairs.group)])
    largest = [
        model.sizes(z).max(0)
        if window_s < DWELL_S
        else _largest_mean(model, by_group, _is_ambient(sense), window_s)
        for window_s in WINDOWS_S
    ]
    return replace(model, limits=_MARGIN * np.array(largest))


def _is_ambient(sense: Sense) -> np.ndarray:
    """Return which features are common to the places of a day, `bool[F]`."""
    if sense.layout == 'channels':
        return sense.per_element('ambient').astype(bool)
    return np.array([channel.ambient for channel in sense.channels for _ in channel.features])


def _largest_mean(
    model: ResidualModel, by_group: np.ndarray, is_ambient: np.ndarray, window_s: float
) -> np.ndarray:
    """Return the largest sizes, `float[F + 1]`, of the mean over `window_s` on many courses.

    They are 28 h together. Each goes over groups drawn at random from those given, `float[G, F]`,
    standardised; what `is_ambient`, `bool[F]`, is that of one group all along a course.
    """
    rng = np.random.default_rng(0)
    keep = np.exp(-DWELL_S / window_s)
    # All side by side.
    courses = _COURSE_GROUPS // _GROUPS_OF_A_COURSE
    ambient = by_group[rng.integers(len(by_group), size=courses)]
    mean, largest = np.zeros((courses, by_group.shape[1])), np.zeros(by_group.shape[1] + 1)
    for rows in rng.integers(len(by_group), size=(_GROUPS_OF_A_COURSE, courses)):
        here = np.where(is_ambient, ambient, by_group[rows])
        mean = keep * mean + (1.0 - keep) * here
        np.maximum(largest, model.sizes(mean).max(0), out=largest)
    return largest
