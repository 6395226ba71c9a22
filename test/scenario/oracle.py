# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An engine that knows the truth at the tip of a robot, and may be told to be wrong."""

from collections.abc import Callable

import numpy as np

from crossmodal_kd_ros.runtime.sample import Perception
from crossmodal_kd_ros.scenario.in_process import Networks
from crossmodal_kd_ros.scenario.robot import Robot
from crossmodal_kd_ros.simulation.expert import TrueState, decide
from crossmodal_kd_ros.simulation.panel import PROFILE

Decide = Callable[[TrueState], tuple[str, str]]


class Oracle:
    """Decides as the expert, or as `how` says; the student sees the true readings."""

    kind = weights = 'oracle'
    profile = PROFILE

    def __init__(self, robot: Robot, how: Decide = decide) -> None:
        self._robot, self._how = robot, how

    def perceive(self, views: np.ndarray) -> Perception:
        count = len(views)
        return Perception(
            probabilities=self._probabilities(count),
            readings={
                sense: np.repeat(reading[None], count, 0)
                for sense, reading in self._robot.readings.items()
            },
            quantities=np.ones((count, len(PROFILE.quantities)), np.float32),
        )

    def decide(self, views: np.ndarray, readings, present) -> np.ndarray:
        return self._probabilities(len(views))

    def _probabilities(self, count: int) -> np.ndarray:
        action, _ = self._how(self._robot.state)
        probabilities = np.full((count, len(PROFILE.actions)), 0.02, np.float32)
        probabilities[:, PROFILE.actions.index(action)] = 0.9
        return probabilities


def networks(how: Decide = decide) -> Callable[[Robot], Networks]:
    """Return what `play` takes: an oracle for each robot."""
    return lambda robot: Networks(engine=Oracle(robot, how), calibration=None)
