# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The engine that runs the networks in torch, and the choice of an engine by name."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from three_senses import three_senses  # noqa: E402

from crossmodal_kd_ros.errors import ConfigurationError  # noqa: E402
from crossmodal_kd_ros.networks import (  # noqa: E402
    Student,
    Teacher,
    WeightsError,
    load_student,
    load_teacher,
    save_weights,
)
from crossmodal_kd_ros.profile import load_profile  # noqa: E402
from crossmodal_kd_ros.runtime import make_engine  # noqa: E402
from crossmodal_kd_ros.runtime.torch_engine import TorchEngine  # noqa: E402

PROFILE = load_profile()
VIEWS = np.random.default_rng(0).integers(0, 255, (3, 128, 128, 3), np.uint8)
READINGS = {
    name: np.random.default_rng(1).random((3, sense.size), np.float32)
    for name, sense in PROFILE.senses.items()
}
PRESENT = {name: np.ones(3, bool) for name in READINGS}


@pytest.fixture(scope='module')
def engine(models):
    """Return an engine with untrained weights."""
    return TorchEngine(models, PROFILE)


def test_a_perception_has_the_shapes_and_types_of_the_profile(engine):
    seen = dataclasses.asdict(engine.perceive(VIEWS))
    readings = seen.pop('readings')

    assert {name: value.shape for name, value in readings.items()} == {
        'touch': (3, 256),
        'gas': (3, 8),
    }
    assert {name: value.shape for name, value in seen.items()} == {
        'probabilities': (3, 6),
        'quantities': (3, 3),
        'quantities_std': (3, 3),
        'features': (3, 64),
        'detail': (3,),
    }
    assert {value.dtype for value in (*seen.values(), *readings.values())} == {
        np.dtype(np.float32)
    }
    assert np.all(seen['quantities_std'] > 0.0)
    np.testing.assert_allclose(seen['probabilities'].sum(1), 1.0, atol=1e-5)


def test_both_answers_are_those_of_the_networks(engine, models):
    image = torch.from_numpy(VIEWS).permute(0, 3, 1, 2) / 255.0
    student = load_student(models / 'student.safetensors', PROFILE)
    teacher = load_teacher(models / 'teacher.safetensors', PROFILE)
    with torch.inference_mode():
        output = student(image)
        decided = teacher(
            image,
            {name: torch.from_numpy(values) for name, values in READINGS.items()},
            {name: torch.from_numpy(values) for name, values in PRESENT.items()},
        ).logits.softmax(1)
    seen = engine.perceive(VIEWS)

    np.testing.assert_allclose(seen.probabilities, output.logits.softmax(1), atol=1e-5)
    np.testing.assert_allclose(seen.features, output.texture, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen.quantities_std, student.quantities_std(output).detach())
    for name, values in output.readings.items():
        np.testing.assert_allclose(seen.readings[name], values, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(engine.decide(VIEWS, READINGS, PRESENT), decided, atol=1e-5)
    assert not np.allclose(decided, seen.probabilities, atol=1e-4)


def test_many_views_at_once_are_answered_as_each_would_be(engine):
    seen, decided = engine.perceive(VIEWS), engine.decide(VIEWS, READINGS, PRESENT)

    for index in range(3):
        one = slice(index, index + 1)
        alone, row = engine.perceive(VIEWS[one]).row(0), seen.row(index)
        for name, value in dataclasses.asdict(alone).items():
            expected = getattr(row, name)
            for part in value if isinstance(value, dict) else [None]:
                np.testing.assert_allclose(
                    value if part is None else value[part],
                    expected if part is None else expected[part],
                    rtol=1e-4,
                    atol=1e-4,
                )
        np.testing.assert_allclose(
            engine.decide(
                VIEWS[one],
                {name: values[one] for name, values in READINGS.items()},
                {name: values[one] for name, values in PRESENT.items()},
            )[0],
            decided[index],
            atol=1e-5,
        )


def test_a_sense_that_is_not_there_has_no_say_whatever_its_reading_is(engine):
    lost = {**PRESENT, 'touch': np.array([True, False, False])}
    changed = READINGS['touch'].copy()
    changed[1], changed[2] = 500.0, np.nan
    whole = engine.decide(VIEWS, READINGS, PRESENT)
    masked = engine.decide(VIEWS, READINGS, lost)

    np.testing.assert_array_equal(
        masked, engine.decide(VIEWS, {**READINGS, 'touch': changed}, lost)
    )
    np.testing.assert_allclose(masked[0], whole[0], atol=1e-6)
    assert not np.allclose(masked[1:], whole[1:], atol=1e-6)


@pytest.mark.filterwarnings('error')
def test_arrays_that_lie_in_a_message_are_read_without_a_warning(engine):
    views, readings = VIEWS.copy(), {name: values.copy() for name, values in READINGS.items()}
    for array in (views, *readings.values()):
        array.flags.writeable = False

    assert engine.perceive(views).probabilities.shape == (3, 6)
    assert engine.decide(views, readings, PRESENT).shape == (3, 6)


def test_the_name_tells_two_sets_of_weights_apart(engine, models, tmp_path):
    save_weights(Student(PROFILE), tmp_path / 'student.safetensors', card={})
    (tmp_path / 'teacher.safetensors').write_bytes((models / 'teacher.safetensors').read_bytes())

    student, teacher = engine.name.split(', ')
    other_student, other_teacher = TorchEngine(tmp_path, PROFILE).name.split(', ')

    assert student != other_student
    assert teacher == other_teacher


def test_a_robot_with_three_senses_has_an_engine_like_any_other(tmp_path):
    profile = three_senses()
    for network in (Student, Teacher):
        save_weights(network(profile), tmp_path / f'{network.kind}.safetensors', card={})
    engine = make_engine('torch', tmp_path, profile)
    views = np.zeros((2, 64, 64, 3), np.uint8)
    seen = engine.perceive(views)

    assert [values.shape for values in seen.readings.values()] == [(2, 70), (2, 36), (2, 3)]
    assert engine.profile is profile
    present = {name: np.array([True, False]) for name in profile.senses}
    assert engine.decide(views, seen.readings, present).shape == (2, 3)


def test_weights_of_another_profile_are_refused(models):
    with pytest.raises(WeightsError, match='three_senses'):
        TorchEngine(models, three_senses())


def test_weights_that_are_missing_are_refused_by_their_path(tmp_path):
    with pytest.raises(WeightsError, match='student.safetensors'):
        TorchEngine(tmp_path, PROFILE)


@pytest.mark.parametrize('device', ['gpu', 'cuda:63'])
def test_a_device_that_does_not_work_here_is_refused_by_name(models, device):
    with pytest.raises(
        ConfigurationError,
        match=f'expected a torch device that works here, such as cpu, got {device!r}',
    ):
        TorchEngine(models, PROFILE, device=device)


def test_an_engine_that_nobody_wrote_is_refused_by_name(models):
    with pytest.raises(ConfigurationError, match="expected an engine out of torch, got 'abacus'"):
        make_engine('abacus', models, PROFILE)
