# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What tests of several rooms need."""

import pytest


@pytest.fixture(scope='session')
def models(tmp_path_factory):
    """Return a folder with an untrained student and teacher."""
    torch = pytest.importorskip('torch')
    from crossmodal_kd_ros.networks import Student, Teacher, save_weights

    folder = tmp_path_factory.mktemp('models')
    torch.manual_seed(0)
    save_weights(Student(), folder / 'student.safetensors', card={'seed': '0'})
    save_weights(Teacher(), folder / 'teacher.safetensors', card={'seed': '0'})
    return folder
