# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the student predicts against what touch and gas measure."""

import numpy as np
import pytest

from crossmodal_kd_ros.calibration.consistency import (
    TOUCH_FEATURES,
    WINDOWS_S,
    ResidualModel,
    ResidualMonitor,
    residual,
    touch_features,
)
from crossmodal_kd_ros.contract import GAS_NAMES

SECOND = 1_000_000_000
PREDICTED = np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0])
# A residual of a standard deviation of 1 in each channel; limits of 5, 3 and 1.5 of them over the
# three windows.
MODEL = ResidualModel(
    bias=np.zeros(8),
    scale=np.ones(8),
    whitening=np.eye(8),
    limits=np.repeat([[5.0], [3.0], [1.5]], 9, 1),
)


class Gas:
    """A gas module held against the picture at 10 Hz, on a wall whose panels deceive the student by one deviation."""

    def __init__(self) -> None:
        self.monitor, self.rng, self.step = (
            ResidualMonitor('gas', MODEL),
            np.random.default_rng(0),
            0,
        )

    def feed(self, seconds: float, offset=0.0) -> str:
        for _ in range(round(10 * seconds)):
            if self.step % 50 == 0:
                self.panel = np.clip(self.rng.standard_normal(8), -2.0, 2.0)
            self.step += 1
            verdict = self.monitor.take(
                self.step * SECOND // 10, PREDICTED + self.panel + offset, PREDICTED
            )
        return verdict


@pytest.fixture
def gas() -> Gas:
    """Return a module that has been healthy for half a minute."""
    gas = Gas()
    gas.feed(30.0)
    return gas


def test_the_errors_of_the_student_itself_accuse_nobody(gas):
    assert all(gas.feed(1.0) == '' for _ in range(300))


def test_a_step_is_noticed_within_seconds_and_the_reason_names_channel_figure_and_limit(gas):
    offset = np.where(np.arange(8) == GAS_NAMES.index('voc_index'), 9.0, 0.0)
    assert gas.feed(0.1, offset) == ''
    verdict = gas.feed(2.0, offset)

    assert verdict.startswith('gas contradicts the picture: voc_index is +')
    assert 'deviations from what the student sees, over 0.5 s (limit 5.0)' in verdict


def test_a_small_offset_is_noticed_late_by_the_mean_over_many_panels(gas):
    offset = np.where(np.arange(8) == 3, 2.6, 0.0)
    assert gas.feed(5.0, offset) == ''
    verdict = gas.feed(60.0, offset)

    assert 'surface_temperature_c is +' in verdict
    assert 'over 20 s (limit 1.5)' in verdict


def test_a_sensor_that_is_right_again_is_forgiven(gas):
    assert gas.feed(5.0, 9.0)
    assert gas.feed(80.0) == ''


def test_a_verdict_stands_between_its_two_limits():
    monitor = ResidualMonitor('gas', MODEL)
    for step in range(20):
        monitor.take(step * SECOND // 10, PREDICTED + 5.5, PREDICTED)
    verdicts = [
        monitor.take((20 + step) * SECOND // 10, PREDICTED + 4.0, PREDICTED) for step in range(10)
    ]

    assert all(verdicts)


def test_after_a_gap_the_means_start_afresh(gas):
    assert gas.feed(5.0, 9.0)
    gas.step += 100

    assert gas.feed(0.1) == ''


def test_the_features_of_touch_are_what_they_are_called():
    touch = np.concatenate([np.full(128, 39.0), np.full(128, 0.5)])
    touch[200] = 4.5

    features = dict(zip(TOUCH_FEATURES, touch_features(touch)))

    assert features['texture level'] == pytest.approx(np.log(40.0))
    assert features['texture spread'] == 0.0
    assert features['least indentation'] == features['indentation level'] == pytest.approx(0.5)
    # One taxel in 128 is not the 98th percentile: a crack has more than one.
    assert features['indentation peak'] == pytest.approx(np.log(0.1))
    assert len(WINDOWS_S) == len(MODEL.limits)


def test_more_detail_than_the_picture_shows_is_no_contradiction_and_less_is():
    rng = np.random.default_rng(0)
    plain = np.concatenate([np.full(128, 40.0), np.full(128, 0.5)])
    detailed = plain + np.repeat([10.0, 0.3], 128) * rng.standard_normal(256)
    alone = [TOUCH_FEATURES.index(name) for name in ('texture spread', 'indentation detail')]
    model = ResidualModel(
        bias=np.zeros(6), scale=np.ones(6), whitening=np.eye(6), limits=np.full((3, 7), 1.0)
    )

    assert (model.standardise('touch', residual('touch', detailed, plain))[alone] == 0.0).all()
    assert (model.standardise('touch', residual('touch', plain, detailed))[alone] < 0.0).all()


def test_a_pad_is_forgiven_only_after_it_has_agreed_for_twenty_seconds():
    model = ResidualModel(
        bias=np.zeros(6), scale=np.ones(6), whitening=np.eye(6), limits=np.full((3, 7), 1.0)
    )
    monitor, plain = (
        ResidualMonitor('touch', model),
        np.concatenate([np.full(128, 40.0), np.full(128, 0.5)]),
    )
    lifted = plain + np.repeat([0.0, 1.5], 128)
    verdicts = [
        monitor.take(step * SECOND // 10, lifted if 50 <= step < 60 else plain, plain)
        for step in range(400)
    ]

    assert verdicts[45] == '' and verdicts[58].startswith(
        'touch contradicts the picture: least indentation'
    )
    assert all(verdicts[58:255]) and verdicts[275] == ''
