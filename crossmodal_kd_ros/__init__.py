# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Camera-only fallback, by cross-modal distillation, for robots whose other senses fail."""
