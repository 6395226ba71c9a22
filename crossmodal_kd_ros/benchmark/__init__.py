# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The benchmark: what can be known, what the networks know of it, and the report."""
