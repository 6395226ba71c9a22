# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Torch modules: the teacher, the student, and their weights on disk.

student = load_student('models/student.safetensors', load_profile('living_wall'))
output = student(image)  # float32[B, 3, 128, 128], RGB, 0 to 1
output.logits, output.readings, output.quantities
"""

from crossmodal_kd_ros.networks.config import StudentConfig, TeacherConfig
from crossmodal_kd_ros.networks.senses import bounded, sense_statistics, statistics_size
from crossmodal_kd_ros.networks.standardise import Standardiser, Statistics
from crossmodal_kd_ros.networks.student import Student, StudentOutput
from crossmodal_kd_ros.networks.teacher import Teacher, TeacherAttention, TeacherOutput, freeze
from crossmodal_kd_ros.networks.weights import (
    DeviceError,
    WeightsError,
    find_device,
    load_student,
    load_teacher,
    read_card,
    save_weights,
)

__all__ = [
    'DeviceError',
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
    'find_device',
    'freeze',
    'load_student',
    'load_teacher',
    'read_card',
    'save_weights',
    'sense_statistics',
    'statistics_size',
]
