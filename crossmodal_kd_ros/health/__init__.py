# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The verdict on one reading, and on one sensor.

`grid`, `channels` and `picture` judge the content of readings, once, as each comes; `noise` is
what the first two share. `sensor` keeps the newest reading with its verdict and adds its age.
`trust` says from when on a sensor that failed counts again. `reasons` says why, as data and in
words.
"""
