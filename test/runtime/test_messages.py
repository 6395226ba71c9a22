# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages to pictures and readings: what is read, and each way of being malformed."""

from array import array

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image, JointState  # noqa: E402
from std_msgs.msg import Float32MultiArray, Header  # noqa: E402

from crossmodal_kd_ros.profile import Sense, load_profile, square_view  # noqa: E402
from crossmodal_kd_ros.runtime import messages  # noqa: E402
from crossmodal_kd_ros.runtime.messages import BadMessage  # noqa: E402
from crossmodal_kd_ros.runtime.sources import SenseReader  # noqa: E402

SENSES = load_profile().senses
GAS_NAMES = SENSES['gas'].channel_names
RGB = np.array([[[200, 100, 50], [0, 0, 0]], [[255, 255, 255], [10, 20, 30]]], np.uint8)
TOUCH = np.linspace(0.0, 5.0, 256, dtype=np.float32)
ARRAY = 'std_msgs/msg/Float32MultiArray'
GAS = dict(zip(GAS_NAMES, [100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0]))


def read(sense: str, message, msgtype: str = '') -> np.ndarray:
    """Return the reading that the living wall makes of a message, if it came as `msgtype`."""
    data = SENSES[sense].model_dump()
    data['source']['type'] = msgtype or data['source']['type']
    reader = SenseReader(Sense.model_validate(data))
    [topic] = reader.topics
    return reader.read_part(topic, message)


def image(pixels: np.ndarray, encoding: str, *, padding: int = 0, **changes) -> Image:
    """Return an image message of `pixels`, with `padding` bytes after each row."""
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    fields = {
        'height': pixels.shape[0],
        'width': pixels.shape[1],
        'encoding': encoding,
        'step': rows.shape[1],
        'data': array('B', rows.tobytes()),
    }
    return Image(**{**fields, **changes})


def tactile(**changes) -> Image:
    """Return a good tactile image, or a bad one."""
    return image(TOUCH.reshape(16, 16), **{'encoding': '32FC1', **changes})


def gas(values: dict[str, float]) -> JointState:
    """Return named gas channels."""
    return JointState(name=list(values), position=list(values.values()))


@pytest.mark.parametrize(
    ('encoding', 'pixels'),
    [
        ('rgb8', RGB),
        ('bgr8', RGB[..., ::-1]),
        ('8UC3', RGB[..., ::-1]),
        ('rgba8', np.dstack([RGB, np.full((2, 2), 9, np.uint8)])),
        ('bgra8', np.dstack([RGB[..., ::-1], np.full((2, 2), 9, np.uint8)])),
        ('rgb16', RGB.astype(np.uint16) * 257),
        ('bgr16', RGB[..., ::-1].astype(np.uint16) * 257),
    ],
)
@pytest.mark.parametrize('padding', [0, 3])
def test_every_colour_encoding_gives_the_same_picture_with_padded_rows_too(
    encoding, pixels, padding
):
    read = messages.image_reader(image(pixels, encoding, padding=padding))

    np.testing.assert_allclose(read(), RGB, atol=1)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_a_grey_picture_becomes_three_equal_channels(encoding):
    picture = messages.image_reader(image(RGB[..., 0], encoding))()

    np.testing.assert_array_equal(picture, np.repeat(RGB[..., :1], 3, 2))


@pytest.mark.parametrize(('encoding', 'colour'), [('bayer_rggb8', 0), ('bayer_bggr8', 2)])
def test_a_bayer_pattern_is_read_in_the_order_of_its_name(encoding, colour):
    mosaic = np.zeros((16, 16), np.uint8)
    mosaic[::2, ::2] = 200

    picture = messages.image_reader(image(mosaic, encoding))()

    assert picture[8, 8].argmax() == colour
    assert picture[8, 8, colour] == 200


@pytest.mark.parametrize('encoding', ['yuv422_yuy2', 'yuyv'])
def test_a_yuv_picture_without_colour_is_grey(encoding):
    picture = messages.image_reader(image(np.full((4, 4, 2), 128, np.uint8), encoding))()

    assert picture.shape == (4, 4, 3)
    assert np.ptp(picture.astype(int), axis=2).max() <= 1


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('channels', [1, 3])
def test_a_compressed_picture_is_rgb_even_if_it_was_grey(suffix, channels):
    picture = np.full((8, 8, 3), (200, 200, 200) if channels == 1 else (250, 10, 10), np.uint8)
    stored = picture[..., 0] if channels == 1 else picture[..., ::-1]
    data = cv2.imencode(suffix, stored)[1].tobytes()

    read = messages.compressed_image_reader(
        CompressedImage(format=suffix[1:], data=array('B', data))
    )

    np.testing.assert_allclose(read(), picture, atol=3)


def compressed(picture: np.ndarray, suffix: str = '.jpg') -> CompressedImage:
    data = cv2.imencode(suffix, picture[..., ::-1])[1].tobytes()
    return CompressedImage(format=suffix[1:], data=array('B', data))


def test_a_jpeg_of_more_than_twice_the_view_comes_at_half_its_size_with_the_same_view():
    coarse = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    message = compressed(cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC))
    whole, half = (messages.compressed_image_reader(message, view_px)() for view_px in (None, 128))

    assert (whole.shape, half.shape) == ((480, 640, 3), (240, 320, 3))
    views = [square_view(picture, size_px=128).astype(int) for picture in (whole, half)]
    assert np.abs(views[0] - views[1]).mean() < 1.0


@pytest.mark.parametrize(
    ('suffix', 'height'), [('.jpg', 256), ('.png', 480)], ids=['twice the view', 'no JPEG']
)
def test_any_other_picture_comes_at_its_size(suffix, height):
    picture = np.full((height, 640, 3), 90, np.uint8)

    assert (
        messages.compressed_image_reader(compressed(picture, suffix), 128)().shape == picture.shape
    )


def test_a_mosaic_is_never_halved():
    mosaic = cv2.imencode('.jpg', np.full((480, 640), 90, np.uint8))[1].tobytes()
    message = CompressedImage(
        format='bayer_rggb8; jpeg compressed bayer_rggb8', data=array('B', mosaic)
    )

    assert messages.compressed_image_reader(message, 128)().shape == (480, 640, 3)


@pytest.mark.parametrize(
    ('message', 'sentence'),
    [
        (
            image(RGB, 'rgb8', height=0, data=array('B')),
            'expected an image with pixels in it, got 0 rows of 2',
        ),
        (image(RGB, 'rgb8', width=0), 'expected an image with pixels in it, got 2 rows of 0'),
        (image(RGB, 'rgb8', height=3), 'expected step x height = 18 bytes of data, got 12'),
        (
            image(RGB, 'rgb8', data=array('B', bytes(11))),
            'expected step x height = 12 bytes of data, got 11',
        ),
        (
            image(RGB, 'rgb8', width=3),
            "expected a step of at least 9 bytes for 3 pixels of 'rgb8', got 6",
        ),
        (
            image(RGB, 'sepia'),
            "expected a colour or grey encoding such as rgb8, bgr8 or mono8, got 'sepia'",
        ),
        (image(RGB, ''), "expected a colour or grey encoding such as rgb8, bgr8 or mono8, got ''"),
        (image(TOUCH.reshape(16, 16), '32FC1'), "such as rgb8, bgr8 or mono8, got '32FC1'"),
    ],
)
def test_a_malformed_image_is_refused_by_what_is_wrong_with_it(message, sentence):
    with pytest.raises(BadMessage) as refused:
        messages.image_reader(message)

    assert sentence in str(refused.value)


def test_an_image_that_no_converter_can_read_is_refused_when_it_is_decoded():
    odd_width = image(np.zeros((2, 3, 2), np.uint8), 'yuyv')

    with pytest.raises(BadMessage, match='expected an image that can be converted to RGB'):
        messages.image_reader(odd_width)()


@pytest.mark.parametrize(
    ('message', 'sentence'),
    [
        (CompressedImage(format='jpeg'), 'got a message without data'),
        (
            CompressedImage(format='jpeg', data=array('B', b'no picture')),
            'got 10 bytes that are none',
        ),
        (
            CompressedImage(format='32FC1; compressedDepth', data=array('B', b'x')),
            'which is depth',
        ),
    ],
)
def test_a_malformed_compressed_image_is_refused(message, sentence):
    with pytest.raises(BadMessage) as refused:
        messages.compressed_image_reader(message)()

    assert sentence in str(refused.value)


@pytest.mark.parametrize('order', ['<f4', '>f4'])
@pytest.mark.parametrize('padding', [0, 8])
def test_touch_is_read_in_either_byte_order_with_padded_rows_too(order, padding):
    message = image(
        TOUCH.reshape(16, 16).astype(order), '32FC1', padding=padding, is_bigendian=order == '>f4'
    )

    np.testing.assert_array_equal(read('touch', message), TOUCH)


def test_a_grid_survives_the_way_out_and_back_in():
    fields = messages.grid_image_fields(SENSES['touch'], TOUCH)
    message = Image(**{**fields, 'data': array('B', fields['data'])})

    assert (message.height, message.width, message.encoding) == (16, 16, '32FC1')
    np.testing.assert_array_equal(read('touch', message), TOUCH)


@pytest.mark.parametrize(
    ('message', 'sentence'),
    [
        (tactile(height=15), "expected an image of 16x16 32FC1 for touch, got 15x16 '32FC1'"),
        (tactile(encoding='64FC1'), "got 16x16 '64FC1'"),
        (
            tactile(data=array('B', bytes(1020))),
            'expected step x height = 1024 bytes of data, got 1020',
        ),
        (tactile(step=32), 'expected a step of at least 64 bytes'),
        (
            image(np.full((16, 16), np.nan, np.float32), '32FC1'),
            'got NaN or infinity in texture (0, 0), texture (0, 1), texture (0, 2) and 253 more',
        ),
    ],
)
def test_a_malformed_tactile_image_is_refused(message, sentence):
    with pytest.raises(BadMessage) as refused:
        read('touch', message)

    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ('sense', 'size', 'sentence'),
    [
        ('touch', 255, 'expected 256 values of touch, got 255'),
        ('gas', 9, 'expected 8 values of gas, got 9'),
    ],
)
def test_an_array_of_another_length_is_refused(sense, size, sentence):
    with pytest.raises(BadMessage, match=sentence):
        read(sense, Float32MultiArray(data=array('f', [0.0] * size)), ARRAY)


def test_an_array_is_read_from_its_offset_on():
    message = Float32MultiArray(data=array('f', [7.0, *TOUCH]))
    message.layout.data_offset = 1

    np.testing.assert_array_equal(read('touch', message, ARRAY), TOUCH)


def test_gas_channels_are_read_by_name_in_any_order():
    shuffled = gas(dict(reversed(GAS.items())))

    np.testing.assert_array_equal(read('gas', shuffled), np.array(list(GAS.values()), np.float32))


@pytest.mark.parametrize(
    ('message', 'sentence'),
    [
        (
            gas({name: value for name, value in GAS.items() if name != 'o2_pct'}),
            "missing 'o2_pct'",
        ),
        (gas({**GAS, 'ozone_ppb': 1.0}), "unknown 'ozone_ppb'"),
        (JointState(name=[*GAS, 'o2_pct'], position=[*GAS.values(), 1.0]), "repeated 'o2_pct'"),
        (JointState(name=list(GAS), position=[1.0] * 7), 'got 8 names and 7 positions'),
        (JointState(), 'missing'),
        (gas({**GAS, 'nh3_ppm': float('nan')}), 'got NaN or infinity in nh3_ppm'),
        (gas({**GAS, 'nh3_ppm': 1e300}), 'got NaN or infinity in nh3_ppm'),
    ],
)
def test_malformed_gas_is_refused_by_the_name_of_the_channel(message, sentence):
    with pytest.raises(BadMessage) as refused:
        read('gas', message)

    assert sentence in str(refused.value)


def test_a_header_whose_stamp_was_never_set_is_refused():
    with pytest.raises(BadMessage, match='the driver has to set it'):
        messages.stamp_ns(Image(header=Header()), 7)


def test_a_stamp_before_1970_is_refused_and_said():
    header = Header()
    header.stamp.sec = -5
    with pytest.raises(BadMessage, match='in header.stamp, got -5: the driver'):
        messages.stamp_ns(Image(header=header), 7)


def test_a_message_without_a_header_counts_from_its_arrival():
    assert messages.stamp_ns(Float32MultiArray(), 7) == 7


@settings(max_examples=200, deadline=None)
@given(
    height=st.integers(0, 20),
    width=st.integers(0, 20),
    step=st.integers(0, 100),
    bigendian=st.integers(0, 255),
    encoding=st.sampled_from(
        ['rgb8', 'bayer_rggb8', 'yuyv', 'bgr16', '32FC1', '8UC4', 'mono16', 'x', '']
    ),
    size=st.one_of(st.none(), st.integers(0, 2000)),
)
def test_no_image_message_makes_anything_but_a_refusal_escape(
    height, width, step, bigendian, encoding, size
):
    size = step * height if size is None else size
    message = Image(
        height=height,
        width=width,
        step=step,
        is_bigendian=bigendian,
        encoding=encoding,
        data=array('B', bytes(size)),
    )
    for decode in (lambda: messages.image_reader(message)(), lambda: read('touch', message)):
        try:
            assert decode().dtype in (np.uint8, np.float32)
        except BadMessage as refused:
            assert 'expected' in str(refused)
