# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What has a way of its own to learn faster sees the same, and learns the same, as without it."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from crossmodal_kd_ros.networks import Student
from crossmodal_kd_ros.networks.encoders import _LearningMoments, _moments, cut_window
from crossmodal_kd_ros.profile import load_profile

PROFILE = load_profile('living_wall')


def draw(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator, dtype=dtype)
    return x.to(memory_format=torch.channels_last).requires_grad_()


def slope(value: Tensor, x: Tensor) -> Tensor:
    weight = torch.arange(value.numel(), dtype=value.dtype).reshape(value.shape).cos()
    return torch.autograd.grad((value * weight).sum(), x)[0]


def test_the_slope_of_mean_and_deviation_is_that_of_their_finite_differences():
    assert gradcheck(_LearningMoments.apply, draw(2, 3, 4, 4))


def test_a_map_that_does_not_vary_has_no_slope_of_its_deviation():
    x = torch.full((1, 2, 4, 4), 0.5, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(slope(_LearningMoments.apply(x), x), slope(_moments(x), x))


def test_mean_and_deviation_of_bfloat16_keep_the_digits_of_float32():
    x = 1.0 + 0.1 * draw(2, 3, 32, 32, dtype=torch.float32).detach()
    moments = _LearningMoments.apply(x.bfloat16())
    assert moments.dtype == torch.float32
    torch.testing.assert_close(moments, _moments(x), rtol=0.05, atol=0.002)


@pytest.mark.parametrize('side', [4, 8, 32, 64])
def test_a_window_that_is_learnt_has_the_same_cells_and_slopes(side):
    x = draw(2, 3, side, side)
    project = torch.nn.Conv2d(3, 5, 1, dtype=torch.float64)
    sliced, learnt = (
        cut_window(PROFILE, 'touch', x, project, learning=learning) for learning in (False, True)
    )
    assert torch.equal(sliced, learnt)
    torch.testing.assert_close(slope(learnt, x), slope(sliced, x))
    # One by one or resized first: a projection of each cell does not care.
    torch.testing.assert_close(learnt, cut_window(PROFILE, 'touch', project(x)))


def test_a_network_in_training_sees_what_it_sees_on_the_robot():
    torch.manual_seed(0)
    trunk = Student(PROFILE).trunk.eval()
    image = torch.rand(2, 3, 128, 128)
    expected = trunk(image)
    trunk.training = True  # its batch normalisation stays as it is
    seen = trunk(image)
    assert torch.equal(seen.pooled, expected.pooled)
    assert torch.equal(seen.windows['touch'], expected.windows['touch'])
