# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Trained networks on disk: each is trained once, and a training that was killed resumes."""

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.datasets.photographs import Photographs
from crossmodal_kd_ros.files import write_json
from crossmodal_kd_ros.networks import (
    Student,
    Teacher,
    freeze,
    load_student,
    load_teacher,
    save_weights,
)
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.loop import History, Run
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.training.student import (
    TeacherTargets,
    compute_teacher_targets,
    forgetting,
    train_student,
)
from crossmodal_kd_ros.training.teacher import train_teacher
from crossmodal_kd_ros.versions import TRAINING_VERSION


class TrainingCache:
    """Trains teachers and students, and keeps them.

    The key of a network is made of its profile, recipe, seed, data and `TRAINING_VERSION`.

    Attributes:
        run: returns how the training of that name is run and shown.
        reused: names of the networks that were there already.
    """

    def __init__(
        self, folder: Path, profile: Profile, *, run: Callable[[str], Run] = lambda name: Run()
    ) -> None:
        """Keep networks of `profile` in `folder`; `run(name)` returns how a training is run."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._profile = folder, profile
        self.run, self.reused = run, []
        self._taught: tuple[Teacher, Pairs, TeacherTargets] | None = None

    def teacher(
        self,
        recipe: TeacherRecipe,
        train: Pairs,
        validation: Pairs,
        *,
        seed: int,
        name: str = 'teacher',
    ) -> Teacher:
        """Return the frozen teacher that `recipe` makes."""
        start = None
        if recipe.finish is not None:
            first = recipe.model_copy(update={'finish': None})
            start = self.teacher(first, train, validation, seed=seed, name=f'{name}, first')
            recipe, name = recipe.second(), f'{name}, second'

        def make(run: Run) -> tuple[Teacher, History]:
            return train_teacher(
                self._profile, recipe, train, validation, seed=seed, start=start, run=run
            )

        used = _weights_of(start)
        folder = self._folder_of('teacher', recipe.model_dump(), train, validation, seed, *used)
        self._make_once(folder, name, make)
        return freeze(load_teacher(folder / _WEIGHTS, self._profile))

    def student(
        self,
        recipe: StudentRecipe,
        teacher: Teacher | None,
        train: Pairs,
        validation: Pairs,
        *,
        seed: int,
        photographs: Photographs | None = None,
        name: str = 'student',
    ) -> Student:
        """Return the student that `recipe` makes of `teacher` (None: the control).

        `photographs` teach it too, if the recipe gives them a weight.
        """
        if recipe.photograph_weight == 0.0:
            photographs = None
        start = None
        if recipe.finish is not None:
            first = recipe.model_copy(update={'finish': None})
            start = self.student(
                first,
                teacher,
                train,
                validation,
                seed=seed,
                photographs=photographs,
                name=f'{name}, first',
            )
            recipe, name = recipe.second(), f'{name}, second'

        def make(run: Run) -> tuple[Student, History]:
            targets = None if teacher is None else self._targets(teacher, train, run.device)
            return train_student(
                self._profile,
                recipe,
                targets,
                train,
                validation,
                seed=seed,
                start=start,
                photographs=photographs,
                run=run,
            )

        used = _weights_of(teacher, start)
        if photographs is not None:
            used.append(_digest((photographs.image[::61], photographs.cover[::61])))
        folder = self._folder_of('student', recipe.model_dump(), train, validation, seed, *used)
        self._make_once(
            folder, name, make, lambda history: forgetting(history, recipe, self._profile)
        )
        return load_student(folder / _WEIGHTS, self._profile)

    def _targets(self, teacher: Teacher, train: Pairs, device: Device) -> TeacherTargets:
        """Return what `teacher` says of `train`: once for all trainings of a student in a row."""
        if self._taught is None or self._taught[0] is not teacher or self._taught[1] is not train:
            self._taught = teacher, train, compute_teacher_targets(teacher, train, device)
        return self._taught[2]

    def _make_once(
        self,
        folder: Path,
        name: str,
        make: Callable[[Run], tuple[Teacher | Student, History]],
        lost: Callable[[History], dict[str, float]] = lambda history: {},
    ) -> None:
        run = self.run(name)
        # Another command may be making the very same network: the first process waits for it, the
        # rest for the first.
        lock = FileLock(self._folder / f'{folder.name}.lock')
        with lock if run.device.is_first else nullcontext():
            run.device.wait_for_all()
            if (folder / _WEIGHTS).is_file():
                self.reused.append(name)
                return
            network, history = make(replace(run, checkpoint=folder / _CHECKPOINT))
            if run.device.is_first:
                content = {'validations': history, 'forgetting': lost(history)}
                write_json(folder / 'history.json', content)
                save_weights(network, folder / _WEIGHTS, card={'name': name})
                (folder / _CHECKPOINT).unlink()
            run.device.wait_for_all()

    def _folder_of(
        self, kind: str, recipe: dict, train: Pairs, validation: Pairs, seed: int, *more: str
    ) -> Path:
        data = [
            _digest(
                (
                    *(pairs.image[::61], *pairs.readings.values()),
                    *(pairs.quantities, pairs.action, pairs.night),
                )
            )
            for pairs in (train, validation)
        ]
        parts = [kind, self._profile.fingerprint, recipe, seed, data, TRAINING_VERSION, *more]
        key = json.dumps(parts, sort_keys=True)
        return self._folder / f'{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}'


_WEIGHTS, _CHECKPOINT = 'network.safetensors', 'progress.pt'


def _weights_of(*networks: Teacher | Student | None) -> list[str]:
    return [
        _digest(value.detach().cpu().numpy() for value in network.state_dict().values())
        for network in networks
        if network is not None
    ]


def _digest(arrays: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
