# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Arrays to rclpy messages; the way back, which needs no ROS, is `runtime.messages`."""

from array import array
from collections.abc import Sequence

import numpy as np
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from crossmodal_kd_ros.contract import ACTIONS, TOUCH_IMAGE_SHAPE, Estimate
from crossmodal_kd_ros.runtime.messages import (
    TOUCH_ENCODING,
    BadMessage,
    compressed_image_reader,
    gas_from_array,
    gas_from_joint_state,
    image_reader,
    stamp_ns,
    touch_from_array,
    touch_from_image,
)

__all__ = [
    'BadMessage',
    'action_scores',
    'compressed_image_reader',
    'gas_from_array',
    'gas_from_joint_state',
    'image_message',
    'image_reader',
    'named_values',
    'stamp_ns',
    'surface_state',
    'touch_from_array',
    'touch_from_image',
    'touch_message',
]


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


def touch_message(header: Header, touch: np.ndarray) -> Image:
    """Return a tactile image message from `float32[256]`."""
    height, width = TOUCH_IMAGE_SHAPE
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=TOUCH_ENCODING,
        step=4 * width,
        data=array('B', touch.astype('<f4').tobytes()),
    )


def named_values(header: Header, names: Sequence[str], values: np.ndarray) -> JointState:
    """Return a message in which `names[i]` has the position `values[i]`."""
    return JointState(
        header=header,
        name=list(names),
        position=array('d', np.asarray(values, np.float64).tobytes()),
    )


def action_scores(header: Header, estimate: Estimate) -> JointState:
    """Return the probability of each action as its position; its effort is 1 if the action is possible, 0 if not.

    Without a calibration nobody knows what is possible, and there are no efforts.
    """
    message = named_values(header, ACTIONS, estimate.probabilities)
    message.effort = estimate.efforts()
    return message


def surface_state(header: Header, estimate: Estimate) -> JointState:
    """Return the surface state and, with a calibration, its 90 % bounds: `crack_depth_lower`, `crack_depth_upper`, ..."""
    named = estimate.named_surface()
    return named_values(header, list(named), np.array(list(named.values())))
