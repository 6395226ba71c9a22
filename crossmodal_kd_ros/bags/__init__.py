# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recordings in the rosbag2 format, written and read without ROS.

`BagRecorder` writes a bag from a thread of its own; `read_messages` gives one back in the order of
its stamps.
"""

from crossmodal_kd_ros.bags.reader import Bag, BagError, BagMessage, Topic, read_messages
from crossmodal_kd_ros.bags.recorder import (
    BagRecorder,
    RecordingError,
    check_replaceable,
    offered_qos,
)

__all__ = [
    'Bag',
    'BagError',
    'BagMessage',
    'BagRecorder',
    'RecordingError',
    'Topic',
    'check_replaceable',
    'offered_qos',
    'read_messages',
]
