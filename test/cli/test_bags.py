# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""docs/bags.md, shortened: a simulated bag, a data set, a teacher, a student, a replay by both."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.simulation import World

pytestmark = pytest.mark.timeout(600)

TYPES = get_typestore(Stores.LATEST)
GAS_NAMES = load_profile('living_wall').senses['gas'].channel_names
START_NS = 1_700_000_000_000_000_000
PANELS_S = 5.0
RECIPE = """seed: 0
data: {labelled_views: 10, unlabelled_views: 0}
teacher: {steps: 6, batch: 8, validate_every: 3}
student: {steps: 6, batch: 8, validate_every: 3}
"""


def call(*arguments: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, '-m', 'crossmodal_kd_ros.cli.main', *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert 'Traceback' not in done.stderr, done.stderr
    return done


def write_simulated(path: Path, *, panels: int) -> Path:
    """Write what the simulated robot reads over so many panels, and what the expert says."""
    world, types = World(5, width_px=160, height_px=128), TYPES.types
    kinds = {
        '/camera/image_raw/compressed': 'sensor_msgs/msg/CompressedImage',
        '/tactile/image': 'sensor_msgs/msg/Image',
        '/gas/state': 'sensor_msgs/msg/JointState',
        '/simulation/expert': 'std_msgs/msg/String',
    }
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        links = {
            name: writer.add_connection(name, kind, typestore=TYPES)
            for name, kind in kinds.items()
        }
        for index in range(int(panels * PANELS_S * 20)):
            t_s = index / 20
            stamp_ns = START_NS + index * 50_000_000
            header = types['std_msgs/msg/Header'](
                types['builtin_interfaces/msg/Time'](stamp_ns // 10**9, stamp_ns % 10**9), ''
            )
            nothing = np.zeros(0)
            messages = {
                '/tactile/image': types['sensor_msgs/msg/Image'](
                    header, 16, 16, '32FC1', 0, 64, world.read('touch', t_s).view(np.uint8)
                )
            }
            if index % 10 == 0:
                messages['/gas/state'] = types['sensor_msgs/msg/JointState'](
                    header,
                    list(GAS_NAMES),
                    world.read('gas', t_s).astype(np.float64),
                    nothing,
                    nothing,
                )
            if index % 4 == 0:
                _, jpeg = cv2.imencode('.jpg', world.camera(t_s)[..., ::-1])
                messages['/camera/image_raw/compressed'] = types[
                    'sensor_msgs/msg/CompressedImage'
                ](header, 'jpeg', jpeg.reshape(-1))
                messages['/simulation/expert'] = types['std_msgs/msg/String'](
                    json.dumps({'action': world.truth(t_s).action})
                )
            for name, message in messages.items():
                writer.write(
                    links[name], stamp_ns + 1_000_000, TYPES.serialize_cdr(message, kinds[name])
                )
    world.close()
    return path


def test_from_a_bag_to_a_replay_by_networks_of_its_own(tmp_path):
    bag = write_simulated(tmp_path / 'bag', panels=6)
    done = call(
        'dataset',
        'from-bags',
        bag,
        '--map',
        'label=/simulation/expert',
        '--block',
        '5',
        '--out',
        tmp_path / 'set',
    )
    assert done.returncode == 0, done.stderr
    sheet = json.loads((tmp_path / 'set' / 'datasheet.json').read_text())
    assert (
        sum(split['samples'] for split in sheet['splits'].values())
        + sum(sheet['dropped'].values())
        == 150
    )

    (tmp_path / 'tiny.yaml').write_text(RECIPE)
    done = call(
        'train',
        '--data',
        tmp_path / 'set',
        '--recipe',
        tmp_path / 'tiny.yaml',
        '--out',
        tmp_path / 'models',
        '--cache',
        tmp_path / 'cache',
    )
    assert done.returncode == 0, done.stderr
    assert 'Trained and tested on recordings' in (tmp_path / 'models' / 'README.md').read_text()

    done = call(
        'replay',
        bag,
        '--model',
        tmp_path / 'models',
        '--out',
        tmp_path / 'replay[a]',
        '--inject',
        'touch@10-12',
    )
    assert done.returncode == 0, done.stderr
    assert f'report: {tmp_path}/replay[a]/report.html\n' in done.stdout
    summary = json.loads((tmp_path / 'replay[a]' / 'summary.json').read_text())
    assert summary['replays'][0]['frames_answered'] == 150 and summary[
        'duration_s'
    ] == pytest.approx(29.95)
    assert (summary['faults'][0]['sensor'], summary['faults'][0]['end_s']) == ('touch', 12.0)
    assert summary['replays'][0]['model'].startswith('student ')
    assert '<svg' in (tmp_path / 'replay[a]' / 'report.html').read_text()


@pytest.mark.parametrize(
    'arguments',
    [
        ('replay', 'nowhere'),
        ('play', 'nowhere'),
        ('dataset', 'from-bags', 'nowhere'),
        ('train', '--data', 'nowhere'),
    ],
)
def test_what_is_not_there_is_refused_in_one_sentence(tmp_path, arguments):
    done = call(*arguments)
    assert done.returncode == 1
    assert done.stderr.count('\n') == 1 and done.stderr.startswith('Error: expected ')
