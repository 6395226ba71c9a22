# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far a picture is from those of the training."""

import numpy as np
import pytest

from crossmodal_kd_ros.calibration.out_of_distribution import OutOfDistribution, fine_detail


def test_the_score_of_a_picture_is_how_many_times_the_limit_it_is_away():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    gaussian = OutOfDistribution(
        mean=np.ones(8),
        whitening=axes.T / 2.0,
        limit=2.0,
        usual=1.5,
        min_detail=4.0,
        max_detail=20.0,
        usual_detail=np.array([5.0, 15.0]),
        same_place=1.0,
    )
    known = 1.0 + (2.0 * rng.standard_normal((1000, 8))) @ axes.T

    assert np.sqrt(np.mean(gaussian.distance(known) ** 2)) == pytest.approx(1.0, abs=0.05)
    assert gaussian.score(known[0], 10.0) < 1.0
    assert gaussian.score(1.0 + 6.0 * np.sqrt(8) * 2.0 * axes[:, 0], 10.0) == pytest.approx(3.0)


def test_a_picture_with_too_little_or_too_much_fine_detail_is_unfamiliar_by_that_alone():
    gaussian = OutOfDistribution(
        mean=np.zeros(4),
        whitening=np.eye(4),
        limit=2.0,
        usual=1.0,
        min_detail=4.0,
        max_detail=20.0,
        usual_detail=np.array([5.0, 15.0]),
        same_place=1.0,
    )
    stripes = np.zeros((2, 8, 8, 3), np.uint8)
    stripes[0, :, ::2], stripes[1] = 10, 99

    np.testing.assert_allclose(fine_detail(stripes), [10.0, 0.0])
    np.testing.assert_allclose(
        gaussian.score(np.zeros((3, 4)), np.array([2.0, 10.0, 60.0])), [2.0, 0.5, 3.0]
    )
    assert [gaussian.assess(np.zeros(4), detail)[1] for detail in (4.5, 5.0, 15.0, 16.0)] == [
        False,
        True,
        True,
        False,
    ]
    assert gaussian.assess(np.full(4, 1.1), 10.0) == (1.0, False)
    assert gaussian.assess(np.zeros(4), 60.0) == (3.0, False)
