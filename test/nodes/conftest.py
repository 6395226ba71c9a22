# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The Fast DDS profile, and processes that end with their test."""

import os
from contextlib import ExitStack

import pytest

pytest.importorskip('rclpy')

from crossmodal_kd_ros.nodes.transport import profile_environment  # noqa: E402

# Read by every context of this process and of its children.
os.environ.update(profile_environment(os.environ))


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a node; every node it started has ended after the test."""
    from robot import NodeProcess

    started = []

    def start_one(node, *ros_args, **parameters):
        started.append(
            NodeProcess(node, *ros_args, output=tmp_path / f'{len(started)}.log', **parameters)
        )
        return started[-1]

    # each is ended even if another one hangs, or the next tests would hear it
    with ExitStack() as ends:
        yield start_one
        for process in started:
            if process.alive():
                ends.callback(process.end)
