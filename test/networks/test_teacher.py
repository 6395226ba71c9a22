# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The teacher's promises: absent senses have no effect, present ones do, and freezing lasts."""

import pytest
import torch
from torch import nn

from crossmodal_kd_ros.networks import Teacher, TeacherConfig, freeze
from crossmodal_kd_ros.networks.teacher import touch_statistics


def batch(
    size: int = 3, side: int = 64, *, touch: bool = True, gas: bool = True
) -> dict[str, torch.Tensor]:
    """Make random readings, with senses present or not."""
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(size, *shape, generator=generator)

    return {
        'image': draw(3, side, side).sigmoid(),
        'touch': draw(256),
        'gas': draw(8),
        'touch_present': torch.full((size,), touch),
        'gas_present': torch.full((size,), gas),
    }


@pytest.fixture(scope='module')
def teacher() -> Teacher:
    torch.manual_seed(1)
    return Teacher().eval()


@pytest.mark.parametrize('side', [64, 128, 160])
def test_the_teacher_answers_with_features_and_logits_and_says_where_it_looked(teacher, side):
    output = teacher(**batch(side=side), return_attention=True)
    assert output.features.shape == (3, 128) and output.logits.shape == (3, 6)
    shares = vars(output.attention)
    assert shares['image'].shape == (3, side // 16, side // 16)
    assert shares['taxels'].shape == (3, 8, 16) and shares['gas'].shape == (3, 8)
    torch.testing.assert_close(
        sum(share.reshape(3, -1).sum(1) for share in shares.values()), torch.ones(3)
    )


@pytest.mark.parametrize('sense', ['touch', 'gas'])
def test_what_an_absent_sense_holds_has_no_effect_even_when_it_is_nan(teacher, sense):
    readings = batch(**{sense: False})
    answer = teacher(**readings).logits
    readings[sense] = torch.full_like(readings[sense], float('nan'))
    assert torch.equal(teacher(**readings).logits, answer)


@pytest.mark.parametrize('sense', ['touch', 'gas'])
def test_an_absent_sense_full_of_nan_leaves_gradients_finite_and_teaches_its_mask(sense):
    readings = batch(**{sense: False})
    readings[sense] = torch.full_like(readings[sense], float('nan'))
    teacher = Teacher()
    teacher(**readings).logits.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in teacher.parameters() if p.grad is not None)
    assert getattr(teacher, f'{sense}_mask').grad.abs().sum() > 0


def test_each_sample_of_a_batch_follows_its_own_flags(teacher):
    readings = batch()
    readings['touch_present'] = torch.tensor([True, False, False])
    readings['gas_present'] = torch.tensor([True, True, False])
    together = teacher(**readings).logits
    alone = torch.cat(
        [
            teacher(**{name: value[i : i + 1] for name, value in readings.items()}).logits
            for i in range(3)
        ]
    )
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_every_taxel_and_every_channel_of_gas_can_change_the_decision(teacher):
    readings = batch()
    for sense in ('touch', 'gas'):
        readings[sense].requires_grad_()
    teacher(**readings).logits[:, 0].sum().backward()
    assert (readings['touch'].grad != 0).all() and (readings['gas'].grad != 0).all()


def test_every_parameter_but_the_masks_learns_when_all_senses_are_present():
    teacher = Teacher(TeacherConfig(dropout=0.0))
    teacher(**batch()).logits.square().sum().backward()
    dead = [
        name
        for name, p in teacher.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert [name for name in dead if not name.endswith('_mask')] == []


def test_a_reading_beyond_the_clamp_counts_as_one_at_the_clamp(teacher):
    readings = batch()
    readings['touch'][:, 7] = 10.0
    answer = teacher(**readings).logits
    readings['touch'][:, 7] = 1e9
    assert torch.equal(teacher(**readings).logits, answer)


def test_touch_statistics_are_those_of_each_bank():
    texture, indentation = torch.arange(128.0), torch.full((128,), 3.0)
    statistics = touch_statistics(torch.cat([texture, indentation])[None])[0]
    assert statistics.tolist() == pytest.approx(
        [63.5, texture.std(correction=0).item(), 127, 64, 95, 114, 123, 3, 0, 3, 3, 3, 3, 3]
    )


def test_a_frozen_teacher_keeps_still_when_its_parent_trains():
    parent = nn.ModuleDict({'teacher': freeze(Teacher()), 'other': nn.BatchNorm1d(2)})
    parent.train()
    assert parent['other'].training
    assert not any(module.training for module in parent['teacher'].modules())
    assert not any(parameter.requires_grad for parameter in parent['teacher'].parameters())
    before = {name: value.clone() for name, value in parent['teacher'].state_dict().items()}
    parent['teacher'](**batch())
    assert all(
        torch.equal(value, before[name]) for name, value in parent['teacher'].state_dict().items()
    )
