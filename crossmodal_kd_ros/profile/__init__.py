# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a robot has: camera, senses, actions and quantities, as data that every room reads.

    profile = load_profile('living_wall')
    profile.senses['gas'].channel_names, profile.actions, profile.fingerprint

It needs NumPy, OpenCV, pydantic and a YAML reader, and imports neither torch nor ROS.
"""

from crossmodal_kd_ros.profile.channels import Channel, ChannelSource, Source
from crossmodal_kd_ros.profile.readings import (
    ReadingError,
    check_image,
    check_reading,
    measure_quantities,
    measure_quantity,
    quantity_minimum,
    square_view,
)
from crossmodal_kd_ros.profile.schema import (
    CAMERA,
    DEFAULT_PROFILE,
    HOLD,
    LABEL_COLUMNS,
    OPTIONAL_LABEL_COLUMNS,
    Camera,
    Mode,
    Profile,
    ProfileError,
    Quantity,
    load_profile,
    schema_path,
    schema_text,
)
from crossmodal_kd_ros.profile.senses import Sense

__all__ = [
    'CAMERA',
    'DEFAULT_PROFILE',
    'HOLD',
    'LABEL_COLUMNS',
    'OPTIONAL_LABEL_COLUMNS',
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
