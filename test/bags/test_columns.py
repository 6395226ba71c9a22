# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What metrics keep of a replay: as much as is asked for, however long it is."""

import numpy as np
import pytest

from crossmodal_kd_ros.bags.columns import EstimateErrors, EvenSample, TimeColumns

START_NS = 1_700_000_000_000_000_000


def test_columns_of_a_long_run_keep_every_value_in_fewer_stretches():
    columns = TimeColumns(['a', 'b'])
    times_s = np.arange(0.0, 400.0, 0.05)
    for t_s in times_s:
        columns.add(START_NS + round(t_s * 1e9), {'a': 1.0, 'b': t_s})
    assert columns.sums('a').sum() == len(times_s)
    assert len(columns.seconds) <= 1800
    # 400 s in 1800 stretches of a thirtieth of a second, doubled three times.
    assert columns.width_s == pytest.approx(8 / 30, rel=1e-6)
    middles_s = columns.seconds + columns.width_s / 2
    assert np.allclose(columns.means('b', 'a'), middles_s, atol=columns.width_s)


def test_a_stretch_without_a_count_has_no_mean():
    columns = TimeColumns(['value', 'count'])
    columns.add(START_NS, {'value': 3.0, 'count': 1.0})
    columns.add(START_NS + 100_000_000, {})
    assert columns.means('value', 'count')[0] == 3.0
    assert np.isnan(columns.means('value', 'count')[1:]).all()


def test_a_time_before_the_first_counts_with_the_first():
    columns = TimeColumns(['a'])
    columns.add(START_NS, {'a': 1.0})
    columns.add(START_NS - 5_000_000_000, {'a': 1.0})
    assert columns.sums('a').tolist() == [2.0]
    assert (columns.start_ns, columns.duration_s) == (START_NS, 0.0)


@pytest.mark.parametrize('count', [0, 1, 7, 8, 16, 17, 1000])
def test_a_sample_is_evenly_spaced_and_not_larger_than_asked_for(count):
    sample = EvenSample(8)
    made = []
    for item in range(count):
        is_kept = item % sample._step == 0
        sample.add(lambda item=item: made.append(item) or item)
        assert (made[-1:] == [item]) == is_kept
    chosen = sample.chosen()
    assert len(sample) == count and len(sample._kept) <= 16
    assert len(chosen) == min(count, 8)
    if count >= 8:
        # From both ends, and no gap is much longer than another.
        assert chosen[0] == 0 and chosen[-1] >= 0.85 * (count - 1)
        assert np.ptp(np.diff(chosen)) <= 2 * sample._step


def test_errors_are_those_of_all_pairs_at_once():
    rng = np.random.default_rng(0)
    estimates, measured = rng.normal(size=(2, 150, 6))
    errors = EstimateErrors()
    for estimate, measurement in zip(estimates, measured):
        errors.add(['a', 'b'], estimate, measurement)  # three values of each
    table = errors.table()
    for name, columns in (('a', slice(0, 3)), ('b', slice(3, 6))):
        error = np.abs(estimates[:, columns] - measured[:, columns]).mean()
        assert table[name]['mean_absolute_error'] == pytest.approx(error, abs=1e-4)
        assert table[name]['measured_sd'] == pytest.approx(measured[:, columns].std(), abs=1e-4)
