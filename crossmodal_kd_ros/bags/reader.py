# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Read a rosbag2 recording, MCAP or SQLite, whole or cut off, message by message, without ROS."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import Any

from rosbags.interfaces import Qos
from rosbags.rosbag2 import Reader

from crossmodal_kd_ros.bags.definitions import Definitions, one_line
from crossmodal_kd_ros.bags.recovery import CutFile, CutMcap, CutSqlite, Raw
from crossmodal_kd_ros.errors import CrossmodalError

_SUFFIXES = {'.mcap': CutMcap, '.db3': CutSqlite}


class BagError(CrossmodalError):
    """A bag cannot be read: one sentence with its path and what is wrong."""


@dataclass(frozen=True)
class BagMessage:
    """One recorded message.

    Attributes:
        topic: full name of the topic.
        received_ns: when it reached the recorder, nanoseconds since the epoch.
        message: its fields by the names of its ROS type; arrays are NumPy arrays.
    """

    topic: str
    received_ns: int
    message: Any


@dataclass(frozen=True)
class Topic:
    """One topic of a bag.

    Attributes:
        name: full name.
        msgtype: as `pkg/msg/Name`.
        count: messages in the bag.
        qos: what its publishers offered.
    """

    name: str
    msgtype: str
    count: int
    qos: tuple[Qos, ...] = ()


class Bag:
    """A recording open for reading; close it, or use it in a `with`.

    A bag without `metadata.yaml`, or with a file that lacks its end, is read as far as it goes.

    Attributes:
        path: what was opened.
        topics: by name, those whose messages can be read.
        undecodable: by topic, messages whose bytes contradict their type; they are left out.
    """

    def __init__(self, path: Path) -> None:
        """Open the bag at `path`, a folder or one `.mcap` or `.db3` file.

        Raises:
            BagError: there is no bag, or nothing of it can be read.
        """
        self.path = path
        self._problems: list[str] = []
        self.undecodable: Counter[str] = Counter()
        self._sources = list(self._open(path))
        self._definitions = Definitions()
        self.topics: dict[str, Topic] = {}
        for source in self._sources:
            for name, (msgtype, definition) in source.types.items():
                known = self.topics.get(name)
                if known is not None and known.msgtype != msgtype:
                    self._note(
                        f'{name} is left out where it has the type {msgtype}: it has '
                        f'{known.msgtype} as well'
                    )
                    continue
                reason = self._definitions.register(msgtype, definition)
                if reason:
                    self._note(f'{name} is left out: {reason}')
                    continue
                count = source.counts[name] + (known.count if known else 0)
                self.topics[name] = Topic(name, msgtype, count, source.qos.get(name, ()))

    def __enter__(self) -> 'Bag':
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its files."""
        for source in self._sources:
            source.close()

    @property
    def problems(self) -> list[str]:
        """One sentence for each thing that cannot be read; damage shows when it is reached."""
        return self._problems + [source.problem for source in self._sources if source.problem]

    def messages(self, topics: Collection[str] = ()) -> Iterator[BagMessage]:
        """Yield the messages of `topics` (all, if empty) in the order of their receipt."""
        for name, received_ns, data in self.raw(topics):
            try:
                # A view: what rosbags cuts out of bytes it copies, and a picture is a megabyte.
                message = self._definitions.store.deserialize_cdr(
                    memoryview(data), self.topics[name].msgtype
                )
            except Exception:  # noqa: BLE001  Bytes that are no message may end in any exception.
                self.undecodable[name] += 1
                continue
            yield BagMessage(name, received_ns, message)

    def raw(self, topics: Collection[str] = ()) -> Iterator[Raw]:
        """Yield (topic, received_ns, serialised) as `messages` does, without decoding."""
        wanted = [name for name in self.topics if not topics or name in topics]
        if len(self._sources) == 1:
            return self._sources[0].messages(wanted)
        return merge(
            *(source.messages(wanted) for source in self._sources), key=lambda raw: raw[1]
        )

    def _note(self, problem: str) -> None:
        if problem not in self._problems:
            self._problems.append(problem)

    def _open(self, path: Path) -> 'Iterator[_Whole | CutFile]':
        if not path.exists():
            raise BagError(f'expected a rosbag2 recording at {path}, found nothing there')
        if path.is_dir():
            if (path / 'metadata.yaml').exists():
                try:
                    yield _Whole(path)
                    return
                # See _file; the files themselves may still be fine.
                except Exception as error:  # noqa: BLE001
                    self._problems.append(
                        f'{path} is not as its metadata.yaml says: {one_line(error)}'
                    )
            else:
                self._problems.append(
                    f'{path} has no metadata.yaml: its files are read without it'
                )
            files = sorted(
                (file for file in path.iterdir() if file.suffix in _SUFFIXES), key=_natural
            )
            if not files:
                problem = self._problems[0]
                raise BagError(
                    f'expected a rosbag2 recording at {path}, found no .mcap and no .db3 file '
                    'in it' + (f' ({problem})' if 'metadata.yaml says' in problem else '')
                )
        elif path.suffix in _SUFFIXES:
            files = [path]
        else:
            remedy = ': rosbags-convert makes a rosbag2 of a ROS 1 bag'
            raise BagError(
                f'expected a rosbag2 recording (a folder, .mcap or .db3) at {path}, got a '
                f'{path.suffix or "file"}{remedy if path.suffix == ".bag" else ""}'
            )
        opened, refusals = [], []
        for file in files:
            try:
                opened.append(_file(file))
            except ValueError as error:
                refusals.append(str(error))
        if not opened:
            raise BagError(
                f'expected a readable rosbag2 recording at {path}: {"; ".join(refusals)}'
            )
        self._problems += refusals
        yield from opened


def read_messages(path: Path, *, topics: Collection[str] = ()) -> Iterator[BagMessage]:
    """Yield the messages of `topics` (all, if empty) in the order in which they were received.

    Raises:
        BagError: there is no bag at `path`, or nothing of it can be read.
    """
    with Bag(path) as bag:
        if not topics or any(topic in bag.topics for topic in topics):
            yield from bag.messages(topics)


class _Whole:
    """What rosbags can open: everything that is as it should be. Attributes: as of `CutFile`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = Reader(path)
        self._reader.open()
        self.types = {link.topic: (link.msgtype, link.msgdef) for link in self._reader.connections}
        self.counts: Counter[str] = Counter()
        self.qos: dict[str, tuple[Qos, ...]] = {}
        self.problem = ''
        for link in self._reader.connections:
            self.counts[link.topic] += link.msgcount
            self.qos[link.topic] = (*self.qos.get(link.topic, ()), *link.ext.offered_qos_profiles)

    def messages(self, topics: Collection[str]) -> Iterator[Raw]:
        links = [link for link in self._reader.connections if link.topic in topics]
        read = 0
        try:
            # Without any link rosbags would give the messages of all.
            for link, received_ns, data in self._reader.messages(links) if links else ():
                yield link.topic, received_ns, data
                read += 1
        except Exception as error:  # noqa: BLE001  So may a damaged chunk or page.
            self.problem = f'{self._path} can be read up to message {read}: {one_line(error)}'

    def close(self) -> None:
        self._reader.close()


def _file(path: Path) -> _Whole | CutFile:
    """Open one file; raise `ValueError` if nothing in it can be read."""
    # rosbags does not look into the log that a SQLite recorder which was killed leaves beside its
    # file.
    if not path.with_name(path.name + '-wal').exists():
        try:
            return _Whole(path)
        except Exception:  # noqa: BLE001  Recovery says what is wrong.
            pass
    return _SUFFIXES[path.suffix](path)


def _natural(path: Path) -> list:
    """Sort key in which bag_10 follows bag_9."""
    return [int(part) if part.isdigit() else part for part in re.split(r'(\d+)', path.name)]
