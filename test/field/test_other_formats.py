# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recordings that other tools wrote: old type names, JSON, ROS 1, compression, no pictures."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from field_inputs import FIELD, made, needs_field, replayed, run
from mcap.writer import CompressionType, IndexType, Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as BagWriter
from rosbags.typesys import Stores, get_typestore
from zstandard import ZstdCompressor

from crossmodal_kd_ros.bags import Bag, BagError, read_messages
from crossmodal_kd_ros.bags.topics import choose_topics

ROS1 = get_typestore(Stores.ROS1_NOETIC)
CAMERA = '/camera/image_raw/compressed'


def mcap(path: Path, channels: dict, **options) -> Path:
    """Write an MCAP file of channels, by topic: encoding, schema (name, encoding, text), data."""
    with path.open('wb') as file:
        writer = Writer(file, **options)
        writer.start(profile='', library='somebody else')
        for topic, (encoding, (name, kind, text), messages) in channels.items():
            schema = writer.register_schema(name=name, encoding=kind, data=text.encode())
            channel = writer.register_channel(
                topic=topic, message_encoding=encoding, schema_id=schema
            )
            for t_s, data in messages:
                ns = made.START_NS + round(t_s * 1e9)
                writer.add_message(channel, ns, bytes(data), ns)
        writer.finish()
    return path


def cdr_pictures(name: str = made.JPEG) -> tuple:
    text, _ = made.TYPES.generate_msgdef(made.JPEG, ros_version=2)
    messages = [
        (t_s, made.TYPES.serialize_cdr(made.jpeg(t_s), made.JPEG)) for t_s in made.times(1.0, 10.0)
    ]
    return 'cdr', (name, 'ros2msg', text), messages


def ros1_picture(t_s: float):
    message = made.jpeg(t_s)
    stamp = ROS1.types['builtin_interfaces/msg/Time'](
        message.header.stamp.sec, message.header.stamp.nanosec
    )
    header = ROS1.types['std_msgs/msg/Header'](7, stamp, 'camera')
    message = ROS1.types[made.JPEG](header, 'jpeg', message.data)
    return ROS1.serialize_ros1(message, made.JPEG)


@needs_field
def test_a_tool_that_writes_types_without_msg_is_read(tmp_path):
    summary = replayed(FIELD / 'legacy_type_names.mcap', tmp_path / 'out')
    assert summary['replays'][0]['frames_answered'] == 30 and not summary['problems']
    assert 'TEACHER' in summary['replays'][0]['mode_share']


@needs_field
def test_json_out_of_foxglove_is_refused_with_the_reason_and_what_to_do():
    done = run('replay', FIELD / 'foxglove_json.mcap', '--out', '/nowhere')
    assert done.returncode == 1 and done.stderr.count('\n') == 1
    for words in (CAMERA, 'its messages are json', 'ros2 bag record', 'found no camera'):
        assert words in done.stderr
    assert 'no index' not in done.stderr and '--map' not in done.stderr


@needs_field
def test_asking_for_a_topic_of_json_says_why_it_cannot_be_read():
    with Bag(FIELD / 'foxglove_json.mcap') as bag:
        with pytest.raises(BagError, match='its messages are json'):
            choose_topics(bag, made.PROFILE, {'camera': CAMERA})


def test_what_another_tool_wrote_beside_json_is_read_and_only_json_left_out(tmp_path):
    path = mcap(
        tmp_path / 'bag.mcap',
        {
            CAMERA: cdr_pictures(),
            '/scene': ('protobuf', ('foxglove.SceneUpdate', 'protobuf', ''), [(0.5, b'\x0a\x00')]),
            '/notes': ('json', ('', '', ''), [(0.5, json.dumps({'a': 1}).encode())]),
        },
    )
    with Bag(path) as bag:
        assert len(list(bag.messages())) == 10
        assert set(bag.left_out) == {'/scene', '/notes'}
        assert 'protobuf' in bag.left_out['/scene'] and not bag.undecodable


@pytest.mark.parametrize('index_types', [IndexType.ALL, IndexType.NONE])
@pytest.mark.parametrize('compression', [CompressionType.LZ4, CompressionType.ZSTD])
def test_files_with_and_without_an_index_are_read_whole(tmp_path, index_types, compression):
    options = {'index_types': index_types, 'compression': compression, 'chunk_size': 1000}
    path = mcap(tmp_path / 'bag.mcap', {CAMERA: cdr_pictures()}, **options)
    with Bag(path) as bag:
        assert len(list(bag.messages())) == 10 and bag.topics[CAMERA].count == 10


def test_ros_1_in_mcap_is_refused_with_the_way_to_convert(tmp_path):
    text, _ = ROS1.generate_msgdef(made.JPEG)
    messages = [(t_s, ros1_picture(t_s)) for t_s in made.times(1.0, 10.0)]
    channel = ('ros1', ('sensor_msgs/CompressedImage', 'ros1msg', text), messages)
    with Bag(mcap(tmp_path / 'old.mcap', {CAMERA: channel})) as bag:
        assert not bag.topics and 'rosbags-convert' in bag.left_out[CAMERA]


def test_the_way_to_convert_a_ros_1_bag_leads_to_one_that_is_replayed(tmp_path):
    from rosbags.rosbag1 import Writer as Ros1Writer

    old = tmp_path / 'old.bag'
    with Ros1Writer(old) as writer:
        link = writer.add_connection(CAMERA, made.JPEG, typestore=ROS1)
        for t_s in made.times(1.0, 10.0):
            writer.write(link, made.START_NS + round(t_s * 1e9), ros1_picture(t_s))
    with pytest.raises(BagError, match='rosbags-convert --src OLD.bag --dst NEW'):
        Bag(old)
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder' / 'old.bag').write_bytes(old.read_bytes())
    with pytest.raises(BagError, match='rosbags-convert --src OLD.bag --dst NEW'):
        Bag(tmp_path / 'folder')
    convert = Path(sys.executable).with_name('rosbags-convert')
    subprocess.run(
        [convert, '--src', old, '--dst', tmp_path / 'new'],
        check=True,
        timeout=60,
        capture_output=True,
    )
    summary = replayed(tmp_path / 'new', tmp_path / 'out')
    assert summary['replays'][0]['frames_answered'] == 10


def compressed(
    path: Path, mode: CompressionMode, plugin: StoragePlugin, duration_s: float = 1.0
) -> Path:
    writer = BagWriter(path, version=8, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        link = writer.add_connection(CAMERA, made.JPEG, typestore=made.TYPES)
        for t_s in made.times(duration_s, 10.0):
            data = made.TYPES.serialize_cdr(made.jpeg(t_s), made.JPEG)
            writer.write(link, made.START_NS + round(t_s * 1e9), data)
    return path


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize('mode', [CompressionMode.MESSAGE, CompressionMode.FILE])
@pytest.mark.parametrize('has_metadata', [True, False])
def test_what_ros2_bag_record_compressed_is_read(tmp_path, plugin, mode, has_metadata):
    bag = compressed(tmp_path / 'bag', mode, plugin)
    if not has_metadata:
        (bag / 'metadata.yaml').unlink()
    got = [message.message for message in read_messages(bag)]
    assert [message.header.stamp.nanosec for message in got] == [
        made.jpeg(t_s).header.stamp.nanosec for t_s in made.times(1.0, 10.0)
    ]
    [file] = [path for path in bag.iterdir() if path.name != 'metadata.yaml']
    assert len(list(read_messages(file))) == 10
    assert {path.name for path in bag.iterdir()} <= {file.name, 'metadata.yaml'}


def test_a_compressed_file_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path):
    # zstd packs 128 kB at a time: 60 of these pictures.
    bag = compressed(tmp_path / 'bag', CompressionMode.FILE, StoragePlugin.MCAP, 30.0)
    [file] = bag.glob('*.zstd')
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    with Bag(bag) as opened:
        assert 60 < len(list(opened.messages())) < 300
        assert any('can be read up to' in problem for problem in opened.problems)


@pytest.mark.parametrize('in_a_folder', [True, False])
def test_a_file_that_a_person_packed_with_zstd_is_read(tmp_path, in_a_folder):
    bag = made.robot(tmp_path / 'bag', duration_s=0.5)
    file = bag / 'bag.mcap.zst'
    file.write_bytes(ZstdCompressor().compress((bag / 'bag.mcap').read_bytes()))
    (bag / 'bag.mcap').unlink()
    with Bag(bag if in_a_folder else file) as opened:
        assert len(list(opened.messages())) == 15 + 50 + 1 and not opened.problems


def test_a_folder_of_several_bags_names_them(tmp_path):
    for name in ('monday', 'tuesday'):
        made.robot(tmp_path / name, duration_s=0.1)
    with pytest.raises(BagError, match='name one of the bags below it: monday, tuesday$'):
        Bag(tmp_path)


def test_a_file_that_was_being_compressed_when_the_recorder_died_counts_once(tmp_path):
    bag = made.robot(tmp_path / 'bag', duration_s=0.5)
    (bag / 'bag.mcap.zstd').write_bytes(b'\x28\xb5\x2f\xfd')
    with Bag(bag) as opened:
        assert len(list(opened.messages())) == 15 + 50 + 1


def test_a_replay_in_which_no_picture_can_be_read_fails_with_the_reason(tmp_path):
    broken = made.TYPES.types[made.JPEG](made.header(0.5), 'jpeg', np.zeros(9, np.uint8))
    bag = made.robot(tmp_path / 'bag', duration_s=0.5, camera=made.raw)
    bag = made.write_bag(tmp_path / 'broken', {CAMERA: (made.JPEG, [(0.5, broken)] * 3)})
    done = run('replay', bag, '--map', f'camera={CAMERA}', '--out', tmp_path / 'out')
    assert done.returncode == 1 and done.stderr.count('\n') == 1
    assert 'got none of 3: expected a compressed picture' in done.stderr
    assert json.loads((tmp_path / 'out' / 'summary.json').read_text())['readings']['camera'] == 3


def test_a_replay_of_messages_that_are_none_of_their_type_fails_with_the_reason(tmp_path):
    kind, schema, messages = cdr_pictures()
    torn = [(t_s, bytes(data)[:20]) for t_s, data in messages]
    bag = mcap(tmp_path / 'bag.mcap', {CAMERA: (kind, schema, torn)})
    done = run('replay', bag, '--map', f'camera={CAMERA}', '--out', tmp_path / 'out')
    assert done.returncode == 1 and 'got none of 0' in done.stderr
    assert f'10 of the messages of {CAMERA} are not what their type says' in done.stderr
