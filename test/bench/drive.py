# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pre-made readings of a short way over the simulated wall, which are shown in a loop."""

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from crossmodal_kd_ros.files import whole_file, whole_folder
from crossmodal_kd_ros.simulation import World
from crossmodal_kd_ros.versions import SIMULATION_VERSION

_TOUCH_HZ = 100.0
_GAS_READINGS = 40


def make_drive(
    folder: Path, *, width: int = 640, height: int = 480, hz: float = 30.0, loop_s: float = 1.0
) -> Path:
    """Return the file of a drive, which is made once.

    It holds `pictures` uint8[N, height, width, 3], `hz` of them a second, `touch` float32[M, 256]
    of the same time, `gas` float32[40, 8], and `loop_s`, the length of the loop in seconds.
    """
    name = f'drive-{width}x{height}-{hz:g}hz-{loop_s:g}s-{SIMULATION_VERSION}.npz'
    path = folder / name
    if path.exists():
        return path
    with closing(World(0, width_px=width, height_px=height)) as world:
        # From the first quarter of a panel on: its edge is not what a robot looks at.
        times = {'pictures': np.arange(0.0, loop_s, 1.0 / hz)}
        times['touch'] = np.arange(0.0, loop_s, 1.0 / _TOUCH_HZ)
        times['gas'] = np.linspace(0.0, loop_s, _GAS_READINGS, endpoint=False)
        arrays = {
            'pictures': [world.camera(1.0 + t_s) for t_s in times['pictures']],
            'touch': [world.read('touch', 1.0 + t_s) for t_s in times['touch']],
            'gas': [world.read('gas', 1.0 + t_s) for t_s in times['gas']],
        }
    with whole_file(path) as unfinished, unfinished.open('wb') as file:
        np.savez(file, loop_s=loop_s, **{key: np.stack(rows) for key, rows in arrays.items()})
    return path


def picture_folder(drive: Path) -> Path:
    """Return a folder with the pictures of a drive, which is made once.

    They are not compressed: a camera's are not decoded either.
    """
    folder = drive.with_suffix('')
    if folder.exists():
        return folder
    with whole_folder(folder) as unfinished:
        for index, picture in enumerate(np.load(drive)['pictures']):
            path = unfinished / f'{index:03}.bmp'
            cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return folder
