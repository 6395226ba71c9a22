# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Write serialised messages to a rosbag2 bag without holding up whoever receives them.

With each topic a bag stores what its publishers offered, so that `ros2 bag play` can offer the
same.
"""

import os
import queue
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
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
from rosbags.rosbag2 import Writer, WriterError

from crossmodal_kd_ros.bags.definitions import one_line, writing_store
from crossmodal_kd_ros.bags.reader import read_metadata
from crossmodal_kd_ros.bags.storages import STORAGES, Storage
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.files import printable
from crossmodal_kd_ros.runtime.topics import QOS, QosKind

# An image of 640x480 is 0.9 MB, so a full queue of nothing but images is 0.5 GB: 17 s at 30 Hz.
_QUEUE_SIZE = 512
# So often what was written is put onto the disk; with what a slow disk takes it is under a second.
_SECURE_S = 0.5
_NS_PER_S = 1_000_000_000
_NO_LIMIT = QosTime(0, 0)
_WRITE_ERRORS = (OSError, sqlite3.Error)
# In the metadata of a bag that a command makes anew each time: which command.
_MADE_BY = 'crossmodal_kd_ros.made_by'
# What a bag consists of.
_BAG_FILES = (
    *('.mcap', '.db3', '.db3-wal', '.db3-shm', '.db3-journal'),
    *('metadata.yaml', 'metadata.yaml.tmp'),
)


class RecordingError(CrossmodalError):
    """A bag cannot be written."""


class _Gone(Exception):
    """The file of a recording is no longer where it was made."""


class BagRecorder:
    """A bag being written, of rosbag2 version 9: Jazzy and later; Humble reads it too.

    `write` puts a message into a queue; one thread owns the file and empties it. Twice a second
    it puts onto the disk what it has written: more is not lost, however the process ends. A
    message that does not fit into the queue, or cannot be made, is counted in `dropped`, and
    `error` says why. Where the disk takes no more, or the file is no longer where it was made, the
    recording has ended.

    Attributes:
        path: the directory of the bag.
        written: messages on the disk, by topic.
        dropped: messages that will never be there, by topic.
        error: one sentence on the last thing that went wrong, or empty.
        ended: whether nothing more can be written; `error` says why.
    """

    def __init__(
        self,
        path: Path,
        *,
        storage: str = 'mcap',
        queue_size: int = _QUEUE_SIZE,
        made_by: str = '',
    ) -> None:
        """Create the bag's directory.

        Args:
            path: the directory to create.
            storage: one of `STORAGES`.
            queue_size: messages that may wait.
            made_by: see `mark`; empty: the recording cannot be made again.

        Raises:
            RecordingError: there is something at `path`, or the bag cannot be made.
        """
        _check_name(path, storage)
        self.path = path
        self.written: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.error = ''
        self.ended = False
        plugin, self._storage_class = STORAGES[storage]
        try:
            self._writer = Writer(path, version=9, storage_plugin=plugin)
        except WriterError as error:
            raise _refusal(path, error) from error
        mark(self._writer, made_by)
        self._storage: Storage
        self._path_of_file: Path
        self._file: os.stat_result
        self._links: dict[str, Connection] = {}
        self._counting = threading.Lock()
        self._unsecured: Counter[str] = Counter()
        self._secure_at_s = 0.0
        self._queue: queue.Queue[Callable[[], Any] | None] = queue.Queue(queue_size)
        self._thread = threading.Thread(target=self._run, name='bag', daemon=True)
        self._thread.start()
        try:
            self._call(self._open)
        except (*_WRITE_ERRORS, WriterError) as error:
            self.ended = True
            self.close()
            raise _refusal(path, error) from error

    def add_topic(self, topic: str, msgtype: str, *, qos: Sequence[Qos] = ()) -> None:
        """Announce `topic` (full name) of `msgtype` (`pkg/msg/Name`).

        Args:
            qos: what its publishers offer.

        Raises:
            ValueError: no definition of `msgtype` is known, or the topic is announced already.
        """
        if topic in self._links:
            raise ValueError(
                f'expected a topic that is not recorded yet, got {topic}: what is kept as JPEG '
                'may have that name too'
            )
        store = writing_store(msgtype)
        definition, _ = store.generate_msgdef(msgtype, ros_version=2)
        fingerprint = store.hash_rihs01(msgtype)

        def add() -> None:
            self._links[topic] = self._writer.add_connection(
                topic,
                msgtype,
                msgdef=definition,
                rihs01=fingerprint,
                offered_qos_profiles=list(qos),
            )

        self._call(lambda: self._attempt(add))

    def write(self, topic: str, received_ns: int, data: bytes | Callable[[], bytes]) -> None:
        """Record one message of an announced topic; return at once.

        Args:
            topic: full name.
            received_ns: when it was received, nanoseconds since the epoch.
            data: the serialised message, or a function that makes it: it runs in the writing
                thread, so that its work (compressing an image) costs the caller nothing.
        """
        try:
            self._queue.put_nowait(partial(self._take, topic, received_ns, data))
        except queue.Full:
            self._drop({topic: 1}, f'{self.path} could not be written as fast as messages arrived')

    def close(self) -> None:
        """Write what is queued, then the index and `metadata.yaml`."""
        self._queue.put(None)
        self._thread.join()

    def remove(self) -> None:
        """Remove the bag, which is closed; what others have put in its place stays."""
        if self._is_there():
            shutil.rmtree(self.path, ignore_errors=True)

    def _call(self, do: Callable[[], Any]) -> None:
        """Have the writing thread, to which SQLite's files belong, do something; wait for it."""
        done: Future = Future()

        def step() -> None:
            try:
                done.set_result(do())
            except Exception as error:  # noqa: BLE001  The caller gets it.
                done.set_exception(error)

        self._queue.put(step)
        done.result()

    def _run(self) -> None:
        while (step := self._next()) is not None:
            step()
        self._attempt(self._secure)
        self._attempt(self._complete)

    def _next(self) -> Callable[[], Any] | None:
        """Return what to do next, `None` at the end; meanwhile secure what was written."""
        while self._unsecured:
            try:
                return self._queue.get(timeout=max(0.0, self._secure_at_s - time.monotonic()))
            except queue.Empty:
                self._attempt(self._secure)
        return self._queue.get()

    def _take(self, topic: str, received_ns: int, data: bytes | Callable[[], bytes]) -> None:
        if self.ended:
            self._drop({topic: 1}, self.error)
            return
        try:
            content = data() if callable(data) else data
        except Exception as error:  # noqa: BLE001  What is no picture can end in anything.
            self._drop({topic: 1}, f'a message of {topic} could not be recorded: {error}')
            return
        if not self._unsecured:
            self._secure_at_s = time.monotonic() + _SECURE_S
        self._unsecured[topic] += 1
        self._attempt(lambda: self._writer.write(self._links[topic], received_ns, content))
        if time.monotonic() >= self._secure_at_s:
            self._attempt(self._secure)

    def _attempt(self, do: Callable[[], Any]) -> None:
        """Write something; if that fails, the bag ends with what is on the disk."""
        if self.ended:
            return
        try:
            do()
        except Exception as error:  # noqa: BLE001  Whatever it is: this thread has to say so.
            why = _reason(error)
            if not self._is_there():
                why = 'the recording was removed or moved meanwhile'
                with self._counting:
                    self._unsecured += self.written
                    self.written.clear()
            self._drop(self._unsecured, f'{self.path} takes no more: {why}')
            self._unsecured.clear()
            self.ended = True
            # None: the file is whole, and metadata.yaml alone is missing.
            if self._writer.storage is not None:
                with suppress(*_WRITE_ERRORS):
                    self._storage.cut()

    def _open(self) -> None:
        try:
            self._writer.open()
            self._storage = self._storage_class(self._writer.storage)
            self._path_of_file = self._writer.storage.path
            self._file = os.stat(self._path_of_file)
        except _WRITE_ERRORS:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def _is_there(self) -> bool:
        """Return whether the file is still where it was made."""
        try:
            return os.path.samestat(self._file, os.stat(self._path_of_file))
        except OSError:
            return False

    def _secure(self) -> None:
        if self._unsecured:
            self._storage.secure()
            self._check_there()
            with self._counting:
                self.written += self._unsecured
            self._unsecured.clear()

    def _check_there(self) -> None:
        if not self._is_there():
            raise _Gone

    def _complete(self) -> None:
        self._check_there()
        self._storage.finish()
        self._writer.close()

    def _drop(self, topics: Mapping[str, int], why: str) -> None:
        # The thread that receives does it too.
        with self._counting:
            self.dropped.update(topics)
            if not self.ended:
                self.error = why


def _check_name(path: Path, storage: str) -> None:
    """Refuse a path that cannot stand in metadata.yaml (UTF-8), or in a URI, as SQLite has it."""
    unfit = '?#%' if storage == 'sqlite3' else ''
    if printable(path.name) != path.name or any(character in str(path) for character in unfit):
        also = f', and without {" ".join(unfit)} in its path' if unfit else ''
        raise RecordingError(f'expected a folder with a name in UTF-8{also}, got {path}')


def _refusal(path: Path, error: Exception) -> RecordingError:
    # rosbags has one error for whatever is at `path`, before it starts and when it does.
    if isinstance(error, WriterError):
        return RecordingError(
            f'expected no file or folder at {path}, found one: name another or remove it'
        )
    return RecordingError(f'cannot write {path}: {_reason(error)}')


def mark(writer: Writer, made_by: str) -> None:
    """Have a bag say which command made it, so that the next run of it may replace the bag."""
    if made_by:
        writer.set_custom_data(_MADE_BY, made_by)


def check_replaceable(path: Path, made_by: str) -> None:
    """See that there is nothing at `path`, an empty folder, or a bag with the mark `made_by`.

    Raises:
        RecordingError: `path` holds something else, such as a recording of a robot.
    """
    if not os.path.lexists(path):
        return
    children = list(path.iterdir()) if path.is_dir() else [path]
    is_bag = all(child.name.endswith(_BAG_FILES) for child in children)
    if children and not (is_bag and _marked(path) == made_by):
        raise RecordingError(
            f'expected nothing at {path}, or a bag that "crossmodal-kd {made_by}" made, found '
            'something else: name another folder, or remove it'
        )


def _marked(path: Path) -> str | None:
    """Return the mark of a bag, `None` without."""
    try:
        return read_metadata(path)['custom_data'][_MADE_BY]
    except Exception:  # noqa: BLE001  So may a file that is no metadata.
        return None


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


def _reason(error: Exception) -> str:
    return getattr(error, 'strerror', None) or one_line(error)
