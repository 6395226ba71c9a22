# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What `crossmodal-kd train` does: data, teacher, student, control, figures, files."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from crossmodal_kd_ros.datasets import Pairs, load_simulated
from crossmodal_kd_ros.distillation.recipe import DataRecipe, Recipe
from crossmodal_kd_ros.distillation.train import Report, train_student, train_teacher
from crossmodal_kd_ros.evaluation.card import Card
from crossmodal_kd_ros.evaluation.measures import ask_student, ask_teacher, measure
from crossmodal_kd_ros.networks import save_weights

# A line now and then where nobody watches, a living bar where somebody does.
_REFRESH_S = 0.5 if sys.stderr.isatty() else 30.0
_MASKS = {'teacher': (True, True), 'teacher, touch masked': (False, True), 'teacher, gas masked': (True, False),
          'teacher, both masked': (False, False)}


def train_and_save(recipe: Recipe, *, out: Path, cache: Path, command: str, recipe_name: str) -> Card:
    """Train by `recipe`; write `teacher.safetensors`, `student.safetensors` and `README.md` into `out`.

    Each weight file is written as soon as its network is trained and measured.
    """
    start = time.monotonic()
    train = load_views(recipe.data, 'train', cache).with_labels(recipe.data.labelled_views)
    validation = load_views(recipe.data, 'validation', cache)
    card = Card.of(recipe, recipe_name=recipe_name, command=command)
    with _bar('teacher') as report:
        teacher = train_teacher(recipe.teacher, train, validation, seed=recipe.seed, report=report)
    test = load_views(recipe.data, 'test', cache)
    for name, (touch, gas) in _MASKS.items():
        card.figures[name] = measure(ask_teacher(teacher, test, touch=touch, gas=gas), test)
    save_weights(teacher, out / 'teacher.safetensors', card=card.header('teacher'))
    with _bar('student') as report:
        student = train_student(recipe.student, teacher, train, validation, seed=recipe.seed, report=report)
    card.figures['student'] = measure(ask_student(student, test), test)
    save_weights(student, out / 'student.safetensors', card=card.header('student'))
    control_recipe = recipe.student.model_copy(update={'distil': False})
    with _bar('student without distillation') as report:
        control = train_student(control_recipe, None, train, validation, seed=recipe.seed, report=report)
    card.figures['student without distillation'] = measure(ask_student(control, test), test)
    card.origin['wall_time_min'] = f'{(time.monotonic() - start) / 60:.0f}'
    card.write(out / 'README.md')
    return card


def load_views(data: DataRecipe, split: str, cache: Path) -> Pairs:
    """Return the views of a split, `train`, `validation` or `test`, from the cache or simulated under a bar."""
    views = {'train': data.labelled_views + data.unlabelled_views, 'validation': data.validation_views,
             'test': data.test_views}[split]

    def progress(tasks: Iterable, total: int) -> Iterable:
        return tqdm(tasks, f'simulating {split}', total, mininterval=_REFRESH_S)
    return load_simulated(
        split, views, seed=data.seed, cache_dir=cache, vision_recovery=data.vision_recovery, progress=progress)


class _bar:
    """A progress bar with the time left, as a `Report`."""

    def __init__(self, name: str) -> None:
        self._name, self._bar = name, None

    def __enter__(self) -> Report:
        return self._report

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _report(self, step: int, total: int, values: dict[str, float]) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, desc=self._name, unit='step', mininterval=_REFRESH_S)
        if 'validation_accuracy' in values:
            self._bar.set_postfix(validation=f'{values["validation_accuracy"]:.3f}', refresh=False)
        self._bar.update(step - self._bar.n)
