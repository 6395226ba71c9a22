# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The article as written, and quantum alignment: kept working, apart from the core."""
