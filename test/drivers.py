# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Drivers that can be set right or wrong: they publish what a test says, from one node.

`picture`, `touch` and `gas` make healthy messages of the living wall for it.
"""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from robot import PICTURE, READINGS
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from crossmodal_kd_ros.nodes import conversions
from crossmodal_kd_ros.profile import load_profile

_SENSES = load_profile().senses


def picture(header: Header) -> Image:
    """Return a picture of the camera."""
    return conversions.image_message(header, PICTURE)


def touch(header: Header) -> Image:
    """Return a reading of the pad."""
    return conversions.reading_message(header, _SENSES['touch'], np.ones(256, np.float32))


def gas(header: Header) -> JointState:
    """Return a reading of the nose."""
    return conversions.reading_message(header, _SENSES['gas'], READINGS['gas'])


class Drivers:
    """One node without a topic, at first.

    Attributes:
        node: for parameters, and for what else a test publishes.
    """

    def __init__(self) -> None:
        """Start the node and its thread."""
        self._context = Context()
        self._context.init([])
        self.node = Node('drivers', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def publish(
        self, topic: str, make: Callable[[Header], Any], *, rate_hz: float, profile: QoSProfile
    ) -> None:
        """Send the message that `make(header)` returns, `rate_hz` times a second."""

        def send() -> None:
            publisher.publish(make(Header(stamp=self.node.get_clock().now().to_msg())))

        publisher = self.node.create_publisher(type(make(Header())), topic, profile)
        self.node.create_timer(1.0 / rate_hz, send)

    def close(self) -> None:
        """End everything."""
        self._ended.set()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.shutdown()

    def _spin(self) -> None:
        while not self._ended.is_set():
            self._executor.spin_once(timeout_sec=0.05)
