# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The demo: real nodes in processes of their own, a bystander that records them, and a report on what they did.

`session.run_demo` does it all. In reading order: `processes` (the nodes), `observer` (what is
recorded), `live`, `view` and `screens` (the terminal), `recording` and `summary` (the bag as
arrays, and its figures), `figures` and `report` (the page).
"""
