# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the benchmark makes of its rounds: figures, ratios, aims, agreement and pages."""

import json

import numpy as np
import pytest
from measure import Column, Figure, Part, Result, Table, number, ratio
from page import write_markdown, write_report
from parts.engines import agreement


def summary(**changes) -> dict:
    """Return a summary of one part, as it comes back from summary.json."""
    columns = (Column(key='p50_ms', title='p50', unit='ms'), Column(key='mode', title='mode'))
    rows = [('node', {'p50_ms': Figure.of([4.0, 5.0, 9.0]), 'mode': 'TEACHER', 'x': 1.0})]
    part = Part(
        title='The node',
        text=['What is measured: `this`.'],
        results=[
            Result(name='p50 over both', figure=Figure.of([1.2, 1.3]), at_most=1.25),
            Result(name='pad <messages>', figure=None, unit='%', at_least=99.0),
        ],
        tables=[
            Table(title='dots', first='who', columns=columns, rows=rows, plot=('p50_ms',)),
            Table(title='lines', first='x', columns=columns, rows=rows, plot=('p50_ms',), x='x'),
        ],
    ).as_json()
    part |= {'commit': 'abc', 'took_s': 3.0, 'load_before': 0.1}
    whole = {
        'quick': False,
        'command': 'python test/bench/bench.py',
        'made': '1 May 2026',
        'commit': 'abc',
        'machine': {'processor': 'P', 'cores': 2, 'memory_gib': 8, 'system': 'Linux'},
        'versions': {'numpy': '2'},
        'parts': {'node': part},
    }
    return json.loads(json.dumps(whole | changes))


def test_a_ratio_is_taken_within_each_round():
    figure = ratio([2.0, 8.0, 30.0], [1.0, 2.0, 10.0])

    assert figure == Figure(median=3.0, low=2.0, high=4.0, values=(2.0, 4.0, 3.0))


def test_a_round_that_lacks_a_figure_is_left_out():
    assert ratio([2.0, None, 4.0], [1.0, 1.0, None]) == Figure.of([2.0])
    assert ratio([None], [1.0]) is None


@pytest.mark.parametrize(
    ('aim', 'values', 'is_met'),
    [
        ({'at_most': 1.25}, [1.0, 1.25, 9.0], True),
        ({'at_most': 1.25}, [1.0, 1.26, 1.3], False),
        ({'at_least': 99.0}, [98.9], False),
        ({'at_least': 99.0}, [99.0], True),
        ({'at_most': 0.0}, [0.0], True),
        ({'at_most': 1.0}, [], None),
        ({}, [1.0], None),
    ],
)
def test_the_median_is_compared_with_the_aim(aim, values, is_met):
    assert Result(name='', figure=Figure.of(values), **aim).is_met is is_met


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (0.0, '0'),
        (0.00001234, '1.2e-05'),
        (0.4567, '0.457'),
        (1.0, '1'),
        (6.716, '6.72'),
        (23.04, '23'),
        (99.95, '99.95'),
        (412.4, '412'),
    ],
)
def test_a_number_has_three_figures_that_count(value, text):
    assert number(value) == text


def test_engines_that_differ_by_a_tie_are_told_apart_from_those_that_decide_otherwise():
    torch = {
        'student': np.array([[0.7, 0.2, 0.1], [0.4, 0.401, 0.199]], np.float32),
        'teacher': np.array([[0.1, 0.8, 0.1], [0.6, 0.3, 0.1]], np.float32),
        'quantities': np.array([[0.0], [10.0]], np.float32),
    }
    other = {name: values.copy() for name, values in torch.items()}
    other['student'][1] = 0.401, 0.4, 0.199
    other['quantities'][0] = 0.5

    found = agreement(torch, other)

    assert found == pytest.approx(
        {'student_pct': 50.0, 'teacher_pct': 100.0, 'tie': 0.001, 'probability': 0.001}
        | {'reading': 0.05},
        abs=1e-6,
    )


def test_engines_that_agree_have_no_tie():
    said = {name: np.eye(3, dtype=np.float32) for name in ('student', 'teacher', 'quantities')}

    assert agreement(said, said)['tie'] is None


def test_the_page_says_what_is_reached_and_what_was_not_measured(tmp_path):
    write_report(tmp_path / 'report.html', summary())

    text = (tmp_path / 'report.html').read_text()
    assert 'at most 1.25: reached' in text and 'at least 99: not measured' in text
    assert 'pad &lt;messages&gt;' in text and text.count('<svg') == 2
    assert 'NO FIGURE COUNTS' not in text


def test_a_quick_run_says_that_no_figure_counts(tmp_path):
    write_report(tmp_path / 'report.html', summary(quick=True))

    assert 'NO FIGURE COUNTS' in (tmp_path / 'report.html').read_text()


def test_a_busy_machine_is_named(tmp_path):
    busy = summary()
    busy['parts']['node']['load_before'] = 3.2
    for name, content in (('idle', summary()), ('busy', busy)):
        write_markdown(tmp_path / f'{name}.md', content)

    assert '(load 3.2)' in (tmp_path / 'busy.md').read_text()
    assert 'was busy' not in (tmp_path / 'idle.md').read_text()


def test_the_document_has_every_row_with_its_rounds(tmp_path):
    write_markdown(tmp_path / 'performance.md', summary(commit='def'))

    lines = (tmp_path / 'performance.md').read_text().splitlines()
    assert '| The node | p50 over both | 1.25 | 1.2 to 1.3 | at most 1.25: reached |' in lines
    assert lines.count('| node | 5 (4 to 9) | TEACHER |') == 2
    assert 'Measured at commit abc.' in lines
