# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one form of both sets: pairs of a photograph and what was felt, by object and fold."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.profile import Profile

VIEW_PX = 64
SENSE = 'touch'


class RealSetError(CrossmodalError):
    """A folder is not of the set, or a file of it cannot be used."""


@dataclass(frozen=True, kw_only=True)
class RealSet:
    """A set as pairs.

    Attributes:
        name: of its files and its section.
        source: address of the repository.
        commit: that was read.
        digest: SHA-256 of all files that were read.
        profile: of the networks.
        pairs: N pairs; `group` is the object of each.
        fold: `int64[N]`, in which each is unseen; an object is in one fold.
        objects: their names, by `group`.
    """

    name: str
    source: str
    commit: str
    digest: str
    profile: Profile
    pairs: Pairs
    fold: np.ndarray
    objects: tuple[str, ...]


def make_profile(
    name: str, channels: Sequence[tuple[str, str, float, float]], actions: Sequence[str]
) -> Profile:
    """Return the profile of a camera and one sense of `channels`: name, unit, least, greatest."""
    sense = {
        'layout': 'channels',
        'period_s': 1.0,
        'stuck_s': None,
        'source': {'topic': 'touch/summary', 'type': 'sensor_msgs/msg/JointState'},
        'channels': [
            {'name': channel, 'unit': unit, 'min': low, 'max': high, 'saturates': False}
            for channel, unit, low, high in channels
        ],
    }
    camera = {'topic': 'camera/image_raw', 'period_s': 1.0, 'stuck_s': None, 'mirrored': True}
    return Profile.model_validate(
        {'name': name, 'camera': camera, 'senses': {SENSE: sense}, 'actions': list(actions)}
    )


def make_pairs(
    profile: Profile,
    views: Sequence[np.ndarray],
    felt: np.ndarray,
    action: np.ndarray,
    group: np.ndarray,
) -> Pairs:
    """Return pairs; what was felt is kept within what the profile says.

    Args:
        profile: of `make_profile`.
        views: N of `uint8[VIEW_PX, VIEW_PX, 3]`, RGB.
        felt: `float[N, F]`.
        action: `int64[N]`.
        group: `int64[N]`, the object.
    """
    low, high = (
        np.array([getattr(each, end) for each in profile.senses[SENSE].channels])
        for end in ('min', 'max')
    )
    return Pairs(
        image=np.stack(views),
        readings={SENSE: np.clip(felt, low, high).astype(np.float32)},
        quantities=np.zeros((len(views), 0), np.float32),
        action=np.asarray(action, np.int64),
        night=np.zeros(len(views), bool),
        group=np.asarray(group, np.int64),
    )


def read_picture(path: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Return a picture, `uint8[H, W, 3]` BGR, or `uint8[H, W]` with `IMREAD_GRAYSCALE`.

    Raises:
        RealSetError: it cannot be read.
    """
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise RealSetError(f'expected a picture in {path}, it cannot be read')
    return picture


def fingerprint(root: Path, files: Iterable[Path]) -> str:
    """Return a SHA-256 of the names and the contents of files below `root`."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f'{path.relative_to(root).as_posix()}\n'.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
