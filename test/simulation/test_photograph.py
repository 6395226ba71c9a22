# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Simulated photographs: what is in them, and where they say that a crack is."""

import numpy as np
import pytest

from crossmodal_kd_ros.simulation.photograph import draw_photograph

GROUND = np.full((200, 200, 3), (180, 160, 140), np.uint8)


def test_a_seed_draws_one_photograph():
    once, again, other = (
        draw_photograph(np.random.default_rng(seed), is_cracked=True) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(once, again))
    assert not np.array_equal(once[0], other[0])
    assert once[0].shape == (128, 128, 3) and once[0].dtype == np.uint8
    assert once[1].shape == (128, 128) and once[1].dtype == np.float32


def test_only_the_cracked_have_a_crack_and_all_of_them_do():
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert draw_photograph(rng, is_cracked=False)[1].max() == 0.0
        cover = draw_photograph(rng, is_cracked=True)[1]
        assert 0.3 < cover.max() <= 1.0 and cover.mean() < 0.3


def test_a_crack_shows_where_it_is_said_to_be():
    """On an even ground most pixels of a crack are darker than the median, few others are."""
    contrasts = []
    for seed in range(20):
        image, cover = draw_photograph(np.random.default_rng(seed), is_cracked=True, ground=GROUND)
        grey, cracked = image.mean(2), cover > 0.6
        if cracked.any():
            contrasts.append(grey[cracked].mean() - np.median(grey[cover == 0.0]))
    assert len(contrasts) >= 15  # the others are hairlines
    # Nine cracks of ten are dark; one may be filled with dust.
    assert np.mean(np.array(contrasts) < -5.0) >= 0.7


@pytest.mark.parametrize('size_px', [64, 96])
def test_a_real_ground_stays_what_it_was_but_for_light_and_camera(size_px):
    ground = np.full((100, 100, 3), 200, np.uint8)
    ground[:, :50] = 60
    for seed in range(10):
        image, cover = draw_photograph(
            np.random.default_rng(seed), is_cracked=False, size_px=size_px, ground=ground
        )
        assert image.shape == (size_px, size_px, 3) and cover.shape == (size_px, size_px)
        edge = size_px // 2
        assert image[:, : edge - 3].mean() + 30.0 < image[:, edge + 3 :].mean()
