# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What runs the networks: torch, or exported networks without it; the choice by name."""

import dataclasses
import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from three_senses import three_senses  # noqa: E402

from crossmodal_kd_ros.errors import ConfigurationError, WeightsError  # noqa: E402
from crossmodal_kd_ros.networks import Student, Teacher, load_student, load_teacher, save_weights  # noqa: E402
from crossmodal_kd_ros.profile import load_profile  # noqa: E402
from crossmodal_kd_ros.runtime import ENGINES, make_engine  # noqa: E402
from crossmodal_kd_ros.runtime.export import write_export  # noqa: E402
from crossmodal_kd_ros.runtime.exported_engine import LIBRARIES  # noqa: E402
from crossmodal_kd_ros.runtime.torch_engine import TorchEngine  # noqa: E402

PROFILE = load_profile()
VIEWS = np.random.default_rng(0).integers(0, 255, (3, 128, 128, 3), np.uint8)
READINGS = {
    name: np.random.default_rng(1).random((3, sense.size), np.float32)
    for name, sense in PROFILE.senses.items()
}
PRESENT = {name: np.ones(3, bool) for name in READINGS}


KINDS = [
    kind
    if kind == 'torch'
    else pytest.param(
        kind,
        marks=pytest.mark.skipif(
            not (LIBRARIES[kind].is_installed and find_spec('onnxscript')),
            reason=f'{kind} or what exports networks is not installed',
        ),
    )
    for kind in ENGINES[1:]
]


@pytest.fixture(scope='module')
def exported(models, tmp_path_factory):
    """Return a folder with untrained weights and what was exported from them."""
    folder = tmp_path_factory.mktemp('exported')
    shutil.copytree(models, folder, dirs_exist_ok=True)
    write_export(folder, PROFILE, VIEWS, READINGS, command='a test')
    return folder


@pytest.fixture(scope='module', params=KINDS)
def engine(request):
    """Return each engine with the same untrained weights."""
    if request.param == 'torch':
        return make_engine('torch', request.getfixturevalue('models'), PROFILE)
    return make_engine(request.param, request.getfixturevalue('exported'), PROFILE)


def test_a_perception_has_the_shapes_and_types_of_the_profile(engine):
    seen = dataclasses.asdict(engine.perceive(VIEWS))
    readings = seen.pop('readings')

    assert {name: value.shape for name, value in readings.items()} == {
        'touch': (3, 256),
        'gas': (3, 8),
    }
    assert {name: value.shape for name, value in seen.items()} == {
        'probabilities': (3, 6),
        'quantities': (3, 4),
        'quantities_std': (3, 4),
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
    np.testing.assert_allclose(
        seen.quantities_std, student.quantities_std(output).detach(), rtol=1e-5
    )
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


def test_the_weights_of_an_engine_tell_two_sets_of_weights_apart(engine, models, tmp_path):
    save_weights(Student(PROFILE), tmp_path / 'student.safetensors', card={})
    (tmp_path / 'teacher.safetensors').write_bytes((models / 'teacher.safetensors').read_bytes())

    student, teacher = engine.weights.split(', ')
    other_student, other_teacher = TorchEngine(tmp_path, PROFILE).weights.split(', ')

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
    with pytest.raises(
        ConfigurationError,
        match="expected an engine out of auto, onnx, openvino, torch, got 'abacus'",
    ):
        make_engine('abacus', models, PROFILE)


@pytest.fixture
def folder(exported, tmp_path):
    """Return a copy of the exported networks and weights that a test may spoil."""
    return shutil.copytree(exported, tmp_path / 'models')


needs_onnx = pytest.mark.skipif(
    not (LIBRARIES['onnx'].is_installed and find_spec('onnxscript')),
    reason='onnxruntime or what exports networks is not installed',
)


@needs_onnx
def test_auto_takes_exported_networks_where_there_are_some_and_torch_where_there_are_none(
    exported, models
):
    assert make_engine('auto', exported, PROFILE).kind == 'onnx'
    assert make_engine('auto', models, PROFILE).kind == 'torch'


@needs_onnx
def test_networks_that_were_exported_from_other_weights_are_refused(folder):
    torch.manual_seed(1)
    save_weights(Student(PROFILE), folder / 'student.safetensors', card={})

    with pytest.raises(WeightsError, match='exported from other weights than student.safetensors'):
        make_engine('auto', folder, PROFILE)


@needs_onnx
@pytest.mark.parametrize(
    ('spoil', 'words'),
    [
        (lambda folder: (folder / 'teacher.onnx').unlink(), 'teacher.onnx cannot be read'),
        (lambda folder: (folder / 'teacher.onnx').write_bytes(b'x'), 'not the file that was'),
        (lambda folder: (folder / 'export.json').write_text('[]'), 'not a record of an export'),
        (
            lambda folder: (folder / 'export.json').write_text(
                json.dumps(json.loads((folder / 'export.json').read_text()) | {'profile': 'x'})
            ),
            'exported for the profile living_wall',
        ),
    ],
)
def test_an_export_that_is_not_whole_is_refused_with_what_to_do(folder, spoil, words):
    spoil(folder)

    with pytest.raises(WeightsError, match=words) as caught:
        make_engine('onnx', folder, PROFILE)
    assert str(caught.value).endswith('make it again with "crossmodal-kd export"')


@needs_onnx
def test_a_robot_without_torch_answers_as_one_with_it(exported):
    script = """
import sys
import numpy as np
sys.modules['torch'] = None  # an import of it fails
from crossmodal_kd_ros.nodes import maintenance_node
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime import make_engine
engine = make_engine('auto', sys.argv[1], load_profile())
views = np.random.default_rng(0).integers(0, 255, (3, 128, 128, 3), np.uint8)
print(engine.kind, *engine.perceive(views).probabilities.argmax(1))
"""
    run = subprocess.run(
        [sys.executable, '-c', script, exported], capture_output=True, text=True, check=True
    )
    chosen = make_engine('torch', exported, PROFILE).perceive(VIEWS).probabilities.argmax(1)

    assert run.stdout.split() == ['onnx', *map(str, chosen)]


@needs_onnx
def test_a_node_imports_nothing_that_only_training_pages_or_an_overlay_need(exported):
    script = """
import sys
from crossmodal_kd_ros.nodes import maintenance_node
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime import make_engine
make_engine('onnx', sys.argv[1], load_profile())
others = {'torch', 'jinja2', 'PIL', 'scipy', 'matplotlib', 'onnx', 'numpy.random'}
print(*sorted(others & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, '-c', script, exported], capture_output=True, text=True, check=True
    )

    assert run.stdout.split() == []
