# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is measured of a network on pairs: its decisions, readings and confidence."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.experiments.reference_loop import teacher_logits
from crossmodal_kd_ros.experiments.reference_nets import MultiModalTeacher, VisionOnlyStudent
from crossmodal_kd_ros.networks import Statistics, Student, Teacher
from crossmodal_kd_ros.profile import Profile, Quantity, measure_quantities
from crossmodal_kd_ros.training.batches import in_order
from crossmodal_kd_ros.training.teacher import teacher_output

_CALIBRATION_BINS = 15


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a network says of N pairs; a teacher estimates no readings.

    Attributes:
        probabilities: `float32[N, A]`.
        readings: `float32[N, size]` by sense.
        quantities: `float32[N, Q]`; NaN where it says nothing of one that only the picture shows.
    """

    probabilities: np.ndarray
    readings: Mapping[str, np.ndarray] = field(default_factory=dict)
    quantities: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A number that estimates are judged by.

    Attributes:
        name, unit: as in the profile.
        read: returns it of pairs or answers, `float32[N]`.
    """

    name: str
    unit: str
    read: Callable[[Pairs | Answers], np.ndarray]


def scalars(profile: Profile) -> list[Scalar]:
    """Return the numbers that estimates are judged by.

    They are the quantities (of pairs: the truth without noise); in place of a ratio, whose
    denominator may be near zero, the channels of its numerator, named without their unit (of
    pairs: the reading).
    """

    def channel(name: str) -> Scalar:
        sense, _, channel = name.partition('.')
        elements = profile.senses[sense].elements_of(channel)
        unit = next(c.unit for c in profile.senses[sense].channels if c.name == channel)
        return Scalar(
            name=channel.removesuffix(f'_{unit}'),
            unit=unit,
            read=lambda source: source.readings[sense][:, elements].mean(1),
        )

    def quantity(index: int, quantity: Quantity) -> list[Scalar]:
        if quantity.ratio is not None:
            return [channel(name) for name in quantity.ratio.of]
        return [
            Scalar(
                name=quantity.name,
                unit=quantity.unit,
                read=lambda source: source.quantities[:, index],
            )
        ]

    return [
        scalar
        for index, named in enumerate(profile.quantities.values())
        for scalar in quantity(index, named)
    ]


def seen_scalars(profile: Profile) -> list[Scalar]:
    """Return those of `scalars` that no sense measures."""
    return [scalar for scalar in scalars(profile) if scalar.name in profile.seen_quantities]


def masks(profile: Profile) -> dict[str, tuple[str, ...]]:
    """Return the sets of senses that a teacher is measured without, by a name for tables."""
    senses = tuple(profile.senses)
    names = {'healthy': (), **{f'{sense} masked': (sense,) for sense in senses}}
    if len(senses) > 1:
        names['both masked' if len(senses) == 2 else 'all masked'] = senses
    return names


@torch.inference_mode()
def ask_teacher(teacher: Teacher, pairs: Pairs, *, masked: Collection[str] = ()) -> Answers:
    """Return what a teacher says of every pair; the senses `masked` are masked."""
    outputs = [teacher_output(teacher, batch, absent=masked) for batch in in_order(pairs)]
    return Answers(probabilities=torch.cat([o.logits for o in outputs]).softmax(1).numpy())


@torch.inference_mode()
def ask_student(student: Student, pairs: Pairs) -> Answers:
    """Return what a student says of every picture."""
    outputs = [student(batch.image) for batch in in_order(pairs)]
    return Answers(
        probabilities=torch.cat([output.logits for output in outputs]).softmax(1).numpy(),
        readings={
            sense: torch.cat([output.readings[sense] for output in outputs]).numpy()
            for sense in outputs[0].readings
        },
        quantities=torch.cat([output.quantities for output in outputs]).numpy(),
    )


@torch.inference_mode()
def ask_reference(
    teacher: MultiModalTeacher, student: VisionOnlyStudent, pairs: Pairs, profile: Profile
) -> tuple[Answers, Answers]:
    """Return what the article's teacher and student say of every pair.

    Quantities follow from the student's readings; of what only the picture shows it says nothing.
    """
    by_teacher, by_student, estimates = [], [], []
    for batch in in_order(pairs):
        by_teacher.append(teacher_logits(teacher, batch).softmax(1))
        features, *readings = student(batch.image)
        by_student.append(student.classifier(features).softmax(1))
        estimates.append(readings)
    joined = {
        sense: torch.cat(parts).numpy()
        for sense, parts in zip(profile.senses, zip(*estimates), strict=True)
    }
    return Answers(probabilities=torch.cat(by_teacher).numpy()), Answers(
        probabilities=torch.cat(by_student).numpy(),
        readings=joined,
        quantities=measure_quantities(profile, joined),
    )


def measure(answers: Answers, pairs: Pairs, profile: Profile) -> dict[str, Any]:
    """Compare answers with the labels and the sensors' readings.

    Returns:
        `accuracy`, `macro_f1`, `ece`, `day_accuracy`, `night_accuracy` (None without such views),
        each 0 to 1; with quantities also `r2` of each of `scalars` (None where fewer than two are
        known).
    """
    chosen = answers.probabilities.argmax(1)
    right = chosen == pairs.action
    measured = {
        'accuracy': float(right.mean()),
        'macro_f1': float(
            f1_score(
                pairs.action,
                chosen,
                labels=range(len(profile.actions)),
                average='macro',
                zero_division=0.0,
            )
        ),
        'ece': expected_calibration_error(answers.probabilities, pairs.action),
        'day_accuracy': _mean(right[~pairs.night]),
        'night_accuracy': _mean(right[pairs.night]),
    }
    if answers.quantities is not None:
        measured['r2'] = {
            scalar.name: _r2(scalar.read(pairs), scalar.read(answers))
            for scalar in scalars(profile)
        }
    return measured


def accuracy(answers: Answers, pairs: Pairs) -> float:
    """Return how often the likeliest action is the labelled one."""
    return float((answers.probabilities.argmax(1) == pairs.action).mean())


def reading_errors(
    answers: Answers, pairs: Pairs, train: Pairs, profile: Profile
) -> dict[str, dict[str, float | None]]:
    """Compare readings with the truth, and with answers that know nothing of the picture.

    Those are the training set's mean, and the answer to another picture.

    Returns:
        For `<sense>_map` of each grid (over its elements, in standard deviations of their channel)
        and for each of `scalars` (in its unit): RMS `error`, that of the `train_mean`, and that of
        `shuffled` answers; None where none is known.
    """
    other = np.random.default_rng(0).permutation(len(pairs))

    def rms(answer: np.ndarray, truth: np.ndarray) -> float | None:
        error = answer - truth
        error = error[~np.isnan(error)]
        return float(np.sqrt(np.mean(error**2))) if error.size else None

    def compare(
        answer: np.ndarray, truth: np.ndarray, train: np.ndarray
    ) -> dict[str, float | None]:
        return {
            'error': rms(answer, truth),
            'train_mean': rms(Statistics.of_columns(train.reshape(len(train), -1)).mean, truth),
            'shuffled': rms(answer[other], truth),
        }

    sources, errors = (answers, pairs, train), {}
    for sense in profile.senses.values():
        if sense.layout == 'grid':
            scale = Statistics.of_sense(sense, train.readings[sense.name]).std
            errors[f'{sense.name}_map'] = compare(
                *(source.readings[sense.name] / scale for source in sources)
            )
    return errors | {
        scalar.name: compare(*(scalar.read(source) for source in sources))
        for scalar in scalars(profile)
    }


def median_errors(
    answers: Answers, pairs: Pairs, train: Pairs, profile: Profile
) -> dict[str, dict[str, float | None]]:
    """Compare what only a picture shows with the truth where there is any: a crack to measure.

    Returns:
        For each quantity that no sense measures, in its unit, where it is not zero: the median of
        the absolute `error`, and that of an answer that is always the median of the training set
        there, `train_median`; None where none is known.
    """

    def present(values: np.ndarray) -> np.ndarray:
        return values[~np.isnan(values) & (values != 0.0)]

    def median(values: np.ndarray) -> float | None:
        return float(np.median(values)) if values.size else None

    errors = {}
    for scalar in seen_scalars(profile):
        truth, answer = scalar.read(pairs), scalar.read(answers)
        rows = (truth != 0.0) & ~np.isnan(truth + answer)
        usual = median(present(scalar.read(train)))
        errors[scalar.name] = {
            'error': median(np.abs(answer - truth)[rows]),
            'train_median': None if usual is None else median(np.abs(usual - truth)[rows]),
        }
    return errors


@torch.inference_mode()
def lighting_probe(student: Student, train: Pairs, test: Pairs) -> float:
    """Return how often a linear probe tells day from night by the student's features.

    0.5 is chance.

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


def _r2(truth: np.ndarray, answer: np.ndarray) -> float | None:
    is_known = ~np.isnan(truth + answer)
    if np.count_nonzero(is_known) < 2:
        return None
    return float(r2_score(truth[is_known], answer[is_known]))


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
