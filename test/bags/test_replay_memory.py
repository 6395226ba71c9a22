# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The memory of a replay does not grow with the length of the bag."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import made_up_bag as made
import numpy as np
import pytest
from made_up_bag import PROFILE
from replays import CONFIG

from crossmodal_kd_ros.bags import Bag
from crossmodal_kd_ros.bags.metrics import RunMetrics
from crossmodal_kd_ros.bags.replay import Model, Replay
from crossmodal_kd_ros.bags.topics import choose_topics


def test_memory_does_not_grow_with_the_length_of_the_bag(tmp_path):
    path = made.robot(tmp_path / 'bag', duration_s=60.0, camera_hz=10.0, touch_hz=10.0)
    in_use = []
    tracemalloc.start()
    try:
        with Bag(path) as bag:
            replay = Replay([Model(made.Oracle())], PROFILE, CONFIG)
            metrics = RunMetrics(PROFILE, [None])
            for step in replay.run(choose_topics(bag, PROFILE, {}).readings(bag)):
                replay.lanes[0].take_events()
                metrics.add_step(step)
                in_use.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    third = len(in_use) // 3
    # The first third fills every batch, and loads the file's first chunk of a megabyte.
    assert max(in_use[2 * third :]) < 1.1 * max(in_use[third : 2 * third])


def large(t_s: float):
    pixels = np.random.default_rng(round(t_s * 1000)).integers(0, 255, (120, 160, 3), np.uint8)
    return made.TYPES.types[made.IMAGE](
        made.header(t_s), 120, 160, 'rgb8', 0, 480, pixels.reshape(-1)
    )


REPLAY_AND_TELL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import made_up_bag as made
from crossmodal_kd_ros.bags.replay import Model
from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag
plan = ReplayPlan(bag=Path(sys.argv[1]), out=Path(sys.argv[2]), profile=made.PROFILE)
replay_bag(plan, [Model(made.Oracle())])
print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])
"""


@pytest.mark.skipif(
    not Path('/proc/self/status').exists(), reason='there is no /proc to read the peak from'
)
def test_a_process_that_replays_four_times_as_much_needs_no_more_memory(tmp_path):
    peak_mb = {}
    for duration_s in (30.0, 120.0):
        path = made.robot(
            tmp_path / f'bag_{duration_s:.0f}',
            duration_s=duration_s,
            camera=large,
            camera_hz=20.0,
            touch_hz=20.0,
        )
        done = subprocess.run(
            [sys.executable, '-c', REPLAY_AND_TELL, path, tmp_path / 'out', Path(__file__).parent],
            capture_output=True,
            text=True,
            check=True,
            timeout=200,
        )
        # kB, of this process alone: ru_maxrss would count the one it came from
        peak_mb[duration_s] = int(done.stdout) / 1024
    # The longer bag holds 104 MB of pictures more.
    assert peak_mb[120.0] < peak_mb[30.0] + 15.0, peak_mb
