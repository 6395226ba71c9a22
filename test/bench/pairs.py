# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Simulated test pairs in one file, which every engine is asked about."""

from pathlib import Path

import numpy as np

from crossmodal_kd_ros.datasets import load_simulated
from crossmodal_kd_ros.files import whole_file
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.versions import SIMULATION_VERSION


def make_pairs(folder: Path, count: int) -> Path:
    """Return the file of the first `count` test pairs of the benchmark, which is made once."""
    fingerprint = load_profile().fingerprint
    path = folder / f'pairs-{count}-{SIMULATION_VERSION}-{fingerprint}.npz'
    if not path.exists():
        pairs = load_simulated('test', count, seed=0, cache_dir=folder / 'pairs')
        with whole_file(path) as unfinished, unfinished.open('wb') as file:
            np.savez(file, **pairs.arrays())
    return path
