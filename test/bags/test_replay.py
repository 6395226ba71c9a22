# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording through the runtime: as live, the same twice, with the answers as a bag."""

import json

import made_up_bag as made
import numpy as np
import pytest
from made_up_bag import ACTIONS, PROFILE
from replays import CONFIG, answers, replayed, steps

from crossmodal_kd_ros.bags import Bag, BagError, read_messages
from crossmodal_kd_ros.bags.replay import BATCH, Model
from crossmodal_kd_ros.bags.topics import choose_topics
from crossmodal_kd_ros.profile import CAMERA, Mode
from crossmodal_kd_ros.runtime import Pipeline


def test_every_picture_is_answered_with_the_stamp_of_its_header(bag):
    assert [estimate.stamp_ns for estimate in answers(bag, made.Oracle())] == [
        made.START_NS + round(index / 30 * 1e9) for index in range(120)
    ]


def test_modes_follow_what_the_recording_lost_within_the_timeouts(bag):
    modes = [
        (estimate.stamp_ns - made.START_NS, estimate.mode)
        for estimate in answers(bag, made.Oracle())
    ]
    # Touch is stale 0.2 s after its last reading (1.49 s), and trusted 0.5 s after its return (2.5
    # s).
    assert {mode for ns, mode in modes if 0.1e9 < ns < 1.68e9} == {Mode.TEACHER}
    assert {mode for ns, mode in modes if 1.74e9 < ns < 2.99e9} == {Mode.STUDENT}
    assert {mode for ns, mode in modes if ns > 3.1e9} == {Mode.TEACHER}


def test_a_replay_says_what_the_pipeline_says_when_it_is_fed_frame_by_frame(bag):
    pipeline, expected = Pipeline(made.Oracle(), config=CONFIG), []
    with Bag(bag) as opened:
        for reading in choose_topics(opened, PROFILE, {}).readings(opened):
            now_ns = reading.received_ns
            if reading.role == CAMERA:
                pipeline.put_image(reading.stamp_ns, reading.value, now_ns=now_ns)
                expected.append(pipeline.step(now_ns).estimate)
            else:
                pipeline.put(reading.role, reading.stamp_ns, reading.value, now_ns=now_ns)
    got = answers(bag, made.Oracle())
    assert [(one.action, one.confidence) for one in got] == [
        (one.action, one.confidence) for one in expected
    ]
    # Beats between frames may notice a return up to one frame sooner.
    assert sum(one.mode is not other.mode for one, other in zip(got, expected)) <= 1


def test_each_network_runs_once_a_picture_in_batches_that_do_not_depend_on_time(bag):
    engines = [made.Oracle() for _ in range(2)]
    modes = [[estimate.mode for estimate in answers(bag, engine)] for engine in engines]

    assert modes[0] == modes[1] and len(modes[0]) == 120
    for engine in engines:
        assert sorted(engine.perceived) == [120 % BATCH, *[BATCH] * (120 // BATCH)]
        assert sum(engine.decided) == modes[0].count(Mode.TEACHER) < 120
    assert sorted(engines[0].decided) == sorted(engines[1].decided)


def test_a_dead_camera_is_noticed_by_the_beat(tmp_path):
    path = made.write_bag(
        tmp_path / 'bag',
        {
            '/camera/image_raw/compressed': (
                made.JPEG,
                [(t_s, made.jpeg(t_s)) for t_s in made.times(1.0, 30.0)],
            ),
            '/tactile/image': (
                made.IMAGE,
                [(t_s, made.touch(t_s)) for t_s in made.times(3.0, 100.0)],
            ),
            '/gas/state': (made.JOINTS, [(t_s, made.gas(t_s)) for t_s in made.times(3.0, 2.0)]),
        },
    )
    events = [event for _, happened in steps(path, Model(made.Oracle())) for event in happened]
    [hold] = [
        event
        for event in events
        if not isinstance(event, int) and event.mode is Mode.HOLD and 'old' in event.reason
    ]
    # The last picture is of 0.967 s: stale at 1.167 s, noticed by a beat of 50 ms.
    assert 1.167e9 < hold.now_ns - made.START_NS < 1.25e9
    # And the robot is told to hold at each beat from then on.
    assert sum(isinstance(event, int) and event > hold.now_ns for event in events) >= 30


def test_the_timeline_says_hold_also_while_no_picture_comes(tmp_path, monkeypatch):
    path = made.write_bag(
        tmp_path / 'bag',
        {
            '/camera/image_raw': (
                made.IMAGE,
                [(t_s, made.raw(t_s)) for t_s in made.times(1.0, 30.0)],
            ),
            '/tactile/image': (
                made.IMAGE,
                [(t_s, made.touch(t_s)) for t_s in made.times(3.0, 100.0)],
            ),
        },
    )
    written = []
    monkeypatch.setattr(
        'crossmodal_kd_ros.bags.session.write_replay_report',
        lambda path, metrics, summary: written.append(metrics),
    )
    replayed(path, tmp_path / 'out')
    columns = written[0].models[0].columns
    held_s = columns.seconds[
        (columns.sums('mode HOLD') > 0)
        & (columns.sums('action hold') > 0)
        & (columns.seconds > 1.2)
    ]
    # A beat of 50 ms falls into every second stretch of 33 ms, from the death of the camera to the
    # end.
    assert held_s[0] < 1.3 and held_s[-1] > 2.9 and np.diff(held_s).max() < 0.07


def test_two_replays_of_a_bag_give_equal_bytes(bag, tmp_path):
    for name in ('one', 'two'):
        replayed(bag, tmp_path / name)
    for file in ('bag/bag.mcap', 'bag/metadata.yaml', 'report.html'):
        assert (tmp_path / 'one' / file).read_bytes() == (tmp_path / 'two' / file).read_bytes()
    one, two = (
        json.loads((tmp_path / name / 'summary.json').read_text()) for name in ('one', 'two')
    )
    for summary in (one, two):
        assert summary.pop('realtime_factor') > 0.0 and summary.pop('wall_clock_s') > 0.0
    assert one == two


def test_the_answers_are_a_bag_with_the_headers_of_the_pictures(bag, tmp_path):
    replayed(bag, tmp_path)
    got = {}
    for message in read_messages(tmp_path / 'bag'):
        got.setdefault(message.topic, []).append(message)
    assert set(got) == {
        f'/maintenance/{name}'
        for name in (
            'action',
            'action_scores',
            'tactile_estimate',
            'gas_estimate',
            'surface_state',
            'repair_command',
            'repair_path',
            'repair_reason',
            'mode',
            'mode_reason',
        )
    }
    for name in ('action_scores', 'tactile_estimate', 'gas_estimate', 'surface_state'):
        stamps = [message.message.header.stamp for message in got[f'/maintenance/{name}']]
        assert [stamp.sec * 10**9 + stamp.nanosec for stamp in stamps] == [
            made.START_NS + round(index / 30 * 1e9) for index in range(120)
        ]
    assert [message.message.data for message in got['/maintenance/mode']] == [
        # The first picture comes before the first touch.
        'HOLD',
        'STUDENT',
        'TEACHER',
        'STUDENT',
        'TEACHER',
    ]
    assert list(got['/maintenance/action_scores'][0].message.name) == list(ACTIONS)


def test_a_command_of_a_repair_stands_beside_each_repair_that_is_decided_and_nowhere_else(
    bag, tmp_path
):
    replayed(bag, tmp_path)
    actions, commands, headers = [], [], []
    for message in read_messages(tmp_path / 'bag'):
        name = message.topic.rpartition('/')[2]
        if name == 'action_scores':
            headers.append(message.message.header.stamp.nanosec)
        elif name == 'action':
            actions.append(message.message.data)
        elif name == 'repair_command':
            values = dict(zip(message.message.name, message.message.position))
            assert message.message.header.stamp.nanosec == headers[-1]
            # Without a calibration nobody knows how far the student is off.
            assert values['request_human'] == 1.0 and values['contact_pressure_kpa'] == 0.0
            commands.append(ACTIONS[int(values['action'])])

    repairs = ('seal_crack', 'apply_bio_adhesive', 'remove_growth')
    assert commands == [action for action in actions if action in repairs]
    assert set(commands) >= {'apply_bio_adhesive', 'remove_growth'}


def test_a_recording_under_another_clock_goes_by_its_stamps(tmp_path):
    path = made.robot(tmp_path / 'bag', shift_ns=3 * 10**17)
    estimates = answers(path, made.Oracle())
    assert {estimate.mode for estimate in estimates[5:40]} == {Mode.TEACHER}
    assert Mode.STUDENT in {estimate.mode for estimate in estimates}


def test_a_bag_without_a_camera_is_refused_in_one_sentence(tmp_path):
    path = made.write_bag(tmp_path / 'bag', {'/a': (made.STRING, [(0.0, made.text('x'))])})
    with pytest.raises(BagError, match='expected a camera in .* say --map camera=TOPIC'):
        replayed(path, tmp_path / 'out')
