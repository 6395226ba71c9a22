# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What goes into a bag comes out of it, and what does not is counted."""

import threading
from types import SimpleNamespace

import pytest
import yaml
from rosbags.interfaces import QosReliability
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.bags import (
    BagError,
    BagRecorder,
    RecordingError,
    check_replaceable,
    offered_qos,
    read_messages,
)

STRING = 'std_msgs/msg/String'
TYPES = get_typestore(Stores.LATEST)


def text(words: str) -> bytes:
    return bytes(TYPES.serialize_cdr(TYPES.types[STRING](words), STRING))


def profile() -> SimpleNamespace:
    """Return what rclpy reports of a best-effort publisher, as far as a bag stores it."""

    def named(name: str) -> SimpleNamespace:
        return SimpleNamespace(name=name)

    forever = SimpleNamespace(nanoseconds=9223372036854775807)
    return SimpleNamespace(
        history=named('UNKNOWN'),
        depth=0,
        reliability=named('BEST_EFFORT'),
        durability=named('VOLATILE'),
        deadline=forever,
        lifespan=forever,
        liveliness=named('AUTOMATIC'),
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )


def test_messages_come_back_with_topic_stamp_and_words(tmp_path):
    bag = BagRecorder(tmp_path / 'bag')
    bag.add_topic('/a', STRING)
    bag.add_topic('/b', STRING)
    bag.write('/a', 10, text('first'))
    bag.write('/b', 20, lambda: text('made in the writing thread'))
    bag.close()
    got = [(m.topic, m.received_ns, m.message.data) for m in read_messages(tmp_path / 'bag')]
    assert got == [('/a', 10, 'first'), ('/b', 20, 'made in the writing thread')]
    assert (bag.written, bag.dropped, bag.error) == ({'/a': 1, '/b': 1}, {}, '')


def test_only_the_topics_asked_for_are_read(tmp_path):
    bag = BagRecorder(tmp_path / 'bag')
    for topic in ('/a', '/b'):
        bag.add_topic(topic, STRING)
        bag.write(topic, 1, text(topic))
    bag.close()
    assert [m.topic for m in read_messages(tmp_path / 'bag', topics=['/b'])] == ['/b']
    assert list(read_messages(tmp_path / 'bag', topics=['/c'])) == []


def test_metadata_says_what_rosbag2_asks_of_it(tmp_path):
    bag = BagRecorder(tmp_path / 'bag')
    bag.add_topic('/a', STRING, qos=[offered_qos(profile())])
    bag.write('/a', 5, text('x'))
    bag.close()
    info = yaml.safe_load((tmp_path / 'bag' / 'metadata.yaml').read_text())[
        'rosbag2_bagfile_information'
    ]
    assert (info['version'], info['storage_identifier'], info['message_count']) == (9, 'mcap', 1)
    topic = info['topics_with_message_count'][0]['topic_metadata']
    assert topic['offered_qos_profiles'][0]['reliability'] == 'best_effort'
    assert topic['type_description_hash'].startswith('RIHS01_')
    with Reader(tmp_path / 'bag') as reader:
        assert 'string data' in reader.connections[0].msgdef.data
        assert (
            reader.connections[0].ext.offered_qos_profiles[0].reliability
            is QosReliability.BEST_EFFORT
        )


def test_a_full_queue_drops_counts_and_says_so(tmp_path):
    bag = BagRecorder(tmp_path / 'bag', queue_size=1)
    bag.add_topic('/a', STRING)
    started, go_on = threading.Event(), threading.Event()

    def slow() -> bytes:
        started.set()
        assert go_on.wait(10)
        return text('slow')

    bag.write('/a', 1, slow)
    assert started.wait(10)
    bag.write('/a', 2, text('waits'))
    bag.write('/a', 3, text('does not fit'))
    go_on.set()
    bag.close()
    assert (bag.written['/a'], bag.dropped['/a']) == (2, 1)
    assert 'as fast as' in bag.error


def test_a_message_that_cannot_be_made_is_counted_and_the_next_is_written(tmp_path):
    bag = BagRecorder(tmp_path / 'bag')
    bag.add_topic('/a', STRING)

    def broken() -> bytes:
        raise ValueError('no pixels')

    bag.write('/a', 1, broken)
    bag.write('/a', 2, text('fine'))
    bag.close()
    assert (bag.written['/a'], bag.dropped['/a']) == (1, 1)
    assert 'no pixels' in bag.error


@pytest.mark.parametrize('qos', [[], [offered_qos(profile())]])
def test_a_topic_that_is_recorded_already_is_refused_and_the_recording_goes_on(tmp_path, qos):
    bag = BagRecorder(tmp_path / 'bag')
    bag.add_topic('/a', STRING)
    with pytest.raises(ValueError, match='not recorded yet, got /a'):
        bag.add_topic('/a', STRING, qos=qos)
    bag.write('/a', 1, text('fine'))
    bag.close()
    assert (bag.written['/a'], bag.error, bag.ended) == (1, '', False)


def test_a_folder_that_exists_is_never_written_into(tmp_path):
    with pytest.raises(RecordingError, match='expected no file or folder'):
        BagRecorder(tmp_path)


def test_a_folder_with_other_files_is_never_replaced_by_a_bag(tmp_path):
    path = tmp_path / 'bag'
    BagRecorder(path, made_by='demo').close()
    check_replaceable(path, 'demo')
    (path / 'thesis.txt').write_text('years of work')
    with pytest.raises(RecordingError, match='that "crossmodal-kd demo" made, found something'):
        check_replaceable(path, 'demo')


@pytest.mark.parametrize('made_by', ['', 'replay'])
def test_a_recording_of_another_kind_is_never_replaced(tmp_path, made_by):
    BagRecorder(tmp_path / 'bag', made_by=made_by).close()
    with pytest.raises(RecordingError, match='name another folder'):
        check_replaceable(tmp_path / 'bag', 'demo')


def test_a_recording_that_was_cut_off_is_never_replaced(tmp_path):
    (tmp_path / 'bag.mcap').write_bytes(b'half')
    with pytest.raises(RecordingError, match='name another folder'):
        check_replaceable(tmp_path, 'demo')


def test_a_missing_bag_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(BagError, match='found nothing there'):
        list(read_messages(tmp_path / 'none'))


def test_a_truncated_bag_is_refused_in_one_sentence(tmp_path):
    bag = BagRecorder(tmp_path / 'bag')
    bag.add_topic('/a', STRING)
    bag.write('/a', 1, text('x'))
    bag.close()
    file = tmp_path / 'bag' / 'bag.mcap'
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(BagError, match='expected a readable rosbag2 recording'):
        list(read_messages(tmp_path / 'bag'))
