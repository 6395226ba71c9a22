# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Real photographs, cracked and clean: whether the student of simulated walls tells them apart."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.networks import Student
from crossmodal_kd_ros.profile import square_view
from crossmodal_kd_ros.runtime.picture_files import PictureFileError, read_photo

FOLDERS = ('clean', 'crack')
_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff')
_BATCH = 64
# Of 64 variants (shape, 9 to 25 px, blur 0 to 2 px, median or median plus one grey level) the best
# but one in a hundredth on the photographs of flor_concrete: the hand-made score is allowed to
# have seen them, the student is not.
_HAT_PX, _HAT_BLUR_PX = 15, 2.0


class PhotosError(CrossmodalError):
    """The photographs cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Photos:
    """N photographs.

    Attributes:
        image: `uint8[N, S, S, 3]`, RGB, the square view.
        cracked: `bool[N]`.
        path: of each.
    """

    image: np.ndarray
    cracked: np.ndarray
    path: list[Path]

    @classmethod
    def load(cls, folder: Path, *, size_px: int) -> 'Photos':
        """Read the pictures in `folder`/clean and `folder`/crack, as views of `size_px`.

        Raises:
            PhotosError: one of the two is missing or empty, or a picture cannot be read.
        """
        images, cracked, paths = [], [], []
        for label, name in enumerate(FOLDERS):
            files = sorted(
                path for path in (folder / name).glob('*') if path.suffix.lower() in _SUFFIXES
            )
            if not files:
                raise PhotosError(
                    f'expected pictures ({", ".join(_SUFFIXES)}) in {folder / name}, found none'
                )
            for path in files:
                try:
                    images.append(square_view(read_photo(path), size_px=size_px))
                except PictureFileError as error:
                    raise PhotosError(f'{path}: {error}: delete it') from error
                cracked.append(bool(label))
                paths.append(path)
        return cls(image=np.stack(images), cracked=np.array(cracked), path=paths)


@torch.inference_mode()
def crack_scores(
    student: Student, image: np.ndarray, *, sides: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Return how surely the student reads a crack, and how likely it wants to act on one.

    The student of the living wall reads what is under the tactile pad, a half of the picture wide
    and a quarter high. As a robot passes over a wall, the pad passes over the whole photograph, in
    4 x 2 places, its surroundings mirrored where it has none, and in each it comes from all four
    sides: it sees the photograph as it is, mirrored, upside down and both. The surest reading and
    the largest probability count.

    Args:
        student: of the living wall, in evaluation mode.
        image: `uint8[N, S, S, 3]`, RGB, S a multiple of 32.
        sides: the first so many; 1: the photograph as it is.

    Returns:
        Two `float32[N]`. The first is the score: the depth of the crack over the standard
        deviation that the student gives it, for on a real wall it is unsure of much. The second is
        the probability of a seal or a call for a person: no score, for a panel with a crack may
        need something more urgent.
    """
    side = image.shape[1]
    edge = 3 * side // 8
    wide = np.pad(image, ((0, 0), (edge, edge), (edge, edge), (0, 0)), mode='reflect')
    places = [
        _ask(student, seen[:, top : top + side, left : left + side])
        for seen in (wide, wide[:, :, ::-1], wide[:, ::-1], wide[:, ::-1, ::-1])[:sides]
        for top in range(0, 2 * edge + 1, side // 4)
        for left in (edge - side // 4, edge + side // 4)
    ]
    return np.max([sureness for sureness, _ in places], 0), np.max(
        [wanted for _, wanted in places], 0
    )


def _ask(student: Student, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sureness, action = [], []
    profile = student.profile
    wanted = [profile.actions.index(name) for name in ('seal_crack', 'request_human')]
    depth = list(profile.quantities).index('crack_depth')
    for start in range(0, len(image), _BATCH):
        batch = (
            torch.from_numpy(np.ascontiguousarray(image[start : start + _BATCH]))
            .permute(0, 3, 1, 2)
            .float()
            / 255.0
        )
        output = student(batch)
        sureness.append((output.quantities / student.quantities_std(output))[:, depth])
        action.append(output.logits.softmax(1)[:, wanted].sum(1))
    return torch.cat(sureness).numpy(), torch.cat(action).numpy()


def black_hat_score(image: np.ndarray) -> np.ndarray:
    """Return a hand-made crack score, `float64[N]`.

    It is the 98th percentile of a black-hat filter over its median.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HAT_PX, _HAT_PX))
    scores = []
    for picture in image:
        grey = cv2.GaussianBlur(
            cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), _HAT_BLUR_PX
        )
        hat = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel)
        scores.append(np.percentile(hat, 98) / (np.median(hat) + 1.0))
    return np.array(scores)


def measure_photos(student: Student, photos: Photos) -> dict[str, float | int]:
    """Return AUROC and average precision of the student and of the black-hat filter."""
    sureness, action = crack_scores(student, photos.image)
    as_it_is, _ = crack_scores(student, photos.image, sides=1)
    hat = black_hat_score(photos.image)
    return {
        'pictures': len(photos.path),
        'cracked': int(photos.cracked.sum()),
        'auroc': float(roc_auc_score(photos.cracked, sureness)),
        'average_precision': float(average_precision_score(photos.cracked, sureness)),
        'as_it_is_auroc': float(roc_auc_score(photos.cracked, as_it_is)),
        'as_it_is_average_precision': float(average_precision_score(photos.cracked, as_it_is)),
        'action_auroc': float(roc_auc_score(photos.cracked, action)),
        'black_hat_auroc': float(roc_auc_score(photos.cracked, hat)),
        'black_hat_average_precision': float(average_precision_score(photos.cracked, hat)),
    }


def worst_mistakes(
    photos: Photos, score: np.ndarray, count: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` rows each of clean pictures that score high, and of cracked ones low."""
    order = np.argsort(score)
    return order[~photos.cracked[order]][::-1][:count], order[photos.cracked[order]][:count]
