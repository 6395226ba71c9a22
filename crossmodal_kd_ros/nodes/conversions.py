# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Arrays to rclpy messages; the way back, which needs no ROS, is `runtime.sources`."""

from array import array
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseArray, Quaternion
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from crossmodal_kd_ros.profile import Profile, Sense
from crossmodal_kd_ros.repair import RepairCommand
from crossmodal_kd_ros.runtime.messages import grid_image_fields
from crossmodal_kd_ros.runtime.sample import Estimate


def message_class(type_name: str) -> Any:
    """Return the class of a message type such as `sensor_msgs/msg/Image`.

    Raises:
        ImportError: its package is not installed.
        AttributeError: its package has no such message.
    """
    package, _, name = type_name.split('/')
    return getattr(import_module(f'{package}.msg'), name)


def image_message(header: Header, image: np.ndarray) -> Image:
    """Return an rgb8 image message from `uint8[H, W, 3]`."""
    height, width = image.shape[:2]
    return Image(
        header=header,
        height=height,
        width=width,
        encoding='rgb8',
        step=3 * width,
        data=array('B', image.tobytes()),
    )


def named_values(header: Header, names: Sequence[str], values: np.ndarray) -> JointState:
    """Return a message in which `names[i]` has the position `values[i]`."""
    return JointState(
        header=header,
        name=list(names),
        position=array('d', np.asarray(values, np.float64).tobytes()),
    )


def reading_message(header: Header, sense: Sense, reading: np.ndarray) -> Image | JointState:
    """Return the message that carries a reading `float32[size]` of a sense.

    A grid is an `Image` 32FC1 of (channels * rows) x columns; channels are positions by name.
    """
    if sense.layout == 'channels':
        return named_values(header, sense.channel_names, reading)
    fields = grid_image_fields(sense, reading)
    return Image(header=header, **{**fields, 'data': array('B', fields['data'])})


def action_scores(header: Header, profile: Profile, estimate: Estimate) -> JointState:
    """Return the probability of each action as its position.

    Its effort is 1 if the action is possible, 0 if not. Without a calibration nobody knows what is
    possible, and there are no efforts.
    """
    message = named_values(header, profile.actions, estimate.probabilities)
    message.effort = estimate.efforts(profile.actions)
    return message


def surface_state(header: Header, estimate: Estimate) -> JointState:
    """Return the quantities by name.

    With a calibration also their 90 % bounds: `crack_depth_lower`, `crack_depth_upper`, ...
    """
    named = estimate.named_quantities()
    return named_values(header, list(named), np.array(list(named.values())))


def repair_command(header: Header, profile: Profile, command: RepairCommand) -> JointState:
    """Return the numbers of a repair by name."""
    named = command.named_values(profile)
    return named_values(header, list(named), np.array(list(named.values())))


def repair_path(header: Header, profile: Profile, command: RepairCommand) -> PoseArray:
    """Return the path of a repair in the camera's optical frame, z along the approach."""
    places, (x, y, z, w) = command.poses(profile.camera.view_mm)
    turned = Quaternion(x=x, y=y, z=z, w=w)
    return PoseArray(
        header=header,
        poses=[
            Pose(position=Point(x=place[0], y=place[1], z=place[2]), orientation=turned)
            for place in places.tolist()
        ],
    )
