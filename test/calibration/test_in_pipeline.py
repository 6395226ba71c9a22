# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was measured of the weights, used by the pipeline."""

from dataclasses import replace

import numpy as np
import pytest
from calibrated import PROFILE, calibration, predictor

from crossmodal_kd_ros.calibration.model import Calibration, Stack
from crossmodal_kd_ros.calibration.out_of_distribution import fine_detail
from crossmodal_kd_ros.profile import Mode, measure_quantity
from crossmodal_kd_ros.runtime import Perception, Pipeline

MS = 1_000_000
START = 1_000_000 * MS
ACTIONS = PROFILE.actions
GAS_NAMES = PROFILE.senses['gas'].channel_names
LIE = np.where(np.array(GAS_NAMES) == 'nh3_ppm', 20.0, 0.0)


class Engine:
    """Is as sure as it is told, and remembers what the teacher was shown."""

    kind, weights, profile = 'fake', 'fake', PROFILE

    def __init__(self) -> None:
        self.confidence, self.features, self.sure_of = 0.9, np.zeros(4, np.float32), {}
        self.gas = np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0], np.float32)
        # Of each teacher's decision: the readings that were there, and whether the view was blank.
        self.shown, self.blank = [], []
        self.perceived = 0

    def perceive(self, views):
        self.perceived += 1
        return Perception(
            probabilities=self._sure('student'),
            readings={'touch': np.full((1, 256), 2.0, np.float32), 'gas': self.gas[None]},
            quantities=np.array([[7.0, 8.0, 0.5, 0.3]], np.float32),
            quantities_std=np.full((1, 4), 0.5, np.float32),
            features=self.features[None],
            detail=fine_detail(views),
        )

    def decide(self, views, readings, present):
        self.shown.append({name: readings[name][0] for name in readings if present[name][0]})
        self.blank.append(not views.any())
        return self._sure('teacher')

    def _sure(self, who):
        probabilities = np.full((1, 6), (1.0 - self.confidence) / 5, np.float32)
        probabilities[0, self.sure_of.get(who, 1)] = self.confidence
        return probabilities


class Dark:
    """A generator of pictures with the lamp off."""

    def standard_normal(self, size):
        return np.random.default_rng().standard_normal(size)

    def integers(self, low, high, size, dtype):
        return np.random.default_rng().integers(0, 8, size, dtype)


class Damaged(Dark):
    """A generator of pictures of which half stands still."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def integers(self, low, high, size, dtype):
        picture = self._rng.integers(60, 200, size, dtype)
        picture[:4] = 100
        return picture


class Robot:
    """A calibrated pipeline at 10 Hz."""

    def __init__(self, measured: Calibration | None = None) -> None:
        self.engine, self.now_ns, self.rng, self.touch = (
            Engine(),
            START,
            np.random.default_rng(0),
            2.0,
        )
        self.pipeline = Pipeline(self.engine, calibration=measured or calibration())

    def step(self, *senses: str, touch=0.0, gas=0.0):
        """Return the estimate for a picture with fresh readings of `senses`."""
        self.now_ns += 100 * MS
        if 'touch' in senses:
            noise = 1e-3 * self.rng.standard_normal(256)
            self.pipeline.put('touch', self.now_ns, self.touch + touch + noise)
        if 'gas' in senses:
            noise = 1e-3 * self.rng.standard_normal(8)
            self.pipeline.put('gas', self.now_ns, self.engine.gas + gas + noise)
        self.pipeline.put_image(self.now_ns, self.rng.integers(0, 255, (8, 8, 3), np.uint8))
        self.answer = self.pipeline.step(self.now_ns)
        return self.answer.estimate


def values(by_name) -> np.ndarray:
    return np.array(list(by_name.values()))


def margins(estimate) -> np.ndarray:
    """Return how far the upper bounds lie above the quantities."""
    return values(estimate.upper) - values(estimate.quantities)


def test_each_set_of_sensors_is_decided_by_whoever_was_best_with_it():
    modes = [Robot().step(*senses).mode for senses in (('touch', 'gas'), ('gas',), ('touch',), ())]

    assert modes == [Mode.TEACHER, Mode.PARTIAL, Mode.STUDENT, Mode.STUDENT]


def test_each_mode_has_a_confidence_limit_of_its_own():
    robot = Robot()
    robot.engine.confidence = 0.6
    assert robot.step('touch', 'gas').action == ACTIONS[1]
    assert Robot().step().action == ACTIONS[1]
    blind = Robot()
    blind.engine.confidence = 0.6
    estimate = blind.step()

    assert estimate.action == 'hold'
    assert estimate.reason == 'confidence 0.60 is under the limit 0.80'


def test_measured_values_get_narrow_bounds_and_estimated_ones_the_students():
    estimate = Robot().step('touch')

    np.testing.assert_allclose(margins(estimate), 1.0, rtol=1e-4)
    estimate = Robot().step()
    np.testing.assert_allclose(values(estimate.quantities), [7.0, 8.0, 0.5, 0.3])
    np.testing.assert_allclose(values(estimate.lower), [6.0, 7.0, -0.5, 0.0])
    assert estimate.possible == (ACTIONS[1],)


def test_an_unfamiliar_picture_costs_confidence_and_widens_the_bounds():
    robot = Robot()
    robot.engine.features = np.full(4, 8.0, np.float32)
    estimate = robot.step()

    assert estimate.confidence == pytest.approx(0.9 / 4.0)
    assert (estimate.mode, estimate.action) == (Mode.HOLD, 'hold')
    assert estimate.reason.endswith(
        'the picture is 4.0 times as far from the familiar as it may be'
    )
    np.testing.assert_allclose(margins(estimate), 4.0, rtol=1e-4)


def test_gas_that_contradicts_the_picture_is_not_used_and_the_reason_names_the_channel():
    robot = Robot()
    for _ in range(10):
        assert robot.step('touch', 'gas').mode is Mode.TEACHER
    answers = [robot.step('touch', 'gas', gas=LIE) for _ in range(15)]

    assert answers[-1].mode is Mode.STUDENT
    assert 'gas contradicts the picture: nh3_ppm is +' in answers[-1].reason


def test_while_the_picture_is_unfamiliar_it_accuses_no_other_sense():
    robot = Robot()
    robot.step('touch', 'gas')
    robot.engine.features = np.full(4, 8.0, np.float32)
    for _ in range(20):
        robot.step('touch', 'gas', gas=LIE)

    assert robot.pipeline.decision.lost == ('camera',)


def test_touch_and_gas_do_without_pictures_that_show_nothing_known():
    robot = Robot()
    robot.step('touch', 'gas')
    robot.engine.features = np.full(4, 8.0, np.float32)
    modes = [robot.step('touch', 'gas').mode for _ in range(4)]

    assert modes == [Mode.HOLD, Mode.HOLD, Mode.HOLD, Mode.PARTIAL]
    assert robot.pipeline.decision.reason.startswith(
        'camera shows something unfamiliar: 4.0 times as far'
    )
    # Who decides is shown a blank; the student looks on, to know when there is something to see
    # again.
    assert robot.engine.blank[-2:] == [False, True] and robot.engine.perceived == 5
    robot.engine.features = np.zeros(4, np.float32)
    assert [robot.step('touch', 'gas').mode for _ in range(8)][-1] is Mode.TEACHER


def test_without_touch_strange_pictures_are_all_there_is_and_cost_confidence():
    robot = Robot()
    robot.engine.features = np.full(4, 2.2, np.float32)
    robot.engine.confidence = 0.95
    answers = [robot.step('gas') for _ in range(5)]

    assert {answer.mode for answer in answers} == {Mode.PARTIAL}
    assert answers[-1].confidence == pytest.approx(0.95 / 1.1)


def test_where_no_picture_arrives_nobody_decides_however_good_touch_and_gas_are():
    robot = Robot()
    robot.step('touch', 'gas')
    for _ in range(5):
        robot.now_ns += 100 * MS
        robot.pipeline.put('touch', robot.now_ns, robot.rng.standard_normal(256))
        mode = robot.pipeline.update(robot.now_ns)

    assert mode is Mode.HOLD
    assert robot.pipeline.decision.reason == 'newest camera reading is 0.50 s old (limit 0.20 s)'


def test_a_teacher_that_does_better_with_the_students_estimate_than_with_nothing_is_shown_it():
    measured = calibration()
    measured.predictors['camera+touch'][Mode.PARTIAL] = predictor(0.9, filled=True)
    robot = Robot(measured)
    estimate = robot.step('touch')

    assert estimate.mode is Mode.PARTIAL
    np.testing.assert_array_equal(robot.engine.shown[-1]['gas'], robot.engine.gas)
    assert 'gas' not in robot.answer.sample.readings
    # What the student estimates is published as an estimate, not as a measurement.
    assert estimate.quantities['co2_absorption'] == 0.5
    assert margins(estimate)[2] == pytest.approx(1.0)


def test_a_teacher_that_does_better_together_with_the_student_is_joined_with_it():
    measured = calibration()
    # The geometric mean of both.
    half = Stack(weights=np.tile(0.5 * np.eye(6), (2, 1)), bias=np.zeros(6))
    measured.predictors['camera+touch'][Mode.PARTIAL] = replace(predictor(0.9), stack=half)
    robot = Robot(measured)
    robot.engine.sure_of = {'teacher': 2, 'student': 1}
    estimate = robot.step('touch')

    # Of each one action has 0.9 and five have 0.02: two have the root of 0.9 * 0.02, the other
    # four 0.02.
    both = np.sqrt(0.9 * 0.02)
    assert estimate.probabilities[[1, 2]] == pytest.approx(
        [both / (2 * both + 4 * 0.02)] * 2, abs=1e-4
    )
    assert 'gas' not in robot.engine.shown[-1]


def test_a_gas_channel_that_cannot_be_is_read_from_the_picture_and_the_teacher_goes_on():
    robot = Robot()
    robot.step('touch', 'gas')
    spoilt = np.where(np.array(GAS_NAMES) == 'co2_surface_ppm', 1e6, 0.0)
    estimate = robot.step('touch', 'gas', gas=spoilt)

    assert estimate.mode is Mode.TEACHER
    shown = robot.engine.shown[-1]['gas']
    assert shown[1] == robot.engine.gas[1] and shown[0] != robot.engine.gas[0]
    assert estimate.quantities['co2_absorption'] == 0.5
    answers = [robot.step('touch', 'gas', gas=spoilt) for _ in range(20)]
    assert {answer.mode for answer in answers} == {Mode.TEACHER}


def test_a_picture_that_touch_and_gas_both_contradict_is_outvoted():
    robot = Robot()
    for _ in range(10):
        robot.step('touch', 'gas')
    robot.touch = 9.0
    answers = [robot.step('touch', 'gas', gas=LIE) for _ in range(30)]

    assert (answers[-1].mode, robot.pipeline.decision.lost) == (Mode.PARTIAL, ('camera',))
    assert answers[-1].reason == 'camera is contradicted by both touch and gas'


def test_an_unusual_picture_though_familiar_accuses_nobody():
    robot = Robot()
    robot.step('touch', 'gas')
    robot.engine.features = np.full(4, 1.5, np.float32)

    assert {robot.step('touch', 'gas', gas=LIE).mode for _ in range(20)} == {Mode.TEACHER}


def test_gas_that_needs_the_picture_for_a_channel_falls_with_the_camera():
    robot = Robot()
    robot.step('touch', 'gas')
    robot.engine.features = np.full(4, 2.2, np.float32)
    spoilt = np.where(np.array(GAS_NAMES) == 'co2_surface_ppm', 1e6, 0.0)
    for _ in range(6):
        answer = robot.step('touch', 'gas', gas=spoilt)

    # All there is: the camera counts on, and strange pictures cost confidence.
    assert robot.pipeline.decision.mode is Mode.TEACHER and answer.confidence == pytest.approx(
        0.9 / 1.1
    )
    robot.rng = Dark()
    for _ in range(4):
        robot.step('touch', 'gas', gas=spoilt)
    assert robot.pipeline.decision.lost == ('camera', 'gas')
    assert 'gas co2_surface_ppm reads 1.0003e+06, which it' in robot.pipeline.decision.reason
    assert robot.pipeline.decision.reason.endswith(
        'cannot (a working one 0 to 40000): read from the picture, which is not trusted either'
    )


def test_a_noisy_channel_is_weighed_with_the_picture_only_while_that_is_trusted():
    measured, rng = calibration(), np.random.default_rng(1)
    measured.residuals['gas'] = replace(measured.residuals['gas'], scale=np.full(8, 10.0))
    robot, co2 = Robot(measured), np.array(GAS_NAMES) == 'co2_surface_ppm'

    def spread(steps: int, times: float) -> float:
        """Return the deviation of the last readings that were used."""
        used = []
        for _ in range(steps):
            robot.step('touch', 'gas', gas=times * co2 * rng.standard_normal())
            used.append(robot.answer.sample.readings['gas'][1] - robot.engine.gas[1])
        return np.std(used[-10:])

    spread(100, 1.0)
    assert spread(40, 40.0) < 5.0
    robot.rng = Dark()
    assert spread(15, 40.0) > 20.0
    assert robot.pipeline.decision.lost == ('camera',)
    # What is published is what was used; how far off so noisy a reading is nobody has measured.
    estimate, used = robot.answer.estimate, robot.answer.sample.readings
    measured_co2 = measure_quantity(PROFILE, PROFILE.quantities['co2_absorption'], used)
    assert estimate.quantities['co2_absorption'] == pytest.approx(measured_co2)
    assert 'co2_absorption' not in estimate.lower


def test_what_was_used_and_what_the_networks_said_of_it_can_be_looked_up():
    measured = calibration()
    measured.predictors['camera+touch'][Mode.PARTIAL] = predictor(0.9, filled=True)
    robot = Robot(measured)
    estimate = robot.step('touch')

    assert set(robot.answer.sample.readings) == {'touch'}
    assert robot.answer.probabilities is estimate.probabilities
    assert robot.answer.perception.readings['gas'] is estimate.readings['gas']


def test_a_damaged_picture_accuses_nobody_and_is_done_without():
    robot = Robot()
    robot.rng = Damaged()
    answers = [robot.step('touch', 'gas', gas=LIE if tick > 15 else 0.0) for tick in range(40)]

    assert (answers[-1].mode, robot.pipeline.decision.lost) == (Mode.PARTIAL, ('camera',))
    assert answers[-1].reason.startswith('camera is damaged: 50% of the picture')


def test_a_damaged_picture_is_not_done_without_before_a_sense_that_is_back_counts():
    robot = Robot()
    robot.step('touch', 'gas')
    for tick in range(30):
        if tick == 15:
            robot.rng = Damaged()
        robot.step('touch')
    modes = []
    for _ in range(10):
        robot.step('touch', 'gas')
        modes.append(robot.pipeline.decision.mode)

    assert Mode.HOLD not in modes
    assert (modes[-1], robot.pipeline.decision.lost) == (Mode.PARTIAL, ('camera',))


def test_what_is_estimated_from_a_picture_that_is_not_trusted_comes_without_bounds():
    robot = Robot()
    for _ in range(5):
        estimate = robot.step('touch', 'gas')
    assert 'crack_width' in estimate.upper
    robot.rng = Damaged()
    for _ in range(20):
        estimate = robot.step('touch', 'gas')

    assert robot.pipeline.decision.lost == ('camera',)
    assert set(estimate.quantities) == set(PROFILE.quantities)
    assert 'crack_depth' in estimate.upper and 'crack_width' not in estimate.upper


@pytest.mark.parametrize(('dead', 'is_bounded'), [(4, True), (5, False)])
def test_what_is_measured_with_many_elements_read_from_their_neighbours_has_no_bounds(
    dead, is_bounded
):
    robot = Robot()
    robot.step('touch', 'gas')
    estimate = robot.step('touch', 'gas', touch=1e6 * (np.arange(256) < dead))

    # Of the texture's 128 elements; the indentation's are whole.
    assert estimate.quantities['surface_roughness'] == pytest.approx(2.0, abs=0.1)
    assert ('surface_roughness' in estimate.upper) == is_bounded
    assert 'crack_depth' in estimate.upper


def test_what_a_slow_sense_measures_has_bounds_once_pictures_have_shown_the_way_here():
    robot, response_s = Robot(), PROFILE.senses['gas'].response_s

    def is_bounded():
        estimate = robot.step('touch', 'gas')
        assert estimate.quantities['co2_absorption'] == pytest.approx(0.25, abs=0.01)
        return 'co2_absorption' in estimate.lower

    steps = round(10 * response_s)
    assert [is_bounded() for _ in range(2 * steps)] == [False] * steps + [True] * steps
    robot.rng = Dark()
    assert [is_bounded() for _ in range(5)][-1] is False


def test_the_last_reading_of_a_sensor_that_stutters_is_used_and_is_no_measurement_of_now():
    robot = Robot()
    for senses in ([('touch', 'gas')] * 7 + [('gas',)] * 3) * 3:
        estimate = robot.step(*senses)

    assert estimate.mode is Mode.TEACHER and 'touch' in robot.engine.shown[-1]
    # as the student sees it
    assert (estimate.quantities['surface_roughness'], estimate.upper['surface_roughness']) == (
        7.0,
        8.0,
    )
    assert estimate.reason == 'newest touch reading is 0.30 s old (limit 0.20 s)'


def test_a_noisy_channel_counts_as_much_as_it_is_worth_beside_the_picture():
    model, gas = calibration().residuals['gas'], Engine().gas
    std = np.array([0.0, 1.0, 3.0, np.inf, 0.0, 0.0, 0.0, 0.0])
    weighed = model.weigh(gas + 10.0, gas, std)

    # The student's own deviation is 1 here: a share of 1 / (1 + std^2) for what is measured.
    np.testing.assert_allclose(
        (weighed - gas)[:5], [10.0, 5.0, 1.0, 0.0, 10.0], rtol=1e-4, atol=1e-4
    )
