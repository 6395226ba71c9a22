# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Samples by the thousand, one form whatever their source: `Pairs` of camera, touch, gas and the expert's action."""

from crossmodal_kd_ros.datasets.pairs import Pairs
from crossmodal_kd_ros.datasets.simulated import load_simulated, simulate

__all__ = ['Pairs', 'load_simulated', 'simulate']
