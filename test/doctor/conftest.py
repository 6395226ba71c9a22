# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sensors that can be set right or wrong."""

import pytest

pytest.importorskip('rclpy')

from drivers import Drivers  # noqa: E402


@pytest.fixture
def drivers():
    """Return drivers that end with the test."""
    drivers = Drivers()
    yield drivers
    drivers.close()
