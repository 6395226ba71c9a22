# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the student looks: an exact account of a logit, cell by cell."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from crossmodal_kd_ros.networks import Student  # noqa: E402
from crossmodal_kd_ros.overlay.saliency import Saliency  # noqa: E402
from crossmodal_kd_ros.profile import Profile, load_profile, square_view  # noqa: E402

WALL = load_profile()
CELLS = WALL.camera.view_px // 4
IMAGE = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


@pytest.fixture
def student():
    """Return an untrained student."""
    torch.manual_seed(0)
    return Student(WALL).eval()


def image_px(student) -> int:
    return student.profile.camera.view_px


def advantage(student, image: np.ndarray, action: int) -> float:
    """Return the logit of an action minus the mean of all."""
    view = (
        torch.from_numpy(square_view(image, size_px=image_px(student)))
        .permute(2, 0, 1)[None]
        .float()
        .div(255.0)
    )
    with torch.no_grad():
        logits = student(view).logits[0]
    return float(logits[action] - logits.mean())


def without_biases(student):
    """Return the student with no bias behind its pooled features.

    Its logits are then the features times slopes.
    """
    with torch.no_grad():
        for layer in (*student.embed, student.classifier):
            if hasattr(layer, 'bias'):
                layer.bias.zero_()
    return student


def two_pads() -> Profile:
    """Return a robot with three pads: one between cells, another, and one that does not show."""
    pad = WALL.senses['touch'].model_dump(exclude={'name'}) | {'source': None}
    pads = {
        'left': {'shape': (2, 5, 7), 'footprint_mm': (3, 5, 17, 23)},
        'right': {'shape': (2, 40, 40), 'footprint_mm': (30, 30, 34, 34)},
        'hidden': {'shape': (2, 3, 3), 'footprint_mm': None},
    }
    source = {'topic': 'pad', 'type': 'sensor_msgs/msg/Image'}
    return Profile.model_validate(
        {
            'name': 'two_pads',
            'camera': WALL.camera.model_dump(),
            'senses': {
                name: {**pad, **changes, 'source': source, 'estimate_topic': None}
                for name, changes in pads.items()
            },
            'actions': ['left', 'right', 'stop'],
        }
    )


@pytest.mark.parametrize('action', range(3))
@pytest.mark.parametrize('profile', [two_pads(), load_profile('air')], ids=['two_pads', 'air'])
def test_the_cells_are_the_whole_advantage_for_any_grids(profile, action):
    torch.manual_seed(0)
    student = without_biases(Student(profile).eval())

    cells = Saliency(student).map(IMAGE, action)

    assert cells.shape == (CELLS, CELLS)
    assert cells.sum() == pytest.approx(advantage(student, IMAGE, action), abs=1e-4)


@pytest.mark.parametrize('action', range(len(WALL.actions)))
def test_the_cells_together_are_the_whole_advantage_of_the_action(student, action):
    cells = Saliency(without_biases(student)).map(IMAGE, action)

    assert cells.shape == (CELLS, CELLS)
    assert cells.dtype == np.float32
    assert cells.sum() == pytest.approx(advantage(student, IMAGE, action), abs=1e-4)


def test_what_speaks_for_one_action_speaks_against_the_others(student):
    saliency = Saliency(student)

    total = sum(saliency.map(IMAGE, action) for action in range(len(WALL.actions)))

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
        view = (
            torch.from_numpy(square_view(IMAGE, size_px=image_px(student)))
            .permute(2, 0, 1)[None]
            .float()
            .div(255.0)
        )
        channel = student.trunk(view).grid[0, 0].numpy()

    cells = Saliency(student).map(IMAGE, 0)

    # Five sixths: the mean of all six logits is taken away.
    expected = 5.0 / 6.0 * np.kron(channel, np.ones((4, 4))) / CELLS**2
    np.testing.assert_allclose(cells, expected, atol=1e-6)


def test_asking_leaves_the_student_and_its_answers_as_they_were(student):
    before = advantage(student, IMAGE, 2)

    Saliency(student).map(IMAGE, 2)

    assert advantage(student, IMAGE, 2) == before
    assert all(parameter.grad is None for parameter in student.parameters())
