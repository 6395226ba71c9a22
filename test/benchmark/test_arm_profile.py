# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The profile with a soft arm is simulated and trained on as the wall's own is."""

from pathlib import Path

from click.testing import CliRunner

from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.networks import load_student, load_teacher
from crossmodal_kd_ros.profile import load_profile

TINY = """\
data: {labelled_views: 12, unlabelled_views: 12, validation_views: 12, test_views: 12}
teacher: {steps: 2, batch: 6, view_px: 32}
student: {steps: 2, batch: 6, view_px: 32}
"""


def test_a_teacher_and_a_student_of_three_senses_come_out_of_the_ordinary_command(tmp_path):
    (tmp_path / 'tiny.yaml').write_text(TINY)
    out = tmp_path / 'models'
    done = CliRunner().invoke(
        main,
        [
            *('train', '--recipe', str(tmp_path / 'tiny.yaml'), '--profile', 'living_wall_arm'),
            *('--out', str(out), '--cache', str(tmp_path / 'cache'), '--device', 'cpu'),
        ],
    )
    assert done.exit_code == 0, done.output

    armed = load_profile('living_wall_arm')
    load_teacher(out / 'teacher.safetensors', armed)
    student = load_student(out / 'student.safetensors', armed)
    assert student.profile.senses['arm'].size == 18
    assert 'arm masked' in Path(out / 'README.md').read_text()
