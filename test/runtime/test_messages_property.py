# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Arbitrary messages of every input type: 20,000 of each, of which none makes another exception.

What goes in is either a reading as the profile has it, or is refused.
"""

import random
from array import array
from copy import copy

import numpy as np
import pytest

pytest.importorskip('rclpy')

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image, JointState, LaserScan, PointCloud2, PointField  # noqa: E402
from std_msgs.msg import Float32MultiArray, Header, MultiArrayLayout  # noqa: E402

from crossmodal_kd_ros.profile import Sense, check_image, load_profile  # noqa: E402
from crossmodal_kd_ros.runtime.messages import BadMessage  # noqa: E402
from crossmodal_kd_ros.runtime.sources import CAMERA_TYPES, CameraReader, SenseReader  # noqa: E402

# Of each input type 500 messages and 39 mutants of every one: 20,000.
EXAMPLES, MUTANTS = 500, 39
MANY = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

ENCODINGS = (
    'rgb8',
    'bgr8',
    'rgba8',
    'bgra8',
    'mono8',
    'mono16',
    'rgb16',
    'bgr16',
    '8UC1',
    '8UC3',
    '8UC4',
    '16UC1',
    '32FC1',
    '64FC1',
    'bayer_rggb8',
    'bayer_gbrg16',
    'yuv422',
    'yuyv',
    'uyvy',
    'yuv422_yuy2',
    'nv21',
    '',
)
WHOLE = {
    'rgb8': 3,
    'bgr8': 3,
    'rgba8': 4,
    'mono8': 1,
    'rgb16': 6,
    'mono16': 2,
    '8UC3': 3,
    'yuyv': 2,
    'bayer_rggb8': 1,
}
stamps = st.one_of(
    st.just((1, 0)),
    st.just((0, 0)),
    st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32 - 1)),
)
encodings = st.one_of(st.sampled_from(ENCODINGS), st.text(max_size=60))
sizes = st.one_of(st.integers(0, 20), st.sampled_from([255, 2**31, 2**32 - 1]))
floats = st.one_of(
    st.floats(width=32), st.sampled_from([float('nan'), float('inf'), -float('inf'), 3e38, -0.0])
)
doubles = st.floats()
SENSES = load_profile().senses
GAS_NAMES = SENSES['gas'].channel_names


@st.composite
def headers(draw) -> Header:
    """Return a header with any stamp that its fields can hold."""
    header = Header(frame_id=draw(st.text(max_size=5)))
    header.stamp.sec, header.stamp.nanosec = draw(stamps)
    return header


@st.composite
def images(draw, *, square: bool) -> Image:
    """Return an image, two of three whole: 16 x 16 32FC1 if `square`, else a picture."""
    whole = draw(st.integers(0, 2)) > 0
    if whole:
        encoding, pixel_bytes = (
            ('32FC1', 4) if square else draw(st.sampled_from(list(WHOLE.items())))
        )
        height, width = (16, 16) if square else (draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    else:
        encoding, pixel_bytes = draw(encodings), draw(st.integers(0, 8))
        height, width = draw(sizes), draw(sizes)
    step = min(width * pixel_bytes + draw(st.sampled_from([0, 0, 0, 1, 3, 64])), 2**32 - 1)
    length = (
        min(step * height, 4096) if whole or draw(st.booleans()) else draw(st.integers(0, 2000))
    )
    data = np.random.default_rng(draw(st.integers(0, 2**16))).integers(0, 64, length, np.uint8)
    return Image(
        header=draw(headers()),
        height=height,
        width=width,
        encoding=encoding,
        step=step,
        is_bigendian=draw(st.integers(0, 255)),
        data=array('B', data.tobytes()),
    )


@st.composite
def compressed(draw) -> CompressedImage:
    """Return a compressed picture, its beginning, or noise; `format` says anything."""
    import cv2

    picture = np.random.default_rng(draw(st.integers(0, 99))).integers(
        0, 255, (draw(st.integers(1, 9)), draw(st.integers(1, 9)), 3), np.uint8
    )
    data = bytearray(
        cv2.imencode(draw(st.sampled_from(['.png', '.jpg', '.bmp'])), picture)[1].tobytes()
    )
    kind = draw(st.integers(0, 3))
    if kind == 1:
        data = data[: draw(st.integers(0, len(data)))]
    elif kind == 2:
        for _ in range(draw(st.integers(1, 20))):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    elif kind == 3:
        data = bytearray(draw(st.binary(max_size=200)))
    name = draw(
        st.one_of(
            st.sampled_from(['jpeg', 'png', '32FC1; compressedDepth', '']), st.text(max_size=20)
        )
    )
    return CompressedImage(header=draw(headers()), format=name, data=array('B', bytes(data)))


@st.composite
def named(draw) -> JointState:
    """Return gas by name: right, shuffled, lacking, doubled, or anything."""
    names = draw(
        st.one_of(
            st.just(list(GAS_NAMES)),
            st.permutations(GAS_NAMES),
            st.lists(st.one_of(st.sampled_from(GAS_NAMES), st.text(max_size=60)), max_size=12),
        )
    )
    count = len(names) if draw(st.integers(0, 3)) else draw(st.integers(0, 12))
    return JointState(
        header=draw(headers()),
        name=list(names),
        position=draw(st.lists(doubles, min_size=count, max_size=count)),
    )


@st.composite
def plain(draw, *, size: int) -> Float32MultiArray:
    """Return an array, two of three whole: of `size` values behind an offset."""
    whole = draw(st.integers(0, 2)) > 0
    offset = (
        draw(st.integers(0, 3))
        if whole
        else draw(st.one_of(st.just(0), st.integers(0, 2**32 - 1)))
    )
    count = size + offset if whole else draw(st.sampled_from([0, 1, 7, 8, 9, 255, 256, 257]))
    kind = st.floats(width=32, allow_nan=False, allow_infinity=False) if whole else floats
    values = array('f', draw(st.lists(kind, min_size=min(count, 9), max_size=min(count, 9))))
    values.extend([1.0] * (count - len(values)))
    return Float32MultiArray(layout=MultiArrayLayout(data_offset=offset), data=values)


@st.composite
def scans(draw) -> LaserScan:
    """Return a grid as two lists, or as one, or as lists of any length."""
    lengths = draw(st.sampled_from([(128, 128), (128, 128), (256, 0), (0, 0), (7, 128)]))
    ranges, intensities = (array('f', draw(floats.map(lambda v: [v]))) * n for n in lengths)
    return LaserScan(header=draw(headers()), ranges=ranges, intensities=intensities)


@st.composite
def clouds(draw) -> PointCloud2:
    """Return a grid as points, with fields of any name, type and place in one of three."""
    whole = draw(st.integers(0, 2)) > 0
    kinds = [
        (name, 4 * place if whole else draw(sizes), 7 if whole else draw(st.integers(0, 9)))
        for place, name in enumerate(['texture', 'indentation'])
    ]
    fields = [PointField(name=name, offset=at, datatype=kind) for name, at, kind in kinds]
    width, step = (16, 8) if whole else (draw(st.integers(0, 20)), draw(st.integers(0, 20)))
    data = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 64, 8 * width * step, 'u1')
    return PointCloud2(
        header=draw(headers()),
        height=8,
        width=width,
        fields=fields,
        point_step=step,
        row_step=width * step,
        data=array('B', data.tobytes()),
    )


class Thrower:
    """Reads messages of one type, and counts the refusals."""

    def __init__(self, sensor: str, msgtype: str) -> None:
        self.refused = 0
        self._size = 0
        if sensor == 'camera':
            self._read = CameraReader(msgtype).read
            return
        data = SENSES[sensor].model_dump()
        data['source']['type'] = msgtype
        if msgtype.endswith('LaserScan'):
            for channel, key in zip(data['channels'], ('intensities', 'ranges')):
                channel['key'] = key
        reader = SenseReader(Sense.model_validate(data))
        [topic] = reader.topics
        self._size = reader.sense.size
        self._read = lambda message: reader.read(topic, message, 1)

    def throw(self, message) -> None:
        """Read as the node does; anything but a refusal escapes and fails the test."""
        try:
            stamp_ns, value = self._read(message)
            if callable(value):  # a picture is decoded later, by the worker
                value = value()
        except BadMessage as bad:
            assert 'expected' in str(bad) and len(str(bad)) < 700
            self.refused += 1
            return
        assert stamp_ns > 0
        if not self._size:
            check_image(value)
        else:
            assert value.dtype == np.float32 and value.shape == (self._size,)
            assert np.isfinite(value).all()


def mutant(message, rng: random.Random):
    """Return a copy of `message` in which one field is something else."""
    result = copy(message)
    field = rng.choice([name for name in message.get_fields_and_field_types() if name != 'header'])
    value = getattr(message, field)
    if isinstance(value, int) and not isinstance(value, bool):
        other = rng.choice([0, 1, 255, value + 1, max(value - 1, 0)])
        setattr(result, field, other % 256 if field == 'is_bigendian' else other)
    elif isinstance(value, str):
        setattr(result, field, rng.choice([*ENCODINGS, value[:-1], value + '8', 'jpeg']))
    elif isinstance(value, array):
        setattr(result, field, torn(value, rng))
    elif isinstance(value, bool | float):
        setattr(result, field, type(value)(rng.choice([0, 1])))
    elif isinstance(value, list):  # of names, or of fields
        setattr(
            result,
            field,
            rng.choice([value[1:], value + value[:1], [*value[:-1], *_odd(value)], value[::-1]]),
        )
    else:
        result.layout = MultiArrayLayout(
            data_offset=rng.choice([0, 1, len(message.data), 2**32 - 1])
        )
    return result


def _odd(values: list) -> list:
    """Return an entry that is not in a list of names; nothing for one of fields."""
    return ['ozone_ppb'] if all(isinstance(value, str) for value in values) else []


def torn(values: array, rng: random.Random) -> array:
    """Return a shorter, longer or changed array of the same type."""
    changed = values[:]
    if changed and rng.random() < 0.6:
        odd = (
            [0, 255] if values.typecode == 'B' else [0.0, float('nan'), float('inf'), -1e38, 3e38]
        )
        changed[rng.randrange(len(changed))] = rng.choice(odd)
        return changed
    return (
        changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.5 else changed + changed[:7]
    )


MESSAGES = {
    ('camera', CAMERA_TYPES[0]): images(square=False),
    ('camera', CAMERA_TYPES[1]): compressed(),
    ('touch', 'sensor_msgs/msg/Image'): images(square=True),
    ('touch', 'std_msgs/msg/Float32MultiArray'): plain(size=256),
    ('touch', 'sensor_msgs/msg/LaserScan'): scans(),
    ('touch', 'sensor_msgs/msg/PointCloud2'): clouds(),
    ('gas', 'sensor_msgs/msg/JointState'): named(),
    ('gas', 'std_msgs/msg/Float32MultiArray'): plain(size=8),
}


@pytest.mark.parametrize(('sensor', 'msgtype'), MESSAGES)
def test_no_message_makes_another_exception_than_a_refusal(sensor, msgtype):
    thrower, seen = Thrower(sensor, msgtype), []

    @MANY
    @given(MESSAGES[sensor, msgtype], st.integers(0, 2**32 - 1))
    def throw(message, seed):
        rng = random.Random(seed)
        for thrown in (message, *(mutant(message, rng) for _ in range(MUTANTS))):
            seen.append(1)
            thrower.throw(thrown)

    throw()
    assert len(seen) >= 20_000
    # A test whose messages are all good, or all bad, would prove nothing.
    assert 0.02 * len(seen) < thrower.refused < 0.995 * len(seen)
