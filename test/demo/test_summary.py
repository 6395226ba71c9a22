# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The numbers of `summary.json`, on runs whose numbers are known beforehand."""

import json
from dataclasses import replace

import made_up_run as made
import numpy as np
import pytest

from crossmodal_kd_ros.demo.live import TRUTH_FIELDS
from crossmodal_kd_ros.demo.recording import Series, Text, with_reasons
from crossmodal_kd_ros.demo.summary import failovers, summarise, unplanned_gaps, wrong_mode_s
from crossmodal_kd_ros.simulation import DEMO_SCHEDULE, FaultSchedule


@pytest.fixture(scope='module')
def summary():
    return summarise(made.recording(), made.SCENARIO)


def keep(series: Series, rows: np.ndarray) -> Series:
    return Series(series.stamp_ns[rows], series.received_ns[rows], series.values[rows])


def test_a_truth_that_nobody_knows_has_no_error_and_no_spread():
    run = made.recording()
    column = TRUTH_FIELDS.index('crack_width')
    values = run.truth.values.copy()
    values[:, column] = np.nan
    unknown = replace(run, truth=replace(run.truth, values=values))

    errors = summarise(unknown, made.SCENARIO)['estimates']['crack_width']
    assert errors['truth_sd'] is None and set(errors['mean_absolute_error'].values()) == {None}
    known = summarise(run, made.SCENARIO)['estimates']['crack_width']
    assert known['truth_sd'] > 0.0 and known['mean_absolute_error']['TEACHER'] > 0.0


def test_the_summary_is_json_without_nan(summary):
    json.dumps(summary, allow_nan=False)


def test_frames_of_a_dead_camera_are_not_counted_as_published(summary):
    assert summary['frames_published'] == summary['frames_answered'] == 36 * 30


def test_an_unanswered_frame_is_missed_even_if_the_observer_never_saw_it():
    run = made.recording()
    rows = np.arange(len(run.scores)) != 100
    lost = summarise(
        replace(run, scores=keep(run.scores, rows), camera=keep(run.camera, rows)), made.SCENARIO
    )
    assert (lost['frames_published'], lost['frames_answered'], lost['frames_recorded']) == (
        1080,
        1079,
        1079,
    )


def test_a_frame_answered_twice_counts_once():
    run = made.recording()
    rows = np.r_[0, np.arange(len(run.scores))]
    assert (
        summarise(replace(run, scores=keep(run.scores, rows)), made.SCENARIO)['frames_answered']
        == 1080
    )


def test_modes_have_start_and_reason_and_no_repetitions(summary):
    repeated = replace(made.recording(), modes=made.MODES[:2] + made.MODES[1:])
    assert summarise(repeated, made.SCENARIO)['modes'] == summary['modes']
    assert summary['modes'][2] == {
        'mode': 'STUDENT',
        'start_s': 10.15,
        'reason': 'touch is silent for 0.15 s',
    }


def test_failover_lasts_from_the_last_good_stamp_to_the_receipt_of_the_mode(summary):
    # Last touch at 9.99 s, last gas at 21.5 s, last image at 31.967 s.
    assert summary['failover_ms'] == {'touch': 160.0, 'gas': 1300.0, 'camera': 233.3}
    assert summary['failover_limit_ms'] == {'touch': 266.7, 'gas': 1316.7, 'camera': 266.7}


def test_recovery_lasts_from_the_first_good_stamp_to_the_receipt_of_the_mode(summary):
    assert summary['recovery_ms'] == {'touch': 300.0, 'gas': 800.0, 'camera': 300.0}


def test_a_failover_that_never_came_is_null():
    ignorant = replace(made.recording(), modes=made.MODES[:2])
    assert summarise(ignorant, made.SCENARIO)['failover_ms']['touch'] is None


def test_a_run_stopped_early_says_nothing_of_failures_it_did_not_reach():
    assert summarise(made.recording(duration_s=20.0), made.SCENARIO)['failover_ms'] == {
        'touch': 160.0
    }


def test_a_right_node_is_never_in_a_wrong_mode(summary):
    assert summary['wrong_mode_s'] == 0.0


def test_a_mode_that_comes_late_is_wrong_from_the_limit_on():
    late = replace(made.MODES[2], received_ns=made.at(10.5))
    run = replace(made.recording(), modes=made.MODES[:2] + (late,) + made.MODES[3:])
    # Last touch at 9.99 s, a timeout of 0.2 s and two frames: wrong from 10.257 s to 10.5 s.
    assert wrong_mode_s(run, made.SCENARIO) == pytest.approx(0.243, abs=0.002)


def test_a_mode_that_flaps_while_all_is_healthy_is_wrong():
    flap = (Text(made.at(5.0), 'STUDENT', 'flap'), Text(made.at(5.2), 'TEACHER', 'flap'))
    run = replace(made.recording(), modes=made.MODES[:2] + flap + made.MODES[2:])
    assert wrong_mode_s(run, made.SCENARIO) == pytest.approx(0.2, abs=0.002)


def test_a_hold_of_an_unsure_node_is_not_wrong_but_counted():
    unsure = (
        Text(made.at(5.0), 'HOLD', 'confidence 0.20 is under the limit 0.25'),
        Text(made.at(5.2), 'TEACHER', 'sure'),
    )
    summary = summarise(
        replace(made.recording(), modes=made.MODES[:2] + unsure + made.MODES[2:]), made.SCENARIO
    )
    assert (summary['wrong_mode_s'], summary['unsure_s']) == (0.0, pytest.approx(0.2, abs=0.002))


def test_a_stall_that_nobody_planned_is_named_and_excused():
    run = made.recording()
    stall = (run.truth.stamp_ns > made.at(5.0)) & (run.truth.stamp_ns < made.at(5.4))
    hold = (
        Text(made.at(5.2), 'HOLD', 'camera is silent'),
        Text(made.at(5.9), 'TEACHER', 'healthy'),
    )
    modes = made.MODES[:2] + hold + made.MODES[2:]
    summary = summarise(replace(run, truth=keep(run.truth, ~stall), modes=modes), made.SCENARIO)
    assert summary['unplanned_gaps'] == [{'sensor': 'camera', 'start_s': 5.0, 'length_s': 0.401}]
    assert summary['wrong_mode_s'] == 0.0


def test_messages_in_a_row_that_all_come_late_are_one_gap():
    run = made.recording()
    late = (run.truth.stamp_ns > made.at(5.0)) & (run.truth.stamp_ns < made.at(5.5))
    received_ns = run.truth.received_ns + np.where(late, 10**9, 0)
    truth = replace(run.truth, received_ns=received_ns)
    [gap] = unplanned_gaps(replace(run, truth=truth), made.SCENARIO)
    assert gap['sensor'] == 'camera'
    assert gap['start_s'] == pytest.approx(5.0, abs=0.05)
    assert gap['length_s'] == pytest.approx(1.5, abs=0.1)


def test_a_sensor_that_is_silent_until_the_end_is_a_gap_of_the_whole_run():
    run = made.photos()
    seen, answered = (each.stamp_ns < made.at(8.0) for each in (run.camera, run.scores))
    hold = (*run.modes, Text(made.at(8.2), 'HOLD', 'camera is silent'))
    lost = replace(
        run, camera=keep(run.camera, seen), scores=keep(run.scores, answered), modes=hold
    )
    summary = summarise(lost, made.PHOTOS)
    assert summary['duration_s'] == 40.0 and summary['wrong_mode_s'] == 0.0
    assert summary['unplanned_gaps'] == [
        {'sensor': 'camera', 'start_s': 7.967, 'length_s': 32.033}
    ]


def test_a_planned_silence_is_no_unplanned_gap(summary):
    assert summary['unplanned_gaps'] == []


def test_latency_is_from_the_image_stamp_to_the_receipt_of_its_scores(summary):
    assert summary['latency_ms'] == {'p50': 8.0, 'p99': 8.0, 'max': 8.0}


def test_accuracy_is_given_by_mode_against_the_expert(summary):
    assert summary['accuracy']['TEACHER']['fraction'] == 1.0
    # errs on every fifth, now and then in vain
    assert 0.80 < summary['accuracy']['STUDENT']['fraction'] < 0.87


def test_a_held_frame_is_no_decision_and_counts_apart():
    run = made.recording()
    held = tuple(
        replace(action, text='hold') if index < 30 else action
        for index, action in enumerate(run.actions)
    )
    teacher = summarise(replace(run, actions=held), made.SCENARIO)['accuracy']
    assert sum(mode['held'] for mode in teacher.values()) == 30
    assert teacher['TEACHER']['fraction'] == 1.0


def test_estimates_are_judged_against_the_truth(summary):
    crack = summary['estimates']['crack_depth']
    assert crack['unit'] == 'mm'
    assert 0.0 < crack['mean_absolute_error']['STUDENT'] < crack['truth_sd']
    indentation = summary['estimates']['student_indentation']
    assert indentation['unit'] == 'mm'
    assert 0.0 < indentation['mean_absolute_error'] < indentation['truth_sd']


def test_photographs_have_no_truth_and_so_no_accuracy():
    summary = summarise(made.photos(), made.PHOTOS)
    assert summary['accuracy'] is None and summary['estimates'] is None
    assert (summary['frames_answered'], summary['failover_ms'], summary['wrong_mode_s']) == (
        1080,
        {},
        0.0,
    )


def test_a_run_without_a_single_message_gives_empty_figures_not_an_error():
    run = made.photos()
    empty = replace(
        run,
        camera=made.NOTHING,
        scores=made.NOTHING,
        quantities=made.NOTHING,
        estimates=dict.fromkeys(run.estimates, made.NOTHING),
        actions=(),
        modes=(),
    )
    summary = summarise(empty, made.PHOTOS)
    assert (
        summary['frames_published'],
        summary['answered_fraction'],
        summary['latency_ms']['p50'],
    ) == (0, None, None)


@pytest.mark.parametrize(
    't_s, modes',
    [
        (5, ['TEACHER']),
        (12, ['STUDENT', 'PARTIAL']),
        (25, ['STUDENT', 'PARTIAL']),
        (34, ['HOLD']),
        (38, ['TEACHER']),
    ],
)
def test_the_expected_modes_follow_the_schedule(t_s, modes):
    assert [mode.value for mode in made.SCENARIO.expected_modes(t_s)] == modes


def test_with_touch_and_gas_lost_the_student_alone_is_right():
    assert [mode.value for mode in made.PHOTOS.expected_modes(5.0)] == ['STUDENT']
    partial = replace(made.photos(), modes=(Text(made.at(0.01), 'PARTIAL', 'touch never came'),))
    assert wrong_mode_s(partial, made.PHOTOS) > 30.0


def test_of_what_dies_together_the_slowest_to_be_noticed_counts():
    scenario = replace(made.SCENARIO, schedule=FaultSchedule.parse('touch:22-28,gas:22-28'))
    modes = (
        Text(made.at(0.1), 'TEACHER', 'camera, touch and gas are healthy'),
        Text(made.at(22.2), 'PARTIAL', 'touch is silent for 0.2 s'),
        Text(made.at(22.8), 'STUDENT', 'touch and gas are silent'),
        Text(made.at(28.8), 'TEACHER', 'camera, touch and gas are healthy'),
    )
    took = failovers(replace(made.recording(), modes=modes), scenario)
    # Last gas at 21.5 s, first at 28.0 s.
    assert took['failover_ms'] == {'touch_and_gas': 1300.0}
    assert took['failover_limit_ms'] == {'touch_and_gas': 1316.7}
    assert took['recovery_ms'] == {'touch_and_gas': 800.0}


def test_the_demo_shows_every_mode_and_leaves_time_to_come_back_in_between():
    scenario = replace(made.SCENARIO, schedule=FaultSchedule.parse(DEMO_SCHEDULE))
    outages = scenario.schedule.outages
    assert [{fault.sensor for fault in outage} for outage in outages] == [
        {'touch'},
        {'touch', 'gas'},
        {'gas'},
        {'camera'},
    ]
    ends_s = [0.0]
    for outage in outages:
        noticed_s = max(scenario.failover_limit_s(fault.sensor) for fault in outage)
        assert outage[0].end_s - outage[0].start_s > noticed_s + 2.0
        assert outage[0].start_s - ends_s[-1] > 2.5
        trusted_s = max(scenario.recovery_limit_s(fault.sensor) for fault in outage)
        ends_s.append(outage[0].end_s + trusted_s)
    assert ends_s[-1] < 39.0


def test_a_mode_says_again_why_where_its_reason_changes():
    second = 1_000_000_000
    modes = [Text(10 * second, 'HOLD'), Text(20 * second, 'STUDENT'), Text(30 * second, 'HOLD')]
    reasons = [
        Text(10 * second - 5, 'HOLD: no camera reading yet'),
        Text(12 * second, 'HOLD: confidence 0.26 is under the limit 0.46'),
        Text(20 * second + 5, 'STUDENT: touch and gas are silent'),
        Text(30 * second - 5, 'HOLD: the camera is silent'),
    ]
    assert [
        (mode.received_ns // second, mode.text, mode.reason)
        for mode in with_reasons(modes, reasons)
    ] == [
        (10, 'HOLD', 'no camera reading yet'),
        (12, 'HOLD', 'confidence 0.26 is under the limit 0.46'),
        (20, 'STUDENT', 'touch and gas are silent'),
        (30, 'HOLD', 'the camera is silent'),
    ]
