# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`ros2 launch FILE name:=value ...`, for where ros2cli is absent and launch is not."""

import sys

from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

from launch import LaunchDescription, LaunchService


def main(path: str, *arguments: str) -> int:
    """Run a launch file to its end; return the exit code."""
    service = LaunchService(argv=list(arguments))
    service.include_launch_description(
        LaunchDescription(
            [
                IncludeLaunchDescription(
                    PythonLaunchDescriptionSource(path),
                    launch_arguments=[argument.split(':=', 1) for argument in arguments],
                )
            ]
        )
    )
    return service.run()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
