# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A bag played into ROS and recorded out of it, by the commands as processes of their own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'bags'))

import made_up_bag as made  # noqa: E402

from crossmodal_kd_ros.bags import Bag  # noqa: E402
from crossmodal_kd_ros.demo.processes import free_domain_id, private_environment  # noqa: E402

pytestmark = pytest.mark.timeout(240)
COMMAND = [sys.executable, '-m', 'crossmodal_kd_ros.cli.main']


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_what_is_played_is_recorded_with_its_stamps_and_the_clock_of_the_bag(tmp_path, storage):
    source = made.robot(tmp_path / 'source', duration_s=3.0, more={
        '/maintenance/action': (made.STRING, [(0.5, made.text('hydrate'))])})
    environ = private_environment(os.environ, free_domain_id(os.environ))
    recorder = subprocess.Popen([*COMMAND, 'record', '--out', str(tmp_path / 'bag'), '--storage', storage], env=environ,
                                stderr=subprocess.PIPE, text=True)
    player = subprocess.Popen([*COMMAND, 'play', str(source), '--loop'], env=environ, stderr=subprocess.DEVNULL)
    try:
        told = ''
        while '/gas/state' not in told or '/camera' not in told:
            line = recorder.stderr.readline()
            assert line, 'the recorder ended by itself'
            told += line
        # A whole round of the bag, whenever it started.
        with pytest.raises(subprocess.TimeoutExpired):
            player.wait(7.0)
    finally:
        for process in (player, recorder):
            process.send_signal(signal.SIGINT)
        codes = [process.wait(60) for process in (player, recorder)]
    assert codes == [0, 0]
    with Bag(tmp_path / 'bag') as bag:
        assert {'/camera/image_raw/compressed', '/tactile/image', '/gas/state', '/clock'} <= set(bag.topics)
        assert '/maintenance/action' not in bag.topics and not bag.problems
        stamps = {message.message.header.stamp.sec * 10**9 + message.message.header.stamp.nanosec
                  for message in bag.messages(['/gas/state'])}
        clock = [message.message.clock.sec * 10**9 + message.message.clock.nanosec for message in bag.messages(['/clock'])]
    assert stamps == {made.START_NS + round(t_s * 1e9) for t_s in made.times(3.0, 2.0)}
    assert made.START_NS <= min(clock) and max(clock) <= made.START_NS + 3_001_000_000
