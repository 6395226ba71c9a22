# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot for the tests: its sensors, whoever listens to its answers, and the processes of its nodes."""

import signal
import subprocess
import sys
import threading
import time
from array import array
from pathlib import Path

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Float32MultiArray, Header, String

from crossmodal_kd_ros.contract import GAS_NAMES
from crossmodal_kd_ros.nodes import conversions, qos

ROOT = Path(__file__).resolve().parents[2]
PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
TOUCH = np.full(256, 2.0, np.float32)
GAS = np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0], np.float32)
# Real readings never repeat themselves; these differ by less than any test can tell.
NOISE = 1e-4
PERIOD_S = {'camera': 1 / 30, 'touch': 1 / 50, 'gas': 1 / 2}
# How long to wait for what must come: no requirement, and no test waits longer than it must. A
# loaded machine may take tens of seconds to start two nodes beside the two of another test, each
# with a torch to import.
PATIENCE_S = 60.0


def wait_for(condition, *, limit_s: float = PATIENCE_S, printed=lambda: '') -> None:
    """Wait until `condition()` is true; fail after `limit_s`, with what a node has printed."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f'waited {limit_s} s in vain; {printed()}'
        time.sleep(0.005)


class NodeProcess:
    """One of the nodes in a process of its own, as a user has it."""

    def __init__(
        self, node: str, *ros_args: str, output: Path, wait: bool = False, **parameters
    ) -> None:
        """Start it; `output` is the file that gets all it prints."""
        settings = [
            text for name, value in parameters.items() for text in ('-p', f'{name}:={value}')
        ]
        self._output = output
        with output.open('w') as file:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    '-m',
                    f'crossmodal_kd_ros.nodes.{node}',
                    '--ros-args',
                    *ros_args,
                    *settings,
                ],
                cwd=ROOT,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def printed(self) -> str:
        """Return everything it has printed so far."""
        return self._output.read_text()

    def exit_code(self, *, limit_s: float = PATIENCE_S) -> int:
        """Wait until it ends by itself, and return its exit code."""
        return self._process.wait(limit_s)

    def alive(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal and return its exit code; it is killed if it does not end."""
        self.send(number)
        try:
            return self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._process.wait()


class Robot:
    """Sensors that send at their rates while they are on, and a listener that keeps what the node answers."""

    def __init__(
        self, namespace: str = '/', *, compressed: bool = False, multiarray: bool = False
    ) -> None:
        """Start with every sensor off."""
        self._context = Context()
        self._context.init()
        self.node = Node('robot', context=self._context, namespace=namespace)
        self._compressed, self._multiarray = compressed, multiarray
        touch_type, gas_type = (
            (Float32MultiArray, Float32MultiArray) if multiarray else (Image, JointState)
        )
        self.publishers = {
            'camera': self.node.create_publisher(
                CompressedImage if compressed else Image,
                'camera/image_raw/compressed' if compressed else 'camera/image_raw',
                qos.SENSOR,
            ),
            'touch': self.node.create_publisher(touch_type, 'tactile/image', qos.SENSOR),
            'gas': self.node.create_publisher(gas_type, 'gas/state', qos.SENSOR),
        }
        self.got = {}
        for topic, kind, profile in (
            ('action', String, qos.ANSWER),
            ('action_scores', JointState, qos.ANSWER),
            ('tactile_estimate', Image, qos.ANSWER),
            ('gas_estimate', JointState, qos.ANSWER),
            ('surface_state', JointState, qos.ANSWER),
            ('mode', String, qos.STATE),
            ('mode_reason', String, qos.STATE),
        ):
            self._listen(kind, f'maintenance/{topic}', topic, profile)
        self._listen(DiagnosticArray, '/diagnostics', 'diagnostics', qos.ANSWER)
        for kind, topic in (
            (Image, 'camera/image_raw'),
            (Image, 'tactile/image'),
            (JointState, 'gas/state'),
            (JointState, 'simulation/truth'),
            (Image, 'simulation/tactile_truth'),
            (String, 'simulation/expert'),
        ):
            if not (multiarray and topic in ('tactile/image', 'gas/state')):
                self._listen(
                    kind, topic, topic, qos.TRUTH if topic.startswith('simulation') else qos.SENSOR
                )
        self.on: set[str] = set()
        self._rngs = {sensor: np.random.default_rng(seed) for seed, sensor in enumerate(PERIOD_S)}
        self.sent = []  # headers of the images
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._spin)] + [
            threading.Thread(target=self._send, args=(sensor,)) for sensor in PERIOD_S
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End everything."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.shutdown()

    def turn_on(self, *sensors: str) -> None:
        """Let exactly `sensors` send."""
        self.on = set(sensors)

    def header(self, frame_id: str = 'front_camera') -> Header:
        """Return a header stamped now."""
        return Header(stamp=self.node.get_clock().now().to_msg(), frame_id=frame_id)

    def publish(self, sensor: str, message) -> None:
        """Send one message in the name of a sensor."""
        self.publishers[sensor].publish(message)

    def last(self, topic: str, default=''):
        """Return the text of the last message of a String topic."""
        messages = self.got[topic]
        return messages[-1][1].data if messages else default

    def status(self, name: str):
        """Return the newest diagnostic status whose name ends with `name`, as (message, values)."""
        for _, message in reversed(list(self.got['diagnostics'])):
            for status in message.status:
                if status.name.endswith(name):
                    return status.message, {pair.key: pair.value for pair in status.values}
        return '', {}

    def forget(self) -> None:
        """Forget what was received, but for the mode: it is sent only when it changes."""
        for topic, messages in self.got.items():
            if not topic.startswith('mode'):
                messages.clear()
        self.sent.clear()

    def _listen(self, kind, topic: str, name: str, profile) -> None:
        messages = self.got[name] = []
        self.node.create_subscription(
            kind, topic, lambda message: messages.append((time.monotonic(), message)), profile
        )

    def _spin(self) -> None:
        try:
            while not self._ended.is_set():
                self._executor.spin_once(timeout_sec=0.1)
        except ExternalShutdownException:
            return

    def _send(self, sensor: str) -> None:
        while not self._ended.wait(PERIOD_S[sensor]):
            if sensor in self.on:
                self.publish(sensor, self._reading(sensor))

    def _reading(self, sensor: str):
        header, rng = self.header(), self._rngs[sensor]
        if sensor == 'camera':
            self.sent.append(header)
            picture = np.roll(PICTURE, rng.integers(64), 1)
            return (
                self._compress(header, picture)
                if self._compressed
                else conversions.image_message(header, picture)
            )
        value = TOUCH if sensor == 'touch' else GAS
        value = (value * (1.0 + NOISE * rng.standard_normal(value.size))).astype(np.float32)
        if self._multiarray:
            return Float32MultiArray(data=array('f', value.tobytes()))
        if sensor == 'touch':
            return conversions.touch_message(header, value)
        return conversions.named_values(header, GAS_NAMES, value)

    def _compress(self, header: Header, picture: np.ndarray) -> CompressedImage:
        import cv2

        return CompressedImage(
            header=header,
            format='jpeg',
            data=array('B', cv2.imencode('.jpg', picture)[1].tobytes()),
        )
