# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The maintenance node and the mission node, for a robot whose drivers run already."""

from crossmodal_kd_ros.nodes.launching import arguments, nodes, topic_arguments
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the description; `ros2 launch` lists its arguments with `--show-args`."""
    return LaunchDescription(
        [*arguments('mission.yaml'), *topic_arguments(), nodes('mission_node', 'maintenance_node')]
    )
