# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A camera within the process of a node: its pictures reach the node without DDS."""

import threading
from collections.abc import Callable

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.nodes.cameras import CameraLost, open_source
from crossmodal_kd_ros.nodes.clock import Pace
from crossmodal_kd_ros.runtime.picture_files import PictureFileError
from crossmodal_kd_ros.runtime.topics import Topic

# Until a camera that was lost is opened again: at first, and at most.
_RETRY_S, _MAX_RETRY_S = 0.5, 8.0
_WARNING_S = 5.0

# Header, stamp in nanoseconds, `uint8[H, W, 3]` RGB.
OnPicture = Callable[[Header, int, np.ndarray], None]


class InProcessCamera:
    """Captures pictures in a thread of its own, and hands each over as it is.

    It stamps them by the clock of the node. While somebody subscribes to the camera's topic it
    publishes them there too. One that is lost is opened again, sooner or later: until then there
    are no pictures, and the node judges that as of any camera.
    """

    def __init__(
        self, node: LifecycleNode, topic: Topic, *, source: str, frame_id: str, period_s: float
    ) -> None:
        """Create the publisher on `node`; nothing is opened yet.

        Args:
            node: whose camera it is.
            topic: of its pictures.
            source: see `open_source`.
            frame_id: of the headers.
            period_s: from one picture to the next, of a source that has no pace of its own.
        """
        self._node, self._text, self._frame_id = node, source, frame_id
        self._period_s = period_s
        self._publisher = qos.publisher(node, topic)

    @property
    def topic_name(self) -> str:
        """The whole name of its topic."""
        return self._publisher.topic_name

    def open(self) -> None:
        """Open the source; raise `ConfigurationError` if it cannot be."""
        self._source = open_source(self._text, self._period_s)

    def start(self, on_picture: OnPicture, on_bad: Callable[[PictureFileError], None]) -> None:
        """Start the thread, which calls one of these for each picture of the open source."""
        self._on_picture, self._on_bad = on_picture, on_bad
        self._pace, self._index, self._retry_s = Pace(self._node, 0.0), 0, _RETRY_S
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name='camera')
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the source."""
        self._ended.set()
        self._thread.join()
        self._source.close()

    def close(self) -> None:
        """Release the publisher."""
        self._node.destroy_lifecycle_publisher(self._publisher)

    def _work(self) -> None:
        while not self._ended.is_set():
            try:
                stamp_ns, picture = self._source.capture(self._moment_ns)
            except CameraLost as error:
                self._reopen(error)
                continue
            except PictureFileError as error:
                self._on_bad(error)
                self._moment_ns()
                continue
            self._retry_s = _RETRY_S
            if self._ended.is_set() or not stamp_ns:  # 0: there is no /clock yet
                continue
            header = self._header(stamp_ns)
            self._on_picture(header, stamp_ns, picture)
            if self._publisher.get_subscription_count():
                self._publisher.publish(conversions.image_message(header, picture))

    def _moment_ns(self) -> int:
        """Return the node's time, when a picture is due: of a live source, at once."""
        if not self._source.is_live:
            self._pace.wait(self._index * self._period_s, self._ended)
            self._index = max(self._index + 1, int(self._pace.now_s() / self._period_s))
        return self._node.get_clock().now().nanoseconds

    def _reopen(self, error: CameraLost) -> None:
        """Close the source, and open it again when it can be."""
        logger = self._node.get_logger()
        logger.warning(
            f'{error}: it is opened again when it is back', throttle_duration_sec=_WARNING_S
        )
        self._source.close()
        while not self._ended.wait(self._retry_s):
            self._retry_s = min(2.0 * self._retry_s, _MAX_RETRY_S)
            try:
                self.open()
            except ConfigurationError:
                continue
            logger.info('the camera is open again')
            return

    def _header(self, stamp_ns: int) -> Header:
        stamp = Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
        return Header(stamp=stamp, frame_id=self._frame_id)
