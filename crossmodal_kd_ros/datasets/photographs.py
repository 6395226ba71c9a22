# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Simulated photographs, which say where their cracks are; a user's own, to draw cracks on."""

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from crossmodal_kd_ros.datasets.pairs import save_array
from crossmodal_kd_ros.files import check_writable, write_text
from crossmodal_kd_ros.simulation.photograph import draw_photograph
from crossmodal_kd_ros.versions import PHOTOGRAPH_VERSION

SIZE_PX = 128
_PER_TASK = 100


@dataclass(frozen=True, kw_only=True)
class Photographs:
    """N simulated photographs, every second of them cracked.

    Attributes:
        image: `uint8[N, S, S, 3]`, RGB.
        cover: `uint8[N, S, S]`, how much of each pixel a crack covers, in 255ths.
    """

    image: np.ndarray
    cover: np.ndarray

    def __len__(self) -> int:
        return len(self.image)


def load_simulated_photographs(
    count: int,
    *,
    seed: int,
    cache_dir: Path,
    grounds: np.ndarray | None = None,
    ground_share: float = 0.0,
    progress: Callable[[Iterable, int], Iterable] = lambda tasks, total: tasks,
) -> Photographs:
    """Return `count` simulated photographs, made once and then read from `cache_dir`.

    Args:
        count: how many.
        seed: decides all of them.
        cache_dir: where they are kept.
        grounds: real photographs without cracks, `uint8[N, S, S, 3]`, to draw on.
        ground_share: so many of the photographs are drawn on them.
        progress: wraps the iteration over (tasks, how many), for a progress bar.

    Raises:
        OutputError: `cache_dir` cannot be written.
    """
    key = f'photographs-{count}-{seed}-{SIZE_PX}-{PHOTOGRAPH_VERSION}'
    if grounds is not None:
        content = hashlib.sha256(np.ascontiguousarray(grounds).tobytes()).hexdigest()
        key = f'{key}-{ground_share}-{content}'
    folder = cache_dir / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not (folder / 'complete').exists():
        check_writable(cache_dir)
        folder.mkdir(exist_ok=True)
        tasks = [
            ((seed, first), min(_PER_TASK, count - first), grounds, ground_share)
            for first in range(0, count, _PER_TASK)
        ]
        with ProcessPoolExecutor(os.cpu_count(), get_context('spawn')) as workers:
            parts = list(progress(workers.map(_draw_some, *zip(*tasks)), len(tasks)))
        for name, arrays in zip(('image', 'cover'), zip(*parts)):
            save_array(folder / f'{name}.npy', np.concatenate(arrays))
        write_text(folder / 'complete', key)
    image, cover = (np.load(folder / f'{name}.npy', mmap_mode='r') for name in ('image', 'cover'))
    return Photographs(image=image, cover=cover)


def _draw_some(
    seed: tuple[int, int], count: int, grounds: np.ndarray | None, ground_share: float
) -> tuple[np.ndarray, np.ndarray]:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    images, covers = [], []
    for number in range(count):
        ground = None
        if grounds is not None and rng.random() < ground_share:
            ground = grounds[int(rng.integers(len(grounds)))]
        image, cover = draw_photograph(
            rng, is_cracked=bool(number % 2), size_px=SIZE_PX, ground=ground
        )
        images.append(image)
        covers.append(np.round(255.0 * cover).astype(np.uint8))
    return np.stack(images), np.stack(covers)
