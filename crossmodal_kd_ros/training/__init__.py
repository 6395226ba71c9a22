# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Distillation: pure loss functions, schedules, and the training loops."""
