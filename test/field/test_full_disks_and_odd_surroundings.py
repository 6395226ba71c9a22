# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A disk was full, a variable wrong, a name not printable: one sentence, true counts, exit 1."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from field_inputs import COMMAND, made
from full_disk import files_of_at_most
from rosbags.typesys import Stores, get_typestore
from waiting import wait_for

from crossmodal_kd_ros.bags import Bag, BagRecorder, RecordingError
from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.datasets.pairs import save_arrays
from crossmodal_kd_ros.files import share_dir

pytestmark = pytest.mark.timeout(240)

STRING = 'std_msgs/msg/String'
TYPES = get_typestore(Stores.LATEST)
PUBLISHER = """
import time, rclpy
from std_msgs.msg import String
rclpy.init()
node = rclpy.create_node('numbers')
publisher = node.create_publisher(String, 'numbers', 100)
while True:
    publisher.publish(String(data='.' * 20000))
    time.sleep(0.01)
"""


@pytest.fixture
def small_disk(tmp_path):
    """Return a function: from a size to a disk of that size; skip where none can be mounted."""
    disks = []

    def mount(size: str) -> Path:
        disk = tmp_path / f'disk{len(disks)}'
        disk.mkdir()
        options = ['-t', 'tmpfs', '-o', f'size={size}', 'none', str(disk)]
        try:
            subprocess.run(['mount', *options], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip('no disk can be mounted here')
        disks.append(disk)
        return disk

    yield mount
    for disk in disks:
        subprocess.run(['umount', '--lazy', str(disk)], check=True)


def call(*arguments: object, **environ: str | None) -> subprocess.CompletedProcess:
    """Run a command; a variable that is `None` is not set."""
    environment = {**os.environ, **environ}
    return subprocess.run(
        [*COMMAND, *map(os.fsencode, map(str, arguments))],
        capture_output=True,
        text=True,
        timeout=120,
        env={name: value for name, value in environment.items() if value is not None},
    )


def text(words: str) -> bytes:
    return bytes(TYPES.serialize_cdr(TYPES.types[STRING](words), STRING))


def numbers(bag: Path) -> list[int]:
    with Bag(bag) as opened:
        return [int(message.message.data) for message in opened.messages(['/numbers'])]


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_recording_that_fills_the_disk_ends_there_and_counts_what_is_on_it(tmp_path, storage):
    bag = BagRecorder(tmp_path / 'bag', storage=storage)
    bag.add_topic('/numbers', STRING)

    def write(first: int, last: int) -> None:
        for number in range(first, last):
            bag.write('/numbers', number + 1, text(str(number).ljust(20_000)))

    with files_of_at_most(3_000_000):
        write(0, 50)
        wait_for(lambda: bag.written['/numbers'] == 50)
        write(50, 400)
        wait_for(lambda: bag.ended)
        bag.close()

    assert f'{tmp_path}/bag takes no more: ' in bag.error
    written = bag.written['/numbers']
    assert written >= 50 and bag.dropped['/numbers'] == 400 - written
    assert numbers(tmp_path / 'bag') == list(range(written))


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_the_recorder_says_at_once_that_the_disk_is_full_and_ends(small_disk, storage):
    pytest.importorskip('rclpy')
    bag = small_disk('4m') / 'bag'
    publisher = subprocess.Popen([sys.executable, '-c', PUBLISHER])
    try:
        done = call('record', '--out', bag, '--storage', storage, 'numbers')
    finally:
        publisher.kill()
        publisher.wait()

    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f'Error: {bag} takes no more: ')
    with Bag(bag) as opened:
        there = sum(1 for _ in opened.raw())
    assert done.stdout == f'/numbers: {there} messages\n' and there > 0


def test_a_data_set_that_fills_the_disk_ends_in_one_sentence_and_leaves_nothing(
    small_disk, tmp_path
):
    bag = made.robot(tmp_path / 'bag', duration_s=12.0)
    (tmp_path / 'labels.csv').write_text('start_s,end_s,action\n0,6,seal_crack\n6,12,hydrate\n')
    # Of 360 views: room for one copy, and half of the second.
    disk = small_disk('26m')

    done = call(
        *('dataset', 'from-bags', bag, '--labels', tmp_path / 'labels.csv', '--block', '2'),
        *('--out', disk / 'set'),
    )

    assert done.returncode == 1, done
    assert done.stderr.splitlines()[-1] == (
        f'Error: cannot write {disk}/set: No space left on device'
    )
    assert not list(disk.iterdir())


def test_no_array_is_cut_short_without_a_word(tmp_path):
    pairs = Pairs(
        image=np.zeros((500, 1, 1, 3), np.uint8),
        readings={},
        quantities=np.zeros((500, 1), np.float32),
        action=np.zeros(500, np.int64),
        night=np.zeros(500, bool),
        group=np.zeros(500, np.int64),
    )
    with files_of_at_most(1000), pytest.raises(OSError, match='too large'):
        save_arrays(pairs, tmp_path)


@pytest.mark.parametrize(
    ('arguments', 'environ', 'sentence'),
    [
        (['record'], {'ROS_DOMAIN_ID': 'abc'}, 'as ROS_DOMAIN_ID, got'),
        (['run'], {'ROS_DOMAIN_ID': '300'}, 'as ROS_DOMAIN_ID, got'),
        (['play', '{bag}'], {'ROS_DOMAIN_ID': 'abc'}, 'as ROS_DOMAIN_ID, got'),
        (['record'], {'HOME': None}, 'set HOME, or ROS_LOG_DIR'),
        (['run'], {'HOME': None}, 'set HOME, or ROS_LOG_DIR'),
    ],
)
def test_surroundings_in_which_ros_cannot_start_are_named(tmp_path, arguments, environ, sentence):
    pytest.importorskip('rclpy')
    bag = made.robot(tmp_path / 'bag', duration_s=0.5) if '{bag}' in arguments else ''
    done = call(
        *(argument.format(bag=bag) for argument in arguments),
        **{'ROS_LOG_DIR': None, 'ROS_HOME': None, **environ},
    )
    assert done.returncode == 1
    # Jazzy's rcutils has written of itself before, between >>> and <<<.
    (line,) = re.sub('>>>.*?<<<', '', done.stderr, flags=re.DOTALL).strip().splitlines()
    assert sentence in line and not done.stdout


def test_a_name_that_the_console_cannot_print_is_printed_as_well_as_it_can_be(tmp_path):
    profile = os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9.yaml')
    content = (share_dir() / 'config' / 'profiles' / 'living_wall.yaml').read_bytes()
    with open(profile, 'wb') as file:
        file.write(content)
    for name, code in ((profile, 0), (f'{profile}.yaml', 1)):
        done = call('profile', 'check', name, PYTHONIOENCODING='utf-8:strict')
        assert done.returncode == code and 'Traceback' not in done.stderr
        assert f'{tmp_path}/caf' in done.stdout


def test_a_replay_of_a_bag_whose_name_is_no_text_writes_its_page(tmp_path, models):
    made.robot(tmp_path / 'bag', duration_s=1.0)
    odd = os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9')
    (tmp_path / 'bag').rename(odd)
    done = CliRunner().invoke(
        main, ['replay', odd, '--model', str(models), '--out', str(tmp_path / 'out')]
    )
    assert done.exit_code == 0, done.output
    assert 'Replay of caf\\udce9' in (tmp_path / 'out' / 'report.html').read_text('utf-8')


@pytest.mark.parametrize(
    ('storage', 'name'), [('mcap', 'caf\udce9'), ('sqlite3', 'a#1'), ('sqlite3', '50%')]
)
def test_a_name_that_no_bag_can_have_is_refused_before_anything_is_recorded(
    tmp_path, storage, name
):
    with pytest.raises(RecordingError, match='expected a folder with a name in UTF-8'):
        BagRecorder(tmp_path / name, storage=storage)
    assert not list(tmp_path.iterdir())


def test_what_the_system_says_of_a_path_is_one_sentence(tmp_path):
    done = CliRunner().invoke(
        main, ['dataset', 'from-bags', 'a' * 300, '--out', str(tmp_path / 'set')]
    )
    assert done.exit_code == 1
    assert done.output == f'Error: {"a" * 300}: File name too long\n'
