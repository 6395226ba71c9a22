# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page of a replay, from metrics whose numbers are known beforehand."""

import json
import re

import made_up_run as made
import numpy as np
import pytest

from crossmodal_kd_ros.bags.report import replay_run, write_replay_report

FAULT = {'sensor': 'gas', 'kind': 'drift', 'severity': 0.5, 'start_s': 12.0, 'end_s': 20.0}


def summary_of(metrics, *, faults=(), recording=None) -> dict:
    tables = [model.summary_table(made.START_NS) for model in metrics.models]
    tables = [
        {'model': 'weights', 'calibrated': True, 'bag': 'bag', **table, 'recording': recording}
        for table in tables
    ]
    return {
        'title': 'Replay <b>of</b> a bag',
        'command': 'crossmodal-kd replay bag',
        'topics': ['camera: /camera/image_raw'],
        'problems': ['the bag was cut off'],
        'undecodable': {},
        'malformed': {'touch': {'count': 2, 'last': 'two few bytes'}},
        'clock': 'the stamps',
        'duration_s': 40.0,
        'readings': {'camera': 1080, 'touch': 3200, 'gas': 68},
        'faults': list(faults),
        'replays': tables,
        'comparison': metrics.comparison() if len(metrics.models) > 1 else None,
        'agreement_with_recording': None,
    }


@pytest.fixture(scope='module')
def metrics():
    return made.metrics()


def page(tmp_path, metrics, **options) -> str:
    path = tmp_path / 'report.html'
    write_replay_report(path, metrics, summary_of(metrics, **options))
    return path.read_text(encoding='utf-8')


def test_the_summary_is_json_without_nan(metrics):
    json.dumps(summary_of(metrics), allow_nan=False)


def test_the_timeline_of_a_replay_is_that_of_the_live_run(metrics):
    shown = replay_run(metrics, summary_of(metrics)).models[0]
    expected = [('TEACHER', 0.1), ('STUDENT', 10.15), ('TEACHER', 18.3), ('STUDENT', 22.8)]
    expected += [('TEACHER', 28.8), ('TEACHER', 36.3)]
    spans = [span for span in shown.modes if span.name != 'HOLD']
    assert [span.name for span in spans] == [name for name, _ in expected]
    assert np.allclose([span.start_s for span in spans], [at_s for _, at_s in expected], atol=0.04)


def test_a_dead_sensor_has_a_gap_and_a_living_one_has_none(metrics):
    activity = replay_run(metrics, summary_of(metrics)).activity
    assert {sensor: len(spans) for sensor, spans in activity.items()} == {
        'camera': 2,
        'touch': 2,
        'gas': 2,
    }
    before, after = activity['touch']
    assert (before.end_s, after.start_s) == (
        pytest.approx(10.0, abs=0.04),
        pytest.approx(18.0, abs=0.04),
    )


def test_a_quantity_is_measured_only_while_its_sense_is_there_and_estimated_always(metrics):
    curves = replay_run(metrics, summary_of(metrics)).models[0].curves
    measured, estimated = curves['co2_absorption']
    lost = (measured.t_s > 22.2) & (measured.t_s < 27.9)
    assert not np.isfinite(measured.values[lost]).any()
    inside = (estimated.t_s > 22.2) & (estimated.t_s < 27.9)
    assert np.isfinite(estimated.values[inside]).all()
    assert (estimated.lower[inside] < estimated.values[inside]).all()
    # While the camera is dead there is neither.
    assert not np.isfinite(estimated.values[(estimated.t_s > 32.3) & (estimated.t_s < 35.9)]).any()


def test_errors_are_those_of_the_senses_that_were_healthy(metrics):
    estimates = metrics.models[0].summary_table(made.START_NS)['estimates']
    # What is measured is 1.1 times the estimate; quantities are 0.5 off.
    assert estimates['gas co2_uptake_ppm']['mean_absolute_error'] == pytest.approx(8.0)
    assert estimates['crack_depth']['mean_absolute_error'] == pytest.approx(0.5)
    assert {name for name in estimates if name.startswith('touch')} == {
        'touch texture',
        'touch indentation',
    }


def test_teacher_and_student_are_compared_where_the_teacher_decides(metrics):
    table = metrics.models[0].summary_table(made.START_NS)
    compared = table['teacher_and_student']
    assert compared['frames_compared'] == round(1080 * table['mode_share']['TEACHER'])
    assert compared['fraction_disagreed'] == pytest.approx(0.1, abs=0.01)


def test_the_page_shows_what_happened_and_what_was_read(tmp_path, metrics):
    text = page(tmp_path, metrics, faults=[FAULT])
    for words in (
        '1080',
        'gas (drift, 0.5) from',
        'gas: drift',
        'touch is silent for 0.15 s',
        'the bag was cut off',
        '2 of the touch messages were refused',
        'texture, measured',
        'indentation, estimated',
        'measured, while healthy',
        '90 % bounds',
        'crossmodal-kd replay bag',
    ):
        assert words in text, words
    assert '<b>of</b>' not in text


def test_every_card_of_a_disagreement_names_both_decisions(metrics):
    cards = replay_run(metrics, summary_of(metrics)).models[0].cards
    assert len(cards) == 8
    for card in cards:
        teacher, student = card.choices
        assert (teacher.who, student.who) == ('teacher', 'student')
        assert teacher.action != student.action and card.picture


def test_two_models_have_sections_of_their_own_and_one_comparison(tmp_path):
    metrics = made.metrics(models=2, duration_s=12.0)
    text = page(tmp_path, metrics)
    comparison = metrics.comparison()
    assert comparison['frames_compared'] == 360
    assert {swap['new'] for swap in comparison['actions']} == {'hydrate'}
    for words in ('What the new model changes', 'Estimates over time, old model', 'mode, new'):
        assert words in text, words


def test_equal_differences_from_the_live_answers_share_a_row(tmp_path):
    metrics = made.metrics(duration_s=2.0)
    live, here = {'mode': 'TEACHER', 'action': 'hydrate'}, {'mode': 'STUDENT', 'action': ''}
    differences = [
        {'t_s': t_s, 'live': live, 'replay': here, 'kind': why, 'why': why}
        for t_s, why in ((1.0, 'late'), (1.1, 'late'), (1.2, 'late'), (7.0, 'lossy'))
    ]
    recording = {
        'frames_compared': 60,
        'frames_agreed': 56,
        'frames_not_in_bag': 0,
        'live_model': 'others',
        'same_model': False,
        'live_latency_ms': {'p50': 5.0, 'p99': 9.0},
        'differences': differences,
    }
    summary = summary_of(metrics, recording=recording)
    agreement = made.SimpleNamespace(compared=60, latency=made.Histogram([5.0, 9.0]))
    metrics.models[0].agreement = agreement
    path = tmp_path / 'report.html'
    write_replay_report(path, metrics, summary)
    text = path.read_text(encoding='utf-8')
    assert '1.00 to 1.20' in text and '>7.00<' in text and text.count('>late<') == 1
    assert 'The robot ran other weights: others.' in text and 'p99 9.0 ms' in text


def test_a_replay_without_a_single_answer_still_gives_a_page(tmp_path):
    metrics = made.RunMetrics(made.PROFILE, [None])
    metrics.add_step(made.step('touch', made.START_NS))
    assert re.search('the teacher never decided', page(tmp_path, metrics))
