# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The teacher's promises: absent senses have no effect, present ones do, and freezing lasts."""

from typing import Any

import pytest
import torch
from torch import nn

from crossmodal_kd_ros.networks import Teacher, TeacherConfig, freeze, sense_statistics
from crossmodal_kd_ros.profile import load_profile

PROFILE = load_profile('living_wall')


def batch(
    size: int = 3, side: int = 64, *, touch: bool = True, gas: bool = True
) -> dict[str, Any]:
    """Make random readings, with senses present or not."""
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(size, *shape, generator=generator)

    return {
        'image': draw(3, side, side).sigmoid(),
        'readings': {'touch': draw(256), 'gas': draw(8)},
        'present': {'touch': torch.full((size,), touch), 'gas': torch.full((size,), gas)},
    }


@pytest.fixture(scope='module')
def teacher() -> Teacher:
    torch.manual_seed(1)
    return Teacher(PROFILE).eval()


@pytest.mark.parametrize('side', [64, 128, 160])
def test_the_teacher_answers_with_features_and_logits_and_says_where_it_looked(teacher, side):
    output = teacher(**batch(side=side), return_attention=True)
    assert output.features.shape == (3, 128) and output.logits.shape == (3, 6)
    attention = output.attention
    assert attention.image.shape == (3, side // 16, side // 16)
    assert attention.contact['touch'].shape == (3, 4, 4)
    assert attention.elements['touch'].shape == (3, 8, 16)
    assert attention.elements['gas'].shape == (3, 8)
    shares = [attention.image, attention.contact['touch']]
    shares += [*attention.elements.values(), *attention.summary.values()]
    torch.testing.assert_close(sum(share.reshape(3, -1).sum(1) for share in shares), torch.ones(3))


@pytest.mark.parametrize('sense', ['touch', 'gas'])
def test_what_an_absent_sense_holds_has_no_effect_even_when_it_is_nan(teacher, sense):
    sample = batch(**{sense: False})
    answer = teacher(**sample).logits
    sample['readings'][sense].fill_(float('nan'))
    assert torch.equal(teacher(**sample).logits, answer)


@pytest.mark.parametrize('sense', ['touch', 'gas'])
def test_an_absent_sense_full_of_nan_leaves_gradients_finite_and_teaches_its_mask(sense):
    sample = batch(**{sense: False})
    sample['readings'][sense].fill_(float('nan'))
    teacher = Teacher(PROFILE)
    teacher(**sample).logits.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in teacher.parameters() if p.grad is not None)
    assert teacher.mask[sense].grad.abs().sum() > 0


def test_each_sample_of_a_batch_follows_its_own_flags(teacher):
    sample = batch()
    sample['present'] = {
        'touch': torch.tensor([True, False, False]),
        'gas': torch.tensor([True, True, False]),
    }
    together = teacher(**sample).logits

    def row(values: dict[str, torch.Tensor], index: int) -> dict[str, torch.Tensor]:
        return {name: value[index : index + 1] for name, value in values.items()}

    alone = torch.cat(
        [
            teacher(
                sample['image'][i : i + 1], row(sample['readings'], i), row(sample['present'], i)
            ).logits
            for i in range(3)
        ]
    )
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_every_taxel_and_every_channel_of_gas_can_change_the_decision(teacher):
    sample = batch()
    readings = sample['readings']
    for reading in readings.values():
        reading.requires_grad_()
    teacher(**sample).logits[:, 0].sum().backward()
    assert (readings['touch'].grad != 0).all() and (readings['gas'].grad != 0).all()


def test_every_parameter_but_the_masks_learns_when_all_senses_are_present():
    teacher = Teacher(PROFILE, TeacherConfig(dropout=0.0))
    teacher(**batch()).logits.square().sum().backward()
    dead = [
        name
        for name, p in teacher.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert [name for name in dead if not name.startswith('mask.')] == []


def test_a_reading_beyond_the_clamp_counts_as_one_at_the_clamp(teacher):
    sample = batch()
    sample['readings']['touch'][:, 7] = 10.0
    answer = teacher(**sample).logits
    sample['readings']['touch'][:, 7] = 1e9
    assert torch.equal(teacher(**sample).logits, answer)


def test_the_statistics_of_a_grid_are_those_of_each_channel():
    texture, indentation = torch.arange(128.0), torch.full((128,), 3.0)
    reading = torch.cat([texture, indentation])[None]
    statistics = sense_statistics(PROFILE.senses['touch'], reading)[0]
    assert statistics.tolist() == pytest.approx(
        [63.5, texture.std(correction=0).item(), 127, 64, 95, 114, 123, 3, 0, 3, 3, 3, 3, 3]
    )


def test_a_frozen_teacher_keeps_still_when_its_parent_trains():
    parent = nn.ModuleDict({'teacher': freeze(Teacher(PROFILE)), 'other': nn.BatchNorm1d(2)})
    parent.train()
    assert parent['other'].training
    assert not any(module.training for module in parent['teacher'].modules())
    assert not any(parameter.requires_grad for parameter in parent['teacher'].parameters())
    before = {name: value.clone() for name, value in parent['teacher'].state_dict().items()}
    parent['teacher'](**batch())
    assert all(
        torch.equal(value, before[name]) for name, value in parent['teacher'].state_dict().items()
    )
