# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What pictures say of the health of their camera."""

import numpy as np
import pytest

from crossmodal_kd_ros.health.picture import PictureHealth
from crossmodal_kd_ros.health.reasons import say

SECOND = 1_000_000_000
RED = np.array([1, 0, 0])


class Camera:
    """A camera, and its health in words."""

    def __init__(self) -> None:
        self._health = PictureHealth(stuck_s=0.5)
        self.take = self._health.take

    @property
    def fault(self) -> str:
        fault = self._health.verdict.fault
        return '' if fault is None else say(fault)

    @property
    def flaw(self) -> str:
        flaw = self._health.verdict.flaw
        return '' if flaw is None else say(flaw)


@pytest.fixture
def camera() -> Camera:
    """Return a camera that has taken no picture yet."""
    return Camera()


@pytest.mark.parametrize(
    ('picture', 'words'),
    [
        (np.full((60, 80, 3), 90, np.uint8), 'no detail'),
        (
            (140 * RED + np.random.default_rng(0).integers(0, 7, (60, 80, 3))).astype(np.uint8),
            'no detail',
        ),
        (np.random.default_rng(0).integers(0, 12, (60, 80, 3), np.uint8), 'dark: mean 5'),
        (
            np.where(np.random.default_rng(0).random((60, 80, 3)) < 0.7, 255, 40).astype(np.uint8),
            'overexposed',
        ),
    ],
)
def test_three_useless_pictures_in_a_row_condemn_a_camera_and_one_does_not(camera, picture, words):
    rng = np.random.default_rng(0)
    for index in range(3):
        camera.take(index * SECOND // 30, np.roll(picture, index, 1))
        assert camera.fault.startswith(words) == (index == 2)
    camera.take(SECOND, rng.integers(0, 255, (60, 80, 3), np.uint8))
    assert camera.fault == ''


def test_a_frozen_camera_is_noticed_after_half_a_second(camera):
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    for index in range(15):
        camera.take(index * SECOND // 30, picture)
    assert camera.fault == ''
    camera.take(SECOND // 2 + 1, picture)
    assert camera.fault == 'frozen: the same picture for 0.50 s (limit 0.50 s)'


def test_a_part_of_the_picture_that_stands_still_while_the_rest_moves_is_a_flaw(camera):
    rng = np.random.default_rng(0)
    still = rng.integers(60, 200, (48, 48, 3), np.uint8)
    for index in range(40):
        picture = rng.integers(60, 200, (48, 48, 3), np.uint8)
        picture[:6, :8] = still[:6, :8]
        camera.take(index * SECOND // 30, picture)

    assert camera.fault == ''
    assert camera.flaw == (
        'is damaged: 2% of the picture has not changed for 1 s while the rest did (limit 2%)'
    )
    camera.take(2 * SECOND, still[::-1])
    assert camera.flaw == ''


def test_a_camera_of_one_picture_a_second_is_not_damaged(camera):
    rng = np.random.default_rng(0)
    for index in range(8):
        camera.take(index * SECOND, rng.integers(100, 103, (48, 48, 3), np.uint8))

    assert camera.flaw == ''
