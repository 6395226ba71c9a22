# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a calibration is fitted to: sets of sensors of any profile, and pairs enough."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')

from crossmodal_kd_ros.benchmark.coverage import coverage  # noqa: E402
from crossmodal_kd_ros.calibration.fit import ask, calibrate, sensor_sets  # noqa: E402
from crossmodal_kd_ros.calibration.model import (  # noqa: E402
    CalibrationError,
    load_calibration,
    save_calibration,
)
from crossmodal_kd_ros.datasets import Pairs  # noqa: E402
from crossmodal_kd_ros.networks import Student, Teacher, save_weights  # noqa: E402
from crossmodal_kd_ros.profile import Mode, load_profile  # noqa: E402

sys.path.append(str(Path(__file__).parents[1] / 'training'))
from made_up_pairs import make_pairs  # noqa: E402
from three_senses import three_senses  # noqa: E402

PROFILE = load_profile('living_wall')


def test_somebody_can_decide_with_every_set_with_the_camera_and_with_all_senses_alone():
    assert list(sensor_sets(PROFILE)) == [
        'camera+touch+gas',
        'camera+touch',
        'camera+gas',
        'camera',
        'touch+gas',
    ]
    third = PROFILE.senses['gas'].model_copy(update={'name': 'nose'})
    three = PROFILE.model_copy(update={'senses': {**PROFILE.senses, 'nose': third}})
    sets = sensor_sets(three)
    assert len(sets) == 2**3 + 1
    assert sets['camera+touch+nose'] == ('camera', 'touch', 'nose')
    assert list(sets)[0] == 'camera+touch+gas+nose' and list(sets)[-1] == 'touch+gas+nose'


def test_the_teacher_is_asked_with_each_set_and_with_the_students_estimate_of_what_is_lost(models):
    answers = ask(models, make_pairs(8), PROFILE)

    assert set(answers.teacher) == set(sensor_sets(PROFILE))
    assert set(answers.filled) == {'camera+touch', 'camera+gas', 'camera'}
    for probabilities in (answers.student, *answers.teacher.values(), *answers.filled.values()):
        assert probabilities.shape == (8, 6)
        np.testing.assert_allclose(probabilities.sum(1), 1.0, atol=1e-5)
    assert not np.allclose(answers.teacher['camera'], answers.filled['camera'])
    assert not np.allclose(answers.teacher['touch+gas'], answers.teacher['camera+touch+gas'])
    shapes = {sense: values.shape for sense, values in answers.readings.items()}
    assert shapes == {'touch': (8, 256), 'gas': (8, 8)}
    assert (answers.quantities_std > 0).all()


def test_the_whole_is_the_teachers_and_too_few_pairs_are_refused(models):
    pairs = make_pairs(80)
    answers = ask(models, pairs, PROFILE)
    predictors = calibrate(models, pairs, answers, origin={}).predictors

    assert set(predictors['camera+touch+gas']) == {Mode.TEACHER, Mode.STUDENT}
    assert set(predictors['touch+gas']) == {Mode.PARTIAL}
    with pytest.raises(
        CalibrationError, match='expected at least 30 labelled pairs in either half'
    ):
        calibrate(models, pairs[:40], answers, origin={})


def test_a_profile_without_quantities_is_calibrated_too(tmp_path):
    profile, count, rng = three_senses(quantities={}), 80, np.random.default_rng(0)
    for network in (Student, Teacher):
        save_weights(network(profile), tmp_path / f'{network.kind}.safetensors', card={})
    pairs = Pairs(
        image=rng.integers(0, 256, (count, 64, 64, 3), np.uint8),
        readings={n: rng.random((count, s.size), np.float32) for n, s in profile.senses.items()},
        quantities=np.zeros((count, 0), np.float32),
        action=np.arange(count) % 3,
        night=np.arange(count) % 2 == 0,
        group=np.arange(count),
    )
    answers = ask(tmp_path, pairs, profile)
    calibration = calibrate(tmp_path, pairs, answers, origin={})
    rows = coverage(calibration, pairs, answers)
    save_calibration(calibration, tmp_path)

    assert {row['quantity'] for row in rows} == {'action'}
    assert load_calibration(tmp_path, profile).intervals.measured.shape == (2, 0)
