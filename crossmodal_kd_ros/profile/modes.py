# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who decides, and why: words that every room shares."""

from enum import Enum

# Not an action of any profile: what the robot does when the package does not know.
HOLD = 'hold'


class Mode(str, Enum):
    """Which predictor decides.

    `TEACHER`: camera and every sense are healthy. `PARTIAL`: the teacher decides with the lost
    senses masked. `STUDENT`: the camera alone decides. `HOLD`: nobody knows, the robot keeps
    still.
    """

    TEACHER = 'TEACHER'
    STUDENT = 'STUDENT'
    HOLD = 'HOLD'
    PARTIAL = 'PARTIAL'

    def __str__(self) -> str:
        return self.value
