# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sets of simulated photographs: drawn once, with a user's own photographs as grounds."""

import numpy as np

from crossmodal_kd_ros.datasets.photographs import load_simulated_photographs


def test_photographs_are_drawn_once_and_every_second_one_is_cracked(tmp_path):
    asked = []

    def count(tasks, total):
        asked.append(total)
        return tasks

    first, again = (
        load_simulated_photographs(12, seed=3, cache_dir=tmp_path, progress=count)
        for _ in range(2)
    )
    assert asked == [1] and len(first) == 12
    assert np.array_equal(first.image, again.image) and np.array_equal(first.cover, again.cover)
    assert (first.cover.max((1, 2)) > 0).tolist() == [False, True] * 6


def test_the_given_share_is_drawn_on_real_photographs(tmp_path):
    """A blue ground can be told from all that is simulated, which is grey or brown on average."""
    grounds = np.zeros((2, 128, 128, 3), np.uint8)
    grounds[..., 2] = 200
    drawn = load_simulated_photographs(
        40, seed=0, cache_dir=tmp_path, grounds=grounds, ground_share=0.5
    )
    red, _, blue = drawn.image.mean((1, 2)).T
    on_real = (blue > 60) & (red < 20)
    assert 10 <= on_real.sum() <= 30
    none = load_simulated_photographs(10, seed=0, cache_dir=tmp_path)
    red, _, blue = none.image.mean((1, 2)).T
    assert not ((blue > 60) & (red < 20)).any()
