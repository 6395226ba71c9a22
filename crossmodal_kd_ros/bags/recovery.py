# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What can still be read of a recording that was cut off: a robot lost its power, a disk was full."""

import sqlite3
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path

from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk, get_chunk_data_stream
from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat

from crossmodal_kd_ros.bags.indexed import RECORD_HEAD, Raw

_FORMATS = {'ros2msg': MessageDefinitionFormat.MSG, 'ros2idl': MessageDefinitionFormat.IDL}
_NO_DEFINITION = MessageDefinition(MessageDefinitionFormat.NONE, '')
_MAGIC_BYTES = 8
# Of a chunk, in front of its compression: first and last time, size, checksum.
_CHUNK_HEAD_BYTES = 28


class CutMcap:
    """An MCAP file read from its start, record by record, as far as that goes: it needs no index.

    Attributes:
        types: by topic, (type, definition).
        counts: by topic, how many messages can be read.
        problem: one sentence on what cannot.
    """

    def __init__(self, path: Path) -> None:
        """Read it once, to learn what is in it; raise `ValueError` if that is nothing."""
        self.path = path
        self.types: dict[str, tuple[str, MessageDefinition]] = {}
        self.counts: Counter[str] = Counter()
        self.problem = ''
        for _ in self._records():
            pass
        if not self.counts:
            raise ValueError(
                f'no message of {path.name} can be read: {self.problem or "it holds none"}'
            )
        self.problem = self.problem or f'{path.name} has no index at its end'

    def messages(self, topics: Collection[str]) -> Iterator[Raw]:
        """Yield (topic, received_ns, serialised) of `topics`, in the order of time within each chunk."""
        return (raw for raw in self._records() if raw[0] in topics)

    def _records(self) -> Iterator[Raw]:
        schemas: dict[int, Schema] = {}
        topics: dict[int, str] = {}
        self.counts.clear()
        read_bytes = bad_chunks = 0
        why = ''
        with self.path.open('rb') as file:
            for record, read_bytes, why in _walk(file):
                parts: Collection = (record,)
                if isinstance(record, Chunk):
                    parts, bad = _parts(record)
                    bad_chunks += bad
                waiting = []
                for part in parts:
                    if isinstance(part, Schema):
                        schemas[part.id] = part
                    elif isinstance(part, Channel):
                        topics[part.id] = part.topic
                        self.types[part.topic] = _type(schemas.get(part.schema_id))
                    elif isinstance(part, Message) and part.channel_id in topics:
                        waiting.append((topics[part.channel_id], part.log_time, part.data))
                for raw in sorted(waiting, key=lambda raw: raw[1]):
                    self.counts[raw[0]] += 1
                    yield raw
        size = self.path.stat().st_size
        problems = []
        if why:
            problems.append(
                f'{self.path.name} can be read up to byte {read_bytes} of {size}: {why}'
            )
        if bad_chunks:
            problems.append(
                f'{bad_chunks} chunks of {self.path.name} are damaged and were left out'
            )
        self.problem = '; '.join(problems)


def _walk(file) -> Iterator[tuple[object, int, str]]:
    """Yield (record, bytes read before it, '') one after the other, then (None, bytes read, why no more)."""
    reader = StreamReader(file, emit_chunks=True)
    done = _MAGIC_BYTES
    try:
        for record in reader.records:
            yield record, done, ''
            done = file.tell()
    except (McapError, EOFError, struct.error, ValueError, OverflowError, MemoryError) as error:
        for part in _torn_chunk(file, done):
            yield part, done, ''
        yield None, done, _reason(error)


def _torn_chunk(file, start: int) -> Iterator[object]:
    """Yield the records of the chunk that starts at `start` and lacks its end, if it is not compressed."""
    file.seek(start)
    head = file.read(RECORD_HEAD.size)
    if len(head) < RECORD_HEAD.size or RECORD_HEAD.unpack(head)[0] != Opcode.CHUNK:
        return
    fixed = file.read(_CHUNK_HEAD_BYTES + 4)
    if len(fixed) < _CHUNK_HEAD_BYTES + 4 or fixed[-4:] != b'\0\0\0\0':
        return
    file.read(8)
    # One chunk, at most: it was being written when the end came.
    rest = StreamReader(BytesIO(file.read()), skip_magic=True)
    try:
        yield from rest.records
    except (McapError, EOFError, struct.error, ValueError):
        return


def _parts(chunk: Chunk) -> tuple[list, bool]:
    try:
        get_chunk_data_stream(chunk, validate_crc=True)
        return breakup_chunk(chunk), False
    except Exception:  # noqa: BLE001  Each decompressor has exceptions of its own; a damaged chunk is counted.
        return [], True


def _type(schema: Schema | None) -> tuple[str, MessageDefinition]:
    if schema is None:
        return '', _NO_DEFINITION
    return schema.name, MessageDefinition(
        _FORMATS.get(schema.encoding, MessageDefinitionFormat.NONE),
        schema.data.decode(errors='replace'),
    )


class CutSqlite:
    """A SQLite file read row by row in the order of writing, as far as that goes: it needs no index on time.

    Attributes: as of `CutMcap`.
    """

    def __init__(self, path: Path) -> None:
        """Read it once, to learn what is in it; raise `ValueError` if that is nothing."""
        self.path = path
        self.problem = ''
        self.counts: Counter[str] = Counter()
        try:
            with _connect(path) as database:
                self._topics = {
                    number: (name, msgtype)
                    for number, name, msgtype in database.execute(
                        'SELECT id, name, type FROM topics'
                    )
                }
                definitions = _definitions(database)
        except sqlite3.Error as error:
            raise ValueError(f'no message of {path.name} can be read: {error}') from None
        self.types = {
            name: (msgtype, definitions.get(msgtype, _NO_DEFINITION))
            for name, msgtype in self._topics.values()
        }
        for _ in self._rows():
            pass
        if not self.counts:
            raise ValueError(
                f'no message of {path.name} can be read: {self.problem or "it holds none"}'
            )

    def messages(self, topics: Collection[str]) -> Iterator[Raw]:
        """Yield (topic, received_ns, serialised) of `topics`, in the order in which they were written."""
        return (raw for raw in self._rows() if raw[0] in topics)

    def _rows(self) -> Iterator[Raw]:
        self.counts.clear()
        with _connect(self.path) as database:
            try:
                for number, time_ns, data in database.execute(
                    'SELECT topic_id, timestamp, data FROM messages NOT INDEXED ORDER BY id'
                ):
                    if number in self._topics:
                        name = self._topics[number][0]
                        self.counts[name] += 1
                        yield name, time_ns, data
            except sqlite3.Error as error:
                self.problem = f'{self.path.name} can be read up to its message {self.counts.total()}: {error}'


class _connect:  # noqa: N801  A context manager that reads like a function.
    """Opens a database for reading; what a recorder left in a write-ahead log beside it counts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        logged = self._path.with_name(self._path.name + '-wal').exists()
        # Without a log there is nothing to lock, and a read-only medium is as good as any.
        self._database = sqlite3.connect(
            f'{self._path.resolve().as_uri()}?mode=ro{"" if logged else "&immutable=1"}', uri=True
        )
        # A file shorter than its own first page says is refused as a whole without this; nothing
        # is ever written.
        self._database.execute('PRAGMA writable_schema=ON')
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


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
    return ' '.join(str(error).split())[:160]
