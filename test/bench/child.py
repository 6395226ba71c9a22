# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Processes that are measured: each in a group of its own, which ends with it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PROCESSES = Path(__file__).resolve().parent / 'processes'
ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S, _END_S = 300.0, 10.0


def python(script: str, *arguments: object) -> list[str]:
    """Return the command that runs a script of `processes/`."""
    return [sys.executable, str(PROCESSES / script), *map(str, arguments)]


def environment(root: Path = ROOT) -> dict[str, str]:
    """Return the environment in which the package is that of a checkout."""
    paths = [str(root), *filter(None, [os.environ.get('PYTHONPATH')])]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}


def ask(command: Sequence[str], environ: Mapping[str, str], *, cwd: Path = ROOT) -> dict[str, Any]:
    """Run a command to its end and return the line of JSON that it prints last.

    Raises:
        RuntimeError: it failed, or printed none.
    """
    with tempfile.TemporaryFile('w+') as errors:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=_PATIENCE_S)
        finally:
            _end_group(process)
        if process.returncode:
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ['it said nothing'])[-1]
            raise RuntimeError(f'{Path(command[1]).name} failed: {last}')
    return json.loads(output.strip().splitlines()[-1])


class Child:
    """A process that answers a line of JSON with a line of JSON.

    Attributes:
        said: the line it printed first.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start it, and wait for its first line."""
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._command = command
        self.said = self._read()

    def __enter__(self) -> 'Child':
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self._process.stdin.close()
            self._process.wait(_END_S)
        _end_group(self._process)

    def ask(self, **question: Any) -> dict[str, Any]:
        """Return its answer.

        Raises:
            RuntimeError: it has ended.
        """
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question) + '\n')
            self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise RuntimeError(f'{Path(self._command[1]).name} ended by itself, with {code}')
        return json.loads(line)


def _end_group(process: subprocess.Popen) -> None:
    """End what is left of the group of a process: itself, and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
