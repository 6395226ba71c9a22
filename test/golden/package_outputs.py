# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the package makes today, as plain data. Only this module calls the package: if its API changes, this changes.

Each function without an underscore returns what one golden holds: dicts and lists of numbers and
words, by names such as 'touch', that do not depend on how the package spells them.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plain_bag import answers, write_bag

from crossmodal_kd_ros import versions
from crossmodal_kd_ros.bags.injection import parse_faults
from crossmodal_kd_ros.bags.replay import Model
from crossmodal_kd_ros.bags.session import Plan, replay_bag
from crossmodal_kd_ros.benchmark import measures as benchmark
from crossmodal_kd_ros.benchmark.fault_matrix import Bench
from crossmodal_kd_ros.contract import ACTIONS, GAS_NAMES
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.datasets.simulated import simulate
from crossmodal_kd_ros.networks import load_student, load_teacher
from crossmodal_kd_ros.runtime import load_calibration
from crossmodal_kd_ros.runtime.torch_engine import TorchEngine
from crossmodal_kd_ros.simulation import World
from crossmodal_kd_ros.training.loop import Run
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.training.train import train_student, train_teacher

_MODELS = Path(__file__).parents[2] / 'models'
# With this seed no network hesitates between two actions.
_SEED, _VIEWS, _SHOWN = 12, 200, 60
_GRID = 8  # the picture as means over so many by so many squares
_REPLAYS = {
    'plain': (),
    'touch': ('touch:stuck:1@5-12',),
    'gas and camera': ('gas:nan:1@4-11', 'camera:covered:1@13-16'),
}
_BAG_S, _CAMERA_HZ, _TOUCH_HZ, _GAS_HZ = 20.0, 10.0, 50.0, 2.0
_ONSET_S, _BROKEN_S = 12.0, 24.0
_CELLS = (
    ('camera', 'covered', 1.0),
    ('camera', 'stuck', 1.0),
    ('camera', 'nan', 0.5),
    ('camera', 'noise', 0.5),
    ('touch', 'silent', 0.5),
    ('touch', 'wet', 1.0),
    ('touch', 'step', 0.5),
    ('touch', 'dead', 1.0),
    ('gas', 'stuck', 1.0),
    ('gas', 'drift', 1.0),
    ('gas', 'disorder', 1.0),
    ('gas', 'dead', 1.0),
)
_TRAIN, _LABELS = 40, 24
# So slow that what processors round differently does not grow from step to step.
_SHORT = {'steps': 5, 'batch': 8, 'view_px': 32, 'validate_every': 5, 'learning_rate': 3e-4}


def version(name: str) -> int:
    """Return the version number called `name`, such as `SIMULATION_VERSION`."""
    return getattr(versions, name)


def simulation() -> dict[str, Any]:
    """Return what a seed simulates: 60 views, a row of each list for each view."""
    seen = {name: column[:_SHOWN] for name, column in _columns().items()}
    side = seen['image'].shape[1] // _GRID
    squares = seen['image'].reshape(_SHOWN, _GRID, side, _GRID, side, 3)
    return {
        'image': _rows(squares.mean((2, 4), dtype=np.float64).reshape(_SHOWN, -1)),
        'touch': _rows(np.concatenate([_statistics(bank) for bank in _banks(seen['touch'])], 1)),
        'gas': _rows(seen['gas']),
        'surface': _rows(seen['surface']),
        'action': seen['action'].tolist(),
        'night': seen['night'].tolist(),
    }


def networks() -> dict[str, Any]:
    """Return what the shipped weights say of 200 views: probabilities and choices of both, readings of the student."""
    with _one_thread():
        seen = benchmark.ask_student(load_student(_MODELS / 'student.safetensors'), _pairs())
        teacher = load_teacher(_MODELS / 'teacher.safetensors')
        said = {
            'student': seen,
            'teacher': benchmark.ask_teacher(teacher, _pairs()),
            'teacher, touch masked': benchmark.ask_teacher(teacher, _pairs(), touch=False),
            'teacher, gas masked': benchmark.ask_teacher(teacher, _pairs(), gas=False),
            'teacher, both masked': benchmark.ask_teacher(
                teacher, _pairs(), touch=False, gas=False
            ),
        }
    probabilities = {name: answers.probabilities for name, answers in said.items()}
    return {
        'probabilities': {name: _rows(rows) for name, rows in probabilities.items()},
        'chosen': {name: rows.argmax(1).tolist() for name, rows in probabilities.items()},
        # means over 32 taxels each
        'touch': _rows(seen.touch.reshape(_VIEWS, 8, -1).mean(2)),
        'gas': _rows(seen.gas),
        'surface': _rows(seen.surface),
    }


def replays() -> dict[str, Any]:
    """Return what three replays of one bag come to: `summary.json`, and runs of frames by mode and action."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, _one_thread():
        bag = write_bag(Path(folder) / 'bag', **_readings())
        model = Model(TorchEngine(_MODELS), load_calibration(_MODELS))
        for number, (name, faults) in enumerate(_REPLAYS.items()):
            out = Path(folder) / str(number)
            plan = Plan(bag=bag, out=out, command='', wishes={}, schedule=parse_faults(faults))
            summary = replay_bag(plan, [model])
            # What depends on the machine, or says where files lie.
            for key in ('wall_clock_s', 'realtime_factor', 'command', 'title'):
                del summary[key]
            found[name] = {'summary': summary, 'frames': _runs(answers(out / 'bag'))}
    return found


def faults() -> list[dict[str, Any]]:
    """Return twelve cells of the fault matrix, on a tape shorter than the matrix has."""
    kept = ('sensor', 'fault', 'severity', 'mode', 'delay_s', 'changes', 'held', 'unanswerable')
    with _one_thread():
        bench = Bench(_MODELS, onset_s=_ONSET_S, broken_s=_BROKEN_S)
        cells = [asdict(bench.run(*cell)) for cell in _CELLS]
    return [
        {name: value for name, value in cell.items() if name in kept or 'accuracy' in name}
        for cell in cells
    ]


def training() -> dict[str, list[float]]:
    """Return the first losses of a teacher's training, and of students that learn from the shipped teacher and alone."""
    train = _pairs()[:_TRAIN].with_labels(_LABELS)
    validation = _pairs()[_TRAIN : 2 * _TRAIN]
    losses: dict[str, list[float]] = {'teacher': [], 'student': [], 'student alone': []}

    def run(name: str) -> Run:
        return Run(report=lambda step, total, values: losses[name].append(values['loss']))

    with _one_thread():
        shipped = load_teacher(_MODELS / 'teacher.safetensors')
        train_teacher(TeacherRecipe(**_SHORT), train, validation, seed=0, run=run('teacher'))
        recipe = StudentRecipe(**_SHORT)
        train_student(recipe, shipped, train, validation, seed=0, run=run('student'))
        alone = StudentRecipe(**_SHORT, distil=False)
        train_student(alone, None, train, validation, seed=0, run=run('student alone'))
    return losses


def measures() -> dict[str, Any]:
    """Return the benchmark's figures of answers that no network gave, on pairs that nobody simulated."""
    rng = np.random.default_rng(0)
    count = 120
    action = rng.integers(len(ACTIONS), size=count)
    logits = rng.normal(size=(count, len(ACTIONS)))
    logits[np.arange(count), action] += 1.5
    told = {
        name: rng.normal(3.0, 1.0, (count, size)).astype(np.float32)
        for name, size in (('touch', 256), ('gas', len(GAS_NAMES)), ('surface', 3))
    }
    truth = {
        name: values + rng.normal(0.0, 0.5, values.shape).astype(np.float32)
        for name, values in told.items()
    }
    pairs = Pairs(
        image=np.zeros((count, 8, 8, 3), np.uint8),
        **truth,
        action=action,
        night=rng.random(count) < 0.5,
        panel=np.arange(count) // 3,
    )
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    said = benchmark.Answers(probabilities=probabilities.astype(np.float32), **told)
    return {
        'decisions': benchmark.measure(said, pairs),
        'readings': benchmark.readings(said, pairs, pairs[::2]),
    }


@cache
def _pairs() -> Pairs:
    return simulate('test', _VIEWS, seed=_SEED)


def _columns() -> dict[str, np.ndarray]:
    """Return `image` uint8[N, S, S, 3], `touch`, `gas`, `surface` float32[N, ...], `action` int64[N], `night` bool[N]."""
    names = ('image', 'touch', 'gas', 'surface', 'action', 'night')
    return {name: getattr(_pairs(), name) for name in names}


def _readings() -> dict[str, Any]:
    """Return what a robot reads in 20 s of the simulated world, (seconds, value) of each sense, and the names of the gases."""
    world = World(4, width_px=160, height_px=120)
    try:
        return {
            'camera': [(t_s, world.camera(t_s)) for t_s in _times(_CAMERA_HZ)],
            'touch': [(t_s, world.touch(t_s)) for t_s in _times(_TOUCH_HZ)],
            'gas': [(t_s, world.gas(t_s)) for t_s in _times(_GAS_HZ)],
            'gas_names': list(GAS_NAMES),
        }
    finally:
        world.close()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread, so that sums are added in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _times(rate_hz: float) -> list[float]:
    return [index / rate_hz for index in range(round(_BAG_S * rate_hz))]


def _runs(frames: list[tuple[str, str]]) -> list[list]:
    """Return (how many frames, mode, action) of each run of equal frames."""
    runs: list[list] = []
    for frame in frames:
        if runs and tuple(runs[-1][1:]) == frame:
            runs[-1][0] += 1
        else:
            runs.append([1, *frame])
    return runs


def _banks(touch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return texture (um) and indentation (mm), `float32[N, 128]` each."""
    return touch[:, :128], touch[:, 128:]


def _statistics(bank: np.ndarray) -> np.ndarray:
    """Return mean, deviation, maximum and the 50th, 75th, 90th and 97th percentile of each row."""
    moments = np.stack([bank.mean(1), bank.std(1), bank.max(1)], 1)
    return np.concatenate([moments, np.percentile(bank, (50, 75, 90, 97), axis=1).T], 1)


def _rows(values: np.ndarray) -> list[list[float]]:
    return [[float(value) for value in row] for row in values]
