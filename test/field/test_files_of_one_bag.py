# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recordings in several files: one for each sense, out of order, some missing, some not listed."""

import shutil
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml
from field_inputs import changes, made, replayed

from crossmodal_kd_ros.bags import Bag, read_messages
from crossmodal_kd_ros.bags.bag_file import in_time

STORAGES = ('mcap', 'sqlite3')


def joined(folder: Path, parts: list[Path]) -> Path:
    """Make one bag of the files of several, as `ros2 bag record` splits them; list them so."""
    folder.mkdir()
    listing = {}
    for part in parts:
        [file] = [path for path in part.iterdir() if path.suffix in ('.mcap', '.db3')]
        shutil.move(file, folder / f'{part.name}{file.suffix}')
        listing[f'{part.name}{file.suffix}'] = yaml.safe_load((part / 'metadata.yaml').read_text())
    metadata = next(iter(listing.values()))
    information = metadata['rosbag2_bagfile_information']
    information['relative_file_paths'] = list(listing)
    others = [content['rosbag2_bagfile_information'] for content in listing.values()]
    information['topics_with_message_count'] = [
        topic for other in others for topic in other['topics_with_message_count']
    ]
    (folder / 'metadata.yaml').write_text(yaml.safe_dump(metadata))
    return folder


def of_a_sense(path: Path, storage: str) -> list[Path]:
    """Write a robot's topics to a bag each."""
    whole = made.robot(path / 'whole', camera_hz=15.0, touch_hz=50.0, duration_s=4.0)
    parts = []
    with Bag(whole) as bag:
        topics = {topic.name: topic.msgtype for topic in bag.topics.values()}
        for number, (name, msgtype) in enumerate(topics.items()):
            messages = [
                ((message.received_ns - made.START_NS - made.MS) / 1e9, message.message)
                for message in bag.messages([name])
            ]
            part = path / f'part_{number}'
            parts.append(made.write_bag(part, {name: (msgtype, messages)}, storage=storage))
    return parts


def texts(path: Path, *seconds: float, storage: str = 'mcap') -> Path:
    return made.write_bag(
        path,
        {'/a': (made.STRING, [(t_s, made.text(f'{t_s}')) for t_s in seconds])},
        storage=storage,
    )


@pytest.mark.parametrize('storage', STORAGES)
def test_a_robot_that_records_each_sense_into_a_file_of_its_own_is_replayed_as_one(
    tmp_path, storage
):
    bag = joined(tmp_path / 'bag', of_a_sense(tmp_path, storage))
    summary = replayed(bag, tmp_path / 'out')
    assert changes(summary) == changes(replayed(tmp_path / 'whole', tmp_path / 'expected'))
    assert summary['duration_s'] == pytest.approx(4.0, abs=0.05)
    assert 'TEACHER' in summary['replays'][0]['mode_share'] and not summary['problems']


@pytest.mark.parametrize('storage', STORAGES)
def test_files_that_are_listed_from_last_to_first_are_read_from_first_to_last(tmp_path, storage):
    parts = [
        texts(tmp_path / f'bag_{number}', number, number + 0.5, storage=storage)
        for number in (2, 1, 0)
    ]
    bag = joined(tmp_path / 'bag', parts)
    got = [float(message.message.data) for message in read_messages(bag)]
    assert got == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]


def test_files_that_overlap_are_one_stream_with_every_message(tmp_path):
    rng = np.random.default_rng(7)
    seconds = np.round(rng.uniform(0.0, 9.0, 300), 3)
    parts = [
        texts(tmp_path / f'part_{number}', *sorted(seconds[number::3].tolist()))
        for number in range(3)
    ]
    got = [float(each.message.data) for each in read_messages(joined(tmp_path / 'bag', parts))]
    assert got == sorted(seconds.tolist())


def test_a_file_that_was_deleted_is_named_and_the_others_are_read(tmp_path):
    bag = joined(tmp_path / 'bag', [texts(tmp_path / f'bag_{n}', n) for n in range(3)])
    (bag / 'bag_1.mcap').unlink()
    with Bag(bag) as opened:
        assert [message.message.data for message in opened.messages()] == ['0', '2']
        [problem] = opened.problems
        assert 'bag_1.mcap is missing' in problem


def test_a_file_that_a_killed_recorder_did_not_list_is_read_too_and_named(tmp_path):
    bag = joined(tmp_path / 'bag', [texts(tmp_path / f'bag_{n}', n) for n in range(2)])
    shutil.move(texts(tmp_path / 'bag_2', 2) / 'bag_2.mcap', bag)
    with Bag(bag) as opened:
        assert [message.message.data for message in opened.messages()] == ['0', '1', '2']
        [problem] = opened.problems
        assert problem.startswith('bag_2.mcap is read too')


def test_metadata_that_is_none_is_named_and_the_files_are_read(tmp_path):
    bag = texts(tmp_path / 'bag', 1.0)
    for nonsense in ('rosbag2_bagfile_information: [1, 2]', 'a: {', '', '[]'):
        (bag / 'metadata.yaml').write_text(nonsense)
        with Bag(bag) as opened:
            assert len(list(opened.messages())) == 1
            assert any('not as its metadata.yaml says' in what for what in opened.problems)


def test_a_topic_that_changed_its_type_between_files_is_read_as_the_first_and_said(tmp_path):
    other = made.write_bag(tmp_path / 'bag_1', {'/a': (made.JOINTS, [(1.0, made.gas(1.0))])})
    with Bag(joined(tmp_path / 'bag', [texts(tmp_path / 'bag_0', 0.0), other])) as opened:
        assert [message.message.data for message in opened.messages()] == ['0.0']
        assert not opened.undecodable
        assert any('it has std_msgs/msg/String as well' in what for what in opened.problems)


def test_of_files_that_follow_one_another_one_is_open_at_a_time():
    begun = []

    def file(number: int):
        begun.append(number)
        for step in range(10):
            yield '/a', 10 * number + step, b''

    taken = []
    for _, received_ns, _ in in_time((10 * number, file(number)) for number in range(5)):
        taken.append(received_ns)
        assert begun == list(range(received_ns // 10 + 1))
    assert taken == list(range(50))


@pytest.mark.parametrize('wrong_ns', [0, 2**63 - 1])
@pytest.mark.parametrize('wrong_text', ['0.1', '0.3', '0.7'])
def test_a_message_of_no_time_holds_back_none_of_those_after_it(tmp_path, wrong_ns, wrong_text):
    parts = [
        texts(tmp_path / 'odd', 0.1, 0.3, 0.5, 0.7, storage='sqlite3'),
        texts(tmp_path / 'even', 0.0, 0.2, 0.4, 0.6, 0.8, storage='sqlite3'),
    ]
    bag = joined(tmp_path / 'bag', parts)
    with closing(sqlite3.connect(bag / 'odd.db3')) as file, file:
        [wrong] = [
            number
            for number, data in file.execute('SELECT id, data FROM messages')
            if wrong_text.encode() in data
        ]
        file.execute('UPDATE messages SET timestamp = ? WHERE id = ?', (wrong_ns, wrong))
    # What a killed recorder leaves: its file is read in the order in which it was written.
    (bag / 'odd.db3-wal').touch()
    with Bag(bag) as opened:
        got = [(each.received_ns, each.message.data) for each in opened.messages()]
        assert any('a time that no clock gives' in what for what in opened.problems)
    assert len(got) == 9 and got == sorted(got, key=lambda each: each[0])
    assert got[-1][0] - got[0][0] == 800 * made.MS
    assert [text for _, text in got if text != wrong_text] == [
        text for text in (f'{tenth / 10}' for tenth in range(9)) if text != wrong_text
    ]


def test_many_files_take_the_memory_of_one(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, 300_000, np.uint8)
    parts = []
    for number in range(12):
        messages = [
            (t_s, made.TYPES.types[made.JPEG](made.header(t_s), 'jpeg', pixels))
            for t_s in (number, number + 0.3, number + 0.6)
        ]
        parts.append(made.write_bag(tmp_path / f'bag_{number}', {'/a': (made.JPEG, messages)}))
    with Bag(joined(tmp_path / 'bag', parts)) as opened:
        tracemalloc.start()
        count = sum(1 for _ in opened.messages())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 36
    # A file holds 0.9 MB, which are copied as they are read; all hold 10.8 MB.
    assert peak < 5e6
