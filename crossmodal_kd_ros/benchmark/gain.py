# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What distillation would bring to a data set, before any network is trained.

Networks are stood in for by probes: a boosted model of the readings for the teacher, a kernel
logistic model of cheap features of the picture for the student. Labelled groups (places, objects)
are held out in turn, and the probes go through what training does: the teacher's probe names what
has no label, the student's probe learns from labels alone, or from these and the teacher's word.

Beside the difference of both stands the rule of Xie et al. 2025, https://arxiv.org/abs/2510.13182:
distillation pays where teacher and student share more information than student and label do. Here
what they share is what the student's probe predicts of the other's word on a held-out group, in
nats above how common each word is: a lower bound (Barber and Agakov 2003).
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from crossmodal_kd_ros.benchmark.ceilings import grid_statistics
from crossmodal_kd_ros.datasets import NO_LABEL, Pairs
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.profile import Profile

FOLDS = 5
PICTURE_PX = 64
_COMPONENTS = 200
_STRENGTHS = (1.0, 30.0, 1000.0)
# How smooth a probe has to be is seen on so many rows.
_MOST_ROWS = 1000
_LEAST_PROBABILITY = 1e-3
_DRAWS = 2000
_QUANTILES = (0.025, 0.975)
_CELLS, _DIRECTIONS, _SCALES = 4, 8, 3
_FEATURES = _CELLS**2 * (6 + _DIRECTIONS) + _SCALES * (_DIRECTIONS + 1)


class GainError(CrossmodalError):
    """A data set does not say what distillation would bring."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over held-out groups, and its 95 % interval by bootstrap over them."""

    mean: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the interval is clear of zero, else 0."""
        return int(self.low > 0.0) - int(self.high < 0.0)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the probes say of one kind of place.

    Attributes:
        gain: accuracy of the taught probe less that of the one that has labels alone.
        alone: accuracy of the student's probe that has labels alone.
        teacher: accuracy of the teacher's probe.
        shared_with_teacher: information of the picture on the teacher's word, nats.
        shared_with_label: information of the picture on the label, nats.
        surplus: the first less the second; the rule: distillation pays where it is above zero.
    """

    gain: Estimate
    alone: Estimate
    teacher: Estimate
    shared_with_teacher: Estimate
    shared_with_label: Estimate
    surplus: Estimate


@dataclass(frozen=True, kw_only=True)
class Gain:
    """What distillation would bring.

    Attributes:
        new: on groups that nobody labelled and no teacher felt.
        felt: on further pictures of groups that a teacher felt and nobody labelled; None where no
            group has two labelled rows.
        labelled, unlabelled, groups: rows with a label, rows without, groups with a label.
    """

    new: Prediction
    felt: Prediction | None
    labelled: int
    unlabelled: int
    groups: int


def predict_gain(pairs: Pairs, profile: Profile, *, seed: int = 0) -> Gain:
    """Return what distillation would bring to a student of `pairs`.

    Args:
        pairs: all that may be learnt from; rows with `NO_LABEL` are those that only the teacher
            can name.
        profile: of the pairs.
        seed: of which groups are held out together, and of the bootstrap.

    Raises:
        GainError: fewer than `FOLDS` groups have a label, or all labels are one.
    """
    labelled = np.flatnonzero(pairs.action != NO_LABEL)
    groups, actions = np.unique(pairs.group[labelled]), np.unique(pairs.action[labelled])
    if len(groups) < FOLDS or len(actions) < 2:
        raise GainError(
            f'expected labels of {FOLDS} groups (places, objects) or more and of two actions or '
            f'more, got {len(labelled)} labels of {len(groups)} groups and {len(actions)} '
            'actions: label more recordings'
        )
    seen, felt = picture_features(pairs.image), sense_features(pairs, profile)
    first = _first_halves(pairs.group, labelled)
    nameless = np.flatnonzero(pairs.action == NO_LABEL)
    scores = {'new': [], 'felt': []}
    for known, held_out in _splits(pairs, labelled, seed):
        asked, others = held_out[~first[held_out]], held_out[first[held_out]]
        teacher = _touch_probe(felt[known], pairs.action[known], seed)
        alone = _picture_probe(seen[known], pairs.action[known], pairs.group[known])
        for name, named in (('new', nameless), ('felt', np.concatenate([nameless, others]))):
            taught = alone
            if len(named):
                learnt = np.concatenate([known, named])
                words = np.concatenate([pairs.action[known], teacher.predict(felt[named])])
                taught = _picture_probe(seen[learnt], words, pairs.group[learnt])
            word, label = teacher.predict(felt[asked]), pairs.action[asked]
            columns = _score(seen[asked], alone, taught, word, label)
            scores[name].append(np.column_stack([pairs.group[asked], columns]))
    predictions = {name: _predict(np.concatenate(parts), seed) for name, parts in scores.items()}
    return Gain(
        new=predictions['new'],
        felt=predictions['felt'] if first.any() else None,
        labelled=len(labelled),
        unlabelled=len(pairs) - len(labelled),
        groups=len(groups),
    )


def picture_features(images: np.ndarray) -> np.ndarray:
    """Return what a quick look at pictures tells, `float32[N, 251]`.

    Of 4 x 4 parts: mean and deviation of L, a and b, and how much edge there is in each of eight
    directions; of the whole: the same eight, and the deviation of detail, at three scales.

    Args:
        images: `uint8[N, S, S, 3]`, RGB.
    """
    return np.stack([_look(image) for image in images])


def sense_features(pairs: Pairs, profile: Profile) -> np.ndarray:
    """Return the readings of all senses, `float32[N, F]`: a grid by `grid_statistics`."""
    columns = []
    for name, sense in profile.senses.items():
        values = pairs.readings[name]
        if sense.layout == 'grid':
            values = np.stack([grid_statistics(sense, reading) for reading in values])
        columns.append(values)
    return np.concatenate(columns, 1).astype(np.float32)


def _look(image: np.ndarray) -> np.ndarray:
    if image.shape[0] != PICTURE_PX:
        image = cv2.resize(image, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    side = PICTURE_PX // _CELLS
    parts = lab.reshape(_CELLS, side, _CELLS, side, 3)
    features = [parts.mean((1, 3)).ravel(), parts.std((1, 3)).ravel()]
    grey = lab[..., 0]
    for scale in range(_SCALES):
        edges = _edges(grey)
        if scale == 0:
            cells = edges.reshape(_CELLS, side, _CELLS, side, _DIRECTIONS).mean((1, 3))
            features.append(np.log1p(cells).ravel())
        features.append(np.log1p(edges.mean((0, 1))))
        features.append(np.log1p([cv2.Laplacian(grey, cv2.CV_32F).std()]))
        grey = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.concatenate(features).astype(np.float32)


def _edges(grey: np.ndarray) -> np.ndarray:
    """Return the strength of the edge of each pixel in its direction, `float32[H, W, 8]`."""
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    direction = np.floor(np.arctan2(down, across) / np.pi * _DIRECTIONS) % _DIRECTIONS
    one_of = direction[..., None] == np.arange(_DIRECTIONS)
    return one_of * np.hypot(across, down)[..., None]


def _first_halves(group: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Return `bool[N]`: the first half of the labelled rows of each group."""
    first = np.zeros(len(group), bool)
    order = labelled[np.argsort(group[labelled], kind='stable')]
    starts = np.flatnonzero(np.diff(group[order], prepend=group[order[0]] - 1))
    for rows in np.split(order, starts[1:]):
        first[rows[: len(rows) // 2]] = True
    return first


def _splits(
    pairs: Pairs, labelled: np.ndarray, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give labelled rows that are known, and those of the groups that are held out."""
    action, group = pairs.action[labelled], pairs.group[labelled]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for known, held_out in folds.split(labelled, action, group):
        if len(held_out) and len(np.unique(action[known])) > 1:
            yield labelled[known], labelled[held_out]


def _touch_probe(
    felt: np.ndarray, action: np.ndarray, seed: int
) -> HistGradientBoostingClassifier:
    probe = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, min_samples_leaf=5, early_stopping=False, random_state=seed
    )
    return probe.fit(felt, action)


def _picture_probe(seen: np.ndarray, action: np.ndarray, group: np.ndarray) -> Pipeline:
    """Return a model of pictures, as smooth as suits other groups best."""
    costs = dict.fromkeys(_STRENGTHS, 0.0)
    some = np.arange(0, len(seen), -(-len(seen) // _MOST_ROWS))
    parts = min(3, len(np.unique(group[some])))
    for known, others in GroupKFold(parts).split(some, groups=group[some]):
        known, others = some[known], some[others]
        if len(np.unique(action[known])) > 1:
            for strength in _STRENGTHS:
                probe = _logistic(strength, seen[known], action[known])
                costs[strength] -= np.log(_chance(probe, seen[others], action[others])).sum()
    return _logistic(min(costs, key=costs.get), seen, action)


def _logistic(strength: float, seen: np.ndarray, action: np.ndarray) -> Pipeline:
    """Return a logistic model over Gaussian bumps, as wide as pictures usually lie apart."""
    probe = make_pipeline(
        StandardScaler(),
        Nystroem(gamma=1.0 / _FEATURES, n_components=min(_COMPONENTS, len(seen)), random_state=0),
        LogisticRegression(C=strength, max_iter=100),
    )
    with warnings.catch_warnings():
        # To stop early is one more way to be smooth.
        warnings.simplefilter('ignore', ConvergenceWarning)
        return probe.fit(seen, action)


def _chance(probe: Pipeline, seen: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Return the probability that a probe gives each row's own action; never nothing."""
    probabilities, classes = probe.predict_proba(seen), probe.classes_
    own = (classes == action[:, None]) * probabilities
    return np.maximum(own.sum(1), _LEAST_PROBABILITY)


def _information(probe: Pipeline, seen: np.ndarray, word: np.ndarray) -> np.ndarray:
    """Return what a probe tells of each row's word above how common that is there, nats."""
    values, counts = np.unique(word, return_counts=True)
    common = counts[np.searchsorted(values, word)] / len(word)
    return np.log(_chance(probe, seen, word)) - np.log(common)


def _score(
    seen: np.ndarray, alone: Pipeline, taught: Pipeline, word: np.ndarray, label: np.ndarray
) -> np.ndarray:
    """Return the columns of a `Prediction`, `float64[N, 6]`; `word` is the teacher's."""
    by_alone, by_taught = alone.predict(seen) == label, taught.predict(seen) == label
    to_teacher, to_label = _information(taught, seen, word), _information(alone, seen, label)
    return np.column_stack(
        [
            by_taught.astype(float) - by_alone,
            by_alone,
            word == label,
            to_teacher,
            to_label,
            to_teacher - to_label,
        ]
    )


def _predict(scores: np.ndarray, seed: int) -> Prediction:
    """Return the mean of each column over groups; the first column is the group."""
    groups, index = np.unique(scores[:, 0], return_inverse=True)
    counts = np.bincount(index)
    sums = np.stack([np.bincount(index, column) for column in scores[:, 1:].T], 1)
    draws = np.random.default_rng(seed).integers(len(groups), size=(_DRAWS, len(groups)))
    means = sums[draws].sum(1) / counts[draws].sum(1)[:, None]
    low, high = np.quantile(means, _QUANTILES, axis=0)
    whole = sums.sum(0) / counts.sum()
    return Prediction(
        **{
            name: Estimate(mean=float(whole[n]), low=float(low[n]), high=float(high[n]))
            for n, name in enumerate(Prediction.__dataclass_fields__)
        }
    )
