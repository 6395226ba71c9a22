# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that decides, in a process of its own, over DDS."""

import time

import numpy as np
import pytest
from robot import PICTURE, READINGS, ROOT, NodeProcess, Robot, node_within
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String
from waiting import wait_for

from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.nodes.maintenance_node import MaintenanceNode
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.runtime.sources import SenseReader

WALL = load_profile()
ALL = WALL.sensors
TOUCH, GAS_NAMES = WALL.senses['touch'], WALL.senses['gas'].channel_names
# Untrained networks are never sure of anything.
SURE = {'min_confidence': 0.0}


@pytest.fixture(scope='module')
def robot():
    """Return a robot whose sensors are off."""
    robot = Robot()
    yield robot
    robot.close()


@pytest.fixture(scope='module')
def process(robot, models, tmp_path_factory):
    """Return one node that most tests share."""
    process = NodeProcess(
        'maintenance_node',
        output=tmp_path_factory.mktemp('node') / 'log',
        models_dir=models,
        **SURE,
    )
    yield process
    process.end()


@pytest.fixture
def node(robot, process):
    """Return the shared node, in TEACHER mode."""
    robot.turn_on(*ALL)
    wait_for(
        lambda: robot.last('mode') == 'TEACHER' and robot.got['action_scores'],
        printed=process.printed,
    )
    robot.forget()
    return process


def test_every_output_carries_the_header_of_its_image(robot, node):
    names = ('action_scores', 'tactile_estimate', 'gas_estimate', 'surface_state')
    wait_for(lambda: all(len(robot.got[name]) >= 5 for name in names))

    sent = [(header.stamp.sec, header.stamp.nanosec, header.frame_id) for header in robot.sent]
    for name in names:
        for _, message in robot.got[name]:
            header = message.header
            # An image that was under way when the test began is in no list.
            if (header.stamp.sec, header.stamp.nanosec) >= sent[0][:2]:
                assert (header.stamp.sec, header.stamp.nanosec, header.frame_id) in sent


def test_the_outputs_speak_the_words_of_the_profile(robot, node):
    names = ('action', 'action_scores', 'tactile_estimate', 'gas_estimate', 'surface_state')
    wait_for(lambda: all(robot.got[name] for name in names))

    scores, surface = robot.got['action_scores'][-1][1], robot.got['surface_state'][-1][1]
    assert tuple(scores.name) == WALL.actions
    assert sum(scores.position) == pytest.approx(1.0, abs=1e-5)
    assert robot.last('action') in WALL.actions
    assert tuple(robot.got['gas_estimate'][-1][1].name) == GAS_NAMES
    estimate = robot.got['tactile_estimate'][-1][1]
    assert SenseReader(TOUCH).read('tactile/image', estimate, 0)[1].shape == (256,)
    assert tuple(surface.name) == tuple(WALL.quantities)
    # Three are measured; the width of a crack is the student's estimate.
    np.testing.assert_allclose(surface.position[:3], [2.0, 2.0, 0.25], rtol=1e-2)
    assert surface.position[3] >= 0.0


@pytest.mark.alone
def test_touch_that_falls_silent_hands_over_to_the_student_in_time_and_comes_back(robot, node):
    last = time.monotonic()
    robot.turn_on('camera', 'gas')
    wait_for(lambda: robot.last('mode') == 'STUDENT')

    # The timeout, two frames, and half a frame for a test that shares its machine.
    assert robot.got['mode'][-1][0] - last < 0.2 + 2.5 / 30
    assert robot.last('mode_reason').startswith('STUDENT: newest touch reading is 0.2')
    assert robot.last('mode_reason').endswith('s old (limit 0.20 s)')

    robot.turn_on(*ALL)
    back = time.monotonic()
    wait_for(lambda: robot.last('mode') == 'TEACHER')
    assert robot.got['mode'][-1][0] - back > 0.5


def test_a_dead_camera_holds_and_says_so_again_and_again(robot, node):
    robot.turn_on('touch', 'gas')
    wait_for(lambda: robot.last('mode') == 'HOLD')
    robot.got['action'].clear()
    wait_for(lambda: len(robot.got['action']) >= 5)

    assert {message.data for _, message in robot.got['action']} == {'hold'}
    assert robot.last('mode_reason').startswith('HOLD: newest camera reading is 0.')


def test_an_answer_that_fails_holds_says_why_and_the_next_one_counts(models, monkeypatch):
    sent = []

    def send(topic, message):
        if topic in (topics.ACTION, topics.MODE_REASON):
            sent.append(message.data)

    def answer(picture: np.ndarray) -> None:
        sent.clear()
        now_ns = node.get_clock().now().nanoseconds
        node._pipeline.put_image(now_ns, picture, origin=Header())
        node._wake.set()

    monkeypatch.setattr(MaintenanceNode, 'is_heard', lambda node, topic: topic in topics.REPAIR)
    values = {'models_dir': models, 'camera_timeout_s': 60.0, **SURE}
    with node_within(MaintenanceNode, **values) as node:
        monkeypatch.setattr(node, 'send', send)
        monkeypatch.setattr(node._planner, 'plan', lambda answer: 1 / 0)
        answer(PICTURE)
        wait_for(lambda: sent[-2:] == ['HOLD: the answer failed: division by zero', 'hold'])
        assert not set(sent) & set(WALL.actions)

        monkeypatch.setattr(node._planner, 'plan', lambda answer: None)
        answer(PICTURE[::-1])
        wait_for(lambda: set(sent) & set(WALL.actions))


def test_after_a_hold_no_action_that_was_decided_before_is_sent(models, monkeypatch):
    sent = []
    with node_within(MaintenanceNode, models_dir=models, **SURE) as node:
        pipeline, now_ns = node._pipeline, node.get_clock().now().nanoseconds
        pipeline.put_image(now_ns, PICTURE)
        answer = pipeline.step(now_ns)
        assert answer.estimate.action in WALL.actions
        pipeline.update(now_ns + 10**9)
        monkeypatch.setattr(node, 'send', lambda topic, message: sent.append((topic, message)))
        node._publish(Header(), answer)

    assert [message.data for topic, message in sent if topic == topics.ACTION][0] == 'hold'


def test_who_listens_late_still_learns_the_mode_and_its_reason(robot, node):
    late = []
    subscriptions = [
        robot.node.create_subscription(
            String, f'maintenance/{topic}', late.append, qos.qos_profile('state')
        )
        for topic in ('mode', 'mode_reason')
    ]
    wait_for(lambda: len(late) == 2)

    assert sorted(message.data for message in late) == [
        'TEACHER',
        'TEACHER: camera, touch and gas are healthy',
    ]
    for subscription in subscriptions:
        robot.node.destroy_subscription(subscription)


def test_diagnostics_name_each_sensor_its_rate_and_the_latency(robot, node):
    wait_for(lambda: float(robot.status(': touch')[1].get('rate_hz', 0.0)) > 40.0)
    wait_for(lambda: robot.status(': mode')[1].get('latency_p50_ms'))

    message, values = robot.status('/maintenance_node: mode')
    assert message == 'TEACHER: camera, touch and gas are healthy'
    assert 0.0 < float(values['latency_p50_ms']) <= float(values['latency_p99_ms'])
    assert values['model'].startswith('student ')
    assert int(values['answered_frames']) > 0
    for sensor in ALL:
        assert robot.status(f': {sensor}')[1]['health'] == 'healthy'


def test_malformed_messages_are_counted_and_named_and_the_node_lives(robot, node):
    before = {sensor: int(count(robot, sensor)) for sensor in ALL}
    robot.turn_on()
    bad = {
        'camera': list(bad_images(robot)),
        'touch': list(bad_touch(robot)),
        'gas': list(bad_gas(robot)),
    }
    for sensor, messages in bad.items():
        for message in messages:
            robot.publish(sensor, message)
            time.sleep(0.005)  # five at a time fit into the queue of the node

    for sensor, messages in bad.items():
        wait_for(
            lambda: int(count(robot, sensor)) == before[sensor] + len(messages),
            printed=node.printed,
        )
    assert (
        robot.status(': camera')[1]['last_rejection']
        == 'expected step x height = 9216 bytes of data, got 9215'
    )
    assert robot.status(': touch')[1]['last_rejection'] == (
        'expected finite touch values, got NaN or infinity in texture (0, 7)'
    )
    assert "missing 'o2_pct'" in robot.status(': gas')[1]['last_rejection']
    assert robot.last('mode') == 'HOLD'

    robot.turn_on(*ALL)
    wait_for(lambda: robot.last('mode') == 'TEACHER')
    assert node.alive()


def count(robot, sensor: str) -> str:
    """Return how many messages of a sensor were rejected, as the newest diagnostics say."""
    wait_for(lambda: robot.status(f': {sensor}')[1])
    return robot.status(f': {sensor}')[1]['rejected']


def bad_images(robot):
    """Yield an image of each malformed kind; the last one is too short."""
    for changes in (
        {'height': 0},
        {'height': 47},
        {'encoding': 'sepia'},
        {'encoding': '32FC1'},
        {'step': 10},
        {'width': 0},
        {'data': b''},
        {'header': Image().header},
        {'data': bytes(9215)},
    ):
        message = conversions.image_message(robot.header(), np.zeros((48, 64, 3), np.uint8))
        for name, value in changes.items():
            setattr(message, name, value)
        yield message


def bad_touch(robot):
    """Yield touch of each malformed kind; the last one holds an infinity."""
    short = conversions.reading_message(robot.header(), TOUCH, np.zeros(256))
    short.data = short.data[:-4]
    yield short
    wide = conversions.reading_message(robot.header(), TOUCH, np.zeros(256))
    wide.width, wide.height = 8, 32
    yield wide
    for value in (np.nan, np.inf):
        reading = np.where(np.arange(256) == 7, value, 1.0)
        yield conversions.reading_message(robot.header(), TOUCH, reading)


def bad_gas(robot):
    """Yield gas of each malformed kind; the last one lacks a channel."""
    gas = READINGS['gas']
    yield conversions.named_values(
        robot.header(), GAS_NAMES, np.where(np.arange(8) == 3, np.nan, gas)
    )
    yield conversions.named_values(robot.header(), ('ozone_ppb', *GAS_NAMES[1:]), gas)
    yield conversions.named_values(robot.header(), GAS_NAMES, gas[:7])
    kept = [name for name in GAS_NAMES if name != 'o2_pct']
    yield conversions.named_values(robot.header(), kept, gas[:7])


def test_a_subscriber_that_asks_for_too_much_is_told_what_to_change(robot, node):
    subscription = robot.node.create_subscription(
        String, 'maintenance/action', lambda message: None, qos.qos_profile('state')
    )
    wait_for(lambda: 'a subscriber of maintenance/action asks for a DURABILITY' in node.printed())

    assert 'let it ask for reliable and volatile' in node.printed()
    robot.node.destroy_subscription(subscription)


def test_two_robots_in_two_namespaces_do_not_hear_each_other(start, models):
    nodes = [
        start('maintenance_node', '-r', f'__ns:=/{name}', models_dir=models, **SURE)
        for name in ('ada', 'bob')
    ]
    ada, bob = Robot('/ada'), Robot('/bob')
    try:
        ada.turn_on(*ALL)
        wait_for(
            lambda: ada.last('mode') == 'TEACHER' and bob.last('mode') == 'HOLD',
            printed=nodes[0].printed,
        )
        ada.forget()
        bob.forget()
        wait_for(lambda: len(ada.got['action_scores']) >= 10 and bob.got['diagnostics'])
        assert not bob.got['action_scores']
        assert {message.data for _, message in bob.got['action']} == {'hold'}
        # /diagnostics is one topic for all robots: its statuses are told apart by name.
        wait_for(
            lambda: (
                bob.status('/ada/maintenance_node: mode')[1]
                and bob.status('/bob/maintenance_node: mode')[1]
            )
        )
        assert bob.status('/bob/maintenance_node: touch')[0] == 'no touch reading yet'
    finally:
        ada.close()
        bob.close()


def test_compressed_pictures_and_plain_arrays_are_read_where_parameters_and_profile_say_so(
    start, models, tmp_path
):
    profile = tmp_path / 'plain.yaml'
    text = (ROOT / 'config' / 'profiles' / 'living_wall.yaml').read_text()
    for message_type in ('sensor_msgs/msg/Image', 'sensor_msgs/msg/JointState'):
        assert message_type in text
        text = text.replace(message_type, 'std_msgs/msg/Float32MultiArray')
    profile.write_text(text)
    node = start(
        'maintenance_node',
        '-r',
        '__ns:=/plain',
        models_dir=models,
        camera_transport='compressed',
        profile=profile,
        **SURE,
    )
    robot = Robot('/plain', profile=str(profile), compressed=True)
    try:
        robot.turn_on(*ALL)
        wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)
        measured = [2.0, 2.0, 0.25]
        wait_for(
            lambda: (
                robot.got['surface_state']
                and np.allclose(
                    robot.got['surface_state'][-1][1].position[:3], measured, rtol=1e-2
                )
            )
        )
    finally:
        robot.close()


@pytest.mark.parametrize(('profile', 'sense'), [('air', 'air'), ('gripper', 'arm')])
def test_a_robot_of_another_profile_is_decided_for_and_loses_and_regains_its_sense(
    start, models_of, profile, sense
):
    node = start(
        'maintenance_node',
        '-r',
        '__ns:=/other',
        models_dir=models_of(profile),
        profile=profile,
        **{f'{sense}_timeout_s': 0.5},
        **SURE,
    )
    robot = Robot('/other', profile=profile, periods_s={sense: 0.1})
    try:
        robot.turn_on('camera', sense)
        wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)
        names = ('action_scores', f'{sense}_estimate', 'surface_state')
        wait_for(lambda: all(robot.got[name] for name in names))
        assert tuple(robot.got['action_scores'][-1][1].name) == robot.profile.actions
        assert (
            tuple(robot.got[f'{sense}_estimate'][-1][1].name)
            == robot.profile.senses[sense].channel_names
        )
        assert tuple(robot.got['surface_state'][-1][1].name) == tuple(robot.profile.quantities)
        robot.turn_on('camera')
        wait_for(lambda: robot.last('mode') == 'STUDENT', printed=node.printed)
        assert f'newest {sense} reading is ' in robot.last('mode_reason')
        robot.turn_on('camera', sense)
        wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)
        assert node.end() == 0
    finally:
        robot.close()


def test_weights_of_another_profile_are_refused_in_a_sentence(start, models):
    node = start('maintenance_node', models_dir=models, profile='air')

    assert node.exit_code() == 1
    assert 'Traceback' not in node.printed()
    assert 'profile' in node.printed()
