# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pure loss functions, and the schedules of their weights: tensors in, one number out."""

from crossmodal_kd_ros.training.losses.adversarial import adversarial_ramp, reverse_gradient
from crossmodal_kd_ros.training.losses.decision import (
    NO_LABEL,
    decoupled_loss,
    distillation_loss,
    progressive_alpha,
    pseudo_label_loss,
)
from crossmodal_kd_ros.training.losses.embedding import (
    feature_matching_loss,
    relational_angle_loss,
    relational_distance_loss,
)
from crossmodal_kd_ros.training.losses.readings import gaussian_nll

__all__ = [
    'NO_LABEL',
    'adversarial_ramp',
    'decoupled_loss',
    'distillation_loss',
    'feature_matching_loss',
    'gaussian_nll',
    'progressive_alpha',
    'pseudo_label_loss',
    'relational_angle_loss',
    'relational_distance_loss',
    'reverse_gradient',
]
