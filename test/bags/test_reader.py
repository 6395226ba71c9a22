# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recordings as they are found: whole, cut off, made by others."""

import os
import sqlite3
from pathlib import Path

import made_up_bag as made
import pytest

from crossmodal_kd_ros.bags import Bag, BagError, BagRecorder, read_messages

SHARED = (
    Path(
        os.environ.get(
            'CROSSMODAL_KD_DATA', Path(__file__).resolve().parents[3] / 'shared' / 'data'
        )
    )
    / 'bags'
)
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(),
    reason=f'no recordings made by others at {SHARED}; CROSSMODAL_KD_DATA says where they are',
)
STORAGES = ('mcap', 'sqlite3')


def texts(path, count, *, storage='mcap', size=10):
    """Write a bag of numbered texts, each of `size` characters."""
    return made.write_bag(
        path,
        {
            '/a': (
                made.STRING,
                [(index / 100, made.text(f'{index:0{size}d}')) for index in range(count)],
            )
        },
        storage=storage,
    )


def data_file(bag):
    return next(file for file in bag.iterdir() if file.suffix in ('.mcap', '.db3'))


def cut(bag, share):
    """Cut the data of a bag off, and its metadata, as a robot does that loses its power."""
    file = data_file(bag)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    (bag / 'metadata.yaml').unlink()
    return bag


@pytest.mark.parametrize('storage', STORAGES)
def test_a_whole_bag_gives_its_topics_and_every_message_in_order(tmp_path, storage):
    with Bag(texts(tmp_path / 'bag', 30, storage=storage)) as bag:
        assert (bag.topics['/a'].msgtype, bag.topics['/a'].count) == (made.STRING, 30)
        assert [int(message.message.data) for message in bag.messages()] == list(range(30))
        assert bag.problems == []


@pytest.mark.parametrize('storage', STORAGES)
def test_one_file_is_a_bag_too(tmp_path, storage):
    file = data_file(texts(tmp_path / 'bag', 5, storage=storage))
    assert len(list(read_messages(file))) == 5


# A SQLite file is a tree: where an upper page of it is lost, so is what hangs there.
@pytest.mark.parametrize(('storage', 'share'), [('mcap', 0.3), ('mcap', 0.7), ('sqlite3', 0.7)])
def test_a_bag_that_was_cut_off_gives_what_came_before_and_says_where_it_ends(
    tmp_path, storage, share
):
    with Bag(cut(texts(tmp_path / 'bag', 3000, storage=storage, size=2000), share)) as bag:
        got = [int(message.message.data) for message in bag.messages()]
        assert got == list(range(len(got)))
        # All but what the index, the definitions and the torn message take.
        assert len(got) == pytest.approx(share * 3000, rel=0.05)
        assert bag.topics['/a'].count == len(got)
        assert any('no metadata.yaml' in problem for problem in bag.problems)
        assert any('can be read up to' in problem for problem in bag.problems)


def test_a_file_that_lacks_only_its_end_is_said_to_be_read_whole(tmp_path):
    from mcap.reader import make_reader

    file = data_file(texts(tmp_path / 'bag', 30, storage='mcap'))
    with file.open('rb') as stream:
        chunks = make_reader(stream).get_summary().chunk_indexes
    last = max(chunks, key=lambda one: one.chunk_start_offset)
    file.write_bytes(file.read_bytes()[: last.chunk_start_offset + last.chunk_length])
    with Bag(file) as bag:
        assert len(list(bag.messages())) == 30
        said = f'all of {file.name} can be read; its recorder did not complete it'
        assert any(said in problem for problem in bag.problems)


def test_a_compressed_chunk_without_its_end_is_left_out_and_those_before_it_are_read(tmp_path):
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

    writer = Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        link = writer.add_connection('/a', made.STRING, typestore=made.TYPES)
        for index in range(3000):
            words = f'{index:06d}' + os.urandom(600).hex()
            writer.write(link, index, made.TYPES.serialize_cdr(made.text(words), made.STRING))
    with Bag(cut(tmp_path / 'bag', 0.6)) as bag:
        got = [int(message.message.data[:6]) for message in bag.messages()]
        assert len(got) > 800 and got == list(range(len(got)))


def test_a_database_whose_recorder_was_killed_is_read_with_its_log(tmp_path):
    bag = texts(tmp_path / 'bag', 10, storage='sqlite3')
    file = data_file(bag)
    database = sqlite3.connect(file)
    database.execute('PRAGMA journal_mode=WAL')
    topic, data = database.execute('SELECT topic_id, data FROM messages').fetchone()
    database.execute('PRAGMA wal_autocheckpoint=0')
    database.execute(
        'INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)', (topic, 2**62, data)
    )
    database.commit()
    # A copy while the log is open is what a killed recorder leaves.
    killed = tmp_path / 'killed'
    killed.mkdir()
    for name in (file.name, f'{file.name}-wal'):
        (killed / name).write_bytes((bag / name).read_bytes())
    database.close()
    assert len(list(read_messages(killed))) == 11


def test_a_bag_in_several_files_is_read_in_the_order_of_time(tmp_path):
    for number in (10, 9):
        part = made.write_bag(
            tmp_path / f'part{number}', {'/a': (made.STRING, [(number, made.text(str(number)))])}
        )
        (tmp_path / 'bag').mkdir(exist_ok=True)
        data_file(part).rename(tmp_path / 'bag' / f'bag_{number}.mcap')
    assert [message.message.data for message in read_messages(tmp_path / 'bag')] == ['9', '10']


def test_a_message_whose_bytes_are_none_of_its_type_is_left_out_and_counted(tmp_path):
    bag = BagRecorder(tmp_path / 'bag')
    bag.add_topic('/a', made.STRING)
    bag.write('/a', 1, b'\0\1\0\0\xff\xff\xff\xff')
    bag.write('/a', 2, bytes(made.TYPES.serialize_cdr(made.text('fine'), made.STRING)))
    bag.close()
    with Bag(tmp_path / 'bag') as opened:
        assert [message.message.data for message in opened.messages()] == ['fine']
        assert opened.undecodable == {'/a': 1}


@pytest.mark.parametrize(
    ('name', 'content', 'sentence'),
    [
        ('notes.txt', b'x', 'got a .txt'),
        ('old.bag', b'#ROSBAG V2.0', 'rosbags-convert'),
        ('empty.mcap', b'', 'no message of empty.mcap can be read'),
        ('noise.mcap', b'\x93' * 999, 'no message of noise.mcap'),
        ('noise.db3', b'\x93' * 9999, 'no message of noise.db3'),
    ],
)
def test_what_is_no_bag_is_refused_in_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BagError, match='^expected .*') as refusal:
        Bag(tmp_path / name)
    assert sentence in str(refusal.value) and '\n' not in str(refusal.value)


def test_an_empty_folder_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(BagError, match='found no .mcap and no .db3 file'):
        Bag(tmp_path)


@needs_shared
@pytest.mark.parametrize(
    ('name', 'topics', 'messages'),
    [
        ('rosbags_rs_test_bag_mcap', 94, 188),
        ('rosbags_rs_test_bag_sqlite3', 94, 188),
        ('plotjuggler_rosbag2_test', 5, 4695),
    ],
)
def test_bags_made_by_others_are_read_whole(name, topics, messages):
    # Counts as their metadata.yaml has them.
    with Bag(SHARED / name) as bag:
        assert len(bag.topics) == topics
        assert sum(1 for _ in bag.messages()) == messages
        assert not bag.problems and not bag.undecodable


@needs_shared
def test_a_database_without_metadata_gives_all_of_it(tmp_path):
    source = SHARED / 'rosbags_rs_test_bag_sqlite3' / 'test_bag_sqlite3.db3'
    (tmp_path / 'bag.db3').write_bytes(source.read_bytes())
    with Bag(tmp_path) as bag:
        assert sum(1 for _ in bag.messages()) == 188
        assert bag.problems == [f'{tmp_path} has no metadata.yaml: its files are read without it']
