# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The camera within the process of the node: a folder, a video file, a device, the wall."""

import itertools
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from drivers import Drivers
from rclpy.lifecycle import TransitionCallbackReturn
from robot import Robot, node_within
from sensor_msgs.msg import Image, JointState
from simulated_time import START_S, SimulatedTime
from std_msgs.msg import Header
from waiting import wait_for

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.nodes import conversions
from crossmodal_kd_ros.nodes.cameras import CameraLost, VideoSource, open_source
from crossmodal_kd_ros.nodes.maintenance_node import MaintenanceNode
from crossmodal_kd_ros.nodes.qos import qos_profile
from crossmodal_kd_ros.runtime.picture_files import PictureFileError
from crossmodal_kd_ros.runtime.sources import CameraReader

CAMERA_TOPIC = 'camera/image_raw'
# Untrained networks are never sure of anything.
SURE = {'min_confidence': 0.0}


def pictures(count: int) -> list[np.ndarray]:
    """Return pictures, none like another."""
    return list(np.random.default_rng(1).integers(0, 255, (count, 48, 64, 3), np.uint8))


def write_pictures(folder: Path, images: list[np.ndarray]) -> Path:
    """Write each as a file; return the folder."""
    folder.mkdir(exist_ok=True)
    for index, image in enumerate(images):
        cv2.imwrite(str(folder / f'{index:03}.png'), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return folder


def write_video(path: Path, shades: list[int]) -> Path:
    """Write a video of pictures of one shade each, with some noise."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 30.0, (64, 48))
    for shade, noise in zip(shades, np.random.default_rng(2).integers(0, 40, (99, 48, 64, 3))):
        writer.write((shade + noise - 20).astype(np.uint8))
    writer.release()
    return path


def key(header: Header) -> tuple[int, int, str]:
    """Return what makes a header itself."""
    return header.stamp.sec, header.stamp.nanosec, header.frame_id


@pytest.fixture
def robot():
    """Return a listener whose own sensors are off; it subscribes to the camera too."""
    robot = Robot()
    yield robot
    robot.close()


@pytest.fixture
def within(models, tmp_path):
    """Return a node in this process that shows a folder, active, and a listener beside it."""
    folder = write_pictures(tmp_path / 'pictures', pictures(4))
    values = {'models_dir': models, 'camera_source': folder, **SURE}
    with node_within(MaintenanceNode, **values) as node:
        listener = Drivers()
        yield node, listener
        listener.close()


def heard(listener: Drivers, message_class: type, topic: str, kind: str) -> list[Header]:
    """Return the list that gets the headers of what comes on a topic."""
    headers: list[Header] = []
    listener.node.create_subscription(
        message_class, topic, lambda message: headers.append(message.header), qos_profile(kind)
    )
    return headers


def test_a_beat_that_was_due_when_the_node_was_deactivated_is_passed_over(within):
    node, _ = within
    # The executor may have taken these before they are destroyed.
    due = [timer.callback for timer in node.timers]
    assert len(due) >= 3
    assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    for beat in due:
        beat()
    assert not list(node.timers)


def test_every_picture_of_a_folder_is_answered_under_its_own_header_in_turn(
    robot, start, models, tmp_path
):
    images = pictures(5)
    folder = write_pictures(tmp_path / 'pictures', images)
    node = start(
        'maintenance_node',
        models_dir=models,
        camera_source=folder,
        camera_frame_id='wrist_camera',
        **SURE,
    )
    wait_for(lambda: len(robot.got['action_scores']) >= 40, printed=node.printed)
    wait_for(lambda: len(robot.got[CAMERA_TOPIC]) >= 40, printed=node.printed)

    shown = {key(message.header): message for _, message in list(robot.got[CAMERA_TOPIC])}
    scores = [key(message.header) for _, message in list(robot.got['action_scores'])]
    both = [each for each in scores if each in shown]
    assert {frame_id for *_, frame_id in scores} == {'wrist_camera'}
    # Best effort: a subscriber on a busy machine may lose a picture, and the node a turn.
    assert len(both) >= 0.8 * min(len(scores), len(shown))
    assert len(scores) == len(set(scores))
    decoded = [CameraReader().read(message)[1]() for message in shown.values()]
    places = [
        next(index for index, image in enumerate(images) if np.array_equal(image, picture))
        for picture in decoded
    ]
    in_turn = [after == (before + 1) % 5 for before, after in itertools.pairwise(places)]
    assert np.mean(in_turn) > 0.8
    times_s = np.array([sec + nanosec / 1e9 for sec, nanosec, _ in shown])
    assert np.median(np.diff(times_s)) == pytest.approx(1 / 30, rel=0.1)
    wait_for(lambda: robot.status(': camera')[1].get('health') == 'healthy')
    message, values = robot.status('/camera/image_raw')
    assert float(values['frame_rate_node']) > 15.0


def test_a_picture_becomes_a_message_only_while_somebody_subscribes(within, monkeypatch):
    _, listener = within
    made = []
    image_message = conversions.image_message
    monkeypatch.setattr(
        conversions,
        'image_message',
        lambda header, image: made.append(key(header)) or image_message(header, image),
    )
    scores = heard(listener, JointState, 'maintenance/action_scores', 'answer')
    wait_for(lambda: len(scores) >= 10)
    assert made == []

    shown = heard(listener, Image, CAMERA_TOPIC, 'sensor')
    wait_for(lambda: len(shown) >= 10)
    assert {key(header) for header in list(shown)} <= set(made)


def test_a_node_that_is_deactivated_captures_nothing_and_goes_on_when_it_is_activated(within):
    node, listener = within
    scores = heard(listener, JointState, 'maintenance/action_scores', 'answer')
    wait_for(lambda: len(scores) >= 3)

    node.trigger_deactivate()
    assert 'camera' not in {thread.name for thread in threading.enumerate()}
    node.trigger_activate()
    count = len(scores)
    wait_for(lambda: len(scores) >= count + 3)


def test_a_camera_that_is_not_there_ends_the_node_with_one_sentence(start, models):
    node = start('maintenance_node', models_dir=models, camera_source='v4l2:93')

    assert node.exit_code() == 1
    said = [line for line in node.printed().splitlines() if '[maintenance_node]' in line]
    errors = [line for line in said if 'ERROR' in line or 'FATAL' in line]
    assert len(errors) == 1, node.printed()
    assert 'expected a camera at /dev/video93, found none that can be opened' in errors[0]
    assert 'Traceback' not in node.printed()


@pytest.mark.parametrize(
    ('source', 'sentence'),
    [
        ('v4l2:{folder}/text.mp4', 'expected a camera at .*text.mp4, found none that can be op'),
        ('{folder}/nothing', 'found neither: correct camera_source'),
        ('{folder}/empty', 'expected a folder with photographs'),
        ('{folder}/cut', 'found none among 1 files; the last: expected a whole PNG, got'),
        ('{folder}/text.mp4', 'expected a video that OpenCV reads at'),
    ],
)
def test_a_source_that_gives_no_picture_is_refused(tmp_path, source, sentence):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'text.mp4').write_text('no video')
    [picture] = write_pictures(tmp_path / 'cut', pictures(1)).iterdir()
    picture.write_bytes(picture.read_bytes()[:100])

    with pytest.raises(ConfigurationError, match=sentence):
        open_source(source.format(folder=tmp_path), 1 / 30)


def test_a_picture_that_cannot_be_read_is_counted_and_named_and_the_others_are_answered(
    robot, start, models, tmp_path
):
    folder = write_pictures(tmp_path / 'pictures', pictures(4))
    (folder / '002.png').write_bytes((folder / '002.png').read_bytes()[:100])
    node = start('maintenance_node', models_dir=models, camera_source=folder, **SURE)
    wait_for(lambda: len(robot.got['action_scores']) >= 6, printed=node.printed)
    wait_for(lambda: int(robot.status(': camera')[1].get('rejected', 0)) >= 2)

    rejection = robot.status(': camera')[1]['last_rejection']
    assert '002.png: expected a whole PNG' in rejection
    assert '002.png: expected a whole PNG' in node.printed()


def test_a_camera_that_is_lost_holds_the_robot_and_is_used_again_when_it_is_back(
    robot, start, models, tmp_path
):
    video = write_video(tmp_path / 'video.avi', [60, 90, 120, 150, 180])
    node = start('maintenance_node', models_dir=models, camera_source=video, **SURE)
    wait_for(lambda: robot.last('mode') == 'STUDENT', printed=node.printed)

    video.rename(tmp_path / 'away.avi')
    wait_for(lambda: robot.last('mode') == 'HOLD', printed=node.printed)
    assert robot.last('mode_reason').startswith('HOLD: newest camera reading is 0.')
    assert f'there is no picture in {video}: it is opened again when it is back' in node.printed()
    (tmp_path / 'away.avi').rename(video)
    wait_for(lambda: robot.last('mode') == 'STUDENT', printed=node.printed)
    assert 'the camera is open again' in node.printed()


def test_pictures_are_stamped_by_the_clock_and_those_on_the_topic_are_of_no_interest(
    start, models, tmp_path
):
    simulated = SimulatedTime()
    try:
        folder = write_pictures(tmp_path / 'pictures', pictures(4))
        values = {'models_dir': models, 'camera_source': folder, **SURE}
        node = start('maintenance_node', use_sim_time=True, **values)
        robot = simulated.robot
        wait_for(lambda: len(robot.got['action_scores']) >= 20, printed=node.printed)
    finally:
        simulated.close()

    headers = [message.header for _, message in robot.got['action_scores']]
    # The robot sends pictures too, as `front_camera`.
    assert {header.frame_id for header in headers} == {'camera_optical_frame'}
    assert all(START_S < header.stamp.sec < START_S + 3600 for header in headers)


def test_a_video_begins_again_at_its_end_and_is_lost_with_its_file(tmp_path):
    shades = [40, 100, 160, 220]
    path = write_video(tmp_path / 'video.avi', shades)
    source = VideoSource(path)
    shown = [source.capture(lambda: None)[1].mean() for _ in range(10)]
    path.unlink()

    np.testing.assert_allclose(shown, [shades[index % 4] for index in range(10)], atol=8.0)
    with pytest.raises(CameraLost, match='there is no picture in'):
        for _ in range(5):
            source.capture(lambda: None)
    source.close()


def test_the_moment_of_a_picture_is_when_it_is_taken(tmp_path):
    folder = write_pictures(tmp_path / 'pictures', pictures(2))
    (folder / '001.png').write_bytes(b'nothing')
    source, moments = open_source(str(folder), 1 / 30), iter(range(9))

    moment, picture = source.capture(lambda: next(moments))
    assert moment == 0
    np.testing.assert_array_equal(picture, pictures(1)[0])
    with pytest.raises(PictureFileError, match=r'001.png: '):
        source.capture(lambda: next(moments))
    assert next(moments) == 1


def test_the_simulated_wall_moves():
    source = open_source('simulator', 1 / 30)
    first, second = (source.capture(lambda: None)[1] for _ in range(2))
    source.close()

    assert first.shape == second.shape == (480, 640, 3)
    assert (first != second).any()


def test_a_device_is_lost_when_it_gives_no_more_pictures(tmp_path, monkeypatch):
    # A file in the place of a device: it too ends one day.
    monkeypatch.setattr(cv2, 'CAP_V4L2', cv2.CAP_ANY)
    source = open_source(f'v4l2:{write_video(tmp_path / "video0.avi", [50, 200])}', 1 / 30)
    moments = iter(range(9))
    taken = [source.capture(lambda: next(moments)) for _ in range(2)]

    assert [moment for moment, _ in taken] == [0, 1]
    np.testing.assert_allclose([picture.mean() for _, picture in taken], [50, 200], atol=8.0)
    with pytest.raises(CameraLost, match='video0.avi gives no picture'):
        source.capture(lambda: next(moments))
    source.close()
