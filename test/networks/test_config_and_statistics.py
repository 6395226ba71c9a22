# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sizes and statistics are refused in words; readings go to standard units and back."""

import numpy as np
import pytest
import torch

from crossmodal_kd_ros.networks import Standardiser, Statistics, StudentConfig, TeacherConfig
from crossmodal_kd_ros.profile import load_profile

PROFILE = load_profile('living_wall')


@pytest.mark.parametrize(
    'config, field, value',
    [
        (StudentConfig, 'channels', (48, 96)),
        (StudentConfig, 'blocks', (1, 0)),
        (StudentConfig, 'features', 0),
        (StudentConfig, 'features', True),
        (StudentConfig, 'dropout', 1.0),
        (StudentConfig, 'grid_rank', 2.5),
        (StudentConfig, 'view_px', 48),
        (TeacherConfig, 'clamp_sigma', 0),
        (TeacherConfig, 'layers', -1),
        (TeacherConfig, 'dropout', 'none'),
    ],
)
def test_a_size_that_no_network_can_have_is_refused_with_the_value_that_came(config, field, value):
    with pytest.raises(ValueError, match='input_value=') as caught:
        config(**{field: value})
    last = value[-1] if isinstance(value, tuple) and value[-1] == 0 else value
    assert field in str(caught.value) and f'input_value={last!r}' in str(caught.value)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match='heads to divide width, got 3 heads for a width of 128'):
        TeacherConfig(heads=3)


def test_statistics_standardise_a_grid_over_each_channel_and_channels_one_by_one():
    generator = np.random.default_rng(0)
    touch = np.concatenate(
        [generator.normal(40, 5, (500, 128)), generator.normal(0.3, 0.1, (500, 128))], 1
    )
    gas = generator.uniform(1.0, 20.0, (500, 8))
    standardise = {name: Standardiser.of_sense(s) for name, s in PROFILE.senses.items()}
    for name, readings in (('touch', touch), ('gas', gas)):
        standardise[name].set(Statistics.of_sense(PROFILE.senses[name], readings))
    z = standardise['touch'].to_standard(torch.tensor(touch, dtype=torch.float32))
    for bank in z.chunk(2, 1):
        assert (bank.mean().item(), bank.std().item()) == pytest.approx((0, 1), abs=1e-3)
    gas_z = standardise['gas'].to_standard(torch.tensor(gas, dtype=torch.float32))
    torch.testing.assert_close(gas_z.mean(0), torch.zeros(8), rtol=0, atol=1e-4)
    torch.testing.assert_close(
        standardise['gas'].to_units(gas_z), torch.tensor(gas, dtype=torch.float32)
    )


def test_units_end_where_a_working_sensor_and_a_quantity_do():
    far = torch.tensor([-1e9, 1e9])[:, None]
    low, high = Standardiser.of_sense(PROFILE.senses['gas']).to_units(far.expand(-1, 8))
    assert low.tolist() == [channel.min for channel in PROFILE.senses['gas'].channels]
    assert high.tolist() == [channel.max for channel in PROFILE.senses['gas'].channels]
    low, high = Standardiser.of_quantities(PROFILE).to_units(far.expand(-1, 4))
    # Roughness, depth and width are not negative; an absorption may be.
    assert low.tolist() == [0.0, 0.0, -1e9, 0.0] and high.tolist() == [1e9] * 4


def test_a_channel_that_never_varies_is_standardised_to_zero():
    statistics = Statistics.of_columns(np.array([[5.0, 1.0], [5.0, 3.0]]))
    assert (statistics.mean.tolist(), statistics.std.tolist()) == ([5.0, 2.0], [1.0, 1.0])


def test_what_is_not_known_counts_in_no_statistics():
    nan = np.nan
    statistics = Statistics.of_columns(np.array([[1.0, nan], [nan, nan], [5.0, nan]]))
    assert (statistics.mean.tolist(), statistics.std.tolist()) == ([3.0, 0.0], [2.0, 1.0])


@pytest.mark.parametrize(
    'changes, message',
    [
        ({'std': np.r_[0.0, np.ones(7)]}, 'std to be finite and positive'),
        ({'mean': np.r_[np.nan, np.ones(7)]}, 'mean to be finite'),
        ({'std': np.ones(7)}, r'std to be of shape \[8\], got \[7\]'),
    ],
)
def test_statistics_that_cannot_be_divided_by_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Statistics(**{'mean': np.ones(8), 'std': np.ones(8), **changes})
