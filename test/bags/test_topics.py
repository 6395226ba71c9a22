# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which topic is which, and what each type of message means."""

import made_up_bag as made
import numpy as np
import pytest
from rosbags.typesys import get_types_from_msg
from test_reader import SHARED, needs_shared

from crossmodal_kd_ros.bags import Bag, BagError
from crossmodal_kd_ros.bags.converters import converter
from crossmodal_kd_ros.bags.topics import choose_topics, parse_wishes
from crossmodal_kd_ros.contract import GAS_NAMES
from crossmodal_kd_ros.runtime.messages import BadMessage

T = made.TYPES.types
TOUCH = np.linspace(1.0, 9.0, 256, dtype=np.float32)


def read(role, msgtype, message, *, channels=None, constants=None):
    """Read a message that has been through its serialised form, as one of a bag has."""
    message = made.TYPES.deserialize_cdr(made.TYPES.serialize_cdr(message, msgtype), msgtype)
    return converter(role, msgtype, channels=channels or {}, constants=constants or {})(message)


def array_of(values):
    layout = T['std_msgs/msg/MultiArrayLayout']([], 0)
    return T['std_msgs/msg/Float32MultiArray'](layout, np.asarray(values, np.float32))


def cloud(*, big_endian=False, names=('texture', 'indentation'), points=128):
    """Return a point cloud as a tactile driver might publish it: places first, then what was felt, then padding."""
    order = '>' if big_endian else '<'
    layout = np.dtype(
        {
            'names': ['x', *names],
            'offsets': [0, 4, 8],
            'formats': [f'{order}f4', f'{order}f4', f'{order}f8'],
            'itemsize': 20,
        }
    )
    data = np.zeros(points, layout)
    data[names[0]], data[names[1]] = TOUCH[:128][:points], TOUCH[128:][:points]
    field = T['sensor_msgs/msg/PointField']
    fields = [field('x', 0, 7, 1), field(names[0], 4, 7, 1), field(names[1], 8, 8, 1)]
    return T['sensor_msgs/msg/PointCloud2'](
        made.header(1.0),
        8,
        points // 8,
        fields,
        big_endian,
        20,
        20 * points // 8,
        data.view(np.uint8).reshape(-1),
        True,
    )


def scan(intensities, ranges):
    return T['sensor_msgs/msg/LaserScan'](
        made.header(1.0),
        0.0,
        1.0,
        0.1,
        0.0,
        0.1,
        0.0,
        99.0,
        np.asarray(ranges, np.float32),
        np.asarray(intensities, np.float32),
    )


def joints(names, values):
    return T[made.JOINTS](
        made.header(1.0), list(names), np.asarray(values, np.float64), np.zeros(0), np.zeros(0)
    )


@pytest.mark.parametrize(
    ('msgtype', 'message'),
    [
        ('std_msgs/msg/Float32MultiArray', array_of(TOUCH)),
        ('sensor_msgs/msg/JointState', joints([f'taxel_{index}' for index in range(256)], TOUCH)),
        ('sensor_msgs/msg/PointCloud2', cloud()),
        ('sensor_msgs/msg/PointCloud2', cloud(big_endian=True)),
        ('sensor_msgs/msg/LaserScan', scan(TOUCH[:128], TOUCH[128:])),
    ],
)
def test_touch_comes_in_many_types_and_means_the_same(msgtype, message):
    np.testing.assert_allclose(read('touch', msgtype, message), TOUCH, rtol=1e-6)


@pytest.mark.parametrize(
    ('msgtype', 'message', 'sentence'),
    [
        (
            'sensor_msgs/msg/PointCloud2',
            cloud(names=('rough', 'deep')),
            'with the fields texture and indentation, got x, rough',
        ),
        ('sensor_msgs/msg/PointCloud2', cloud(points=64), 'expected 128 points, whole, got 64'),
        ('sensor_msgs/msg/LaserScan', scan([], TOUCH[:200]), 'expected 256 taxel values, got 200'),
        (
            'std_msgs/msg/Float32MultiArray',
            array_of(TOUCH[:255]),
            'expected 256 taxel values, got 255',
        ),
        (
            'sensor_msgs/msg/JointState',
            joints(['a'], [np.nan]),
            'expected 256 taxel values, got 1',
        ),
    ],
)
def test_touch_of_another_shape_is_malformed(msgtype, message, sentence):
    with pytest.raises(BadMessage, match=sentence):
        read('touch', msgtype, message)


def test_gas_channels_are_found_by_other_names_and_missing_cells_are_constants():
    names = ('CO2_diff', 'CO2', 'RH', 'T', 'MOX', 'ammonia')
    channels = dict(zip(GAS_NAMES, names))
    gas = read(
        'gas',
        made.JOINTS,
        joints(names[::-1], [6, 5, 4, 3, 2, 1]),
        channels=channels,
        constants={'o2_pct': 20.9, 'h2s_ppb': 0.0},
    )
    np.testing.assert_allclose(gas, [1, 2, 3, 4, 5, 6, 20.9, 0.0], rtol=1e-6)


def test_a_gas_channel_that_nobody_names_is_malformed_and_the_sentence_says_what_to_do():
    with pytest.raises(
        BadMessage, match='got none for h2s_ppb: name them under channels, or under constants'
    ):
        read(
            'gas',
            made.JOINTS,
            joints('abcdefg', range(7)),
            channels=dict(zip(GAS_NAMES, 'abcdefg')),
        )


def test_an_array_of_gas_sensors_is_read_by_number_where_its_definition_is_in_the_bag(tmp_path):
    # As the robots of the olfaction community define it: one raw reading a sensor.
    types = get_types_from_msg(
        'std_msgs/Header header\nuint8 technology\nfloat32 raw\n', 'olfaction_msgs/msg/GasSensor'
    )
    types |= get_types_from_msg(
        'std_msgs/Header header\nolfaction_msgs/GasSensor[] sensors\n',
        'olfaction_msgs/msg/GasSensorArray',
    )
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.LATEST)
    store.register(types)
    sensor, name = store.types['olfaction_msgs/msg/GasSensor'], 'olfaction_msgs/msg/GasSensorArray'
    with Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        link = writer.add_connection('/nose', name, typestore=store)
        sensors = [sensor(made.header(1.0), 1, float(value)) for value in made.GAS]
        writer.write(
            link, 1, store.serialize_cdr(store.types[name](made.header(1.0), sensors), name)
        )
    with Bag(tmp_path / 'bag') as bag:
        topics = choose_topics(bag, {})
        [reading] = topics.readings(bag)
        assert reading.role == 'gas'
        np.testing.assert_allclose(reading.value, made.GAS, rtol=1e-6)


def test_topics_are_found_by_name_type_and_content_and_the_rest_is_named(tmp_path):
    path = made.robot(
        tmp_path / 'bag',
        duration_s=1.0,
        more={
            '/front/image': (made.IMAGE, [(0.1, made.raw(0.1))]),
            '/arm/joint_states': (made.JOINTS, [(0.1, joints(['elbow'], [1.0]))]),
            '/maintenance/tactile_estimate': (made.IMAGE, [(0.1, made.touch(0.1))]),
        },
    )
    with Bag(path) as bag:
        topics = choose_topics(bag, {})
        assert {role: taken.topic for role, taken in topics.taken.items()} == {
            'camera': '/camera/image_raw/compressed',
            'touch': '/tactile/image',
            'gas': '/gas/state',
        }
        assert topics.told[0] == (
            'camera: /camera/image_raw/compressed (sensor_msgs/msg/CompressedImage, 30 messages); '
            'left: /front/image'
        )


def test_what_the_user_says_stands(tmp_path):
    path = made.robot(
        tmp_path / 'bag',
        duration_s=0.5,
        more={'/front/image': (made.IMAGE, [(0.1, made.raw(0.1))])},
    )
    with Bag(path) as bag:
        topics = choose_topics(bag, parse_wishes(['camera=/front/image']))
        assert topics.taken['camera'].topic == '/front/image' and 'as you say' in topics.told[0]


def test_a_yaml_file_says_the_same_and_more(tmp_path):
    (tmp_path / 'map.yaml').write_text(
        'camera: cam0/image\ngas:\n  topic: /nose\n  channels: {voc_index: MOX}\n  constants: {o2_pct: 20.9}\n'
    )
    wishes = parse_wishes(['touch=/pad'], file=tmp_path / 'map.yaml')
    assert {role: wish.topic for role, wish in wishes.items()} == {
        'camera': '/cam0/image',
        'gas': '/nose',
        'touch': '/pad',
    }
    assert wishes['gas'].channels == {'voc_index': 'MOX'} and wishes['gas'].constants == {
        'o2_pct': 20.9
    }


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        ('nose: /gas', 'got nose'),
        ('[1]', 'got list'),
        ('camera: [a]', 'give camera as a topic'),
        ('a: b: c', 'is not YAML'),
        ('camera: {topic: /a, channels: {}}', 'give camera as a topic or as topic'),
        ('gas: {topic: /g, constants: {o2_pct: high}}', 'expected numbers'),
        ('gas: {topic: /g, channels: {ozone: O3}}', "got 'ozone'"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_in_one_sentence(tmp_path, content, sentence):
    (tmp_path / 'map.yaml').write_text(content)
    with pytest.raises(BagError, match=sentence):
        parse_wishes([], file=tmp_path / 'map.yaml')


@pytest.mark.parametrize(
    ('wish', 'sentence'),
    [
        ('camera=/nowhere', 'expected the topic /nowhere for camera'),
        ('camera=/gas/state', 'expected camera as sensor_msgs/msg/'),
        ('lidar=/scan', "got 'lidar=/scan'"),
        ('camera', "got 'camera'"),
    ],
)
def test_a_topic_that_cannot_be_meant_is_refused_in_one_sentence(tmp_path, wish, sentence):
    with (
        Bag(made.robot(tmp_path / 'bag', duration_s=0.2)) as bag,
        pytest.raises(BagError, match=sentence),
    ):
        choose_topics(bag, parse_wishes([wish]))


@needs_shared
@pytest.mark.parametrize(
    ('topic', 'why'),
    [
        ('/test/sensor_msgs/image', 'expected step x height'),
        ('/test/sensor_msgs/compressed_image', '10 bytes that are none'),
    ],
)
def test_the_dummy_pictures_of_others_are_malformed_and_nothing_stops(topic, why):
    with Bag(SHARED / 'rosbags_rs_test_bag_mcap') as bag:
        readings = list(choose_topics(bag, parse_wishes([f'camera={topic}'])).readings(bag))
        assert len(readings) == 2
        for reading in readings:
            with pytest.raises(BadMessage, match=why):
                reading.value() if not reading.bad else (_ for _ in ()).throw(
                    BadMessage(reading.bad)
                )
