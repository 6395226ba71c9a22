# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Write serialised messages to a rosbag2 bag without holding up whoever receives them.

With each topic a bag stores what its publishers offered, so that `ros2 bag play` can offer the
same.
"""

import queue
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer

from crossmodal_kd_ros.bags.definitions import writing_store
from crossmodal_kd_ros.runtime.topics import QOS, QosKind

# An image of 640x480 is 0.9 MB, so a full queue of nothing but images is 0.5 GB: 17 s at 30 Hz.
_QUEUE_SIZE = 512
STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
_NS_PER_S = 1_000_000_000
_NO_LIMIT = QosTime(0, 0)


class BagRecorder:
    """A bag being written, of rosbag2 version 9: Jazzy and later; Humble reads it too.

    `write` puts a message into a queue; one thread owns the file and empties it. A message that
    does not fit into the queue, or cannot be written, is counted in `dropped`, and `error` says
    why.

    Attributes:
        path: the directory of the bag.
        written: messages in the bag, by topic.
        dropped: messages that are not, by topic.
        error: one sentence on the last thing that went wrong, or empty.
    """

    def __init__(
        self, path: Path, *, storage: str = 'mcap', queue_size: int = _QUEUE_SIZE
    ) -> None:
        """Create the bag's directory.

        Args:
            path: the directory to create.
            storage: one of `STORAGES`.
            queue_size: messages that may wait.

        Raises:
            FileExistsError: there is something at `path`.
            OSError: the directory cannot be made.
        """
        if path.exists():
            raise FileExistsError(
                f'expected no file or folder at {path}, found one: name another or remove it'
            )
        self.path = path
        self.written: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.error = ''
        self._writer = Writer(path, version=9, storage_plugin=STORAGES[storage])
        self._links: dict[str, Connection] = {}
        self._queue: queue.Queue = queue.Queue(queue_size)
        self._thread = threading.Thread(target=self._run, name='bag', daemon=True)
        self._thread.start()
        try:
            self._call(self._writer.open)
        except BaseException:
            self._queue.put(None)
            raise

    def add_topic(self, topic: str, msgtype: str, *, qos: Sequence[Qos] = ()) -> None:
        """Announce `topic` (full name) of `msgtype` (`pkg/msg/Name`).

        Args:
            qos: what its publishers offer.

        Raises:
            ValueError: no definition of `msgtype` is known.
        """
        store = writing_store(msgtype)
        self._links[topic] = self._call(
            lambda: self._writer.add_connection(
                topic, msgtype, typestore=store, offered_qos_profiles=list(qos)
            )
        )

    def write(self, topic: str, received_ns: int, data: bytes | Callable[[], bytes]) -> None:
        """Record one message of an announced topic; return at once.

        Args:
            topic: full name.
            received_ns: when it was received, nanoseconds since the epoch.
            data: the serialised message, or a function that makes it: it runs in the writing
                thread, so that its work (compressing an image) costs the caller nothing.
        """
        try:
            self._queue.put_nowait((self._links[topic], received_ns, data))
        except queue.Full:
            self.dropped[topic] += 1
            self.error = f'{self.path} could not be written as fast as messages arrived'

    def close(self) -> None:
        """Write what is queued, then the index and `metadata.yaml`."""
        self._queue.put(None)
        self._thread.join()

    def _call(self, do: Callable[[], Any]) -> Any:
        """Return what `do` returns in the writing thread, to which SQLite's files belong."""
        done: Future = Future()
        self._queue.put((done, 0, do))
        return done.result()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            link, received_ns, data = item
            if isinstance(link, Future):
                try:
                    link.set_result(data())
                except Exception as error:  # noqa: BLE001  The caller gets it.
                    link.set_exception(error)
                continue
            try:
                self._writer.write(link, received_ns, data() if callable(data) else data)
                self.written[link.topic] += 1
            # a full disk; an image that cannot be compressed
            except (OSError, ValueError, sqlite3.Error) as error:
                self.dropped[link.topic] += 1
                self.error = (
                    f'a message of {link.topic} could not be written to {self.path}: {error}'
                )
        try:
            if self._writer.storage is not None:
                self._writer.close()
        except (OSError, sqlite3.Error) as error:
            self.error = f'{self.path} could not be completed: {error}'


def remove_bag(path: Path) -> None:
    """Remove the bag at `path`, whole or cut off; leave anything else alone.

    Raises:
        FileExistsError: `path` holds something that is not a bag.
    """
    if not path.exists():
        return
    if not path.is_dir() or any(
        child.name != 'metadata.yaml' and child.suffix not in ('.mcap', '.db3')
        for child in path.iterdir()
    ):
        raise FileExistsError(
            f'expected a recording or nothing at {path}, found other files: name another folder'
        )
    shutil.rmtree(path)


def offered_qos(profile: Any) -> Qos:
    """Return an `rclpy.qos.QoSProfile` as rosbags' `Qos`.

    Only its attributes are read, so that bags are written without importing ROS. A policy that
    rosbag2 has no word for is stored as unknown, which is also what discovery reports for history
    and depth.
    """
    return Qos(
        history=_policy(QosHistory, profile.history),
        depth=int(profile.depth),
        reliability=_policy(QosReliability, profile.reliability),
        durability=_policy(QosDurability, profile.durability),
        deadline=_time(profile.deadline),
        lifespan=_time(profile.lifespan),
        liveliness=_policy(QosLiveliness, profile.liveliness),
        liveliness_lease_duration=_time(profile.liveliness_lease_duration),
        avoid_ros_namespace_conventions=bool(profile.avoid_ros_namespace_conventions),
    )


def qos_of(kind: QosKind) -> Qos:
    """Return what the package's publishers of a kind of topic offer, as rosbags' `Qos`."""
    policies = QOS[kind]
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=policies.depth,
        reliability=QosReliability.RELIABLE if policies.reliable else QosReliability.BEST_EFFORT,
        durability=QosDurability.TRANSIENT_LOCAL
        if policies.transient_local
        else QosDurability.VOLATILE,
        deadline=_NO_LIMIT,
        lifespan=_NO_LIMIT,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_NO_LIMIT,
        avoid_ros_namespace_conventions=False,
    )


def _policy(policies: Any, value: Any) -> Any:
    return policies.__members__.get(value.name, policies.UNKNOWN)


def _time(duration: Any) -> QosTime:
    return QosTime(*divmod(duration.nanoseconds, _NS_PER_S))
