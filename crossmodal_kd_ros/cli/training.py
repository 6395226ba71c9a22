# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What `crossmodal-kd train` does: data, teacher, student, control, figures, files."""

import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from crossmodal_kd_ros.benchmark.card import Card, figures_table
from crossmodal_kd_ros.benchmark.measures import ask_reference, ask_student, ask_teacher, measure
from crossmodal_kd_ros.datasets import Pairs, load_simulated
from crossmodal_kd_ros.datasets.from_bags import load_folder, read_datasheet
from crossmodal_kd_ros.experiments.reference_loop import train_reference
from crossmodal_kd_ros.networks import save_weights
from crossmodal_kd_ros.training.cache import Workshop
from crossmodal_kd_ros.training.device import Place
from crossmodal_kd_ros.training.loop import Report, Run
from crossmodal_kd_ros.training.recipe import DataRecipe, Recipe, ReferenceRecipe

# A line now and then where nobody watches, a living bar where somebody does.
REFRESH_S = 0.5 if sys.stderr.isatty() else 30.0
_MASKS = {
    'teacher': (True, True),
    'teacher, touch masked': (False, True),
    'teacher, gas masked': (True, False),
    'teacher, both masked': (False, False),
}


def train_and_save(
    recipe: Recipe,
    *,
    out: Path,
    cache: Path,
    command: str,
    recipe_name: str,
    place: Place,
    tensorboard: Path | None,
    folder: Path | None = None,
) -> Card:
    """Train by `recipe`; write `teacher.safetensors`, `student.safetensors` and `README.md` into `out`.

    The weights are there before the control is trained. Of several processes the first alone
    writes. `folder`: a data set of one's own, in place of the views that the recipe would
    simulate.

    Raises:
        DataSetError: there is no data set in `folder`.
    """
    start = time.monotonic()
    if folder is None:
        train, validation = (
            _load_views(recipe.data, split, cache, place) for split in ('train', 'validation')
        )
        train = train.with_labels(recipe.data.labelled_views)
    else:
        train, validation = (load_folder(split, folder) for split in ('train', 'validation'))
    card = Card.of(
        recipe,
        recipe_name=recipe_name,
        command=command,
        data_set=folder and read_datasheet(folder),
    )
    with ExitStack() as bars:
        workshop = Workshop(
            cache / 'networks',
            run=lambda name: Run(
                report=bars.enter_context(Progress(name, tensorboard))
                if place.is_first
                else Run.report,
                place=place,
            ),
        )
        teacher = workshop.teacher(recipe.teacher, train, validation, seed=recipe.seed)
        student = workshop.student(recipe.student, teacher, train, validation, seed=recipe.seed)
        test = (
            load_folder('test', folder)
            if folder is not None
            else _load_views(recipe.data, 'test', cache, place)
        )
        for name, (touch, gas) in _MASKS.items():
            card.figures[name] = measure(ask_teacher(teacher, test, touch=touch, gas=gas), test)
        card.figures['student'] = measure(ask_student(student, test), test)
        if place.is_first:
            save_weights(teacher, out / 'teacher.safetensors', card=card.header('teacher'))
            save_weights(student, out / 'student.safetensors', card=card.header('student'))
        alone = recipe.student.model_copy(update={'distil': False})
        control = workshop.student(
            alone, None, train, validation, seed=recipe.seed, name='student without distillation'
        )
    card.figures['student without distillation'] = measure(ask_student(control, test), test)
    card.origin['wall_time_min'] = f'{(time.monotonic() - start) / 60:.0f}'
    if workshop.found:
        card.origin['trained_before'] = f'{"; ".join(workshop.found)} (found in the cache)'
    if place.is_first:
        card.write(out / 'README.md')
    return card


def measure_reference(recipe: ReferenceRecipe, cache: Path) -> str:
    """Train the article's nets by `recipe`; return their test figures as a table."""
    place = Place()
    train = _load_views(recipe.data, 'train', cache, place).with_labels(recipe.data.labelled_views)
    with Progress("article's teacher and student", None) as report:
        teacher, student = train_reference(recipe, train, report=report)
    test = _load_views(recipe.data, 'test', cache, place)
    answers = ask_reference(teacher, student, test)
    names = ("article's teacher", "article's student")
    return figures_table(
        {name: measure(answer, test) for name, answer in zip(names, answers, strict=True)}
    )


def _load_views(data: DataRecipe, split: str, cache: Path, place: Place) -> Pairs:
    """Return the views of a split, `train`, `validation` or `test`; the first process simulates, the others read."""
    views = {
        'train': data.labelled_views + data.unlabelled_views,
        'validation': data.validation_views,
        'test': data.test_views,
    }[split]

    def progress(tasks: Iterable, total: int) -> Iterable:
        return tqdm(tasks, f'simulating {split}', total, mininterval=REFRESH_S)

    def load() -> Pairs:
        return load_simulated(
            split,
            views,
            seed=data.seed,
            cache_dir=cache,
            vision_recovery=data.vision_recovery,
            progress=progress,
        )

    pairs = load() if place.is_first else None
    place.wait_for_all()
    return pairs or load()


class Progress:
    """A progress bar with the time left, and TensorBoard's curves if there is a folder for them, as a `Report`."""

    def __init__(self, name: str, tensorboard: Path | None) -> None:
        """Show the training called `name`."""
        self._name, self._bar, self._events = name, None, None
        if tensorboard is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(tensorboard / name.replace(' ', '_'))

    def __enter__(self) -> Report:
        """Return the report."""
        return self._report

    def __exit__(self, *_: object) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
        if self._events is not None:
            self._events.close()

    def _report(self, step: int, total: int, values: dict[str, float]) -> None:
        if self._bar is None:
            # A training that goes on from a checkpoint starts in the middle of its bar.
            self._bar = tqdm(
                total=total, initial=step - 1, desc=self._name, unit='step', mininterval=REFRESH_S
            )
        if 'validation_accuracy' in values:
            self._bar.set_postfix(validation=f'{values["validation_accuracy"]:.3f}', refresh=False)
        self._bar.update()
        if step == total:
            self._bar.close()
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, step)
