# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What can still be read of a recording that was cut off, as by a loss of power or a full disk."""

import sqlite3
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat, Qos

from crossmodal_kd_ros.bags.definitions import one_line

# A message in a bag: topic, when it was received (ns), serialised.
Raw = tuple[str, int, bytes | memoryview]

_FORMATS = {
    'ros2msg': MessageDefinitionFormat.MSG,
    'ros2idl': MessageDefinitionFormat.IDL,
    'omgidl': MessageDefinitionFormat.IDL,
}
_NO_DEFINITION = MessageDefinition(MessageDefinitionFormat.NONE, '')
_MAGIC_BYTES = 8
RECORD_HEAD = struct.Struct('<BQ')  # opcode, size
# What `mcap` raises where a file ends within a record.
_CUT = (McapError, EOFError, struct.error, ValueError)
# Of a chunk: first and last time, size, checksum, length of the compression's name.
_CHUNK_HEAD = struct.Struct('<QQQII')


class BagFile:
    """One file of a recording; it is open only while it is read.

    Attributes:
        path: where it lies.
        types: by topic, (type, definition). encodings: by topic, how its messages are serialised.
        counts: by topic, how many messages can be read.
        qos: by topic, what its publishers offered, as far as that can be read.
        start_ns: when its first message was received.
        problem: one sentence on what cannot be read.
    """

    def __init__(self, path: Path) -> None:
        """Start with nothing."""
        self.path = path
        self.types: dict[str, tuple[str, MessageDefinition]] = {}
        self.encodings: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.qos: dict[str, tuple[Qos, ...]] = {}
        self.start_ns = 0
        self.problem = ''

    def messages(self, topics: Collection[str]) -> Iterator[Raw]:
        """Yield the messages of `topics`."""
        raise NotImplementedError


class CutFile(BagFile):
    """A file read from its start as far as that goes; it needs no index."""

    def __init__(self, path: Path) -> None:
        """Read it once, to learn what is in it; raise `ValueError` if that is nothing."""
        super().__init__(path)
        self.start_ns = 2**63
        for topic, received_ns, _ in self._messages():
            self.counts[topic] += 1
            self.start_ns = min(self.start_ns, received_ns)
        if not self.counts:
            raise ValueError(
                f'no message of {path.name} can be read: {self.problem or "it holds none"}'
            )

    def messages(self, topics: Collection[str]) -> Iterator[Raw]:
        """Yield the messages of `topics`."""
        return (raw for raw in self._messages() if raw[0] in topics)

    def _messages(self) -> Iterator[Raw]:
        """Yield every message; set `types` on the way, and `problem` at the end."""
        raise NotImplementedError


class CutMcap(CutFile):
    """An MCAP file, record by record, in the order of time within each chunk."""

    def __init__(self, path: Path) -> None:
        """See `CutFile`."""
        super().__init__(path)
        self.problem = self.problem or f'{path.name} has no index at its end'

    def _messages(self) -> Iterator[Raw]:
        schemas: dict[int, Schema] = {}
        topics: dict[int, str] = {}
        problems: list[str] = []
        damaged_chunks = 0
        with self.path.open('rb') as file:
            for record in self._records(file, problems):
                parts = [record]
                if isinstance(record, Chunk):
                    try:
                        parts = breakup_chunk(record, validate_crc=True)
                    except Exception:  # noqa: BLE001  Each decompressor has exceptions of its own.
                        parts, damaged_chunks = [], damaged_chunks + 1
                messages = []
                for part in parts:
                    if isinstance(part, Schema):
                        schemas[part.id] = part
                    elif isinstance(part, Channel):
                        topics[part.id] = part.topic
                        self.types[part.topic] = definition_of(schemas.get(part.schema_id))
                        self.encodings[part.topic] = part.message_encoding
                    elif isinstance(part, Message) and part.channel_id in topics:
                        messages.append((topics[part.channel_id], part.log_time, part.data))
                yield from sorted(messages, key=itemgetter(1))
        if damaged_chunks:
            problems.append(
                f'{damaged_chunks} chunks of {self.path.name} are damaged and were left out'
            )
        self.problem = '; '.join(problems) or self.problem

    def _records(self, file: BinaryIO, problems: list[str]) -> Iterator[object]:
        """Yield the records of the file as far as they can be read; add what cannot be."""
        done = _MAGIC_BYTES
        try:
            for record in StreamReader(file, emit_chunks=True).records:
                yield record
                done = file.tell()
        except (*_CUT, OverflowError, MemoryError) as error:
            yield from _torn_chunk(file, done)
            size = self.path.stat().st_size
            problems.append(
                f'all of {self.path.name} can be read; its recorder did not complete it'
                if done == size
                else f'{self.path.name} can be read up to byte {done} of {size}: {_reason(error)}'
            )


def _torn_chunk(file: BinaryIO, start: int) -> Iterator[object]:
    """Yield the records of the chunk at `start` that lacks its end, if it is not compressed."""
    file.seek(start)
    head = file.read(RECORD_HEAD.size + _CHUNK_HEAD.size)
    if len(head) < RECORD_HEAD.size + _CHUNK_HEAD.size or head[0] != Opcode.CHUNK:
        return
    *_, compression_length = _CHUNK_HEAD.unpack_from(head, RECORD_HEAD.size)
    if compression_length:
        return
    file.read(8)  # the size that it should have had
    # One chunk at most, which was being written when the end came.
    try:
        yield from StreamReader(BytesIO(file.read()), skip_magic=True).records
    except _CUT:
        return


def definition_of(schema: Schema | None) -> tuple[str, MessageDefinition]:
    """Return type and definition of the messages that a schema of MCAP describes."""
    if schema is None:
        return '', _NO_DEFINITION
    return schema.name, MessageDefinition(
        _FORMATS.get(schema.encoding, MessageDefinitionFormat.NONE),
        schema.data.decode(errors='replace'),
    )


class CutSqlite(CutFile):
    """A SQLite file, row by row in the order of writing; it needs no index on time either."""

    def _messages(self) -> Iterator[Raw]:
        read = 0
        try:
            with connect(self.path) as (database, self.problem):
                topics = dict(database.execute('SELECT id, name FROM topics'))
                definitions = _definitions(database)
                for name, msgtype, encoding in database.execute(
                    'SELECT name, type, serialization_format FROM topics'
                ):
                    self.types[name] = msgtype, definitions.get(msgtype, _NO_DEFINITION)
                    self.encodings[name] = encoding
                for number, time_ns, data in database.execute(
                    'SELECT topic_id, timestamp, data FROM messages NOT INDEXED ORDER BY id'
                ):
                    if number in topics:
                        read += 1
                        yield topics[number], time_ns, data
        except sqlite3.Error as error:
            as_far = f'{self.path.name} can be read up to its message {read}: ' if read else ''
            self.problem = f'{as_far}{error}'


@contextmanager
def connect(path: Path) -> Iterator[tuple[sqlite3.Connection, str]]:
    """Open a database for reading; give what cannot be read of it, too.

    A write-ahead log that a recorder left beside it counts. To read one SQLite needs a folder that
    can be written, or the `-shm` file that the recorder had.
    """
    log = path.with_name(path.name + '-wal')
    problem = ''
    # Without a log there is nothing to lock, and a read-only medium is as good as any.
    database = _opened(path, 'mode=ro' if log.exists() else 'immutable=1')
    try:
        if log.exists():
            try:
                database.execute('SELECT name FROM sqlite_master').fetchone()
            except sqlite3.OperationalError as error:
                database.close()
                database = _opened(path, 'immutable=1')
                problem = (
                    f'{log.name} cannot be read ({error}), so the last second may be missing: '
                    'copy the recording to a folder that can be written'
                )
        yield database, problem
    finally:
        database.close()


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(f'{path.resolve().as_uri()}?{mode}', uri=True)
    # A file shorter than its own first page says is refused as a whole without this; nothing is
    # ever written.
    database.execute('PRAGMA writable_schema=ON')
    return database


def _definitions(database: sqlite3.Connection) -> dict[str, MessageDefinition]:
    try:
        rows = database.execute(
            'SELECT topic_type, encoding, encoded_message_definition FROM message_definitions'
        )
        return {
            name: MessageDefinition(_FORMATS.get(encoding, MessageDefinitionFormat.NONE), text)
            for name, encoding, text in rows
        }
    except sqlite3.Error:  # bags before Iron have no such table
        return {}


def _reason(error: BaseException) -> str:
    if (
        isinstance(error, McapError)
        and not str(error)
        or isinstance(error, (EOFError, struct.error))
    ):
        return 'the rest is missing'
    return one_line(error, 160)
