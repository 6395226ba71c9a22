# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The nodes as processes of their own, for where ROS's launch is not installed."""

import ctypes
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from crossmodal_kd_ros.nodes.transport import distro, profile_environment

# Domains above need UDP ports that Linux hands out to others.
_LAST_DOMAIN = 101
# Loaded here: between fork and exec a child must not load anything.
_LIBC = ctypes.CDLL(None) if sys.platform == 'linux' else None
_PR_SET_PDEATHSIG = 1
# A node takes 1 s to end, and ten on a machine that gives it an eighth of a core.
_GRACE_S = {signal.SIGINT: 12.0, signal.SIGTERM: 2.0, signal.SIGKILL: 2.0}
_LOG_PREFIX = re.compile(r'^\[(FATAL|ERROR)\]\s*\[[^\]]*\]\s*\[[^\]]*\]:\s*')


def private_environment(environ: Mapping[str, str], domain_id: int) -> dict[str, str]:
    """Return the environment of a run of its own, with the transport profile unless one is set."""
    return isolated_environment({**environ, **profile_environment(environ)}, domain_id)


def isolated_environment(environ: Mapping[str, str], domain_id: int) -> dict[str, str]:
    """Return `environ` with a domain of its own, on this machine alone."""
    away = (
        {'ROS_LOCALHOST_ONLY': '1'}
        if distro(environ) == 'humble'
        else {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    )
    return {**environ, 'ROS_DOMAIN_ID': str(domain_id), **away}


def free_domain_id(environ: Mapping[str, str]) -> int:
    """Return a DDS domain that nobody on this machine uses, other than the user's."""
    candidates = [
        number
        for number in range(1, _LAST_DOMAIN + 1)
        if str(number) != environ.get('ROS_DOMAIN_ID')
    ]
    random.shuffle(candidates)
    return next((number for number in candidates if not _occupied(number)), candidates[0])


class NodeProcess:
    """A node of this package in a process of its own.

    It gets no Ctrl-C from the terminal: who started it decides when it ends. Should that process
    be killed, the kernel ends the node too.
    """

    def __init__(
        self,
        name: str,
        ros_args: Sequence[str],
        *,
        environ: Mapping[str, str],
        log: Path | None = None,
        room: str = 'nodes',
    ) -> None:
        """Start `crossmodal_kd_ros.<room>.<name>` with `ros_args` behind `--ros-args`.

        Args:
            name: such as `maintenance_node`.
            ros_args: such as `-p`, `seed:=3`, `-r`, `__ns:=/left`.
            environ: its environment, whole.
            log: file for its output; `None`: it goes to that of this process.
            room: where the node is.
        """
        self.name = name
        self.log = log
        command = [sys.executable, '-m', f'crossmodal_kd_ros.{room}.{name}']
        output: IO | None = None if log is None else log.open('wb')
        try:
            self._process = subprocess.Popen(
                command + (['--ros-args', *ros_args] if ros_args else []),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )  # noqa: PLW1509  It makes one system call and touches nothing else.
        finally:
            if output is not None:
                output.close()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code as a shell gives it (128 + the number of a signal); `None` while it runs."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def last_error(self) -> str:
        """Return the last error in its log, without the logger's prefix; else the last line."""
        if self.log is None or not self.log.exists():
            return ''
        lines = [
            line for line in self.log.read_text(errors='replace').splitlines() if line.strip()
        ]
        errors = [_LOG_PREFIX.sub('', line) for line in lines if _LOG_PREFIX.match(line)]
        return (errors or lines or [''])[-1]

    def interrupt(self) -> None:
        """Ask it to end, without waiting."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End it: by SIGINT, then SIGTERM, then SIGKILL."""
        for number, grace_s in _GRACE_S.items():
            if self.exit_code is not None:
                break
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)


def stop_all(processes: Sequence[NodeProcess]) -> None:
    """End all of `processes`, at the same time."""
    for process in processes:
        process.interrupt()
    for process in processes:
        process.stop()


def _end_with_parent() -> None:
    """Run in the child: end it when its parent is killed, which cannot stop it any more."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def first_port(domain_id: int) -> int:
    """Return the UDP port of the first participant of a domain (RTPS 9.6.1.1)."""
    return 7410 + 250 * domain_id


def _occupied(domain_id: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', first_port(domain_id)))
        except OSError:
            return True
        return False
