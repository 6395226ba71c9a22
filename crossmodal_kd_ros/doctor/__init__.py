# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What keeps a robot from working, found before it must: installation, transport, topics.

Every check returns a `Finding`; a problem carries the line that mends it.
"""
