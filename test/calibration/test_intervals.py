# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far an answer can be off."""

import numpy as np
import pytest

from crossmodal_kd_ros.calibration.intervals import (
    Familiarity,
    Intervals,
    fine_detail,
    possible_actions,
)
from crossmodal_kd_ros.contract import ACTIONS

INTERVALS = Intervals(
    measured=np.array([[-1.0, -0.1, -0.02], [1.0, 0.1, 0.02]]),
    estimated=np.array([[-2.0, -2.0, -2.0], [3.0, 3.0, 3.0]]),
)
SURFACE = np.array([40.0, 0.3, 0.05])
DEVIATION = np.array([5.0, 0.5, 0.1])


def test_measured_values_get_the_sensors_bounds_and_estimates_those_of_the_student():
    lower, upper = INTERVALS.bounds(SURFACE, DEVIATION, np.array([True, True, False]), 1.0)

    np.testing.assert_allclose(lower, [39.0, 0.2, -0.15], rtol=1e-5)
    np.testing.assert_allclose(upper, [41.0, 0.4, 0.35], rtol=1e-5)


def test_roughness_and_depth_are_never_negative_and_a_wall_may_give_off_carbon_dioxide():
    lower, _ = INTERVALS.bounds(np.array([1.0, 0.3, 0.05]), DEVIATION, np.zeros(3, bool), 1.0)

    assert lower[0] == lower[1] == 0.0
    assert lower[2] < 0.0


def test_an_unfamiliar_picture_widens_the_bounds_of_estimates_alone():
    for is_measured, factor in ((False, 3.0), (True, 1.0)):
        near, far = (
            INTERVALS.bounds(SURFACE, DEVIATION, np.full(3, is_measured), doubt)
            for doubt in (1.0, 3.0)
        )
        np.testing.assert_allclose(far[1] - SURFACE, factor * (near[1] - SURFACE), rtol=1e-4)


def test_the_possible_actions_are_those_that_are_likely_enough():
    probabilities = np.array([0.5, 0.3, 0.1, 0.05, 0.03, 0.02])

    assert possible_actions(probabilities, 0.1) == ACTIONS[:3]
    assert possible_actions(probabilities, 0.6) == ()


def test_a_picture_is_familiar_up_to_the_limit_and_doubted_by_how_far_it_lies_beyond():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    familiarity = Familiarity(
        mean=np.ones(8),
        whitening=axes.T / 2.0,
        limit=2.0,
        usual=1.5,
        least_detail=4.0,
        most_detail=20.0,
        usual_detail=np.array([5.0, 15.0]),
    )
    known = 1.0 + (2.0 * rng.standard_normal((1000, 8))) @ axes.T

    assert np.sqrt(np.mean(familiarity.distance(known) ** 2)) == pytest.approx(1.0, abs=0.05)
    assert familiarity.excess(known[0], 10.0) < 1.0
    assert familiarity.excess(1.0 + 6.0 * np.sqrt(8) * 2.0 * axes[:, 0], 10.0) == pytest.approx(
        3.0
    )


def test_a_picture_with_too_little_or_too_much_fine_detail_is_unfamiliar_whatever_its_features_are():
    familiarity = Familiarity(
        mean=np.zeros(4),
        whitening=np.eye(4),
        limit=2.0,
        usual=1.0,
        least_detail=4.0,
        most_detail=20.0,
        usual_detail=np.array([5.0, 15.0]),
    )
    stripes = np.zeros((2, 8, 8, 3), np.uint8)
    stripes[0, :, ::2], stripes[1] = 10, 99

    np.testing.assert_allclose(fine_detail(stripes), [10.0, 0.0])
    np.testing.assert_allclose(
        familiarity.excess(np.zeros((3, 4)), np.array([2.0, 10.0, 60.0])), [2.0, 0.5, 3.0]
    )
    assert [familiarity.is_usual(np.zeros(4), detail) for detail in (4.5, 5.0, 15.0, 16.0)] == [
        False,
        True,
        True,
        False,
    ]
    assert not familiarity.is_usual(np.full(4, 1.1), 10.0)
