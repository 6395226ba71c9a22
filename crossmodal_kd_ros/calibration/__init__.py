# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was measured of a pair of weights: how it is fitted, and how it is applied.

`model` is `calibration.json`. Its parts are applied with NumPy alone: `intervals`,
`out_of_distribution`, `consistency`. `fit` measures them and needs the networks.
"""
