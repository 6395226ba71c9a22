# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which topic is which, and what each type of message means."""

import made_up_bag as made
import numpy as np
import pytest
from made_up_bag import GAS_NAMES, PROFILE
from rosbags.typesys import get_types_from_msg
from test_reader import SHARED, needs_shared

from crossmodal_kd_ros.bags import Bag, BagError
from crossmodal_kd_ros.bags.topics import choose_topics, parse_requests
from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.runtime.messages import BadMessage

T = made.TYPES.types
TOUCH = np.linspace(1.0, 9.0, 256, dtype=np.float32)


def read(path, role, msgtype, message):
    """Read a message out of a bag in which the user says which topic it is on."""
    bag = made.write_bag(path / 'bag', {'/t': (msgtype, [(1.0, message)])})
    with Bag(bag) as opened:
        topics = choose_topics(opened, PROFILE, {role: '/t'})
        [reading] = topics.readings(opened)
    return reading


def array_of(values):
    layout = T['std_msgs/msg/MultiArrayLayout']([], 0)
    return T['std_msgs/msg/Float32MultiArray'](layout, np.asarray(values, np.float32))


def cloud(*, big_endian=False, names=('texture', 'indentation'), points=128):
    """Return a point cloud of a tactile driver: places first, then readings, then padding."""
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
def test_touch_comes_in_many_types_and_means_the_same(tmp_path, msgtype, message):
    reading = read(tmp_path, 'touch', msgtype, message)

    np.testing.assert_allclose(reading.value, TOUCH, rtol=1e-6)


@pytest.mark.parametrize(
    ('msgtype', 'message', 'sentence'),
    [
        (
            'sensor_msgs/msg/PointCloud2',
            cloud(names=('rough', 'deep')),
            'with the fields texture and indentation, got x, rough',
        ),
        ('sensor_msgs/msg/PointCloud2', cloud(points=64), 'expected 128 points, whole, got 64'),
        (
            'sensor_msgs/msg/LaserScan',
            scan([], TOUCH[:200]),
            'expected 256 values of touch, got 200',
        ),
        (
            'std_msgs/msg/Float32MultiArray',
            array_of(TOUCH[:255]),
            'expected 256 values of touch, got 255',
        ),
        (
            'sensor_msgs/msg/JointState',
            joints(['a'], [np.nan]),
            'expected 256 values of touch, got 1',
        ),
    ],
)
def test_touch_of_another_shape_is_malformed(tmp_path, msgtype, message, sentence):
    reading = read(tmp_path, 'touch', msgtype, message)

    assert reading.value is None and sentence in reading.bad


def nose(**changes) -> Profile:
    """Return the living wall whose gas has other names, and channels that its robot lacks."""
    data = PROFILE.model_dump(mode='json')
    for channel in data['senses']['gas']['channels']:
        channel |= changes.get(channel['name'], {})
    return Profile.model_validate(data)


def test_gas_channels_are_found_by_other_names_and_missing_cells_are_constants(tmp_path):
    names = ('CO2_diff', 'CO2', 'RH', 'T', 'MOX', 'ammonia')
    keys = {name: {'key': key} for name, key in zip(GAS_NAMES, names)}
    profile = nose(**keys, o2_pct={'constant': 20.9}, h2s_ppb={'constant': 0.0})
    message = joints((*names[::-1], 'battery'), [6, 5, 4, 3, 2, 1, 99])
    bag = made.write_bag(tmp_path / 'bag', {'/gas/state': (made.JOINTS, [(1.0, message)])})

    with Bag(bag) as opened:
        [reading] = choose_topics(opened, profile, {}).readings(opened)

    np.testing.assert_allclose(reading.value, [1, 2, 3, 4, 5, 6, 20.9, 0.0], rtol=1e-6)


def test_a_gas_channel_that_is_not_there_is_malformed_and_the_sentence_names_it(tmp_path):
    reading = read(tmp_path, 'gas', made.JOINTS, joints(GAS_NAMES[:7], range(7)))

    assert "missing 'h2s_ppb'" in reading.bad


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
        topics = choose_topics(bag, PROFILE, {})
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
        topics = choose_topics(bag, PROFILE, {})
        assert {role: list(binding.types) for role, binding in topics.bindings.items()} == {
            'camera': ['/camera/image_raw/compressed'],
            'touch': ['/tactile/image'],
            'gas': ['/gas/state'],
        }
        assert topics.sentences[0] == (
            'camera: /camera/image_raw/compressed (sensor_msgs/msg/CompressedImage, 30 messages); '
            'left: /front/image (of another name)'
        )


def test_what_the_user_says_stands(tmp_path):
    path = made.robot(
        tmp_path / 'bag',
        duration_s=0.5,
        more={'/front/image': (made.IMAGE, [(0.1, made.raw(0.1))])},
    )
    with Bag(path) as bag:
        topics = choose_topics(bag, PROFILE, parse_requests(['camera=front/image'], PROFILE))
        assert list(topics.bindings['camera'].types) == ['/front/image']
        assert 'as you say' in topics.sentences[0]


def test_topics_of_other_names_are_found_by_type_and_content(tmp_path):
    bag = made.write_bag(
        tmp_path / 'bag',
        {
            '/front/image': (made.IMAGE, [(0.1, made.raw(0.1))]),
            '/pad': ('std_msgs/msg/Float32MultiArray', [(0.1, array_of(TOUCH))]),
            '/arm/joint_states': (made.JOINTS, [(0.1, joints(['elbow'], [1.0]))]),
            '/nose': (made.JOINTS, [(0.1, joints(GAS_NAMES, made.GAS))]),
        },
    )
    with Bag(bag) as opened:
        bindings = choose_topics(opened, PROFILE, {}).bindings
    assert {role: list(binding.types) for role, binding in bindings.items()} == {
        'camera': ['/front/image'],
        'touch': ['/pad'],
        'gas': ['/nose'],
    }


def float32(value: float):
    return T['std_msgs/msg/Float32'](value)


def temperature(t_s: float, value: float):
    return T['sensor_msgs/msg/Temperature'](made.header(t_s), value, 0.0)


def humidity(t_s: float, value: float):
    return T['sensor_msgs/msg/RelativeHumidity'](made.header(t_s), value, 0.0)


def air_topics(namespace: str, times: list[float]):
    """Return CO2, temperature and humidity on three topics, whose numbers say their time."""
    return {
        f'{namespace}/air/co2': (
            'std_msgs/msg/Float32',
            [(t_s, float32(400.0 + t_s)) for t_s in times],
        ),
        f'{namespace}/air/temperature': (
            'sensor_msgs/msg/Temperature',
            [(t_s + 0.1, temperature(t_s + 0.1, 20.0 + t_s)) for t_s in times],
        ),
        f'{namespace}/air/humidity': (
            'sensor_msgs/msg/RelativeHumidity',
            [(t_s + 0.2, humidity(t_s + 0.2, 0.01 * t_s)) for t_s in times],
        ),
    }


def test_a_sense_of_three_topics_of_three_types_is_put_together_out_of_a_bag(tmp_path):
    bag = made.write_bag(tmp_path / 'bag', air_topics('/room', [0.0, 3.0, 6.0]))
    with Bag(bag) as opened:
        topics = choose_topics(opened, load_profile('air'), {})
        readings = list(topics.readings(opened))
    assert [reading.role for reading in readings] == ['air'] * 3
    for reading, t_s in zip(readings, (0.0, 3.0, 6.0)):
        np.testing.assert_allclose(reading.value, [400.0 + t_s, 20.0 + t_s, t_s], rtol=1e-5)
        # The stamp of the newest part, which came 1 ms later.
        assert reading.stamp_ns == made.START_NS + round((t_s + 0.2) * 1e9)
        assert reading.received_ns == reading.stamp_ns + made.MS
    assert '/room/air/co2 (std_msgs/msg/Float32, 3 messages)' in topics.sentences[1]


def test_the_topics_of_a_sense_are_of_one_namespace(tmp_path):
    kitchen, attic = air_topics('/kitchen', [0.0, 3.0]), air_topics('/attic', [0.0])
    bag = made.write_bag(tmp_path / 'bag', {**kitchen, '/attic/air/co2': attic['/attic/air/co2']})
    with Bag(bag) as opened:
        topics = choose_topics(opened, load_profile('air'), {})
    assert set(topics.bindings['air'].types) == set(kitchen)


def test_a_topic_with_an_absolute_name_belongs_to_every_namespace(tmp_path):
    profile = load_profile('air').model_dump(mode='json')
    profile['senses']['air']['channels'][0]['source']['topic'] = '/roof/air/co2'
    kitchen, roof = air_topics('/kitchen', [0.0]), air_topics('/roof', [0.0])
    topics = {**kitchen, '/roof/air/co2': roof['/roof/air/co2']}
    with Bag(made.write_bag(tmp_path / 'bag', topics)) as opened:
        types = choose_topics(opened, Profile.model_validate(profile), {}).bindings['air'].types
    assert set(types) == {'/roof/air/co2', '/kitchen/air/temperature', '/kitchen/air/humidity'}


def test_a_topic_that_a_sense_lacks_is_named(tmp_path):
    half = air_topics('', [0.0])
    del half['/air/humidity']
    with Bag(made.write_bag(tmp_path / 'bag', half)) as opened:
        topics = choose_topics(opened, load_profile('air'), {})
    assert 'air' not in topics.bindings
    assert 'air/humidity (sensor_msgs/msg/RelativeHumidity): not there' in topics.sentences[1]


def test_a_sense_of_several_topics_cannot_be_mapped(tmp_path):
    profile = load_profile('air')
    bag = made.write_bag(tmp_path / 'bag', air_topics('', [0.0]))
    with (
        Bag(bag) as opened,
        pytest.raises(BagError, match='puts together from air/co2, air/temperature, air/humidity'),
    ):
        choose_topics(opened, profile, parse_requests(['air=/air/co2'], profile))


def test_two_senses_may_come_from_one_topic(tmp_path):
    joint = {'unit': 'rad', 'min': -3.2, 'max': 3.2}
    source = {'topic': 'joint_states', 'type': made.JOINTS}
    senses = {
        name: {
            'layout': 'channels',
            'period_s': 0.1,
            'channels': [{'name': f'{name}_position', 'key': name, **joint}],
            'source': source,
        }
        for name in ('elbow', 'wrist')
    }
    profile = Profile.model_validate(
        {
            'name': 'arm',
            'camera': {'topic': 'camera/image_raw', 'period_s': 0.1},
            'senses': senses,
            'actions': ['rest', 'work'],
        }
    )
    message = joints(['wrist', 'elbow', 'thumb'], [1.0, 2.0, 3.0])
    bag = made.write_bag(tmp_path / 'bag', {'/joint_states': (made.JOINTS, [(1.0, message)])})
    with Bag(bag) as opened:
        readings = list(choose_topics(opened, profile, {}).readings(opened))
    assert {reading.role: reading.value.tolist() for reading in readings} == {
        'elbow': [2.0],
        'wrist': [1.0],
    }


def test_a_map_in_yaml_is_refused_with_what_does_its_work():
    with pytest.raises(BagError, match='described by a profile'):
        parse_requests(['map.yaml'], PROFILE)


@pytest.mark.parametrize(
    ('option', 'sentence'),
    [
        ('camera=/nowhere', 'expected the topic /nowhere for camera'),
        ('camera=/gas/state', 'expected camera as sensor_msgs/msg/'),
        ('lidar=/scan', "got 'lidar=/scan'"),
        ('camera', "got 'camera'"),
    ],
)
def test_a_topic_that_cannot_be_meant_is_refused_in_one_sentence(tmp_path, option, sentence):
    with (
        Bag(made.robot(tmp_path / 'bag', duration_s=0.2)) as bag,
        pytest.raises(BagError, match=sentence),
    ):
        choose_topics(bag, PROFILE, parse_requests([option], PROFILE))


@needs_shared
@pytest.mark.parametrize(
    ('topic', 'why'),
    [
        ('/test/sensor_msgs/image', 'expected step x height'),
        ('/test/sensor_msgs/compressed_image', '10 bytes without its end'),
    ],
)
def test_the_dummy_pictures_of_others_are_malformed_and_nothing_stops(topic, why):
    with Bag(SHARED / 'rosbags_rs_test_bag_mcap') as bag:
        readings = list(choose_topics(bag, PROFILE, {'camera': topic}).readings(bag))
        assert len(readings) == 2
        for reading in readings:
            with pytest.raises(BadMessage, match=why):
                reading.value() if not reading.bad else (_ for _ in ()).throw(
                    BadMessage(reading.bad)
                )


@pytest.mark.parametrize('text', ['dance', '{"action": 1}', '{', '{"action": ' + 100_000 * '['])
def test_a_label_that_is_no_action_is_malformed(tmp_path, text):
    bad = read(tmp_path, 'label', made.STRING, made.text(text)).bad

    assert bad.startswith('expected a label out of ')


def test_diagnostics_whose_stamp_was_never_set_are_malformed_and_no_beat(tmp_path):
    header = T['std_msgs/msg/Header'](T['builtin_interfaces/msg/Time'](0, 0), '')
    message = T['diagnostic_msgs/msg/DiagnosticArray'](header, [])
    bag = made.robot(
        tmp_path / 'bag',
        duration_s=0.1,
        more={'/diagnostics': ('diagnostic_msgs/msg/DiagnosticArray', [(0.05, message)])},
    )
    with Bag(bag) as opened:
        readings = list(choose_topics(opened, PROFILE, {}).readings(opened))
    [live] = [reading for reading in readings if reading.role == 'live_diagnostics']
    assert live.bad and live.beat_ns == 0
