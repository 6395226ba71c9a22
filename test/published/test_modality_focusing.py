# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Xue, Gao, Ren, Zhao: The modality focusing hypothesis, ICLR 2023.

Table 2 (https://arxiv.org/abs/2206.06487): Gaussian data of two modalities of 50 features. The
label is the side of the plane `sum = 0` of its decisive features. The teacher's modality holds
them all, the student's a share gamma of them. A teacher that is kept to the shared ones knows
less, and teaches more: what counts is not how right a teacher is but how much of what it uses the
student can see. From the authors' program: 200 samples to train, 1000 to test, linear softmax,
1000 steps of plain gradient descent at 0.1 over all samples, loss CE + KLDivLoss() of torch, that
is CE + KL / 2. We run it as 1.5 times our loss with alpha 1/3, which is the same.

The table gives gamma alone; the numbers of features are the ones of the program (10 of the
teacher's own; 5, 10, 20 or 30 shared) and, for 0.25, 30 and 10. A figure holds if our mean is
within two standard errors of the published one, both
of them counted: ours of 30 repetitions, theirs of 10, the program's default. We measured these
gains by the modality-general teacher over no teacher (published):

    gamma  0.25         0.33         0.50         0.66         0.75
    gain   2.13 (1.72)  2.46 (2.52)  2.84 (2.61)  1.97 (1.95)  1.50 (1.24)
"""

import linear_softmax
import pytest
import torch
from linear_softmax import Linear
from torch import Tensor

pytestmark = pytest.mark.timeout(300)  # the first test waits for all of them
REPETITIONS, FEATURES, TRAIN, TEST = 30, 50, 200, 1000
THEIR_REPETITIONS = 10
SYSTEMS = ('teacher', 'general_teacher', 'no_kd', 'regular_kd', 'general_kd')
# teacher's own, shared
DECISIVE = {0.25: (30, 10), 0.33: (10, 5), 0.50: (10, 10), 0.66: (10, 20), 0.75: (10, 30)}
PUBLISHED = {  # per cent, in the order of SYSTEMS
    0.25: (89.70, 64.84, 59.29, 59.46, 61.01),
    0.33: (89.41, 68.42, 61.98, 62.16, 64.50),
    0.50: (89.62, 73.41, 67.64, 67.86, 70.25),
    0.66: (89.82, 77.98, 73.48, 73.60, 75.43),
    0.75: (89.70, 79.41, 76.46, 76.53, 77.70),
}


def draw(own: int, shared: int, samples: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return both modalities `[R, N, 50]`, the teacher's first, and labels `[R, N]`.

    Shared features are in front.
    """
    teacher, student = torch.randn(2, REPETITIONS, samples, FEATURES).unbind()
    student[..., :shared] = teacher[..., :shared]
    return teacher, student, (teacher[..., : shared + own].sum(2) > 0).long()


def fit(x: Tensor, labels: Tensor, teacher_logits: Tensor | None = None) -> Linear:
    """Train as the authors' program does, with a teacher or without."""
    taught, width = teacher_logits is not None, x.shape[2]
    limit = width**-0.5  # torch.nn.Linear's default
    start = Linear(
        torch.empty(len(x), width, linear_softmax.CLASSES).uniform_(-limit, limit),
        torch.empty(len(x), 1, linear_softmax.CLASSES).uniform_(-limit, limit),
    )
    # Plain gradient descent: a loss 1.5 times as large is a rate 1.5 times as large.
    return linear_softmax.fit(
        start,
        x,
        labels,
        teacher_logits,
        alpha=1 / 3 if taught else 0.0,
        epochs=1000,
        batch=TRAIN,
        make_optimiser=lambda parameters: torch.optim.SGD(parameters, lr=0.15 if taught else 0.1),
    )


def measure(gamma: float) -> dict[str, Tensor]:
    """Return the test accuracy of each system in each repetition, per cent, `[R]`."""
    torch.manual_seed(0)
    own, shared = DECISIVE[gamma]
    theirs, x, labels = draw(own, shared, TRAIN)
    theirs_test, x_test, labels_test = draw(own, shared, TEST)
    teacher, general = fit(theirs, labels), fit(theirs[..., :shared], labels)
    students = {
        'no_kd': fit(x, labels),
        'regular_kd': fit(x, labels, teacher.logits(theirs)),
        'general_kd': fit(x, labels, general.logits(theirs[..., :shared])),
    }
    return {
        'teacher': teacher.accuracy(theirs_test, labels_test),
        'general_teacher': general.accuracy(theirs_test[..., :shared], labels_test),
        **{name: student.accuracy(x_test, labels_test) for name, student in students.items()},
    }


@pytest.fixture(scope='module')
def accuracies() -> dict[float, dict[str, Tensor]]:
    """Return what `measure` returns, for each gamma."""
    return linear_softmax.in_parallel(measure, PUBLISHED)


def two_errors(values: Tensor) -> float:
    """Return two standard errors of the difference of means, from our repetitions."""
    return 2 * values.std().item() * (1 / REPETITIONS + 1 / THEIR_REPETITIONS) ** 0.5


@pytest.mark.parametrize('gamma', PUBLISHED)
@pytest.mark.parametrize('system', SYSTEMS)
def test_accuracy_is_the_published_one_within_two_errors(accuracies, gamma, system):
    ours = accuracies[gamma][system]
    assert abs(ours.mean().item() - PUBLISHED[gamma][SYSTEMS.index(system)]) < two_errors(ours)


@pytest.mark.parametrize('gamma', PUBLISHED)
def test_the_gain_by_a_modality_general_teacher_is_the_published_one_within_two_errors(
    accuracies, gamma
):
    ours = accuracies[gamma]
    gain = ours['general_kd'] - ours['no_kd']
    published = dict(zip(SYSTEMS, PUBLISHED[gamma]))
    assert abs(gain.mean().item() - (published['general_kd'] - published['no_kd'])) < two_errors(
        gain
    )


@pytest.mark.parametrize('gamma', PUBLISHED)
def test_the_teacher_that_knows_less_teaches_more_when_what_it_knows_is_shared(accuracies, gamma):
    ours = accuracies[gamma]
    assert (ours['teacher'] - ours['general_teacher']).mean() > 5
    difference = ours['general_kd'] - ours['regular_kd']
    assert difference.mean() > 3 * difference.std() / REPETITIONS**0.5
