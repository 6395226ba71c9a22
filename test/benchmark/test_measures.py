# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures, against closed forms and other people's implementations."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_cells import made_up_cell, page_of, row_of
from sklearn.metrics import f1_score

from crossmodal_kd_ros.benchmark.alignment_costs import alignment_costs
from crossmodal_kd_ros.benchmark.card import figures_table
from crossmodal_kd_ros.benchmark.cells import SYSTEMS, Cell, Plan, ablations, cells
from crossmodal_kd_ros.benchmark.light import by_light
from crossmodal_kd_ros.benchmark.measures import (
    Answers,
    ask_student,
    ask_teacher,
    expected_calibration_error,
    masks,
    measure,
    median_errors,
    reading_errors,
    scalars,
)
from crossmodal_kd_ros.benchmark.record import keep, made_of, read_record, write_record
from crossmodal_kd_ros.benchmark.sensor_failures import sensor_failures
from crossmodal_kd_ros.benchmark.summary import accuracy, confusions, interval, macro_f1, summarise
from crossmodal_kd_ros.calibration.model import load_calibration
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import Student, Teacher, load_student, load_teacher
from crossmodal_kd_ros.profile import load_profile, measure_quantities
from crossmodal_kd_ros.training.recipe import find_recipe, load_recipe

sys.path.append(str(Path(__file__).parent.parent / 'training'))
from made_up_pairs import make_pairs

PROFILE, AIR = load_profile('living_wall'), load_profile('air')
PAIRS = make_pairs(60)
MODELS = Path(__file__).parents[2] / 'models'


def perfect(pairs=PAIRS) -> Answers:
    return Answers(
        probabilities=np.eye(6, dtype=np.float32)[pairs.action],
        readings=pairs.readings,
        quantities=pairs.quantities,
    )


def test_a_perfect_answer_has_perfect_figures():
    measured = measure(perfect(), PAIRS, PROFILE)
    assert (
        measured['accuracy']
        == measured['macro_f1']
        == measured['day_accuracy']
        == measured['night_accuracy']
        == 1.0
    )
    assert measured['ece'] == 0.0
    assert measured['r2'] == {
        'surface_roughness': 1.0,
        'crack_depth': 1.0,
        'co2_uptake': 1.0,
        'crack_width': 1.0,
    }


def test_always_the_same_action_is_right_as_often_as_it_is_wanted_and_has_little_f1():
    same = Answers(probabilities=np.tile(np.eye(6)[2], (60, 1)))
    measured = measure(same, PAIRS, PROFILE)
    # Each action is wanted in a sixth: F1 of the one chosen is 2 (1/6) / (1/6 + 1), of the others
    # 0.
    assert measured['accuracy'] == pytest.approx(1 / 6) and measured['macro_f1'] == pytest.approx(
        2 / 7 / 6
    )
    assert 'r2' not in measured


def test_calibration_error_is_the_gap_between_sure_and_right():
    probabilities = np.full((100, 6), 0.04)
    probabilities[:, 0] = 0.8
    action = np.array([0] * 60 + [1] * 40)
    assert expected_calibration_error(probabilities, action) == pytest.approx(0.2)
    action = np.array([0] * 80 + [1] * 20)
    assert expected_calibration_error(probabilities, action) == pytest.approx(0.0, abs=1e-9)


def test_readings_stand_beside_two_answers_that_know_nothing():
    for errors in reading_errors(perfect(), PAIRS, PAIRS, PROFILE).values():
        assert errors['error'] == 0.0 < errors['train_mean'] < errors['shuffled']


def test_a_width_is_judged_by_the_median_where_there_is_a_crack():
    pairs = replace(PAIRS, quantities=PAIRS.quantities.copy())
    # Three cracks are 1 mm wide, of one nobody knows the width, elsewhere there is none.
    width = np.zeros(len(pairs), np.float32)
    width[:4] = [1.0, 1.0, 1.0, np.nan]
    pairs.quantities[:, 3] = width
    answers = replace(perfect(), quantities=pairs.quantities.copy())
    answers.quantities[:, 3] = 5.0
    answers.quantities[:3, 3] = [1.05, 0.9, 3.0]
    train = replace(PAIRS, quantities=PAIRS.quantities.copy())
    train.quantities[:, 3] = 0.0
    train.quantities[:3, 3] = [0.5, 0.7, 9.0]

    errors = median_errors(answers, pairs, train, PROFILE)

    # What is said where no crack is does not count, and one wild answer does not either.
    assert list(errors) == ['crack_width'], 'the rest is measured'
    assert errors['crack_width'] == pytest.approx({'error': 0.1, 'train_median': 0.3}, rel=1e-5)
    nothing = replace(pairs, quantities=np.zeros_like(pairs.quantities))
    assert median_errors(answers, nothing, train, PROFILE)['crack_width'] == {
        'error': None,
        'train_median': None,
    }


@pytest.mark.parametrize('known', [0, 1, 20])
def test_what_only_the_picture_shows_is_judged_where_labels_know_it(known):
    pairs = replace(PAIRS, quantities=PAIRS.quantities.copy())
    pairs.quantities[known:, 3] = np.nan
    answers = replace(perfect(), quantities=PAIRS.quantities + 0.5)
    r2 = measure(answers, pairs, PROFILE)['r2']
    errors = reading_errors(answers, pairs, pairs, PROFILE)['crack_width']

    assert r2['crack_depth'] < 1.0
    if known == 20:
        truth = PAIRS.quantities[:20, 3].astype(float)
        assert r2['crack_width'] == pytest.approx(1.0 - 0.25 / truth.var(), rel=1e-4)
    else:
        assert r2['crack_width'] is None
    assert errors['error'] == (pytest.approx(0.5, rel=1e-5) if known else None)
    assert (errors['shuffled'] is None) == (errors['train_mean'] is None) == (known == 0)


def test_an_answer_that_does_not_say_what_the_picture_shows_has_no_figure_of_it():
    answers = replace(perfect(), quantities=measure_quantities(PROFILE, PAIRS.readings))
    measured = measure(answers, PAIRS, PROFILE)

    assert measured['r2']['crack_width'] is None
    assert figures_table({'the article': measured}).splitlines()[-1].endswith('|  |')


def test_what_is_read_follows_from_the_profile():
    assert [(scalar.name, scalar.unit) for scalar in scalars(PROFILE)] == [
        ('surface_roughness', 'um'),
        ('crack_depth', 'mm'),
        ('co2_uptake', 'ppm'),  # in place of a ratio its numerator
        ('crack_width', 'mm'),
    ]
    assert list(reading_errors(perfect(), PAIRS, PAIRS, PROFILE))[0] == 'touch_map'
    assert [scalar.name for scalar in scalars(AIR)] == ['co2']


def test_a_teacher_is_measured_without_each_sense_and_without_all():
    assert masks(PROFILE) == {
        'healthy': (),
        'touch masked': ('touch',),
        'gas masked': ('gas',),
        'both masked': ('touch', 'gas'),
    }
    assert masks(AIR) == {'healthy': (), 'air masked': ('air',)}


def test_the_stages_of_a_student_are_the_articles():
    assert ablations(PROFILE)['stages'] == {'start_at': {'touch': 0.66, 'gas': 0.33}}


def test_confusions_give_sklearns_scores():
    rng = np.random.default_rng(0)
    action, chosen, group = (
        rng.integers(6, size=300),
        rng.integers(6, size=300),
        np.arange(300) // 3,
    )
    table = confusions({'action': action, 'chosen': chosen, 'group': group}, 6)
    assert table.shape == (100, 6, 6) and table.sum() == 300
    assert accuracy(table.sum(0)) == pytest.approx((action == chosen).mean())
    assert macro_f1(table.sum(0)) == pytest.approx(f1_score(action, chosen, average='macro'))


def test_the_interval_is_that_of_a_share_where_every_panel_has_one_view():
    rng = np.random.default_rng(1)
    action = rng.integers(6, size=900)
    chosen = np.where(rng.random(900) < 0.8, action, (action + 1) % 6)
    low, high = interval(
        [[confusions({'action': action, 'chosen': chosen, 'group': np.arange(900)}, 6)]], accuracy
    )
    share = (action == chosen).mean()
    half = 1.96 * np.sqrt(share * (1 - share) / 900)
    assert (low, high) == pytest.approx((share - half, share + half), abs=0.003)


def test_a_network_compared_with_itself_gains_nothing():
    table = confusions(
        {'action': PAIRS.action, 'chosen': PAIRS.action[::-1], 'group': PAIRS.group}, 6
    )
    assert interval([[table, table]], accuracy) == (0.0, 0.0)


def test_every_seed_of_teacher_and_students_comes_before_any_ablation():
    todo = cells(
        Plan(
            recipe=load_recipe(find_recipe('quick')),
            labels=(500, 10000),
            seeds=(0, 1),
            ablation_seeds=(0,),
            recoveries=(0.0,),
        )
    )
    assert [cell.system for cell in todo[:4]] == list(SYSTEMS) and {
        cell.labels for cell in todo[:4]
    } == {500}
    assert len(todo) == 16 + 1 + len(ablations(PROFILE)) + 4 and len(
        {cell.name for cell in todo}
    ) == len(todo)


def test_a_record_of_cells_gives_them_back(tmp_path):
    found = [
        made_up_cell(Cell(system='student_kd', labels=500, seed=seed), 0.8)
        | {'group': [0, 0, 1] * 100}
        for seed in (0, 1)
    ]
    write_record(found, tmp_path)
    assert (
        read_record(tmp_path) == json.loads(json.dumps(found))
        and read_record(tmp_path / 'none') == []
    )


def test_the_light_is_judged_by_the_same_places():
    torch.manual_seed(0)
    teacher, student = Teacher(PROFILE).eval(), Student(PROFILE).eval()
    dark = replace(PAIRS, image=PAIRS.image // 4)
    found = by_light(teacher, student, PAIRS, dark)

    assert (found['views'], found['panels']) == (60, len(np.unique(PAIRS.group)))
    for name, network, ask in (
        ('teacher', teacher, ask_teacher),
        ('student', student, ask_student),
    ):
        rights = [
            ask(network, pairs).probabilities.argmax(1) == pairs.action for pairs in (PAIRS, dark)
        ]
        assert [found[name]['day'], found[name]['night']] == pytest.approx(
            [right.mean() for right in rights]
        )
        assert found[name]['less_by_night']['mean'] == pytest.approx(
            rights[0].mean() - rights[1].mean()
        )
    with pytest.raises(ValueError, match='the same views by day and by night'):
        by_light(teacher, student, PAIRS, PAIRS[np.arange(60)[::-1]])


def test_the_package_is_held_against_a_teacher_that_believes_a_broken_sense():
    found = sensor_failures(MODELS, load_calibration(MODELS, PROFILE), PAIRS)
    teacher, student = (
        load_teacher(MODELS / 'teacher.safetensors', PROFILE),
        load_student(MODELS / 'student.safetensors', PROFILE),
    )

    def right(answers: Answers) -> float:
        return float((answers.probabilities.argmax(1) == PAIRS.action).mean())

    def shown(readings: dict) -> Pairs:
        return replace(PAIRS, readings={**PAIRS.readings, **readings})

    dead = {sense: np.zeros_like(values) for sense, values in PAIRS.readings.items()}
    for name, lost in (
        ('touch dead', ['touch']),
        ('gas dead', ['gas']),
        ('touch and gas dead', ['touch', 'gas']),
    ):
        assert found[name]['lost'] == lost
        assert found[name]['unguarded'] == pytest.approx(
            right(ask_teacher(teacher, shown({sense: dead[sense] for sense in lost})))
        )
    assert found['touch and gas dead']['guarded'] == pytest.approx(
        right(ask_student(student, PAIRS))
    )
    # Once it has noticed, the package does not ask what the broken sensor says.
    assert (
        len(
            {found[f'touch {how}']['guarded'] for how in ('dead', 'stuck at another place', 'wet')}
        )
        == 1
    )
    for m in found.values():
        assert m['better']['mean'] == pytest.approx(m['guarded'] - m['unguarded'])
    page = page_of(summarise({}, PROFILE), broken=found)
    assert row_of(page, 'touch dead')[3:] == [
        found['touch dead']['mode'],
        row_of(page, 'touch dead')[4],
        '97.0 %',
    ]
    assert (
        row_of(page, 'gas dead')[5] == '96.0 %'
        and row_of(page, 'touch and gas dead')[5] == '87.0 %'
    )


def test_an_alignment_costs_time_and_the_articles_circuit_far_more():
    costs = alignment_costs(batch=8, features=16, qubits=3)
    assert set(costs) - {'circuit'} == {'cosine', 'product'} and min(costs.values()) > 0.0
    if 'circuit' in costs:
        assert costs['circuit'] > 5 * costs['product']


def test_what_was_measured_is_measured_again_only_of_something_else(tmp_path):
    asked = []

    def measure() -> dict:
        asked.append(1)
        return {'camera': 0.1 * len(asked)}

    for key in (
        made_of([1, 2], measure=1),
        made_of([1, 2], measure=1),
        made_of([1, 3], measure=1),
        made_of([1, 3], measure=2),
    ):
        keep(tmp_path / 'new/ceilings.json', key, measure)
    assert len(asked) == 3 and json.loads((tmp_path / 'new/ceilings.json').read_text())[
        'camera'
    ] == pytest.approx(0.3)
