# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Training: `teacher` and `student` hold what is minimised, `loop` how, `cache` keeps results."""
