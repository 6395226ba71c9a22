# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording through the runtime: as live, the same twice, with faults, by two models."""

import json
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import made_up_bag as made
import numpy as np
import pytest
from made_up_bag import ACTIONS, PROFILE
from test_topics import air_topics

from crossmodal_kd_ros.bags import Bag, BagError, read_messages
from crossmodal_kd_ros.bags.injection import inject, parse_faults
from crossmodal_kd_ros.bags.metrics import RunMetrics
from crossmodal_kd_ros.bags.replay import BATCH, Model, Replay
from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag
from crossmodal_kd_ros.bags.topics import choose_topics
from crossmodal_kd_ros.calibration.intervals import Intervals
from crossmodal_kd_ros.calibration.model import Calibration, Predictor
from crossmodal_kd_ros.calibration.out_of_distribution import OutOfDistribution
from crossmodal_kd_ros.profile import CAMERA, Mode, load_profile
from crossmodal_kd_ros.runtime import Perception, Pipeline, RuntimeConfig
from crossmodal_kd_ros.runtime.sources import CameraReader

CONFIG = RuntimeConfig.of(PROFILE)


def steps(path, *models, faults=()):
    with Bag(path) as bag:
        replay = Replay(models, PROFILE, CONFIG)
        readings = choose_topics(bag, PROFILE, {}).readings(bag)
        readings = inject(readings, parse_faults(faults, PROFILE))
        return [(step, replay.lanes[0].take_events()) for step in replay.run(readings)]


def answers(path, engine, *, faults=(), calibration=None):
    """Return the estimate for each picture."""
    return [
        step.answers[0].estimate
        for step, _ in steps(path, Model(engine, calibration), faults=faults)
        if step.answers
    ]


def replayed(path, out, *engines, faults=()):
    plan = ReplayPlan(
        bag=path,
        out=out,
        profile=PROFILE,
        command='crossmodal-kd replay',
        schedule=parse_faults(faults, PROFILE),
    )
    return replay_bag(plan, [Model(engine) for engine in engines or (made.Oracle(),)])


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Four seconds; touch is silent from 1.5 to 2.5 s."""
    return made.robot(tmp_path_factory.mktemp('made') / 'bag')


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


class Echo(made.Oracle):
    """An engine whose teacher notes what it sees of touch."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[float, tuple[float, bool]] = {}

    def decide(self, views, readings, present):
        for view, touch, is_there in zip(views, readings['touch'], present['touch']):
            self.shown[float(view.mean())] = (float(touch.mean()), bool(is_there))
        return super().decide(views, readings, present)


@pytest.mark.parametrize('filled', [False, True])
def test_a_teacher_without_a_sense_sees_nothing_of_it_or_the_students_estimate(bag, filled):
    engine = Echo()
    estimates = answers(bag, engine, calibration=prefers_the_teacher(filled=filled))

    assert [estimate.mode for estimate in estimates].count(Mode.PARTIAL) >= 30
    shown = list(engine.shown.values())
    assert sum(engine.decided) == len(shown) == 120
    # The student's estimate of touch is 1 everywhere.
    lost = [(value, there) for value, there in shown if value in (0.0, 1.0)]
    assert len(lost) >= 30 and set(lost) == {(1.0, True) if filled else (0.0, False)}


def prefers_the_teacher(*, filled):
    """Return a calibration by which the teacher decides best, whatever sense is lost."""
    by_mode = {
        mode: Predictor(
            accuracy=accuracy,
            min_confidence=0.25,
            held=0.0,
            decided=accuracy,
            min_possible=0.1,
            filled=filled and mode is Mode.PARTIAL,
        )
        for mode, accuracy in ((Mode.STUDENT, 0.7), (Mode.PARTIAL, 0.8), (Mode.TEACHER, 0.9))
    }
    sets = {
        'camera+touch+gas': (Mode.TEACHER, Mode.STUDENT),
        'camera+touch': (Mode.PARTIAL, Mode.STUDENT),
        'camera+gas': (Mode.PARTIAL, Mode.STUDENT),
        'camera': (Mode.PARTIAL, Mode.STUDENT),
    }
    return Calibration(
        profile=PROFILE,
        weights={},
        origin={},
        predictors={name: {mode: by_mode[mode] for mode in modes} for name, modes in sets.items()},
        intervals=Intervals(measured=np.zeros((2, 4)), estimated=np.zeros((2, 4))),
        out_of_distribution=OutOfDistribution(
            mean=np.zeros(4),
            whitening=np.eye(4),
            limit=2.0,
            usual=1.5,
            min_detail=1.0,
            max_detail=200.0,
            usual_detail=np.array([1.0, 200.0]),
            same_place=1.0,
        ),
        residuals={},
    )


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


def test_an_injected_fault_is_what_the_robot_would_have_lived_through(bag, tmp_path):
    modes = [
        (estimate.stamp_ns - made.START_NS, estimate.mode)
        for estimate in answers(bag, made.Oracle(), faults=['touch@0.5-1'])
    ]
    assert {mode for ns, mode in modes if 0.74e9 < ns < 1.4e9} == {Mode.STUDENT}
    summary = replayed(bag, tmp_path, faults=['gas@1'])
    assert summary['faults'][0]['sensor'] == 'gas'
    assert [change['mode'] for change in summary['replays'][0]['modes']][-1] == 'STUDENT'


def test_an_injected_fault_of_a_kind_breaks_what_the_camera_sees(bag):
    estimates = answers(bag, made.Oracle(), faults=['camera:covered:1@2-4'])
    holding = [
        estimate.mode
        for estimate in estimates
        if estimate.stamp_ns > made.START_NS + 2_300_000_000
    ]
    assert holding and set(holding) == {Mode.HOLD}


@pytest.mark.parametrize(
    ('fault', 'sentence'),
    [
        ('touch', 'expected a fault such as'),
        ('nose@3', 'expected a sensor out of'),
        ('touch@8-3', 'to start before it ends'),
        ('touch:rusty@3', 'rusty'),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_one_sentence(fault, sentence):
    with pytest.raises(BagError, match=sentence):
        parse_faults([fault], PROFILE)


def live_answers(path, *, wrong=(), delay_s=0.02):
    """Return topics with a node's live answers: a replay's, but for the frames in `wrong`."""
    scores, actions, modes = [], [], []
    for index, estimate in enumerate(answers(path, made.Oracle())):
        t_s = (estimate.stamp_ns - made.START_NS) / 1e9
        header = made.header(t_s)
        scores.append(
            (
                t_s + delay_s,
                made.TYPES.types[made.JOINTS](
                    header,
                    list(ACTIONS),
                    estimate.probabilities.astype(np.float64),
                    np.zeros(0),
                    np.zeros(0),
                ),
            )
        )
        actions.append(
            (
                t_s + delay_s + 1e-4,
                made.text('request_human' if index in wrong else estimate.action),
            )
        )
        if not modes or modes[-1][1].data != estimate.mode.value:
            modes.append((t_s + delay_s - 1e-4, made.text(estimate.mode.value)))
    return {
        '/maintenance/action_scores': (made.JOINTS, scores),
        '/maintenance/action': (made.STRING, actions),
        '/maintenance/mode': (made.STRING, modes),
    }


def test_agreement_with_what_was_said_live_is_counted_and_each_difference_explained(bag, tmp_path):
    path = made.robot(tmp_path / 'bag', more=live_answers(bag, wrong=(10, 20, 100)))
    summary = replayed(path, tmp_path / 'out')
    comparison = summary['replays'][0]['recording']
    assert summary['agreement_with_recording'] == pytest.approx(117 / 120)
    assert (comparison['frames_compared'], comparison['frames_agreed']) == (120, 117)
    assert [one['t_s'] for one in comparison['differences']] == pytest.approx(
        [10 / 30, 20 / 30, 100 / 30], abs=2e-3
    )
    assert all(
        one['live']['action'] == 'request_human' and one['why']
        for one in comparison['differences']
    )
    assert comparison['live_latency_ms']['p50'] == pytest.approx(21.0, abs=1.0)


def test_a_mode_of_another_moment_is_explained_by_what_the_node_said_of_it(bag, tmp_path):
    live = live_answers(bag)
    late = 'newest camera reading is 0.38 s old (limit 0.20 s)'
    live['/maintenance/mode'][1].append((1.5, made.text('HOLD')))
    live['/maintenance/mode_reason'] = (made.STRING, [(1.501, made.text(f'HOLD: {late}'))])
    comparison = replayed(made.robot(tmp_path / 'bag', more=live), tmp_path / 'out')['replays'][0][
        'recording'
    ]
    first = comparison['differences'][0]
    assert (first['live']['mode'], first['replay']['mode']) == ('HOLD', 'TEACHER')
    assert (
        'live the mode had been HOLD for ' in first['why']
        and f'("{late}")' in first['why']
        and 'here TEACHER for ' in first['why']
        and '("camera, touch and gas are healthy")' in first['why']
    )


def test_answers_before_any_live_mode_are_one_row_that_gives_no_time_for_it(bag, tmp_path):
    live = live_answers(bag)
    live['/maintenance/mode'] = (made.STRING, [(2.0, made.text('TEACHER'))])
    path = made.robot(tmp_path / 'bag', more=live)
    comparison = replayed(path, tmp_path / 'out')['replays'][0]['recording']
    unknown = [one for one in comparison['differences'] if not one['live']['mode']]
    reasons = [one['why'] for one in unknown]
    assert len(set(reasons)) > 1  # each has its own time here
    assert all(why.startswith('live no mode was known yet; here ') for why in reasons)
    page = (tmp_path / 'out' / 'report.html').read_text()
    alike = {(one['live']['action'], *one['replay'].values()) for one in unknown}
    assert page.count('live no mode was known yet') == len(alike) < len(reasons)


def test_a_bag_without_live_answers_claims_no_agreement(bag, tmp_path):
    summary = replayed(bag, tmp_path)
    assert (
        summary['agreement_with_recording'] is None and summary['replays'][0]['recording'] is None
    )


def test_two_models_side_by_side_show_what_changed(bag, tmp_path):
    summary = replayed(bag, tmp_path, made.Oracle(), made.Oracle(teacher='seal_crack'))
    comparison = summary['comparison']
    taught = summary['replays'][0]['teacher_and_student']['frames_compared']
    # Both students say the same, and the teachers never do.
    assert comparison['actions'] == [{'old': 'hydrate', 'new': 'seal_crack', 'frames': taught}]
    assert comparison['frames_with_another_mode'] == 0
    assert (tmp_path / 'bag_old' / 'metadata.yaml').exists() and (
        tmp_path / 'bag_new' / 'metadata.yaml'
    ).exists()


def test_the_report_names_what_it_shows(bag, tmp_path):
    replayed(bag, tmp_path, made.Oracle(), made.Oracle(teacher='seal_crack'), faults=['touch@3-4'])
    page = (tmp_path / 'report.html').read_text()
    for words in (
        'What the new model changes',
        'Where teacher and student disagree',
        'Every change of mode, and why',
        'Faults were put into it',
        'newest touch reading is',
        '<svg',
        'data:image/jpeg;base64,',
    ):
        assert words in page


def test_malformed_messages_are_counted_and_nothing_stops(tmp_path):
    no_picture = made.TYPES.types[made.JPEG](
        made.header(0.51), 'jpeg', np.frombuffer(b'0123456789', np.uint8)
    )
    path = made.robot(
        tmp_path / 'bag',
        camera=made.raw,
        duration_s=1.0,
        more={'/cam': (made.JPEG, [(0.5, no_picture), (0.6, undecodable(0.61))])},
    )
    plan = ReplayPlan(bag=path, out=tmp_path / 'out', profile=PROFILE, requests={'camera': '/cam'})
    summary = replay_bag(plan, [Model(made.Oracle())])
    assert summary['malformed']['camera']['count'] == 2
    assert 'bytes that OpenCV refuses' in summary['malformed']['camera']['last']
    # The other is refused as it comes, and is no picture.
    assert summary['replays'][0]['frames_unanswered'] == 1


def undecodable(t_s: float):
    """Return a PNG that is whole, with a bit in it that changed on the way."""
    data = made.cv2.imencode('.png', made.picture(t_s))[1].reshape(-1)
    data[data.size // 2] ^= 1
    return made.TYPES.types[made.JPEG](made.header(t_s), 'png', data)


def test_a_picture_that_cannot_be_read_changes_nothing_before_its_turn(tmp_path):
    """A stretch is prepared ahead; answers and modes before the picture are announced first."""
    broken = undecodable(1.02)
    path = made.robot(tmp_path / 'bag', duration_s=2.0, touch_gap=(0.5, 9.0))
    times_ns = [
        event if isinstance(event, int) else event.now_ns
        for _, events in steps(path, Model(made.Oracle()))
        for event in events
    ]
    assert times_ns == sorted(times_ns)
    with Bag(path) as bag:
        readings = list(choose_topics(bag, PROFILE, {}).readings(bag))
    place = next(i for i, one in enumerate(readings) if one.received_ns > made.START_NS + 1.02e9)
    unreadable = replace(
        next(one for one in readings if one.role == CAMERA),
        received_ns=readings[place].received_ns,
        stamp_ns=made.START_NS + 1_020_000_000,
        value=CameraReader(made.JPEG).decoder(broken),
    )
    replay = Replay([Model(made.Oracle())], PROFILE, CONFIG)
    latest_ns = 0
    for step in replay.run([*readings[:place], unreadable, *readings[place:]]):
        for event in replay.lanes[0].take_events():
            now_ns = event if isinstance(event, int) else event.now_ns
            assert latest_ns <= now_ns <= step.now_ns
            latest_ns = now_ns
    assert replay.lanes[0].pipeline.report(replay.now_ns).sensors[0].rejected == 1


class AirOracle:
    """An engine for the profile `air`: the teacher opens the window from 500 ppm on."""

    kind = weights = 'air'
    profile = load_profile('air')

    def perceive(self, views: np.ndarray) -> Perception:
        count = len(views)
        return Perception(
            probabilities=np.tile(np.float32([0.5, 0.3, 0.2]), (count, 1)),
            readings={'air': np.ones((count, 3), np.float32)},
            quantities=np.ones((count, 1), np.float32),
        )

    def decide(self, views, readings, present):
        is_stale = readings['air'][:, 0] > 403.0
        return np.where(is_stale[:, None], np.float32([0, 1, 0]), np.float32([1, 0, 0]))


def relit(t_s: float):
    """Return a picture that does not grow brighter for ever."""
    message = made.raw(t_s % 5.0)
    message.header = made.header(t_s)
    return message


def test_a_sense_of_three_topics_is_replayed_and_published(tmp_path):
    engine = AirOracle()
    bag = made.write_bag(
        tmp_path / 'room',
        {
            '/camera/image_raw': (
                made.IMAGE,
                [(t_s, relit(t_s)) for t_s in made.times(24.0, 10.0)],
            ),
            **air_topics('', [0.0, 3.0, 6.0]),
        },
    )
    plan = ReplayPlan(bag=bag, out=tmp_path / 'out', profile=engine.profile)
    summary = replay_bag(plan, [Model(engine)])

    [run] = summary['replays']
    assert summary['readings'] == {'camera': 240, 'air': 3}
    # The newest part of the last reading is of 6.2 s: stale 7.5 s later.
    assert [change['mode'] for change in run['modes']] == ['HOLD', 'STUDENT', 'TEACHER', 'STUDENT']
    assert run['modes'][-1]['start_s'] == pytest.approx(13.75, abs=0.06)
    assert set(run['actions']) == {'leave_closed', 'open_window'}
    estimates = list(read_messages(tmp_path / 'out' / 'bag', topics=['/maintenance/air_estimate']))
    assert len(estimates) == 240
    assert estimates[0].message.name == ['co2_ppm', 'temperature_c', 'humidity_pct']


def test_a_recording_under_another_clock_goes_by_its_stamps(tmp_path):
    path = made.robot(tmp_path / 'bag', shift_ns=3 * 10**17)
    estimates = answers(path, made.Oracle())
    assert {estimate.mode for estimate in estimates[5:40]} == {Mode.TEACHER}
    assert Mode.STUDENT in {estimate.mode for estimate in estimates}


def test_a_bag_without_a_camera_is_refused_in_one_sentence(tmp_path):
    path = made.write_bag(tmp_path / 'bag', {'/a': (made.STRING, [(0.0, made.text('x'))])})
    with pytest.raises(BagError, match='expected a camera in .* say --map camera=TOPIC'):
        replayed(path, tmp_path / 'out')


def test_memory_does_not_grow_with_the_length_of_the_bag(tmp_path):
    path = made.robot(tmp_path / 'bag', duration_s=60.0, camera_hz=10.0, touch_hz=10.0)
    in_use = []
    tracemalloc.start()
    try:
        with Bag(path) as bag:
            replay = Replay([Model(made.Oracle())], PROFILE, CONFIG)
            metrics = RunMetrics(PROFILE, [None])
            for step in replay.run(choose_topics(bag, PROFILE, {}).readings(bag)):
                replay.lanes[0].take_events()
                metrics.add_step(step)
                in_use.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    third = len(in_use) // 3
    # The first third fills every batch, and loads the file's first chunk of a megabyte.
    assert max(in_use[2 * third :]) < 1.1 * max(in_use[third : 2 * third])


def large(t_s: float):
    pixels = np.random.default_rng(round(t_s * 1000)).integers(0, 255, (120, 160, 3), np.uint8)
    return made.TYPES.types[made.IMAGE](
        made.header(t_s), 120, 160, 'rgb8', 0, 480, pixels.reshape(-1)
    )


REPLAY_AND_TELL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import made_up_bag as made
from crossmodal_kd_ros.bags.replay import Model
from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag
plan = ReplayPlan(bag=Path(sys.argv[1]), out=Path(sys.argv[2]), profile=made.PROFILE)
replay_bag(plan, [Model(made.Oracle())])
print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])
"""


@pytest.mark.skipif(
    not Path('/proc/self/status').exists(), reason='there is no /proc to read the peak from'
)
def test_a_process_that_replays_four_times_as_much_needs_no_more_memory(tmp_path):
    peak_mb = {}
    for duration_s in (30.0, 120.0):
        path = made.robot(
            tmp_path / f'bag_{duration_s:.0f}',
            duration_s=duration_s,
            camera=large,
            camera_hz=20.0,
            touch_hz=20.0,
        )
        done = subprocess.run(
            [sys.executable, '-c', REPLAY_AND_TELL, path, tmp_path / 'out', Path(__file__).parent],
            capture_output=True,
            text=True,
            check=True,
            timeout=200,
        )
        # kB, of this process alone: ru_maxrss would count the one it came from
        peak_mb[duration_s] = int(done.stdout) / 1024
    # The longer bag holds 104 MB of pictures more.
    assert peak_mb[120.0] < peak_mb[30.0] + 15.0, peak_mb
