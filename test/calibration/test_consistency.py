# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the student predicts against what senses measure: a gas module, the pad, other grids."""

import dataclasses

import numpy as np
import pytest
from three_senses import PAD, three_senses

from crossmodal_kd_ros.calibration.consistency import (
    WINDOWS_S,
    Places,
    ResidualModel,
    ResidualMonitor,
    feature_names,
    grid_features,
    residual,
)
from crossmodal_kd_ros.profile import load_profile

SECOND = 1_000_000_000
PERIOD_S = 0.1
TOUCH, GAS = load_profile().senses['touch'], load_profile().senses['gas']
GAS_NAMES, TOUCH_FEATURES = GAS.channel_names, feature_names(TOUCH)
PREDICTED = np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0])
# A residual of a standard deviation of 1 in each channel; limits of 5, 3 and 1.5 of them over the
# three windows.
MODEL = ResidualModel(
    bias=np.zeros(8),
    scale=np.ones(8),
    whitening=np.eye(8),
    limits=np.repeat([[5.0], [3.0], [1.5]], 9, 1),
)


class Module:
    """A gas module compared with pictures, at 10 Hz as a rule.

    Panels of the wall, of which each is looked at for 5 s, deceive the student by one deviation.
    """

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self.period_s, self.at_a_panel = period_s, max(1, round(5.0 / period_s))
        self.monitor, self.rng, self.step = (
            ResidualMonitor(GAS, MODEL, period_s),
            np.random.default_rng(0),
            0,
        )

    def feed(self, seconds: float, offset=0.0):
        for _ in range(round(seconds / self.period_s)):
            if self.step % self.at_a_panel == 0:
                self.panel = np.clip(self.rng.standard_normal(8), -2.0, 2.0)
            self.step += 1
            verdict = self.monitor.take(
                round(self.step * self.period_s * SECOND),
                PREDICTED + self.panel + offset,
                PREDICTED,
                place=self.step // self.at_a_panel,
            )
        return verdict


@pytest.fixture
def gas() -> Module:
    """Return a module that has been healthy for half a minute."""
    gas = Module()
    gas.feed(30.0)
    return gas


def test_the_errors_of_the_student_itself_accuse_nobody(gas):
    assert all(gas.feed(1.0) is None for _ in range(300))


def test_a_step_is_noticed_within_seconds_and_the_verdict_has_channel_figure_and_limit(gas):
    offset = np.where(np.arange(8) == GAS_NAMES.index('voc_index'), 9.0, 0.0)
    assert gas.feed(0.1, offset) is None
    verdict = gas.feed(2.0, offset)

    assert verdict.feature == 'voc_index' and verdict.deviation > verdict.limit
    assert (verdict.together, verdict.limit, verdict.window_s) == (None, 5.0, 0.5)


def test_a_small_offset_is_noticed_late_by_the_mean_over_many_panels(gas):
    offset = np.where(np.arange(8) == 3, 2.6, 0.0)
    assert gas.feed(5.0, offset) is None
    verdict = gas.feed(60.0, offset)

    assert verdict.feature == 'surface_temperature_c' and verdict.deviation > 1.5
    assert (verdict.limit, verdict.window_s) == (1.5, 20.0)


def test_many_small_offsets_are_noticed_together(gas):
    limits = MODEL.limits.copy()
    limits[:, :-1] = 9.0
    gas.monitor = ResidualMonitor(GAS, dataclasses.replace(MODEL, limits=limits), PERIOD_S)
    gas.feed(30.0)
    verdict = gas.feed(60.0, np.where(np.arange(8) == 3, 4.0, 3.0))

    assert verdict.feature == 'surface_temperature_c' and verdict.deviation < 9.0
    assert verdict.together > verdict.limit


def test_a_sensor_that_is_right_again_is_forgiven(gas):
    assert gas.feed(5.0, 9.0)
    assert gas.feed(80.0) is None


def test_a_verdict_stands_between_its_two_limits():
    monitor = ResidualMonitor(GAS, MODEL, PERIOD_S)
    for step in range(20):
        monitor.take(step * SECOND // 10, PREDICTED + 5.5, PREDICTED, 0)
    verdicts = [
        monitor.take((20 + step) * SECOND // 10, PREDICTED + 4.0, PREDICTED, 0)
        for step in range(10)
    ]

    assert all(verdicts)


def test_one_place_is_one_piece_of_evidence_however_long_it_is_looked_at():
    deceived, offset = ResidualMonitor(GAS, MODEL, PERIOD_S), np.where(np.arange(8) == 3, 2.6, 0.0)
    passing = ResidualMonitor(GAS, MODEL, PERIOD_S)
    verdicts = [
        [
            deceived.take(step * SECOND // 10, PREDICTED + offset, PREDICTED, place=0),
            passing.take(step * SECOND // 10, PREDICTED + offset, PREDICTED, place=step // 50),
        ]
        for step in range(3000)
    ]

    # Of five minutes at one place 5 s count; 5 s at each of some places tell a broken sense.
    assert all(of_one is None for of_one, _ in verdicts)
    assert verdicts[-1][1].window_s == 20.0


def test_two_places_to_and_fro_are_two_pieces_of_evidence():
    monitor = ResidualMonitor(GAS, MODEL, PERIOD_S)
    offset = np.where(np.arange(8) == 3, 2.6, 0.0)

    # Two of four places: a mean of 2.6 x 0.44 over 20 s, under the limit of 1.5.
    for step in range(3000):
        place = step // 50 % 2
        assert monitor.take(step * SECOND // 10, PREDICTED + offset, PREDICTED, place) is None


def test_an_accused_sense_is_not_cleared_by_standing_still_at_a_place_where_it_disagrees():
    monitor, offset = ResidualMonitor(GAS, MODEL, PERIOD_S), np.where(np.arange(8) == 3, 2.6, 0.0)
    for step in range(600):
        verdict = monitor.take(step * SECOND // 10, PREDICTED + offset, PREDICTED, step // 50)
    assert verdict
    for step in range(600, 1200):
        assert monitor.take(step * SECOND // 10, PREDICTED + offset, PREDICTED, 99)
    # It agrees again at the same place: that clears it.
    for step in range(1200, 2000):
        verdict = monitor.take(step * SECOND // 10, PREDICTED, PREDICTED, 99)
    assert verdict is None


def test_a_place_is_known_again_by_its_picture():
    places = Places(1.0)
    first, second = np.zeros(16), np.full(16, 2.0)

    assert [places.find(one) for one in (first, first + 0.9, second, first)] == [1, 1, 2, 1]
    for far in range(3, 40):  # more places than are remembered; the first was seen last
        places.find(np.full(16, 4.0 * far))
        assert places.find(first) == 1
    assert places.find(second) not in (1, 2)


def test_a_gap_clears_no_accusation_and_agreement_at_several_places_after_it_does(gas):
    assert gas.feed(5.0, 9.0)
    gas.step += 1000  # no picture that counts for 100 s

    assert gas.feed(0.4)
    assert gas.feed(60.0) is None


def test_a_gap_is_no_evidence():
    monitor = ResidualMonitor(GAS, MODEL, PERIOD_S)
    for place in range(100):  # 4 deviations, in one picture in 3 s
        assert monitor.take(place * 3 * SECOND, PREDICTED + 4.0, PREDICTED, place) is None


@pytest.mark.parametrize('period_s', [1.0, 2.0, 5.0, 30.0, 3600.0])
def test_pictures_that_come_seldom_tell_by_as_many_places(period_s):
    gas, place_s = Module(period_s), max(5.0, period_s)

    assert all(gas.feed(period_s) is None for _ in range(300))
    assert gas.feed(2.0 * place_s, np.where(np.arange(8) == 3, 9.0, 0.0))
    assert gas.feed(60.0 * place_s) is None
    verdict = gas.feed(12.0 * place_s, np.where(np.arange(8) == 3, 2.6, 0.0))
    assert (verdict.limit, verdict.window_s) == (1.5, 4.0 * place_s)
    assert gas.feed(60.0 * place_s) is None


def test_the_features_of_touch_are_what_they_are_called():
    touch = np.concatenate([np.full(128, 39.0), np.full(128, 0.5)])
    touch[200] = 4.5

    features = dict(zip(TOUCH_FEATURES, grid_features(TOUCH, touch)))

    assert features['texture level'] == pytest.approx(np.log(40.0))
    assert features['texture spread'] == 0.0
    assert features['least indentation'] == features['median indentation'] == pytest.approx(0.5)
    # One taxel in 128 is not the 98th percentile: a crack has more than one.
    floor_mm = 0.1 * TOUCH.channels[1].noise_floor
    assert features['indentation peak'] == pytest.approx(np.log(floor_mm))
    assert len(WINDOWS_S) == len(MODEL.limits)


def test_more_detail_than_the_picture_shows_is_no_contradiction_and_less_is():
    rng = np.random.default_rng(0)
    plain = np.concatenate([np.full(128, 40.0), np.full(128, 0.5)])
    detailed = plain + np.repeat([10.0, 0.3], 128) * rng.standard_normal(256)
    alone = [TOUCH_FEATURES.index(name) for name in ('texture spread', 'indentation detail')]
    model = ResidualModel(
        bias=np.zeros(6), scale=np.ones(6), whitening=np.eye(6), limits=np.full((3, 7), 1.0)
    )

    assert (model.standardise(TOUCH, residual(TOUCH, detailed, plain))[alone] == 0.0).all()
    assert (model.standardise(TOUCH, residual(TOUCH, plain, detailed))[alone] < 0.0).all()


def test_a_pad_is_forgiven_only_after_it_has_agreed_for_twenty_seconds():
    model = ResidualModel(
        bias=np.zeros(6), scale=np.ones(6), whitening=np.eye(6), limits=np.full((3, 7), 1.0)
    )
    monitor, plain = (
        ResidualMonitor(TOUCH, model, PERIOD_S),
        np.concatenate([np.full(128, 40.0), np.full(128, 0.5)]),
    )
    lifted = plain + np.repeat([0.0, 1.5], 128)
    verdicts = [
        monitor.take(step * SECOND // 10, lifted if 50 <= step < 60 else plain, plain, step // 50)
        for step in range(400)
    ]

    assert verdicts[45] is None and verdicts[58].feature == 'least indentation'
    assert all(verdicts[58:255]) and verdicts[275] is None


@pytest.mark.parametrize(('before_s', 'gap_s'), [(0, 60), (0, 120), (0, 1000), (15, 120)])
def test_a_gap_is_no_part_of_the_time_for_which_a_pad_has_to_agree(before_s, gap_s):
    model = ResidualModel(
        bias=np.zeros(6), scale=np.ones(6), whitening=np.eye(6), limits=np.full((3, 7), 1.0)
    )
    monitor = ResidualMonitor(TOUCH, model, PERIOD_S)
    plain = np.concatenate([np.full(128, 40.0), np.full(128, 0.5)])
    lifted, agreed_s = plain + np.repeat([0.0, 9.0], 128), 0.0
    for step in range(10):
        assert bool(monitor.take(step * SECOND // 10, lifted, plain, 0)) == (step > 0)
    for step in range(10, 1000):
        now_s = step / 10 + (gap_s if step >= 10 * (1 + before_s) else 0)
        if monitor.take(round(now_s * SECOND), plain, plain, 1 + step // 50) is None:
            break
        agreed_s += 0.1

    assert agreed_s >= 19.9


def test_the_features_of_any_grid_are_those_of_its_profile():
    pad = three_senses().senses[PAD]
    reading = np.r_[np.full(35, 3.0), np.full(35, -2.0)]
    names = [f'{feature} {name}' for name in ('force', 'slip') for feature in ('least', 'median')]

    assert set(names) < set(feature_names(pad))
    features = dict(zip(feature_names(pad), grid_features(pad, reading)))
    # Without a noise floor a hundredth of the range stands in for it: 0.2 N, 0.1 mm/s.
    assert [features[name] for name in names] == [3.0, 3.0, -2.0, -2.0]
    assert features['slip peak'] == pytest.approx(np.log(0.1 * 0.1))
    assert features['force detail'] == pytest.approx(np.log(0.03 * 0.2))


def test_a_grid_of_one_column_has_the_features_of_one_row():
    pad = three_senses().senses[PAD]
    row, column = (pad.model_copy(update={'shape': shape}) for shape in ((2, 1, 35), (2, 35, 1)))
    readings = np.random.default_rng(0).uniform(-5.0, 5.0, (3, 70))

    np.testing.assert_array_equal(grid_features(column, readings), grid_features(row, readings))
    assert np.isfinite(grid_features(column, readings)).all()


def test_the_level_of_a_signed_channel_is_taken_above_its_least_value():
    pad = three_senses().senses[PAD]
    slip = pad.channels[1].model_copy(update={'features': ('level', 'spread')})
    signed = pad.model_copy(update={'channels': (pad.channels[0], slip)})
    reading = np.r_[np.zeros(35), np.tile([-3.0, 1.0], 18)[:35]]
    features = dict(zip(feature_names(signed), grid_features(signed, reading)))
    above = reading[35:] + 5.0

    assert features['slip level'] == pytest.approx(np.log(above.mean() + 0.05 * 0.1))
    assert features['slip spread'] == pytest.approx(above.std() / (above.mean() + 0.05 * 0.1))


def test_the_residual_of_channels_is_their_difference():
    np.testing.assert_array_equal(residual(GAS, PREDICTED + 2.0, PREDICTED), np.full(8, 2.0))
