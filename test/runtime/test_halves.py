# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A pipeline in two halves, any number of senses, and two threads."""

import threading

import numpy as np
import pytest
from calibrated import four_features, standard_residuals
from three_senses import AIR, PAD, SKIN, three_senses

from crossmodal_kd_ros.calibration.intervals import Intervals
from crossmodal_kd_ros.calibration.model import Calibration, Predictor, Stack, sensor_set
from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.profile import HOLD, Mode
from crossmodal_kd_ros.runtime import Perception, Pipeline, RuntimeConfig, decide_with

MS = 1_000_000
START = 1_000_000 * MS
PROFILE = three_senses()
SENSES = tuple(PROFILE.senses)
MIDDLE = {
    name: (sense.per_element('min') + sense.per_element('max')) / 2
    for name, sense in PROFILE.senses.items()
}
MIDDLE[AIR][1] = 50.0  # the channel that the robot lacks


class Engine:
    """Sees the middle of every range; how many senses are there says what its teacher prefers."""

    kind, weights, profile = 'fake', 'fake', PROFILE

    def __init__(self) -> None:
        self.confidence = 0.9
        self.calls = []

    def perceive(self, views):
        self.calls.append(('perceive', len(views)))
        return Perception(
            probabilities=self._sure([0] * len(views)),
            readings={name: np.tile(value, (len(views), 1)) for name, value in MIDDLE.items()},
            quantities=np.tile(np.float32([7.0, 1.5]), (len(views), 1)),
            quantities_std=np.ones((len(views), 2), np.float32),
            features=np.zeros((len(views), 4), np.float32),
            detail=np.full(len(views), 10.0, np.float32),
        )

    def decide(self, views, readings, present):
        self.calls.append(('decide', len(views)))
        there = np.array([present[name] for name in SENSES])
        self.present, self.readings, self.views = there, readings, views
        return self._sure(there.sum(0) % 3)

    def _sure(self, actions):
        probabilities = np.full((len(actions), 3), (1.0 - self.confidence) / 2, np.float32)
        probabilities[np.arange(len(actions)), actions] = self.confidence
        return probabilities


def predictor(accuracy: float, **changes) -> Predictor:
    values = {'min_confidence': 0.5, 'held': 0.1, 'decided': accuracy, 'min_possible': 0.2}
    return Predictor(accuracy=accuracy, **values | changes)


def calibration(**predictors) -> Calibration:
    """Return a calibration by which the teacher is best with the camera and two senses, or all."""
    sets = {
        PROFILE.sensors: {Mode.TEACHER: predictor(0.97)},
        SENSES: {Mode.PARTIAL: predictor(0.9)},
        ('camera',): {Mode.STUDENT: predictor(0.8)},
    }
    for lost in SENSES:
        usable = tuple(sensor for sensor in PROFILE.sensors if sensor != lost)
        sets[usable] = {Mode.PARTIAL: predictor(0.9), Mode.STUDENT: predictor(0.8)}
    return Calibration(
        profile=PROFILE,
        weights={'student': 'aa', 'teacher': 'bb'},
        origin={},
        predictors={sensor_set(PROFILE, usable): modes for usable, modes in sets.items()}
        | predictors,
        intervals=Intervals(
            measured=np.array([[-1.0, np.nan], [1.0, np.nan]]),
            estimated=np.array([[-2.0, -2.0], [2.0, 0.5]]),
        ),
        out_of_distribution=four_features(),
        residuals=standard_residuals(PROFILE),
    )


class Robot:
    """A pipeline at 10 Hz that is fed healthy readings, or others by sense."""

    def __init__(self, **arguments) -> None:
        self.engine, self.changes, self.now_ns = Engine(), [], START
        self.rng = np.random.default_rng(0)
        self.pipeline = Pipeline(self.engine, on_mode=self.changes.append, **arguments)

    def put(self, *, without=(), offsets=None) -> None:
        self.now_ns += 100 * MS
        for name, value in MIDDLE.items():
            if name not in without:
                noise = 1e-3 * self.rng.standard_normal(value.size)
                reading = value + noise + (offsets or {}).get(name, 0.0)
                if name == AIR:
                    reading[1] = 50.0
                self.pipeline.put(name, self.now_ns, reading)
        self.pipeline.put_image(self.now_ns, self.rng.integers(0, 255, (8, 8, 3), np.uint8))

    def step(self, **changes):
        self.put(**changes)
        return self.pipeline.step(self.now_ns)


def test_a_robot_with_three_senses_is_decided_by_all_of_them():
    robot = Robot(calibration=calibration())
    answer = robot.step()

    assert (answer.estimate.mode, answer.estimate.action) == (Mode.TEACHER, 'wait')
    assert answer.estimate.reason == 'camera, pad, skin and air are healthy'
    assert set(answer.sample.readings) == set(SENSES) and robot.engine.present.all()
    assert answer.estimate.quantities['pressure'] == pytest.approx(10.0, abs=0.01)


@pytest.mark.parametrize(
    ('without', 'confidence', 'mode'),
    [
        ((), 0.9, Mode.TEACHER),
        ((PAD,), 0.9, Mode.PARTIAL),
        (SENSES, 0.9, Mode.STUDENT),
        (SENSES, 0.4, Mode.HOLD),
    ],
    ids=str,
)
def test_what_only_the_picture_shows_is_estimated_with_its_bounds_in_every_mode(
    without, confidence, mode
):
    robot = Robot(calibration=calibration())
    robot.engine.confidence = confidence
    estimate = robot.step(without=without).estimate

    assert estimate.mode is mode
    # Its deviation is 1; measured bounds, which it has not, would be NaN.
    gap = {name: value for name, value in estimate.named_quantities().items() if 'gap' in name}
    assert gap == {'gap': 1.5, 'gap_lower': 0.0, 'gap_upper': 2.0}


def test_a_quantity_that_the_calibration_knew_too_little_of_comes_without_bounds():
    measured = calibration()
    measured.intervals.estimated[:, 1] = np.nan
    estimate = Robot(calibration=measured).step().estimate

    assert list(estimate.named_quantities()) == [
        'pressure',
        'gap',
        'pressure_lower',
        'pressure_upper',
    ]


@pytest.mark.parametrize('lost', SENSES)
def test_each_of_three_senses_can_be_lost_and_return(lost):
    robot = Robot(calibration=calibration())
    robot.step()
    timeout_s = PROFILE.senses[lost].timeout_s
    for _ in range(round(10 * timeout_s) + 1):
        answer = robot.step(without=[lost])

    assert answer.estimate.mode is Mode.PARTIAL
    assert answer.estimate.reason.startswith(f'newest {lost} reading is ')
    assert lost not in answer.sample.readings
    assert [name for name, there in zip(SENSES, robot.engine.present) if not there[0]] == [lost]
    assert robot.pipeline.decision.lost == (lost,)
    # `pressure` is measured by the pad.
    measured = robot.engine.readings[PAD][0].max() if lost != PAD else 7.0
    assert answer.estimate.quantities['pressure'] == pytest.approx(measured, abs=0.01)
    for _ in range(8):
        answer = robot.step()
    assert answer.estimate.mode is Mode.TEACHER


def test_two_of_three_senses_lost_leave_nobody_who_was_measured():
    robot = Robot(calibration=calibration())
    for _ in range(3):
        answer = robot.step(without=[PAD, SKIN])

    assert (answer.estimate.mode, answer.estimate.action) == (Mode.HOLD, HOLD)
    assert robot.pipeline.decision.lost == (PAD, SKIN)


def test_of_three_senses_only_all_of_them_outvote_the_picture():
    robot = Robot(calibration=calibration())
    for _ in range(10):
        robot.step()
    two = {PAD: np.repeat([8.0, 0.0], 35), AIR: 40.0}
    for _ in range(15):
        answer = robot.step(offsets=two)
    assert answer.estimate.reason.startswith('pad contradicts the picture: ')
    assert robot.pipeline.decision.lost == (PAD, AIR)

    robot = Robot(calibration=calibration())
    for _ in range(10):
        robot.step()
    for _ in range(15):
        answer = robot.step(offsets=two | {SKIN: 20.0})
    assert answer.estimate.reason == 'camera is contradicted by pad, skin and air'
    assert (answer.estimate.mode, robot.pipeline.decision.lost) == (Mode.PARTIAL, ('camera',))
    assert not robot.engine.views.any()


def test_the_student_runs_once_a_picture_in_every_mode():
    robot = Robot(calibration=calibration())
    robot.step()
    robot.step(offsets={AIR: np.array([1e5, 0.0, 0.0])})  # a channel that is read from the picture
    for _ in range(30):
        robot.step(without=[PAD])

    assert robot.engine.calls.count(('perceive', 1)) == 32


def test_a_stretch_that_is_decided_at_once_is_answered_as_picture_by_picture():
    def drive(robot: Robot):
        for index in range(30):
            robot.engine.confidence = 0.4 if 12 <= index < 15 else 0.9
            yield {'without': [PAD]} if 5 <= index < 20 else {}

    alone = Robot(calibration=calibration())
    expected = []
    for changes in drive(alone):
        expected.append(alone.step(**changes).estimate)
        alone.pipeline.update(alone.now_ns + 50 * MS)

    robot = Robot(calibration=calibration())
    events = []
    for changes in drive(robot):
        robot.put(**changes)
        perception = robot.engine.perceive(np.zeros((1, 64, 64, 3), np.uint8)).row(0)
        pending = robot.pipeline.prepare(
            robot.pipeline.take_frame(),
            robot.now_ns,
            perception,
            view=np.zeros((64, 64, 3), np.uint8),
        )
        sure = robot.engine.confidence
        beat_ns = robot.now_ns + 50 * MS
        events.append((pending, sure, robot.pipeline.observe(beat_ns), beat_ns))
    estimates = []
    for pending, sure, decision, beat_ns in events:
        robot.engine.confidence = sure
        probabilities = robot.engine.decide(
            pending.view[None],
            {name: value[None] for name, value in pending.readings.items()},
            {name: np.array([there]) for name, there in pending.present.items()},
        )[0]
        answer = robot.pipeline.finish(pending, probabilities if pending.needs_teacher else None)
        estimates.append(answer.estimate)
        robot.pipeline.announce(decision, beat_ns)

    def published(estimate):
        return estimate.mode, estimate.reason, estimate.action, estimate.confidence

    assert list(map(published, estimates)) == list(map(published, expected))
    assert robot.changes == alone.changes and len(robot.changes) > 3


def test_what_one_picture_gets_is_what_a_batch_of_the_same_sensors_gets():
    half = Stack(weights=np.tile(0.5 * np.eye(3), (2, 1)), bias=np.zeros(3))
    joined = {
        'camera+skin+air': {
            Mode.PARTIAL: predictor(0.95, filled=True, stack=half),
            Mode.STUDENT: predictor(0.8),
        }
    }
    robot = Robot(calibration=calibration(**joined))
    for _ in range(4):
        answer = robot.step(without=[PAD])
    views = np.zeros((5, 64, 64, 3), np.uint8)
    probabilities = decide_with(
        robot.engine,
        calibration(**joined),
        ('camera', SKIN, AIR),
        views,
        {name: np.tile(MIDDLE[name], (5, 1)) for name in (SKIN, AIR)},
        robot.engine.perceive(views),
    )

    assert robot.engine.present.all()  # the lost one is filled in
    np.testing.assert_allclose(probabilities, np.tile(answer.probabilities, (5, 1)))
    assert probabilities[0] == pytest.approx(robot.engine._sure([0])[0])


@pytest.mark.parametrize(
    ('usable', 'teacher'),
    [(PROFILE.sensors, True), (('camera', PAD), False), (SENSES, False), ((), False)],
)
def test_without_a_calibration_the_teacher_decides_with_every_sense_and_else_the_student(
    usable, teacher
):
    engine, views = Engine(), np.zeros((2, 64, 64, 3), np.uint8)
    perception = engine.perceive(views)
    readings = {name: np.tile(value, (2, 1)) for name, value in MIDDLE.items()}
    probabilities = decide_with(engine, None, usable, views, readings, perception)

    assert (('decide', 2) in engine.calls) == teacher
    assert teacher or probabilities is perception.probabilities


def test_an_answer_that_was_under_way_when_the_clock_was_set_back_is_forgotten():
    robot = Robot(config=RuntimeConfig.of(PROFILE, min_confidence=0.5))
    for _ in range(3):
        robot.step()
    robot.put()
    pending = robot.pipeline.prepare(robot.pipeline.take_frame(), robot.now_ns)
    mode = robot.pipeline.update(START - 5000 * MS)  # by the thread that has the beat
    answer = robot.pipeline.finish(pending, np.array([0.4, 0.3, 0.3], np.float32))

    assert mode is Mode.HOLD
    assert robot.changes[-1].reason.startswith('the clock was set back by 5.40 s')
    assert answer.estimate.action == HOLD
    # Neither mode nor gate know anything of it in the new epoch.
    assert robot.pipeline.report(START - 5000 * MS).reason == 'no camera reading yet'
    robot.engine.confidence, robot.now_ns = 0.52, START - 4000 * MS
    assert robot.step().estimate.mode is Mode.TEACHER


def answer_under_way(robot: Robot):
    """Return a picture that waits for its teacher, after one that was answered."""
    robot.step()
    robot.put()
    return robot.pipeline.prepare(robot.pipeline.take_frame(), robot.now_ns)


SURE = np.array([0.9, 0.05, 0.05], np.float32)


def test_a_camera_that_dies_while_the_teacher_is_asked_makes_the_answer_a_hold():
    robot = Robot()
    pending = answer_under_way(robot)
    assert robot.pipeline.update(robot.now_ns + 5000 * MS) is Mode.HOLD  # the thread of the beat
    answer = robot.pipeline.finish(pending, SURE)

    assert (answer.estimate.mode, answer.estimate.action) == (Mode.HOLD, HOLD)
    assert answer.estimate.reason == robot.changes[-1].reason
    assert robot.changes[-1].reason.startswith('newest camera reading is 5.0')


def test_a_hold_that_is_over_still_forbids_what_was_decided_before_it():
    robot = Robot()
    pending = answer_under_way(robot)
    robot.pipeline.suspend(Reason(ReasonCode.NO_CLOCK, text='/clock'))
    assert robot.pipeline.update(robot.now_ns) is Mode.HOLD
    robot.pipeline.suspend()
    assert robot.pipeline.update(robot.now_ns) is Mode.TEACHER

    assert robot.pipeline.finish(pending, SURE).estimate.action == HOLD
    assert robot.step().estimate.action != HOLD


def test_nothing_is_sent_to_act_on_after_a_newer_hold():
    robot, sent = Robot(), []
    answer = robot.pipeline.finish(answer_under_way(robot), SURE)
    assert answer.estimate.action != HOLD
    assert robot.pipeline.act_on(answer, lambda: sent.append('before'))
    robot.pipeline.update(robot.now_ns + 5000 * MS)

    assert not robot.pipeline.act_on(answer, lambda: sent.append('after'))
    assert sent == ['before']


def test_a_beat_while_an_unsure_robot_asks_its_teacher_does_not_keep_it_unsure():
    robot = Robot(config=RuntimeConfig.of(PROFILE, min_confidence=0.5))
    robot.engine.confidence = 0.4
    pending = answer_under_way(robot)
    assert robot.pipeline.update(robot.now_ns) is Mode.HOLD

    assert robot.pipeline.finish(pending, SURE).estimate.action != HOLD


def test_two_threads_and_a_clock_that_jumps_never_mix_two_epochs():
    robot = Robot(config=RuntimeConfig.of(PROFILE, min_confidence=0.5))
    robot.engine.confidence = 0.4  # every answer is withheld, and closes the gate
    stop, errors = threading.Event(), []

    def beat() -> None:
        back = 0
        while not stop.is_set():
            back += 1
            try:
                robot.pipeline.update(START - (back % 2) * 60_000 * MS)
            except Exception as error:  # noqa: BLE001  It is the test's to see.
                errors.append(error)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        for _ in range(200):
            robot.step()
    finally:
        stop.set()
        thread.join()

    assert not errors
    jumps = robot.pipeline.report(robot.now_ns).clock_jumps
    assert jumps > 0
    robot.pipeline.update(robot.now_ns - 120_000 * MS)
    robot.now_ns -= 120_000 * MS
    # The gate has hysteresis: this passes only where no answer before it closed it.
    robot.engine.confidence = 0.52
    assert robot.step().estimate.mode is Mode.TEACHER
