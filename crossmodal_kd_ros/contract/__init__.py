# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The vocabulary every room shares: names, units, order, and what a reading and an answer hold.

It needs NumPy, and OpenCV for the one square view that every network sees. It never imports torch
or ROS.
"""

from crossmodal_kd_ros.contract.derived import (
    co2_absorption,
    crack_depth_mm,
    surface_roughness_um,
    surface_state,
)
from crossmodal_kd_ros.contract.sample import (
    ContractError,
    Estimate,
    Prediction,
    Sample,
    check_gas,
    check_image,
    check_touch,
)
from crossmodal_kd_ros.contract.view import VIEW_PX, square_view
from crossmodal_kd_ros.contract.vocabulary import (
    ACTIONS,
    BANK_SHAPE,
    GAS_CHANNELS,
    GAS_NAMES,
    HOLD,
    INDENTATION,
    MATERIALS,
    NUM_GAS,
    NUM_TAXELS,
    SENSORS,
    SURFACE_STATE,
    TEXTURE,
    TOUCH_IMAGE_SHAPE,
    Mode,
    fingerprint,
)

__all__ = [
    'ACTIONS',
    'BANK_SHAPE',
    'GAS_CHANNELS',
    'GAS_NAMES',
    'HOLD',
    'INDENTATION',
    'MATERIALS',
    'NUM_GAS',
    'NUM_TAXELS',
    'SENSORS',
    'SURFACE_STATE',
    'TEXTURE',
    'TOUCH_IMAGE_SHAPE',
    'VIEW_PX',
    'ContractError',
    'Estimate',
    'Mode',
    'Prediction',
    'Sample',
    'check_gas',
    'check_image',
    'check_touch',
    'co2_absorption',
    'crack_depth_mm',
    'fingerprint',
    'square_view',
    'surface_roughness_um',
    'surface_state',
]
