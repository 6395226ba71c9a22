# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Signals that ask a process to end."""

import subprocess
import sys

import pytest

# Python runs a handler between any two lines of the main thread: here before line N of wait().
ASKED_AT_A_LINE = """
import signal, sys, threading
from crossmodal_kd_ros.nodes.signals import end_event

ended = end_event()
lines = 0

def ask(frame, event, argument):
    global lines
    if frame.f_code is threading.Event.wait.__code__ and event == 'line':
        lines += 1
        if lines == int(sys.argv[1]):
            signal.raise_signal(signal.SIGTERM)
    return ask

sys.settrace(ask)
ended.wait(10.0)
sys.settrace(None)
print(ended.is_set())
"""


@pytest.mark.parametrize('line', [1, 2, 3])
def test_a_signal_sets_the_event_wherever_it_finds_the_main_thread(line):
    command = [sys.executable, '-c', ASKED_AT_A_LINE, str(line)]
    assert subprocess.check_output(command, text=True, timeout=30).strip() == 'True'
