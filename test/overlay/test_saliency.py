# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the student looks: an exact account of a logit, cell by cell."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from crossmodal_kd_ros.contract import ACTIONS, square_view  # noqa: E402
from crossmodal_kd_ros.networks import Student  # noqa: E402
from crossmodal_kd_ros.overlay.saliency import GAZE_CELLS, Gaze  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


@pytest.fixture
def student():
    """Return an untrained student."""
    torch.manual_seed(0)
    return Student().eval()


def advantage(student, image: np.ndarray, action: int) -> float:
    """Return the logit of an action minus the mean of all."""
    view = torch.from_numpy(square_view(image)).permute(2, 0, 1)[None].float().div(255.0)
    with torch.no_grad():
        logits = student(view).logits[0]
    return float(logits[action] - logits.mean())


def without_biases(student):
    """Return the student with no bias behind its pooled features: its logits are then the features times slopes."""
    with torch.no_grad():
        for layer in (*student.embed, student.classifier):
            if hasattr(layer, 'bias'):
                layer.bias.zero_()
    return student


@pytest.mark.parametrize('action', range(len(ACTIONS)))
def test_the_cells_together_are_the_whole_advantage_of_the_action(student, action):
    gaze = Gaze(without_biases(student)).look(IMAGE, action)

    assert gaze.shape == (GAZE_CELLS, GAZE_CELLS)
    assert gaze.dtype == np.float32
    assert gaze.sum() == pytest.approx(advantage(student, IMAGE, action), abs=1e-4)


def test_what_speaks_for_one_action_speaks_against_the_others(student):
    gaze = Gaze(student)

    total = sum(gaze.look(IMAGE, action) for action in range(len(ACTIONS)))

    np.testing.assert_allclose(total, 0.0, atol=1e-5)


def test_a_student_that_decides_by_a_mean_looks_where_the_feature_is(student):
    # The logit of the first action is the mean of one channel of the grid, through the first unit
    # of each layer.
    with torch.no_grad():
        for layer in (*student.embed, student.classifier):
            if hasattr(layer, 'weight'):
                layer.weight.zero_()
                layer.bias.zero_()
                layer.weight[0, 0] = 1.0
        view = torch.from_numpy(square_view(IMAGE)).permute(2, 0, 1)[None].float().div(255.0)
        channel = student.trunk(view).grid[0, 0].numpy()

    gaze = Gaze(student).look(IMAGE, 0)

    # Five sixths: the mean of all six logits is taken away.
    expected = 5.0 / 6.0 * np.kron(channel, np.ones((4, 4))) / GAZE_CELLS**2
    np.testing.assert_allclose(gaze, expected, atol=1e-6)


def test_asking_leaves_the_student_and_its_answers_as_they_were(student):
    before = advantage(student, IMAGE, 2)

    Gaze(student).look(IMAGE, 2)

    assert advantage(student, IMAGE, 2) == before
    assert all(parameter.grad is None for parameter in student.parameters())
