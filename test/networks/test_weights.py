# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A weight file is read back exactly, or refused in one sentence."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from three_senses import three_senses

from crossmodal_kd_ros.networks import (
    Student,
    StudentConfig,
    Teacher,
    TeacherConfig,
    WeightsError,
    load_student,
    load_teacher,
    read_card,
    save_weights,
)
from crossmodal_kd_ros.profile import load_profile

PROFILE = load_profile('living_wall')

SMALL = {'stem_channels': 4, 'channels': (8, 8, 8), 'features': 16}


@pytest.fixture
def student_file(tmp_path):
    student = Student(PROFILE, StudentConfig(**SMALL)).eval()
    touch, gas, quantities = (torch.rand(9, size).numpy() for size in (256, 8, 4))
    student.set_statistics({'touch': touch, 'gas': gas}, quantities)
    path = tmp_path / 'models' / 'student.safetensors'
    save_weights(student, path, card={'seed': '7', 'command': 'crossmodal-kd train'})
    return student, path


def rewrite(
    path, *, metadata: dict | None = None, tensors: dict | None = None, drop: str | None = None
) -> None:
    """Write the file again with some metadata or tensors changed, or one tensor left out."""
    with safe_open(path, framework='pt') as file:
        old = {name: file.get_tensor(name) for name in file.keys()}
        head = file.metadata()
    new = {**old, **(tensors or {})}
    new.pop(drop, None)
    save_file(new, path, metadata={**head, **(metadata or {})})


def refusal(path, load=load_student) -> str:
    with pytest.raises(WeightsError) as caught:
        load(path, PROFILE)
    message = str(caught.value)
    assert '\n' not in message and str(path) in message
    return message


def test_a_student_comes_back_with_its_weights_statistics_sizes_and_card(student_file):
    student, path = student_file
    back = load_student(path, PROFILE)
    assert back.config == student.config and not back.training
    image = torch.rand(2, 3, 64, 64)
    assert torch.equal(back(image).readings['touch'], student(image).readings['touch'])
    assert read_card(path) == {'seed': '7', 'command': 'crossmodal-kd train'}


def test_a_teacher_comes_back_with_its_weights(tmp_path):
    teacher = Teacher(PROFILE, TeacherConfig(**SMALL, width=16, layers=1, heads=2, grid=4))
    path = tmp_path / 'teacher.safetensors'
    save_weights(teacher, path, card={})
    back = load_teacher(path, PROFILE)
    assert back.config == teacher.config
    assert all(
        torch.equal(value, teacher.state_dict()[name]) for name, value in back.state_dict().items()
    )


def test_both_default_networks_together_stay_under_ten_megabytes(tmp_path):
    for network in (Student(PROFILE), Teacher(PROFILE)):
        save_weights(network, tmp_path / network.kind, card={})
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10e6


def test_a_missing_file_is_refused_with_its_path_and_what_to_do(tmp_path):
    message = refusal(tmp_path / 'student.safetensors')
    assert 'there is none' in message and 'crossmodal-kd train' in message


@pytest.mark.parametrize('keep', [0, 4, 200, -1])
def test_a_truncated_file_is_refused(student_file, keep):
    path = student_file[1]
    path.write_bytes(path.read_bytes()[:keep])
    assert 'is not a complete safetensors file' in refusal(path)


def test_a_file_of_something_else_is_refused(student_file):
    path = student_file[1]
    path.write_bytes(b'\x80\x04 no pickle is ever opened here' * 50)
    assert 'is not a complete safetensors file' in refusal(path)


def test_one_flipped_byte_among_the_tensors_is_refused(student_file):
    path = student_file[1]
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    assert 'is damaged' in refusal(path)


def test_the_weights_of_the_other_network_are_refused(student_file):
    assert 'expected the weights of a teacher' in refusal(student_file[1], load_teacher)


def test_safetensors_that_this_package_did_not_write_are_refused(tmp_path):
    path = tmp_path / 'student.safetensors'
    save_file({'weight': torch.zeros(3)}, path)
    assert 'got those of nothing this package wrote' in refusal(path)


def test_weights_for_another_profile_are_refused_with_both_names(student_file):
    rewrite(student_file[1], metadata={'profile': '0123456789ab', 'profile_name': 'other'})
    message = refusal(student_file[1])
    assert f'for the profile living_wall ({PROFILE.fingerprint}), got' in message
    assert 'for other (0123456789ab)' in message


def test_networks_of_three_senses_come_back_and_are_refused_under_another_profile(tmp_path):
    profile = three_senses()
    for network, load in (
        (Student(profile, StudentConfig(**SMALL)), load_student),
        (Teacher(profile, TeacherConfig(**SMALL, width=16, layers=1, heads=2)), load_teacher),
    ):
        path = tmp_path / f'{network.kind}.safetensors'
        save_weights(network, path, card={})
        back = load(path, profile)
        assert all(
            torch.equal(value, network.state_dict()[name])
            for name, value in back.state_dict().items()
        )
        message = refusal(path, load)
        assert f'for three_senses ({profile.fingerprint})' in message


def test_weights_from_before_profiles_are_refused(student_file):
    path = student_file[1]
    with safe_open(path, framework='pt') as file:
        tensors, head = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    head = {name: value for name, value in head.items() if not name.startswith('profile')}
    save_file(tensors, path, metadata=head)
    assert 'for another (of no fingerprint)' in refusal(path)


@pytest.mark.parametrize('config', ['{}x', '{"width": 3}', '{"features": 0}', '{"features": [1'])
def test_sizes_that_this_version_does_not_know_are_refused(student_file, config):
    rewrite(student_file[1], metadata={'config': config})
    assert 'does not say sizes of a student' in refusal(student_file[1])


def test_a_tensor_of_another_shape_is_refused_by_name(student_file):
    rewrite(student_file[1], tensors={'classifier.bias': torch.zeros(7)})
    assert 'classifier.bias' in refusal(student_file[1]) and 'float32[6]' in refusal(
        student_file[1]
    )


def test_sizes_that_do_not_fit_the_tensors_are_refused(student_file):
    rewrite(student_file[1], metadata={'config': json.dumps({**SMALL, 'features': 32})})
    assert 'got float32' in refusal(student_file[1])


def test_a_tensor_too_few_and_a_tensor_too_many_are_refused_by_name(student_file):
    rewrite(student_file[1], tensors={'surplus': torch.zeros(1)})
    assert 'has a tensor surplus' in refusal(student_file[1])
    rewrite(student_file[1], drop='classifier.bias')
    assert 'lacks the tensor classifier.bias' in refusal(student_file[1])


def test_a_save_that_is_interrupted_leaves_the_old_file(student_file, monkeypatch):
    path = student_file[1]
    before = path.read_bytes()

    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr('crossmodal_kd_ros.networks.weights.save', fail)
    with pytest.raises(KeyboardInterrupt):
        save_weights(Student(PROFILE, StudentConfig(**SMALL)), path, card={})
    assert path.read_bytes() == before
