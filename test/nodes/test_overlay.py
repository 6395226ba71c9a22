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
from robot import PICTURE, Robot
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from waiting import wait_for

from crossmodal_kd_ros.nodes.overlay import OverlayPublisher
from crossmodal_kd_ros.profile import Mode, load_profile
from crossmodal_kd_ros.runtime.messages import stamp_ns
from crossmodal_kd_ros.runtime.sample import Answer, Estimate, Perception, Sample
from crossmodal_kd_ros.runtime.sources import CameraReader

WALL = load_profile()

PROBABILITIES = np.full(6, 1 / 6, np.float32)
READINGS = {'touch': np.zeros(256, np.float32), 'gas': np.zeros(8, np.float32)}
QUANTITIES = dict.fromkeys(WALL.quantities, 0.0)


def answer(image: np.ndarray) -> Answer:
    """Return the answer to a picture."""
    return Answer(
        sample=Sample(stamp_ns=1, image=image, readings=READINGS),
        perception=Perception(
            probabilities=PROBABILITIES, readings=READINGS, quantities=np.zeros(4, np.float32)
        ),
        probabilities=PROBABILITIES,
        estimate=Estimate(
            stamp_ns=1,
            mode=Mode.STUDENT,
            reason='no gas reading yet',
            action='hydrate',
            confidence=0.5,
            probabilities=PROBABILITIES,
            readings=READINGS,
            quantities=QUANTITIES,
        ),
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
    painter = OverlayPublisher(node, str(models), WALL)
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
        picture = CameraReader().read(got[-1])[1]()
        assert picture.shape == (60 + 480 + 35, 640, 3)
        stamps = [stamp_ns(message, 0) / 1e9 for message in got]
        # On average: a busy machine is late with one picture and in time with the next.
        assert np.diff(stamps).mean() > 0.2
        assert node.end() == 0
    finally:
        robot.close()


def test_nothing_is_drawn_while_nobody_watches(node, painter):
    drawn = []
    draw = painter._draw
    painter._draw = lambda answer: drawn.append(answer) or draw(answer)
    given = answer(PICTURE)
    for _ in range(20):
        painter.offer(Header(), given)
        time.sleep(0.02)
    assert not drawn

    got = []
    node.create_subscription(Image, 'maintenance/overlay', got.append, 10)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)

    def comes() -> bool:
        painter.offer(Header(), given)
        executor.spin_once(timeout_sec=0.02)
        return bool(got)

    wait_for(comes)
    executor.shutdown()
    assert drawn


def test_without_a_student_everything_else_is_drawn(node, tmp_path):
    painter = OverlayPublisher(node, str(tmp_path), WALL)

    assert painter._draw(answer(PICTURE)).shape == (575, 640, 3)
    painter.close()


def test_a_picture_that_cannot_be_drawn_ends_nothing(node, painter):
    node.create_subscription(Image, 'maintenance/overlay', lambda message: None, 10)
    wait_for(lambda: painter._publisher.get_subscription_count() == 1)
    attempts = []

    def fail(answer):
        attempts.append(1)
        raise ValueError('expected a picture, got none')

    painter._draw = fail
    painter.offer(Header(), answer(PICTURE))
    wait_for(lambda: attempts)

    assert painter._thread.is_alive()
