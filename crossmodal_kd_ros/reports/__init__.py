# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pages in one file, with every picture inside.

`run` is a run as plain data, live or replayed; `plots` draws it; `run.html.j2` is its page, whose
blocks `demo` and `bags` fill. `style` has the colours and words that screens share with pages.
"""

from crossmodal_kd_ros.reports.page import thumbnail, write_page

__all__ = ['thumbnail', 'write_page']
