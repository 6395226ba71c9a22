# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Samples by the thousand in one form, `Pairs`, whatever their source: the simulator or bags."""

from crossmodal_kd_ros.datasets.pairs import (
    DATASHEET,
    NO_LABEL,
    PROFILE,
    SPLITS,
    DataSetError,
    Pairs,
    array_names,
    load_folder,
    read_datasheet,
    read_profile,
    save_array,
    save_rows,
)
from crossmodal_kd_ros.datasets.simulated import SIMULATED, is_simulated, load_simulated, simulate

__all__ = [
    'DATASHEET',
    'NO_LABEL',
    'PROFILE',
    'SIMULATED',
    'SPLITS',
    'DataSetError',
    'Pairs',
    'array_names',
    'is_simulated',
    'load_folder',
    'load_simulated',
    'read_datasheet',
    'read_profile',
    'save_array',
    'save_rows',
    'simulate',
]
