# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How many pictures survive the way from one process to another.

Run as a program, it is one of the two processes.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from crossmodal_kd_ros.demo.processes import free_domain_id, isolated_environment
from crossmodal_kd_ros.errors import CrossmodalError

SENT = 60
_RATE_HZ = 30.0
_SIZE_PX = (480, 640)
_TOPIC = 'pictures'
# A second's worth, so that it is the transport that is measured and not how often a busy machine
# runs the receiver.
_DEPTH = 30
# To find each other on a busy machine.
_PATIENCE_S = 20.0
_LIMIT_S = 60.0
# Of a process that did not find the other one.
_NOT_FOUND_EXIT_CODE = 3


class MeasurementError(CrossmodalError):
    """The two processes did not get to work: one sentence that says why."""


class NotFoundError(MeasurementError):
    """The two processes started, and did not find each other."""


@dataclass(frozen=True, kw_only=True)
class Survival:
    """What became of the pictures.

    Attributes:
        sent: how many were sent.
        received: how many of them arrived.
        median_ms: median time from stamp to callback, milliseconds; NaN if none arrived.
    """

    sent: int
    received: int
    median_ms: float


def measure(environ: Mapping[str, str]) -> Survival:
    """Send 60 pictures of 640x480 in 2 s, best effort, between two processes.

    They have the environment `environ` and a domain of their own.

    Raises:
        NotFoundError: they did not find each other.
        MeasurementError: they could not start, or ended early.
    """
    alone = isolated_environment(environ, free_domain_id(environ))
    command = [sys.executable, '-m', 'crossmodal_kd_ros.doctor.pictures']
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
    roles = [
        subprocess.Popen([*command, role], env=alone, **pipes) for role in ('receive', 'send')
    ]
    try:
        received, receiver_errors = roles[0].communicate(timeout=_LIMIT_S)
        _, sender_errors = roles[1].communicate(timeout=_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f'the processes were not done after {_LIMIT_S:.0f} s') from error
    finally:
        for role in roles:
            with suppress(ProcessLookupError):
                role.kill()
            role.wait()
    codes = [role.returncode for role in roles]
    if _NOT_FOUND_EXIT_CODE in codes:
        raise NotFoundError(f'they did not find each other within {_PATIENCE_S:.0f} s')
    if any(codes):
        said = (receiver_errors + sender_errors).strip().splitlines()
        raise MeasurementError(said[-1] if said else f'they died, with exit codes {codes}')
    latencies_ms = json.loads(received.splitlines()[-1])
    return Survival(
        sent=SENT,
        received=len(latencies_ms),
        median_ms=statistics.median(latencies_ms) if latencies_ms else float('nan'),
    )


def main(role: str) -> None:
    """Send pictures, or receive them and print how old each was, ms."""
    import rclpy

    rclpy.init(args=[])
    node = rclpy.create_node(role)
    try:
        _send(node) if role == 'send' else _receive(node)
    finally:
        node.destroy_node()
        rclpy.shutdown()


def _send(node) -> None:
    import numpy as np
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

    from crossmodal_kd_ros.nodes import conversions
    from crossmodal_kd_ros.nodes.qos import qos_profile

    publisher = node.create_publisher(Image, _TOPIC, qos_profile('sensor', depth=_DEPTH))
    _wait(lambda: publisher.get_subscription_count() > 0)
    time.sleep(0.5)  # discovery is mutual, and the other side may need a little longer
    picture = np.random.default_rng(0).integers(0, 255, (*_SIZE_PX, 3), np.uint8)
    message = conversions.image_message(Header(), picture)
    start_s = time.monotonic()
    for index in range(SENT):
        time.sleep(max(0.0, start_s + index / _RATE_HZ - time.monotonic()))
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
    time.sleep(0.5)  # what is under way is lost when its sender leaves


def _receive(node) -> None:
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import Image

    from crossmodal_kd_ros.nodes.qos import qos_profile
    from crossmodal_kd_ros.runtime.messages import stamp_ns

    latencies_ms: list[float] = []

    def on_image(message: Image) -> None:
        now_ns = node.get_clock().now().nanoseconds
        latencies_ms.append((now_ns - stamp_ns(message, now_ns)) / 1e6)

    node.create_subscription(Image, _TOPIC, on_image, qos_profile('sensor', depth=_DEPTH))
    _wait(lambda: node.count_publishers(_TOPIC) > 0)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while node.count_publishers(_TOPIC) > 0:
        executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    print(json.dumps(latencies_ms))


def _wait(condition) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > end_s:
            raise SystemExit(_NOT_FOUND_EXIT_CODE)
        time.sleep(0.02)


if __name__ == '__main__':
    main(sys.argv[1])
