# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Somebody did what the doctor said, in each of these troubles: it was gone."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from array import array

import cv2
import pytest

pytest.importorskip('rclpy')

from drivers import Drivers, gas, picture, touch  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from robot import PICTURE, ROOT  # noqa: E402
from sensor_msgs.msg import CompressedImage  # noqa: E402
from simulated_time import SimulatedTime  # noqa: E402

from crossmodal_kd_ros.doctor import environment, machine, topics  # noqa: E402
from crossmodal_kd_ros.doctor.finding import Finding, Level  # noqa: E402
from crossmodal_kd_ros.doctor.node import examine  # noqa: E402
from crossmodal_kd_ros.doctor.pictures import MeasurementError, NotFoundError, Survival  # noqa: E402
from crossmodal_kd_ros.nodes.qos import qos_profile  # noqa: E402
from crossmodal_kd_ros.nodes.transport import profile_environment  # noqa: E402

pytestmark = pytest.mark.timeout(240)
SENSOR = qos_profile('sensor')
JPEG = array('B', cv2.imencode('.jpg', PICTURE)[1].tobytes())
PRELUDE = (
    'import os, subprocess\n'
    'from crossmodal_kd_ros.doctor.environment import *\n'
    'from crossmodal_kd_ros.doctor.finding import Level\n'
)


def jpeg(header):
    return CompressedImage(header=header, format='jpeg', data=JPEG)


def shell(remedy: str, environ: dict[str, str]) -> dict[str, str]:
    """Return an environment after a remedy was pasted into a shell that has it."""
    done = subprocess.run(
        ['bash', '-c', f'{remedy}\nenv -0'], env=environ, capture_output=True, check=True
    )
    return dict(pair.split('=', 1) for pair in done.stdout.decode().split('\0') if '=' in pair)


def starts(environ: dict[str, str]) -> bool:
    """Return whether rclpy starts in an environment."""
    code = 'import rclpy; rclpy.init(args=[])'
    return not subprocess.run([sys.executable, '-c', code], env=environ, stderr=-3).returncode


def alone(*namespaces: str, code: str) -> str:
    """Return what Python code prints as root of Linux namespaces of its own."""
    if shutil.which('unshare') is None:
        pytest.skip('there is no unshare')
    done = subprocess.run(
        ['unshare', '--user', '--map-root-user', *namespaces, sys.executable, '-c', code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    if 'unshare' in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    """Return the finding of each subject; of several the worst."""
    order = list(Level)
    return {each.subject: each for each in sorted(findings, key=lambda it: order.index(it.level))}


@pytest.mark.parametrize(
    ('trouble', 'words'),
    [
        ({'ROS_LOG_DIR': f'{__file__}/logs'}, 'ROS cannot write its logs into'),
        ({'HOME': ''}, 'HOME is not set'),
    ],
)
def test_logs_that_cannot_be_written(trouble, words):
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ('ROS_LOG_DIR', 'ROS_HOME', 'HOME')
    } | {name: value for name, value in trouble.items() if value}
    finding = environment.logs(environ)
    assert finding.level is Level.PROBLEM and words in finding.result
    assert not starts(environ)

    mended = shell(finding.remedy, environ)
    assert environment.logs(mended) is None
    assert starts(mended)


@pytest.mark.parametrize(
    'trouble', [{'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF'}, {'ROS_DOMAIN_ID': 'abc'}]
)
def test_an_environment_in_which_no_node_finds_another(trouble):
    environ = {**os.environ, **trouble}
    finding = environment.discovery(environ)
    assert finding.level is Level.PROBLEM and next(iter(trouble)) in finding.result
    assert 'driver' not in finding.result

    (command,) = finding.remedy.partition(';')[:1]
    assert environment.discovery(shell(command, environ)).level is Level.OK


def test_a_full_disk_is_no_trouble_of_the_network():
    printed = alone(
        '--mount',
        code=PRELUDE
        + """
def mount(folder, *options):
    subprocess.run(['mount', '-t', 'tmpfs', *options, 'tmpfs', folder], check=True)
mount('/mnt', '-o', 'size=8k')
environ = {'ROS_LOG_DIR': '/mnt'}
recording = os.open('/mnt/recording', os.O_WRONLY | os.O_CREAT)
while True:
    try:
        os.write(recording, bytes(4096))
    except OSError:
        break
os.close(recording)
finding = logs(environ)
print(finding.level, finding.result, finding.remedy, sep='|')
os.remove('/mnt/recording')  # the space that it asks for
print(logs(environ))
""",
    )
    first, after = printed.splitlines()
    assert first.startswith('Level.PROBLEM|ROS cannot write its logs into /mnt: No space left')
    assert first.endswith('|df -h /mnt   # free space there')
    assert after == 'None'


@pytest.mark.parametrize('killed', [True, False])
def test_shared_memory_that_is_full(killed):
    printed = alone(
        '--mount',
        code=PRELUDE
        + f"""
from crossmodal_kd_ros.nodes.transport import profile_environment
subprocess.run('mount -t tmpfs -o size=40m tmpfs /dev/shm'.split(), check=True)
name = '/dev/shm/fastdds_0123456789abcdef' if {killed} else '/dev/shm/recording'
with open(name, 'wb') as file:
    file.write(bytes(30_000_000))
open(name + '_el', 'wb').close()
environ = profile_environment({{}})
finding = shared_memory(environ)
print(finding.level, finding.result, sep='|')
subprocess.run(finding.remedy, shell=True, check=True)
print(shared_memory(environ).level)
""",
    )
    first, after = printed.splitlines()
    assert first.startswith('Level.PROBLEM|12 MB are free in /dev/shm, and two processes need 36')
    assert ('30 MB are of processes that were killed' in first) == killed
    assert after == 'Level.OK'


def test_a_machine_whose_loopback_is_down_is_told_to_set_it_up():
    if shutil.which('ip') is None:
        pytest.skip('there is no ip')
    printed = alone(
        '--net',
        code=PRELUDE
        + """
from crossmodal_kd_ros.doctor.pictures import NotFoundError
def remedy():
    return pictures({}, NotFoundError('they did not find each other')).remedy
print(remedy())
subprocess.run(remedy(), shell=True, check=True)
print(remedy())
""",
    )
    first, after = printed.splitlines()
    assert first == 'ip link set lo up' and after != first


def test_processes_that_did_not_start_are_not_told_to_mend_the_network():
    said = 'failed to initialize logging'
    assert 'rclpy.init()' in environment.pictures({}, MeasurementError(said)).remedy
    server = environment.pictures({'ROS_DISCOVERY_SERVER': '::1'}, NotFoundError('alone'))
    assert server.remedy.startswith('unset ROS_DISCOVERY_SERVER ')


def test_a_fast_dds_profile_that_is_broken(tmp_path):
    broken = tmp_path / 'mine.xml'
    broken.write_text('<profiles')
    (variable,) = profile_environment({})
    environ = {**os.environ, variable: str(broken)}
    lost = Survival(sent=60, received=0, median_ms=float('nan'))
    finding = environment.pictures(environ, lost)
    assert 'is not XML' in finding.remedy
    mended = shell(finding.remedy.partition(': ')[2], environ)
    assert mended[variable] == profile_environment({})[variable]


def test_a_calibration_of_other_weights_and_a_device_that_is_not_there(models, tmp_path):
    folder = tmp_path / 'my models'
    shutil.copytree(models, folder)
    shutil.copy(ROOT / 'models' / 'calibration.json', folder)

    def weights(device: str) -> Finding:
        return machine.weights(folder, 'living_wall', engine='torch', device=device)

    finding = weights('cpu')
    assert finding.level is Level.PROBLEM and 'belongs to other weights' in finding.result
    calibrate, without = finding.remedy.split('   # or do without: ')
    assert calibrate == f'crossmodal-kd calibrate --models {shlex.quote(str(folder))}'
    shell(without, dict(os.environ))
    assert weights('cpu').level is Level.OK

    finding = weights('abacus')
    assert finding.level is Level.PROBLEM
    assert finding.remedy == 'device: cpu in the parameter file'


@pytest.fixture
def drivers():
    """Return drivers that end with the test."""
    drivers = Drivers()
    yield drivers
    drivers.close()


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Return a function: what the doctor finds, by subject, once these remedies are done.

    A line `... in the parameter file` is written there, a remapping is given behind -r.
    """
    monkeypatch.setattr(topics, 'MIN_LISTEN_S', 3.0)

    def find(*remedies: str) -> dict[str, Finding]:
        path = tmp_path / 'params.yaml'
        arguments, lines = [], []
        for remedy in remedies:
            lines += re.findall(r'([\w./]+: \S+) in the parameter file', remedy)
            for remap in re.findall(r'[\w./]+:=[\w./]+', remedy):
                arguments += ['-r', remap]
        if lines:
            entry = ''.join(f'    {line}\n' for line in lines)
            path.write_text(f'/**/maintenance_node:\n  ros__parameters:\n{entry}')
            arguments += ['--params-file', str(path)]
        assert bool(arguments) == bool(remedies), 'there is nothing to do in a remedy'
        return by_subject(examine(arguments)[0])

    return find


def levels(findings: dict[str, Finding]) -> dict[str, Level]:
    """Return how bad it is with the clock and with each sensor."""
    names = ('clock', 'camera', 'touch', 'gas')
    return {name: findings[name].level for name in names if name in findings}


def test_a_compressed_camera_a_sense_that_is_slow_and_one_of_another_name(drivers, look):
    drivers.publish('camera/image_raw/compressed', jpeg, rate_hz=30.0, profile=SENSOR)
    drivers.publish('tactile/image', touch, rate_hz=4.0, profile=SENSOR)
    drivers.publish('nose/state', gas, rate_hz=5.0, profile=SENSOR)
    before = look()
    assert set(levels(before).values()) == {Level.PROBLEM}

    after = look(*(before[name].remedy for name in ('camera', 'touch', 'gas')))
    assert set(levels(after).values()) == {Level.OK}


def test_a_camera_that_is_compressed_and_has_another_name(drivers, look):
    drivers.publish('front/image/compressed', jpeg, rate_hz=30.0, profile=SENSOR)
    before = look()['camera']
    assert before.level is Level.PROBLEM

    assert look(before.remedy)['camera'].level is Level.OK


def test_a_camera_that_keeps_atomic_time_is_allowed_for_and_told_what_it_keeps(drivers, look):
    def ahead(header):
        header.stamp.sec += 37
        return picture(header)

    drivers.publish('camera/image_raw', ahead, rate_hz=30.0, profile=SENSOR)
    camera = look()['camera']

    assert camera.level is Level.WARNING
    assert camera.remedy == '/drivers keeps TAI, as PTP does: let it subtract 37 s'


@pytest.fixture
def simulated():
    """Return a simulated time that runs."""
    simulated = SimulatedTime()
    yield simulated
    simulated.close()


def test_a_simulation_whose_clock_the_node_does_not_take_and_then_takes(simulated, look):
    before = look()
    assert levels(before) == dict.fromkeys(('camera', 'touch', 'gas'), Level.PROBLEM)
    assert 'NTP' not in before['camera'].remedy

    after = look(before['camera'].remedy)
    assert levels(after) == dict.fromkeys(('clock', 'camera', 'touch', 'gas'), Level.OK)


def test_a_simulation_at_a_third_of_real_time_has_no_slow_sensors(look):
    simulated = SimulatedTime(periods_s={'touch': 0.3})  # 0.1 s of the simulation
    simulated.speed = 0.33
    try:
        touched = look('use_sim_time: true in the parameter file')['touch']
    finally:
        simulated.close()

    assert touched.level is Level.OK
    assert float(re.search(r': (\S+) Hz', touched.result)[1]) == pytest.approx(10.0, rel=0.3)


def test_drivers_that_go_by_the_systems_clock_in_a_simulation(simulated, drivers, look):
    simulated.robot.turn_on()
    drivers.publish('front/image', picture, rate_hz=30.0, profile=SENSOR)
    arguments = 'use_sim_time: true in the parameter file, camera/image_raw:=/front/image'
    camera = look(arguments)['camera']
    assert camera.level is Level.PROBLEM
    assert camera.remedy == 'use_sim_time: true for /drivers too'

    drivers.node.set_parameters([Parameter('use_sim_time', value=True)])
    assert look(arguments)['camera'].level is Level.OK
