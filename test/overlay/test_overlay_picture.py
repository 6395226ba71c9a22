# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is drawn on the picture."""

import numpy as np
import pytest

from crossmodal_kd_ros.overlay import annotate
from crossmodal_kd_ros.profile import HOLD, Mode, load_profile
from crossmodal_kd_ros.reports.style import MODE_COLOURS, action_colour
from crossmodal_kd_ros.runtime import Estimate

WALL, AIR = load_profile(), load_profile('air')

GREY = np.full((480, 640, 3), 100, np.uint8)
ABOVE, BELOW = 60, 35  # the bands of text over and under a picture 640 wide


def estimate(**changes) -> Estimate:
    """Return an estimate."""
    fields = {
        'stamp_ns': 1,
        'mode': Mode.TEACHER,
        'reason': 'camera, touch and gas are healthy',
        'action': 'seal_crack',
        'confidence': 0.8,
        'probabilities': np.full(6, 1 / 6, np.float32),
        'readings': {'touch': np.zeros(256, np.float32), 'gas': np.zeros(8, np.float32)},
        'quantities': dict.fromkeys(WALL.quantities, 0.0),
    }
    return Estimate(**{**fields, **changes})


def test_the_picture_stays_between_two_bands_and_the_original_stays_as_it_was():
    drawn = annotate(GREY, estimate(), WALL)

    assert drawn.shape == (ABOVE + 480 + BELOW, 640, 3)
    assert drawn.dtype == np.uint8
    assert np.all(GREY == 100)
    untouched = drawn[ABOVE:-BELOW].copy()
    untouched[175:305, 195:445] = 100  # round the frame of the pad
    np.testing.assert_array_equal(untouched, GREY)


def test_the_frame_of_the_pad_is_the_middle_half_by_quarter_of_the_square_view():
    drawn = annotate(GREY, estimate(), WALL)[ABOVE:-BELOW, :, 0]
    rows, columns = np.nonzero(drawn > 200)

    assert (columns.min(), columns.max()) == (80 + 120, 80 + 360)
    assert (rows.min(), rows.max()) == (180, 300)


@pytest.mark.parametrize('mode', list(Mode))
def test_each_mode_has_the_colour_it_has_everywhere(mode):
    drawn = annotate(GREY, estimate(mode=mode), WALL)

    assert '#' + bytes(drawn[2, 2]).hex() == MODE_COLOURS[str(mode)]


@pytest.mark.parametrize(('profile', 'action'), [(WALL, 'hydrate'), (AIR, 'heat'), (AIR, HOLD)])
def test_the_line_under_an_action_has_its_colour_in_any_profile(profile, action):
    drawn = annotate(GREY, estimate(action=action), profile)

    assert '#' + bytes(drawn[ABOVE - 2, 638]).hex() == action_colour(action, profile.actions)


def test_a_robot_without_a_grid_has_no_frame():
    drawn = annotate(GREY, estimate(action='heat'), AIR)[ABOVE:-BELOW]

    np.testing.assert_array_equal(drawn, GREY)


@pytest.mark.parametrize(
    'changes',
    [
        {'action': 'hydrate'},
        {'action': HOLD, 'mode': Mode.HOLD},
        {'confidence': 0.3},
        {'reason': 'gas is lost'},
    ],
)
def test_another_answer_gives_another_picture(changes):
    assert not np.array_equal(
        annotate(GREY, estimate(**changes), WALL), annotate(GREY, estimate(), WALL)
    )


def test_light_falls_where_the_saliency_is_and_nowhere_else():
    saliency = np.zeros((32, 32), np.float32)
    saliency[4, 28] = 1.0
    saliency[28, 4] = -5.0  # what speaks against the action is not drawn

    lit = np.abs(
        annotate(GREY, estimate(), WALL, saliency)[ABOVE:-BELOW].astype(int)
        - annotate(GREY, estimate(), WALL)[ABOVE:-BELOW]
    )

    row, column = np.unravel_index(lit.sum(-1).argmax(), lit.shape[:2])
    assert (row / 15.0, (column - 80) / 15.0) == (
        pytest.approx(4.5, abs=1.0),
        pytest.approx(28.5, abs=1.0),
    )
    assert lit[240:, :320].max() == 0
    assert lit[:, :80].max() == 0


def test_a_saliency_with_nothing_for_the_action_leaves_the_picture():
    dark = np.full((32, 32), -1.0, np.float32)

    np.testing.assert_array_equal(
        annotate(GREY, estimate(), WALL, dark)[ABOVE:-BELOW],
        annotate(GREY, estimate(), WALL)[ABOVE:-BELOW],
    )


@pytest.mark.parametrize(
    'shape',
    [
        (2160, 3840, 3),
        (1080, 1920, 3),
        (240, 320, 3),
        (48, 64, 3),
        (640, 480, 3),
        (9, 7, 3),
        (1, 900, 3),
        (900, 1, 3),
    ],
)
@pytest.mark.parametrize(
    'reason', ['', 'no camera reading yet', 'gas ' * 200, '\u00b5m \u2192 \U0001f916']
)
def test_every_size_and_every_reason_gives_a_picture_640_wide(shape, reason):
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)

    drawn = annotate(
        image,
        estimate(reason=reason, action=max(WALL.actions, key=len)),
        WALL,
        np.ones((32, 32), np.float32),
    )

    assert drawn.shape[1] == 640
    assert drawn.shape[0] - ABOVE - BELOW == max(1, round(640 * shape[0] / max(shape[:2])))
