# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recordings with more than one picture: depth, infrared, mosaics, two robots."""

from array import array
from pathlib import Path

import cv2
import numpy as np
import pytest
from field_inputs import FIELD, made, needs_field
from made_up_bag import IMAGE, JOINTS, JPEG, PROFILE

from crossmodal_kd_ros.bags import Bag, BagError
from crossmodal_kd_ros.bags.topics import TopicMap, choose_topics
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime.messages import NoPicture
from crossmodal_kd_ros.runtime.sources import CameraReader

COLOUR, DEPTH = '/d435/color/image_raw', '/d435/depth/image_rect_raw'
RNG = np.random.default_rng(8)
MILLIMETRES = RNG.integers(300, 4000, (48, 64), np.uint16)
FLOATS = array('f', [0.0] * 256)


def raw(pixels: np.ndarray, encoding: str, t_s: float = 0.0):
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
    return made.TYPES.types[IMAGE](
        made.header(t_s), *pixels.shape[:2], encoding, 0, rows.shape[1], rows.reshape(-1)
    )


def compressed(suffix: str, pixels: np.ndarray, words: str, t_s: float = 0.0, head: bytes = b''):
    data = head + cv2.imencode(suffix, pixels)[1].tobytes()
    return made.TYPES.types[JPEG](made.header(t_s), words, np.frombuffer(data, np.uint8))


def infrared(t_s: float):
    return compressed('.jpg', made.picture(t_s)[..., 1], 'mono8; jpeg compressed mono8', t_s)


def over(make, count: int, start_s: float = 0.0):
    """Return messages at 10 Hz."""
    return [(start_s + index / 10, make(start_s + index / 10)) for index in range(count)]


def topics_of(folder: Path, topics: dict, requests: dict | None = None, profile=PROFILE):
    """Return the topics of each role in a bag, and what is said of them."""
    with Bag(made.write_bag(folder / 'bag', topics)) as bag:
        chosen = choose_topics(bag, profile, requests or {})
    return names(chosen), ' | '.join(chosen.sentences)


def names(chosen: TopicMap) -> dict[str, list[str]]:
    return {role: list(binding.types) for role, binding in chosen.bindings.items()}


@needs_field
def test_a_realsense_whose_depth_has_one_message_more_is_decided_for_by_its_colour():
    with Bag(FIELD / 'colour_and_depth_compressed.mcap') as bag:
        chosen = choose_topics(bag, PROFILE, {})
        pictures = [
            reading.value() for reading in chosen.readings(bag) if reading.role == 'camera'
        ]
        assert names(chosen)['camera'] == [f'{COLOUR}/compressed']
        assert chosen.sentences[0].endswith(f'no camera: {DEPTH}/compressed')
        assert {each.shape for each in pictures} == {(96, 128, 3)} and len(pictures) == 30

        with pytest.raises(BagError, match=f'camera={DEPTH}/compressed: .* which is depth'):
            choose_topics(bag, PROFILE, {'camera': f'{DEPTH}/compressed'})


# As realsense, ZED and OpenNI drivers and compressed_depth_image_transport send it.
DEPTHS = {
    'mm': (IMAGE, raw(MILLIMETRES, '16UC1')),
    'm': (IMAGE, raw(MILLIMETRES.astype(np.float32), '32FC1')),
    'png of mm': (JPEG, compressed('.png', MILLIMETRES, '16UC1; png compressed ')),
    'jpeg of mm': (
        JPEG,
        compressed('.jpg', made.picture(0.0)[..., 0], '16UC1; jpeg compressed mono8'),
    ),
    'compressedDepth': (
        JPEG,
        compressed('.png', MILLIMETRES, '16UC1; compressedDepth', head=bytes(12)),
    ),
    'compressedDepth png': (
        JPEG,
        compressed('.png', MILLIMETRES, '32FC1; compressedDepth png', head=bytes(12)),
    ),
    'compressedDepth of mono16': (
        JPEG,
        compressed('.png', MILLIMETRES, 'mono16; compressedDepth png', head=bytes(12)),
    ),
    'png that says no more': (JPEG, compressed('.png', MILLIMETRES, 'png')),
    'png that says nothing': (JPEG, compressed('.png', MILLIMETRES, '')),
}


@pytest.mark.parametrize(('msgtype', 'message'), DEPTHS.values(), ids=DEPTHS)
def test_depth_is_no_picture_whatever_its_topic_is_called(tmp_path, msgtype, message):
    with pytest.raises(NoPicture, match='which is depth'):
        CameraReader(msgtype).read(message)

    many = [(index / 10, message) for index in range(9)]
    assert 'camera' not in topics_of(tmp_path / 'alone', {'/front/image': (msgtype, many)})[0]
    # Not even under the profile's own name.
    both = {'/camera/image_raw': (msgtype, many), '/front/image': (IMAGE, over(made.raw, 3))}
    chosen, said = topics_of(tmp_path / 'both', both)
    assert chosen['camera'] == ['/front/image']
    assert 'no camera: /camera/image_raw' in said


@pytest.mark.parametrize(
    'message',
    [compressed('.jpg', made.picture(0.0), 'bgr8; jpeg compressed bgr8'),
     compressed('.png', MILLIMETRES, 'mono16; png compressed ')],
    ids=['in false colours', 'said to be grey'],
)  # fmt: skip
def test_depth_that_looks_like_a_picture_is_known_by_its_name(tmp_path, message):
    many = [(index / 10, message) for index in range(9)]
    depth = '/zed/aligned_depth_to_color/image_raw/compressed'

    chosen, said = topics_of(
        tmp_path, {depth: (JPEG, many), '/cam': (IMAGE, over(infrared_raw, 3))}
    )

    assert chosen['camera'] == ['/cam'] and f'no camera: {depth}' in said


def test_a_camera_that_is_called_after_its_depth_is_seen_all_the_same(tmp_path):
    pictures = {'/depth_camera/image_raw': (IMAGE, over(made.raw, 3))}
    pictures['/depth_camera/depth/image_raw'] = (IMAGE, over(made.raw, 9))

    chosen, _ = topics_of(tmp_path, pictures)

    assert chosen['camera'] == ['/depth_camera/image_raw']


def infrared_raw(t_s: float):
    return raw(made.picture(t_s)[..., 1], 'mono8', t_s)


def test_infrared_with_one_message_more_than_colour_is_left(tmp_path):
    left, right = (f'/d435/infra{eye}/image_rect_raw/compressed' for eye in (1, 2))

    chosen, said = topics_of(
        tmp_path,
        {
            left: (JPEG, over(infrared, 31)),
            right: (JPEG, over(infrared, 31)),
            f'{COLOUR}/compressed': (JPEG, over(made.jpeg, 30)),
        },
    )

    assert chosen['camera'] == [f'{COLOUR}/compressed']
    assert f'left: {left} (grey), {right} (grey)' in said


def test_infrared_that_is_sent_as_colour_is_grey_all_the_same(tmp_path):
    def three_times_grey(t_s):
        return raw(made.picture(t_s)[..., [1, 1, 1]], 'rgb8', t_s)

    chosen, said = topics_of(
        tmp_path,
        {'/a/image': (IMAGE, over(three_times_grey, 9)), '/b/image': (IMAGE, over(made.raw, 8))},
    )

    assert chosen['camera'] == ['/b/image'] and '/a/image (grey)' in said


def test_a_robot_with_infrared_alone_sees_by_it(tmp_path):
    chosen, _ = topics_of(tmp_path, {'/infra1/compressed': (JPEG, over(infrared, 3))})

    assert chosen['camera'] == ['/infra1/compressed']


def test_the_first_pictures_of_a_camera_may_be_torn(tmp_path):
    def torn_at_first(t_s):
        message = made.jpeg(t_s)
        if t_s < 0.3:
            message.data = message.data[: message.data.size // 2]
        return message

    chosen, _ = topics_of(
        tmp_path,
        {
            '/front/compressed': (JPEG, over(torn_at_first, 9)),
            f'{DEPTH}/compressed': (
                JPEG,
                over(lambda t_s: compressed('.png', MILLIMETRES, '16UC1; png', t_s), 10),
            ),
        },
    )

    assert chosen['camera'] == ['/front/compressed']


# Fields of one colour: what demosaicing makes of their middles is exact.
FIELDS = np.repeat(np.repeat(RNG.integers(30, 226, (3, 4, 3), np.uint8), 16, 0), 16, 1)
PATTERNS = {'rggb': 'RGGB', 'bggr': 'BGGR', 'gbrg': 'GBRG', 'grbg': 'GRBG'}


def mosaic(pattern: str) -> np.ndarray:
    """Return what a sensor behind a pattern of colours sees of the fields, `uint8[H, W]`."""
    pixels = np.empty(FIELDS.shape[:2], np.uint8)
    for place, colour in enumerate(PATTERNS[pattern]):
        rows, columns = slice(place // 2, None, 2), slice(place % 2, None, 2)
        pixels[rows, columns] = FIELDS[rows, columns, 'RGB'.index(colour)]
    return pixels


def middles(picture: np.ndarray) -> np.ndarray:
    return picture[7::16, 7::16].astype(int)


@pytest.mark.parametrize('pattern', PATTERNS)
@pytest.mark.parametrize(
    ('suffix', 'words', 'scale'),
    [
        ('.png', 'bayer_{}8; png compressed ', 1),
        ('.png', 'bayer_{}16; png compressed ', 257),
        # Of the transport's older versions; the newer make it grey.
        ('.jpg', 'bayer_{}8; jpeg compressed ', 1),
    ],
)
def test_a_mosaic_that_was_compressed_as_it_is_gets_its_colours(pattern, suffix, words, scale):
    pixels = mosaic(pattern).astype(np.uint8 if scale == 1 else np.uint16) * scale
    message = compressed(suffix, pixels, words.format(pattern))

    _, decode = CameraReader(JPEG).read(message)

    # JPEG is made for pictures and blurs a mosaic; that the colours are in order is seen still.
    tolerance = 1 if suffix == '.png' else 25
    np.testing.assert_allclose(middles(decode()), middles(FIELDS), atol=tolerance)


def test_a_mosaic_that_the_transport_made_grey_or_coloured_is_left_as_it_is():
    grey = cv2.cvtColor(FIELDS, cv2.COLOR_RGB2GRAY)
    for pixels, words, expected in (
        (grey, 'bayer_rggb8; jpeg compressed mono8', np.repeat(grey[..., None], 3, 2)),
        (FIELDS[..., ::-1], 'bayer_rggb8; jpeg compressed bgr8', FIELDS),
    ):
        _, decode = CameraReader(JPEG).read(compressed('.jpg', pixels, words))
        np.testing.assert_allclose(middles(decode()), middles(expected), atol=6)


def robot(namespace: str, *, pictures=9, touches=9, gases=9, camera='camera/image_raw') -> dict:
    """Return the topics of a robot in a namespace, with so many messages of each."""
    whole = {
        f'{namespace}/{camera}': (IMAGE, over(made.raw, pictures)),
        f'{namespace}/tactile/image': (IMAGE, over(made.touch, touches)),
        f'{namespace}/gas/state': (JOINTS, over(made.gas, gases)),
    }
    return {name: topic for name, topic in whole.items() if topic[1]}


def homes(chosen: dict[str, list[str]]) -> set[str]:
    return {name.split('/')[1] for names in chosen.values() for name in names}


def test_of_two_robots_in_one_bag_one_is_read_and_not_the_best_of_both(tmp_path):
    both = robot('/ada', pictures=9, touches=30) | robot('/bob', pictures=10, gases=3)

    chosen, said = topics_of(tmp_path, both)

    assert homes(chosen) == {'bob'} and len(chosen) == 3
    assert '/ada/tactile/image (of another robot)' in said


def test_a_robot_without_gas_is_not_given_the_gas_of_the_other(tmp_path):
    both = robot('/ada', gases=0) | robot('/bob', touches=0, pictures=3)

    chosen, said = topics_of(tmp_path, both)

    assert homes(chosen) == {'ada'} and set(chosen) == {'camera', 'touch'}
    assert '/bob/gas/state: of another robot' in said


def test_the_robot_that_has_more_of_what_is_asked_for_is_read(tmp_path):
    both = robot('/ada', touches=0, pictures=30) | robot('/bob')

    assert homes(topics_of(tmp_path, both)[0]) == {'bob'}


def test_the_senses_are_those_of_the_robot_whose_camera_the_user_says(tmp_path):
    both = robot('/ada', touches=30, gases=30) | robot('/bob')

    chosen, _ = topics_of(tmp_path, both, {'camera': '/bob/camera/image_raw'})

    assert homes(chosen) == {'bob'} and len(chosen) == 3


def test_a_robot_without_a_namespace_is_another_one_than_that_with_one(tmp_path):
    both = robot('', gases=0) | robot('/bob', touches=0, pictures=3)

    chosen, said = topics_of(tmp_path, both)

    assert chosen == {'camera': ['/camera/image_raw'], 'touch': ['/tactile/image']}
    assert '/bob/gas/state: of another robot' in said


def test_robots_of_other_names_than_the_profiles_are_told_apart_too(tmp_path):
    both = {
        '/fleet/ada/front/image': (IMAGE, over(made.raw, 9)),
        '/fleet/bob/front/image': (IMAGE, over(made.raw, 8)),
        '/fleet/bob/pad': (IMAGE, over(made.touch, 9)),
        '/fleet/ada/pad': (IMAGE, over(made.touch, 8)),
        '/fleet/ada/nose': (JOINTS, over(made.gas, 8)),
        '/air/nose': (JOINTS, over(made.gas, 9)),
    }

    chosen, _ = topics_of(tmp_path, both)

    assert chosen == {
        'camera': ['/fleet/ada/front/image'],
        'touch': ['/fleet/ada/pad'],
        'gas': ['/fleet/ada/nose'],
    }


def test_two_cameras_of_one_robot_share_its_senses(tmp_path):
    one = robot('', camera='left/image') | {'/right/image': (IMAGE, over(made.raw, 10))}

    chosen, said = topics_of(tmp_path, one)

    assert chosen == {
        'camera': ['/right/image'],
        'touch': ['/tactile/image'],
        'gas': ['/gas/state'],
    }
    assert '/left/image' in said


def test_what_two_nodes_said_live_is_compared_with_the_one_whose_robot_is_read(tmp_path):
    both = robot('/ada', pictures=3) | robot('/bob')
    for namespace in ('/ada', '/bob'):
        both[f'{namespace}/maintenance/mode'] = (made.STRING, [(0.1, made.text('TEACHER'))])

    chosen, _ = topics_of(tmp_path, both)

    assert chosen['live_mode'] == ['/bob/maintenance/mode']


@pytest.mark.ros
def test_depth_on_the_cameras_topic_is_rejected_by_the_node_with_the_reason(start, models):
    pytest.importorskip('rclpy')
    from robot import Robot
    from sensor_msgs.msg import CompressedImage
    from waiting import wait_for

    node = start(
        'maintenance_node',
        '-r',
        '__ns:=/depth',
        models_dir=models,
        camera_transport='compressed',
        min_confidence=0.0,
    )
    robot = Robot('/depth', compressed=True)
    data = array('B', cv2.imencode('.png', MILLIMETRES)[1].tobytes())
    try:
        robot.turn_on('touch', 'gas')
        wait_for(lambda: robot.status(': touch')[0], printed=node.printed)

        def is_rejected():
            robot.publish(
                'camera',
                CompressedImage(header=robot.header(), format='16UC1; png compressed ', data=data),
            )
            return int(robot.status(': camera')[1].get('rejected', 0)) > 3

        wait_for(is_rejected, printed=node.printed)
        assert 'which is depth' in robot.status(': camera')[1]['last_rejection']
        assert robot.last('mode') == 'HOLD' and not robot.got['action_scores']
    finally:
        robot.close()


def test_of_several_topics_of_one_sense_all_are_one_robots(tmp_path):
    air = load_profile('air')
    T = made.TYPES.types
    topics = {}
    for namespace, count in (('/ada', 4), ('/bob', 3)):
        topics[f'{namespace}/camera/image_raw'] = (IMAGE, over(made.raw, 7 - count))
        topics |= {
            f'{namespace}/air/co2': (
                'std_msgs/msg/Float32',
                over(lambda t_s: T['std_msgs/msg/Float32'](400.0), count),
            ),
            f'{namespace}/air/temperature': (
                'sensor_msgs/msg/Temperature',
                over(
                    lambda t_s: T['sensor_msgs/msg/Temperature'](made.header(t_s), 1.0, 0.0), count
                ),
            ),
            f'{namespace}/air/humidity': (
                'sensor_msgs/msg/RelativeHumidity',
                over(
                    lambda t_s: T['sensor_msgs/msg/RelativeHumidity'](made.header(t_s), 0.5, 0.0),
                    count,
                ),
            ),
        }

    chosen, _ = topics_of(tmp_path, topics, profile=air)

    assert homes(chosen) == {'bob'} and len(chosen['air']) == 3
