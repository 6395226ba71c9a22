# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recorder was killed after minutes, or its terminal closed: what it had recorded is there."""

import fcntl
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

pytest.importorskip('rclpy')

from field_inputs import COMMAND  # noqa: E402
from waiting import wait_for  # noqa: E402

from crossmodal_kd_ros.bags import Bag, BagError, BagRecorder, RecordingError  # noqa: E402
from crossmodal_kd_ros.files import UNFINISHED, share_dir  # noqa: E402

pytestmark = pytest.mark.timeout(240)

STRING = 'std_msgs/msg/String'
TYPES = get_typestore(Stores.LATEST)
# Small messages: a megabyte of them, which is what rosbags gathers, would take hours.
PUBLISHER = """
import time, rclpy
from std_msgs.msg import String
rclpy.init()
node = rclpy.create_node('numbers')
publisher = node.create_publisher(String, 'numbers', 100)
number = 0
while True:
    publisher.publish(String(data=str(number)))
    number += 1
    time.sleep(0.02)
"""
# The last second may be lost; another is for a machine that has no time for the recorder.
MAY_BE_LOST_NS = 2_000_000_000


@pytest.fixture(scope='module')
def numbers():
    """Have somebody publish numbers, one after the other, 50 a second."""
    publisher = subprocess.Popen([sys.executable, '-c', PUBLISHER])
    yield
    publisher.kill()
    publisher.wait()


def recorded(bag: Path) -> list[tuple[int, int]]:
    """Return when each number was received, and the number; none if the bag is not readable."""
    try:
        with Bag(bag) as opened:
            return [
                (message.received_ns, int(message.message.data))
                for message in opened.messages(['/numbers'])
            ]
    except BagError:
        return []


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_recorder_that_was_killed_has_recorded_all_but_the_last_second(
    tmp_path, numbers, storage
):
    bag = tmp_path / 'bag'
    recorder = subprocess.Popen(
        [*COMMAND, 'record', '--out', str(bag), '--storage', storage], stderr=subprocess.DEVNULL
    )
    try:
        # While it is being written, too.
        wait_for(lambda: len(recorded(bag)) > 100, limit_s=40.0)
    finally:
        killed_ns = time.time_ns()
        recorder.kill()
        recorder.wait()

    assert not (bag / 'metadata.yaml').exists()
    received_ns, got = zip(*recorded(bag))
    assert killed_ns - received_ns[-1] < MAY_BE_LOST_NS
    assert list(got) == list(range(got[0], got[-1] + 1))
    if storage == 'sqlite3':  # by rosbags, which needs the index of an MCAP file
        with Reader(bag / 'bag.db3') as reader:
            assert killed_ns - reader.end_time < MAY_BE_LOST_NS
            assert [link.topic for link in reader.connections if link.msgcount] == ['/numbers']


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_recorder_whose_terminal_was_closed_has_completed_its_bag(tmp_path, numbers, storage):
    bag = tmp_path / 'bag'
    terminal, screen = pty.openpty()
    recorder = subprocess.Popen(
        [*COMMAND, 'record', '--out', str(bag), '--storage', storage],
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  a test
    )
    os.close(screen)
    try:
        wait_for(lambda: len(recorded(bag)) > 20, limit_s=40.0)
        os.close(terminal)
        assert recorder.wait(60) == 0
    finally:
        recorder.kill()

    with Reader(bag) as reader:
        assert reader.message_count == len(recorded(bag))
    with Bag(bag) as opened:
        assert not opened.problems
    assert {child.suffix for child in bag.iterdir()} == {
        '.yaml',
        {'mcap': '.mcap', 'sqlite3': '.db3'}[storage],
    }


def test_a_recorder_under_nohup_goes_on_when_its_terminal_is_closed(tmp_path, numbers):
    bag = tmp_path / 'bag'
    recorder = subprocess.Popen(
        ['nohup', *COMMAND, 'record', '--out', str(bag)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: len(recorded(bag)) > 20, limit_s=40.0)
        recorder.send_signal(signal.SIGHUP)
        already = len(recorded(bag))
        wait_for(lambda: len(recorded(bag)) > already + 50, limit_s=40.0)
        recorder.send_signal(signal.SIGTERM)
        assert recorder.wait(60) == 0
    finally:
        recorder.kill()


@pytest.mark.skipif(
    not (share_dir() / 'models' / 'teacher.safetensors').exists(), reason='no weights to run'
)
def test_a_demo_that_was_killed_leaves_its_recording_and_the_one_before(tmp_path):
    (tmp_path / 'photos').mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'photos' / 'a.png'), noise)
    out = tmp_path / 'out'
    BagRecorder(out / 'bag', made_by='demo').close()
    (out / 'bag' / 'bag.mcap').write_bytes(b'of an earlier demo')
    demo = subprocess.Popen(
        [*COMMAND, 'demo', '--out', str(out), '--photos', str(tmp_path / 'photos')],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert any('frames answered' in line for line in demo.stdout)
    finally:
        killed_ns = time.time_ns()
        demo.kill()
        demo.wait()

    pictures = times_ns(out / UNFINISHED / 'bag', '/camera/image_raw/compressed')
    assert killed_ns - max(pictures) < MAY_BE_LOST_NS
    assert (out / 'bag' / 'bag.mcap').read_bytes() == b'of an earlier demo'


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_recording_that_was_removed_meanwhile_ends_and_counts_nothing(
    tmp_path, numbers, storage
):
    bag = tmp_path / 'bag'
    recorder = subprocess.Popen(
        [*COMMAND, 'record', '--out', str(bag), '--storage', storage],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: len(recorded(bag)) > 20, limit_s=40.0)
        shutil.rmtree(bag)
        # What somebody else puts there is not the recorder's to remove.
        bag.mkdir()
        (bag / f'bag.{storage}').write_bytes(b'of somebody else')
        out, errors = recorder.communicate(timeout=40)
    finally:
        recorder.kill()
    assert recorder.returncode == 1
    assert 'messages' not in out
    assert 'messages are missing' in errors
    assert 'the recording was removed or moved meanwhile' in errors.splitlines()[-1]
    assert [file.read_bytes() for file in bag.iterdir()] == [b'of somebody else']


def test_of_two_recorders_that_start_at_once_the_second_says_so_and_harms_nothing(
    tmp_path, monkeypatch
):
    path = tmp_path / 'bag'
    first = []

    def mark(*_) -> None:
        # The second has seen that there is nothing; the first makes its folder now.
        monkeypatch.undo()
        first.append(BagRecorder(path))

    monkeypatch.setattr('crossmodal_kd_ros.bags.recorder.mark', mark)
    with pytest.raises(RecordingError, match='expected no file or folder at'):
        BagRecorder(path)
    [recorder] = first
    recorder.add_topic('/numbers', STRING)
    recorder.write('/numbers', 5, bytes(TYPES.serialize_cdr(TYPES.types[STRING]('7'), STRING)))
    recorder.close()
    assert not recorder.error and recorded(path) == [(5, 7)]


def times_ns(bag: Path, topic: str) -> Iterator[int]:
    with Bag(bag) as opened:
        yield from (received_ns for _, received_ns, _ in opened.raw([topic]))


def test_a_killed_recording_on_a_medium_that_cannot_be_written_is_read_and_says_so(tmp_path):
    recorder = BagRecorder(tmp_path / 'bag', storage='sqlite3')
    recorder.add_topic('/numbers', STRING)
    recorder.write('/numbers', 5, bytes(TYPES.serialize_cdr(TYPES.types[STRING]('7'), STRING)))
    wait_for(lambda: recorder.written['/numbers'] == 1)
    copy = tmp_path / 'copy'
    copy.mkdir()
    for name in ('bag.db3', 'bag.db3-wal'):
        shutil.copy(tmp_path / 'bag' / name, copy)
    recorder.close()
    # So SQLite cannot make the file that it needs to read a log.
    (copy / 'bag.db3-shm').symlink_to(tmp_path / 'nowhere' / 'shm')

    assert recorded(copy) == [(5, 7)]
    with Bag(copy) as bag:
        assert any('copy the recording to a folder' in problem for problem in bag.problems)
