# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A teacher, a student and its control: trained, measured, written with their card."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import numpy as np

from crossmodal_kd_ros.benchmark.card import Card, figures_table
from crossmodal_kd_ros.benchmark.measures import (
    ask_reference,
    ask_student,
    ask_teacher,
    masks,
    measure,
)
from crossmodal_kd_ros.benchmark.photos import digest, read_pictures
from crossmodal_kd_ros.benchmark.progress import TrainingProgress, bar
from crossmodal_kd_ros.datasets import Pairs, load_folder, load_simulated, read_datasheet
from crossmodal_kd_ros.datasets.photographs import SIZE_PX, Photographs, load_simulated_photographs
from crossmodal_kd_ros.experiments.reference_loop import train_reference
from crossmodal_kd_ros.files import check_writable, whole_folder
from crossmodal_kd_ros.networks import save_weights
from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.training import pretrained
from crossmodal_kd_ros.training.cache import TrainingCache
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.loop import Run
from crossmodal_kd_ros.training.photographs import check_profile
from crossmodal_kd_ros.training.recipe import DataRecipe, Recipe, RecipeError, ReferenceRecipe

_Made = TypeVar('_Made')


def train_and_save(
    profile: Profile,
    recipe: Recipe,
    *,
    out: Path,
    cache: Path,
    command: str,
    recipe_name: str,
    device: Device,
    tensorboard: Path | None = None,
    data_set: Path | None = None,
    photos: Path | None = None,
) -> Card:
    """Train by `recipe`; write weights and `README.md` into `out`.

    The weights are there, both at once, before the control is trained. Of several processes the
    first alone writes.

    Args:
        profile: of the robot; without a data set the simulated one.
        recipe: what to train.
        out: see above.
        cache: of simulated views and trained networks.
        command: how the user started it, for the card.
        recipe_name: for the card.
        device: where to train.
        tensorboard: a folder for curves.
        data_set: a folder, in place of the views that the recipe would simulate.
        photos: a folder with photographs of walls without cracks, to draw cracks on.

    Raises:
        DataSetError: there is no data set of `profile` in `data_set`.
        PhotosError: `photos` has no pictures, or one that cannot be read.
        RecipeError: the recipe learns from photographs and the profile cannot, or `photos` is
            given and it does not.
        OutputError: `out` cannot be written.
    """
    start = time.monotonic()
    learns = recipe.student.photograph_weight > 0.0 and recipe.data.photographs > 0
    if learns:
        check_profile(profile)
    elif photos is not None:
        raise RecipeError(
            'expected a recipe with data.photographs and student.photograph_weight above 0 for '
            f'--photos, got {recipe_name}: give --recipe photographs'
        )
    grounds, paths = (None, []) if photos is None else read_pictures(photos, size_px=SIZE_PX)
    if device.is_first:
        check_writable(out)

    def pairs(split: str) -> Pairs:
        if data_set is not None:
            return load_folder(split, data_set, profile)
        return _load_views(profile, recipe.data, split, cache, device)

    train, validation = pairs('train'), pairs('validation')
    if data_set is None:
        train = train.with_labels(recipe.data.labelled_views, profile)
    card = Card.of(
        profile,
        recipe,
        recipe_name=recipe_name,
        command=command,
        data_set=None if data_set is None else read_datasheet(data_set),
    )
    if paths:
        card.origin['photos'] = f'{len(paths)} photographs, SHA-256 {digest(paths)}'
    if recipe.student.encoder != 'residual':
        card.origin['encoder'] = pretrained.ORIGIN
    photographs = _load_photographs(recipe.data, grounds, cache, device) if learns else None
    with ExitStack() as bars:

        def run(name: str) -> Run:
            if not device.is_first:
                return Run(device=device)
            report = bars.enter_context(TrainingProgress(name, tensorboard))
            return Run(report=report, device=device)

        networks = TrainingCache(cache / 'networks', profile, run=run)
        teacher = networks.teacher(recipe.teacher, train, validation, seed=recipe.seed)
        student = networks.student(
            recipe.student,
            teacher if recipe.student.distil else None,
            train,
            validation,
            seed=recipe.seed,
            photographs=photographs,
        )
        test = pairs('test')
        for name, masked in masks(profile).items():
            system = f'teacher, {name}' if masked else 'teacher'
            card.figures[system] = measure(
                ask_teacher(teacher, test, masked=masked), test, profile
            )
        card.figures['student'] = measure(ask_student(student, test), test, profile)
        if device.is_first:
            with whole_folder(out) as folder:
                for network in (teacher, student):
                    save_weights(
                        network,
                        folder / f'{network.kind}.safetensors',
                        card=card.header(network.kind),
                    )
        alone = recipe.student.model_copy(update={'distil': False, 'self_training': False})
        control = networks.student(
            alone,
            None,
            train,
            validation,
            seed=recipe.seed,
            photographs=photographs,
            name='student without distillation',
        )
    card.figures['student without distillation'] = measure(
        ask_student(control, test), test, profile
    )
    card.origin['wall_time_min'] = f'{(time.monotonic() - start) / 60:.0f}'
    if networks.reused:
        card.origin['trained_before'] = f'{"; ".join(networks.reused)} (found in the cache)'
    if device.is_first:
        card.write(out / 'README.md')
    return card


def measure_reference(recipe: ReferenceRecipe, cache: Path) -> str:
    """Train the article's nets on simulated views; return their test figures as a table."""
    profile, device = load_profile(), Device()
    train = _load_views(profile, recipe.data, 'train', cache, device)
    train = train.with_labels(recipe.data.labelled_views, profile)
    with TrainingProgress("article's teacher and student", None) as report:
        networks = train_reference(recipe, train, report=report)
    test = _load_views(profile, recipe.data, 'test', cache, device)
    answers = ask_reference(*networks, test, profile)
    names = ("article's teacher", "article's student")
    return figures_table(
        {name: measure(answer, test, profile) for name, answer in zip(names, answers, strict=True)}
    )


def _load_views(
    profile: Profile, data: DataRecipe, split: str, cache: Path, device: Device
) -> Pairs:
    """Return the views of a split; the first process simulates, the others read."""
    views = {
        'train': data.labelled_views + data.unlabelled_views,
        'validation': data.validation_views,
        'test': data.test_views,
    }[split]

    def load() -> Pairs:
        return load_simulated(
            split,
            views,
            seed=data.seed,
            cache_dir=cache,
            profile=profile,
            vision_recovery=data.vision_recovery,
            progress=bar(f'simulating {split}'),
        )

    return _made_by_first(load, device)


def _load_photographs(
    data: DataRecipe, grounds: np.ndarray | None, cache: Path, device: Device
) -> Photographs:
    """Return the simulated photographs."""

    def load() -> Photographs:
        return load_simulated_photographs(
            data.photographs,
            seed=data.seed,
            cache_dir=cache,
            grounds=grounds,
            ground_share=data.ground_share,
            progress=bar('drawing photographs'),
        )

    return _made_by_first(load, device)


def _made_by_first(load: Callable[[], _Made], device: Device) -> _Made:
    """Return what `load` makes in the first process, and reads from the cache in the others."""
    made = load() if device.is_first else None
    device.wait_for_all()
    return load() if made is None else made
