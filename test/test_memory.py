# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the garbage collector searches in a process that must not stop."""

import subprocess
import sys

LOADED = """
import gc, sys
from crossmodal_kd_ros.memory import spare_heap
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime import make_engine

engine = make_engine('torch', sys.argv[1], load_profile())
gc.collect()
searched = len(gc.get_objects())
spare_heap()
print(searched, len(gc.get_objects()), gc.isenabled())
"""

GARBAGE = """
import weakref
from crossmodal_kd_ros.memory import spare_heap

class Node:
    pass

node = Node()
node.itself, seen = node, weakref.ref(node)
del node
spare_heap()
print(seen())
"""


def test_what_is_garbage_already_is_freed_and_not_left_alone_for_good():
    command = [sys.executable, '-c', GARBAGE]
    assert subprocess.check_output(command, text=True, timeout=60).strip() == 'None'


def test_the_collector_leaves_a_loaded_engine_alone_and_goes_on_with_all_else(models):
    counts = subprocess.run(
        [sys.executable, '-c', LOADED, models],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    before, after, is_enabled = counts.stdout.split()
    assert int(before) > 50_000
    assert int(after) < 1_000
    assert is_enabled == 'True'
