# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that stands in for the sensors, in a process of its own, over DDS."""

import json
import time

import cv2
import numpy as np
import pytest
from robot import Robot, node_within
from waiting import wait_for

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.nodes import simulator_node
from crossmodal_kd_ros.nodes.cameras import CameraLost
from crossmodal_kd_ros.nodes.simulator_node import SimulatorNode
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.runtime.messages import stamp_ns
from crossmodal_kd_ros.runtime.sources import CameraReader
from crossmodal_kd_ros.simulation import MATERIALS, PROFILE

SMALL = {'width': 160, 'height': 120}


@pytest.fixture
def robot():
    """Return a listener whose own sensors are off."""
    robot = Robot()
    yield robot
    robot.close()


def stamps(robot, topic: str) -> list[float]:
    """Return the stamps of what came on a topic, seconds."""
    return [stamp_ns(message, 0) / 1e9 for _, message in list(robot.got[topic])]


@pytest.mark.alone
def test_each_sensor_keeps_its_own_beat(robot, start):
    # large pictures measure the machine, and are the demo's to measure
    node = start('simulator_node', **SMALL)
    wait_for(lambda: len(robot.got['gas/state']) >= 6, printed=node.printed)

    for topic, rate_hz in (
        ('camera/image_raw', 30.0),
        ('tactile/image', 100.0),
        ('gas/state', 2.0),
    ):
        times = stamps(robot, topic)
        assert np.median(np.diff(times)) == pytest.approx(1.0 / rate_hz, rel=1e-3)
        # A machine under load may skip a few beats; it may not fall behind.
        assert (len(times) - 1) / (times[-1] - times[0]) > 0.9 * rate_hz
    assert 'WARN' not in node.printed()


def test_the_truth_of_a_frame_carries_the_header_of_its_image_and_the_words_of_the_profile(
    robot, start
):
    start('simulator_node', **SMALL)
    wait_for(
        lambda: (
            len(robot.got['simulation/truth']) >= 10 and len(robot.got['simulation/expert']) >= 10
        )
    )

    headers = [message.header for _, message in robot.got['camera/image_raw']]
    truths = [message for _, message in robot.got['simulation/truth']]
    common = [truth for truth in truths if truth.header in headers]
    assert len(common) >= 5
    values = dict(zip(common[-1].name, common[-1].position))
    assert tuple(values) == topics.truth_fields(PROFILE)
    assert [key for key in values if not key.startswith('gas/')] == [
        'frame',
        'action',
        'surface_roughness',
        'crack_depth',
        'co2_absorption',
        'crack_width',
    ]
    assert len(values) == 14
    frames = [truth.position[0] for truth in truths]
    assert frames == sorted(set(frames))
    expert = json.loads(robot.last('simulation/expert'))
    assert expert['action'] in PROFILE.actions
    assert expert['material'] in MATERIALS
    assert expert['lighting'] in ('day', 'night')
    assert expert['reason']
    assert expert['description']
    touch = robot.got['simulation/tactile_truth'][-1][1]
    assert (touch.height, touch.width) == (16, 16)


def test_a_scheduled_fault_silences_its_sensor_and_not_the_truth(robot, start):
    # Not at once: on a busy machine the node may have been talking for seconds before it is heard.
    start('simulator_node', faults='camera:5-6,touch:5.5-6.5', **SMALL)
    wait_for(
        lambda: (
            robot.got['simulation/truth']
            and robot.got['simulation/truth'][-1][1].position[0] >= 7.0 * 30
        )
    )

    truths = [
        (message.position[0] / 30.0, message.header)
        for _, message in list(robot.got['simulation/truth'])
    ]
    zero_s = (truths[0][1].stamp.sec + truths[0][1].stamp.nanosec / 1e9) - truths[0][0]
    camera, touch = (
        np.array(stamps(robot, topic)) - zero_s for topic in ('camera/image_raw', 'tactile/image')
    )
    assert not np.any((camera >= 5.0 - 1e-6) & (camera < 6.0 - 1e-6))
    assert not np.any((touch >= 5.5 - 1e-6) & (touch < 6.5 - 1e-6))
    assert np.any(camera < 5.0) and np.any(camera >= 6.0)
    assert np.any(touch < 5.5) and np.any(touch >= 6.5)
    assert sum(5.0 <= seconds < 6.0 for seconds, _ in truths) >= 25


def test_photographs_come_as_pictures_that_move_with_no_touch_no_gas_and_no_truth(
    robot, start, tmp_path
):
    (tmp_path / 'wall').mkdir()
    photo = np.random.default_rng(0).integers(0, 255, (100, 90, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'wall' / 'a.png'), cv2.resize(photo, None, fx=3, fy=3))
    (tmp_path / 'broken.jpg').write_bytes(b'no picture')
    node = start('simulator_node', photos_dir=tmp_path, **SMALL)
    wait_for(lambda: len(robot.got['camera/image_raw']) >= 60, printed=node.printed)

    pictures = [
        CameraReader().read(message)[1]() for _, message in list(robot.got['camera/image_raw'])
    ]
    assert {picture.shape for picture in pictures} == {(120, 160, 3)}
    assert sum(np.array_equal(*pair) for pair in zip(pictures, pictures[1:])) <= 2
    for topic in ('tactile/image', 'gas/state', 'simulation/truth'):
        assert not robot.got[topic]
    assert 'broken.jpg is skipped: expected a ' in node.printed()


class Webcam:
    """Gives three pictures, and is lost; the second one that is opened stays."""

    is_live = True
    opened = 0

    def __init__(self, path: str, *, size_px: tuple[int, int]) -> None:
        type(self).opened += 1
        if self.opened == 2:
            raise ConfigurationError('it is not back yet')
        self._left, self._picture = 3 if self.opened == 1 else 10**6, np.zeros((4, 6, 3), np.uint8)

    def capture(self, moment):
        self._left -= 1
        if self._left < 0:
            raise CameraLost('the camera gives no picture')
        time.sleep(0.002)
        return moment(), self._picture + np.uint8(self.opened)

    def close(self) -> None:
        self._left = 0


def test_a_webcam_that_was_lost_is_opened_again_and_breaks_when_it_should(monkeypatch):
    monkeypatch.setattr(simulator_node, 'DeviceSource', Webcam)
    monkeypatch.setattr(simulator_node, '_WEBCAM_RETRY_S', 0.01)
    sent = []
    monkeypatch.setattr(SimulatorNode, 'send', lambda node, topic, message: sent.append(message))
    with node_within(SimulatorNode, camera_device=0) as node:
        wait_for(lambda: len(sent) > 6)
        assert [message.data[0] for message in sent[:5]] == [1, 1, 1, 3, 3]

        node.on_parameters_changed({'faults': 'camera:0-100:nan'})
        wait_for(lambda: len(sent[-1].data) == 4 * 6 * 3 // 2)


def test_the_same_seed_shows_the_same_wall(robot, start):
    def wall():
        return {
            message.position[0]: list(message.position)
            for _, message in list(robot.got['simulation/truth'])
        }

    # Five seconds of the first: under load the second may be discovered late, and has to have
    # frames in common with it.
    node = start('simulator_node', seed=5, **SMALL)
    wait_for(lambda: len(wall()) >= 150, printed=node.printed)
    node.end()
    first = wall()
    robot.forget()
    node = start('simulator_node', seed=5, **SMALL)
    wait_for(lambda: len(first.keys() & wall().keys()) >= 10, printed=node.printed)

    second = wall()
    assert all(first[frame] == second[frame] for frame in first.keys() & second.keys())


def test_who_listens_to_the_soft_arm_hears_it_as_its_profile_says(start):
    listener = Robot(profile='living_wall_arm')
    try:
        node = start('simulator_node', **SMALL)
        wait_for(lambda: len(listener.got['arm/joint_states']) >= 5, printed=node.printed)
        message = listener.got['arm/joint_states'][-1][1]

        sense = listener.profile.senses['arm']
        assert tuple(message.name) == sense.channel_names
        assert message.header.frame_id == 'arm_base'
        assert (np.diff(stamps(listener, 'arm/joint_states')) >= 0.9 * sense.period_s).all()
    finally:
        listener.close()
