# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a teacher is shown where a sense is lost, and a sense of several topics."""

import made_up_bag as made
import numpy as np
import pytest
from calibrated import four_features
from made_up_bag import PROFILE
from replays import answers
from test_topics import air_topics

from crossmodal_kd_ros.bags import read_messages
from crossmodal_kd_ros.bags.replay import Model
from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag
from crossmodal_kd_ros.calibration.intervals import Intervals
from crossmodal_kd_ros.calibration.model import Calibration, Predictor
from crossmodal_kd_ros.profile import Mode, load_profile
from crossmodal_kd_ros.runtime import Perception


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
        out_of_distribution=four_features(usual=1.5),
        residuals={},
    )


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
