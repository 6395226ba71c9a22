# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node under the time of a simulation or a recording, which stands still and starts again."""

import threading
import time

import pytest
from rclpy.parameter import Parameter
from rclpy.time import Time
from robot import Robot
from rosgraph_msgs.msg import Clock
from waiting import wait_for

START_S = 1000.0


class SimulatedTime:
    """Publishes /clock a hundred times a second, and sensors that go by it."""

    def __init__(self) -> None:
        """Start the clock, with every sensor on."""
        self.robot = Robot()
        self.robot.node.set_parameters([Parameter('use_sim_time', value=True)])
        self._publisher = self.robot.node.create_publisher(Clock, '/clock', 10)
        self._now_s, self._runs, self._ended = START_S, True, threading.Event()
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()
        wait_for(lambda: self.robot.node.get_clock().now().nanoseconds >= START_S * 1e9)
        self.run()

    def run(self) -> None:
        """Go on, with every sensor on."""
        self._runs = True
        self.robot.turn_on('camera', 'touch', 'gas')

    def pause(self) -> None:
        """Stand still: no sensor sends, and /clock says the same again and again."""
        self.robot.turn_on()
        self._runs = False

    def start_over(self) -> None:
        """Be at the beginning again, as a recording that is played in a loop."""
        self._now_s = START_S

    def close(self) -> None:
        """End everything."""
        self._ended.set()
        self._thread.join()
        self.robot.close()

    def _tick(self) -> None:
        while not self._ended.wait(0.01):
            self._now_s += 0.01 * self._runs
            self._publisher.publish(
                Clock(clock=Time(nanoseconds=round(self._now_s * 1e9)).to_msg())
            )


@pytest.fixture
def simulated():
    """Return a simulated time that runs."""
    simulated = SimulatedTime()
    yield simulated
    simulated.close()


@pytest.fixture
def node(simulated, start, models):
    """Return a node under that time, in TEACHER mode."""
    node = start('maintenance_node', models_dir=models, min_confidence=0.0, use_sim_time=True)
    wait_for(lambda: simulated.robot.last('mode') == 'TEACHER', printed=node.printed)
    return node


def test_a_pause_is_no_dropout(simulated, node):
    modes = len(simulated.robot.got['mode_reason'])
    simulated.pause()
    time.sleep(2.0)  # the longest timeout is 1.25 s
    simulated.run()
    simulated.robot.forget()
    wait_for(lambda: len(simulated.robot.got['action_scores']) > 30, printed=node.printed)

    assert simulated.robot.got['mode_reason'][modes:] == []


def test_a_time_that_starts_over_is_told_and_the_teacher_decides_again(simulated, node):
    robot = simulated.robot
    before = len(robot.got['mode_reason'])
    wait_for(lambda: robot.node.get_clock().now().nanoseconds > (START_S + 2.0) * 1e9)
    simulated.start_over()
    wait_for(
        lambda: any('the clock was set back by' in said for said in reasons(robot, before)),
        printed=node.printed,
    )
    wait_for(lambda: reasons(robot, before)[-1].startswith('TEACHER: '), printed=node.printed)
    robot.forget()
    wait_for(lambda: robot.status(': mode')[1].get('clock_jumps') == '1', printed=node.printed)

    assert not any(word in node.printed() for word in ('ERROR', 'FATAL', 'Traceback'))


def reasons(robot: Robot, since: int) -> list[str]:
    """Return what was said of the mode since there were so many messages of it."""
    return [message.data for _, message in robot.got['mode_reason'][since:]]
