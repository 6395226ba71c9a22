# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The summary over seeds, and its page: what is held against what."""

import pytest
from made_up_cells import PROFILE, made_up_cell, page_of, row_of

from crossmodal_kd_ros.benchmark.cells import ALIGNMENTS, CONTROLS, RECIPE, SYSTEMS, Cell
from crossmodal_kd_ros.benchmark.summary import summarise


def test_a_change_is_held_against_the_same_seeds_of_the_recipe():
    found = [
        Cell(system=system, labels=500, seed=seed)
        for system, seeds in (
            ('student_kd', (0, 1, 2)),
            ('no feature matching', (0, 1)),
            ('product fidelity', (0, 1)),
            ('encoder of ImageNet', (0, 1)),
            ('encoder of ImageNet, no teacher', (0, 1)),
        )
        for seed in seeds
    ]
    # Of the recipe's seeds the third is bad: no seed of a change is compared with it.
    right = {
        'student_kd': (0.8, 0.8, 0.1),
        'no feature matching': (0.6, 0.6),
        'product fidelity': (0.8, 0.8),
        'encoder of ImageNet': (0.9, 0.9),
        'encoder of ImageNet, no teacher': (0.7, 0.7),
    }
    table = summarise(
        {cell: made_up_cell(cell, right[cell.system][cell.seed]) for cell in found}, PROFILE
    )

    gained = table['ablations']['no feature matching']['500']['against_recipe']['accuracy']
    assert (
        len(gained['seeds']) == 2
        and gained['mean'] == pytest.approx(-0.2, abs=0.03)
        and gained['interval'][1] < 0.0
    )
    brought = table['ablations']['encoder of ImageNet']['500']['gain']['accuracy']
    assert brought['mean'] == pytest.approx(0.2, abs=0.03) and brought['interval'][0] > 0.0
    assert 'gain' not in table['ablations']['no feature matching']['500']
    page = page_of(table, alignment_ms={'cosine': 0.1, 'product': 0.3, 'circuit': 99.0})
    assert row_of(page, RECIPE)[4] == '' and row_of(page, 'no feature matching')[4].startswith('-')
    assert 'The encoder of ImageNet: the teacher brings' in page
    # The same draw of luck: the very answers of the recipe, which gain nothing.
    assert row_of(page, ALIGNMENTS['product'][1])[3:] == ['0.0 points [0.0, 0.0]', '0.30']
    assert 'quantum alignment brings nothing' in page and 'takes 99 ms a batch' in page


def test_the_curve_ends_with_those_that_see_all():
    measured = {
        cell: made_up_cell(cell, right)
        for recovery, rights in ((0.0, (0.9, 0.2, 0.2, 0.2)), (1.0, (0.95, 0.6, 0.7, 0.8)))
        for system, right in zip(SYSTEMS, rights, strict=True)
        for seed in (0, 1)[: 1 + (recovery == 1.0)]
        for cell in [Cell(system=system, labels=500, seed=seed, recovery=recovery)]
    }
    table = summarise(measured, PROFILE)
    assert set(table['recovery']) == {'0', '1'} and set(table['recovery']['1']) == {
        *SYSTEMS,
        'gain',
    }
    assert {
        control: len(gain['seeds']) for control, gain in table['recovery']['1']['gain'].items()
    } == dict.fromkeys(CONTROLS, 1)
    page = page_of(table)
    assert [row_of(page, shows)[1] for shows in '01'] == ['25.0 %', '87.0 %']
    assert row_of(page, '0')[6:] == ['0.0 points [0.0, 0.0]'] * 2


def test_the_summary_holds_what_is_promised_and_the_gain_of_distillation():
    measured = {}
    for seed in (0, 1):
        for system, right in (
            ('teacher', 0.95),
            ('student_kd', 0.8),
            ('student_self_training', 0.7),
            ('student_no_kd', 0.6),
        ):
            cell = Cell(system=system, labels=500, seed=seed)
            measured[cell] = made_up_cell(cell, right)
    table = summarise(measured, PROFILE)
    for system in SYSTEMS:
        assert {'accuracy', 'macro_f1', 'day_accuracy', 'night_accuracy'} <= set(
            table[system]['500']
        )
        assert len(table[system]['500']['accuracy']['seeds']) == 2
    assert set(table['student_kd']['500']['r2']) == {
        'crack_depth',
        'surface_roughness',
        'co2_uptake',
        'crack_width',
    }
    # Gained on the control that has the same pictures: less than on the one that has not.
    for control, gained in (('student_no_kd', 0.2), ('student_self_training', 0.1)):
        gain = table['gain']['500'][control]['accuracy']
        low, high = gain['interval']
        assert low < gain['mean'] < high and gain['mean'] == pytest.approx(gained, abs=0.05)
        assert gain['seeds'] == pytest.approx(
            [
                table['student_kd']['500']['accuracy']['seeds'][seed]
                - table[control]['500']['accuracy']['seeds'][seed]
                for seed in (0, 1)
            ]
        )
    page = page_of(table)
    assert '| 500 | student | 2 |' in page
    for name in ('student without distillation', 'student by self-training'):
        [line] = [
            line
            for line in page.splitlines()
            if line.startswith(f'| 500 | {name} | 2 | ') and 'points' in line
        ]
        assert line.endswith(' % |')
