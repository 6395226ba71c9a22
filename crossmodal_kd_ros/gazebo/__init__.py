# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The living wall as a Gazebo world: four panels, an arm, and the readings of its tip.

`write_world` makes the world's files, `locate` finds the tip on the wall, `GazeboSenses` gives the
readings that belong there. No ROS here; `senses_node` brings the messages.
"""

from crossmodal_kd_ros.gazebo.layout import PANEL_CENTRES_M, Place, four_panels, locate
from crossmodal_kd_ros.gazebo.senses import GazeboSenses
from crossmodal_kd_ros.gazebo.world import GAZEBOS, write_world

__all__ = [
    'GAZEBOS',
    'PANEL_CENTRES_M',
    'GazeboSenses',
    'Place',
    'four_panels',
    'locate',
    'write_world',
]
