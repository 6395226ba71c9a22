# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The overlay topic: whose picture it is, and that nothing is drawn while nobody watches."""

import time

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode
from robot import PICTURE, Robot, wait_for
from sensor_msgs.msg import Image

from crossmodal_kd_ros.contract import Estimate, Mode
from crossmodal_kd_ros.nodes import conversions
from crossmodal_kd_ros.nodes.overlay import OverlayPublisher
from crossmodal_kd_ros.runtime import Frame

ESTIMATE = Estimate(
    stamp_ns=1,
    mode=Mode.STUDENT,
    reason='no gas reading yet',
    action='hydrate',
    confidence=0.5,
    probabilities=np.full(6, 1 / 6, np.float32),
    touch=np.zeros(256, np.float32),
    gas=np.zeros(8, np.float32),
    surface=np.zeros(3, np.float32),
)


@pytest.fixture
def node():
    """Return an active lifecycle node in a context of its own."""
    context = Context()
    rclpy.init(context=context)
    node = LifecycleNode('painter', context=context)
    node.trigger_configure()
    node.trigger_activate()
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def painter(node, models):
    """Return its overlay, with its thread running and its publisher enabled."""
    painter = OverlayPublisher(node, str(models))
    node.trigger_deactivate()
    node.trigger_activate()
    painter.start()
    yield painter
    painter.stop()
    painter.close()


def test_the_node_sends_the_picture_with_the_header_of_its_image(start, models):
    robot = Robot()
    try:
        got = []
        robot.node.create_subscription(Image, 'maintenance/overlay', got.append, 10)
        node = start('maintenance_node', models_dir=models, min_confidence=0.0)
        robot.turn_on('camera', 'touch', 'gas')
        wait_for(lambda: len(got) >= 3, printed=node.printed)

        assert all(message.header in robot.sent for message in got)
        picture = conversions.image_reader(got[-1])()
        assert picture.shape == (60 + 480 + 35, 640, 3)
        stamps = [conversions.stamp_ns(message.header) / 1e9 for message in got]
        # On average: a busy machine is late with one picture and in time with the next.
        assert np.diff(stamps).mean() > 0.2
        assert node.end() == 0
    finally:
        robot.close()


def test_nothing_is_drawn_while_nobody_watches(node, painter):
    read = []

    def look():
        read.append(time.monotonic())
        return PICTURE

    frame = Frame(stamp_ns=1, read=look, origin=conversions.Header())
    for _ in range(20):
        painter.offer(frame, ESTIMATE)
        time.sleep(0.02)
    assert not read

    got = []
    node.create_subscription(Image, 'maintenance/overlay', got.append, 10)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)

    def comes() -> bool:
        painter.offer(frame, ESTIMATE)
        executor.spin_once(timeout_sec=0.02)
        return bool(got)

    wait_for(comes)
    executor.shutdown()
    assert read


def test_without_a_student_everything_else_is_drawn(node, tmp_path):
    painter = OverlayPublisher(node, str(tmp_path))

    drawn = painter._draw(Frame(stamp_ns=1, read=lambda: PICTURE), ESTIMATE)

    assert drawn.shape == (575, 640, 3)
    painter.close()


def test_a_picture_that_cannot_be_read_ends_nothing(node, painter):
    node.create_subscription(Image, 'maintenance/overlay', lambda message: None, 10)
    wait_for(lambda: painter._publisher.get_subscription_count() == 1)
    reads = []

    def fail():
        reads.append(1)
        raise conversions.BadMessage('expected a picture, got none')

    painter.offer(Frame(stamp_ns=1, read=fail), ESTIMATE)
    wait_for(lambda: reads)

    assert painter._thread.is_alive()
