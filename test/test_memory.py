# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A process that must not stop: what the garbage collector would search while nobody takes a reading."""

import subprocess
import sys

LOADED = """
import gc, sys
from crossmodal_kd_ros.memory import spare_heap
from crossmodal_kd_ros.runtime.torch_engine import TorchEngine

engine = TorchEngine(sys.argv[1])
gc.collect()
searched = len(gc.get_objects())
spare_heap()
print(searched, len(gc.get_objects()), gc.isenabled())
"""


def test_the_collector_leaves_a_loaded_engine_alone_and_goes_on_with_all_else(models):
    told = subprocess.run(
        [sys.executable, '-c', LOADED, models],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    before, after, is_enabled = told.stdout.split()
    assert int(before) > 50_000
    assert int(after) < 1_000
    assert is_enabled == 'True'
