# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Records topics over a DDS participant of its own and keeps the newest message of each."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import cv2
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import Image

from crossmodal_kd_ros.bags import BagRecorder, offered_qos
from crossmodal_kd_ros.memory import spare_heap
from crossmodal_kd_ros.nodes import context
from crossmodal_kd_ros.nodes.conversions import message_class
from crossmodal_kd_ros.nodes.qos import rclpy_profile
from crossmodal_kd_ros.runtime.messages import image_reader
from crossmodal_kd_ros.runtime.topics import COMPRESSED_IMAGE, IMAGE, QosPolicies

_TYPES = get_typestore(Stores.LATEST)
# A picture waits in the writer's shared memory of 16 MiB, which holds 18 of them; all else is
# small.
_CAMERA_DEPTH, _DEPTH = 10, 500
# `drain` leaves pictures out: nobody reads every one.
_SMALL_BYTES = 65536


class Observer:
    """Subscribes to topics as their publishers offer them, and writes them into a bag.

    Messages stay serialised: the callback takes the time at which DDS received one, and puts it
    into the recorder's queue and into `newest`. Whoever reads one decodes it.

    Attributes:
        newest: by topic, the newest message: (received_ns, serialised).
        node: the rclpy node, for services.
        recorder: writes the bag; `None` before `record`.
    """

    def __init__(
        self, *, domain_id: int | None = None, name: str = 'demo_observer', one_clock: bool = False
    ) -> None:
        """Join the domain as the node `name` and start to spin in a thread.

        Where `one_clock`, every publisher is on this machine: a message then counts from when it
        was sent, so that the bag says when things happened even if this process was given no time
        to notice.
        """
        self._when = 'source_timestamp' if one_clock else 'received_timestamp'
        self._start_ns = 0
        self._context = Context()
        context.init(context=self._context, domain_id=domain_id)
        self.node = rclpy.create_node(
            name, context=self._context, enable_rosout=False, start_parameter_services=False
        )
        self.recorder: BagRecorder | None = None
        self.newest: dict[str, tuple[int, bytes]] = {}
        self._fresh: deque[tuple[str, int, bytes]] = deque()
        self._ignored: frozenset[str] = frozenset()
        self._as_jpeg: frozenset[str] = frozenset()
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        spare_heap()
        self._thread = threading.Thread(target=self._spin, name='observer')
        self._thread.start()

    def published(self, names: Iterable[str]) -> list[str]:
        """Return those of `names` that have a publisher."""
        return [name for name in names if self.node.get_publishers_info_by_topic(name)]

    def record(
        self,
        bag: Path,
        types: dict[str, str],
        *,
        storage: str = 'mcap',
        as_jpeg: Collection[str] = (),
        made_by: str = '',
    ) -> None:
        """Write the topics in `types` (name: `pkg/msg/Name`) to a new bag from now on.

        Args:
            bag: the folder to create.
            types: see `also_record`.
            storage: `mcap` or `sqlite3`.
            as_jpeg: topics of pictures that are kept as JPEG, under their name with /compressed
                behind: a seventh of the size, and not what a node saw. A student that decides from
                them alone does so otherwise, or holds otherwise, on up to 12 of 1000.
            made_by: see `BagRecorder`.
        """
        self._start_ns = time.time_ns()
        self.recorder = BagRecorder(bag, storage=storage, made_by=made_by)
        self._as_jpeg = frozenset(as_jpeg)
        self.also_record(types)

    def also_record(self, types: dict[str, str]) -> None:
        """Subscribe to further topics (name: `pkg/msg/Name`) and write them to the bag.

        Each must have a publisher already: the subscription asks for just what that offers.

        Raises:
            ValueError: a type is not installed, or a topic of that name is in the bag already:
                that of pictures which are kept as JPEG may be.
        """
        for name, msgtype in types.items():
            offered = [info.qos_profile for info in self.node.get_publishers_info_by_topic(name)]
            kept = (
                (f'{name}/compressed', COMPRESSED_IMAGE)
                if name in self._as_jpeg
                else (name, msgtype)
            )
            bag_topic = self.node.resolve_topic_name(kept[0])
            installed_class = _installed_class(msgtype)
            self.recorder.add_topic(
                bag_topic, kept[1], qos=[offered_qos(profile) for profile in offered]
            )
            # A picture waits in the writer's shared memory; see _CAMERA_DEPTH.
            depth = _CAMERA_DEPTH if msgtype == IMAGE else _DEPTH
            self.node.create_subscription(
                installed_class,
                name,
                self._callback(name, bag_topic),
                _agreeing(offered, depth),
                raw=True,
            )

    def drain(self) -> list[tuple[str, int, bytes]]:
        """Return (topic, received_ns, serialised) of small messages since the last call."""
        return [self._fresh.popleft() for _ in range(len(self._fresh))]

    def ignore(self, names: Iterable[str]) -> None:
        """Neither record nor keep messages of these topics from now on."""
        self._ignored = frozenset(names)

    def call(self, service_type: Any, name: str, request: Any, *, timeout_s: float = 2.0) -> Any:
        """Call a service; return its response, or `None` if none came in time."""
        client = self.node.create_client(service_type, name)
        try:
            if not client.wait_for_service(timeout_sec=timeout_s):
                return None
            done = threading.Event()
            future = client.call_async(request)
            future.add_done_callback(lambda _: done.set())
            return future.result() if done.wait(timeout_s) else None
        finally:
            self.node.destroy_client(client)

    def close(self) -> None:
        """Leave the domain and complete the bag."""
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)
        if self.recorder is not None:
            self.recorder.close()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass

    def _callback(self, name: str, bag_topic: str) -> Callable[..., None]:
        def store(data: bytes, info: dict) -> None:
            if name in self._ignored:
                return
            # When DDS received it, as in `ros2 bag record`, or when it was sent; not when Python
            # had time for it. What is repeated for late subscribers was sent before the recording.
            received_ns = max(info.get(self._when) or time.time_ns(), self._start_ns)
            self.newest[name] = (received_ns, data)
            self.recorder.write(
                bag_topic, received_ns, (lambda: _as_jpeg(data)) if name in self._as_jpeg else data
            )
            if len(data) < _SMALL_BYTES:
                self._fresh.append((name, received_ns, data))

        # Humble's rclpy gives a callback no more than the message.
        return store if hasattr(Subscription, 'CallbackType') else lambda data: store(data, {})


def _installed_class(msgtype: str) -> type:
    try:
        return message_class(msgtype)
    except (ImportError, AttributeError):
        package, _, name = msgtype.split('/')
        raise ValueError(
            f'expected the package {package} with the type {name} to be installed, it is not'
        ) from None


def _agreeing(offered: list[QoSProfile], depth: int) -> QoSProfile:
    """Return a request that every publisher in `offered` satisfies, and no weaker one."""
    return rclpy_profile(
        QosPolicies(
            depth=depth,
            reliable=all(each.reliability is ReliabilityPolicy.RELIABLE for each in offered),
            transient_local=all(
                each.durability is DurabilityPolicy.TRANSIENT_LOCAL for each in offered
            ),
        )
    )


def _as_jpeg(data: bytes) -> bytes:
    """Return a serialised Image as a serialised CompressedImage with its header."""
    message = deserialize_message(data, Image)
    picture = cv2.cvtColor(image_reader(message)(), cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    types = _TYPES.types
    stamp = types['builtin_interfaces/msg/Time'](
        message.header.stamp.sec, message.header.stamp.nanosec
    )
    header = types['std_msgs/msg/Header'](stamp, message.header.frame_id)
    # The format as image_transport writes it, so that its decoders know the colour order.
    compressed = types[COMPRESSED_IMAGE](header, 'rgb8; jpeg compressed bgr8', jpeg.reshape(-1))
    return bytes(_TYPES.serialize_cdr(compressed, COMPRESSED_IMAGE))
