# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The engine that runs the networks in torch."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from crossmodal_kd_ros.contract import Mode, Sample  # noqa: E402
from crossmodal_kd_ros.networks import Student, WeightsError, save_weights  # noqa: E402
from crossmodal_kd_ros.runtime.torch_engine import TorchEngine  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
SAMPLE = Sample(
    stamp_ns=1, image=IMAGE, touch=np.ones(256, np.float32), gas=np.ones(8, np.float32)
)


@pytest.fixture(scope='module')
def engine(models):
    """Return an engine with untrained weights."""
    return TorchEngine(models)


def test_a_prediction_has_the_shapes_and_types_of_the_contract(engine):
    prediction = engine.infer(SAMPLE, Mode.TEACHER)

    shapes = {name: value.shape for name, value in dataclasses.asdict(prediction).items()}
    assert shapes == {
        'probabilities': (6,),
        'touch': (256,),
        'gas': (8,),
        'surface': (3,),
        'surface_std': (3,),
        'features': (64,),
        'detail': (),
        'student_probabilities': (6,),
    }
    assert np.all(prediction.surface_std > 0.0)
    assert {value.dtype for value in dataclasses.asdict(prediction).values()} == {
        np.dtype(np.float32)
    }
    assert prediction.probabilities.sum() == pytest.approx(1.0, abs=1e-5)


def test_the_student_estimates_in_every_mode_and_the_teacher_decides_in_its_own(engine):
    teacher, student, hold = (
        engine.infer(SAMPLE, mode) for mode in (Mode.TEACHER, Mode.STUDENT, Mode.HOLD)
    )

    for name in ('touch', 'gas', 'surface'):
        np.testing.assert_array_equal(getattr(teacher, name), getattr(student, name))
    np.testing.assert_array_equal(student.probabilities, hold.probabilities)
    assert not np.allclose(teacher.probabilities, student.probabilities, atol=1e-4)


def test_many_samples_at_once_are_answered_as_each_would_be(engine):
    rng = np.random.default_rng(1)
    samples = [
        dataclasses.replace(
            SAMPLE,
            image=rng.integers(0, 255, (48, 64, 3), np.uint8),
            touch=rng.random(256, np.float32),
            gas=rng.random(8, np.float32),
        )
        for _ in range(3)
    ]
    samples[1] = dataclasses.replace(samples[1], touch=None, gas=None)
    modes = [Mode.TEACHER, Mode.STUDENT, Mode.TEACHER]

    for sample, mode, prediction in zip(
        samples, modes, engine.infer_many(samples, modes, [False] * 3)
    ):
        alone = engine.infer(sample, mode)
        for name, value in dataclasses.asdict(alone).items():
            np.testing.assert_allclose(getattr(prediction, name), value, rtol=1e-4, atol=1e-4)


def test_a_teacher_of_many_samples_can_be_shown_what_the_student_sees_of_a_lost_sense(engine):
    lost = dataclasses.replace(SAMPLE, touch=None)
    blind, filled = engine.infer_many([lost, lost], [Mode.PARTIAL] * 2, [False, True])

    seen = engine.infer(lost, Mode.STUDENT)
    shown = engine.infer(dataclasses.replace(lost, touch=seen.touch), Mode.PARTIAL)
    np.testing.assert_allclose(filled.probabilities, shown.probabilities, atol=1e-5)
    np.testing.assert_allclose(
        blind.probabilities, engine.infer(lost, Mode.PARTIAL).probabilities, atol=1e-5
    )
    assert not np.allclose(blind.probabilities, filled.probabilities, atol=1e-4)


def test_the_students_own_probabilities_come_in_every_mode(engine):
    teacher, student = engine.infer(SAMPLE, Mode.TEACHER), engine.infer(SAMPLE, Mode.STUDENT)

    np.testing.assert_array_equal(teacher.student_probabilities, student.probabilities)
    np.testing.assert_array_equal(student.student_probabilities, student.probabilities)


def test_in_partial_mode_the_teacher_decides_and_a_lost_sense_has_no_say(engine):
    without_touch = dataclasses.replace(SAMPLE, touch=None)
    partial = engine.infer(without_touch, Mode.PARTIAL).probabilities

    assert not np.allclose(
        partial, engine.infer(without_touch, Mode.STUDENT).probabilities, atol=1e-4
    )
    assert not np.allclose(partial, engine.infer(SAMPLE, Mode.TEACHER).probabilities, atol=1e-6)
    np.testing.assert_array_equal(
        engine.infer(SAMPLE, Mode.PARTIAL).probabilities,
        engine.infer(SAMPLE, Mode.TEACHER).probabilities,
    )


def test_the_student_needs_neither_touch_nor_gas(engine):
    blind = dataclasses.replace(SAMPLE, touch=None, gas=None)

    np.testing.assert_array_equal(
        engine.infer(blind, Mode.STUDENT).probabilities,
        engine.infer(SAMPLE, Mode.STUDENT).probabilities,
    )


def test_the_name_tells_two_sets_of_weights_apart(engine, models, tmp_path):
    save_weights(Student(), tmp_path / 'student.safetensors', card={})
    (tmp_path / 'teacher.safetensors').write_bytes((models / 'teacher.safetensors').read_bytes())

    student, teacher = engine.name.split(', ')
    other_student, other_teacher = TorchEngine(tmp_path).name.split(', ')

    assert student != other_student
    assert teacher == other_teacher


def test_weights_that_are_missing_are_refused_by_their_path(tmp_path):
    with pytest.raises(WeightsError, match='student.safetensors'):
        TorchEngine(tmp_path)


@pytest.mark.parametrize('device', ['gpu', 'cuda:63'])
def test_a_device_that_does_not_work_here_is_refused_by_name(models, device):
    with pytest.raises(
        ValueError, match=f'expected a torch device that works here, such as cpu, got {device!r}'
    ):
        TorchEngine(models, device=device)
