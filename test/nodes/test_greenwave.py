# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What NVIDIA's greenwave_monitor shows of the node: rate and delay of each topic it reads."""

import threading
import time
from dataclasses import dataclass, fields

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from robot import PICTURE, READINGS, Robot, reading_messages
from std_msgs.msg import Header
from waiting import wait_for

from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.runtime import topics

FRONT = '/left/front'
PAD = '/left/tactile/image'
PERIOD_S, TAKEN_BEFORE_S = 0.05, 0.15
WINDOW_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the dashboard: `UiDiagnosticData` in ui_adaptor.py, which reads these keys."""

    level: bytes
    frame_rate_node: str = '-'
    frame_rate_msg: str = '-'
    current_delay_from_realtime_ms: str = '-'
    expected_frequency: str = '-'
    tolerance: str = '-'


def row(robot: Robot, topic: str) -> Row | None:
    """Return the newest row of a topic: the status whose name is the topic's full name."""
    for _, message in reversed(list(robot.got['diagnostics'])):
        for status in message.status:
            if status.name == topic:
                keys = {field.name for field in fields(Row)} - {'level'}
                values = {pair.key: pair.value for pair in status.values if pair.key in keys}
                return Row(level=status.level, **values)
    return None


class Sender(threading.Thread):
    """Pictures 150 ms after they were taken, and a pad whose clock runs at half speed."""

    def __init__(self, robot: Robot) -> None:
        """Publish on the topics that the node listens to, until `end`."""
        super().__init__()
        self._robot, self._ended = robot, threading.Event()
        self._front = robot.node.create_publisher(
            conversions.message_class(topics.IMAGE), FRONT, qos.qos_profile('sensor')
        )
        self.times_s: list[float] = []
        self.start()

    def run(self) -> None:
        """Send both, every 50 ms."""
        first_s, pad = time.time(), self._robot.profile.senses['touch']
        while not self._ended.wait(PERIOD_S):
            number, now_s = len(self.times_s), time.time()
            picture = np.roll(PICTURE, 7 * number, 1)
            header = stamped(now_s - TAKEN_BEFORE_S)
            self._front.publish(conversions.image_message(header, picture))
            header = stamped(first_s + 0.5 * (now_s - first_s))
            reading = READINGS['touch'] + np.float32(1e-4 * number)
            (message,) = reading_messages(header, pad, reading).values()
            self._robot.publish('touch', message)
            self.times_s.append(now_s)

    def rate_hz(self) -> float:
        """Return how many of each were sent a second, of late."""
        late = [at_s for at_s in list(self.times_s) if at_s > time.time() - WINDOW_S]
        return (len(late) - 1) / (late[-1] - late[0]) if len(late) > 1 else 0.0

    def end(self) -> None:
        """Send no more."""
        self._ended.set()
        self.join()


def stamped(at_s: float) -> Header:
    """Return a header with a stamp, s since the epoch."""
    return Header(stamp=Time(sec=int(at_s), nanosec=int(at_s % 1.0 * 1e9)))


@pytest.fixture
def node(start, models):
    """Return a node in a namespace that has the camera under another name."""
    return start(
        'maintenance_node',
        '-r',
        '__ns:=/left',
        '-r',
        f'camera/image_raw:={FRONT}',
        models_dir=models,
        camera_timeout_s=2.0,
    )


@pytest.fixture
def robot(node):
    """Return a listener beside the node."""
    robot = Robot('/left')
    yield robot
    robot.close()


def test_each_topic_has_the_rate_at_which_it_comes_and_that_of_its_stamps_and_its_delay(
    node, robot
):
    sender = Sender(robot)
    try:

        def front_is_right() -> bool:
            shown = row(robot, FRONT)
            return (
                shown is not None
                and shown.level == DiagnosticStatus.OK
                and float(shown.frame_rate_node) == pytest.approx(sender.rate_hz(), rel=0.2)
                and float(shown.frame_rate_msg) == pytest.approx(sender.rate_hz(), rel=0.2)
                and 150.0 <= float(shown.current_delay_from_realtime_ms) < 300.0
            )

        def pad_is_right() -> bool:
            shown = row(robot, PAD)
            return (
                shown is not None
                and float(shown.frame_rate_node) == pytest.approx(sender.rate_hz(), rel=0.2)
                and float(shown.frame_rate_msg) == pytest.approx(2.0 * sender.rate_hz(), rel=0.2)
                and float(shown.current_delay_from_realtime_ms) > 500.0
            )

        wait_for(front_is_right, printed=lambda: f'{row(robot, FRONT)} {node.printed()}')
        wait_for(pad_is_right, printed=lambda: f'{row(robot, PAD)} {node.printed()}')
    finally:
        sender.end()
    wait_for(lambda: row(robot, FRONT).level == DiagnosticStatus.ERROR, printed=node.printed)


def test_each_topic_has_the_frequency_of_the_profile_and_the_tolerance_of_what_counts_as_slow(
    node, robot
):
    wait_for(lambda: row(robot, FRONT), printed=node.printed)
    periods_s = {FRONT: robot.profile.camera.period_s, PAD: robot.profile.senses['touch'].period_s}
    for topic, period_s in periods_s.items():
        shown = row(robot, topic)
        assert float(shown.expected_frequency) == pytest.approx(1.0 / period_s, rel=1e-3)
        assert float(shown.tolerance) == 50.0  # percent: slow is under half of that
        assert shown.current_delay_from_realtime_ms == 'N/A'  # no message yet
        assert float(shown.frame_rate_node) == float(shown.frame_rate_msg) == 0.0


def test_every_topic_that_the_node_listens_to_has_a_row(node, robot):
    wait_for(lambda: row(robot, FRONT), printed=node.printed)
    subscribed = {
        name
        for name, _ in robot.node.get_subscriber_names_and_types_by_node(
            'maintenance_node', '/left'
        )
    }

    assert {FRONT, PAD} <= subscribed
    assert [name for name in subscribed if name != '/clock' and row(robot, name) is None] == []
