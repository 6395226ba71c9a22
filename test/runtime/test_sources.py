# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Readings of a sense: several topics, constants, scales, numbers of others beside them."""

from types import SimpleNamespace

import numpy as np
import pytest

from crossmodal_kd_ros.profile import Sense, load_profile
from crossmodal_kd_ros.profile.sources import GRID_TYPES, MESSAGE_TYPES
from crossmodal_kd_ros.runtime import messages
from crossmodal_kd_ros.runtime.messages import BadMessage
from crossmodal_kd_ros.runtime.sources import CameraReader, SenseReader

S = 1_000_000_000


def stamped(t_s: float, **fields) -> SimpleNamespace:
    stamp_ns = round(t_s * S)
    stamp = SimpleNamespace(sec=stamp_ns // S, nanosec=stamp_ns % S)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), **fields)


def joints(t_s: float, names, *, position=(), velocity=(), effort=()) -> SimpleNamespace:
    return stamped(t_s, name=list(names), position=position, velocity=velocity, effort=effort)


def co2(value: float) -> SimpleNamespace:
    return SimpleNamespace(data=value)


def temperature(t_s: float, value: float) -> SimpleNamespace:
    return stamped(t_s, temperature=value)


def humidity(t_s: float, value: float) -> SimpleNamespace:
    return stamped(t_s, relative_humidity=value)


def sense(*channels: dict, layout: str = 'channels', **fields) -> Sense:
    """Return a sense whose channels have units and ranges that do not matter."""
    whole = [{'unit': '1', 'min': -1e9, 'max': 1e9, **channel} for channel in channels]
    return Sense.model_validate(
        {'name': 'arm', 'layout': layout, 'period_s': 1.0, 'channels': whole, **fields}
    )


def source(msgtype: str, **fields) -> dict:
    return {'topic': 'topic', 'type': msgtype, **fields}


@pytest.fixture
def air():
    """Return the reader of CO2, temperature and humidity on three topics of three types."""
    return SenseReader(load_profile('air').senses['air'])


def test_a_sense_of_three_topics_has_a_reading_when_each_of_them_has_spoken(air):
    assert air.read('air/co2', co2(412.0), 10 * S) is None
    assert air.read('air/temperature', temperature(10.2, 21.5), 0) is None
    stamp_ns, reading = air.read('air/humidity', humidity(10.1, 0.45), 0)

    # That of the newest part; a humidity of 0 to 1 is made percent by the profile's scale.
    assert stamp_ns == round(10.2 * S)
    np.testing.assert_allclose(reading, [412.0, 21.5, 45.0], rtol=1e-6)
    assert reading.dtype == np.float32


def test_each_reading_is_put_together_anew(air):
    for t_s in (10.0, 13.0):
        assert air.read('air/co2', co2(400.0 + t_s), round(t_s * S)) is None
        assert air.read('air/temperature', temperature(t_s, t_s), 0) is None
        _, reading = air.read('air/humidity', humidity(t_s, 0.5), 0)
        np.testing.assert_allclose(reading, [400.0 + t_s, t_s, 50.0])


def test_the_newest_of_several_messages_of_a_topic_counts(air):
    air.read('air/co2', co2(400.0), 10 * S)
    air.read('air/co2', co2(500.0), 11 * S)
    air.read('air/temperature', temperature(11.0, 20.0), 0)
    _, reading = air.read('air/humidity', humidity(11.0, 0.5), 0)

    assert reading[0] == 500.0


def test_a_part_that_is_too_old_beside_the_newest_is_dropped(air):
    timeout_s = air.sense.timeout_s
    air.read('air/co2', co2(400.0), 10 * S)
    late_s = 10.0 + timeout_s + 0.1
    assert air.read('air/temperature', temperature(late_s, 20.0), 0) is None
    assert air.read('air/humidity', humidity(late_s, 0.5), 0) is None

    stamp_ns, reading = air.read('air/co2', co2(450.0), round((late_s + 1.0) * S))
    assert reading[0] == 450.0 and stamp_ns == round((late_s + 1.0) * S)


def test_a_clock_that_is_set_back_does_not_stop_a_sense(air):
    air.read('air/co2', co2(400.0), 1000 * S)
    results = []
    for t_s in (1.0, 4.0):
        results += [
            air.read('air/temperature', temperature(t_s, 20.0), 0),
            air.read('air/humidity', humidity(t_s, 0.5), 0),
            air.read('air/co2', co2(450.0), round(t_s * S)),
        ]
    [(stamp_ns, reading)] = filter(None, results)
    assert (stamp_ns, reading[0]) == (4 * S, 450.0)


def test_a_malformed_part_is_refused_at_once_by_its_name(air):
    with pytest.raises(BadMessage, match='got NaN or infinity in co2_ppm'):
        air.read('air/co2', co2(np.nan), 10 * S)
    with pytest.raises(BadMessage, match='the driver has to set it'):
        air.read('air/temperature', temperature(0.0, 20.0), 10 * S)


def test_position_velocity_and_effort_of_a_joint_are_found_among_those_of_other_joints():
    reader = SenseReader(load_profile('gripper').senses['arm'])
    keys = list(dict.fromkeys(source.key for source in reader.sense.sources))
    names = ['base', *keys[::-1], 'camera_pan']
    numbers = np.arange(8.0)
    state = joints(5.0, names, position=numbers, velocity=numbers + 10.0, effort=numbers + 20.0)

    assert reader.read('joint_states', state, 0) is None
    currents = joints(5.001, names, effort=numbers + 30.0)
    stamp_ns, reading = reader.read('joint_currents', currents, 0)

    assert stamp_ns == 5_001_000_000
    place = np.arange(6, 0, -1.0)  # behind `base`, in the opposite order
    np.testing.assert_array_equal(
        reading, np.concatenate([place, place + 20.0, place + 30.0, place + 10.0])
    )


@pytest.mark.parametrize(
    ('fields', 'sentence'),
    [
        ({'effort': [1.0]}, 'expected an effort for each name, got 2 names and 1 efforts'),
        ({}, 'expected an effort for each name, got 2 names and 0 efforts'),
        ({'effort': [1.0, np.nan]}, 'got NaN or infinity in grip'),
    ],
)
def test_an_effort_that_is_not_there_is_refused(fields, sentence):
    reader = SenseReader(
        sense(
            {'name': 'grip', 'key': 'b'},
            source=source(messages_type('JointState'), field='effort'),
        )
    )
    with pytest.raises(BadMessage, match=sentence):
        reader.read('topic', joints(1.0, ['a', 'b'], **fields), 0)


def messages_type(name: str) -> str:
    return next(msgtype for msgtype in MESSAGE_TYPES if msgtype.endswith(f'/{name}'))


def test_a_joint_that_is_not_there_is_named():
    reader = SenseReader(
        sense({'name': 'grip', 'key': 'b'}, source=source(messages_type('JointState')))
    )
    with pytest.raises(BadMessage, match="expected the arm channels b, each once: missing 'b'"):
        reader.read('topic', joints(1.0, ['a'], position=[1.0]), 0)


def test_a_name_that_stands_twice_is_refused():
    reader = SenseReader(
        sense({'name': 'grip', 'key': 'b'}, source=source(messages_type('JointState')))
    )
    with pytest.raises(BadMessage, match="expected each name once: repeated 'b'"):
        reader.read('topic', joints(1.0, ['b', 'a', 'b'], position=[1.0, 2.0, 3.0]), 0)


def test_a_joint_may_be_named_by_its_place():
    reader = SenseReader(
        sense({'name': 'grip', 'key': 1}, source=source(messages_type('JointState')))
    )
    _, reading = reader.read('topic', joints(1.0, ['a', 'b'], position=[5.0, 6.0]), 0)
    assert reading.tolist() == [6.0]
    with pytest.raises(BadMessage, match='expected at least 2 values of arm, got 1'):
        reader.read('topic', joints(1.0, ['a'], position=[5.0]), 0)


def test_constants_scales_and_offsets_are_filled_in():
    reader = SenseReader(
        sense(
            {'name': 'kelvin', 'key': 2, 'scale': 0.5, 'offset': 273.0},
            {'name': 'lacking', 'constant': 20.9},
            {'name': 'plain', 'key': 0},
            source=source(messages_type('Float32MultiArray')),
        )
    )
    array = SimpleNamespace(layout=SimpleNamespace(data_offset=0), data=[7.0, 8.0, 9.0])
    stamp_ns, reading = reader.read('topic', array, 3)

    np.testing.assert_allclose(reading, [277.5, 20.9, 7.0])
    assert stamp_ns == 3


def test_a_grid_may_have_a_channel_that_the_robot_lacks():
    reader = SenseReader(
        sense(
            {'name': 'shear', 'constant': 2.0},
            {'name': 'pressure', 'key': 0, 'scale': 10.0},
            layout='grid',
            shape=[2, 2, 3],
            source=source(messages_type('Float32MultiArray')),
        )
    )
    array = SimpleNamespace(layout=SimpleNamespace(data_offset=0), data=np.arange(6.0))
    _, reading = reader.read('topic', array, 1)

    np.testing.assert_array_equal(reading, [2.0] * 6 + [0.0, 10.0, 20.0, 30.0, 40.0, 50.0])


def xyz(*values: float) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip('xyzw', values)))


def floats(**fields) -> SimpleNamespace:
    return stamped(1.0, **fields)


FIELD = SimpleNamespace(name='a', offset=0, datatype=7)
# For each type that is no grid a message that holds 1.5 under a key.
NUMBERS = {
    'sensor_msgs/msg/JointState': ('a', joints(1.0, ['a'], position=[1.5])),
    'sensor_msgs/msg/Imu': (
        'angular_velocity.y',
        floats(
            linear_acceleration=xyz(1, 2, 3),
            angular_velocity=xyz(4, 1.5, 6),
            orientation=xyz(0, 0, 0, 1),
            linear_acceleration_covariance=[0.0] * 9,
            angular_velocity_covariance=[0.0] * 9,
            orientation_covariance=[-1.0] + [0.0] * 8,
        ),
    ),
    'sensor_msgs/msg/Temperature': ('temperature', floats(temperature=1.5)),
    'sensor_msgs/msg/RelativeHumidity': ('relative_humidity', floats(relative_humidity=1.5)),
    'sensor_msgs/msg/FluidPressure': ('fluid_pressure', floats(fluid_pressure=1.5)),
    'sensor_msgs/msg/Range': ('range', floats(range=1.5)),
    'sensor_msgs/msg/LaserScan': ('ranges', floats(ranges=[1.5], intensities=[])),
    'sensor_msgs/msg/PointCloud2': (
        'a',
        floats(
            fields=[FIELD],
            height=1,
            width=1,
            point_step=4,
            row_step=4,
            is_bigendian=False,
            data=np.array([1.5], '<f4').view(np.uint8),
        ),
    ),
    'geometry_msgs/msg/WrenchStamped': (
        'torque.z',
        floats(wrench=SimpleNamespace(force=xyz(1, 2, 3), torque=xyz(4, 5, 1.5))),
    ),
    'std_msgs/msg/Float32': ('data', SimpleNamespace(data=1.5)),
    'std_msgs/msg/Float64': ('data', SimpleNamespace(data=1.5)),
    'std_msgs/msg/Float32MultiArray': (
        0,
        SimpleNamespace(layout=SimpleNamespace(data_offset=0), data=[1.5]),
    ),
    'olfaction_msgs/msg/GasSensor': ('raw', floats(raw=1.5)),
    'olfaction_msgs/msg/GasSensorArray': (0, floats(sensors=[SimpleNamespace(raw=1.5)])),
}


@pytest.mark.parametrize('msgtype', [kind for kind in MESSAGE_TYPES if kind in NUMBERS])
def test_a_number_is_read_from_each_type(msgtype):
    key, message = NUMBERS[msgtype]
    reader = SenseReader(sense({'name': 'one', 'key': key}, source=source(msgtype)))

    _, reading = reader.read('topic', message, 1)

    assert reading.tolist() == [1.5]


def test_every_type_that_a_profile_may_name_has_a_reader():
    assert set(NUMBERS) == set(MESSAGE_TYPES) - {'sensor_msgs/msg/Image'}
    assert set(messages.NUMBER_READERS) == set(NUMBERS)
    assert set(messages.GRID_READERS) == set(GRID_TYPES)


def test_an_orientation_that_the_driver_does_not_have_is_refused():
    key, message = 'orientation.w', NUMBERS['sensor_msgs/msg/Imu'][1]
    reader = SenseReader(sense({'name': 'one', 'key': key}, source=source(messages_type('Imu'))))
    with pytest.raises(BadMessage, match="missing 'orientation.w'"):
        reader.read('topic', message, 1)


def test_no_message_raises_anything_but_a_refusal():
    reader = SenseReader(sense({'name': 'a'}, source=source(messages_type('JointState'))))
    for message in (None, stamped(1.0, name=['a'], position=['x']), stamped(1.0)):
        with pytest.raises(BadMessage, match='expected .* got one that cannot') as caught:
            reader.read('topic', message, 0)
        assert '\n' not in str(caught.value)
    for message in (None, stamped(1.0)):
        with pytest.raises(BadMessage, match='expected a picture that can be read'):
            CameraReader().read(message)


@pytest.mark.parametrize('order', ['one after the other', 'backwards', 'shuffled'])
@pytest.mark.parametrize('count', range(1, 13))
def test_topics_spread_evenly_over_the_period_always_come_together(count, order):
    topics = [f't{index}' for index in range(count)]
    reader = SenseReader(
        sense(
            *(
                {'name': topic, 'source': {'topic': topic, 'type': messages_type('Temperature')}}
                for topic in topics
            )
        )
    )
    rng, readings = np.random.default_rng(count), []
    for period in range(20):
        # Each topic has its place in the period; messages may arrive in another order.
        arrivals = {
            'one after the other': range(count),
            'backwards': range(count)[::-1],
            'shuffled': rng.permutation(count),
        }[order]
        for place in arrivals:
            message = temperature(1.0 + period + place / count, float(period))
            readings.append(reader.read(topics[place], message, 0))
    assert len([reading for reading in readings if reading is not None]) == 20


def test_a_topic_that_is_silent_or_of_another_time_is_named(air):
    assert air.waiting_for(0) == 'air/co2, air/temperature and air/humidity: nothing yet'
    air.read('air/co2', co2(412.0), 100 * S)
    air.read('air/temperature', temperature(100.0, 21.5), 100 * S)
    assert air.waiting_for(101 * S) == 'air/humidity: nothing yet'
    air.read('air/humidity', humidity(0.5, 0.5), 101 * S)
    assert air.waiting_for(101 * S) == 'air/humidity: stamped 99.5 s before air/temperature'
    assert air.read('air/humidity', humidity(100.5, 0.5), 101 * S) is not None
    assert air.waiting_for(101 * S) == ''
    air.read('air/humidity', humidity(109.0, 0.5), 109 * S)
    air.read('air/co2', co2(412.0), 109 * S)
    assert air.waiting_for(110 * S) == 'air/temperature: nothing for 10 s'


def test_a_sense_of_one_topic_waits_for_none():
    assert SenseReader(load_profile().senses['gas']).waiting_for(10**12) == ''
