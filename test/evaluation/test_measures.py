# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures, against closed forms and other people's implementations."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from crossmodal_kd_ros.contract import ACTIONS
from crossmodal_kd_ros.distillation.recipe import find_recipe, load_recipe
from crossmodal_kd_ros.evaluation.benchmark import ABLATIONS, TRIO, Cell, Plan, cells
from crossmodal_kd_ros.evaluation.measures import Answers, expected_calibration_error, measure, readings
from crossmodal_kd_ros.evaluation.record import read_record, write_record
from crossmodal_kd_ros.evaluation.results import markdown
from crossmodal_kd_ros.evaluation.summary import accuracy, confusions, interval, macro_f1, summarise

sys.path.append(str(Path(__file__).parent.parent / 'distillation'))
from made_up_pairs import make_pairs

PAIRS = make_pairs(60)


def perfect(pairs=PAIRS) -> Answers:
    return Answers(probabilities=np.eye(6, dtype=np.float32)[pairs.action], touch=pairs.touch, gas=pairs.gas,
                   surface=pairs.surface)


def test_a_perfect_answer_has_perfect_figures():
    measured = measure(perfect(), PAIRS)
    assert measured['accuracy'] == measured['macro_f1'] == measured['day_accuracy'] == measured['night_accuracy'] == 1.0
    assert measured['ece'] == 0.0
    assert measured['r2'] == {'surface_roughness': 1.0, 'crack_depth': 1.0, 'co2_uptake': 1.0}


def test_always_the_same_action_is_right_as_often_as_it_is_wanted_and_has_little_f1():
    same = Answers(probabilities=np.tile(np.eye(6)[2], (60, 1)))
    measured = measure(same, PAIRS)
    # Each action is wanted in a sixth: F1 of the one chosen is 2 (1/6) / (1/6 + 1), of the others 0.
    assert measured['accuracy'] == pytest.approx(1 / 6) and measured['macro_f1'] == pytest.approx(2 / 7 / 6)
    assert 'r2' not in measured


def test_calibration_error_is_the_gap_between_sure_and_right():
    probabilities = np.full((100, 6), 0.04)
    probabilities[:, 0] = 0.8
    action = np.array([0] * 60 + [1] * 40)
    assert expected_calibration_error(probabilities, action) == pytest.approx(0.2)
    action = np.array([0] * 80 + [1] * 20)
    assert expected_calibration_error(probabilities, action) == pytest.approx(0.0, abs=1e-9)


def test_readings_stand_beside_two_answers_that_know_nothing():
    for errors in readings(perfect(), PAIRS, PAIRS).values():
        assert errors['error'] == 0.0 < errors['train_mean'] < errors['shuffled']


def test_confusions_give_sklearns_scores():
    rng = np.random.default_rng(0)
    action, chosen, panel = rng.integers(6, size=300), rng.integers(6, size=300), np.arange(300) // 3
    table = confusions({'action': action, 'chosen': chosen, 'panel': panel})
    assert table.shape == (100, 6, 6) and table.sum() == 300
    assert accuracy(table.sum(0)) == pytest.approx((action == chosen).mean())
    assert macro_f1(table.sum(0)) == pytest.approx(f1_score(action, chosen, average='macro'))


def test_the_interval_is_that_of_a_share_where_every_panel_has_one_view():
    rng = np.random.default_rng(1)
    action = rng.integers(6, size=900)
    chosen = np.where(rng.random(900) < 0.8, action, (action + 1) % 6)
    low, high = interval([[confusions({'action': action, 'chosen': chosen, 'panel': np.arange(900)})]], accuracy)
    share = (action == chosen).mean()
    half = 1.96 * np.sqrt(share * (1 - share) / 900)
    assert (low, high) == pytest.approx((share - half, share + half), abs=0.003)


def test_a_network_compared_with_itself_gains_nothing():
    table = confusions({'action': PAIRS.action, 'chosen': PAIRS.action[::-1], 'panel': PAIRS.panel})
    assert interval([[table, table]], accuracy) == (0.0, 0.0)


def test_every_seed_of_the_trio_comes_before_any_ablation():
    todo = cells(Plan(recipe=load_recipe(find_recipe('quick')), labels=(500, 10000), seeds=(0, 1), ablation_seeds=(0,),
                      recoveries=(0.0,)))
    assert [cell.system for cell in todo[:3]] == list(TRIO) and {cell.labels for cell in todo[:3]} == {500}
    assert len(todo) == 12 + 1 + len(ABLATIONS) + 3 and len({cell.name for cell in todo}) == len(todo)


def test_a_record_of_cells_gives_them_back(tmp_path):
    found = [made_up_cell(Cell(system='student_kd', labels=500, seed=seed), 0.8) | {'panel': [0, 0, 1] * 100}
             for seed in (0, 1)]
    write_record(found, tmp_path)
    assert read_record(tmp_path) == json.loads(json.dumps(found)) and read_record(tmp_path / 'none') == []


def made_up_cell(cell: Cell, right: float) -> dict:
    rng = np.random.default_rng(cell.seed)
    action = rng.integers(len(ACTIONS), size=300)
    chosen = np.where(rng.random(300) < right, action, (action + 1) % 6)
    figures = {'accuracy': float((action == chosen).mean()), 'macro_f1': float(f1_score(action, chosen, average='macro')),
               'ece': 0.05, 'day_accuracy': right, 'night_accuracy': right}
    more = {'sensors': dict.fromkeys(('healthy', 'touch masked', 'gas masked', 'both masked'), figures),
            'unguarded': {f'{sense} {how}': 0.3 for sense in ('touch', 'gas') for how in ('dead', 'stuck')}}
    if cell.system != 'teacher':
        error = {'error': 0.5, 'train_mean': 1.0, 'shuffled': 1.4}
        more = {'r2': {'surface_roughness': 0.5, 'crack_depth': 0.8, 'co2_uptake': 0.6}, 'lighting_probe': 0.9,
                'readings': dict.fromkeys(('touch_map', 'surface_roughness', 'crack_depth', 'co2_uptake'), error)}
    return {'cell': vars(cell), **figures, **more, 'chosen': chosen.tolist(), 'action': action.tolist(),
            'panel': (np.arange(300) // 3).tolist(), 'conditions': {'day': right, 'night': right}}


def test_the_summary_holds_what_is_promised_and_the_gain_of_distillation():
    measured = {}
    for seed in (0, 1):
        for system, right in (('teacher', 0.95), ('student_kd', 0.8), ('student_no_kd', 0.6)):
            cell = Cell(system=system, labels=500, seed=seed)
            measured[cell] = made_up_cell(cell, right)
    table = summarise(measured)
    for system in TRIO:
        assert {'accuracy', 'macro_f1', 'day_accuracy', 'night_accuracy'} <= set(table[system]['500'])
        assert len(table[system]['500']['accuracy']['seeds']) == 2
    assert set(table['student_kd']['500']['r2']) == {'crack_depth', 'surface_roughness', 'co2_uptake'}
    low, high = table['gain']['500']['accuracy']['interval']
    assert 0.1 < low < table['gain']['500']['accuracy']['mean'] < high < 0.3
    ceilings = {'camera': 0.87, 'touch_gas': 0.95, 'camera_touch': 0.96, 'camera_gas': 0.97, 'all': 0.99, 'largest_class': 0.2}
    page = markdown({'statement': 'Simulated.', 'ceilings': ceilings, **table, 'photos': {}})
    assert '| 500 | student | 2 |' in page and "to the camera's ceiling" in page
