# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One file of a recording: whole, by its index; or cut off, as far as it goes; or compressed."""

import struct
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush, heapreplace
from operator import itemgetter
from pathlib import Path, PurePath
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Chunk, ChunkIndex
from mcap.stream_reader import get_chunk_data_stream
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.metadata import parse_qos
from zstandard import ZstdDecompressor  # mcap asks for it

from crossmodal_kd_ros.bags.definitions import one_line
from crossmodal_kd_ros.bags.recovery import (
    RECORD_HEAD,
    BagFile,
    CutMcap,
    CutSqlite,
    Raw,
    connect,
    definition_of,
)

# What rosbag2 adds to a name, and what the tool `zstd` does.
_ZSTD_SUFFIXES = ('.zstd', '.zst')
# The first bytes of what zstd compressed. A message of ROS 2 starts with a zero.
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
# Of MCAP, a record that says where the messages of a channel are in a chunk.
_INDEX_HEAD_BYTES, _INDEX_ENTRY_BYTES = 15, 16
# Of MCAP, what a message starts with: channel, number, when it was received, when it was sent.
_MESSAGE_HEAD = struct.Struct('<HIQQ')
# A message that is smaller is copied out of its chunk: else a reading of a few bytes would keep a
# chunk of megabytes in memory for as long as it is kept itself.
_SMALL_BYTES = 65_536


def is_recording(path: PurePath) -> bool:
    """Return whether the name of a file says that it is one of a rosbag2, compressed or not."""
    return PurePath(plain_name(path)).suffix in _KINDS


def plain_name(path: PurePath) -> str:
    """Return the name of a file without the ending that compression adds."""
    return path.stem if path.suffix in _ZSTD_SUFFIXES else path.name


def bag_name(name: str) -> str:
    """Return what a bag is called, be it a folder or a file: its name without an ending."""
    plain = PurePath(plain_name(PurePath(name)))
    return plain.stem if plain.suffix in _KINDS else plain.name


def open_file(path: Path, folder: Path) -> BagFile:
    """Open one file of a recording.

    Args:
        path: the file.
        folder: where it is unpacked to, if it is compressed.

    Raises:
        ValueError: nothing in it can be read.
        OSError: it cannot be unpacked.
    """
    if path.suffix in _ZSTD_SUFFIXES:
        path = _unpacked(path, folder)
    whole, cut = _KINDS[path.suffix]
    # What a SQLite recorder that was killed leaves in the log beside its file, recovery reads.
    if not path.with_name(path.name + '-wal').exists():
        try:
            return whole(path)
        except Exception:  # noqa: BLE001  Recovery says what is wrong.
            pass
    return cut(path)


def unpacked(data: bytes | memoryview) -> bytes | memoryview:
    """Return a serialised message that may be compressed by itself (`compression_mode: MESSAGE`).

    One that cannot be unpacked is given back as it is.
    """
    if bytes(data[:4]) != _ZSTD_MAGIC:
        return data
    try:
        return ZstdDecompressor().decompressobj().decompress(data)
    except Exception:  # noqa: BLE001  It is counted where it cannot be decoded.
        return data


def in_time(streams: Iterable[tuple[int, Iterator[Raw]]]) -> Iterator[Raw]:
    """Merge the messages of files, or of chunks, each with the time of its first one, by time.

    One is begun when that time has come, so that of those that follow one another only one is in
    memory.
    """
    waiting = deque(sorted(enumerate(streams), key=lambda item: (item[1][0], item[0])))
    # Of each that was begun: the time of its next message, its number, that message, and
    # those that follow.
    begun: list[tuple[int, int, Raw, Iterator[Raw]]] = []
    while waiting or begun:
        if waiting and (not begun or waiting[0][1][0] <= begun[0][0]):
            number, (_, stream) = waiting.popleft()
            raw = next(stream, None)
            if raw is not None:
                heappush(begun, (raw[1], number, raw, stream))
            continue
        _, number, raw, stream = begun[0]
        yield raw
        raw = next(stream, None)
        if raw is None:
            heappop(begun)
        else:
            heapreplace(begun, (raw[1], number, raw, stream))


class WholeFile(BagFile):
    """A file that is as it should be."""

    def __init__(self, path: Path) -> None:
        """Start with nothing."""
        super().__init__(path)
        self._left_out: list[str] = []  # a sentence for each

    def messages(self, topics: Collection[str]) -> Iterator[Raw]:
        """Yield the messages of `topics` in the order in which they were received."""
        read = 0
        try:
            for raw in self._messages(topics):
                yield raw
                read += 1
        except Exception as error:  # noqa: BLE001  So may a damaged chunk or page.
            where = f'{self.path.name} can be read up to message {read}: {one_line(error)}'
            self.problem = '; '.join([*self._left_out, where])

    def _messages(self, topics: Collection[str]) -> Iterator[Raw]:
        raise NotImplementedError


class IndexedMcap(WholeFile):
    """An MCAP file by the index at its end, whatever tool wrote it."""

    def __init__(self, path: Path) -> None:
        """Read the index; raise an exception of any kind if it cannot be relied on."""
        super().__init__(path)
        with path.open('rb') as file:
            summary = SeekingReader(file).get_summary()
        self._chunks = summary.chunk_indexes
        counts = _counts(self._chunks)
        if summary.statistics is None and not self._chunks:
            raise ValueError('expected an index of chunks')
        if summary.statistics is not None and summary.statistics.message_count != counts.total():
            raise ValueError('expected an index of every message')
        self.start_ns = min((chunk.message_start_time for chunk in self._chunks), default=0)
        # By number of the channel. Of the channels of a topic, those like the first are read.
        self._topics: dict[int, str] = {}
        for number, channel in summary.channels.items():
            topic, count = channel.topic, counts[number]
            kind = definition_of(summary.schemas.get(channel.schema_id))
            encoding = channel.message_encoding
            first = self.types.setdefault(topic, kind), self.encodings.setdefault(topic, encoding)
            if first != (kind, encoding):
                self._left_out.append(
                    f'{count} messages of {topic} in {path.name} are left out: they are of '
                    f'another type ({kind[0]}, {encoding}) than the others of it'
                )
                continue
            self._topics[number] = topic
            self.counts[topic] += count
            offered = parse_qos(channel.metadata.get('offered_qos_profiles', ''))
            self.qos[topic] = (*self.qos.get(topic, ()), *offered)
        self.problem = '; '.join(self._left_out)

    def _messages(self, topics: Collection[str]) -> Iterator[Raw]:
        wanted = {number: topic for number, topic in self._topics.items() if topic in topics}
        with self.path.open('rb') as file:
            yield from in_time(
                (chunk.message_start_time, _messages_of(file, chunk, wanted))
                for chunk in sorted(self._chunks, key=lambda chunk: chunk.chunk_start_offset)
                if wanted.keys() & chunk.message_index_offsets.keys()
            )


def _messages_of(file: BinaryIO, index: ChunkIndex, topics: Mapping[int, str]) -> Iterator[Raw]:
    """Yield the messages of a chunk by time, of channels whose topics are given by number.

    They are read in one go, and looked for in place: `mcap` makes an object of every record, and
    copies every message twice: 1.6 times the time, for pictures of 640x480.

    Raises:
        Exception: of any kind: the chunk is damaged.
    """
    file.seek(index.chunk_start_offset + RECORD_HEAD.size)
    stream, size = get_chunk_data_stream(Chunk.read(ReadDataStream(file)), validate_crc=True)
    data = memoryview(stream.read(size))
    messages, end = [], 0
    while end < size:
        opcode, length = RECORD_HEAD.unpack_from(data, end)
        start, end = end + RECORD_HEAD.size, end + RECORD_HEAD.size + length
        if opcode != Opcode.MESSAGE:
            continue
        number, _, received_ns, _ = _MESSAGE_HEAD.unpack_from(data, start)
        if end > size:
            raise ValueError('a chunk ends within a message')
        if number in topics:
            content = data[start + _MESSAGE_HEAD.size : end]
            small = len(content) < _SMALL_BYTES
            messages.append((topics[number], received_ns, bytes(content) if small else content))
    yield from sorted(messages, key=itemgetter(1))


def _counts(chunks: Sequence[ChunkIndex]) -> Counter[int]:
    """Return how many messages of each channel the index has, by the length of its records."""
    counts: Counter[int] = Counter()
    for chunk in chunks:
        starts = sorted((start, channel) for channel, start in chunk.message_index_offsets.items())
        end = chunk.chunk_start_offset + chunk.chunk_length + chunk.message_index_length
        ends = [*(start for start, _ in starts[1:]), end]
        for (start, channel), end in zip(starts, ends):
            counts[channel] += (end - start - _INDEX_HEAD_BYTES) // _INDEX_ENTRY_BYTES
    return counts


class WholeSqlite(WholeFile):
    """A SQLite file that rosbags can open."""

    def __init__(self, path: Path) -> None:
        """Read its topics; raise an exception of any kind if that cannot be done."""
        super().__init__(path)
        with Reader(path) as reader:
            self.start_ns = reader.start_time
            for link in reader.connections:
                self.types[link.topic] = link.msgtype, link.msgdef
                self.encodings[link.topic] = link.ext.serialization_format
                self.counts[link.topic] += link.msgcount
                offered = link.ext.offered_qos_profiles
                self.qos[link.topic] = (*self.qos.get(link.topic, ()), *offered)

    def _messages(self, topics: Collection[str]) -> Iterator[Raw]:
        # Opened here: a connection of SQLite is for the thread alone that reads.
        with connect(self.path) as (database, _):
            names = dict(database.execute('SELECT id, name FROM topics'))
            wanted = [number for number, name in names.items() if name in topics]
            for number, received_ns, data in database.execute(
                'SELECT topic_id, timestamp, data FROM messages WHERE topic_id IN '
                f'({", ".join("?" * len(wanted))}) ORDER BY timestamp',
                wanted,
            ):
                yield names[number], received_ns, data


_KINDS = {'.mcap': (IndexedMcap, CutMcap), '.db3': (WholeSqlite, CutSqlite)}


def _unpacked(path: Path, folder: Path) -> Path:
    """Unpack a compressed file into `folder`, as far as it goes."""
    plain = folder / plain_name(path)
    with path.open('rb') as packed, plain.open('wb') as file:
        try:
            ZstdDecompressor().copy_stream(packed, file)
        except OSError:
            raise
        except Exception:  # noqa: BLE001  A torn one: recovery reads what came out of it.
            pass
    return plain
