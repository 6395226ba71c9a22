# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A picture that shows what the robot sees, what it looks at and what it decided. No ROS here.

`annotate` draws it. `Saliency` computes where the student looks; it is in `overlay.saliency`, the
only module of this room that imports torch.
"""

from crossmodal_kd_ros.overlay.picture import annotate

__all__ = ['annotate']
