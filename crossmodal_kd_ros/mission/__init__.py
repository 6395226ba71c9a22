# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a robot does next: inspect, decide, confirm, act, verify, move on. No ROS.

    mission = load_tree().Mission(Rules(...), send=print, ask=print)
    mission.memory.hear_answer(stamp_ns, 'seal_crack', now_s)
    mission.tick(now_s)

`memory` is what was heard and what was done, `tree` the behaviour tree over it. The tree needs
py_trees; the memory does not.
"""

from types import ModuleType

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.mission.memory import Memory, Repair, Rules

__all__ = ['Memory', 'Repair', 'Rules', 'load_tree']


def load_tree() -> ModuleType:
    """Return the module `tree`.

    Raises:
        ConfigurationError: py_trees is not installed.
    """
    try:
        from crossmodal_kd_ros.mission import tree
    except ImportError as error:
        raise ConfigurationError(
            f'expected py_trees for a mission, got none ({error}): install it with '
            'pip install "py_trees>=2.2", or as the ROS package py_trees'
        ) from error
    return tree
