# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A real Gazebo on the world, driven and read by its own command line; no ROS and no bridge."""

import codecs
import ctypes
import os
import re
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossmodal_kd_ros.gazebo import write_world

# Software rendering on a machine that does much else.
PATIENCE_S = 120.0
_ANSWER_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Tool:
    """Gazebo's command line.

    Attributes:
        command, server: what starts it. `messages`: where its message types are.
        world: for which of `GAZEBOS` the world is written.
    """

    command: str
    server: str
    messages: str
    world: str


# All later ones call their plugins as Harmonic does.
TOOLS = (
    Tool(command='gz', server='sim', messages='gz.msgs', world='harmonic'),
    Tool(command='ign', server='gazebo', messages='ignition.msgs', world='fortress'),
)


def find_tool() -> Tool | None:
    """Return the first of `TOOLS` that answers for its server and for topics.

    The command alone says little: SDFormat and others bring it too, without a server.
    """
    for tool in TOOLS:
        version = _answer(tool.command, tool.server, '--versions')
        if (
            re.match(r'\d+\.\d+', version or '')
            and _answer(tool.command, 'topic', '--list') is not None
        ):
            return tool
    return None


def _answer(*words: str) -> str | None:
    """Return what a command prints; `None`: there is none, it fails, or it does not end."""
    try:
        done = subprocess.run(words, capture_output=True, check=True, text=True, timeout=_ANSWER_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def egl_works() -> bool:
    """Return whether EGL finds a device here and can open it: Gazebo renders on it, headless."""
    try:
        egl = ctypes.CDLL('libEGL.so.1')
    except OSError:
        return False
    egl.eglGetProcAddress.restype = ctypes.c_void_p

    def function(name: bytes, result: type, *arguments: type):
        address = egl.eglGetProcAddress(name)
        return address and ctypes.CFUNCTYPE(result, *arguments)(address)

    pointer, number = ctypes.c_void_p, ctypes.c_int
    query = function(b'eglQueryDevicesEXT', ctypes.c_uint, number, pointer, pointer)
    display_of = function(b'eglGetPlatformDisplayEXT', pointer, ctypes.c_uint, pointer, pointer)
    if not (query and display_of):
        return False
    devices, count = (pointer * 16)(), number()
    if not query(len(devices), devices, ctypes.addressof(count)):
        return False
    platform_device = 0x313F
    egl.eglInitialize.argtypes = (pointer, pointer, pointer)
    return any(
        egl.eglInitialize(display_of(platform_device, device, None), None, None)
        for device in devices[: count.value]
    )


class Gazebo:
    """A server without a window, in a partition of its own on the loopback interface."""

    def __init__(self, tool: Tool, folder: Path) -> None:
        """Write the world into `folder` and start it, with warnings and errors in its log."""
        self._tool = tool
        partition = uuid.uuid4().hex
        self._environ = os.environ | {
            'HOME': str(folder),
            **{f'{prefix}_PARTITION': partition for prefix in ('IGN', 'GZ')},
            **{f'{prefix}_IP': '127.0.0.1' for prefix in ('IGN', 'GZ')},
        }
        world = write_world(folder / 'world', gazebo=tool.world)
        self._log = folder / 'server.log'
        with self._log.open('w') as log:
            self._process = subprocess.Popen(
                [tool.command, tool.server, '-v', '2', '-s', '-r', '--headless-rendering', world],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self) -> str:
        """Return what the server has printed."""
        return self._log.read_text(errors='replace')

    def send(self, joint: str, metres: float) -> None:
        """Send the joint `carriage`, `lift` or `reach` to a place."""
        double = f'{self._tool.messages}.Double'
        self._topic(f'/crossmodal_arm/{joint}', '-m', double, '-p', f'data: {metres}')

    def tip(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the newest pose of the tip: its place (m), and its orientation as a matrix."""
        # Each of the eight links has a message of its own.
        for message in self._echo('/model/crossmodal_arm/pose', '-n', '8'):
            if message['name'][0].endswith('tip"'):
                place, turn = (message[part][0] for part in ('position', 'orientation'))
                x, y, z, w = (float(turn.get(axis, [0])[0]) for axis in 'xyzw')
                return np.array([float(place.get(axis, [0])[0]) for axis in 'xyz']), np.array(
                    [
                        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
                    ]
                )
        raise AssertionError(f'expected a pose of the tip among those of 8 links\n{self.log()}')

    def pictures(self, count: int) -> list[np.ndarray]:
        """Return the next pictures of the camera, `uint8[H, W, 3]`."""
        return [
            np.frombuffer(
                codecs.escape_decode(message['data'][0][1:-1].encode())[0], np.uint8
            ).reshape(int(message['height'][0]), int(message['width'][0]), 3)
            for message in self._echo('/crossmodal_arm/camera', '-n', str(count))
        ]

    def touches(self) -> bool:
        """Return whether the pad had a contact within a second."""
        return any(True for _ in self._echo('/crossmodal_arm/pad_contacts', '-d', '1'))

    def close(self) -> None:
        """End the server and all that it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _echo(self, topic: str, *until: str) -> Iterator[dict]:
        for text in self._topic(topic, '-e', *until).split('\n\n'):
            if message := _parse(text):
                yield message

    def _topic(self, topic: str, *arguments: str) -> str:
        try:
            return subprocess.run(
                [self._tool.command, 'topic', '-t', topic, *arguments],
                env=self._environ,
                check=True,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
            ).stdout
        except subprocess.SubprocessError as error:
            raise AssertionError(f'{error}; the server printed\n{self.log()}') from None


def _parse(text: str) -> dict[str, list]:
    """Return a message in protobuf's text format, which every release prints, as plain data.

    By field: each value as it stands, or each message in it likewise.
    """
    levels = [{}]
    for line in map(str.strip, text.splitlines()):
        if line.endswith('{'):
            levels.append({})
            levels[-2].setdefault(line.split()[-2], []).append(levels[-1])
        elif line == '}':
            levels.pop()
        elif ':' in line:
            name, _, value = line.partition(':')
            levels[-1].setdefault(name.split()[-1], []).append(value.strip())
    return levels[0]
