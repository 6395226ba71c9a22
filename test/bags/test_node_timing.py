# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When each picture of a recording has its turn."""

import pytest

from crossmodal_kd_ros.bags.node_timing import TURN, with_turns
from crossmodal_kd_ros.bags.topics import Reading

MS = 1_000_000


def picture(stamp, received=None, bad=''):
    return Reading(
        'camera',
        (stamp if received is None else received) * MS,
        0 if bad else stamp * MS,
        None,
        bad,
    )


def scores(stamp, received):
    return Reading('live_scores', received * MS, stamp * MS, None)


def touch(received):
    return Reading('touch', received * MS, received * MS, None)


def told(*readings, at_once=False):
    """Return role, stamp and time of each reading, in ms."""
    return [
        (one.role, one.stamp_ns // MS, one.received_ns // MS)
        for one in with_turns(readings, at_once=at_once)
    ]


def turns(*readings, at_once=False):
    """Return stamp and time of each turn, in ms."""
    return [(stamp, now) for role, stamp, now in told(*readings, at_once=at_once) if role == TURN]


def test_a_picture_has_its_turn_at_its_arrival_where_nobody_spoke_live():
    assert told(picture(100, 102), touch(103), picture(133, 135)) == [
        ('camera', 100, 102),
        (TURN, 100, 102),
        ('touch', 103, 103),
        ('camera', 133, 135),
        (TURN, 133, 135),
    ]


def test_a_picture_waits_until_the_node_has_answered_the_one_before():
    assert told(
        scores(60, 90),
        picture(100),
        picture(133),
        touch(140),
        scores(100, 145),
        touch(150),
        scores(133, 160),
    ) == [
        ('live_scores', 60, 90),
        ('camera', 100, 100),
        (TURN, 100, 100),
        ('camera', 133, 133),
        ('touch', 140, 140),
        ('live_scores', 100, 145),
        (TURN, 133, 145),
        ('touch', 150, 150),
        ('live_scores', 133, 160),
    ]


def test_a_picture_that_the_node_passed_over_is_answered_when_the_newer_one_comes():
    assert turns(
        scores(60, 90),
        picture(100),
        picture(133),
        picture(166),
        scores(100, 170),
        scores(166, 190),
    ) == [(100, 100), (133, 166), (166, 170)]


def test_a_picture_has_had_its_turn_once_its_own_scores_are_there():
    # The recorder missed the scores of the one before.
    assert turns(scores(60, 90), picture(100), picture(133), scores(133, 160), picture(166)) == [
        (100, 100),
        (133, 160),
        (166, 166),
    ]


def test_nothing_waits_for_a_node_that_has_fallen_silent():
    assert turns(scores(60, 90), picture(100), picture(133), picture(650), picture(683)) == [
        (100, 100),
        (133, 650),
        (650, 650),
        (683, 683),
    ]


def test_the_last_picture_has_its_turn_though_no_scores_come_any_more():
    assert turns(scores(60, 90), picture(100), picture(133), touch(150)) == [
        (100, 100),
        (133, 150),
    ]


def test_a_picture_does_not_wait_longer_than_half_a_second_though_nothing_but_touch_comes():
    readings = [touch(at) for at in range(150, 2000, 10)]
    assert turns(scores(60, 90), picture(100), picture(133), *readings) == [(100, 100), (133, 640)]


def test_every_turn_is_at_once_where_stamps_are_of_another_clock():
    assert turns(scores(60, 90), picture(100), picture(133), scores(100, 145), at_once=True) == [
        (100, 100),
        (133, 133),
    ]


def test_a_malformed_picture_has_no_turn():
    assert told(picture(0, 102, bad='no stamp')) == [('camera', 0, 102)]


@pytest.mark.parametrize('at_once', [False, True])
def test_every_picture_has_one_turn_in_order(at_once):
    readings = [scores(1, 5)]
    for index in range(1, 60):
        readings.append(picture(33 * index))
        if index % 7:
            readings.append(scores(33 * index - 33 * (index % 3), 33 * index + 20))
    assert [stamp for stamp, _ in turns(*readings, at_once=at_once)] == [
        33 * index for index in range(1, 60)
    ]
