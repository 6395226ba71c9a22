# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recordings with gaps: clocks that were set, recorders that paused, times that no clock gives."""

import sqlite3
import time
import tracemalloc
from collections import Counter

import pytest
from field_inputs import FIELD, changes, made, needs_field, replayed

from crossmodal_kd_ros.bags import Bag, read_messages
from crossmodal_kd_ros.bags.columns import TimeColumns
from crossmodal_kd_ros.bags.metrics import RunMetrics
from crossmodal_kd_ros.bags.replay import Model, Replay, _stretches
from crossmodal_kd_ros.bags.synchronize import synchronize
from crossmodal_kd_ros.bags.topics import Reading, choose_topics
from crossmodal_kd_ros.runtime import ModeChange, RuntimeConfig

CONFIG = RuntimeConfig.of(made.PROFILE)
DAYS_100_S = 100 * 86_400


def parts(*starts_s: float, duration_s: float = 2.0) -> dict:
    """Return the topics of a robot that was recorded from each of these seconds on."""

    def times(hz: float) -> list[float]:
        return [start_s + t_s for start_s in starts_s for t_s in made.times(duration_s, hz)]

    def camera(t_s: float):
        message = made.jpeg(t_s % 5.0)
        message.header = made.header(t_s)
        return message

    return {
        '/camera/image_raw/compressed': (made.JPEG, [(t_s, camera(t_s)) for t_s in times(15.0)]),
        '/tactile/image': (made.IMAGE, [(t_s, made.touch(t_s)) for t_s in times(50.0)]),
        '/gas/state': (made.JOINTS, [(t_s, made.gas(t_s)) for t_s in times(2.0)]),
    }


@needs_field
def test_a_board_whose_clock_stepped_by_100_days_is_replayed_at_once(tmp_path):
    started_s = time.monotonic()
    summary = replayed(FIELD / 'clock_steps_100_days.mcap', tmp_path / 'out')
    assert time.monotonic() - started_s < 60.0
    assert summary['replays'][0]['frames_answered'] == 45
    assert summary['duration_s'] == pytest.approx(3.0, abs=0.05)
    # Camera and senses are back at once; the senses count half a second later.
    assert changes(summary)[-3:] == [
        (pytest.approx(1.7, abs=0.06), 'HOLD'),
        (pytest.approx(DAYS_100_S + 1.5, abs=0.1), 'STUDENT'),
        (pytest.approx(DAYS_100_S + 2.0, abs=0.1), 'TEACHER'),
    ]
    holds = list(read_messages(tmp_path / 'out' / 'bag', topics=['/maintenance/action']))
    assert len(holds) < 1000


@needs_field
def test_the_gap_is_told_and_the_page_still_shows_what_happened(tmp_path):
    summary = replayed(FIELD / 'clock_steps_100_days.mcap', tmp_path / 'out')
    [problem] = summary['problems']
    assert problem.startswith('no message for 100 days from second 1.5 on')
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert 'no message for 100 days' in page
    # On one axis of 100 days neither name would find room.
    timeline = page.split('What happened')[1].split('</svg>')[0]
    assert timeline.count('>TEACHER<') == 3 and '8640002' in timeline


def test_a_gap_takes_neither_time_nor_memory_however_long_it_is(tmp_path):
    peaks, times_s = [], []
    for number, gap_s in enumerate((3600.0, 4e8)):
        bag = made.write_bag(tmp_path / f'bag_{number}', parts(0.0, gap_s))
        tracemalloc.start()
        started_s = time.monotonic()
        with Bag(bag) as opened:
            replay = Replay([Model(made.Oracle())], made.PROFILE, CONFIG)
            metrics = RunMetrics(made.PROFILE, [None])
            events = 0
            for step in replay.run(choose_topics(opened, made.PROFILE, {}).readings(opened)):
                events += len(replay.lanes[0].take_events())
                metrics.add_step(step)
        times_s.append(time.monotonic() - started_s)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(metrics.activity.seconds) > 100 and metrics.activity.width_s < 0.04
        assert events < 1000
    assert peaks[1] < 1.2 * peaks[0] and times_s[1] < 3.0 * times_s[0] + 1.0


def test_a_pause_that_is_left_out_changes_no_mode(tmp_path):
    bag = made.write_bag(tmp_path / 'bag', parts(0.0, 60.0))
    runs = []
    for gap_ns in (None, 2**63):
        with Bag(bag) as opened:
            replay = Replay([Model(made.Oracle())], made.PROFILE, CONFIG)
            replay._gap_ns = gap_ns or replay._gap_ns
            events = []
            for _ in replay.run(choose_topics(opened, made.PROFILE, {}).readings(opened)):
                events += replay.lanes[0].take_events()
        runs.append(([event for event in events if isinstance(event, ModeChange)], len(events)))
    (skipping, few), (waiting, many) = runs
    assert skipping == waiting
    assert many - few == pytest.approx(20 * (58.0 - 10.0), abs=3)


@needs_field
def test_a_first_message_at_time_0_is_told_and_no_gap_of_50_years(tmp_path):
    summary = replayed(
        FIELD / 'first_message_at_time_0.mcap', tmp_path / 'out', faults=['touch@1-9']
    )
    assert summary['replays'][0]['frames_answered'] == 30
    assert [problem for problem in summary['problems'] if 'that no clock gives' in problem] == [
        '1 of the messages of /camera/image_raw were recorded at a time that no clock gives: '
        'each counts as recorded with its neighbour'
    ]
    assert 'header.stamp' in summary['malformed']['camera']['last']
    # Second 0 is the first message with a time, for faults too.
    assert summary['duration_s'] == pytest.approx(1.93, abs=0.05)
    assert changes(summary)[-1] == (pytest.approx(1.2, abs=0.06), 'STUDENT')


@needs_field
def test_labels_of_a_bag_with_a_first_message_at_time_0_count_from_the_next():
    with Bag(FIELD / 'first_message_at_time_0.mcap') as bag:
        topics = choose_topics(bag, made.PROFILE, {})
        samples = list(synchronize(bag, topics, made.PROFILE, Counter(), []))
    assert [sample.t_s for sample in samples] == pytest.approx(
        [index / 15 for index in range(30)], abs=0.01
    )


@pytest.mark.parametrize('time_ns', [0, -5, 2**62, 2**63 - 1])
def test_times_that_no_clock_gives_lose_no_message_and_are_told(tmp_path, time_ns):
    texts = [(t_s, made.text(str(t_s))) for t_s in (0.0, 1.0, 2.0)]
    bag = made.write_bag(tmp_path / 'bag', {'/a': (made.STRING, texts)}, storage='sqlite3')
    with sqlite3.connect(bag / 'bag.db3') as database:
        database.execute('UPDATE messages SET timestamp = ? WHERE id = 2', [time_ns])
    with Bag(bag) as opened:
        got = list(opened.messages())
        assert {message.message.data for message in got} == {'0.0', '1.0', '2.0'}
        start_ns = made.START_NS + made.MS
        assert {message.received_ns - start_ns for message in got} == {0, 2_000_000_000}
        assert [problem for problem in opened.problems if 'no clock gives' in problem]


def test_a_bag_whose_times_were_never_set_goes_by_the_stamps(tmp_path):
    bag = made.write_bag(tmp_path / 'bag', parts(0.0), storage='sqlite3')
    with sqlite3.connect(bag / 'bag.db3') as database:
        database.execute('UPDATE messages SET timestamp = 0')
    summary = replayed(bag, tmp_path / 'out')
    assert summary['replays'][0]['frames_answered'] == 30
    assert summary['replays'][0]['mode_share']['TEACHER'] > 0.8


def simulated(path, *, leaps):
    """Write a bag on the wall clock whose stamps are simulated: second 100 and on.

    Args:
        path: the bag to make.
        leaps: of the pictures, (second, stamp in seconds of the simulation) instead.
    """
    topics = parts(0.0, duration_s=6.0)
    for name, (_, messages) in topics.items():
        for t_s, message in messages:
            stamp_ns = round(1e9 * (100.0 + t_s))
            for at_s, stamp_s in leaps if 'camera' in name else ():
                if abs(t_s - at_s) < 0.01:
                    stamp_ns = round(1e9 * stamp_s)
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
    return made.write_bag(path, topics)


def test_one_stamp_from_2038_does_not_take_the_clock_of_a_simulation_along(tmp_path):
    bag = simulated(tmp_path / 'bag', leaps=[(3.0, 2_147_483_647)])
    summary = replayed(bag, tmp_path / 'out')
    assert summary['clock'].startswith('the stamps of messages')
    assert summary['duration_s'] == pytest.approx(6.0, abs=0.1)
    assert changes(summary)[-1][1] == 'TEACHER' and not summary['problems']
    assert 'ahead of this clock' in summary['malformed']['camera']['last']


def test_a_simulation_that_starts_again_is_followed_back(tmp_path):
    topics = parts(0.0, 6.0, duration_s=6.0)
    for _, messages in topics.values():
        for t_s, message in messages:
            stamp_ns = round(1e9 * (100.0 + t_s if t_s < 6.0 else 1.0 + t_s - 6.0))
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
    summary = replayed(made.write_bag(tmp_path / 'bag', topics), tmp_path / 'out')
    reasons = [change['reason'] for change in summary['replays'][0]['modes']]
    assert any('the clock was set back' in reason for reason in reasons)
    assert changes(summary)[-1][1] == 'TEACHER'


def test_columns_over_a_gap_keep_their_width():
    columns = TimeColumns(['a'])
    for second in (*range(100), *range(DAYS_100_S, DAYS_100_S + 100)):
        columns.add(made.START_NS + second * 10**9, {'a': 1.0})
    assert columns.width_s < 0.04 and columns.sums('a').tolist() == [1.0] * 200
    assert columns.seconds[[99, 100]] == pytest.approx([99, DAYS_100_S], abs=0.04)


def test_rare_readings_of_a_dead_camera_do_not_wait_for_an_hour_of_beats():
    """A stretch of readings that waits for pictures holds its beats in memory."""
    rare = [
        Reading('gas', made.START_NS + 9 * index * 10**9, 0, None, bad='rare')
        for index in range(600)
    ]
    stretches = [[moment.reading for moment in stretch] for stretch in _stretches(rare)]
    assert [reading for stretch in stretches for reading in stretch] == rare
    assert all(
        stretch[-1].received_ns - stretch[0].received_ns <= 40 * 10**9
        for stretch in stretches
        if stretch
    )
