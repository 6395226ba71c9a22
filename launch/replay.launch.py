# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The maintenance node under the time of a bag, and the bag played into it.

By `ros2 bag play`, or by this package where that is not installed.
"""

from crossmodal_kd_ros.nodes.launching import (
    arguments,
    bag_arguments,
    nodes,
    played_bag,
    topic_arguments,
)
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the description; `ros2 launch` lists its arguments with `--show-args`."""
    return LaunchDescription(
        [
            *arguments('robot.yaml', use_sim_time='true'),
            *topic_arguments(),
            *bag_arguments(),
            nodes('maintenance_node'),
            played_bag(),
        ]
    )
