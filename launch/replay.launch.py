# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The maintenance node under the time of a bag, and the bag played into it: by `ros2 bag play`, or by this package."""

from crossmodal_kd_ros.nodes.launching import (
    arguments,
    bag_arguments,
    nodes,
    played_bag,
    topic_arguments,
)
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the description; `ros2 launch crossmodal_kd_ros replay.launch.py --show-args` lists its arguments."""
    return LaunchDescription(
        [
            *arguments('robot.yaml', use_sim_time='true'),
            *topic_arguments(),
            *bag_arguments(),
            nodes('maintenance_node'),
            played_bag(),
        ]
    )
