# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Networks made once: asked for again they come from the cache, and a training that was killed goes on where it was."""

import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import (
    Student,
    Teacher,
    freeze,
    load_student,
    load_teacher,
    save_weights,
)
from crossmodal_kd_ros.training.loop import Run
from crossmodal_kd_ros.training.recipe import StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.training.train import forgetting, train_student, train_teacher
from crossmodal_kd_ros.versions import TRAINING_VERSION


class Workshop:
    """Trains teachers and students; keeps them in `folder`, each under a key of its recipe, seed, data and `TRAINING_VERSION`.

    Attributes:
        run: says how a training is run and shown, by its name.
        found: names of the networks that were there already.
    """

    def __init__(self, folder: Path, *, run: Callable[[str], Run] = lambda name: Run()) -> None:
        """Keep networks in `folder`; `run(name)` says how the training called `name` is run and shown."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self.run, self.found = folder, run, []

    def teacher(
        self,
        recipe: TeacherRecipe,
        train: Pairs,
        validation: Pairs,
        *,
        seed: int,
        name: str = 'teacher',
    ) -> Teacher:
        """Return the teacher that `recipe` makes, trained or found."""
        folder = self._place('teacher', recipe.model_dump(), train, validation, seed)
        return self._made(
            folder,
            name,
            load_teacher,
            lambda run: train_teacher(recipe, train, validation, seed=seed, run=run),
            lambda history: {},
        )

    def student(
        self,
        recipe: StudentRecipe,
        teacher: Teacher | None,
        train: Pairs,
        validation: Pairs,
        *,
        seed: int,
        name: str = 'student',
    ) -> Student:
        """Return the student that `recipe` makes of `teacher` (None: the control), trained or found."""
        start = None
        if recipe.finish is not None:
            first = recipe.model_copy(update={'finish': None})
            start = self.student(
                first, teacher, train, validation, seed=seed, name=f'{name}, first'
            )
            recipe, name = recipe.second(), f'{name}, second'
        known = [
            _digest(value.detach().cpu().numpy() for value in network.state_dict().values())
            for network in (teacher, start)
            if network is not None
        ]
        folder = self._place('student', recipe.model_dump(), train, validation, seed, *known)
        return self._made(
            folder,
            name,
            load_student,
            lambda run: train_student(
                recipe, teacher, train, validation, seed=seed, start=start, run=run
            ),
            lambda history: forgetting(history, recipe),
        )

    def _made(self, folder: Path, name: str, load, make, lost) -> Teacher | Student:
        run = self.run(name)
        weights = folder / 'network.safetensors'
        # Another command may be making the very same network: the first process waits for it, the
        # rest for the first.
        with (
            FileLock(self._folder / f'{folder.name}.lock') if run.place.is_first else nullcontext()
        ):
            run.place.wait_for_all()
            if weights.is_file():
                self.found.append(name)
            else:
                network, history = make(replace(run, checkpoint=folder / 'progress.pt'))
                if run.place.is_first:
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / 'history.json').write_text(
                        json.dumps({'validations': history, 'forgetting': lost(history)})
                    )
                    save_weights(network, weights, card={'name': name})
                    (folder / 'progress.pt').unlink()
                run.place.wait_for_all()
        network = load(weights)
        return freeze(network) if isinstance(network, Teacher) else network

    def _place(
        self, kind: str, recipe: dict, train: Pairs, validation: Pairs, seed: int, *more: str
    ) -> Path:
        data = [
            _digest((pairs.image[::61], pairs.touch, pairs.gas, pairs.action))
            for pairs in (train, validation)
        ]
        key = json.dumps([kind, recipe, seed, data, TRAINING_VERSION, *more], sort_keys=True)
        return self._folder / f'{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}'


def _digest(arrays) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
