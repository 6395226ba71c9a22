# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Lopez-Paz et al.: Unifying distillation and privileged information, ICLR 2016.

Synthetic experiments 1 to 3 (https://arxiv.org/abs/1511.03643), run through our loss. The teacher
sees privileged features x*, the regular classifier and the distilled one see x; d = 50, 200
samples to train and 10,000 to test, hyperplanes from N(0, I), temperature and imitation both 1.
From the authors' program: standardised features, linear softmax, 1000 epochs of RMSprop (Keras of
2015: rate 1e-3, decay 0.9, batches of 128). 20 repetitions.

A figure holds if our mean is within two deviations of one repetition of the published mean
(theirs, as printed, and ours, added in squares; they print whole per cents, so half of one is
added): the paper says how far repetitions scatter, not how well its mean is known. We measured, in
per cent (published):

    experiment           teacher                regular                distilled
    1 clean labels       95.5 +- 0.5 (96 +- 0)  87.9 +- 1.7 (88 +- 1)  95.5 +- 0.5 (95 +- 1)
    2 clean features     89.8 +- 1.4 (90 +- 1)  67.7 +- 1.6 (68 +- 1)  67.9 +- 1.6 (70 +- 1)
    3 relevant features  98.1 +- 0.8 (98 +- 0)  87.8 +- 2.1 (89 +- 1)  97.7 +- 0.8 (97 +- 1)

The 70 of experiment 2 we do not reach; the paper calls its gain not significant and explains why
there can be none.
"""

from typing import NamedTuple

import linear_softmax
import pytest
import torch
from linear_softmax import Linear
from torch import Tensor

pytestmark = pytest.mark.timeout(300)  # the first test waits for all of them
REPETITIONS, DIMENSIONS, TRAIN, TEST = 20, 50, 200, 10_000
SYSTEMS = ('teacher', 'regular', 'distilled')
PUBLISHED = {  # mean and deviation over repetitions, per cent
    1: {'teacher': (96, 0), 'regular': (88, 1), 'distilled': (95, 1)},
    2: {'teacher': (90, 1), 'regular': (68, 1), 'distilled': (70, 1)},
    3: {'teacher': (98, 0), 'regular': (89, 1), 'distilled': (97, 1)},
}


class Data(NamedTuple):
    """Privileged features `[R, N, D*]`, regular features `[R, N, D]` and labels `[R, N]`."""

    privileged: Tensor
    regular: Tensor
    labels: Tensor


def draw(experiment: int, plane: Tensor, samples: int) -> Data:
    """Draw the triplets of an experiment, for hyperplanes `[R, D]`."""
    x = torch.randn(len(plane), samples, plane.shape[1])
    if experiment == 1:  # the exact distance to the plane is privileged, the labels are corrupted
        distance = torch.einsum('rnd,rd->rn', x, plane)
        return Data(distance[..., None], x, (distance + torch.randn_like(distance) > 0).long())
    if experiment == 2:  # the features without their noise are privileged
        return Data(x, x + torch.randn_like(x), (torch.einsum('rnd,rd->rn', x, plane) > 0).long())
    relevant = x[..., :3]  # the three features that matter are privileged
    return Data(relevant, x, (torch.einsum('rnd,rd->rn', relevant, plane[:, :3]) > 0).long())


def standardise(train: Data, test: Data) -> tuple[Data, Data]:
    """Scale both sets by the mean and deviation of the first."""
    scaled = []
    for field in ('privileged', 'regular'):
        values = getattr(train, field)
        mean, std = values.mean(1, keepdim=True), values.std(1, keepdim=True, correction=0)
        scaled.append([(getattr(data, field) - mean) / std for data in (train, test)])
    return tuple(Data(*features, data.labels) for *features, data in zip(*scaled, (train, test)))


def fit(
    x: Tensor, labels: Tensor, teacher_logits: Tensor | None = None, *, alpha: float
) -> Linear:
    """Train as the authors' program does."""
    width = x.shape[2]
    limit = (6 / (width + linear_softmax.CLASSES)) ** 0.5  # Glorot's uniform, Keras' default
    start = Linear(
        torch.empty(len(x), width, linear_softmax.CLASSES).uniform_(-limit, limit),
        torch.zeros(len(x), 1, linear_softmax.CLASSES),
    )
    return linear_softmax.fit(
        start,
        x,
        labels,
        teacher_logits,
        alpha=alpha,
        epochs=1000,
        batch=128,
        make_optimiser=lambda parameters: torch.optim.RMSprop(
            parameters, lr=1e-3, alpha=0.9, eps=1e-6
        ),
    )


def measure(experiment: int) -> dict[str, Tensor]:
    """Return the test accuracy of each system in each repetition, per cent, `[R]`."""
    torch.manual_seed(experiment)
    plane = torch.randn(REPETITIONS, DIMENSIONS)
    train, test = standardise(draw(experiment, plane, TRAIN), draw(experiment, plane, TEST))
    teacher = fit(train.privileged, train.labels, alpha=0.0)
    regular = fit(train.regular, train.labels, alpha=0.0)
    distilled = fit(train.regular, train.labels, teacher.logits(train.privileged), alpha=1.0)
    return {
        'teacher': teacher.accuracy(test.privileged, test.labels),
        'regular': regular.accuracy(test.regular, test.labels),
        'distilled': distilled.accuracy(test.regular, test.labels),
    }


@pytest.fixture(scope='module')
def accuracies() -> dict[int, dict[str, Tensor]]:
    """Return what `measure` returns, for each experiment."""
    return linear_softmax.in_parallel(measure, PUBLISHED)


@pytest.mark.parametrize('experiment', PUBLISHED)
@pytest.mark.parametrize('system', SYSTEMS)
def test_accuracy_is_the_published_one_within_two_deviations(accuracies, experiment, system):
    mean, deviation = PUBLISHED[experiment][system]
    ours = accuracies[experiment][system]
    assert abs(ours.mean().item() - mean) < 0.5 + 2 * (deviation**2 + ours.var().item()) ** 0.5


@pytest.mark.parametrize('experiment', [1, 3])
def test_a_teacher_that_knows_more_of_the_target_gives_most_of_its_lead_to_its_student(
    accuracies, experiment
):
    ours = accuracies[experiment]
    gain, lead = (ours[system] - ours['regular'] for system in ('distilled', 'teacher'))
    assert gain.min() > 0
    published = {system: mean for system, (mean, _) in PUBLISHED[experiment].items()}
    share = (published['distilled'] - published['regular']) / (
        published['teacher'] - published['regular']
    )
    assert gain.mean() / lead.mean() > share - 0.05


def test_a_teacher_whose_lead_the_students_features_cannot_hold_gives_nothing_worth_having(
    accuracies,
):
    ours = accuracies[2]
    gain = ours['distilled'] - ours['regular']
    assert (ours['teacher'] - ours['regular']).mean() > 15
    assert abs(gain.mean().item()) < 2  # as published: 2, not significant
