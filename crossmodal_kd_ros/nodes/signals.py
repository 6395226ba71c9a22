# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The signals that ask a process to end in order. It needs no rclpy: commands call it at once."""

import os
import signal
import threading
from queue import SimpleQueue
from types import FrameType

# Ctrl-C; what systemd and docker send; a terminal that was closed, or a connection that broke.
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STDOUT, _STDERR = 1, 2


def end_event() -> threading.Event:
    """Return an event that any of `END_SIGNALS` sets from now on."""
    ended = threading.Event()
    # A handler interrupts the main thread anywhere, in a method of the event too, whose lock it
    # then waits for in vain. Such a queue may be put into even then; a thread sets the event.
    asked: SimpleQueue[int] = SimpleQueue()
    terminals = [number for number in (_STDOUT, _STDERR) if os.isatty(number)]

    def end(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and terminals:
            # Nobody reads there any more, and to write there fails: the end would not be in order.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for terminal in terminals:
                os.dup2(nowhere, terminal)
            os.close(nowhere)
        asked.put(number)

    def wait() -> None:
        asked.get()
        ended.set()

    for number in END_SIGNALS:
        # Under nohup a terminal that is closed ends nothing.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    threading.Thread(target=wait, name='signals', daemon=True).start()
    return ended


def ignore_end_signals() -> None:
    """Let no further signal disturb an end that is under way."""
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
