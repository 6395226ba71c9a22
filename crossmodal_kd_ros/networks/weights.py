# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Weights on disk: safetensors with a header that says what they are; anything else is refused.

And the device that a network runs on.
"""

import hashlib
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from crossmodal_kd_ros.errors import DeviceError, WeightsError
from crossmodal_kd_ros.files import printable, sentences, whole_file
from crossmodal_kd_ros.networks.config import StudentConfig, TeacherConfig
from crossmodal_kd_ros.networks.student import Student
from crossmodal_kd_ros.networks.teacher import Teacher
from crossmodal_kd_ros.profile import Profile

_NETWORKS = {'student': (Student, StudentConfig), 'teacher': (Teacher, TeacherConfig)}
_CARD = 'card.'


def find_device(name: str) -> torch.device:
    """Return the torch device `name`; raise `DeviceError` if it does not work here."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise DeviceError(
            f'expected a torch device that works here, such as cpu, got {name!r} '
            f'({str(error).splitlines()[0]})'
        ) from error
    return device


def save_weights(module: Student | Teacher, path: str | Path, *, card: dict[str, str]) -> None:
    """Write `module`, its sizes, its profile's fingerprint and a card to `path`, and make folders.

    The file appears under its name only when it is complete, so that a killed training leaves no
    half of one.

    Args:
        module: the network.
        path: where to write; by custom `models/teacher.safetensors` or
            `models/student.safetensors`.
        card: what a reader should know of these weights (data, seed, commit, command, test
            figures), by name.
    """
    path = Path(path)
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()
    }
    metadata = {
        'kind': module.kind,
        'profile': module.profile.fingerprint,
        'profile_name': module.profile.name,
        'config': module.config.model_dump_json(),
        'sha256': _digest(tensors),
        # A command or a bag may name a file that is not UTF-8, which safetensors refuses.
        **{_CARD + name: printable(value) for name, value in card.items()},
    }
    with whole_file(path) as unfinished:
        unfinished.write_bytes(save(tensors, metadata=metadata))


def load_student(path: str | Path, profile: Profile) -> Student:
    """Return the student of `profile` stored at `path`, in evaluation mode.

    Raises:
        WeightsError: the file is missing, damaged, of another network or of another profile.
    """
    return _load(Path(path), 'student', profile)


def load_teacher(path: str | Path, profile: Profile) -> Teacher:
    """Return the teacher of `profile` stored at `path`, in evaluation mode.

    Raises:
        WeightsError: the file is missing, damaged, of another network or of another profile.
    """
    return _load(Path(path), 'teacher', profile)


def read_card(path: str | Path) -> dict[str, str]:
    """Return the card of a weight file; raise `WeightsError` if the file is missing or damaged."""
    _, metadata = _read(Path(path))
    return {
        name.removeprefix(_CARD): value
        for name, value in metadata.items()
        if name.startswith(_CARD)
    }


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.is_file():
        raise WeightsError(
            f'expected a weight file at {path}, there is none: '
            'make one with "crossmodal-kd train", or point models_dir at the folder that has it'
        )
    try:
        with safe_open(path, framework='pt') as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f'{path} is not a complete safetensors file ({error}): '
            'copy it again or make it with "crossmodal-kd train"'
        ) from error


def _load(path: Path, kind: str, profile: Profile) -> Student | Teacher:
    tensors, metadata = _read(path)
    _check_identity(path, kind, profile, metadata)
    network, config_class = _NETWORKS[kind]
    try:
        config = config_class.model_validate_json(metadata.get('config', ''))
    except ValidationError as error:
        raise WeightsError(
            f'{path} does not say sizes of a {kind} that this version knows '
            f'({sentences(error)[0]}): train it again with this version'
        ) from error
    module = network(profile, config)
    _check_tensors(path, kind, tensors, module.state_dict())
    if metadata.get('sha256') != _digest(tensors):
        raise WeightsError(
            f'{path} is damaged: its tensors are not those that were saved: '
            'copy it again or make it with "crossmodal-kd train"'
        )
    module.load_state_dict(tensors)
    return module.eval()


def _check_identity(path: Path, kind: str, profile: Profile, metadata: dict[str, str]) -> None:
    stored = metadata.get('kind', 'nothing this package wrote')
    if stored != kind:
        raise WeightsError(
            f'expected the weights of a {kind} in {path}, got those of {stored}: '
            f'put the file of the {kind} there'
        )
    if metadata.get('profile') != profile.fingerprint:
        raise WeightsError(
            f'expected the weights of a {kind} for the profile {profile.name} '
            f'({profile.fingerprint}), got {path} for {metadata.get("profile_name", "another")} '
            f'({metadata.get("profile", "of no fingerprint")}): name a folder of weights '
            f'for {profile.name} (models_dir), or train them: crossmodal-kd train --data SET'
        )


def _check_tensors(
    path: Path, kind: str, stored: dict[str, Tensor], expected: dict[str, Tensor]
) -> None:
    for name in (*expected, *stored):
        if name not in stored:
            fault = f'{path} lacks the tensor {name} of a {kind}'
        elif name not in expected:
            fault = f'{path} has a tensor {name} that no {kind} has'
        elif _form(stored[name]) != _form(expected[name]):
            fault = (
                f'expected {name} in {path} to be {_form(expected[name])}, '
                f'got {_form(stored[name])}'
            )
        else:
            continue
        raise WeightsError(f'{fault}: train it again with this version')


def _form(tensor: Tensor) -> str:
    return f'{str(tensor.dtype).removeprefix("torch.")}{list(tensor.shape)}'
