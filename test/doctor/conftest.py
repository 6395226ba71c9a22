# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot whose sensors can be set right or wrong."""

import threading

import pytest

pytest.importorskip('rclpy')

from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402


class Drivers:
    """Publishes what a test says, from one node."""

    def __init__(self, context: Context) -> None:
        """Start without a topic."""
        self.node = Node('drivers', context=context)

    def publish(self, topic: str, make, *, rate_hz: float, profile) -> None:
        """Send the message that `make(header)` returns, `rate_hz` times a second."""
        from std_msgs.msg import Header

        def send() -> None:
            publisher.publish(make(Header(stamp=self.node.get_clock().now().to_msg())))

        publisher = self.node.create_publisher(type(make(Header())), topic, profile)
        self.node.create_timer(1.0 / rate_hz, send)


@pytest.fixture
def drivers():
    """Return drivers that end with the test."""
    context = Context()
    context.init([])
    drivers = Drivers(context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(drivers.node)
    ended = threading.Event()

    def spin() -> None:
        while not ended.is_set():
            executor.spin_once(timeout_sec=0.05)

    thread = threading.Thread(target=spin)
    thread.start()
    yield drivers
    ended.set()
    thread.join()
    executor.shutdown()
    drivers.node.destroy_node()
    context.shutdown()
