# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""MCAP files as other tools write them: chunks that overlap, channels that differ, damage."""

from pathlib import Path

import made_up_bag as made
import numpy as np
import pytest
from mcap.reader import SeekingReader
from mcap.writer import CompressionType, Writer

from crossmodal_kd_ros.bags import Bag

STRING, IMAGE = 'std_msgs/msg/String', 'sensor_msgs/msg/Image'
STRING_TEXT, _ = made.TYPES.generate_msgdef(STRING, ros_version=2)


def write(path: Path, events, *, compression=CompressionType.NONE, chunk_size=200) -> Path:
    """Write (topic, type, time in ns, text) in this order, a channel for each topic and type."""
    with path.open('wb') as file:
        writer = Writer(file, chunk_size=chunk_size, compression=compression)
        writer.start(profile='ros2', library='somebody else')
        channels = {}
        for topic, kind, ns, words in events:
            if (topic, kind) not in channels:
                schema = writer.register_schema(
                    name=kind, encoding='ros2msg', data=STRING_TEXT.encode()
                )
                channels[topic, kind] = writer.register_channel(
                    topic=topic, message_encoding='cdr', schema_id=schema
                )
            data = made.TYPES.serialize_cdr(made.text(words), STRING)
            writer.add_message(channels[topic, kind], ns, bytes(data), ns)
        writer.finish()
    return path


def chunks(path: Path) -> list:
    with path.open('rb') as file:
        return SeekingReader(file).get_summary().chunk_indexes


@pytest.mark.parametrize('compression', list(CompressionType))
def test_messages_of_chunks_that_overlap_come_by_time_and_those_of_one_time_as_written(
    tmp_path, compression
):
    rng = np.random.default_rng(0)
    # In twenties of messages that each span the time of three, with each time four times or so.
    times = [1 + 10 * block + int(late) for block in range(20) for late in rng.integers(0, 30, 20)]
    events = [('/a', STRING, ns, f'{ns} {number:04d}') for number, ns in enumerate(times)]
    path = write(tmp_path / 'a.mcap', events, compression=compression)
    spans = [(chunk.message_start_time, chunk.message_end_time) for chunk in chunks(path)]
    assert sum(start < end for (_, end), (start, _) in zip(spans, spans[1:])) > 20
    with Bag(path) as bag:
        got = [message.message.data for message in bag.messages()]
    assert got == sorted((words for *_, words in events), key=lambda words: int(words.split()[0]))


def test_each_channel_that_is_left_out_is_said(tmp_path):
    other = 'other_msgs/msg/Words'
    path = write(
        tmp_path / 'a.mcap',
        [
            ('/a', STRING, 1, 'read'),
            ('/b', STRING, 2, 'read'),
            ('/a', other, 3, 'not read'),
            ('/b', other, 4, 'not read'),
            ('/b', other, 5, 'not read'),
        ],
    )
    with Bag(path) as bag:
        assert [message.message.data for message in bag.messages()] == ['read', 'read']
        [said] = bag.problems
    assert '1 messages of /a in a.mcap are left out' in said
    assert '2 messages of /b in a.mcap are left out' in said


def test_a_damaged_chunk_ends_the_reading_and_what_was_left_out_is_said_still(tmp_path):
    events = [('/a', STRING, ns, 'x' * 50) for ns in range(1, 40)]
    path = write(tmp_path / 'a.mcap', [*events, ('/a', 'other_msgs/msg/Words', 50, 'not read')])
    data = bytearray(path.read_bytes())
    third = chunks(path)[2]
    data[third.chunk_start_offset + third.chunk_length - 10] ^= 1
    path.write_bytes(data)
    with Bag(path) as bag:
        got = len(list(bag.messages()))
        [said] = bag.problems
    assert 0 < got < 39 and f'can be read up to message {got}: crc validation failed' in said
    assert '1 messages of /a in a.mcap are left out' in said


def test_a_small_message_keeps_no_chunk_in_memory_and_a_picture_is_not_copied(tmp_path):
    pixels = np.zeros(300_000, np.uint8)
    large = made.TYPES.types[IMAGE](made.header(0.0), 250, 400, 'rgb8', 0, 1200, pixels)
    path = made.write_bag(
        tmp_path / 'bag',
        {'/large': (IMAGE, [(0.0, large)]), '/small': (STRING, [(0.1, made.text('x'))])},
    )
    with Bag(path) as bag:
        kinds = {name: type(data) for name, _, data in bag.raw()}
    assert kinds == {'/large': memoryview, '/small': bytes}
