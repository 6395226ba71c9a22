# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was measured of a pair of weights: how it is fitted, and how it is applied."""
