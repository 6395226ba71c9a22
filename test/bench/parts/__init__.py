# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The parts of the benchmark: each has `run(bench)`, which returns what it comes to."""
