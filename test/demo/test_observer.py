# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is published over DDS is what the bag holds."""

import os
import sys
import time
from array import array
from contextlib import closing

import cv2
import numpy as np
import pytest
import rclpy
from lifecycle_msgs.srv import GetState
from rclpy.context import Context
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rosbags.interfaces import QosDurability, QosReliability
from rosbags.rosbag2 import Reader
from sensor_msgs.msg import Image
from std_msgs.msg import String
from waiting import wait_for

from crossmodal_kd_ros.bags import read_messages
from crossmodal_kd_ros.demo.observer import Observer
from crossmodal_kd_ros.runtime import topics

CAMERA, MODE, ACTION = 'camera/image_raw', topics.MODE.name, topics.ACTION.name
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def robot(monkeypatch, private_environ):
    """Yield a node that stands for the robot, and the domain that it is in."""
    for name in private_environ.keys() - os.environ.keys():  # the profile
        monkeypatch.setenv(name, private_environ[name])
    domain_id = int(private_environ['ROS_DOMAIN_ID'])
    context = Context()
    rclpy.init(args=[], context=context, domain_id=domain_id)
    node = rclpy.create_node('robot', context=context)
    yield node, domain_id
    node.destroy_node()
    rclpy.shutdown(context=context)


def picture() -> np.ndarray:
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    return np.stack(
        [np.tile(ramp, (48, 1)), np.full((48, 64), 90, np.uint8), np.tile(ramp[::-1], (48, 1))],
        axis=-1,
    )


def image(stamp_s: int) -> Image:
    message = Image(
        height=48, width=64, encoding='rgb8', step=192, data=array('B', picture().tobytes())
    )
    message.header.stamp.sec, message.header.frame_id = stamp_s, 'camera_optical_frame'
    return message


def test_pictures_are_recorded_as_jpeg_if_asked_with_their_header_and_all_else_as_it_came(
    robot, tmp_path
):
    node, domain_id = robot
    camera = node.create_publisher(Image, CAMERA, BEST_EFFORT)
    mode = node.create_publisher(String, MODE, LATCHED)
    mode.publish(String(data='TEACHER'))
    types = {CAMERA: 'sensor_msgs/msg/Image', MODE: 'std_msgs/msg/String'}
    with closing(Observer(domain_id=domain_id)) as observer:
        wait_for(lambda: len(observer.published(types)) == 2)
        observer.record(tmp_path / 'bag', types, as_jpeg=[CAMERA])
        wait_for(lambda: camera.get_subscription_count() == 1)
        for stamp_s in range(1, 6):
            camera.publish(image(stamp_s))
            wait_for(
                lambda count=stamp_s: (
                    observer.recorder.written['/camera/image_raw/compressed'] == count
                )
            )
        wait_for(lambda: MODE in observer.newest)

    messages = list(read_messages(tmp_path / 'bag'))
    assert [m.message.data for m in messages if m.topic == '/maintenance/mode'] == ['TEACHER']
    pictures = [m.message for m in messages if m.topic == '/camera/image_raw/compressed']
    assert [m.header.stamp.sec for m in pictures] == [1, 2, 3, 4, 5]
    assert (pictures[0].header.frame_id, pictures[0].format) == (
        'camera_optical_frame',
        'rgb8; jpeg compressed bgr8',
    )
    decoded = cv2.imdecode(pictures[0].data, cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(decoded.astype(int) - picture()).mean() < 4.0
    with Reader(tmp_path / 'bag') as reader:
        offered = {link.topic: link.ext.offered_qos_profiles[0] for link in reader.connections}
    assert offered['/camera/image_raw/compressed'].reliability is QosReliability.BEST_EFFORT
    assert offered['/maintenance/mode'].durability is QosDurability.TRANSIENT_LOCAL


def test_a_recording_holds_each_message_as_it_was_sent(robot, tmp_path):
    node, domain_id = robot
    camera = node.create_publisher(Image, CAMERA, BEST_EFFORT)
    with closing(Observer(domain_id=domain_id)) as observer:
        wait_for(lambda: observer.published([CAMERA]))
        observer.record(tmp_path / 'bag', {CAMERA: 'sensor_msgs/msg/Image'})
        wait_for(lambda: camera.get_subscription_count() == 1)

        def is_written() -> bool:
            camera.publish(image(7))
            return observer.recorder.written['/camera/image_raw'] > 0

        wait_for(is_written)
    with Reader(tmp_path / 'bag') as reader:
        recorded = [deserialize_message(bytes(data), Image) for _, _, data in reader.messages()]
    assert recorded == [image(7)] * len(recorded)


def test_small_messages_are_handed_over_once(robot, tmp_path):
    node, domain_id = robot
    action = node.create_publisher(String, ACTION, 10)
    with closing(Observer(domain_id=domain_id)) as observer:
        wait_for(lambda: observer.published([ACTION]))
        observer.record(tmp_path / 'bag', {ACTION: 'std_msgs/msg/String'})
        wait_for(lambda: action.get_subscription_count() == 1)
        for words in ('hydrate', 'hold'):
            action.publish(String(data=words))
        wait_for(lambda: observer.recorder.written['/maintenance/action'] == 2)
        assert [topic for topic, _, _ in observer.drain()] == [ACTION] * 2
        assert observer.drain() == []


def test_with_one_clock_a_message_counts_from_when_it_was_sent_and_none_from_before(
    robot, tmp_path
):
    node, domain_id = robot
    action = node.create_publisher(String, ACTION, 10)
    mode = node.create_publisher(String, MODE, LATCHED)
    mode.publish(String(data='HOLD'))
    with closing(Observer(domain_id=domain_id, one_clock=True)) as observer:
        wait_for(lambda: len(observer.published([ACTION, MODE])) == 2)
        start_ns = time.time_ns()
        observer.record(tmp_path / 'bag', dict.fromkeys([ACTION, MODE], 'std_msgs/msg/String'))
        wait_for(lambda: action.get_subscription_count() == 1 and MODE in observer.newest)
        # While this thread does not let go of Python's lock, the observer has no time to take
        # anything.
        interval_s = sys.getswitchinterval()
        sys.setswitchinterval(10.0)
        try:
            before_ns = time.time_ns()
            action.publish(String(data='hydrate'))
            after_ns = time.time_ns()
            while time.time_ns() - after_ns < 100_000_000:
                pass
        finally:
            sys.setswitchinterval(interval_s)
        wait_for(lambda: ACTION in observer.newest)
        assert before_ns <= observer.newest[ACTION][0] <= after_ns
        assert start_ns <= observer.newest[MODE][0] <= before_ns


def test_a_topic_that_is_ignored_is_neither_recorded_nor_shown(robot, tmp_path):
    node, domain_id = robot
    action = node.create_publisher(String, ACTION, 10)
    mode = node.create_publisher(String, MODE, 10)
    with closing(Observer(domain_id=domain_id)) as observer:
        wait_for(lambda: len(observer.published([ACTION, MODE])) == 2)
        observer.record(tmp_path / 'bag', dict.fromkeys([ACTION, MODE], 'std_msgs/msg/String'))
        wait_for(lambda: action.get_subscription_count() == mode.get_subscription_count() == 1)
        observer.ignore([ACTION])
        action.publish(String(data='hydrate'))
        mode.publish(String(data='HOLD'))
        wait_for(lambda: observer.recorder.written['/maintenance/mode'] == 1)
    assert [message.message.data for message in read_messages(tmp_path / 'bag')] == ['HOLD']


def test_a_service_that_nobody_offers_answers_none(robot):
    with closing(Observer(domain_id=robot[1])) as observer:
        assert (
            observer.call(GetState, 'nobody/get_state', GetState.Request(), timeout_s=0.1) is None
        )
