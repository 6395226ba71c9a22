# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Ask on two sets of real touches what a camera learns from a teacher that feels.

    python examples/real_sets/sets_experiment.py visuotactile CLONE --out out/real_sets --docs docs
    python examples/real_sets/sets_experiment.py textures CLONE --out out/real_sets --docs docs

Objects of one fold are unseen: nobody labels them, and the student is tested on the last half of
their pictures with touch dead. Each fold's result is written when it is there, so that a run that
was ended goes on.
"""

import argparse
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

import numpy as np  # noqa: E402
import textures  # noqa: E402
import torch  # noqa: E402
import visuotactile  # noqa: E402
from real_set import RealSet  # noqa: E402
from sets_page import write_set  # noqa: E402

from crossmodal_kd_ros.datasets import NO_LABEL, Pairs  # noqa: E402
from crossmodal_kd_ros.files import write_json  # noqa: E402
from crossmodal_kd_ros.networks import Student, Teacher  # noqa: E402
from crossmodal_kd_ros.training.batches import in_order  # noqa: E402
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe  # noqa: E402
from crossmodal_kd_ros.training.student import compute_teacher_targets, train_student  # noqa: E402
from crossmodal_kd_ros.training.teacher import train_teacher  # noqa: E402

READERS = {'visuotactile': visuotactile.read, 'textures': textures.read}
# Folds whose objects have a label where few have one.
_FEW_FOLDS = 2
# Every tenth labelled object teaches a teacher nothing: it scales its confidence.
_HELD_OUT = 10
# Of what a student sees while it learns what it meets, these are new.
_NEW_SHARE = 0.25
_BLANK_PX = 32

# The rate of the teachers, that the one that only feels has no other task, the temperature, the
# weight of the readings and all of how a student learns what it meets are what examples/gripper
# chose on its own seen objects; the rest is the default recipe. Pictures and steps are as small as
# some hundred trainings on two cores allow. The last step counts. `sets_page` has what was looked
# at on these sets.
_SMALL = {'batch': 32, 'view_px': 32}
TOUCH = TeacherRecipe(
    **_SMALL,
    steps=80,
    learning_rate=1e-3,
    validate_every=80,
    sense_dropout=0.0,
    image_head_weight=0.0,
    senses_head_weight=0.0,
    reconstruction_weight=0.0,
    unlabelled_weight=0.0,
)
BOTH = TeacherRecipe(**_SMALL, steps=80, learning_rate=1e-3, validate_every=80)
TAUGHT = StudentRecipe(
    **_SMALL, steps=200, validate_every=200, temperature=1.0, reading_weights=0.03
)
_NO_TEACHER = {'distil': False, 'reading_weights': 0.0}
LABELS = TAUGHT.model_copy(update=_NO_TEACHER)
# A student that knows the seen objects learns those that it meets.
MET = TAUGHT.model_copy(
    update={'steps': 80, 'validate_every': 80, 'learning_rate': 1e-3, 'min_labelled': 0.0}
)
MET_ALONE = MET.model_copy(update=_NO_TEACHER)


@dataclass(frozen=True)
class Cell:
    """Who is labelled, and what else is only seen and felt; rows of the set.

    Attributes:
        labelled: have a label.
        felt: have none.
    """

    labelled: np.ndarray
    felt: np.ndarray


def split_fold(data: RealSet, fold: int) -> tuple[dict[str, Cell], np.ndarray]:
    """Return the cells of a fold by name, and the rows of its test.

    - `all labels`: all seen objects are labelled.
    - `few labels`: those of two folds are, the other seen objects are only felt.
    - `met`: all seen objects are labelled, and the unseen ones are felt in the first half of their
      pictures.
    """
    folds = data.fold.max() + 1
    unseen = data.fold == fold
    first = np.zeros(len(data.pairs), bool)
    for group in np.unique(data.pairs.group):
        rows = np.flatnonzero(data.pairs.group == group)
        first[rows[: len(rows) // 2]] = True
    few = np.isin(data.fold, [(fold + 1 + n) % folds for n in range(_FEW_FOLDS)])
    nothing = np.zeros_like(few)
    cells = {
        'all labels': (~unseen, nothing),
        'few labels': (few, ~unseen & ~few),
        'met': (~unseen, unseen & first),
    }
    return (
        {name: Cell(*map(np.flatnonzero, each)) for name, each in cells.items()},
        np.flatnonzero(unseen & ~first),
    )


def measure_fold(data: RealSet, fold: int, seed: int) -> dict[str, dict[str, float]]:
    """Return the accuracy on each object by `way, cell`.

    All objects are unseen, but for `teacher`: what it says of those it labels for the student. In
    the cell `met` labels alone goes on for as many steps, with what it knew.
    """
    blank = np.full((len(data.pairs), _BLANK_PX, _BLANK_PX, 3), 128, np.uint8)
    felt = replace(data.pairs, image=blank)
    cells, test = split_fold(data, fold)
    right, teachers, alone = {}, {}, {}
    for name in ('all labels', 'few labels'):
        rows = cells[name].labelled
        teachers[name] = _teacher(data, TOUCH, felt, rows, seed)
        alone[name] = _student(data, LABELS, None, rows, data.pairs.action, seed)
        right[f'touch, {name}'] = _decide(teachers[name], felt[test])
        right[f'labels alone, {name}'] = _see(alone[name], data.pairs[test])
    both = _teacher(data, BOTH, data.pairs, cells['all labels'].labelled, seed)
    right['both, all labels'] = _decide(both, data.pairs[test])
    for name, cell in cells.items():
        labels, start, rows, how, how_alone = name, None, cell.felt, TAUGHT, LABELS
        if name == 'met':
            labels, how, how_alone = 'all labels', MET, MET_ALONE
            start = alone[labels]
            further = _student(
                data, MET_ALONE, None, cell.labelled, data.pairs.action, seed, start
            )
            right['labels alone, met'] = _see(further, data.pairs[test])
            times = round(_NEW_SHARE / (1.0 - _NEW_SHARE) * len(cell.labelled) / len(cell.felt))
            rows = np.tile(cell.felt, times)
        rows, learnt = np.concatenate([cell.labelled, rows]), data.pairs.action.copy()
        learnt[cell.felt] = NO_LABEL
        targets = compute_teacher_targets(teachers[labels], felt[rows])
        taught = _student(data, how, targets, rows, learnt, seed, start)
        right[f'taught, {name}'] = _see(taught, data.pairs[test])
        if len(cell.felt):
            right[f'teacher, {name}'] = _decide(teachers[labels], felt[cell.felt])
            learnt[cell.felt] = _see(alone[labels], data.pairs[cell.felt])
            guessing = _student(data, how_alone, None, rows, learnt, seed, start)
            right[f'self-training, {name}'] = _see(guessing, data.pairs[test])
    rows_of = {way: cells[way.split(', ')[1]].felt for way in right if way.startswith('teacher')}
    return {
        way: _by_object(data, rows_of.get(way, test), decided) for way, decided in right.items()
    }


def _teacher(
    data: RealSet, recipe: TeacherRecipe, pairs: Pairs, rows: np.ndarray, seed: int
) -> Teacher:
    """Return a teacher of labelled rows, whose confidence is that on objects it did not learn."""
    group = pairs.group[rows]
    held_out = np.isin(group, np.unique(group)[::_HELD_OUT])
    learnt, others = pairs[rows[~held_out]], pairs[rows[held_out]]
    return train_teacher(data.profile, recipe, learnt, others, seed=seed)[0]


def _student(
    data: RealSet,
    recipe: StudentRecipe,
    targets: object,
    rows: np.ndarray,
    action: np.ndarray,
    seed: int,
    start: Student | None = None,
) -> Student:
    pairs = replace(data.pairs, action=action)[rows]
    known = np.flatnonzero(pairs.action != NO_LABEL)
    some = pairs[known[::10]]
    return train_student(data.profile, recipe, targets, pairs, some, seed=seed, start=start)[0]


@torch.no_grad()
def _see(student: Student, pairs: Pairs) -> np.ndarray:
    """Return what a student decides, `int64[N]`."""
    student.eval()
    return torch.cat([student(batch.image).logits for batch in in_order(pairs)]).argmax(1).numpy()


def _decide(teacher: Teacher, pairs: Pairs) -> np.ndarray:
    """Return what a teacher decides, `int64[N]`."""
    return compute_teacher_targets(teacher, pairs).logits.argmax(1).numpy()


def _by_object(data: RealSet, rows: np.ndarray, decided: np.ndarray) -> dict[str, float]:
    right, group = decided == data.pairs.action[rows], data.pairs.group[rows]
    return {data.objects[each]: float(right[group == each].mean()) for each in np.unique(group)}


def main() -> None:
    """Run what is missing, and write the figures and the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('set', choices=READERS)
    parser.add_argument('clone', type=Path, help='clone of the set')
    parser.add_argument('--out', type=Path, default=Path('out/real_sets'))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--docs', type=Path, help='folder for <set>.json and real_data.md')
    arguments = parser.parse_args()
    data = READERS[arguments.set](arguments.clone)
    results = []
    for seed in arguments.seeds:
        for fold in range(data.fold.max() + 1):
            file = arguments.out / arguments.set / f'{seed}-{fold}.json'
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                write_json(file, measure_fold(data, fold, seed))
            figures = json.loads(file.read_text(encoding='utf-8'))
            results.append({'seed': seed, 'fold': fold, 'figures': figures})
            means = {way: round(np.mean(list(by.values())), 2) for way, by in figures.items()}
            print(seed, fold, means, flush=True)
    if arguments.docs is not None:
        write_set(arguments.docs, data, results)


if __name__ == '__main__':
    main()
