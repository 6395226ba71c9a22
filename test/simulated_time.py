# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The time of a simulation or a recording: it runs, pauses, crawls, starts over, or is gone."""

import threading
from typing import Any

from rclpy.parameter import Parameter
from rclpy.time import Time
from robot import Robot
from rosgraph_msgs.msg import Clock
from waiting import wait_for

from crossmodal_kd_ros.nodes.qos import qos_profile

START_S = 1000.0


class SimulatedTime:
    """Publishes /clock a hundred times a second, and sensors that go by it.

    Attributes:
        robot: has the sensors, and listens.
        speed: seconds of this time in one second.
        tick_s: real time from one message on /clock to the next.
    """

    def __init__(self, *, is_there: bool = True, **robot: Any) -> None:
        """Start the clock, with every sensor on; or, without one, with every sensor off.

        `robot` are arguments of `Robot`.
        """
        self.robot = Robot(**robot)
        self.robot.node.set_parameters([Parameter('use_sim_time', value=True)])
        self.speed, self.tick_s = 1.0, 0.01
        self._publisher, self._now_s = None, START_S
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()
        if is_there:
            self.appear()

    def appear(self) -> None:
        """Publish on /clock from now on, with every sensor on."""
        self._publisher = self.robot.node.create_publisher(Clock, '/clock', qos_profile('sensor'))
        wait_for(lambda: self.robot.node.get_clock().now().nanoseconds >= self._now_s * 1e9 - 1e7)
        self.run()

    def disappear(self) -> None:
        """Let nobody publish /clock, nor any sensor."""
        self.robot.turn_on()
        publisher, self._publisher = self._publisher, None
        self.robot.node.destroy_publisher(publisher)

    def run(self) -> None:
        """Go on, with every sensor on."""
        self.speed = 1.0
        self.robot.turn_on('camera', 'touch', 'gas')

    def pause(self) -> None:
        """Stand still: no sensor sends, and /clock says the same again and again."""
        self.robot.turn_on()
        self.speed = 0.0

    def start_over(self) -> None:
        """Be at the beginning again, as a recording that is played in a loop."""
        self._now_s = START_S

    def close(self) -> None:
        """End everything."""
        self._ended.set()
        self._thread.join()
        self.robot.close()

    def _tick(self) -> None:
        while not self._ended.wait(self.tick_s):
            self._now_s += self.tick_s * self.speed
            publisher = self._publisher
            if publisher is not None:
                now = Time(nanoseconds=round(self._now_s * 1e9)).to_msg()
                publisher.publish(Clock(clock=now))
