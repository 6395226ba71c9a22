# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From an answer to how a repair is done: pressure, angles of approach, path. No ROS.

    planner = make_planner(profile, calibration)
    command = planner.plan(answer)  # None: the answer asks for no repair

`config` reads `config/repair.yaml`, `surface` is the geometry of a grid's reading, `ground` says
which material lies under it, `planner` puts them together. What they know of the wall stands in
that file; they import no simulation.
"""

from crossmodal_kd_ros.repair.config import RepairConfig, RepairError, load_repairs
from crossmodal_kd_ros.repair.planner import RepairCommand, RepairPlanner, make_planner

__all__ = [
    'RepairCommand',
    'RepairConfig',
    'RepairError',
    'RepairPlanner',
    'load_repairs',
    'make_planner',
]
