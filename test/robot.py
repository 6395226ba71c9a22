# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot of any profile for the tests: its sensors, a listener, its nodes."""

import re
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from waiting import PATIENCE_S

from crossmodal_kd_ros.nodes import context, conversions, qos
from crossmodal_kd_ros.nodes.managed import ManagedNode
from crossmodal_kd_ros.profile import CAMERA, Profile, Sense, load_profile
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.runtime.topics import Topic

ROOT = Path(__file__).resolve().parents[1]
PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
# Healthy readings of the living wall.
READINGS = {
    'touch': np.full(256, 2.0, np.float32),
    'gas': np.array([100.0, 300.0, 50.0, 20.0, 100.0, 1.0, 20.9, 5.0], np.float32),
}
# Real readings never repeat themselves; these differ by less than any test can tell.
NOISE = 1e-4
# No sensor sends faster: it is the node that the tests load.
MIN_PERIOD_S = 0.02
# Where another name than the node's own package.
MODULES = {'gazebo_senses_node': 'crossmodal_kd_ros.gazebo.senses_node'}

Reading = np.ndarray | Callable[[float], np.ndarray]


def ros_args(**parameters: Any) -> list[str]:
    """Return what stands behind `--ros-args` for parameters."""
    return [text for name, value in parameters.items() for text in ('-p', f'{name}:={value}')]


@contextmanager
def node_within(node_class: Callable[[list[str]], ManagedNode], **parameters) -> Iterator[Any]:
    """Have an active node in this process; nothing spins it."""
    args = ['node', '--ros-args', *ros_args(**parameters)]
    context.init(args)
    with ExitStack() as ends:
        ends.callback(rclpy.shutdown)
        node = node_class(args)
        ends.callback(node.destroy_node)
        ends.callback(node.stop)
        assert node.start()
        yield node


class NodeProcess:
    """One of the nodes in a process of its own, as a user has it."""

    def __init__(self, node: str, *args: str, output: Path, **parameters) -> None:
        """Start it; `output` is the file that gets all it prints."""
        module = MODULES.get(node, f'crossmodal_kd_ros.nodes.{node}')
        self._output = output
        with output.open('w') as file:
            self._process = subprocess.Popen(
                [sys.executable, '-m', module, '--ros-args', *args, *ros_args(**parameters)],
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

    def shared_memory(self) -> set[Path]:
        """Return the files in which Fast DDS keeps its messages, its own and those it reads."""
        maps = Path(f'/proc/{self._process.pid}/maps').read_text()
        return set(
            map(Path, re.findall(r'/dev/shm/fast(?:dds|rtps)_[0-9a-f]{16}$', maps, re.MULTILINE))
        )

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
    """Sensors that send at their rates while they are on, and a listener that keeps the answers.

    Attributes:
        node: for more publishers, subscriptions and clients.
        got: by topic, (time, message) of each message: `action` for `maintenance/action`, ...,
            `diagnostics`, and the whole name of every other topic.
        on: the sensors that send.
        sent: headers of the pictures.
    """

    def __init__(
        self,
        namespace: str = '/',
        *,
        profile: str | Profile = 'living_wall',
        readings: Mapping[str, Reading] | None = None,
        periods_s: Mapping[str, float] | None = None,
        picture: Reading = PICTURE,
        compressed: bool = False,
    ) -> None:
        """Start with every sensor off.

        Args:
            namespace: of all topics.
            profile: what the robot has.
            readings: by sense, `float32[size]` or a function of the seconds since the start;
                unless given, a healthy one with a little noise.
            periods_s: by sensor, if not those of the profile.
            picture: `uint8[H, W, 3]`, shifted by a few columns each time, or a function of the
                seconds since the start.
            compressed: pictures come as JPEG.
        """
        self.profile = profile if isinstance(profile, Profile) else load_profile(profile)
        self._context = Context()
        self._context.init()
        self.node = Node('robot', context=self._context, namespace=namespace)
        self._compressed, self._picture, self._start_s = compressed, picture, time.monotonic()
        self._rngs = {
            sensor: np.random.default_rng(seed) for seed, sensor in enumerate(self.profile.sensors)
        }
        self._readings = dict(readings or {})
        self._periods_s = {
            sensor: max(MIN_PERIOD_S, timed.period_s)
            for sensor, timed in {CAMERA: self.profile.camera, **self.profile.senses}.items()
        } | dict(periods_s or {})
        camera = Topic(self.profile.camera.topic, topics.IMAGE, 'sensor')
        if compressed:
            camera = Topic(f'{camera.name}/compressed', topics.COMPRESSED_IMAGE, 'sensor')
        senses = {
            topic: Topic(topic, message_type, 'sensor')
            for sense in self.profile.senses.values()
            for topic, message_type in sense.topics.items()
        }
        self._publishers = {
            topic.name: self._publisher(topic) for topic in (camera, *senses.values())
        }
        self._camera_topic = camera.name
        self.got: dict[str, list[tuple[float, Any]]] = {}
        for topic in topics.outputs(self.profile):
            self._listen(topic, topic.name.rpartition('/')[2])
        for topic in (camera, *senses.values(), *topics.simulation_topics(self.profile)):
            self._listen(topic, topic.name)
        self.on: set[str] = set()
        self.sent: list[Header] = []
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._spin)] + [
            threading.Thread(target=self._send, args=(sensor,)) for sensor in self.profile.sensors
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
        """Let exactly `sensors` send; without a name, none."""
        self.on = set(sensors)

    def header(self, frame_id: str = 'front_camera') -> Header:
        """Return a header stamped now."""
        return Header(stamp=self.node.get_clock().now().to_msg(), frame_id=frame_id)

    def publish(self, sensor: str, message: Any) -> None:
        """Send one message in the name of a sensor of one topic."""
        if sensor != CAMERA:
            (topic,) = self.profile.senses[sensor].topics
            self._publishers[topic].publish(message)
            return
        self._publishers[self._camera_topic].publish(message)

    def last(self, topic: str, default: str = '') -> str:
        """Return the text of the last message of a String topic."""
        messages = self.got[topic]
        return messages[-1][1].data if messages else default

    def status(self, name: str) -> tuple[str, dict[str, str]]:
        """Return message and values of the newest diagnostic status whose name ends so."""
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

    def _publisher(self, topic: Topic) -> Any:
        return self.node.create_publisher(
            conversions.message_class(topic.type), topic.name, qos.qos_profile(topic.qos)
        )

    def _listen(self, topic: Topic, name: str) -> None:
        messages = self.got[name] = []
        self.node.create_subscription(
            conversions.message_class(topic.type),
            topic.name,
            lambda message: messages.append((time.monotonic(), message)),
            qos.qos_profile(topic.qos),
        )

    def _spin(self) -> None:
        try:
            while not self._ended.is_set():
                self._executor.spin_once(timeout_sec=0.1)
        except ExternalShutdownException:
            return

    def _send(self, sensor: str) -> None:
        while not self._ended.wait(self._periods_s[sensor]):
            if sensor not in self.on:
                continue
            header = self.header()
            if sensor == CAMERA:
                self.sent.append(header)
                self._publishers[self._camera_topic].publish(self._picture_message(header))
                continue
            sense = self.profile.senses[sensor]
            for topic, message in reading_messages(header, sense, self._reading(sense)).items():
                self._publishers[topic].publish(message)

    def _picture_message(self, header: Header) -> Any:
        if callable(self._picture):
            picture = self._picture(time.monotonic() - self._start_s)
        else:
            picture = np.roll(self._picture, self._rngs[CAMERA].integers(64), 1)
        if not self._compressed:
            return conversions.image_message(header, picture)
        import cv2

        data = cv2.imencode('.jpg', picture)[1].tobytes()
        return CompressedImage(header=header, format='jpeg', data=array('B', data))

    def _reading(self, sense: Sense) -> np.ndarray:
        reading = self._readings.get(sense.name)
        if callable(reading):
            return reading(time.monotonic() - self._start_s)
        if reading is None:
            reading = healthy_reading(sense)
        noise = NOISE * self._rngs[sense.name].standard_normal(sense.size)
        return (reading * (1.0 + noise)).astype(np.float32)


def healthy_reading(sense: Sense) -> np.ndarray:
    """Return a reading `float32[size]` that no check of health refuses."""
    if sense.name in READINGS and sense.size == READINGS[sense.name].size:
        return READINGS[sense.name]
    low, high = sense.per_element('min'), sense.per_element('max')
    return low + 0.3 * (high - low)


def reading_messages(header: Header, sense: Sense, reading: np.ndarray) -> dict[str, Any]:
    """Return the messages, by topic, that carry a reading `float32[size]` as its profile says.

    The way back from `runtime.sources`, for every type but LaserScan, PointCloud2 and those of
    olfaction_msgs.
    """
    elements = np.asarray(reading, np.float64).reshape(len(sense.channels), -1)
    messages = {}
    for topic, message_type in sense.topics.items():
        sources = [source for source in sense.sources if source.topic == topic]
        numbers = {
            (source.field, source.key): (
                elements[sense.channel_names.index(source.channel)] - source.offset
            )
            / source.scale
            for source in sources
        }
        message = conversions.message_class(message_type)()
        if message_type == topics.IMAGE:
            message = conversions.reading_message(header, sense, reading)
        elif message_type == topics.JOINT_STATE:
            message.name = list(dict.fromkeys(str(key) for _, key in numbers))
            for field in dict.fromkeys(field for field, _ in numbers):
                values = [numbers.get((field, name), [0.0])[0] for name in message.name]
                setattr(message, field, array('d', values))
        elif message_type == 'std_msgs/msg/Float32MultiArray':
            ordered = [numbers[key] for key in sorted(numbers)]
            message.data = array('f', np.concatenate(ordered).astype(np.float32).tobytes())
        else:
            root = message.wrench if message_type.endswith('WrenchStamped') else message
            for (_, key), value in numbers.items():
                *path, name = str(key).split('.')
                owner = root
                for part in path:
                    owner = getattr(owner, part)
                setattr(owner, name, float(value[0]))
        if hasattr(message, 'header'):
            message.header = header
        messages[topic] = message
    return messages
