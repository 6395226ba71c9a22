# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The topic `maintenance/overlay`: drawn in a thread of its own, and only while it is watched."""

import threading
import time
from typing import TYPE_CHECKING

import numpy as np
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.runtime.sample import Answer
from crossmodal_kd_ros.runtime.topics import OVERLAY

if TYPE_CHECKING:
    from crossmodal_kd_ros.overlay.saliency import Saliency

# Four pictures a second are enough for a person; each takes as much processor time as two
# decisions of the student.
_PERIOD_S = 0.25


class OverlayPublisher:
    """Takes answers, and publishes a picture of the newest one four times a second."""

    def __init__(self, node: LifecycleNode, models_dir: str, profile: Profile) -> None:
        """Create the publisher on `node`; the student in `models_dir` says where it looks."""
        self._node, self._models_dir, self._profile = node, models_dir, profile
        self._publisher = qos.publisher(node, OVERLAY)
        self._saliency: Saliency | None = None
        self._is_saliency_loaded = False

    def start(self) -> None:
        """Start the thread that draws."""
        self._newest: tuple[Header, Answer] | None = None
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
        """Release the publisher and the student."""
        self._node.destroy_lifecycle_publisher(self._publisher)
        self._saliency, self._is_saliency_loaded = None, False

    def offer(self, header: Header, answer: Answer) -> None:
        """Have an answer drawn if the topic is watched and the last picture is old enough.

        Returns at once.
        """
        now_s = time.monotonic()
        if now_s < self._due_s or not self._publisher.get_subscription_count():
            return
        self._due_s = now_s + _PERIOD_S
        self._newest = (header, answer)
        self._wake.set()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ending:
                return
            header, answer = self._newest
            try:
                picture = conversions.image_message(header, self._draw(answer))
                self._publisher.publish(picture)
            except Exception as error:  # noqa: BLE001  a picture that fails may not end the node
                self._node.get_logger().error(f'no overlay: {error}', throttle_duration_sec=5.0)

    def _draw(self, answer: Answer) -> np.ndarray:
        # Imported here: a node that nobody watches starts without what draws.
        from crossmodal_kd_ros.overlay import annotate

        image, estimate = answer.sample.image, answer.estimate
        student = self._load_saliency()
        if student is None:
            return annotate(image, estimate, self._profile)
        saliency = student.map(image, int(estimate.probabilities.argmax()))
        return annotate(image, estimate, self._profile, saliency)

    def _load_saliency(self) -> 'Saliency | None':
        if not self._is_saliency_loaded:
            self._is_saliency_loaded = True
            try:
                # Imported here: a robot whose engine needs no torch may have none.
                from crossmodal_kd_ros.overlay.saliency import Saliency

                self._saliency = Saliency.load(self._models_dir, self._profile)
            except Exception as error:  # noqa: BLE001  the rest can be drawn without it
                self._node.get_logger().warning(
                    f'the overlay cannot show where the student looks: {error}'
                )
        return self._saliency
