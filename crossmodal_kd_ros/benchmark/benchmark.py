# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The benchmark: trains and measures cell by cell; what is done is never done again, so that it can be stopped any time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from crossmodal_kd_ros.benchmark.card import commit
from crossmodal_kd_ros.benchmark.measures import (
    accuracy,
    ask_reference,
    ask_student,
    ask_teacher,
    lighting_probe,
    measure,
    readings,
)
from crossmodal_kd_ros.benchmark.record import made_of, write_json
from crossmodal_kd_ros.datasets import Pairs, load_simulated
from crossmodal_kd_ros.experiments.reference_loop import train_reference
from crossmodal_kd_ros.networks import Student, Teacher
from crossmodal_kd_ros.simulation import CONDITIONS
from crossmodal_kd_ros.training.cache import Workshop
from crossmodal_kd_ros.training.recipe import Recipe, ReferenceRecipe, StudentRecipe
from crossmodal_kd_ros.versions import MEASURE_VERSION, SIMULATION_VERSION, TRAINING_VERSION

# In the order in which two processes lose no time: the control needs no teacher.
TRIO = ('teacher', 'student_no_kd', 'student_kd')
REFERENCE = 'reference'  # the article's own nets and loop
SENSORS = {
    'healthy': (True, True),
    'touch masked': (False, True),
    'gas masked': (True, False),
    'both masked': (False, False),
}
# Changes to the student's recipe, one at a time.
ABLATIONS: dict[str, dict[str, Any]] = {
    'progressive alpha': {'alpha_ramp': 0.3, 'alpha': 1.0},
    'stages': {'gas_from': 0.33, 'touch_from': 0.66},
    'gradient reversal 0.1': {'adversary_strength': 0.1},
    'gradient reversal 1': {'adversary_strength': 1.0},
    'no unlabelled pairs': {'unlabelled': False},
    'no readings': {'touch_weight': 0.0, 'gas_weight': 0.0, 'surface_weight': 0.0},
    'no feature matching': {'feature_weight': 0.0},
    'MSE features': {'feature_loss': 'mse'},
    'product fidelity': {'feature_loss': 'product'},
    'entangled fidelity': {'feature_loss': 'entangled'},
    'decoupled (DKD)': {'decision_loss': 'decoupled'},
    'relational (RKD)': {'distance_weight': 25.0, 'angle_weight': 50.0, 'feature_weight': 0.0},
}
# How features are aligned, by the names of `alignment_costs`: which system does so, and in words.
RECIPE = 'as in the recipe'
ALIGNMENTS = {
    'none': ('no feature matching', 'none'),
    'cosine': (RECIPE, 'cosine (the recipe)'),
    'mse': ('MSE features', 'squared error'),
    'product': ('product fidelity', "product fidelity (the article's)"),
    'entangled': ('entangled fidelity', 'entangled fidelity'),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure.

    Attributes:
        recipe: of every cell; its labelled views are replaced by the cell's.
        labels: label counts of the trio: with few labels there is most to learn from a teacher.
        more_labels: further label counts of the trio, to be measured last.
        seeds: of the trio.
        ablation_labels, ablation_seeds: of the ablations; no seed: no ablation.
        recoveries: values of `vision_recovery` at which the trio is trained too, with
            `ablation_labels` labels.
        condition_views: views under each of `CONDITIONS`; 0: leave them out.
        most_cells: stop after so many.
        ceiling_panels: panels for the ceilings.
        shipped_views: test views that the shipped weights are measured on.
    """

    recipe: Recipe
    labels: tuple[int, ...] = (500, 10000)
    more_labels: tuple[int, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    ablation_labels: int = 500
    ablation_seeds: tuple[int, ...] = (0, 1)
    recoveries: tuple[float, ...] = (0.0, 0.5)
    condition_views: int = 300
    ceiling_panels: int = 8000
    shipped_views: int = 3000
    most_cells: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One network to train and measure: a system, how many labels it has, a seed, and how much the camera can see."""

    system: str
    labels: int
    seed: int
    recovery: float = 1.0

    @property
    def name(self) -> str:
        """A name for files."""
        words = f'{self.system}-{self.labels}-seed{self.seed}'
        return (words if self.recovery == 1.0 else f'{words}-recovery{self.recovery:g}').replace(
            ' ', '_'
        )


def cells(plan: Plan) -> list[Cell]:
    """Return all cells of `plan`, the most telling first."""
    trio, more = (
        [
            Cell(system=system, labels=labels, seed=seed)
            for seed in plan.seeds
            for labels in counts
            for system in TRIO
        ]
        for counts in (plan.labels, plan.more_labels)
    )
    ablations = [
        Cell(system=system, labels=plan.ablation_labels, seed=seed)
        for seed in plan.ablation_seeds
        for system in (REFERENCE, *ABLATIONS)
    ]
    curve = [
        Cell(system=system, labels=plan.ablation_labels, seed=plan.seeds[0], recovery=recovery)
        for recovery in plan.recoveries
        for system in TRIO
    ]
    return trio + curve + ablations + more


@dataclass(kw_only=True)
class Bench:
    """Where cells are made and kept.

    Attributes:
        plan: what to measure. out: its folder `cells` keeps what was measured. cache: simulated
            data.
        workshop: trains. progress: wraps the simulation's tasks, see `simulate`.
    """

    plan: Plan
    out: Path
    cache: Path
    workshop: Workshop
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

    def _run(self, cell: Cell, *, wait_s: float) -> dict[str, Any]:
        path = self._path(cell)
        with FileLock(path.with_suffix('.lock'), timeout=wait_s):
            if path.is_file():
                return json.loads(path.read_text())
            measured = self._measure(cell) | {'made_of': self._made_of(cell), 'commit': commit()}
            write_json(path, measured)
        return measured

    def set_aside_outdated(self) -> int:
        """Rename those cells in `out` that another version or plan measured; return how many they are."""
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
        """Keep those cells, measured elsewhere, that these versions and this plan would measure too; return how many are new."""
        new = 0
        for measured in measured_before:
            cell = Cell(**measured['cell'])
            path = self._path(cell)
            if not path.is_file() and measured['made_of'] == self._made_of(cell):
                write_json(path, measured)
                new += 1
        return new

    def _path(self, cell: Cell) -> Path:
        path = self.out / 'cells' / f'{cell.name}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _made_of(self, cell: Cell) -> str:
        """Return a hash of recipe, views and versions: of all that the figures of `cell` depend on."""
        recipe = self.plan.recipe.model_dump()
        recipe['student'] |= ABLATIONS.get(cell.system, {})
        return made_of(
            [vars(cell), recipe, self.plan.condition_views],
            simulation=SIMULATION_VERSION,
            training=TRAINING_VERSION,
            measure=MEASURE_VERSION,
        )

    def _measure(self, cell: Cell) -> dict[str, Any]:
        train, validation = (
            self._train(cell),
            self._views('validation', self.plan.recipe.data.validation_views, cell),
        )
        test = self._views('test', self.plan.recipe.data.test_views, cell)
        measured: dict[str, Any] = {
            'cell': vars(cell),
            'panel': test.panel.tolist(),
            'action': test.action.tolist(),
        }
        if cell.system == REFERENCE:
            return measured | self._reference(cell, train, test)
        network = self._network(cell, train, validation)
        if isinstance(network, Teacher):
            measured['sensors'] = {}
            for name, (touch, gas) in SENSORS.items():
                answers = ask_teacher(network, test, touch=touch, gas=gas)
                measured['sensors'][name] = measure(answers, test)
                if name == 'healthy':
                    measured |= measured['sensors'][name]
                    measured['chosen'] = answers.probabilities.argmax(1).tolist()
            measured['unguarded'] = self._unguarded(network, test)
        else:
            answers = ask_student(network, test)
            measured |= measure(answers, test)
            measured['chosen'] = answers.probabilities.argmax(1).tolist()
            measured['readings'] = readings(answers, test, train)
            measured['lighting_probe'] = lighting_probe(network, validation, test)
        if cell.recovery == 1.0 and self.plan.condition_views:
            measured['conditions'] = self._conditions(cell, network)
        return measured

    def _reference(self, cell: Cell, train: Pairs, test: Pairs) -> dict[str, Any]:
        """Measure the article's student, trained for as many steps as ours, and how often its teacher is right."""
        data, student_recipe = self.plan.recipe.data, self.plan.recipe.student
        epochs = -(-student_recipe.steps * student_recipe.batch // cell.labels)
        recipe = ReferenceRecipe(
            nets='article', seed=cell.seed, data=data, epochs=epochs, batch=student_recipe.batch
        )
        networks = train_reference(recipe, train, report=self.workshop.run(cell.name).report)
        teacher, student = ask_reference(*networks, test)
        return measure(student, test) | {
            'chosen': student.probabilities.argmax(1).tolist(),
            'readings': readings(student, test, train),
            'teacher_accuracy': accuracy(teacher, test),
        }

    def _network(self, cell: Cell, train: Pairs, validation: Pairs) -> Teacher | Student:
        def made(recipe: StudentRecipe, teacher: Teacher | None) -> Student:
            return self.workshop.student(
                recipe, teacher, train, validation, seed=cell.seed, name=cell.name
            )

        recipe = self.plan.recipe
        if cell.system == 'student_no_kd':
            return made(recipe.student.model_copy(update={'distil': False}), None)
        teacher = self.workshop.teacher(
            recipe.teacher, train, validation, seed=cell.seed, name=f'teacher for {cell.name}'
        )
        if cell.system == 'teacher':
            return teacher
        return made(recipe.student.model_copy(update=ABLATIONS.get(cell.system, {})), teacher)

    def _train(self, cell: Cell) -> Pairs:
        """Return the cell's training pairs: every seed labels other panels, as far as there are enough."""
        data = self.plan.recipe.data
        pool = self._views('train', data.labelled_views + data.unlabelled_views, cell)
        first = cell.seed * cell.labels % len(pool)
        count = cell.labels + data.unlabelled_views
        if first == 0:
            return pool[:count].with_labels(cell.labels)
        return pool[(first + np.arange(count)) % len(pool)].with_labels(cell.labels)

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

    def _conditions(self, cell: Cell, network: Teacher | Student) -> dict[str, float]:
        found = {}
        for condition in CONDITIONS:
            pairs = self._views('test', self.plan.condition_views, cell, condition)
            answers = (
                ask_teacher(network, pairs)
                if isinstance(network, Teacher)
                else ask_student(network, pairs)
            )
            found[condition] = accuracy(answers, pairs)
        return found

    def _unguarded(self, teacher: Teacher, test: Pairs) -> dict[str, float]:
        """Return the accuracy of a teacher that believes a broken sensor: dead (all zero), or stuck at another place."""
        other = np.random.default_rng(0).permutation(len(test))
        broken = {
            'touch dead': replace(test, touch=np.zeros_like(test.touch)),
            'touch stuck': replace(test, touch=test.touch[other]),
            'gas dead': replace(test, gas=np.zeros_like(test.gas)),
            'gas stuck': replace(test, gas=test.gas[other]),
        }
        return {
            name: accuracy(ask_teacher(teacher, pairs), pairs) for name, pairs in broken.items()
        }
