# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a robot has: camera, senses, actions and quantities, as data that every room reads.

    profile = load_profile('living_wall')
    profile.senses['gas'].channel_names, profile.actions, profile.fingerprint

It needs NumPy, OpenCV, pydantic and a YAML reader, and imports neither torch nor ROS.
"""

from crossmodal_kd_ros.profile.load import (
    DEFAULT_PROFILE,
    ProfileError,
    load_profile,
    schema_path,
    schema_text,
)
from crossmodal_kd_ros.profile.modes import HOLD, Mode
from crossmodal_kd_ros.profile.quantities import (
    measure_quantities,
    measure_quantity,
    quantity_minimum,
)
from crossmodal_kd_ros.profile.readings import (
    ReadingError,
    check_image,
    check_reading,
    square_view,
)
from crossmodal_kd_ros.profile.schema import (
    CAMERA,
    Camera,
    Channel,
    ChannelSource,
    Profile,
    Quantity,
    Sense,
    Source,
)

__all__ = [
    'CAMERA',
    'DEFAULT_PROFILE',
    'HOLD',
    'Camera',
    'Channel',
    'ChannelSource',
    'Mode',
    'Profile',
    'ProfileError',
    'Quantity',
    'ReadingError',
    'Sense',
    'Source',
    'check_image',
    'check_reading',
    'load_profile',
    'measure_quantities',
    'measure_quantity',
    'quantity_minimum',
    'schema_path',
    'schema_text',
    'square_view',
]
