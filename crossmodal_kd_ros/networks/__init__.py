# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Torch modules: the teacher, the student, their weights on disk, and the article's own nets as `reference`.

student = load_student('models/student.safetensors')
output = student(image)  # float32[B, 3, 128, 128], RGB, 0 to 1
output.logits, output.touch, output.gas, output.surface
"""

from crossmodal_kd_ros.networks.config import StudentConfig, TeacherConfig
from crossmodal_kd_ros.networks.standardise import Standardiser, Statistics
from crossmodal_kd_ros.networks.student import Student, StudentOutput, bounded
from crossmodal_kd_ros.networks.teacher import (
    NUM_TOUCH_STATISTICS,
    Teacher,
    TeacherAttention,
    TeacherOutput,
    freeze,
    touch_statistics,
)
from crossmodal_kd_ros.networks.weights import (
    WeightsError,
    load_student,
    load_teacher,
    read_card,
    save_weights,
)

__all__ = [
    'NUM_TOUCH_STATISTICS',
    'Standardiser',
    'Statistics',
    'Student',
    'StudentConfig',
    'StudentOutput',
    'Teacher',
    'TeacherAttention',
    'TeacherConfig',
    'TeacherOutput',
    'WeightsError',
    'bounded',
    'freeze',
    'load_student',
    'load_teacher',
    'read_card',
    'save_weights',
    'touch_statistics',
]
