# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Ask whether a camera that touch has taught knows an object that nobody labelled.

    python examples/gripper/experiment.py CLONE --out out/gripper

Each object is unseen once. A teacher that only feels, and has never felt it, labels its first 15
grasps; the student, which only sees, learns from these and is tested on the last 15. Each result
is written when it is there, so that a run that was ended goes on.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from grasp_page import LOST_BY_OBJECT, TAUGHT, write_page  # noqa: E402
from grasp_pairs import (  # noqa: E402
    PROPERTIES,
    decide_properties,
    grasp_profile,
    make_pairs,
    properties_of,
    summaries,
)
from grasp_recordings import Grasp, find_grasps, fingerprint  # noqa: E402
from grasp_views import background_view, object_view  # noqa: E402

from crossmodal_kd_ros.datasets import NO_LABEL, Pairs  # noqa: E402
from crossmodal_kd_ros.files import write_json  # noqa: E402
from crossmodal_kd_ros.networks import Student, Teacher  # noqa: E402
from crossmodal_kd_ros.profile import Profile  # noqa: E402
from crossmodal_kd_ros.training.batches import in_order  # noqa: E402
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe  # noqa: E402
from crossmodal_kd_ros.training.student import compute_teacher_targets, train_student  # noqa: E402
from crossmodal_kd_ros.training.teacher import train_teacher  # noqa: E402

_FIRST = _LAST = 15
_VIEW_PX, _BLANK_PX = 64, 32

# Chosen on seen objects alone, each left out of the training in turn, without its last 15 grasps.
TEACHER = TeacherRecipe(
    steps=150,
    batch=64,
    learning_rate=1e-3,
    view_px=_BLANK_PX,
    validate_every=150,
    sense_dropout=0.0,
    image_head_weight=0.0,
    senses_head_weight=0.0,
    reconstruction_weight=0.0,
    unlabelled_weight=0.0,
)
# Fixed beforehand: the default recipe's loss and rate, fewer steps for fewer pictures.
STUDENT = StudentRecipe(steps=300, batch=32, view_px=_VIEW_PX, validate_every=100)
# How the student learns a new object was chosen on two seen objects, on grasps between the first
# and the last 15. The last step counts, so that no figure chooses one. Readings weigh less than in
# the default recipe: of a strange object they are far from all that the student expects, and their
# gradient drowned that of the decision.
PLAIN = StudentRecipe(
    steps=80,
    batch=32,
    learning_rate=1e-3,
    view_px=_VIEW_PX,
    validate_every=80,
    min_labelled=0.0,
    temperature=1.0,
    reading_weights=0.03,
    quantities_weight=0.1,
)
PROGRESSIVE = PLAIN.model_copy(update={'alpha_ramp': 0.3, 'start_at': {'grasp': 0.5}})
# Share of new grasps in a batch that replays old ones. It was half, until that had been seen to
# cost what is known: see `grasp_page.py`. A tenth learnt nothing new in as many steps; to distil
# what the student itself had said of old grasps, to average its weights with those before, and to
# measure batch statistics anew kept no more, or kept it by learning less.
_NEW_SHARE = 0.25
LABELS_ALONE = PLAIN.model_copy(
    update={'distil': False, 'reading_weights': 0.0, 'quantities_weight': 0.0}
)


@dataclass(frozen=True)
class Recordings:
    """All grasps, as the student sees them, as the background shows them, as they feel."""

    grasps: list[Grasp]
    seen: Pairs
    around: Pairs
    felt: Pairs


@dataclass(frozen=True)
class Base:
    """What was learnt without the unseen objects; rows are those of `Recordings`."""

    teacher: Teacher
    student: Student
    background: Student
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def read(clone: Path, profile: Profile) -> Recordings:
    """Return the recordings of a clone."""
    grasps = find_grasps(clone)
    photographs = [grasp.photograph() for grasp in grasps]
    felt = summaries(grasps)

    def views(view: Callable[[np.ndarray], np.ndarray]) -> Pairs:
        small = [
            cv2.resize(view(each), (_VIEW_PX, _VIEW_PX), interpolation=cv2.INTER_AREA)
            for each in photographs
        ]
        return make_pairs(profile, grasps, np.stack(small), felt)

    seen = views(object_view)
    blank = np.full((len(grasps), _BLANK_PX, _BLANK_PX, 3), 128, np.uint8)
    return Recordings(grasps, seen, views(background_view), replace(seen, image=blank))


def learn_base(profile: Profile, data: Recordings, held_out: set[str], seed: int) -> Base:
    """Train a teacher by touch alone, and students from it, on all but `held_out`."""
    split = np.array([grasp.split for grasp in data.grasps])
    known = np.array([grasp.object_name not in held_out for grasp in data.grasps])
    train, validation, test = (
        np.flatnonzero(known & (split == name)) for name in ('train', 'val', 'test')
    )
    teacher, _ = train_teacher(
        profile, TEACHER, data.felt[train], data.felt[validation], seed=seed
    )
    targets = compute_teacher_targets(teacher, data.felt[train])
    seeing, background = (
        train_student(profile, STUDENT, targets, pairs[train], pairs[validation], seed=seed)[0]
        for pairs in (data.seen, data.around)
    )
    return Base(teacher, seeing, background, train, validation, test)


def adapt(
    profile: Profile,
    recipe: StudentRecipe,
    start: Student,
    pairs: Pairs,
    base: Base,
    new: np.ndarray,
    *,
    labels: np.ndarray,
    teacher_of: Pairs | None = None,
    replay: bool = True,
    seed: int,
) -> Student:
    """Return `start` after it has learnt from the grasps `new`.

    Args:
        profile: of all.
        recipe: how it learns.
        start: the student before.
        pairs: what it sees.
        base: with the teacher, and the rows of the old grasps.
        new: rows of the new grasps.
        labels: somebody's word on the new grasps.
        teacher_of: what the teacher feels; None: it is not asked, and `labels` are learnt.
        replay: whether old grasps, with their labels, are in the batches too. Then a teacher's
            word on the new ones is all there is of them: they carry no label.
        seed: of batches.
    """
    times, old = 1, base.train[:0]
    if replay:
        old = base.train
        times = round(_NEW_SHARE / (1.0 - _NEW_SHARE) * len(old) / len(new))
    rows = np.concatenate([old, *[new] * times])
    told, learnt = pairs.action.copy(), pairs.action.copy()
    told[new], learnt[new] = labels, labels
    targets = None
    if teacher_of is not None:
        targets = compute_teacher_targets(base.teacher, teacher_of[rows])
        if replay:
            learnt[new] = NO_LABEL
    train = replace(pairs, action=learnt)[rows]
    # It chooses nothing: the confidence is scaled by it.
    known = np.concatenate([base.validation, new]) if replay else new
    validation = replace(pairs, action=told)[known]
    student, _ = train_student(profile, recipe, targets, train, validation, seed=seed, start=start)
    return student


def measure_object(
    profile: Profile, data: Recordings, base: Base, name: str, seed: int
) -> dict[str, dict[str, float]]:
    """Return the accuracies of each way to learn the unseen object `name`."""
    rows = np.array([n for n, grasp in enumerate(data.grasps) if grasp.object_name == name])
    new, last = rows[:_FIRST], rows[-_LAST:]
    felt = compute_teacher_targets(base.teacher, data.felt[new]).logits.argmax(1).numpy()
    guessed = logits_of(base.student, data.seen[new]).argmax(1).numpy()

    def learn(recipe: StudentRecipe, start: Student, pairs: Pairs, **how: object) -> Student:
        return adapt(profile, recipe, start, pairs, base, new, seed=seed, **how)

    def taught(recipe: StudentRecipe, replay: bool) -> Student:
        how = {'labels': felt, 'teacher_of': data.felt, 'replay': replay}
        return learn(recipe, base.student, data.seen, **how)

    def alone(labels: np.ndarray) -> Student:
        return learn(LABELS_ALONE, base.student, data.seen, labels=labels)

    students = {
        'before': base.student,
        'taught, replay, progressive': taught(PROGRESSIVE, True),
        TAUGHT: taught(PLAIN, True),
        'taught, progressive': taught(PROGRESSIVE, False),
        'taught': taught(PLAIN, False),
        'self-training': alone(guessed),
        'oracle labels': alone(data.seen.action[new]),
    }
    seen = {
        way: right_answers(profile, logits_of(student, data.seen[base.test]), data.seen[base.test])
        for way, student in students.items()
    }
    figures = {
        way: {
            **accuracies(profile, logits_of(student, data.seen[last]), data.seen[last]),
            **{f'seen objects, {key}': float(right.mean()) for key, right in seen[way].items()},
        }
        for way, student in students.items()
    }
    names = [data.grasps[row].object_name for row in base.test]
    figures[LOST_BY_OBJECT] = lost_by_object(names, seen['before'], seen[TAUGHT])
    how = {'labels': felt, 'teacher_of': data.felt}
    around = {
        'background before': base.background,
        'background': learn(PLAIN, base.background, data.around, **how),
    }
    for way, student in around.items():
        figures[way] = accuracies(
            profile, logits_of(student, data.around[last]), data.around[last]
        )
    for way, chosen in (('touch, first grasps', new), ('touch, last grasps', last)):
        logits = compute_teacher_targets(base.teacher, data.felt[chosen]).logits
        figures[way] = accuracies(profile, logits, data.felt[chosen])
    return figures


@torch.no_grad()
def logits_of(student: Student, pairs: Pairs) -> torch.Tensor:
    """Return what a student says of pairs, `float32[N, A]`."""
    student.eval()
    return torch.cat([student(batch.image).logits for batch in in_order(pairs)])


def right_answers(profile: Profile, logits: torch.Tensor, pairs: Pairs) -> dict[str, np.ndarray]:
    """Return which answers are right, `bool[N]`, by property."""
    answers = decide_properties(profile, logits.softmax(1).numpy())
    classes = properties_of(profile)
    return {name: answers[name] == classes[name][pairs.action] for name in PROPERTIES}


def accuracies(profile: Profile, logits: torch.Tensor, pairs: Pairs) -> dict[str, float]:
    """Return the share of right answers by property."""
    right = right_answers(profile, logits, pairs)
    return {name: float(each.mean()) for name, each in right.items()}


def lost_by_object(
    names: Sequence[str], before: dict[str, np.ndarray], after: dict[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Return, by object and property, the part of the accuracy on all N grasps that was lost.

    Args:
        names: the object of each of N grasps.
        before: which answers were right, `bool[N]`, by property.
        after: the same, later.
    """
    of = np.array(names)
    return {
        name: {
            key: float((before[key][of == name].sum() - after[key][of == name].sum()) / len(of))
            for key in PROPERTIES
        }
        for name in sorted(set(names))
    }


def main() -> None:
    """Run what is missing, and write the figures and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('clone', type=Path, help='clone of the recordings')
    parser.add_argument('--out', type=Path, default=Path('out/gripper/experiment'))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--docs', type=Path, help='folder for gripper.json and real_data.md')
    arguments = parser.parse_args()
    profile = grasp_profile()
    data = read(arguments.clone, profile)
    novel = {grasp.object_name for grasp in data.grasps if grasp.split == 'ood_test'}
    known = {grasp.object_name for grasp in data.grasps} - novel
    # The five of `ood_test` are unseen to one base of all others, each of these to one without it.
    bases = [novel, *({name} | novel for name in sorted(known))]
    results = []
    for seed in arguments.seeds:
        for held_out in bases:
            unseen = sorted(held_out if held_out == novel else held_out - novel)
            files = {name: arguments.out / f'{seed}-{name}.json' for name in unseen}
            missing = [name for name, file in files.items() if not file.exists()]
            if missing:
                base = learn_base(profile, data, held_out, seed)
            for name in missing:
                figures = measure_object(profile, data, base, name, seed)
                arguments.out.mkdir(parents=True, exist_ok=True)
                write_json(files[name], figures)
                print(
                    seed,
                    name,
                    {key: figures[TAUGHT][key] for key in figures['before']},
                    flush=True,
                )
            results += [
                {'seed': seed, 'object': name, 'figures': json.loads(file.read_text())}
                for name, file in files.items()
            ]
    if arguments.docs is not None:
        write_page(arguments.docs, results, fingerprint(data.grasps), len(data.grasps))


if __name__ == '__main__':
    main()
