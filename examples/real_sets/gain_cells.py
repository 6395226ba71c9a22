# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Hold what `crossmodal-kd gain` predicts against what training measured, cell by cell.

    python examples/real_sets/gain_cells.py --visuotactile CLONE --textures CLONE --gripper CLONE \
        --gripper-out out/gripper/experiment --wall --docs docs

Needs what `sets_experiment.py` and `examples/gripper/experiment.py` left in their `--out`. Each
prediction is kept in `--out`, so that a run that was ended goes on. Sets that are not named keep
their rows in `--docs`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import textures
import visuotactile
from gain_page import write_gains
from real_set import RealSet
from sets_experiment import split_fold
from sets_page import figure

from crossmodal_kd_ros.benchmark.evaluate import make_plan
from crossmodal_kd_ros.benchmark.gain import predict_gain
from crossmodal_kd_ros.datasets import NO_LABEL, Pairs, load_simulated
from crossmodal_kd_ros.files import write_json
from crossmodal_kd_ros.profile import Profile

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / 'examples' / 'gripper'))

_READERS = {'visuotactile': visuotactile.read, 'textures': textures.read}
_ALONE = 'student_no_kd'  # the control that has labels alone

# What may be learnt from, its profile, what it is named in `--out`, and what was measured there
# on new places and on felt ones: name of the cell, and accuracies gained.
Case = tuple[str, Callable[[], tuple[Pairs, Profile]], dict[str, tuple[str, dict[str, Any]]]]


def cases_of_set(data: RealSet, out: Path) -> Iterator[Case]:
    """Give the cells of each fold of a set: with all labels, and with few."""
    for fold in range(data.fold.max() + 1):
        files = sorted((out / data.name).glob(f'*-{fold}.json'))
        if not files:
            continue
        seeds = [json.loads(file.read_text(encoding='utf-8')) for file in files]
        cells, _ = split_fold(data, fold)

        def gained(cell: str) -> dict[str, Any]:
            taught, alone = f'taught, {cell}', f'labels alone, {cell}'
            return figure(
                [
                    np.mean([each[taught][name] - each[alone][name] for each in seeds])
                    for name in seeds[0][taught]
                ]
            )

        for labels in ('all labels', 'few labels'):
            measured = {'new': (labels, gained(labels))}
            if labels == 'all labels':
                measured['felt'] = ('met', gained('met'))
            cell = cells[labels]

            def learnt(cell=cell) -> tuple[Pairs, Profile]:
                action = data.pairs.action.copy()
                action[cell.felt] = NO_LABEL
                rows = np.concatenate([cell.labelled, cell.felt])
                return replace(data.pairs, action=action)[rows], data.profile

            yield f'{data.name}, fold {fold}, {labels}', learnt, measured


def cases_of_gripper(clone: Path, out: Path) -> Iterator[Case]:
    """Give two cells, mass and stiffness, of each object of the gripper, unseen once.

    There is no interval over one object.
    """
    import experiment
    from grasp_pairs import PROPERTIES, grasp_profile, properties_of

    profile = grasp_profile()
    data = experiment.read(clone, profile)
    names = np.array([grasp.object_name for grasp in data.grasps])
    split = np.array([grasp.split for grasp in data.grasps])
    novel = set(names[split == 'ood_test'])
    group = np.unique(names, return_inverse=True)[1]
    for name in sorted(set(names)):
        files = sorted(out.glob(f'*-{name}.json'))
        if not files:
            continue
        seeds = [json.loads(file.read_text(encoding='utf-8')) for file in files]
        known = np.flatnonzero(~np.isin(names, list(novel | {name})) & (split == 'train'))
        for key in PROPERTIES:
            gains = [each['taught, replay'][key] - each['before'][key] for each in seeds]

            def learnt(known=known, key=key) -> tuple[Pairs, Profile]:
                action = properties_of(profile)[key][data.seen.action]
                return replace(data.seen, action=action, group=group)[known], profile

            gained = {'mean': round(float(np.mean(gains)), 4), 'interval': None}
            measured = {'felt': (f'{name}, {key}', gained)}
            # The five of `ood_test` are unseen to one base: one prediction serves them.
            base = 'ood_test' if name in novel else name
            yield f'gripper, {base}, {key}', learnt, measured


def cases_of_wall(cache: Path, results: Path) -> Iterator[Case]:
    """Give the simulated wall at each label count, and at each part of it that shows.

    Of what the benchmark learnt from it is the first seed's.
    """
    plan, measured = make_plan(quick=False), json.loads(results.read_text(encoding='utf-8'))
    data, profile = plan.recipe.data, plan.profile
    cells = [
        (1.0, int(labels), gain[_ALONE]['accuracy'])
        for labels, gain in measured['gain'].items()
        if _ALONE in gain
    ]
    cells += [
        (float(recovery), plan.ablation_labels, point['gain'][_ALONE])
        for recovery, point in measured['recovery'].items()
        if recovery != '1' and _ALONE in point['gain']
    ]
    for recovery, labels, gained in cells:

        def learnt(recovery=recovery, labels=labels) -> tuple[Pairs, Profile]:
            pool = load_simulated(
                'train',
                data.labelled_views + data.unlabelled_views,
                seed=data.seed,
                cache_dir=cache,
                vision_recovery=recovery,
            )
            return pool[: labels + data.unlabelled_views].with_labels(labels, profile), profile

        shows = '' if recovery == 1.0 else f', {recovery:g} of it shows'
        kept = {'mean': gained['mean'], 'interval': gained['interval']}
        yield f'wall, {labels} labels{shows}', learnt, {'new': (f'{labels} labels{shows}', kept)}


def predict(name: str, learnt: Callable[[], tuple[Pairs, Profile]], out: Path) -> dict[str, Any]:
    """Return a prediction, made once and kept in `out`."""
    file = out / 'gain' / f'{name}.json'
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, asdict(predict_gain(*learnt())))
    return json.loads(file.read_text(encoding='utf-8'))


def _others(docs: Path, measured: set[str]) -> list[dict[str, Any]]:
    """Return the rows of `gain.json` of sets other than those `measured` now."""
    file = docs / 'gain.json'
    if not file.exists():
        return []
    cells = json.loads(file.read_text(encoding='utf-8'))['cells']
    return [row for row in cells if row['set'] not in measured]


def main() -> None:
    """Predict what is missing, and write the figures and the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in (*_READERS, 'gripper'):
        parser.add_argument(f'--{name}', type=Path, help='clone of the set')
    parser.add_argument('--gripper-out', type=Path, default=Path('out/gripper/experiment'))
    parser.add_argument('--wall', action='store_true', help='the simulated wall too')
    parser.add_argument('--cache', type=Path, default=Path('out/cache'))
    parser.add_argument('--out', type=Path, default=Path('out/real_sets'))
    parser.add_argument('--docs', type=Path, help='folder for gain.json and real_data.md')
    arguments = parser.parse_args()
    cases: list[Case] = []
    for name, read in _READERS.items():
        if getattr(arguments, name) is not None:
            cases += cases_of_set(read(getattr(arguments, name)), arguments.out)
    if arguments.wall:
        cases += cases_of_wall(arguments.cache, ROOT / 'docs' / 'results.json')
    if arguments.gripper is not None:
        cases += cases_of_gripper(arguments.gripper, arguments.gripper_out)
    rows: list[dict[str, Any]] = []
    for name, learnt, measured in cases:
        prediction = predict(name, learnt, arguments.out)
        for place, (cell, gained) in measured.items():
            source = name.split(', ')[0]
            label = f'{name.rsplit(", ", 1)[0]}, {cell}' if 'fold' in name else f'{source}, {cell}'
            rows.append(
                {'cell': label, 'set': source, 'predicted': prediction[place], 'measured': gained}
            )
            print(label, prediction[place]['gain'], gained, flush=True)
    if arguments.docs is not None:
        write_gains(arguments.docs, _others(arguments.docs, {row['set'] for row in rows}) + rows)


if __name__ == '__main__':
    main()
