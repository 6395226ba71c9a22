# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the package makes today, as plain data.

Only this module calls the package: if its API changes, this changes.

Each function without an underscore returns what one golden holds: dicts and lists of numbers and
words, by names such as 'touch', that do not depend on how the package spells them.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plain_bag import answers, write_bag

from crossmodal_kd_ros import versions
from crossmodal_kd_ros.datasets import Pairs, simulate
from crossmodal_kd_ros.networks import StudentOutput, load_student, load_teacher
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.simulation import World
from crossmodal_kd_ros.training.batches import in_order
from crossmodal_kd_ros.training.loop import Run
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.training.student import train_student
from crossmodal_kd_ros.training.teacher import teacher_output, train_teacher

_MODELS = Path(__file__).parents[2] / 'models'
_PROFILE = load_profile('living_wall')
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
    """Return what the shipped weights say of 200 views: choices, readings of the student."""
    masked = {
        'teacher': (),
        'teacher, touch masked': ('touch',),
        'teacher, gas masked': ('gas',),
        'teacher, both masked': ('touch', 'gas'),
    }
    with _one_thread(), torch.inference_mode():
        student = load_student(_MODELS / 'student.safetensors', _PROFILE)
        teacher = load_teacher(_MODELS / 'teacher.safetensors', _PROFILE)
        batches = list(in_order(_pairs()))
        outputs = [student(batch.image) for batch in batches]
        logits = {'student': [output.logits for output in outputs]} | {
            name: [teacher_output(teacher, batch, absent=absent).logits for batch in batches]
            for name, absent in masked.items()
        }

    def joined(choose: Callable[[StudentOutput], torch.Tensor]) -> np.ndarray:
        return torch.cat([choose(output) for output in outputs]).numpy()

    probabilities = {name: torch.cat(rows).softmax(1).numpy() for name, rows in logits.items()}
    touch = joined(lambda output: output.readings['touch'])
    return {
        'probabilities': {name: _rows(rows) for name, rows in probabilities.items()},
        'chosen': {name: rows.argmax(1).tolist() for name, rows in probabilities.items()},
        # means over 32 taxels each
        'touch': _rows(touch.reshape(_VIEWS, 8, -1).mean(2)),
        'gas': _rows(joined(lambda output: output.readings['gas'])),
        'surface': _rows(joined(lambda output: output.quantities)),
    }


def replays() -> dict[str, Any]:
    """Return what three replays of a bag come to: `summary.json`, runs by mode and action."""
    from crossmodal_kd_ros.bags.injection import parse_faults
    from crossmodal_kd_ros.bags.replay import Model
    from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag
    from crossmodal_kd_ros.calibration.model import load_calibration
    from crossmodal_kd_ros.runtime import make_engine

    outputs = {}
    with tempfile.TemporaryDirectory() as folder, _one_thread():
        bag = write_bag(Path(folder) / 'bag', **_readings())
        engine = make_engine('torch', _MODELS, _PROFILE)
        model = Model(engine, load_calibration(_MODELS, _PROFILE))
        for number, (name, faults) in enumerate(_REPLAYS.items()):
            out = Path(folder) / str(number)
            schedule = parse_faults(faults, _PROFILE)
            plan = ReplayPlan(bag=bag, out=out, profile=_PROFILE, schedule=schedule)
            summary = replay_bag(plan, [model])
            # What depends on the machine, or says where files lie and which they are.
            for key in ('wall_clock_s', 'realtime_factor', 'command', 'title', 'profile'):
                del summary[key]
            del summary['replays'][0]['model']
            config = summary.pop('config')
            timeouts_s = {f'{name}_timeout_s': s for name, s in config.pop('timeouts_s').items()}
            summary['limits'] = {**timeouts_s, **config}
            outputs[name] = {'summary': summary, 'frames': _runs(answers(out / 'bag'))}
    return outputs


def faults() -> list[dict[str, Any]]:
    """Return twelve cells of the fault matrix, on a stream shorter than the matrix has."""
    from crossmodal_kd_ros.benchmark.fault_matrix import Bench

    kept = ('sensor', 'fault', 'severity', 'mode', 'delay_s', 'changes', 'held', 'unanswerable')
    with _one_thread():
        bench = Bench(_MODELS, _PROFILE, onset_s=_ONSET_S, broken_s=_BROKEN_S)
        cells = [asdict(bench.run(*cell)) for cell in _CELLS]
    return [
        {name: value for name, value in cell.items() if name in kept or 'accuracy' in name}
        for cell in cells
    ]


def training() -> dict[str, list[float]]:
    """Return the first losses of a teacher, and of students with the shipped teacher and alone."""
    train = _pairs()[:_TRAIN].with_labels(_LABELS, _PROFILE)
    validation = _pairs()[_TRAIN : 2 * _TRAIN]
    losses: dict[str, list[float]] = {'teacher': [], 'student': [], 'student alone': []}

    def run(name: str) -> Run:
        return Run(report=lambda step, total, values: losses[name].append(values['loss']))

    with _one_thread():
        shipped = load_teacher(_MODELS / 'teacher.safetensors', _PROFILE)
        pairs = (train, validation)
        train_teacher(_PROFILE, TeacherRecipe(**_SHORT), *pairs, seed=0, run=run('teacher'))
        recipe = StudentRecipe(**_SHORT)
        train_student(_PROFILE, recipe, shipped, *pairs, seed=0, run=run('student'))
        alone = StudentRecipe(**_SHORT, distil=False)
        train_student(_PROFILE, alone, None, *pairs, seed=0, run=run('student alone'))
    return losses


def measures() -> dict[str, Any]:
    """Return the benchmark's figures of made-up answers on made-up pairs."""
    from crossmodal_kd_ros.benchmark import measures as benchmark

    rng = np.random.default_rng(0)
    count, actions = 120, len(_PROFILE.actions)
    action = rng.integers(actions, size=count)
    logits = rng.normal(size=(count, actions))
    logits[np.arange(count), action] += 1.5
    sizes = {name: sense.size for name, sense in _PROFILE.senses.items()}
    sizes['quantities'] = len(_PROFILE.quantities)
    estimates = {
        name: rng.normal(3.0, 1.0, (count, size)).astype(np.float32)
        for name, size in sizes.items()
    }
    truth = {
        name: values + rng.normal(0.0, 0.5, values.shape).astype(np.float32)
        for name, values in estimates.items()
    }
    quantities = {'truth': truth.pop('quantities'), 'estimate': estimates.pop('quantities')}
    pairs = Pairs(
        image=np.zeros((count, 8, 8, 3), np.uint8),
        readings=truth,
        quantities=quantities['truth'],
        action=action,
        night=rng.random(count) < 0.5,
        group=np.arange(count) // 3,
    )
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    said = benchmark.Answers(
        probabilities=probabilities.astype(np.float32),
        readings=estimates,
        quantities=quantities['estimate'],
    )
    return {
        'decisions': benchmark.measure(said, pairs, _PROFILE),
        'readings': benchmark.reading_errors(said, pairs, pairs[::2], _PROFILE),
    }


@cache
def _pairs() -> Pairs:
    return simulate('test', _VIEWS, seed=_SEED)


def _columns() -> dict[str, np.ndarray]:
    """Return `image` uint8[N, S, S, 3]; `touch`, `gas`, `surface` float32[N, ...]; labels [N]."""
    pairs = _pairs()
    others = {'surface': pairs.quantities, 'action': pairs.action, 'night': pairs.night}
    return {'image': pairs.image, **pairs.readings, **others}


def _readings() -> dict[str, Any]:
    """Return (seconds, value) of each sense in 20 s of the simulated world, and gas names."""
    world = World(4, width_px=160, height_px=120)
    try:
        return {
            'camera': [(t_s, world.camera(t_s)) for t_s in _times(_CAMERA_HZ)],
            'touch': [(t_s, world.read('touch', t_s)) for t_s in _times(_TOUCH_HZ)],
            'gas': [(t_s, world.read('gas', t_s)) for t_s in _times(_GAS_HZ)],
            'gas_names': list(_PROFILE.senses['gas'].channel_names),
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
