# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Versions of what the code makes: what is kept of one version is not used by another.

`test/golden` says when to raise which.
"""

# What a seed simulates. Raise it when `test/golden` says that the output of `simulation` changed.
SIMULATION_VERSION = 3
# What a recipe makes of its data (networks, losses, loop). Raise it when `test/golden` says that
# the output of `training` changed.
TRAINING_VERSION = 3
# What the benchmark's figures mean, and under which conditions they are measured. Raise it when
# `test/golden` says that the output of `measures` changed.
MEASURE_VERSION = 3
# What a seed draws as simulated photographs. Raise it when `test/golden` says that the output of
# `photographs` changed.
PHOTOGRAPH_VERSION = 1
