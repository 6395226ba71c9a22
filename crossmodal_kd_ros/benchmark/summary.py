# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From measured cells to one table: means over seeds, with intervals."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from crossmodal_kd_ros.benchmark.cells import CONTROLS, NO_TEACHER, SYSTEMS, Cell
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.profile import Profile

_RESAMPLES = 2000
_LEVEL = (2.5, 97.5)


def summarise(cells: dict[Cell, dict[str, Any]], profile: Profile) -> dict[str, Any]:
    """Put measured cells together by system and label count.

    Args:
        cells: what was measured of each.
        profile: of the simulated robot.

    Returns:
        For each of `SYSTEMS` and each label count: `accuracy`, `macro_f1` ({mean, interval,
        seeds}), `day_accuracy`, `night_accuracy`, `ece`, `conditions`; for students `r2`,
        `readings`, `medians` and `lighting_probe`, for the teacher `sensors` and `unguarded`.
        `gain`: by label count and control, what the student gains on it, same seeds and panels.
        `ablations` likewise, each with `against_recipe`: what it gains on the student as in the
        recipe, and one that is also trained without a teacher with `gain`. `recovery`: by how much
        shows, the accuracy of each of `SYSTEMS`, and the `gain` on each control. Only what was
        measured.
    """
    table: dict[str, Any] = {system: {} for system in SYSTEMS} | {
        'gain': {},
        'ablations': {},
        'recovery': {},
    }
    cells = {
        cell: measured | {'confusions': confusions(measured, len(profile.actions))}
        for cell, measured in cells.items()
    }
    plain = {cell: measured for cell, measured in cells.items() if cell.recovery == 1.0}
    for system in dict.fromkeys(cell.system for cell in plain):
        for labels in sorted({cell.labels for cell in plain if cell.system == system}):
            joined = _joined(
                [
                    measured
                    for cell, measured in plain.items()
                    if (cell.system, cell.labels) == (system, labels)
                ]
            )
            if system not in SYSTEMS and (pairs := _rivals(plain, system, 'student_kd', labels)):
                joined['against_recipe'] = _gain(pairs)
            if pairs := _rivals(plain, system, system + NO_TEACHER, labels):
                joined['gain'] = _gain(pairs)
            (table if system in SYSTEMS else table['ablations']).setdefault(system, {})[
                str(labels)
            ] = joined
    for labels in sorted({cell.labels for cell in plain}):
        gains = {
            control: _gain(pairs)
            for control in CONTROLS
            if (pairs := _rivals(plain, 'student_kd', control, labels))
        }
        if gains:
            table['gain'][str(labels)] = gains
    table['recovery'] = _curve(cells)
    return table


def _rivals(
    cells: dict[Cell, dict[str, Any]], system: str, rival: str, labels: int
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return what was measured of both systems, for each seed that they share."""
    return [
        (measured, cells[other])
        for cell, measured in cells.items()
        if (cell.system, cell.labels) == (system, labels)
        and (other := replace(cell, system=rival)) in cells
    ]


def _curve(cells: dict[Cell, dict[str, Any]]) -> dict[str, Any]:
    """Return the accuracy of each system, and the gain on each control, by how much shows.

    It is empty if all shows in every cell.
    """
    alike = {(cell.labels, cell.seed) for cell in cells if cell.recovery != 1.0}
    curve: dict[str, Any] = {}
    for recovery in sorted({cell.recovery for cell in cells} if alike else ()):
        here = {
            cell: measured
            for cell, measured in cells.items()
            if cell.recovery == recovery
            and (cell.labels, cell.seed) in alike
            and cell.system in SYSTEMS
        }
        curve[f'{recovery:g}'] = point = {
            cell.system: measured['accuracy'] for cell, measured in here.items()
        }
        point['gain'] = {}
        for control in CONTROLS:
            pairs = [
                pair
                for labels in {cell.labels for cell in here}
                for pair in _rivals(here, 'student_kd', control, labels)
            ]
            if pairs:
                point['gain'][control] = _gain(pairs)['accuracy']
    return curve


def _joined(seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over cells that differ in their seed, scores with their interval."""
    tables = [[measured['confusions']] for measured in seeds]
    joined: dict[str, Any] = {
        name: {
            'mean': float(np.mean([m[name] for m in seeds])),
            'interval': interval(tables, score),
            'seeds': [m[name] for m in seeds],
        }
        for name, score in _SCORES.items()
    }
    for name in (
        'day_accuracy',
        'night_accuracy',
        'ece',
        'lighting_probe',
        'teacher_accuracy',
        'conditions',
        'r2',
        'readings',
        'medians',
        'sensors',
        'unguarded',
    ):
        if name in seeds[0]:
            joined[name] = _mean_of([m[name] for m in seeds])
    return joined


def _gain(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    tables = [[m['confusions'] for m in pair] for pair in pairs]
    gains = {}
    for name, score in _SCORES.items():
        seeds = [with_kd[name] - without[name] for with_kd, without in pairs]
        gains[name] = {
            'mean': float(np.mean(seeds)),
            'interval': interval(tables, score),
            'seeds': seeds,
        }
    return gains


def confusions(measured: Mapping[str, Any], actions: int) -> np.ndarray:
    """Return how often each action was chosen where each was right, by test group.

    Returns:
        `int64[G, A, A]` (right, chosen).

    Args:
        measured: `group`, `action` (the right one) and `chosen`, of as many views each.
        actions: how many there are.
    """
    _, group = np.unique(measured['group'], return_inverse=True)
    table = np.zeros((group.max() + 1, actions, actions), np.int64)
    np.add.at(table, (group, np.array(measured['action']), np.array(measured['chosen'])), 1)
    return table


def confusions_of(probabilities: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Return `confusions` of what is likeliest by probabilities `float[N, A]` of N pairs."""
    chosen = probabilities.argmax(1)
    return confusions(
        {'group': pairs.group, 'action': pairs.action, 'chosen': chosen}, probabilities.shape[1]
    )


def accuracy(table: np.ndarray) -> np.ndarray:
    """Return the share on the diagonal, `float[...]`, of confusions `[..., C, C]`."""
    return np.trace(table, axis1=-2, axis2=-1) / table.sum((-2, -1))


def macro_f1(table: np.ndarray) -> np.ndarray:
    """Return the mean over classes of $2 tp / (2 tp + fp + fn)$ of confusions `[..., C, C]`."""
    both = table.sum(-1) + table.sum(-2)
    return (2 * np.diagonal(table, axis1=-2, axis2=-1) / np.maximum(both, 1)).mean(-1)


_SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'accuracy': accuracy,
    'macro_f1': macro_f1,
}


def interval(
    tables: list[list[np.ndarray]], score: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float]:
    """Return the 95 % interval of a mean score, or of a mean difference of two.

    A bootstrap over groups and seeds: views of one group are not independent, and neither are the
    views of one training.

    Args:
        tables: for each seed the `confusions` of one network, or of two that are compared, on the
            same groups.
        score: of a table.
    """
    rng = np.random.default_rng(0)
    groups = len(tables[0][0])
    # How often each group is drawn, in place of drawing it: one product for each table.
    drawn = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=_RESAMPLES)
    by_seed = []
    for networks in tables:
        scores = [score(np.tensordot(drawn, table, 1)) for table in networks]
        by_seed.append(scores[0] - scores[1] if len(scores) == 2 else scores[0])
    picked = rng.integers(len(tables), size=(_RESAMPLES, len(tables)))
    means = np.stack(by_seed, 1)[np.arange(_RESAMPLES)[:, None], picked].mean(1)
    low, high = np.percentile(means, _LEVEL)
    return float(low), float(high)


def _mean_of(values: list[Any]) -> Any:
    """Return the mean of numbers, or of each number in dictionaries of one shape.

    It is `None` where one of them is.
    """
    if isinstance(values[0], dict):
        return {name: _mean_of([value[name] for value in values]) for name in values[0]}
    return None if None in values else float(np.mean(values))
