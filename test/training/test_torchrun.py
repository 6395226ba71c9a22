# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`torchrun` with two processes: the documented command, and work that is shared among them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from made_up_pairs import PROFILE, make_pairs

from crossmodal_kd_ros.networks import Teacher, freeze, load_student, load_teacher
from crossmodal_kd_ros.training.student import compute_teacher_targets

HERE = Path(__file__).parent
RECIPE = """
data: {labelled_views: 30, unlabelled_views: 30, validation_views: 12, test_views: 12}
teacher: {steps: 3, batch: 8, view_px: 32, validate_every: 2}
student:
  {steps: 3, batch: 8, view_px: 32, validate_every: 2, finish: {steps: 2, batch: 8, view_px: 64}}
"""
TARGETS = """
import sys
import torch
from made_up_pairs import PROFILE, make_pairs
from crossmodal_kd_ros.networks import Teacher, freeze
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.student import compute_teacher_targets

torch.manual_seed(7)
device, teacher, asked = Device.find('cpu'), freeze(Teacher(PROFILE)), []
teacher.register_forward_pre_hook(lambda module, args: asked.append(len(args[0])))
targets = compute_teacher_targets(teacher, make_pairs(300, side=32), device)
torch.save({'asked': asked, **vars(targets)}, sys.argv[1] + str(device.rank))
device.leave()
"""


def run_two(*command: str) -> str:
    """Return what two processes of one thread each print; fail if one of them fails."""
    paths = [str(HERE), str(HERE.parent.parent), os.environ.get('PYTHONPATH', '')]
    torchrun = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2']
    done = subprocess.run(
        [sys.executable, *torchrun, *command],
        env=os.environ | {'PYTHONPATH': os.pathsep.join(paths), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_the_documented_command_trains_with_two_processes_and_the_first_alone_writes(tmp_path):
    recipe, out, cache = (tmp_path / name for name in ('tiny.yaml', 'out', 'cache'))
    recipe.write_text(RECIPE)
    options = ('--recipe', recipe, '--out', out, '--cache', cache, '--device', 'cpu')
    shown = run_two('-m', 'crossmodal_kd_ros.cli.main', 'train', *map(str, options))
    assert shown.count('weights and their card') == 1
    assert sorted(path.name for path in out.iterdir()) == [
        'README.md',
        'student.safetensors',
        'teacher.safetensors',
    ]
    assert load_student(out / 'student.safetensors', PROFILE).config.view_px == 64
    load_teacher(out / 'teacher.safetensors', PROFILE)
    # Teacher, first and second training of the student, and of the one that learns alone.
    assert len(list(cache.glob('networks/*/network.safetensors'))) == 5
    assert not list(cache.glob('networks/*/progress.pt'))


@pytest.mark.timeout(300)
def test_two_processes_share_the_pairs_that_a_teacher_is_asked_about(tmp_path):
    program = tmp_path / 'program.py'
    program.write_text(TARGETS)
    run_two(str(program), str(tmp_path / 'targets'))
    shares = [torch.load(tmp_path / f'targets{rank}', weights_only=True) for rank in (0, 1)]
    assert [share['asked'] for share in shares] == [[128, 44], [128]]

    torch.manual_seed(7)
    alone = compute_teacher_targets(freeze(Teacher(PROFILE)), make_pairs(300, side=32))
    for share in shares:
        torch.testing.assert_close(share['logits'], alone.logits)
        torch.testing.assert_close(share['features'], alone.features)
