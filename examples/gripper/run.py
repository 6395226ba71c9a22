# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From recordings of a real arm to a replay in which its touch dies, by the commands of a user.

    python examples/gripper/run.py CLONE --out out/gripper/road

Bags of 11 labelled objects, and of the first 15 grasps of five that nobody labelled, become a data
set; a teacher, a student and their calibration are made of it; the last 15 grasps of each of the
five are replayed, and half way the sense of the arm dies.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from grasp_bags import FIRST_PICTURE_S, START_S, Stretch, write_bag
from grasp_page import write_road
from grasp_pairs import (
    PROFILE,
    PROPERTIES,
    action_of,
    decide_properties,
    grasp_profile,
    properties_of,
)
from grasp_recordings import Grasp, find_grasps

from crossmodal_kd_ros.bags.reader import read_messages
from crossmodal_kd_ros.files import write_json, write_text

# What the teacher leaves out, temperature and weights of the student are those of `experiment.py`.
_RECIPE = """seed: 0
data: {labelled_views: 10, unlabelled_views: 0}  # of a simulator; this data set has its own
teacher: {steps: 300, learning_rate: 1.0e-3, validate_every: 300, sense_dropout: 0.0,
  image_head_weight: 0.0, senses_head_weight: 0.0, reconstruction_weight: 0.0,
  unlabelled_weight: 0.0}
student: {steps: 600, batch: 48, validate_every: 100, alpha_ramp: 0.3, temperature: 1.0,
  reading_weights: 0.03, quantities_weight: 0.1}
"""
_SCORES = '/maintenance/action_scores'


def crossmodal_kd(*arguments: object) -> None:
    """Run a command as a user does, and say which."""
    words = [str(argument) for argument in arguments]
    print('$ crossmodal-kd', *words, flush=True)
    subprocess.run([sys.executable, '-m', 'crossmodal_kd_ros.cli.main', *words], check=True)


def write_labels(path: Path, bags: dict[str, list[Stretch]], unlabelled: set[str]) -> None:
    """Write when which action is right; none in the bags named `unlabelled`."""
    with path.open('w', newline='', encoding='utf-8') as file:
        table = csv.writer(file)
        table.writerow(('bag', 'start_s', 'end_s', 'action', 'panel'))
        for bag, stretches in bags.items():
            for start_s, end_s, grasp in stretches:
                action = '' if bag in unlabelled else action_of(grasp)
                row = (bag, f'{start_s:.3f}', f'{end_s - 0.002:.3f}', action, grasp.name)
                table.writerow(row)


def judge(replay: Path, stretches: Sequence[Stretch], dead_from_s: float) -> dict[str, Any]:
    """Return how often a replay was right before and after the sense died, and in which modes.

    Its seconds count from the first picture, the first reading that there is.
    """
    profile = grasp_profile()
    classes = properties_of(profile)
    modes = json.loads((replay / 'summary.json').read_text('utf-8'))['replays'][0]['modes']
    halves: dict[str, dict[str, list[Any]]] = {
        half: {name: [] for name in ('mode', *PROPERTIES)} for half in ('alive', 'dead')
    }
    for message in read_messages(replay / 'bag', topics=(_SCORES,)):
        stamp = message.message.header.stamp
        in_bag_s = stamp.sec - START_S + stamp.nanosec / 1e9
        t_s = in_bag_s - FIRST_PICTURE_S
        grasp = next(each.grasp for each in stretches if each.start_s <= in_bag_s < each.end_s)
        truth = profile.actions.index(action_of(grasp))
        answer = decide_properties(profile, np.array(message.message.position)[None])
        half = halves['alive' if t_s < dead_from_s else 'dead']
        # Modes are written to the millisecond.
        half['mode'].append([each['mode'] for each in modes if each['start_s'] < t_s + 1e-3][-1])
        for name in PROPERTIES:
            half[name].append(bool(answer[name][0] == classes[name][truth]))
    return {
        'accuracy': {
            half: {name: float(np.mean(each[name])) for name in PROPERTIES}
            for half, each in halves.items()
        },
        'pictures': {half: Counter(each['mode']) for half, each in halves.items()},
        'modes': modes,
    }


def main() -> None:
    """Go the whole road."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('clone', type=Path, help='clone of the recordings')
    parser.add_argument('--out', type=Path, default=Path('out/gripper/road'))
    parser.add_argument('--grasps', type=int, default=30, help='of each labelled object')
    parser.add_argument('--docs', type=Path, help='folder for gripper_road.json and real_data.md')
    arguments = parser.parse_args()
    out, start_s = arguments.out, time.monotonic()
    grasps = find_grasps(arguments.clone)
    by_object: dict[str, list[Grasp]] = {}
    for grasp in grasps:
        by_object.setdefault(grasp.object_name, []).append(grasp)

    print('grasps to bags', flush=True)
    bags = out / 'bags'
    shutil.rmtree(bags, ignore_errors=True)
    bags.mkdir(parents=True)
    learnt, replayed, unlabelled = {}, {}, set()
    for name, mine in by_object.items():
        if mine[0].split == 'ood_test':
            learnt[f'{name}_first'] = write_bag(bags / f'{name}_first', mine[:15])
            replayed[f'{name}_last'] = write_bag(bags / f'{name}_last', mine[-15:])
            unlabelled.add(f'{name}_first')
        else:
            rows = np.linspace(0, len(mine) - 1, min(arguments.grasps, len(mine))).astype(int)
            learnt[name] = write_bag(bags / name, [mine[row] for row in rows])
    write_labels(out / 'labels.csv', learnt, unlabelled)
    write_text(out / 'recipe.yaml', _RECIPE)

    data, models = out / 'set', out / 'models'
    crossmodal_kd(
        'dataset', 'from-bags', *(bags / name for name in learnt), '--profile', PROFILE,
        '--labels', out / 'labels.csv', '--out', data,
    )  # fmt: skip
    crossmodal_kd(
        'train', '--data', data, '--recipe', out / 'recipe.yaml', '--cache', out / 'cache',
        '--out', models, '--device', 'cpu',
    )  # fmt: skip
    crossmodal_kd('calibrate', '--data', data, '--models', models)
    figures = {}
    for name, stretches in replayed.items():
        half_s = round(stretches[-1].end_s / 2, 1)
        replay = out / 'replays' / name
        crossmodal_kd(
            'replay', bags / name, '--profile', PROFILE, '--model', models, '--out', replay,
            '--inject', f'grasp@{half_s}',
        )  # fmt: skip
        figures[name] = {'dead_from_s': half_s, **judge(replay, stretches, half_s)}
    means = {
        half: {
            key: float(np.mean([each['accuracy'][half][key] for each in figures.values()]))
            for key in PROPERTIES
        }
        for half in ('alive', 'dead')
    }
    minutes = round((time.monotonic() - start_s) / 60, 1)
    road = {'accuracy': means, 'minutes': minutes, 'replays': figures}
    write_json(out / 'road.json', road)
    print(json.dumps(means, indent=2))
    print(f'figures: {out / "road.json"}')
    if arguments.docs is not None:
        write_road(arguments.docs, road)


if __name__ == '__main__':
    main()
