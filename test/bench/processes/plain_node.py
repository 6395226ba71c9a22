# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one-file node that the article leads to: eager torch within the callback of the picture.

    python plain_node.py MODELS

It has the networks and weights of this package, so that only the shape of the node differs: the
student sees each picture, and the teacher decides with the newest touch and gas.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import rclpy
import torch
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from crossmodal_kd_ros.networks import load_student, load_teacher
from crossmodal_kd_ros.profile import load_profile


class PlainNode(Node):
    """Answers "STAMP_NS PAD_MESSAGES"; see `sensors.py`."""

    def __init__(self) -> None:
        """Load the networks; subscribe to camera, pad and gas."""
        super().__init__('plain_node')
        self._pads, self._touch, self._gas = 0, None, None
        folder, profile = Path(sys.argv[1]), load_profile()
        self._student = load_student(folder / 'student.safetensors', profile)
        self._teacher = load_teacher(folder / 'teacher.safetensors', profile)
        self._answers = self.create_publisher(String, 'maintenance/action', 10)
        qos = qos_profile_sensor_data
        self.create_subscription(Image, 'camera/image_raw', self._on_image, qos)
        self.create_subscription(Image, 'tactile/image', self._on_touch, qos)
        self.create_subscription(JointState, 'gas/state', self._on_gas, qos)

    @torch.no_grad()
    def _on_image(self, message: Image) -> None:
        picture = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
        self._decide(picture)
        stamp = message.header.stamp
        self._answers.publish(String(data=f'{stamp.sec * 10**9 + stamp.nanosec} {self._pads}'))

    def _on_touch(self, message: Image) -> None:
        self._pads += 1
        self._touch = torch.from_numpy(np.frombuffer(message.data, np.float32).copy())

    def _on_gas(self, message: JointState) -> None:
        self._gas = torch.tensor(message.position, dtype=torch.float32)

    def _decide(self, picture: np.ndarray) -> None:
        side = min(picture.shape[:2])
        top, left = ((size - side) // 2 for size in picture.shape[:2])
        square = picture[top : top + side, left : left + side]
        view = cv2.resize(square, (128, 128), interpolation=cv2.INTER_AREA)
        image = torch.from_numpy(view).permute(2, 0, 1)[None].float() / 255.0
        self._student(image)
        if self._touch is not None and self._gas is not None:
            readings = {'touch': self._touch[None], 'gas': self._gas[None]}
            present = dict.fromkeys(readings, torch.ones(1, dtype=torch.bool))
            self._teacher(image, readings, present)


if __name__ == '__main__':
    rclpy.init()
    try:
        rclpy.spin(PlainNode())
    except KeyboardInterrupt:
        pass
