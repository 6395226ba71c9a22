# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Real photographs, cracked and clean: whether the student of simulated walls tells them apart."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from crossmodal_kd_ros.benchmark import hand_made
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.networks import Student
from crossmodal_kd_ros.profile import square_view
from crossmodal_kd_ros.runtime.picture_files import PictureFileError, read_photo
from crossmodal_kd_ros.training.photographs import opening_score

FOLDERS = ('clean', 'crack')
PARITIES = ('all', 'odd', 'even')
FALSE_ALARMS = 0.05
# What is measured, by the names in `measure_photos`.
TITLES = {
    'student': 'student, crack width above what shows',
    'action': 'student, wants a seal or a person',
    'black_hat': 'black-hat filter',
    'frangi': 'ridges of the Hessian (Frangi)',
    'gabor': 'Gabor filters',
    'canny': "Canny's edges",
}
_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff')
_BATCH = 64
_NUMBER = re.compile(r'\d+')


class PhotosError(CrossmodalError):
    """Photographs cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Photos:
    """N photographs, or tiles of photographs.

    Attributes:
        image: `uint8[N, S, S, 3]`, RGB, the square view.
        cracked: `bool[N]`.
        path: of each.
    """

    image: np.ndarray
    cracked: np.ndarray
    path: list[Path]

    @classmethod
    def load(cls, folder: Path, *, size_px: int, parity: str = 'all') -> 'Photos':
        """Read the pictures in `folder`/clean and `folder`/crack, as views of `size_px`.

        Args:
            folder: see above.
            size_px: side of a view.
            parity: one of `PARITIES`. The first number in a file's name is that of the photograph
                which it is, or is a tile of; in the order of these numbers `odd` are the first,
                the third and so on, `even` the others. So one half can settle a choice, and the
                other, which shares no photograph with it, can judge.

        Raises:
            PhotosError: one of the two is missing or empty, a picture cannot be read, or a
                name has no number where there is a parity to tell.
        """
        named = [
            (path, bool(label))
            for label, name in enumerate(FOLDERS)
            for path in _pictures_in(folder / name)
        ]
        if parity != 'all':
            numbers = [photograph_number(path) for path, _ in named]
            order = {number: place for place, number in enumerate(sorted(set(numbers)))}
            wanted = PARITIES.index(parity) - 1
            named = [each for each, number in zip(named, numbers) if order[number] % 2 == wanted]
            if len({cracked for _, cracked in named}) < 2:
                raise PhotosError(
                    f'expected cracked and clean photographs among the {parity} ones of {folder}, '
                    f'got {len(named)} pictures of one kind: leave --parity out'
                )
        return cls(
            image=np.stack([_read_view(path, size_px=size_px) for path, _ in named]),
            cracked=np.array([cracked for _, cracked in named]),
            path=[path for path, _ in named],
        )


def read_pictures(folder: Path, *, size_px: int) -> tuple[np.ndarray, list[Path]]:
    """Read every picture in `folder` and the folders in it, as square views.

    Returns:
        `uint8[N, size_px, size_px, 3]`, RGB, and the path of each, in the order of paths.

    Raises:
        PhotosError: there is none, or one cannot be read.
    """
    paths = _pictures_in(folder, '**/*')
    return np.stack([_read_view(path, size_px=size_px) for path in paths]), paths


def digest(paths: Iterable[Path]) -> str:
    """Return a hash of the content of files, whatever their names and order."""
    each = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    return hashlib.sha256(''.join(each).encode()).hexdigest()


def _pictures_in(folder: Path, pattern: str = '*') -> list[Path]:
    paths = sorted(
        path
        for path in folder.glob(pattern)
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    )
    if not paths:
        raise PhotosError(f'expected pictures ({", ".join(_SUFFIXES)}) in {folder}, found none')
    return paths


def _read_view(path: Path, *, size_px: int) -> np.ndarray:
    try:
        return square_view(read_photo(path), size_px=size_px)
    except PictureFileError as error:
        raise PhotosError(f'{path}: {error}: delete it') from error


def photograph_number(path: Path) -> int:
    """Return the first number in a file's name: of the photograph which it is, or is a tile of.

    Raises:
        PhotosError: there is no number.
    """
    if (number := _NUMBER.search(path.stem)) is None:
        raise PhotosError(
            f'expected the number of a photograph in the name of {path}, found none: leave '
            '--parity out'
        )
    return int(number.group())


@torch.inference_mode()
def crack_scores(student: Student, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how surely the student sees a crack, and how likely it wants to act on one.

    It sees each photograph as it is, mirrored, upside down and both; the means count.

    Args:
        student: of the living wall, in evaluation mode.
        image: `uint8[N, S, S, 3]`, RGB, S a multiple of 32.

    Returns:
        Two `float32[N]`. The first is the score, see `opening_score`. The second is the
        probability of a seal or a call for a person: no score, for a panel with a crack may need
        something more urgent.
    """
    sides = (image, image[:, :, ::-1], image[:, ::-1], image[:, ::-1, ::-1])
    sureness, wanted = zip(*(_ask(student, seen) for seen in sides))
    return np.mean(sureness, 0), np.mean(wanted, 0)


def _ask(student: Student, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sureness, wanted = [], []
    actions = [student.profile.actions.index(name) for name in ('seal_crack', 'request_human')]
    for start in range(0, len(image), _BATCH):
        seen = torch.from_numpy(np.ascontiguousarray(image[start : start + _BATCH]))
        output = student(seen.permute(0, 3, 1, 2).float() / 255.0)
        sureness.append(opening_score(student, output))
        wanted.append(output.logits.softmax(1)[:, actions].sum(1))
    return torch.cat(sureness).numpy(), torch.cat(wanted).numpy()


def recall_at(
    cracked: np.ndarray, score: np.ndarray, *, false_alarms: float = FALSE_ALARMS
) -> float:
    """Return the largest share of `cracked` that a limit finds with at most so many false alarms.

    Args:
        cracked: `bool[N]`.
        score: `float[N]`, higher for the cracked.
        false_alarms: share of the clean ones that may lie above the limit.
    """
    alarms, found, _ = roc_curve(cracked, score, drop_intermediate=False)
    return float(found[alarms <= false_alarms].max())


def measure_photos(student: Student, photos: Photos) -> dict[str, Any]:
    """Return how well the student, and filters made by hand, tell cracked from clean.

    Returns:
        `pictures`, `cracked`, and `scores`: by name `auroc`, `average_precision`, `recall` (at
        `FALSE_ALARMS`).
    """
    sureness, wanted = crack_scores(student, photos.image)
    scores = {
        'student': sureness,
        'action': wanted,
        **{
            name: np.array([score(picture) for picture in photos.image])
            for name, score in hand_made.SCORES.items()
        },
    }
    return {
        'pictures': len(photos.path),
        'cracked': int(photos.cracked.sum()),
        'scores': {
            name: {
                'auroc': float(roc_auc_score(photos.cracked, score)),
                'average_precision': float(average_precision_score(photos.cracked, score)),
                'recall': recall_at(photos.cracked, score),
            }
            for name, score in scores.items()
        },
    }


def worst_mistakes(
    photos: Photos, score: np.ndarray, count: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` rows each of clean pictures that score high, and of cracked ones low."""
    order = np.argsort(score)
    return order[~photos.cracked[order]][::-1][:count], order[photos.cracked[order]][:count]
