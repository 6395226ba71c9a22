# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A bag played into ROS and recorded out of it, by the commands as processes of their own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'bags'))

import made_up_bag as made  # noqa: E402
from waiting import wait_for  # noqa: E402

from crossmodal_kd_ros.bags import Bag, read_messages  # noqa: E402

pytestmark = pytest.mark.timeout(240)
COMMAND = [sys.executable, '-m', 'crossmodal_kd_ros.cli.main']


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_what_is_played_is_recorded_with_its_stamps_and_the_clock_of_the_bag(
    tmp_path, private_environ, storage
):
    source = made.robot(
        tmp_path / 'source',
        duration_s=2.0,
        more={'/maintenance/action': (made.STRING, [(0.5, made.text('hydrate'))])},
    )
    recorder = subprocess.Popen(
        [*COMMAND, 'record', '--out', str(tmp_path / 'bag'), '--storage', storage],
        env=private_environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    player = subprocess.Popen(
        [*COMMAND, 'play', str(source), '--loop'], env=private_environ, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_recorded(recorder, '/gas/state', '/camera')
        # A whole round of the bag, whenever it started.
        with pytest.raises(subprocess.TimeoutExpired):
            player.wait(5.0)
    finally:
        codes = interrupted(player, recorder)
    assert codes == [0, 0]
    with Bag(tmp_path / 'bag') as bag:
        assert {'/camera/image_raw/compressed', '/tactile/image', '/gas/state', '/clock'} <= set(
            bag.topics
        )
        assert '/maintenance/action' not in bag.topics and not bag.problems
        stamps = {
            message.message.header.stamp.sec * 10**9 + message.message.header.stamp.nanosec
            for message in bag.messages(['/gas/state'])
        }
        clock = [
            message.message.clock.sec * 10**9 + message.message.clock.nanosec
            for message in bag.messages(['/clock'])
        ]
    assert stamps == {made.START_NS + round(t_s * 1e9) for t_s in made.times(2.0, 2.0)}
    assert made.START_NS <= min(clock) and max(clock) <= made.START_NS + 2_001_000_000


@pytest.mark.parametrize('named', [(), ('/said', '/nobody')])
def test_what_is_kept_as_jpeg_takes_the_place_of_the_compressed_pictures_of_the_driver(
    tmp_path, private_environ, named
):
    raw, compressed = '/camera/image_raw', '/camera/image_raw/compressed'
    left_out = f'{compressed} is left out: expected a topic that is not recorded yet, got'
    times = made.times(2.0, 10.0)
    source = made.write_bag(
        tmp_path / 'source',
        {
            raw: (made.IMAGE, [(t_s, made.raw(t_s)) for t_s in times]),
            compressed: (made.JPEG, [(t_s + 0.05, made.jpeg(t_s + 0.05)) for t_s in times]),
            '/said': (made.STRING, [(t_s, made.text('on')) for t_s in times]),
        },
    )
    player = subprocess.Popen(
        [*COMMAND, 'play', str(source), '--loop'], env=private_environ, stderr=subprocess.DEVNULL
    )
    recorder = subprocess.Popen(
        [*COMMAND, 'record', *named, '--out', str(tmp_path / 'bag'), '--jpeg', raw],
        env=private_environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        told = wait_until_recorded(recorder, *([] if named else [left_out]), raw, '/said')
        # A whole round of the bag.
        with pytest.raises(subprocess.TimeoutExpired):
            recorder.wait(4.0)
    finally:
        codes = interrupted(player, recorder)
    assert codes == [0, 0]
    assert (left_out in told) != bool(named)
    with Bag(tmp_path / 'bag') as bag:
        assert {'/said', compressed} <= set(bag.topics) and raw not in bag.topics
        stamps = {
            message.message.header.stamp.sec * 10**9 + message.message.header.stamp.nanosec
            for message in bag.messages([compressed])
        }
    assert stamps and stamps <= {made.START_NS + round(t_s * 1e9) for t_s in times}


def test_a_bag_of_which_nothing_can_be_played_says_so_and_fails_also_in_a_loop(
    tmp_path, private_environ
):
    texts = [(0.0, made.text('hold'))]
    answers = ('/maintenance/action', '/left/mission/command')
    source = made.write_bag(tmp_path / 'source', dict.fromkeys(answers, (made.STRING, texts)))
    done = subprocess.run(
        [*COMMAND, 'play', str(source), '--loop'],
        env=private_environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    for name in answers:
        assert f'{name} is not played' in done.stderr
    assert 'expected messages that can be played' in done.stderr


def test_a_bag_whose_clock_stepped_by_100_days_is_played_without_waiting_for_them(
    tmp_path, private_environ
):
    texts = [(t_s, made.text(f'{t_s}')) for t_s in (0.0, 0.1, 8_640_000.1, 8_640_000.2)]
    source = made.write_bag(tmp_path / 'source', {'/said': (made.STRING, texts)})
    done = subprocess.run(
        [*COMMAND, 'play', str(source)],
        env=private_environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert '4 messages published' in done.stdout
    assert 'no message for 8640000 s: left out' in done.stderr


@pytest.mark.alone
def test_a_bag_played_in_a_loop_drives_a_node_that_starts_over_at_each_round_and_says_so(
    tmp_path, private_environ, models
):
    source = made.robot(tmp_path / 'source', duration_s=4.0)
    with (tmp_path / 'node.log').open('w') as log:
        node = subprocess.Popen(
            [
                sys.executable,
                '-m',
                'crossmodal_kd_ros.nodes.maintenance_node',
                '--ros-args',
                '-p',
                'use_sim_time:=true',
                '-p',
                'camera_transport:=compressed',
                '-p',
                'min_confidence:=0.0',
                # Weights without a calibration: these pictures show no wall, and it would say so.
                '-p',
                f'models_dir:={models}',
            ],
            env=private_environ,
            stdout=log,
            stderr=log,
        )
    recorder = subprocess.Popen(
        [*COMMAND, 'record', '--out', str(tmp_path / 'bag')],
        env=private_environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    processes = [node, recorder]
    try:
        wait_until_recorded(recorder, '/maintenance/mode', '/diagnostics')
        processes.insert(
            0,
            subprocess.Popen(
                [*COMMAND, 'play', str(source), '--loop'],
                env=private_environ,
                stderr=subprocess.DEVNULL,
            ),
        )
        # Two whole rounds, and of a third as much as it takes until diagnostics, once a second,
        # tell of it.
        wait_for(
            lambda: (tmp_path / 'node.log').read_text().count('the clock was set back by') >= 2
        )
        with pytest.raises(subprocess.TimeoutExpired):
            processes[0].wait(2.0)
    finally:
        codes = interrupted(*processes)
    assert codes == [0, 0, 0], (tmp_path / 'node.log').read_text()
    said: dict[str, list] = {}
    for message in read_messages(tmp_path / 'bag'):
        said.setdefault(message.topic, []).append(message.message)
    reasons = [message.data for message in said['/maintenance/mode_reason']]
    back = [index for index, reason in enumerate(reasons) if 'the clock was set back by' in reason]
    assert len(back) >= 2 and all(reasons[index].startswith('HOLD') for index in back), reasons
    # Between two jumps the node went through the whole bag: both senses, touch lost, touch back.
    modes = [reason.partition(':')[0] for reason in reasons[back[0] : back[1]]]
    assert modes.count('TEACHER') >= 2 and 'STUDENT' in modes, reasons
    stamps = [
        message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        for message in said['/maintenance/action_scores']
    ]
    played = {made.START_NS + round(t_s * 1e9) for t_s in made.times(4.0, 30.0)}
    assert set(stamps) <= played and len(set(stamps)) > 0.8 * len(played)
    jumps = [
        int(pair.value)
        for array in said['/diagnostics']
        for status in array.status
        for pair in status.values
        if pair.key == 'clock_jumps'
    ]
    assert max(jumps) >= 2


def interrupted(*processes: subprocess.Popen) -> list[int]:
    """Return the exit codes of processes that Ctrl-C ends."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    return [process.wait(60) for process in processes]


def wait_until_recorded(recorder: subprocess.Popen, *topics: str) -> str:
    """Wait until the recorder has said that it records `topics`; return what it said."""
    told = ''
    while not all(topic in told for topic in topics):
        line = recorder.stderr.readline()
        assert line, 'the recorder ended by itself'
        told += line
    return told
