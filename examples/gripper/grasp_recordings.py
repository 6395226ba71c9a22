# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Read grasps of a real SO-101 arm: one photograph, and 24 channels at about 200 Hz.

The recordings are those of https://github.com/Jiaming-Zhu/visuotactile-rpdf-dataset. They have no
licence, and their author asks to be contacted before redistribution: nothing of them is kept here.
"""

import hashlib
import json
import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from crossmodal_kd_ros.errors import CrossmodalError

COMMIT = '4a292be'
JOINTS = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper')
SIGNALS = ('position', 'load', 'current', 'velocity')
SPLITS = ('train', 'val', 'test', 'ood_test')
MASSES = ('low', 'medium', 'high')
STIFFNESSES = ('very_soft', 'soft', 'medium', 'rigid')

_LABELS = 'physical_properties.json'
_PHOTO, _SIGNALS_FILE = 'visual_anchor.jpg', 'tactile_data.pkl'
# The largest file of the data set has under 1 MB.
_MAX_PICKLE_BYTES = 16_000_000
# What a pickled array is made of, before and since NumPy 2.
_ALLOWED = {
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', '_reconstruct'),
}


class GraspError(CrossmodalError):
    """A folder is not of the recordings, or a recording cannot be used."""


class _ArraysOnly(pickle.Unpickler):
    """An unpickler of plain containers, numbers and arrays; whatever else asks for is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f'it asks for {module}.{name}')
        return super().find_class(module, name)


@dataclass(frozen=True, kw_only=True)
class Grasp:
    """One grasp of one object.

    Attributes:
        folder: of its three files.
        split: one of `SPLITS`.
        object_name: the folder above, which names the object.
        mass: one of `MASSES`.
        stiffness: one of `STIFFNESSES`.
    """

    folder: Path
    split: str
    object_name: str
    mass: str
    stiffness: str

    @property
    def name(self) -> str:
        """Return the name of the recording, which begins with the time of its making."""
        return self.folder.name

    @cached_property
    def signals(self) -> tuple[np.ndarray, np.ndarray]:
        """Return stamps `float64[N]`, s from the start, and channels `float32[N, 24]`.

        The channels are `SIGNALS` x `JOINTS`: degrees (of the gripper: percent of its opening),
        percent of the greatest load, mA, and degrees (percent) a second.

        Raises:
            GraspError: the file asks for anything but arrays, or has another form.
        """
        return read_signals(self.folder / _SIGNALS_FILE)

    def photograph(self) -> np.ndarray:
        """Return the picture before the grasp, `uint8[480, 640, 3]`, RGB.

        Raises:
            GraspError: it cannot be read.
        """
        path = self.folder / _PHOTO
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise GraspError(f'expected a photograph in {path}, it cannot be read')
        return np.ascontiguousarray(picture[..., ::-1])


def find_grasps(clone: Path) -> list[Grasp]:
    """Return every grasp of a clone, by object and within one by time.

    Labels are those of the folder's name and `physical_properties.json`: 204 of the 909
    `metadata.json` say otherwise.

    Raises:
        GraspError: it is no clone of the recordings, or an object has no label.
    """
    grasps = []
    for split in SPLITS:
        path = clone / split / _LABELS
        try:
            properties = json.loads(path.read_text(encoding='utf-8'))['properties']
        except (OSError, ValueError, KeyError) as error:
            raise GraspError(
                f'expected the labels of the recordings in {path} ({error}): clone '
                f'https://github.com/Jiaming-Zhu/visuotactile-rpdf-dataset at {COMMIT}'
            ) from error
        for folder in sorted((clone / split).glob('*/episode_*')):
            name = folder.parent.name
            try:
                label = properties[name]
                mass, stiffness = label['mass'], label['stiffness']
                MASSES.index(mass), STIFFNESSES.index(stiffness)
            except (KeyError, TypeError, ValueError) as error:
                raise GraspError(
                    f'expected mass and stiffness of {name} in {path}, out of '
                    f'{", ".join(MASSES)} and {", ".join(STIFFNESSES)}'
                ) from error
            grasps.append(
                Grasp(folder=folder, split=split, object_name=name, mass=mass, stiffness=stiffness)
            )
    if not grasps:
        raise GraspError(f'expected folders <object>/episode_* in {clone}/<split>, found none')
    return sorted(grasps, key=lambda grasp: (grasp.object_name, grasp.name))


def read_signals(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return stamps and channels of one file, see `Grasp.signals`.

    Raises:
        GraspError: the file asks for anything but arrays, or has another form.
    """
    try:
        if path.stat().st_size > _MAX_PICKLE_BYTES:
            raise ValueError(f'it has more than {_MAX_PICKLE_BYTES // 10**6} MB')
        with path.open('rb') as file:
            content = _ArraysOnly(file).load()
        stamps_s = np.asarray(content['timestamps'], np.float64)
        parts = [np.asarray(content[f'joint_{name}_profile'], np.float32) for name in SIGNALS]
        if {part.shape for part in parts} != {(len(stamps_s), len(JOINTS))}:
            raise ValueError(f'{[list(part.shape) for part in parts]} for {len(stamps_s)} stamps')
        channels = np.concatenate(parts, 1)
        if not (np.isfinite(channels).all() and (np.diff(stamps_s) >= 0.0).all()):
            raise ValueError('a value is not finite, or stamps go back')
    # What a damaged pickle raises is not documented.
    except Exception as error:
        raise GraspError(
            f'expected stamps and {len(SIGNALS)} arrays [N, {len(JOINTS)}] in {path}, '
            f'refused: {type(error).__name__}: {error}'
        ) from error
    return stamps_s, channels


def fingerprint(grasps: list[Grasp]) -> str:
    """Return a SHA-256 of the labels, the signals and the photographs of all grasps."""
    digest = hashlib.sha256()
    for grasp in sorted(grasps, key=lambda grasp: (grasp.split, grasp.object_name, grasp.name)):
        line = (grasp.split, grasp.object_name, grasp.name, grasp.mass, grasp.stiffness)
        digest.update('\t'.join(line).encode())
        for name in (_SIGNALS_FILE, _PHOTO):
            digest.update((grasp.folder / name).read_bytes())
    return digest.hexdigest()
