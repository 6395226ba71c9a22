# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Trains and measures every cell once, and keeps it, so that it can be stopped any time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from crossmodal_kd_ros.benchmark.card import commit
from crossmodal_kd_ros.benchmark.cells import REFERENCE, Cell, Plan, student_changes
from crossmodal_kd_ros.benchmark.measures import (
    Answers,
    accuracy,
    ask_reference,
    ask_student,
    ask_teacher,
    lighting_probe,
    masks,
    measure,
    median_errors,
    reading_errors,
)
from crossmodal_kd_ros.benchmark.record import made_of
from crossmodal_kd_ros.datasets import Pairs, load_simulated
from crossmodal_kd_ros.experiments.reference_loop import train_reference
from crossmodal_kd_ros.files import write_json
from crossmodal_kd_ros.networks import Student, Teacher
from crossmodal_kd_ros.simulation import CONDITIONS
from crossmodal_kd_ros.training.cache import TrainingCache
from crossmodal_kd_ros.training.recipe import ReferenceRecipe, StudentRecipe
from crossmodal_kd_ros.versions import MEASURE_VERSION, SIMULATION_VERSION, TRAINING_VERSION


@dataclass(kw_only=True)
class Bench:
    """Where cells are made and kept.

    Attributes:
        plan: what to measure.
        out: its folder `cells` keeps what was measured.
        cache: of simulated data.
        networks: trains, or finds what was trained before.
        progress: wraps the simulation's tasks, see `simulate`.
    """

    plan: Plan
    out: Path
    cache: Path
    networks: TrainingCache
    progress: Callable = lambda tasks, total: tasks
    _pools: dict = field(default_factory=dict)

    def measure_all(self, todo: list[Cell]) -> Iterator[tuple[Cell, dict[str, Any]]]:
        """Yield each cell with what it comes to: measured, or read if that was done before.

        Several processes may share `out` and `cache`: each takes the next cell that none works on,
        and at the end waits for the others' cells.
        """
        others = []
        for cell in todo:
            try:
                yield cell, self._run(cell, wait_s=0.0)
            except Timeout:
                others.append(cell)
        for cell in others:
            yield cell, self._run(cell, wait_s=-1.0)

    def set_aside_outdated(self) -> int:
        """Rename the cells in `out` of another version or plan; return how many they are."""
        with FileLock(self.out / 'outdated.lock'):  # of several processes the first does
            outdated = [
                path
                for path in (self.out / 'cells').glob('*.json')
                if (measured := json.loads(path.read_text())).get('made_of')
                != self._made_of(Cell(**measured['cell']))
            ]
            for path in outdated:
                path.replace(path.with_suffix('.outdated'))
        return len(outdated)

    def take(self, measured_before: list[dict[str, Any]]) -> int:
        """Keep the cells that this plan would measure alike; return how many are new."""
        new = 0
        for measured in measured_before:
            cell = Cell(**measured['cell'])
            path = self._path(cell)
            if not path.is_file() and measured['made_of'] == self._made_of(cell):
                write_json(path, measured)
                new += 1
        return new

    def _run(self, cell: Cell, *, wait_s: float) -> dict[str, Any]:
        path = self._path(cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix('.lock'), timeout=wait_s):
            if path.is_file():
                return json.loads(path.read_text())
            measured = self._measure(cell) | {'made_of': self._made_of(cell), 'commit': commit()}
            write_json(path, measured)
        return measured

    def _path(self, cell: Cell) -> Path:
        return self.out / 'cells' / f'{cell.name}.json'

    def _made_of(self, cell: Cell) -> str:
        """Return a hash of all that the figures of `cell` depend on."""
        recipe = self.plan.recipe.model_dump()
        recipe['student'] |= student_changes(cell.system, self.plan.profile)
        return made_of(
            [vars(cell), recipe, self.plan.condition_views, self.plan.profile.fingerprint],
            simulation=SIMULATION_VERSION,
            training=TRAINING_VERSION,
            measure=MEASURE_VERSION,
        )

    def _measure(self, cell: Cell) -> dict[str, Any]:
        data, profile = self.plan.recipe.data, self.plan.profile
        train = self._train(cell)
        validation = self._views('validation', data.validation_views, cell)
        test = self._views('test', data.test_views, cell)
        measured: dict[str, Any] = {
            'cell': vars(cell),
            'group': test.group.tolist(),
            'action': test.action.tolist(),
        }
        if cell.system == REFERENCE:
            return measured | self._reference(cell, train, test)
        network = self._network(cell, train, validation)
        answers = _ask(network, test)
        measured |= measure(answers, test, profile)
        measured['chosen'] = answers.probabilities.argmax(1).tolist()
        if isinstance(network, Teacher):
            measured['sensors'] = {
                name: measure(ask_teacher(network, test, masked=masked), test, profile)
                for name, masked in masks(profile).items()
            }
            measured['unguarded'] = self._unguarded(network, test)
        else:
            measured['readings'] = reading_errors(answers, test, train, profile)
            measured['medians'] = median_errors(answers, test, train, profile)
            measured['lighting_probe'] = lighting_probe(network, validation, test)
        if cell.recovery == 1.0 and self.plan.condition_views:
            measured['conditions'] = {
                condition: accuracy(_ask(network, pairs), pairs)
                for condition in CONDITIONS
                for pairs in [self._views('test', self.plan.condition_views, cell, condition)]
            }
        return measured

    def _reference(self, cell: Cell, train: Pairs, test: Pairs) -> dict[str, Any]:
        """Measure the article's student, trained for as many steps as ours, and its teacher."""
        profile, student_recipe = self.plan.profile, self.plan.recipe.student
        steps = student_recipe.steps
        if student_recipe.finish is not None:
            steps += student_recipe.finish.steps
        epochs = -(-steps * student_recipe.batch // cell.labels)
        recipe = ReferenceRecipe(
            nets='article',
            seed=cell.seed,
            data=self.plan.recipe.data,
            epochs=epochs,
            batch=student_recipe.batch,
        )
        report = self.networks.run(cell.name).report
        networks = train_reference(recipe, train, report=report)
        teacher, student = ask_reference(*networks, test, profile)
        return measure(student, test, profile) | {
            'chosen': student.probabilities.argmax(1).tolist(),
            'readings': reading_errors(student, test, train, profile),
            'teacher_accuracy': accuracy(teacher, test),
        }

    def _network(self, cell: Cell, train: Pairs, validation: Pairs) -> Teacher | Student:
        recipe, changes = self.plan.recipe, student_changes(cell.system, self.plan.profile)

        def student(teacher: Teacher | None) -> Student:
            changed = StudentRecipe.model_validate(recipe.student.model_dump() | changes)
            return self.networks.student(
                changed, teacher, train, validation, seed=cell.seed, name=cell.name
            )

        if not changes.get('distil', True):
            return student(None)
        teacher = self.networks.teacher(
            recipe.teacher, train, validation, seed=cell.seed, name=f'teacher for {cell.name}'
        )
        if cell.system == 'teacher':
            return teacher
        return student(teacher)

    def _train(self, cell: Cell) -> Pairs:
        """Return the training pairs: every seed labels other panels, if there are enough."""
        data, profile = self.plan.recipe.data, self.plan.profile
        pool = self._views('train', data.labelled_views + data.unlabelled_views, cell)
        first = cell.seed * cell.labels % len(pool)
        count = cell.labels + data.unlabelled_views
        if first == 0:
            return pool[:count].with_labels(cell.labels, profile)
        return pool[(first + np.arange(count)) % len(pool)].with_labels(cell.labels, profile)

    def _views(self, split: str, views: int, cell: Cell, condition: str | None = None) -> Pairs:
        key = (split, views, cell.recovery, condition)
        if key not in self._pools:
            self.cache.mkdir(parents=True, exist_ok=True)
            with FileLock(self.cache / 'simulation.lock'):
                self._pools[key] = load_simulated(
                    split,
                    views,
                    seed=self.plan.recipe.data.seed,
                    cache_dir=self.cache,
                    vision_recovery=cell.recovery,
                    condition=condition,
                    progress=self.progress,
                )
        return self._pools[key]

    def _unguarded(self, teacher: Teacher, test: Pairs) -> dict[str, float]:
        """Return the accuracy of a teacher that believes a sense that is dead (zero) or stuck."""
        other = np.random.default_rng(0).permutation(len(test))
        accuracies = {}
        for sense, values in test.readings.items():
            for name, wrong in (('dead', np.zeros_like(values)), ('stuck', values[other])):
                pairs = replace(test, readings={**test.readings, sense: wrong})
                accuracies[f'{sense} {name}'] = accuracy(ask_teacher(teacher, pairs), pairs)
        return accuracies


def _ask(network: Teacher | Student, pairs: Pairs) -> Answers:
    return (ask_teacher if isinstance(network, Teacher) else ask_student)(network, pairs)
