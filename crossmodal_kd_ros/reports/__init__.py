# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the pages of this package share: one look, one colour for each mode and action, everything in one file."""

from crossmodal_kd_ros.reports.page import thumbnail, write_page

__all__ = ['thumbnail', 'write_page']
