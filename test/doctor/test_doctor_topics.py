# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is said of input topics that are right and of each that is wrong, with real publishers."""

import re
from array import array
from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest
from drivers import gas, picture, touch
from robot import PICTURE, READINGS, ROOT
from sensor_msgs.msg import CompressedImage, Temperature
from std_msgs.msg import Float32, Float32MultiArray

from crossmodal_kd_ros.doctor import topics
from crossmodal_kd_ros.doctor.finding import Level
from crossmodal_kd_ros.doctor.node import examine
from crossmodal_kd_ros.nodes import conversions
from crossmodal_kd_ros.nodes.qos import qos_profile
from crossmodal_kd_ros.profile import load_profile

GAS_NAMES = load_profile().senses['gas'].channel_names
SENSOR, ANSWER = qos_profile('sensor'), qos_profile('answer')


def findings_of(sensor: str, *listeners: tuple[str, ...]):
    """Return the finding of one sensor by each of several listeners, given by ROS arguments.

    They listen at the same time.
    """
    with ThreadPoolExecutor() as threads:
        return [
            next(finding for finding in findings if finding.subject == sensor)
            for findings, _ in threads.map(examine, listeners)
        ]


def test_three_healthy_sensors_are_told_with_rate_and_quality_of_service(drivers):
    drivers.publish('camera/image_raw', picture, rate_hz=30.0, profile=SENSOR)
    drivers.publish('tactile/image', touch, rate_hz=50.0, profile=ANSWER)
    drivers.publish('gas/state', gas, rate_hz=2.0, profile=SENSOR)
    findings, parameters = examine([])

    nodes, *findings = findings
    assert nodes.result.startswith('no maintenance node runs')
    assert [(finding.subject, finding.level) for finding in findings] == [
        ('camera', Level.OK),
        ('touch', Level.OK),
        ('gas', Level.OK),
    ]
    assert '64x48 rgb8' in findings[0].result and 'best effort' in findings[0].result
    assert ', reliable' in findings[1].result
    assert re.match(r'/gas/state: (1\.[5-9]|2\.[0-5]) Hz', findings[2].result)
    assert parameters['camera_transport'] == 'raw'


def test_a_camera_within_the_node_is_opened_and_no_topic_is_missed(drivers, tmp_path):
    cv2.imwrite(str(tmp_path / 'wall.png'), PICTURE)
    within = ('-p', f'camera_source:={tmp_path}')
    camera, lost = findings_of('camera', within, ('-p', f'camera_source:={tmp_path}/none'))
    assert camera.level is Level.OK and str(tmp_path) in camera.result
    assert lost.level is Level.PROBLEM and 'found neither: correct camera_source' in lost.result

    # Where the node runs it has the camera, and publishes its topic.
    drivers.publish('camera/image_raw', picture, rate_hz=30.0, profile=SENSOR)
    (left,) = findings_of('camera', (*within, '-r', '__node:=drivers'))
    assert left.level is Level.OK and left.result.endswith('left to /drivers, which runs')


def test_qos_overrides_of_what_the_node_publishes_now_and_then_are_taken(drivers, monkeypatch):
    monkeypatch.setattr(topics, 'MIN_LISTEN_S', 0.1)
    camera = ('-p', 'qos_overrides./camera/image_raw.publisher.reliability:=reliable')
    overlay = ('-p', 'qos_overrides./maintenance/overlay.publisher.depth:=3')
    for args, is_taken in (
        (overlay, True),
        ((*camera, '-p', 'camera_source:=simulator'), True),
        (camera, False),
    ):
        findings, parameters = examine(args)
        assert bool(parameters) is is_taken, findings


def test_without_a_camera_the_pictures_that_exist_are_offered_for_it(drivers):
    drivers.publish('front/image', picture, rate_hz=30.0, profile=SENSOR)
    camera, remapped = findings_of('camera', (), ('-r', 'camera/image_raw:=/front/image'))

    assert camera.level is Level.PROBLEM and 'nobody publishes /camera/image_raw' in camera.result
    assert camera.remedy.startswith('camera/image_raw:=/front/image ')
    assert remapped.level is Level.OK


def test_a_robot_whose_sensors_all_are_silent_is_told_how_to_get_each(drivers):
    findings = examine([])[0]

    nodes, *findings = findings
    assert nodes.result.startswith('no maintenance node runs')
    assert [(finding.subject, finding.level) for finding in findings] == [
        ('camera', Level.PROBLEM),
        ('touch', Level.PROBLEM),
        ('gas', Level.PROBLEM),
    ]
    camera, touched, _ = findings
    assert 'crossmodal-kd run --sim' in camera.remedy
    assert touched.result == 'nobody publishes /tactile/image: it decides without'
    assert touched.remedy.startswith('start the driver of touch in ROS_DOMAIN_ID ')


def test_a_camera_of_less_reliability_is_named_with_the_parameter_that_agrees(drivers):
    drivers.publish('camera/image_raw', picture, rate_hz=30.0, profile=SENSOR)
    override = 'qos_overrides./camera/image_raw.subscription.reliability'
    camera, mended = findings_of(
        'camera', *(('-p', f'{override}:={policy}') for policy in ('reliable', 'best_effort'))
    )

    assert camera.level is Level.PROBLEM
    assert (
        camera.result
        == '/camera/image_raw is offered best_effort by drivers, and requested reliable: '
        'no message comes'
    )
    assert camera.remedy == f'{override}: best_effort in the parameter file'
    assert mended.level is Level.OK


def test_a_gas_module_that_is_slower_than_its_timeout_is_told_with_both_ways_out(drivers):
    drivers.publish('gas/state', gas, rate_hz=0.5, profile=SENSOR)
    smelt, patient = findings_of('gas', (), ('-p', 'gas_timeout_s:=5.0'))

    assert smelt.level is Level.PROBLEM
    rate = re.fullmatch(
        r'/gas/state comes at (\S+) Hz, and a reading is stale after 1.25 s', smelt.result
    )
    remedy = re.fullmatch(
        r'let the driver send at 2.0 Hz, or gas_timeout_s: (\S+) in the parameter file',
        smelt.remedy,
    )
    assert float(rate[1]) == pytest.approx(0.5, rel=0.2)
    assert float(remedy[1]) == pytest.approx(5.0, rel=0.2)
    assert patient.level is Level.OK


def test_a_topic_of_another_type_is_told_with_the_line_of_the_profile_that_takes_it(
    drivers, tmp_path
):
    drivers.publish(
        'tactile/image',
        lambda header: Float32MultiArray(data=array('f', [0.0] * 256)),
        rate_hz=50.0,
        profile=SENSOR,
    )
    array_type = 'std_msgs/msg/Float32MultiArray'
    mine = tmp_path / 'mine.yaml'
    shipped = (ROOT / 'config' / 'profiles' / 'living_wall.yaml').read_text()
    mine.write_text(shipped.replace('sensor_msgs/msg/Image', array_type))
    touched, mended = findings_of('touch', (), ('-p', f'profile:={mine}'))

    assert touched.level is Level.PROBLEM
    assert touched.remedy == f'type: {array_type} in the source of tactile/image in the profile'
    assert mended.level is Level.OK


def test_a_camera_that_is_compressed_is_told_with_the_parameter_that_takes_it(drivers):
    def compressed(header):
        return CompressedImage(header=header, format='jpeg', data=array('B', b'x'))

    drivers.publish('camera/image_raw', compressed, rate_hz=30.0, profile=SENSOR)
    (camera,) = findings_of('camera', ())

    assert camera.level is Level.PROBLEM
    assert camera.remedy == 'camera_transport: compressed in the parameter file'


def test_each_topic_of_a_sense_of_another_profile_is_told(drivers, monkeypatch):
    monkeypatch.setattr(topics, 'MIN_LISTEN_S', 2.0)
    drivers.publish('camera/image_raw', picture, rate_hz=30.0, profile=SENSOR)
    drivers.publish('air/co2', lambda header: Float32(data=420.0), rate_hz=2.0, profile=SENSOR)
    drivers.publish(
        'air/temperature',
        lambda header: Temperature(header=header, temperature=float('nan')),
        rate_hz=2.0,
        profile=SENSOR,
    )
    findings, _ = examine(['-p', 'profile:=air', '-p', 'air_timeout_s:=0.8'])

    nodes, *findings = findings
    assert nodes.result.startswith('no maintenance node runs')
    assert [(finding.subject, finding.level) for finding in findings] == [
        ('camera', Level.OK),
        ('air', Level.OK),
        ('air', Level.PROBLEM),
        ('air', Level.PROBLEM),
    ]
    assert findings[1].result.startswith('/air/co2: ')
    assert 'got NaN or infinity in temperature_c' in findings[2].result
    assert findings[3].result == 'nobody publishes /air/humidity: it decides without'


def test_messages_that_the_node_would_refuse_are_told_with_the_reason(drivers):
    drivers.publish(
        'gas/state',
        lambda header: conversions.named_values(header, GAS_NAMES[1:], READINGS['gas'][1:]),
        rate_hz=5.0,
        profile=SENSOR,
    )
    (smelt,) = findings_of('gas', ())

    assert smelt.level is Level.PROBLEM and "missing 'co2_uptake_ppm'" in smelt.result


def test_a_clock_that_differs_is_told(drivers):
    def late(header):
        header.stamp.sec -= 60
        return picture(header)

    drivers.publish('camera/image_raw', late, rate_hz=30.0, profile=SENSOR)
    (camera,) = findings_of('camera', ())

    assert camera.level is Level.PROBLEM and camera.result.startswith(
        '/camera/image_raw is stamped 60.'
    )
    assert 'NTP' in camera.remedy


@pytest.mark.parametrize(
    ('ros_args', 'sentence'),
    [
        (('-p', 'camera_timeout:=1.0'), "got 'camera_timeout'; there is: camera_timeout_s"),
        (('--params-file', '/no/such.yaml'), '/no/such.yaml'),
    ],
)
def test_parameters_that_the_node_would_refuse_are_told_before_anything_is_listened_to(
    ros_args, sentence
):
    (finding,), parameters = examine(ros_args)

    assert finding.level is Level.PROBLEM and sentence in finding.result and parameters == {}
