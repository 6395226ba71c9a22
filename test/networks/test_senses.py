# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Networks of any profile: grids of odd sizes, in view or not, channels, no quantities at all."""

import numpy as np
import pytest
import torch
from three_senses import AIR, PAD, SKIN, three_senses
from torch import nn

from crossmodal_kd_ros.networks import (
    Student,
    StudentConfig,
    Teacher,
    TeacherConfig,
    load_student,
    load_teacher,
    save_weights,
)
from crossmodal_kd_ros.networks.encoders import average_down
from crossmodal_kd_ros.networks.senses import (
    module_key,
    patch_shape,
    sense_statistics,
    statistics_size,
)
from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.runtime import make_engine

PROFILE = three_senses()


def readings(count: int) -> dict[str, torch.Tensor]:
    return {name: torch.randn(count, sense.size) for name, sense in PROFILE.senses.items()}


def present(count: int, *names: str) -> dict[str, torch.Tensor]:
    return {name: torch.full((count,), name in names) for name in PROFILE.senses}


@pytest.mark.parametrize(
    ('shape', 'patch'),
    [
        ([2, 8, 16], (2, 4)),
        ([1, 5, 7], (1, 1)),
        ([1, 3, 12], (1, 3)),
        ([1, 10, 9], (2, 1)),
        ([1, 1, 32], (1, 8)),
    ],
)
def test_a_patch_is_the_largest_divisor_up_to_a_fourth_of_a_side(shape, patch):
    touch = load_profile('living_wall').senses['touch']
    channels = touch.channels[: shape[0]]
    assert patch_shape(touch.model_copy(update={'shape': shape, 'channels': channels})) == patch


def test_the_student_predicts_every_sense_and_quantity_of_its_profile():
    output = Student(PROFILE).eval()(torch.rand(2, 3, 64, 64))
    sizes = {name: tuple(value.shape) for name, value in output.readings.items()}
    assert sizes == {PAD: (2, 70), SKIN: (2, 36), AIR: (2, 3)}
    assert output.logits.shape == (2, 3) and output.quantities.shape == (2, 2)


def test_only_a_grid_in_the_view_is_seen_under():
    student = Student(PROFILE)
    windows = student.trunk(torch.rand(2, 3, 64, 64)).windows
    assert {name: tuple(window.shape) for name, window in windows.items()} == {PAD: (2, 32, 5, 7)}
    assert hasattr(student.heads[PAD], 'local') and not hasattr(student.heads[SKIN], 'local')


@pytest.mark.parametrize('name', ['gripper', 'air'])
def test_a_profile_without_a_footprint_has_no_window(name):
    profile = load_profile(name)
    student, teacher = Student(profile), Teacher(profile)
    assert student.trunk(torch.rand(1, 3, 64, 64)).windows == {}
    assert student.trunk.pooled_features == 2 * (128 + 32 + 64)
    sense = next(iter(profile.senses))
    output = teacher.eval()(
        torch.rand(1, 3, 64, 64),
        {sense: torch.zeros(1, profile.senses[sense].size)},
        {sense: torch.tensor([True])},
    )
    assert output.logits.shape == (1, 3)


def test_a_profile_without_quantities_works():
    student = Student(three_senses(quantities={})).eval()
    output = student(torch.rand(2, 3, 64, 64))
    for value in (output.quantities, output.quantities_logvar, student.quantities_std(output)):
        assert value.shape == (2, 0)


def test_the_teacher_attends_to_every_sense_and_its_shares_sum_to_one():
    attention = (
        Teacher(PROFILE)
        .eval()(
            torch.rand(2, 3, 64, 64),
            readings(2),
            present(2, *PROFILE.senses),
            return_attention=True,
        )
        .attention
    )
    assert {name: tuple(share.shape) for name, share in attention.contact.items()} == {
        PAD: (2, 5, 7)
    }
    assert {name: tuple(share.shape) for name, share in attention.elements.items()} == {
        PAD: (2, 5, 7),
        SKIN: (2, 3, 12),
        AIR: (2, 3),
    }
    parts = (
        attention.image,
        *attention.contact.values(),
        *attention.elements.values(),
        *attention.summary.values(),
    )
    torch.testing.assert_close(sum(part.reshape(2, -1).sum(1) for part in parts), torch.ones(2))


@pytest.mark.parametrize('absent', [PAD, SKIN, AIR])
def test_each_sense_alone_can_be_absent(absent):
    teacher, image, values = Teacher(PROFILE).eval(), torch.rand(2, 3, 64, 64), readings(2)
    names = [name for name in PROFILE.senses if name != absent]
    answer = teacher(image, values, present(2, *names)).logits
    assert not torch.equal(teacher(image, values, present(2, *PROFILE.senses)).logits, answer)
    values[absent] = torch.full_like(values[absent], float('nan'))
    assert torch.equal(teacher(image, values, present(2, *names)).logits, answer)


def test_every_parameter_of_either_network_learns():
    student = Student(PROFILE, StudentConfig(dropout=0.0))
    output = student(torch.rand(4, 3, 64, 64))
    values = [output.logits, output.quantities_z, output.quantities_logvar]
    values += [*output.readings_z.values(), *output.readings_logvar.values()]
    sum(value.square().sum() for value in values).backward()
    teacher = Teacher(PROFILE, TeacherConfig(dropout=0.0))
    for names in (PROFILE.senses, ()):
        teacher(torch.rand(3, 3, 64, 64), readings(3), present(3, *names)).logits.sum().backward()
    for network in (student, teacher):
        dead = [
            name
            for name, parameter in network.named_parameters()
            if parameter.grad is None or not parameter.grad.abs().sum() > 0
        ]
        assert dead == []


def test_the_statistics_of_channels_are_the_channels():
    air, skin = PROFILE.senses[AIR], PROFILE.senses[SKIN]
    reading = torch.rand(2, 3)
    assert sense_statistics(air, reading) is reading and statistics_size(air) == 3
    assert sense_statistics(skin, torch.rand(2, 36)).shape == (2, statistics_size(skin)) == (2, 7)


@pytest.mark.parametrize(('side', 'small'), [(128, 64), (128, 32), (96, 64), (160, 128)])
def test_a_larger_image_is_averaged_down(side, small):
    image = torch.rand(2, 3, side, side)
    torch.testing.assert_close(
        average_down(image, small), torch.nn.functional.adaptive_avg_pool2d(image, small)
    )


NAMES = ('type', 'values', 'train')


def named_like_parts_of_torch() -> Profile:
    """Return a profile whose senses have names that `nn.ModuleDict` has, too."""
    senses = dict(zip(NAMES, PROFILE.model_dump(exclude_unset=True)['senses'].values()))
    return three_senses(senses=senses, quantities={})


def test_the_senses_of_the_shipped_weights_keep_their_names_and_no_two_share_one():
    assert [module_key(name) for name in ('touch', 'gas', 'air', 'type', 'type_')] == [
        'touch',
        'gas',
        'air',
        'type_',
        'type__',
    ]
    for parts in (nn.ModuleDict(), nn.ParameterDict()):
        assert not hasattr(parts, module_key('keys')) and not hasattr(parts, module_key('get'))


def test_a_sense_may_be_called_like_a_part_of_torch(tmp_path):
    profile = named_like_parts_of_torch()
    small = {'stem_channels': 4, 'channels': (8, 8, 8), 'features': 16}
    for network in (
        Student(profile, StudentConfig(**small)),
        Teacher(profile, TeacherConfig(**small, width=16, layers=1, heads=2)),
    ):
        save_weights(network, tmp_path / f'{network.kind}.safetensors', card={})
    student = load_student(tmp_path / 'student.safetensors', profile)
    teacher = load_teacher(tmp_path / 'teacher.safetensors', profile)
    image = torch.rand(2, 3, 64, 64)
    readings = student(image).readings
    assert {name: values.shape[1] for name, values in readings.items()} == {
        name: sense.size for name, sense in profile.senses.items()
    }
    output = teacher(image, readings, dict.fromkeys(NAMES, torch.ones(2, dtype=bool)))
    assert output.logits.shape == (2, 3)
    student.set_statistics({n: v.detach().numpy() for n, v in readings.items()}, np.zeros((2, 0)))
    engine = make_engine('torch', tmp_path, profile)
    assert set(engine.perceive(torch.zeros(1, 64, 64, 3, dtype=torch.uint8).numpy()).readings) == {
        *NAMES
    }
