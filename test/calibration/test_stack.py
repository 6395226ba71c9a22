# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Two opinions joined: against scikit-learn, and where each knows what the other does not."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from crossmodal_kd_ros.calibration.fit import _are_enough, _stacked
from crossmodal_kd_ros.calibration.model import Stack, log_probabilities
from crossmodal_kd_ros.profile import load_profile


@pytest.fixture
def halves():
    """Return a teacher, a student and what was right, on 900 panels.

    The teacher knows an action's last digit, the student its half.
    """
    rng = np.random.default_rng(0)
    action = rng.integers(0, 6, 1800)
    knows = [
        np.where(key(np.arange(6)) == key(action)[:, None], 1.0, 0.05)
        for key in (lambda x: x % 2, lambda x: x // 3)
    ]
    teacher, student = (odds * rng.uniform(0.7, 1.0, odds.shape) for odds in knows)
    pairs = SimpleNamespace(action=action, group=np.arange(1800) // 2)
    return teacher / teacher.sum(1, keepdims=True), student / student.sum(1, keepdims=True), pairs


def test_a_stack_says_what_the_regression_says_that_it_came_from(halves):
    teacher, student, pairs = halves
    model = LogisticRegression(max_iter=1000).fit(
        log_probabilities(teacher, student), pairs.action
    )
    stack = Stack(weights=model.coef_.T, bias=model.intercept_)

    np.testing.assert_allclose(
        stack.join(teacher, student),
        model.predict_proba(log_probabilities(teacher, student)),
        atol=1e-6,
    )
    np.testing.assert_allclose(stack.join(teacher[0], student[0]).sum(), 1.0, atol=1e-6)


def test_a_stack_of_two_actions_says_what_the_regression_says_too():
    rng = np.random.default_rng(0)
    action = rng.integers(0, 2, 400)
    knows = np.where(np.arange(2) == action[:, None], 3.0, 1.0)
    teacher, student = (rng.dirichlet(np.ones(2), 400) * knows for _ in range(2))
    pairs = SimpleNamespace(action=action, group=np.arange(400))

    joined, stack = _stacked(teacher, student, pairs)

    inputs = log_probabilities(teacher, student)
    model = LogisticRegression(max_iter=1000).fit(inputs, action)
    np.testing.assert_allclose(
        stack.join(teacher, student), model.predict_proba(inputs), atol=1e-6
    )
    # As the check of a file's forms wants it.
    assert (stack.weights.shape, stack.bias.shape) == ((4, 2), (2,))
    right = [(said.argmax(1) == action).mean() for said in (teacher, student, joined)]
    assert right[2] > max(right[:2])


def test_what_one_knows_and_the_other_does_not_adds_up(halves):
    teacher, student, pairs = halves

    joined, _ = _stacked(teacher, student, pairs)

    right = [
        (probabilities.argmax(1) == pairs.action).mean()
        for probabilities in (teacher, student, joined)
    ]
    # Of three actions with the right digit, or in the right half, one is guessed; of 1 to 2 with
    # both, more than every second.
    assert right[0] == pytest.approx(1 / 3, abs=0.05) and right[1] == pytest.approx(
        1 / 3, abs=0.05
    )
    assert right[2] > 0.6


def test_a_stack_is_judged_on_panels_that_it_was_not_fitted_to():
    """Opinions that tell nothing let a stack be right by chance, however many numbers it has."""
    rng = np.random.default_rng(1)
    teacher, student = (rng.dirichlet(np.ones(6), 600) for _ in range(2))
    # Both views of a panel look alike and want the same: a stack that had seen one would know the
    # other.
    teacher, student = np.repeat(teacher, 2, 0), np.repeat(student, 2, 0)
    pairs = SimpleNamespace(
        action=np.repeat(rng.integers(0, 6, 600), 2), group=np.arange(1200) // 2
    )

    joined, _ = _stacked(teacher, student, pairs)

    chance, deviation = 1 / 6, np.sqrt(5 / 36 / 600)
    assert abs((joined.argmax(1) == pairs.action).mean() - chance) < 4 * deviation


def test_an_action_that_few_panels_want_is_too_little_to_fit_a_stack_to(halves):
    _, _, pairs = halves
    profile = load_profile()
    assert _are_enough(pairs, profile)
    pairs.action[np.flatnonzero(pairs.action == 3)[40:]] = 2
    assert not _are_enough(pairs, profile)
