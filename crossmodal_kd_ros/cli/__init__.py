# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The command `crossmodal-kd`: one module for each subcommand, imported when it is asked for."""
