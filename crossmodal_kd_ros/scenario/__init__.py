# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The article's stories in closed loop: a robot on a living facade that answers to its acts.

In reading order: `setting` (what is played, as a table), `robot` (the facade and the tip on it;
what happens, as events), `in_process` and `session` (the two ways to play it: by a clock of its
own, or with real nodes over DDS, where `facade_node` is facade and robot), `needs` and `score`
(what acts are judged by), `seeds` (many seeds beside the controls), `view` (the terminal) and
`report` (the page).
"""
