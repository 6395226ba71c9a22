# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From readings to answers, with an engine that answers what the test wants."""

import numpy as np
import pytest

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.profile import Mode, Profile, ReadingError, load_profile
from crossmodal_kd_ros.runtime import Perception, Pipeline, RuntimeConfig, say

MS = 1_000_000
START = 1_000_000 * MS
PROFILE = load_profile()
IMAGE = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
TOUCH = np.full(256, 2.0, np.float32)
GAS = np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0], np.float32)


class FakeEngine:
    """Answers `best` with `confidence`, and remembers what it was shown."""

    kind = weights = 'fake'

    def __init__(self, profile: Profile = PROFILE) -> None:
        self.profile = profile
        self.best, self.confidence = profile.actions[1], 0.9
        self.predicted = 1.0  # of every element of every sense
        self.perceived, self.decided = 0, []
        self.error = None

    def perceive(self, views):
        self.perceived += 1
        if self.error is not None:
            raise self.error
        count = len(self.profile.quantities)
        quantities = np.array([7.0, 8.0, 0.5, 0.3], np.float32)[:count]
        return Perception(
            probabilities=self._probabilities(),
            readings={
                name: np.full((1, sense.size), self.predicted, np.float32)
                for name, sense in self.profile.senses.items()
            },
            quantities=quantities[None],
        )

    def decide(self, views, readings, present):
        """Remember the readings of the senses that are there."""
        self.decided.append({name: readings[name][0] for name in readings if present[name][0]})
        return self._probabilities()

    def _probabilities(self):
        count = len(self.profile.actions)
        probabilities = np.full((1, count), (1.0 - self.confidence) / (count - 1), np.float32)
        probabilities[0, self.profile.actions.index(self.best)] = self.confidence
        return probabilities


class Rig:
    """A pipeline, its engine, and the changes of mode it announced."""

    def __init__(self, **config) -> None:
        self.engine, self.changes = FakeEngine(), []
        self.pipeline = Pipeline(
            self.engine, config=RuntimeConfig.of(PROFILE, **config), on_mode=self.changes.append
        )
        self._rng = np.random.default_rng(0)
        self._feeds = 0

    def put(self, now_ns, *sensors):
        """Put a fresh reading of each of `sensors`.

        The first ones are `TOUCH`, `GAS` and `IMAGE`; later ones differ from them by a little
        noise, as real ones do.
        """
        for sensor, value in (('touch', TOUCH), ('gas', GAS)):
            if sensor in sensors:
                noise = 1e-3 * (self._feeds > 0) * self._rng.standard_normal(value.size)
                self.pipeline.put(sensor, now_ns, value * (1.0 + noise))
        if 'camera' in sensors:
            self.pipeline.put_image(now_ns, np.roll(IMAGE, self._feeds, 1))
        self._feeds += 1

    def feed(self, now_ns, *sensors):
        """Put readings as `put` does and return the estimate for the newest image."""
        self.put(now_ns, *sensors)
        answer = self.pipeline.step(now_ns)
        return None if answer is None else answer.estimate

    @property
    def modes(self):
        return [str(change.mode) for change in self.changes]


@pytest.fixture
def rig() -> Rig:
    """Return a pipeline that has no reading yet."""
    return Rig()


def test_a_picture_goes_with_what_was_felt_when_it_was_taken_not_when_it_is_answered(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    rig.pipeline.put('touch', START + 30 * MS, TOUCH + 1.0)
    rig.pipeline.put_image(START + 35 * MS, np.roll(IMAGE, 1, 1))
    # the robot has moved on while the picture was under way
    rig.pipeline.put('touch', START + 50 * MS, TOUCH + 5.0)

    estimate = rig.pipeline.step(START + 60 * MS).estimate

    np.testing.assert_array_equal(rig.engine.decided[-1]['touch'], TOUCH + 1.0)
    np.testing.assert_allclose(list(estimate.quantities.values())[:2], [3.0, 3.0])


def test_a_reading_whose_clock_is_a_little_ahead_goes_with_the_pictures_after_its_arrival(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    rig.pipeline.put('touch', START + 140 * MS, TOUCH + 1.0, now_ns=START + 40 * MS)
    rig.pipeline.put_image(START + 60 * MS, np.roll(IMAGE, 1, 1))

    rig.pipeline.step(START + 70 * MS)

    np.testing.assert_array_equal(rig.engine.decided[-1]['touch'], TOUCH + 1.0)


def test_a_picture_of_before_every_reading_goes_with_the_first_of_them(rig):
    rig.pipeline.put('touch', START + 10 * MS, TOUCH)
    rig.pipeline.put('touch', START + 20 * MS, TOUCH + 5.0)
    rig.pipeline.put('gas', START + 10 * MS, GAS)
    rig.pipeline.put_image(START, IMAGE)

    rig.pipeline.step(START + 30 * MS)

    np.testing.assert_array_equal(rig.engine.decided[-1]['touch'], TOUCH)


def test_a_channel_that_was_impossible_when_the_picture_was_taken_is_read_from_the_picture(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    glitch = GAS.copy()
    glitch[1] = 65535.0
    rig.pipeline.put('gas', START + 30 * MS, glitch)
    rig.pipeline.put_image(START + 35 * MS, np.roll(IMAGE, 1, 1))
    # a good reading, before the picture is answered, knows nothing of it
    rig.pipeline.put('gas', START + 50 * MS, GAS + 0.1)

    estimate = rig.pipeline.step(START + 60 * MS).estimate

    assert rig.engine.decided[-1]['gas'][1] == rig.engine.predicted
    assert estimate.quantities['co2_absorption'] == 0.5  # the student's


def test_a_slow_sense_is_shown_as_it_will_settle_and_measures_nothing_until_it_has(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    rig.engine.predicted = 41.0  # the robot has gone on; the hood still has the air of before
    estimate = rig.feed(START + 40 * MS, 'camera', 'touch')

    shown = rig.engine.decided[-1]
    np.testing.assert_allclose(shown['gas'][:4], GAS[:4] + 40.0)
    assert shown['gas'][6] == 30.0  # oxygen, %: the most that it can report
    np.testing.assert_allclose(shown['touch'], TOUCH, rtol=0.01)
    # Of the gas, the student's; of touch, which answers at once, what is measured.
    assert estimate.quantities['co2_absorption'] == 0.5
    assert estimate.quantities['crack_depth'] == pytest.approx(2.0, rel=0.01)


def test_once_the_camera_shows_nothing_no_reading_is_corrected(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    rig.engine.predicted = 41.0
    for number in range(1, 5):
        now_ns = START + number * 40 * MS
        rig.put(now_ns, 'touch')
        rig.pipeline.put_image(now_ns, np.zeros_like(IMAGE))
        answer = rig.pipeline.step(now_ns)

    np.testing.assert_array_equal(answer.sample.readings['gas'], GAS)


def test_with_every_sense_the_teacher_decides_on_the_measured_surface(rig):
    estimate = rig.feed(START, 'camera', 'touch', 'gas')

    assert (estimate.mode, estimate.action, estimate.stamp_ns) == (
        Mode.TEACHER,
        'seal_crack',
        START,
    )
    assert estimate.confidence == pytest.approx(0.9)
    assert estimate.quantities == pytest.approx(
        {'surface_roughness': 2.0, 'crack_depth': 2.0, 'co2_absorption': 0.25, 'crack_width': 0.3}
    )
    shown = rig.engine.decided[0]
    np.testing.assert_array_equal(shown['touch'], TOUCH)
    np.testing.assert_array_equal(shown['gas'], GAS)


def test_without_touch_the_student_decides_and_estimates_what_touch_would_have_read(rig):
    estimate = rig.feed(START, 'camera', 'gas')

    assert estimate.mode is Mode.STUDENT
    assert estimate.reason == 'no touch reading yet'
    assert estimate.quantities == pytest.approx(
        {'surface_roughness': 7.0, 'crack_depth': 8.0, 'co2_absorption': 0.25, 'crack_width': 0.3}
    )
    assert rig.engine.decided == []


def test_touch_that_falls_silent_fails_over_within_its_timeout_and_names_the_figure(rig):
    rig.feed(START, 'camera', 'touch', 'gas')

    estimate = rig.feed(START + 210 * MS, 'camera', 'gas')

    assert estimate.mode is Mode.STUDENT
    assert rig.changes[-1].reason == 'newest touch reading is 0.21 s old (limit 0.20 s)'


def test_a_gas_reading_slower_than_the_camera_is_used_until_it_is_stale(rig):
    rig.feed(START, 'camera', 'touch', 'gas')

    rig.feed(START + 1250 * MS, 'camera', 'touch')
    np.testing.assert_array_equal(rig.engine.decided[-1]['gas'], GAS)
    decided = len(rig.engine.decided)
    assert rig.feed(START + 1260 * MS, 'camera', 'touch').mode is Mode.STUDENT
    assert len(rig.engine.decided) == decided


def test_a_dead_camera_is_noticed_without_any_image(rig):
    rig.feed(START, 'camera', 'touch', 'gas')

    assert rig.pipeline.update(START + 200 * MS) is Mode.TEACHER
    assert rig.pipeline.update(START + 201 * MS) is Mode.HOLD
    assert rig.changes[-1].reason == 'newest camera reading is 0.20 s old (limit 0.20 s)'


def test_a_camera_that_was_only_silent_is_answered_with_its_first_picture(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    for later in range(100, 1000, 100):
        assert rig.feed(START + later * MS, 'touch', 'gas') is None

    answer = rig.feed(START + 1000 * MS, 'camera', 'touch', 'gas')

    assert answer.action == 'seal_crack'
    assert rig.modes == ['TEACHER', 'HOLD', 'TEACHER']


def test_while_a_camera_proves_itself_that_showed_nothing_each_image_is_answered_with_hold(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    for later in range(100, 500, 100):
        rig.put(START + later * MS, 'touch', 'gas')
        rig.pipeline.put_image(START + later * MS, np.zeros_like(IMAGE))
        dark = rig.pipeline.step(START + later * MS).estimate
    answers = [
        rig.feed(START + (500 + later) * MS, 'camera', 'touch', 'gas')
        for later in range(0, 700, 100)
    ]

    assert dark.action == 'hold'
    assert [estimate.action for estimate in answers] == ['hold'] * 5 + ['seal_crack'] * 2
    assert rig.modes == ['TEACHER', 'HOLD', 'TEACHER']


def test_an_answer_under_the_confidence_limit_holds_until_a_confident_one(rig):
    rig.feed(START, 'camera')
    rig.engine.confidence = 0.2
    doubtful = rig.feed(START + 33 * MS, 'camera')
    rig.pipeline.update(START + 40 * MS)
    rig.engine.confidence = 0.9
    rig.feed(START + 66 * MS, 'camera')

    assert (doubtful.mode, doubtful.action) == (Mode.HOLD, 'hold')
    assert doubtful.reason == 'confidence 0.20 is under the limit 0.25'
    assert rig.modes == ['STUDENT', 'HOLD', 'STUDENT']


def test_a_confidence_that_is_no_number_holds(rig):
    rig.engine.confidence = float('nan')

    assert rig.feed(START, 'camera').action == 'hold'


def test_an_engine_that_fails_holds_with_its_reason_and_recovers(rig):
    rig.engine.error = RuntimeError('out of memory\nand a long trace')
    assert rig.feed(START, 'camera') is None
    assert (rig.changes[-1].mode, rig.changes[-1].reason) == (
        Mode.HOLD,
        'the model failed: out of memory',
    )

    rig.engine.error = None
    assert rig.feed(START + 33 * MS, 'camera').mode is Mode.STUDENT


def test_why_the_engine_failed_is_said_once_though_the_robot_held_already(rig):
    rig.engine.confidence = 0.2
    rig.feed(START, 'camera')
    rig.engine.error = RuntimeError('out of memory')
    for later in (33, 66):
        rig.feed(START + later * MS, 'camera')
    rig.engine.error = None
    rig.feed(START + 99 * MS, 'camera')

    low = 'confidence 0.20 is under the limit 0.25'
    assert [change.reason for change in rig.changes] == [
        low,
        'the model failed: out of memory',
        low,
    ]
    assert set(rig.modes) == {'HOLD'}


def test_only_the_newest_image_is_answered_and_the_others_are_counted(rig):
    for later in range(3):
        rig.pipeline.put_image(START + later * MS, IMAGE)

    assert rig.pipeline.step(START + 3 * MS).estimate.stamp_ns == START + 2 * MS
    assert rig.pipeline.step(START + 3 * MS) is None
    report = rig.pipeline.report(START + 3 * MS)
    assert (report.answered, report.superseded) == (1, 2)


def test_an_image_that_cannot_be_decoded_is_counted_and_the_camera_counts_as_absent(rig):
    def broken():
        raise ReadingError('expected a picture, got noise')

    rig.pipeline.put_image(START, broken)
    assert rig.pipeline.step(START) is None

    report = rig.pipeline.report(START)
    camera = report.sensors[0]
    assert (report.mode, camera.rejected, say(camera.last_rejection)) == (
        Mode.HOLD,
        1,
        'expected a picture, got noise',
    )
    assert rig.engine.perceived == 0


@pytest.mark.parametrize(
    ('sensor', 'value', 'reason'),
    [
        ('touch', np.zeros(255), 'expected 256 values of touch, got 255'),
        (
            'touch',
            np.full(256, np.nan),
            'expected finite touch values, got NaN or infinity in texture (0, 0), texture (0, 1), '
            'texture (0, 2) and 253 more',
        ),
        ('gas', np.zeros(7), 'expected 8 values of gas, got 7'),
        (
            'gas',
            np.full(8, np.inf),
            'expected finite gas values, got NaN or infinity in co2_uptake_ppm',
        ),
    ],
)
def test_a_reading_of_another_form_than_the_profile_says_is_absent_and_counted(
    rig, sensor, value, reason
):
    rig.pipeline.put(sensor, START, value)

    report = {state.sensor: state for state in rig.pipeline.report(START).sensors}[sensor]
    assert not report.healthy
    assert report.rejected == 1
    assert say(report.last_rejection).startswith(reason)


def test_a_change_is_announced_once_and_a_second_lost_sensor_is_announced_too(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    for later in range(1, 60):
        rig.feed(START + later * 33 * MS, 'camera')

    assert rig.modes == ['TEACHER', 'STUDENT', 'STUDENT']
    assert 'gas' in rig.changes[-1].reason
    assert 'gas' not in rig.changes[-2].reason


def test_the_origin_of_an_image_comes_back_with_its_frame(rig):
    rig.pipeline.put_image(START, IMAGE, origin='the header')

    assert rig.pipeline.take_frame().origin == 'the header'


@pytest.mark.parametrize(
    ('sentence', 'config'),
    [
        (
            'expected camera_timeout_s to be more than 0 s, got 0.0',
            {'timeouts_s': {'camera': 0.0}},
        ),
        (
            'expected touch_timeout_s to be more than 0 s, got nan',
            {'timeouts_s': {'touch': float('nan')}},
        ),
        ('expected recovery_s to be 0 s or more, got -1.0', {'recovery_s': -1.0}),
        ('expected min_confidence to be from 0 to 1, got 1.5', {'min_confidence': 1.5}),
        (
            "expected timeouts of camera, touch, gas, got one of 'nose'",
            {'timeouts_s': {'nose': 1}},
        ),
        ('patience', {'patience': 3}),
    ],
)
def test_a_configuration_that_no_robot_can_have_is_refused_by_name(sentence, config):
    with pytest.raises(ConfigurationError, match=sentence):
        RuntimeConfig.of(PROFILE, **config)


def test_the_timeouts_are_the_profiles_unless_set():
    config = RuntimeConfig.of(PROFILE, timeouts_s={'touch': 1.0})

    assert config.timeouts_s == {'camera': 0.2, 'touch': 1.0, 'gas': 1.25}
    assert (config.recovery_s, config.min_confidence) == (0.5, 0.25)


def test_a_clock_that_goes_back_clears_everything_and_says_so(rig):
    for later in range(5):
        rig.feed(START + later * 33 * MS, 'camera', 'touch', 'gas')
    rig.pipeline.update(START - 5000 * MS)

    assert (
        rig.changes[-1].reason
        == 'the clock was set back by 5.13 s: every reading before is forgotten'
    )
    report = rig.pipeline.report(START - 5000 * MS)
    assert report.clock_jumps == 1
    assert say(*report.sensors[1].reasons) == 'no touch reading yet'
    assert rig.feed(START - 4900 * MS, 'camera', 'touch', 'gas').mode is Mode.TEACHER


def test_two_threads_that_read_the_clock_a_moment_apart_are_no_jump(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    rig.pipeline.update(START - 50 * MS)

    assert rig.pipeline.report(START).clock_jumps == 0


def test_a_picture_that_takes_long_is_no_clock_that_was_set_back(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    perceive = rig.engine.perceive

    def slow(views):  # meanwhile the beat goes on
        for beat in range(1, 7):
            rig.put(START + beat * 50 * MS, 'touch', 'gas')
            rig.pipeline.update(START + beat * 50 * MS)
        return perceive(views)

    rig.engine.perceive = slow
    estimate = rig.feed(START + 33 * MS, 'camera', 'touch', 'gas')

    assert rig.pipeline.report(START + 300 * MS).clock_jumps == 0
    assert 'set back' not in estimate.reason


def test_an_engine_that_fails_late_is_no_clock_that_was_set_back(rig):
    rig.feed(START, 'camera', 'touch', 'gas')

    def fail(views):
        rig.pipeline.update(START + 500 * MS)
        raise RuntimeError('out of memory')

    rig.engine.perceive = fail
    rig.feed(START + 33 * MS, 'camera', 'touch', 'gas')

    assert rig.pipeline.report(START + 500 * MS).clock_jumps == 0


def test_a_pause_of_simulated_time_is_no_dropout(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    for _ in range(100):  # the clock stands still, however long that takes
        assert rig.pipeline.update(START) is Mode.TEACHER

    assert rig.feed(START + 33 * MS, 'camera', 'touch', 'gas').mode is Mode.TEACHER
    assert rig.modes == ['TEACHER']


def test_the_configuration_can_be_changed_while_it_runs(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    rig.pipeline.configure(
        RuntimeConfig.of(PROFILE, timeouts_s={'touch': 1.0}, min_confidence=0.95)
    )

    estimate = rig.feed(START + 500 * MS, 'camera', 'gas')
    assert rig.pipeline.decision.mode is Mode.TEACHER
    assert estimate.reason == 'confidence 0.90 is under the limit 0.95'


def test_one_bad_reading_among_many_changes_nothing_and_many_do_within_the_timeout(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    rig.pipeline.put('touch', START + 10 * MS, np.full(256, 5e4))
    assert rig.feed(START + 20 * MS, 'camera', 'touch').mode is Mode.TEACHER
    for later in range(1, 25):
        rig.pipeline.put('touch', START + (20 + 10 * later) * MS, np.full(256, 5e4))
    estimate = rig.feed(START + 270 * MS, 'camera', 'gas')

    assert estimate.mode is Mode.STUDENT
    assert (
        'newest touch reading is 0.25 s old (limit 0.20 s); 25 rejected, the last: 256 of 256 '
        'elements out of range' in (estimate.reason)
    )


def test_a_camera_behind_a_lens_cap_holds(rig):
    rig.feed(START, 'camera', 'touch', 'gas')
    for later in range(1, 4):
        rig.pipeline.put_image(START + later * 33 * MS, np.full((4, 6, 3), later, np.uint8))
        rig.pipeline.step(START + later * 33 * MS)
    rig.pipeline.update(START + 100 * MS)

    assert rig.changes[-1].mode is Mode.HOLD
    assert 'is the lens covered?' in rig.changes[-1].reason


def test_once_unsure_the_robot_acts_again_a_little_above_the_limit(rig):
    answers = []
    for index, confidence in enumerate((0.26, 0.24, 0.26, 0.31, 0.26)):
        rig.engine.confidence = confidence
        answers.append(rig.feed(START + index * 33 * MS, 'camera').action)

    assert answers == ['seal_crack', 'hold', 'hold', 'seal_crack', 'seal_crack']


def test_a_sense_that_waits_for_a_topic_says_so_in_the_reason_and_the_report(rig):
    rig.pipeline.note('gas', 'air/co2: nothing yet')
    rig.pipeline.update(0)
    reports = {report.sensor: report for report in rig.pipeline.report(0).sensors}
    said = say(*reports['gas'].reasons)
    assert said == 'no gas reading yet; waits for air/co2: nothing yet'
    assert reports['gas'].rejected == 0 and 'waits' not in say(*reports['touch'].reasons)
