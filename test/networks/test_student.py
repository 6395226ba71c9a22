# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Shapes and units of the student, taxels under their pixels, a touch map with level and shape."""

from functools import partial

import pytest
import torch

from crossmodal_kd_ros.networks import Statistics, Student, StudentConfig, StudentOutput
from crossmodal_kd_ros.networks.encoders import cut_window
from crossmodal_kd_ros.profile import load_profile

PROFILE = load_profile('living_wall')
pad_window = partial(cut_window, PROFILE, 'touch')


def tensors(output: StudentOutput) -> dict[str, torch.Tensor]:
    """Return every tensor of an output, those of a sense by `<sense>_<field>`."""
    flat = {}
    for name, value in vars(output).items():
        if isinstance(value, dict):
            flat |= {f'{sense}_{name}': tensor for sense, tensor in value.items()}
        else:
            flat[name] = value
    return flat


@pytest.mark.parametrize('side', [64, 96, 128, 256])
def test_the_student_answers_images_of_every_side_that_is_a_multiple_of_32(side):
    output = Student(PROFILE).eval()(torch.rand(2, 3, side, side))
    shapes = {name: tuple(value.shape) for name, value in tensors(output).items()}
    assert shapes == {
        'features': (2, 128),
        'texture': (2, 64),
        'logits': (2, 6),
        'touch_readings': (2, 256),
        'gas_readings': (2, 8),
        'quantities': (2, 4),
        'touch_readings_z': (2, 256),
        'gas_readings_z': (2, 8),
        'quantities_z': (2, 4),
        'touch_readings_logvar': (2, 256),
        'gas_readings_logvar': (2, 8),
        'quantities_logvar': (2, 4),
    }
    assert all(
        torch.isfinite(value).all() and value.dtype == torch.float32
        for value in tensors(output).values()
    )


@pytest.mark.parametrize(
    'shape', [(1, 3, 100, 100), (1, 3, 128, 96), (1, 1, 128, 128), (3, 128, 128)]
)
def test_an_image_of_another_form_is_refused_in_words(shape):
    with pytest.raises(
        ValueError, match=r'expected images \[B, 3, S, S\] with S a multiple of 32, got'
    ):
        Student(PROFILE)(torch.zeros(shape))


@pytest.mark.parametrize('side', [64, 128, 256])
def test_the_window_under_the_pad_has_each_taxel_at_its_place_on_the_wall(side):
    # centres of the cells of the map at stride 4
    mm = (torch.arange(side / 4) + 0.5) * 256 / side - 32
    y, x = torch.meshgrid(mm, mm, indexing='ij')
    window = pad_window(torch.stack([y, x])[None])[0]
    # a coarser map knows the outermost half taxel by its neighbour
    inner = (slice(1, -1), slice(1, -1))
    torch.testing.assert_close(window[0, :, 0][inner[0]], (torch.arange(8) * 2.0 - 7)[inner[0]])
    torch.testing.assert_close(window[1, 0][inner[1]], (torch.arange(16) * 2.0 - 15)[inner[1]])


def test_a_taxel_listens_most_to_the_pixels_under_it():
    torch.manual_seed(0)
    image = torch.rand(8, 3, 128, 128, requires_grad=True)
    row, column = 2, 5
    student = Student(PROFILE).eval()
    student.heads['touch'].local(student.trunk(image).windows['touch'])[
        :, 0, row, column
    ].sum().backward()
    weight = image.grad.abs().sum((0, 1))
    y, x = ((weight.sum(dim) * torch.arange(128)).sum() / weight.sum() for dim in (1, 0))
    assert (y.item(), x.item()) == pytest.approx(
        (48 + 4 * row + 1.5, 32 + 4 * column + 1.5), abs=2.0
    )


def test_published_readings_are_the_standard_ones_in_units_and_within_what_a_sensor_can_report():
    student = Student(PROFILE).eval()
    student.standardise['touch'].set(
        Statistics(mean=[40.0] * 128 + [0.1] * 128, std=[30.0] * 128 + [0.5] * 128)
    )
    student.standardise['gas'].set(
        Statistics(
            mean=[80.0, 400.0, 99.0, 20.0, 100.0, 1.0, 20.9, 10.0],
            std=[50.0, 60.0, 5e4, 5.0, 90.0, 9.0, 0.1, 90.0],
        )
    )
    student.standardise_quantities.set(
        Statistics(mean=[40.0, 0.5, 0.2, 0.3], std=[20.0, 3.0, 0.1, 0.2])
    )
    with torch.no_grad():
        student.trunk.laterals[0].weight.mul_(30)  # far answers, so that the limits are met
        output = student(torch.rand(16, 3, 64, 64))
    touch, gas = output.readings['touch'], output.readings['gas']
    raw = output.readings_z['touch'][:, :128] * 30 + 40
    torch.testing.assert_close(touch[:, :128], raw.clamp(0, 1000))
    for sense, reading in output.readings.items():
        low, high = (
            torch.from_numpy(PROFILE.senses[sense].per_element(end)) for end in ('min', 'max')
        )
        assert (reading >= low).all() and (reading <= high).all()
    assert (gas[:, 2] == 0).any() or (gas[:, 2] == 100).any()
    assert (output.quantities[:, [0, 1, 3]] >= 0).all()
    torch.testing.assert_close(output.quantities[:, 2], output.quantities_z[:, 2] * 0.1 + 0.2)


def test_every_parameter_of_the_student_learns():
    student = Student(PROFILE, StudentConfig(dropout=0.0))
    output = student(torch.rand(4, 3, 64, 64))
    sum(value.square().sum() for value in tensors(output).values()).backward()
    dead = [
        name
        for name, parameter in student.named_parameters()
        if not parameter.grad.abs().sum() > 0
    ]
    assert dead == []


def test_the_touch_map_learns_the_level_of_a_pad_and_the_shape_on_it():
    torch.manual_seed(0)
    student = Student(PROFILE, StudentConfig(stem_channels=8, channels=(16, 16, 16), dropout=0.0))
    optimiser = torch.optim.AdamW(student.parameters(), 3e-3)

    def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        level = torch.rand(32, 1, 1, 1)  # the tint of the whole view
        shape = torch.nn.functional.interpolate(torch.rand(32, 1, 8, 8), (64, 64), mode='bilinear')
        image = torch.cat([shape, shape, level.expand(-1, -1, 64, 64)], 1)
        local = pad_window(torch.nn.functional.avg_pool2d(shape, 4)).flatten(1)
        return image, 3 * level[:, :, 0, 0], 5 * local

    for step in range(200):
        optimiser.param_groups[0]['lr'] = 3e-3 * (1 - step / 200)
        image, level, local = batch()
        loss = (
            (student(image).readings_z['touch'] - torch.cat([level + local, level - local], 1))
            .square()
            .mean()
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        image, level, local = batch()
        texture, indentation = student(image).readings_z['touch'].chunk(2, 1)

    def r2(estimate: torch.Tensor, truth: torch.Tensor) -> float:
        return 1 - ((estimate - truth).square().mean() / truth.var()).item()

    assert r2((texture + indentation).mean(1, keepdim=True) / 2, level) > 0.9
    shapes = [
        value - value.mean(1, keepdim=True) for value in ((texture - indentation) / 2, local)
    ]
    assert r2(*shapes) > 0.9
