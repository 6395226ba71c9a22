# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A training that is killed goes on where it was, and one shared by processes is one training."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from crossmodal_kd_ros.training.loop import CheckpointError, Run
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.training.student import train_student
from crossmodal_kd_ros.training.teacher import train_teacher

HERE = Path(__file__).parent
# A student with a teacher has all there is to remember: dropout, an adversary, targets,
# a best step.
PROGRAM = """
import sys
from pathlib import Path
import torch
from made_up_pairs import PROFILE, make_pairs
from crossmodal_kd_ros.training.loop import Run
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.recipe import StudentRecipe
from crossmodal_kd_ros.training.student import train_student
from crossmodal_kd_ros.networks import Teacher, freeze

torch.manual_seed(7)
device = Device.find('cpu')
recipe = StudentRecipe(steps=9, batch=12, view_px=32, validate_every=2, adversary_strength=0.5)
run = Run(report=lambda step, *_: print('step', step, flush=True), device=device,
          checkpoint=Path(sys.argv[1]), checkpoint_every=3)
student, history = train_student(
    PROFILE, recipe, freeze(Teacher(PROFILE)), make_pairs(labels=48), make_pairs(24, seed=1),
    seed=0, run=run)
torch.save({'weights': student.state_dict(), 'history': history}, sys.argv[2] + str(device.rank))
device.leave()
"""


def environment() -> dict[str, str]:
    return os.environ | {
        'PYTHONPATH': os.pathsep.join(
            [str(HERE), str(HERE.parent.parent), os.environ.get('PYTHONPATH', '')]
        ),
        'OMP_NUM_THREADS': '1',
    }


def start(tmp_path: Path, checkpoint: str, result: str, *launcher: str) -> subprocess.Popen:
    program = tmp_path / 'program.py'
    program.write_text(PROGRAM)
    return subprocess.Popen(
        [
            sys.executable,
            *launcher,
            str(program),
            str(tmp_path / checkpoint),
            str(tmp_path / result),
        ],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(300)
def test_a_training_killed_in_the_middle_ends_with_the_same_weights_bit_for_bit(tmp_path):
    whole = start(tmp_path, 'whole.pt', 'whole')
    killed = start(tmp_path, 'killed.pt', 'killed')
    for line in killed.stdout:
        if line == 'step 5\n':
            killed.kill()
    killed.wait(timeout=30)
    whole.communicate(timeout=250)
    assert not (tmp_path / 'killed0').exists()
    resumed = start(tmp_path, 'killed.pt', 'killed')
    shown, _ = resumed.communicate(timeout=250)
    # The checkpoint before the kill is that of step 3, or of step 6 if the kill came late.
    assert (
        shown.splitlines()[0] in ('step 4', 'step 7')
        and resumed.returncode == whole.returncode == 0
    )
    expected, got = (
        torch.load(tmp_path / name, weights_only=True) for name in ('whole0', 'killed0')
    )
    assert got['history'] == expected['history']
    for name, value in expected['weights'].items():
        assert torch.equal(got['weights'][name], value), name


@pytest.mark.timeout(300)
def test_two_processes_train_one_network(tmp_path):
    both = start(
        tmp_path,
        'both.pt',
        'both',
        '-m',
        'torch.distributed.run',
        '--standalone',
        '--nproc-per-node',
        '2',
    )
    shown, _ = both.communicate(timeout=250)
    assert both.returncode == 0
    assert [line for line in shown.splitlines() if line.startswith('step')] == [
        f'step {n}' for n in range(1, 10)
    ]
    first, second = (torch.load(tmp_path / f'both{rank}', weights_only=True) for rank in (0, 1))
    assert first['history'] == second['history'] and len(first['history']) == 5
    for name, value in first['weights'].items():
        assert torch.equal(second['weights'][name], value), name


def test_a_checkpoint_of_another_network_is_refused_in_one_sentence(tmp_path):
    from made_up_pairs import PROFILE, make_pairs

    short = {'steps': 2, 'batch': 12, 'view_px': 32}
    train, validation, run = (
        make_pairs(24),
        make_pairs(12, seed=1),
        Run(checkpoint=tmp_path / 'progress.pt'),
    )
    train_teacher(PROFILE, TeacherRecipe(**short), train, validation, seed=0, run=run)
    with pytest.raises(CheckpointError, match='is of another network .*: delete it'):
        train_student(
            PROFILE, StudentRecipe(**short, distil=False), None, train, validation, seed=0, run=run
        )
