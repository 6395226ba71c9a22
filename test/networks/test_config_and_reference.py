# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sizes and statistics are refused in words; the article's own nets run, with the repairs that are named."""

import numpy as np
import pytest
import torch

from crossmodal_kd_ros.experiments.reference_nets import MultiModalTeacher, VisionOnlyStudent
from crossmodal_kd_ros.networks import Standardiser, Statistics, StudentConfig, TeacherConfig


@pytest.mark.parametrize(
    'config, field, value',
    [
        (StudentConfig, 'channels', (48, 96)),
        (StudentConfig, 'blocks', (1, 0)),
        (StudentConfig, 'features', 0),
        (StudentConfig, 'features', True),
        (StudentConfig, 'dropout', 1.0),
        (StudentConfig, 'touch_rank', 2.5),
        (TeacherConfig, 'heads', 3),
        (TeacherConfig, 'clamp_sigma', 0),
        (TeacherConfig, 'layers', -1),
        (TeacherConfig, 'dropout', 'none'),
    ],
)
def test_a_size_that_no_network_can_have_is_refused_with_the_value_that_came(config, field, value):
    with pytest.raises(ValueError, match='expected .* got') as caught:
        config(**{field: value})
    assert field in str(caught.value) and str(value) in str(caught.value)


def test_statistics_standardise_touch_over_each_bank_and_gas_by_channel():
    generator = np.random.default_rng(0)
    touch = np.concatenate(
        [generator.normal(40, 5, (500, 128)), generator.normal(0.3, 0.1, (500, 128))], 1
    )
    gas, surface = generator.normal(400, 30, (500, 8)), generator.normal(1, 2, (500, 3))
    standardiser = Standardiser()
    standardiser.set(Statistics.of(touch=touch, gas=gas, surface=surface))
    z = standardiser.to_standard('touch', torch.tensor(touch, dtype=torch.float32))
    for bank in z.chunk(2, 1):
        assert (bank.mean().item(), bank.std().item()) == pytest.approx((0, 1), abs=1e-3)
    gas_z = standardiser.to_standard('gas', torch.tensor(gas, dtype=torch.float32))
    torch.testing.assert_close(gas_z.mean(0), torch.zeros(8), rtol=0, atol=1e-4)
    torch.testing.assert_close(
        standardiser.to_units('gas', gas_z), torch.tensor(gas, dtype=torch.float32)
    )


@pytest.mark.parametrize(
    'name, value, message',
    [
        ('gas_std', np.r_[0.0, np.ones(7)], 'gas_std to be finite and positive'),
        ('gas_mean', np.r_[np.nan, np.ones(7)], 'gas_mean to be finite'),
        ('touch_mean', np.zeros(255), r'touch_mean to be of shape \[256\], got \[255\]'),
    ],
)
def test_statistics_that_cannot_be_divided_by_are_refused(name, value, message):
    good = {
        f'{sense}_{kind}': np.ones(size)
        for sense, size in (('touch', 256), ('gas', 8), ('surface', 3))
        for kind in ('mean', 'std')
    }
    with pytest.raises(ValueError, match=message):
        Statistics(**{**good, name: value})


def test_the_articles_nets_run_forward_and_backward_with_a_classifier():
    image, touch, gas = torch.rand(2, 3, 128, 128), torch.rand(2, 256), torch.rand(2, 8)
    teacher, student = MultiModalTeacher(), VisionOnlyStudent()
    taught = teacher.classifier(teacher(image, touch, gas))
    features, touch_estimate, gas_estimate = student(image)
    learnt = student.classifier(features)
    assert (
        features.shape == (2, 512)
        and touch_estimate.shape == (2, 256)
        and gas_estimate.shape == (2, 8)
    )
    assert taught.shape == learnt.shape == (2, 6)
    (taught.square().sum() + learnt.square().sum()).backward()


def test_the_articles_attention_over_one_key_teaches_its_query_nothing():
    teacher = MultiModalTeacher()
    teacher(
        torch.rand(2, 3, 64, 64), torch.rand(2, 256), torch.rand(2, 8)
    ).square().sum().backward()
    assert teacher.cross_attention.q_proj_weight.grad.abs().max() == 0
    assert teacher.cross_attention.v_proj_weight.grad.abs().max() > 0
