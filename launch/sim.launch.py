# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The maintenance node and a simulated wall that it sees, touches and smells."""

from crossmodal_kd_ros.nodes.launching import arguments, nodes
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return the description; `ros2 launch` lists its arguments with `--show-args`."""
    return LaunchDescription([*arguments('sim.yaml'), nodes('simulator_node', 'maintenance_node')])
