# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sensors of a robot in a process of their own: publish, and measure who answers.

    python sensors.py '{"command": [...], "drive": "...", ...}'

It publishes pre-made pictures, touch and gas, starts `command`, and says as one line of JSON how
long after the stamp of a picture the answer with the same stamp arrived, and what that process
took. The sensors have been publishing for a while when the process is started, as on a robot.

Answers are `maintenance/action_scores` by their header, or, from a process that is no maintenance
node, `maintenance/action` with "STAMP_NS PAD_MESSAGES". Without a `camera_hz` the process has a
camera of its own, and every answer counts.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from memory_of import memory_mib
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header, String

from crossmodal_kd_ros.nodes.conversions import image_message, reading_message
from crossmodal_kd_ros.nodes.qos import qos_profile
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.simulation import PROFILE

_TOUCH_HZ, _GAS_HZ = 100.0, 2.0
_FIRST_ANSWER_S = 60.0
# Before the process is started: a DDS participant announces itself again and again at first.
_LEAD_S = 1.0
# Answers that are still on their way when the window ends.
_LATE_S = 0.5
_END_S = 10.0


class Sensors:
    """Publishes a drive in a loop, and notes when answers arrive.

    Attributes:
        sent_ns: stamps of the pictures that were published.
        answered_ns: when the first answer to a stamp arrived.
        pads: (time, touch messages that were received by then), as the process says.
        mode: of a maintenance node, as its diagnostics say; empty of another process.
        own_p50_ms: by its diagnostics too, median from the stamp to the published answer.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        """Make all messages; nothing is published yet."""
        self.node = rclpy.create_node('bench_sensors', start_parameter_services=False)
        self.sent_ns: list[int] = []
        self.answered_ns: dict[int, int] = {}
        self.pads: list[tuple[int, int]] = []
        self.mode = ''
        self.own_p50_ms: float | None = None
        self._touch_ns: list[int] = []
        self._ended = threading.Event()
        self.answered = threading.Event()
        self._threads = [threading.Thread(target=self._spin)]
        camera = topics.Topic(PROFILE.camera.topic, topics.IMAGE, 'sensor')
        sense_topics = dict(topics.sense_topics(PROFILE))
        drive = np.load(plan['drive'])
        # A header each: every sensor stamps its own, in a thread of its own.
        touch, gas = (
            [reading_message(Header(frame_id='bench'), sense, x) for x in drive[sense.name]]
            for sense in (PROFILE.senses['touch'], PROFILE.senses['gas'])
        )
        pictures = [image_message(Header(), picture) for picture in drive['pictures']]
        loop_s = float(drive['loop_s'])
        if plan['camera_hz']:
            self._repeat(camera, Image, plan['camera_hz'], pictures, loop_s, self.sent_ns)
        self._repeat(sense_topics['touch'], Image, _TOUCH_HZ, touch, loop_s, self._touch_ns)
        self._repeat(sense_topics['gas'], JointState, _GAS_HZ, gas, len(gas) / _GAS_HZ, [])
        self._subscribe(plan['answers'])

    def start(self) -> None:
        """Publish from now on."""
        # Its own pauses would be taken for those of whom it measures.
        gc.collect()
        gc.freeze()
        gc.disable()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Publish no more."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self.node.destroy_node()

    def sent_between(self, start_ns: int, end_ns: int) -> list[int]:
        """Return the stamps of pictures in a window; of a camera elsewhere, those answered."""
        stamps_ns = self.sent_ns or self.answered_ns
        return [stamp for stamp in list(stamps_ns) if start_ns <= stamp < end_ns]

    def pads_handled(self, start_ns: int, end_ns: int) -> float | None:
        """Return which share of the touch messages the process has received; `None`: unknown."""
        said = [(at, count) for at, count in list(self.pads) if start_ns <= at < end_ns]
        if len(said) < 2:
            return None
        (first_ns, first), (last_ns, last) = said[0], said[-1]
        sent = sum(first_ns <= stamp < last_ns for stamp in list(self._touch_ns))
        # A message may be on its way at either end.
        return min(1.0, (last - first) / sent) if sent else None

    def _subscribe(self, answers: str) -> None:
        def note(stamp_ns: int) -> int:
            now_ns = time.time_ns()
            self.answered_ns.setdefault(stamp_ns, now_ns)
            self.answered.set()
            return now_ns

        def on_text(message: String) -> None:
            stamp, _, count = message.data.partition(' ')
            self.pads.append((note(int(stamp)), int(count)))

        def on_diagnostics(message: DiagnosticArray) -> None:
            at_ns = _nanoseconds(message.header)
            for status in message.status:
                values = {value.key: value.value for value in status.values}
                if status.name.endswith(': mode'):
                    self.mode = values['mode']
                    if values['latency_p50_ms']:  # after the first answer
                        self.own_p50_ms = float(values['latency_p50_ms'])
                elif status.name.endswith(': touch'):
                    self.pads.append((at_ns, int(values['received'])))

        qos = qos_profile('answer')
        if answers == 'scores':
            topic = topics.ACTION_SCORES.name
            self.node.create_subscription(
                JointState, topic, lambda message: note(_nanoseconds(message.header)), qos
            )
            self.node.create_subscription(
                DiagnosticArray, topics.DIAGNOSTICS.name, on_diagnostics, qos
            )
        else:
            self.node.create_subscription(String, topics.ACTION.name, on_text, qos)

    def _repeat(
        self,
        topic: topics.Topic,
        message_class: type,
        rate_hz: float,
        messages: list[Any],
        loop_s: float,
        stamps_ns: list[int],
    ) -> None:
        """Publish at a rate what is due of a loop; note the stamps."""
        publisher = self.node.create_publisher(message_class, topic.name, qos_profile(topic.qos))

        def work() -> None:
            start_s, index = time.monotonic(), 0
            while not self._ended.is_set():
                t_s = index / rate_hz
                message = messages[int(t_s / loop_s * len(messages) + 1e-6) % len(messages)]
                stamp_ns = time.time_ns()
                stamp = message.header.stamp
                stamp.sec, stamp.nanosec = divmod(stamp_ns, 10**9)
                publisher.publish(message)
                stamps_ns.append(stamp_ns)
                index += 1
                time.sleep(max(0.0, start_s + index / rate_hz - time.monotonic()))

        self._threads.append(threading.Thread(target=work))

    def _spin(self) -> None:
        executor = SingleThreadedExecutor()
        executor.add_node(self.node)
        while not self._ended.is_set():
            executor.spin_once(timeout_sec=0.1)
        executor.shutdown()


def measure(sensors: Sensors, plan: dict[str, Any]) -> dict[str, Any]:
    """Start the process, measure it for a while, end it."""
    time.sleep(_LEAD_S)
    log = Path(plan['log'])
    with log.open('wb') as output:
        started_s = time.monotonic()
        process = subprocess.Popen(
            plan['command'],
            cwd=plan['root'],
            env={**os.environ, 'PYTHONPATH': plan['path']},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait(sensors.answered.is_set, process, log)
        first_answer_s = time.monotonic() - started_s
        time.sleep(plan['settle_s'])
        start_ns, start_cpu_s = time.time_ns(), cpu_s(process.pid)
        time.sleep(plan['seconds'])
        end_ns, end_cpu_s = time.time_ns(), cpu_s(process.pid)
        memory = memory_mib(process.pid)
        time.sleep(_LATE_S)
        if process.poll() is not None:
            raise SystemExit(f'it ended by itself: see {log}')
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
    sent = sensors.sent_between(start_ns, end_ns)
    latencies_ms = [
        (sensors.answered_ns[stamp] - stamp) / 1e6
        for stamp in sent
        if stamp in sensors.answered_ns
    ]
    share = sensors.pads_handled(start_ns, end_ns)
    return {
        'p50_ms': _percentile(latencies_ms, 50),
        'p99_ms': _percentile(latencies_ms, 99),
        'sent': len(sent),
        'lost_pct': 100.0 * (1.0 - len(latencies_ms) / len(sent)) if sent else None,
        'pad_pct': None if share is None else 100.0 * share,
        'cpu_pct': 100.0 * (end_cpu_s - start_cpu_s) / ((end_ns - start_ns) / 1e9),
        'first_answer_s': first_answer_s,
        'mode': sensors.mode,
        'own_p50_ms': sensors.own_p50_ms,
        **memory,
    }


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has had, seconds."""
    # The name before the last bracket may hold anything.
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _nanoseconds(header: Header) -> int:
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def _percentile(values: list[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None


def _wait(condition: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    end_s = time.monotonic() + _FIRST_ANSWER_S
    while not condition():
        if process.poll() is not None or time.monotonic() > end_s:
            raise SystemExit(f'expected an answer within {_FIRST_ANSWER_S:.0f} s: see {log}')
        time.sleep(0.002)


def main() -> None:
    """Measure what the argument says."""
    plan = json.loads(sys.argv[1])
    rclpy.init()
    sensors = Sensors(plan)
    sensors.start()
    try:
        print(json.dumps(measure(sensors, plan)), flush=True)
    finally:
        sensors.end()
        rclpy.shutdown()


if __name__ == '__main__':
    main()
