# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One file of a recording: whole, by its index; or cut off, as far as it goes; or compressed."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePath

from mcap.reader import SeekingReader
from mcap.records import ChunkIndex
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.metadata import parse_qos
from zstandard import ZstdDecompressor  # mcap asks for it

from crossmodal_kd_ros.bags.definitions import one_line
from crossmodal_kd_ros.bags.recovery import BagFile, CutMcap, CutSqlite, Raw, definition_of

# What rosbag2 adds to a name, and what the tool `zstd` does.
_ZSTD_SUFFIXES = ('.zstd', '.zst')
# The first bytes of what zstd compressed. A message of ROS 2 starts with a zero.
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
# Of MCAP, a record that says where the messages of a channel are in a chunk.
_INDEX_HEAD_BYTES, _INDEX_ENTRY_BYTES = 15, 16


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


def unpacked(data: bytes) -> bytes:
    """Return a serialised message that may be compressed by itself (`compression_mode: MESSAGE`).

    One that cannot be unpacked is given back as it is.
    """
    if bytes(data[:4]) != _ZSTD_MAGIC:
        return data
    try:
        return ZstdDecompressor().decompressobj().decompress(data)
    except Exception:  # noqa: BLE001  It is counted where it cannot be decoded.
        return data


class WholeFile(BagFile):
    """A file that is as it should be."""

    def messages(self, topics: Collection[str]) -> Iterator[Raw]:
        """Yield the messages of `topics` in the order in which they were received."""
        read = 0
        try:
            for raw in self._messages(topics):
                yield raw
                read += 1
        except Exception as error:  # noqa: BLE001  So may a damaged chunk or page.
            self.problem = f'{self.path.name} can be read up to message {read}: {one_line(error)}'

    def _messages(self, topics: Collection[str]) -> Iterator[Raw]:
        raise NotImplementedError


class IndexedMcap(WholeFile):
    """An MCAP file by the index at its end, whatever tool wrote it."""

    def __init__(self, path: Path) -> None:
        """Read the index; raise an exception of any kind if it cannot be relied on."""
        super().__init__(path)
        self._file = path.open('rb')
        try:
            self._reader = SeekingReader(self._file, validate_crcs=True)
            self._read_index()
        except BaseException:
            self.close()
            raise

    def _read_index(self) -> None:
        summary = self._reader.get_summary()
        counts = _counts(summary.chunk_indexes)
        statistics = summary.statistics
        if statistics is not None and statistics.message_count != counts.total():
            raise ValueError('expected an index of every message')
        times_ns = [chunk.message_start_time for chunk in summary.chunk_indexes]
        self.start_ns = min(times_ns, default=0)
        # Of the channels of a topic, those like the first are read.
        self._channels = set()
        for number, channel in summary.channels.items():
            topic, count = channel.topic, counts[number]
            kind = definition_of(summary.schemas.get(channel.schema_id))
            encoding = channel.message_encoding
            first = self.types.setdefault(topic, kind), self.encodings.setdefault(topic, encoding)
            if first != (kind, encoding):
                self.problem = (
                    f'{count} messages of {topic} in {self.path.name} are left out: they are of '
                    f'another type ({kind[0]}, {encoding}) than the others of it'
                )
                continue
            self._channels.add(number)
            self.counts[topic] += count
            offered = parse_qos(channel.metadata.get('offered_qos_profiles', ''))
            self.qos[topic] = (*self.qos.get(topic, ()), *offered)

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def _messages(self, topics: Collection[str]) -> Iterator[Raw]:
        for _, channel, message in self._reader.iter_messages(topics) if topics else ():
            if channel.id in self._channels:
                yield channel.topic, message.log_time, message.data


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
        self._reader = Reader(path)
        self._reader.open()
        self.start_ns = self._reader.start_time
        for link in self._reader.connections:
            self.types[link.topic] = link.msgtype, link.msgdef
            self.encodings[link.topic] = link.ext.serialization_format
            self.counts[link.topic] += link.msgcount
            self.qos[link.topic] = (*self.qos.get(link.topic, ()), *link.ext.offered_qos_profiles)

    def close(self) -> None:
        """Close it."""
        self._reader.close()

    def _messages(self, topics: Collection[str]) -> Iterator[Raw]:
        links = [link for link in self._reader.connections if link.topic in topics]
        # Without any link rosbags would give the messages of all.
        for link, received_ns, data in self._reader.messages(links) if links else ():
            yield link.topic, received_ns, data


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
