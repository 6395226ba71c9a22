# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The demo: nodes in processes of their own over the living wall, recorded and reported on.

`session.run_demo` runs it. In reading order: `processes` (the nodes), `observer` (what is
recorded), `live`, `view` and `screens` (the terminal), `recording` and `summary` (the bag as
arrays, and its figures), `report` (what the page of `reports` shows).
"""
