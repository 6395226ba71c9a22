# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Arrays to messages: what is sent is what was read, and speaks the words of the profile."""

import numpy as np
import pytest
from robot import healthy_reading, reading_messages
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from crossmodal_kd_ros.nodes import conversions
from crossmodal_kd_ros.profile import Mode, load_profile
from crossmodal_kd_ros.runtime.sample import Estimate
from crossmodal_kd_ros.runtime.sources import CameraReader, SenseReader

WALL = load_profile()
TOUCH = np.linspace(0.0, 5.0, 256, dtype=np.float32)
GAS = np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0], np.float32)
STAMPED = Header(frame_id='pad')
STAMPED.stamp.sec = 7


def estimate(**changes) -> Estimate:
    """Return an estimate."""
    fields = {
        'stamp_ns': 1,
        'mode': Mode.TEACHER,
        'reason': 'all is well',
        'action': 'hydrate',
        'confidence': 0.5,
        'probabilities': np.linspace(0.1, 0.2, 6, dtype=np.float32),
        'readings': {'touch': TOUCH, 'gas': GAS},
        'quantities': {
            'surface_roughness': 2.0,
            'crack_depth': 1.0,
            'co2_absorption': 0.25,
            'crack_width': 0.3,
        },
    }
    return Estimate(**{**fields, **changes})


@pytest.mark.parametrize(
    ('sense', 'reading', 'message_type'), [('touch', TOUCH, Image), ('gas', GAS, JointState)]
)
def test_a_reading_survives_the_way_out_and_back_in(sense, reading, message_type):
    message = conversions.reading_message(STAMPED, WALL.senses[sense], reading)
    reader = SenseReader(WALL.senses[sense])

    assert isinstance(message, message_type) and message.header == STAMPED
    stamp_ns, received = reader.read(next(iter(reader.topics)), message, 0)
    assert stamp_ns == 7 * 10**9
    np.testing.assert_array_equal(received, reading)


def test_a_picture_survives_the_way_out_and_back_in():
    picture = np.random.default_rng(0).integers(0, 255, (3, 5, 3), np.uint8)

    stamp_ns, decode = CameraReader().read(conversions.image_message(STAMPED, picture))

    assert stamp_ns == 7 * 10**9
    np.testing.assert_array_equal(decode(), picture)


@pytest.mark.parametrize(
    ('possible', 'efforts'), [(None, []), (('hydrate', 'seal_crack'), [0.0, 1.0, 0, 0, 1.0, 0])]
)
def test_scores_are_named_by_action_and_say_which_are_possible(possible, efforts):
    message = conversions.action_scores(STAMPED, WALL, estimate(possible=possible))

    assert tuple(message.name) == WALL.actions
    np.testing.assert_allclose(message.position, np.linspace(0.1, 0.2, 6), rtol=1e-6)
    assert list(message.effort) == efforts


def test_quantities_come_with_their_bounds_where_there_is_a_calibration():
    bounds = {'lower': {'crack_depth': 0.5}, 'upper': {'crack_depth': 1.5}}

    plain, bounded = (
        conversions.surface_state(STAMPED, estimate(**changes)) for changes in ({}, bounds)
    )

    assert tuple(plain.name) == tuple(WALL.quantities)
    assert list(plain.position) == [2.0, 1.0, 0.25, 0.3]
    assert dict(zip(bounded.name, bounded.position)) == {
        'surface_roughness': 2.0,
        'crack_depth': 1.0,
        'co2_absorption': 0.25,
        'crack_width': 0.3,
        'crack_depth_lower': 0.5,
        'crack_depth_upper': 1.5,
    }


@pytest.mark.parametrize('profile', ['living_wall', 'gripper', 'air'])
def test_the_robot_of_the_tests_sends_what_its_profile_says(profile):
    for sense in load_profile(profile).senses.values():
        reader = SenseReader(sense)
        readings = [
            reader.read(topic, message, 7 * 10**9)
            for topic, message in reading_messages(STAMPED, sense, healthy_reading(sense)).items()
        ]
        assert readings[:-1] == [None] * (len(reader.topics) - 1)
        assert readings[-1][0] == 7 * 10**9
        np.testing.assert_allclose(readings[-1][1], healthy_reading(sense), rtol=1e-5)
