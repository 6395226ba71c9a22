# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bounds keep their promise on data that they were not fitted to."""

import numpy as np
import pytest

from crossmodal_kd_ros.calibration.intervals import (
    Intervals,
    confidence_limit,
    min_probability,
    possible_actions,
    two_sided,
    upper_quantile,
)
from crossmodal_kd_ros.profile import load_profile, quantity_minimum

ACTIONS, MINIMUM = load_profile().actions, quantity_minimum(load_profile())[:3]
INTERVALS = Intervals(
    measured=np.array([[-1.0, -0.1, -0.02], [1.0, 0.1, 0.02]]),
    estimated=np.array([[-2.0, -2.0, -2.0], [3.0, 3.0, 3.0]]),
)
QUANTITIES = np.array([40.0, 0.3, 0.05])
DEVIATION = np.array([5.0, 0.5, 0.1])


def test_measured_values_get_the_sensors_bounds_and_estimates_those_of_the_student():
    lower, upper = INTERVALS.bounds(
        QUANTITIES, DEVIATION, np.array([True, True, False]), ood_score=1.0, minimum=MINIMUM
    )

    np.testing.assert_allclose(lower, [39.0, 0.2, -0.15], rtol=1e-5)
    np.testing.assert_allclose(upper, [41.0, 0.4, 0.35], rtol=1e-5)


def test_roughness_and_depth_are_never_negative_and_a_wall_may_give_off_carbon_dioxide():
    lower, _ = INTERVALS.bounds(
        np.array([1.0, 0.3, 0.05]), DEVIATION, np.zeros(3, bool), ood_score=1.0, minimum=MINIMUM
    )

    assert lower[0] == lower[1] == 0.0
    assert lower[2] < 0.0


def test_a_reading_below_what_there_can_be_has_bounds_in_their_order():
    lower, upper = INTERVALS.bounds(
        np.array([-1.5, -0.3, 0.05]), DEVIATION, np.ones(3, bool), ood_score=1.0, minimum=MINIMUM
    )

    assert (lower <= upper).all()
    np.testing.assert_array_equal((lower[:2], upper[:2]), 0.0)


def test_an_unfamiliar_picture_widens_the_bounds_of_estimates_alone():
    for is_measured, factor in ((False, 3.0), (True, 1.0)):
        near, far = (
            INTERVALS.bounds(
                QUANTITIES,
                DEVIATION,
                np.full(3, is_measured),
                ood_score=ood_score,
                minimum=MINIMUM,
            )
            for ood_score in (1.0, 3.0)
        )
        np.testing.assert_allclose(far[1] - QUANTITIES, factor * (near[1] - QUANTITIES), rtol=1e-4)


def test_the_possible_actions_are_those_that_are_likely_enough():
    probabilities = np.array([0.5, 0.3, 0.1, 0.05, 0.03, 0.02])

    assert possible_actions(ACTIONS, probabilities, 0.1) == ACTIONS[:3]
    assert possible_actions(ACTIONS, probabilities, 0.6) == ()


def test_the_rank_of_the_quantile_is_that_of_the_theory():
    # ceil((n + 1) 0.9) of n = 99 is the 90th smallest.
    assert upper_quantile(np.arange(1.0, 100.0), 0.9) == 90.0


def test_too_few_scores_are_refused_rather_than_promised_anything():
    with pytest.raises(
        ValueError, match='expected at least 19 scores for a level of 0.95, got 18'
    ):
        upper_quantile(np.arange(18.0), 0.95)


@pytest.mark.parametrize(
    'shift', [0.0, 0.7, 4.0, -4.0], ids=['centred', 'biased', 'all above', 'all below']
)
def test_two_sided_bounds_cover_ninety_percent_and_hold_the_estimate_itself(shift):
    rng = np.random.default_rng(0)
    calibration, test = (rng.standard_normal((20000, 1)) + shift for _ in range(2))

    lower, upper = two_sided(calibration)

    assert lower[0] <= 0.0 <= upper[0]
    assert np.mean((lower <= test) & (test <= upper)) == pytest.approx(0.9, abs=0.01)


def test_the_set_of_possible_actions_holds_the_right_one_nine_times_in_ten():
    rng = np.random.default_rng(0)

    def draw():
        logits = 2.0 * rng.standard_normal((20000, 6))
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        return probabilities, np.array([rng.choice(6, p=row) for row in probabilities])

    min_possible = min_probability(*draw())
    probabilities, action = draw()

    assert np.mean(probabilities[np.arange(20000), action] >= min_possible) == pytest.approx(
        0.9, abs=0.01
    )


def test_under_the_confidence_limit_decisions_would_rather_be_wrong_than_right():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1.0, 20000)
    right = rng.random(20000) < confidence - 0.1

    limit = confidence_limit(confidence, right, hold_cost=0.5, spare=0.0, minimum=0.25)

    # Right half the time at 0.6, nine times in ten at 1; never so seldom that a hold as dear as a
    # mistake would pay.
    assert limit == pytest.approx(0.6, abs=0.04)
    assert confidence_limit(
        confidence, right, hold_cost=0.1, spare=0.0, minimum=0.25
    ) == pytest.approx(1.0, abs=0.05)
    assert confidence_limit(confidence, right, hold_cost=1.0, spare=0.0, minimum=0.25) == 0.25


def test_no_other_limit_costs_less():
    rng = np.random.default_rng(0)
    confidence, right = rng.random(500), rng.random(500) < 0.6

    def cost(limit: float) -> float:
        decided = confidence >= limit
        return np.count_nonzero(~right[decided]) + 0.4 * np.count_nonzero(~decided)

    limit = confidence_limit(confidence, right, hold_cost=0.4, spare=0.0, minimum=0.0)

    assert cost(limit) == min(map(cost, (0.0, 1.1, *confidence)))


def test_a_network_that_is_never_right_decides_nothing():
    rng = np.random.default_rng(0)

    assert (
        confidence_limit(
            rng.random(2000), np.zeros(2000, bool), hold_cost=0.5, spare=0.0, minimum=0.25
        )
        == 1.0
    )


def test_holds_that_save_next_to_nothing_are_spared():
    confidence, right = np.linspace(1.0, 0.3, 1000), np.ones(1000, bool)
    right[-10:] = False

    limits = [
        confidence_limit(confidence, right, hold_cost=0.5, spare=spare, minimum=0.25)
        for spare in (0.0, 0.01)
    ]

    assert limits == [pytest.approx(0.3066, abs=1e-3), 0.25]
