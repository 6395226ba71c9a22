# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The nodes need rclpy, and the Fast DDS profile without which pictures get lost."""

import os

import pytest

pytest.importorskip('rclpy')

from crossmodal_kd_ros.nodes.transport import profile_environment  # noqa: E402

# Read by every context of this process and of its children.
os.environ.update(profile_environment(os.environ))
