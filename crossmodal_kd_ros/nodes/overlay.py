# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The topic `maintenance/overlay`: drawn in a thread of its own, and only while somebody watches."""

import threading
import time
from typing import TYPE_CHECKING

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from crossmodal_kd_ros.contract import Estimate
from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.overlay import annotate
from crossmodal_kd_ros.runtime import Frame

if TYPE_CHECKING:
    from crossmodal_kd_ros.overlay.saliency import Gaze

# Four pictures a second are enough for a person; each takes as much processor time as two
# decisions of the student.
_PERIOD_S = 0.25
# Reliable, for RViz asks for it; one picture, for nobody wants an old one.
_PICTURE = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE
)


class OverlayPublisher:
    """Takes what was answered, and publishes a picture of the newest of it four times a second."""

    def __init__(self, node: LifecycleNode, models_dir: str) -> None:
        """Create the publisher on `node`; the student in `models_dir` says where it looks."""
        self._node, self._models_dir = node, models_dir
        self._publisher = qos.publisher(node, Image, 'maintenance/overlay', _PICTURE)
        self._gaze: Gaze | None = None
        self._asked_for_gaze = False

    def start(self) -> None:
        """Start the thread that draws."""
        self._newest: tuple[Frame, Estimate] | None = None
        self._due_s = 0.0
        self._wake, self._ending = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name='overlay')
        self._thread.start()

    def stop(self) -> None:
        """Finish the picture under way and end the thread."""
        self._ending = True
        self._wake.set()
        self._thread.join()

    def close(self) -> None:
        """Let go of the publisher and the student."""
        self._node.destroy_lifecycle_publisher(self._publisher)
        self._gaze, self._asked_for_gaze = None, False

    def offer(self, frame: Frame, estimate: Estimate) -> None:
        """Draw this if somebody watches and the last picture is old enough; returns at once."""
        now_s = time.monotonic()
        if now_s < self._due_s or not self._publisher.get_subscription_count():
            return
        self._due_s = now_s + _PERIOD_S
        self._newest = (frame, estimate)
        self._wake.set()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ending:
                return
            frame, estimate = self._newest
            try:
                self._publisher.publish(
                    conversions.image_message(frame.origin, self._draw(frame, estimate))
                )
            except Exception as error:  # noqa: BLE001  Nothing that goes wrong with a picture may end what decides.
                self._node.get_logger().error(f'no overlay: {error}', throttle_duration_sec=5.0)

    def _draw(self, frame: Frame, estimate: Estimate) -> np.ndarray:
        image = frame.read()
        gaze = self._student()
        seen = None if gaze is None else gaze.look(image, int(estimate.probabilities.argmax()))
        return annotate(image, estimate, seen)

    def _student(self) -> 'Gaze | None':
        if not self._asked_for_gaze:
            self._asked_for_gaze = True
            try:
                # Imported here: a robot whose engine needs no torch may have none.
                from crossmodal_kd_ros.overlay.saliency import Gaze

                self._gaze = Gaze.load(self._models_dir)
            except Exception as error:  # noqa: BLE001  Without torch or its weights the rest can still be drawn.
                self._node.get_logger().warning(
                    f'the overlay cannot show where the student looks: {error}'
                )
        return self._gaze
