# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that stands in for a robot's sensors: a simulated wall, a folder of photographs, or a webcam."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.lifecycle import Publisher
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header, String

from crossmodal_kd_ros.contract import ACTIONS, GAS_NAMES, SENSORS, SURFACE_STATE
from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.nodes.managed import ManagedNode, run
from crossmodal_kd_ros.nodes.parameters import Refusal, Setting
from crossmodal_kd_ros.nodes.sources import PhotoSource, WebcamSource
from crossmodal_kd_ros.simulation import RATES_HZ, FaultSchedule, Injector, World

_WEBCAM_RETRY_S = 0.5

SETTINGS = (
    Setting(
        name='seed',
        default=0,
        low=0,
        high=2**31 - 1,
        description='Seed of the wall, or of the order of photos.',
    ),
    Setting(
        name='width', default=640, low=32, high=3840, description='Width of the pictures, pixels.'
    ),
    Setting(
        name='height',
        default=480,
        low=32,
        high=2160,
        description='Height of the pictures, pixels.',
    ),
    Setting(
        name='camera_hz',
        default=RATES_HZ['camera'],
        low=0.1,
        high=240.0,
        description='Pictures a second.',
    ),
    Setting(
        name='touch_hz',
        default=RATES_HZ['touch'],
        low=0.1,
        high=1000.0,
        description='Touch readings a second.',
    ),
    Setting(
        name='gas_hz',
        default=RATES_HZ['gas'],
        low=0.1,
        high=100.0,
        description='Gas readings a second.',
    ),
    Setting(
        name='faults',
        default='',
        dynamic=True,
        description='Faults, as sensor:start-end[:kind[:severity]], comma between; seconds since activation, or since '
        'they were set while active.',
    ),
    Setting(
        name='photos_dir',
        default='',
        description='Folder of photographs to show instead of the simulated wall.',
    ),
    Setting(
        name='camera_device',
        default=-1,
        low=-1,
        high=63,
        description='Number of a webcam to show instead of the simulated wall; -1: none.',
    ),
)

# Every beat starts this much after activation, so that the first readings are ready when they are
# due.
_LEAD_S = 0.1
_FRAME_IDS = {'camera': 'camera_optical_frame', 'touch': 'tactile_pad', 'gas': 'gas_hood'}
_TRUTH_NAMES = ('frame', 'action', *SURFACE_STATE, *(f'gas/{name}' for name in GAS_NAMES))

Messages = list[tuple[Publisher, Any]]


class SimulatorNode(ManagedNode):
    """Each sensor has a thread and a beat of its own, so that rendering a picture never delays a touch reading."""

    def __init__(self) -> None:
        """Declare the parameters; the rest waits for `configure`."""
        super().__init__('simulator_node', SETTINGS)

    def configure(self) -> None:
        """Open the source and create the publishers that it can feed."""
        self._schedule(self.setting('faults'), 0.0)
        try:
            self._source = self._open_source()
        except ValueError as error:
            raise Refusal(str(error)) from error
        self._camera = qos.publisher(self, Image, 'camera/image_raw', qos.SENSOR)
        self._outputs = [self._camera]
        if isinstance(self._source, World):
            self._touch = qos.publisher(self, Image, 'tactile/image', qos.SENSOR)
            self._gas = qos.publisher(self, JointState, 'gas/state', qos.SENSOR)
            self._truth = qos.publisher(self, JointState, 'simulation/truth', qos.TRUTH)
            self._touch_truth = qos.publisher(self, Image, 'simulation/tactile_truth', qos.TRUTH)
            self._expert = qos.publisher(self, String, 'simulation/expert', qos.TRUTH)
            self._outputs += [self._touch, self._gas, self._truth, self._touch_truth, self._expert]

    def activate(self) -> None:
        """Start every beat at the same instant, which is second 0 of the faults."""
        self._ended = threading.Event()
        self._start = self.get_clock().now() + Duration(nanoseconds=round(_LEAD_S * 1e9))
        self._start_s = time.monotonic() + _LEAD_S
        if isinstance(self._source, World):
            beats = {
                'camera': self._wall_messages,
                'touch': self._touch_messages,
                'gas': self._gas_messages,
            }
        elif isinstance(self._source, PhotoSource):
            beats = {'camera': self._photo_messages}
        else:
            beats = {}
        self._threads = [
            threading.Thread(target=self._keep_beat, args=beat, name=beat[0])
            for beat in beats.items()
        ]
        if isinstance(self._source, WebcamSource):
            self._threads = [
                threading.Thread(target=self._film, args=(self._source,), name='camera')
            ]
        for thread in self._threads:
            thread.start()

    def adjust(self, values: Mapping[str, Any]) -> None:
        """Let other faults happen, counted from now on."""
        self._schedule(values['faults'], time.monotonic() - self._start_s if self._active else 0.0)

    def deactivate(self) -> None:
        """End the beats."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def cleanup(self) -> None:
        """Close the source and let go of the publishers."""
        self._source.close()
        for publisher in self._outputs:
            self.destroy_lifecycle_publisher(publisher)

    def _schedule(self, faults: str, zero_s: float) -> None:
        """Break the sensors as `faults` says, whose second 0 is `zero_s` seconds after activation."""
        try:
            schedule = FaultSchedule.parse(faults)
        except ValueError as error:
            raise Refusal(str(error)) from error
        injectors = {
            sensor: Injector(sensor, schedule, seed=self.setting('seed')) for sensor in SENSORS
        }
        # Swapped in one go: the beats are threads of their own.
        self._breakage = zero_s, injectors

    def _open_source(self) -> World | PhotoSource | WebcamSource:
        size = {'width_px': self.setting('width'), 'height_px': self.setting('height')}
        photos_dir, camera_device = self.setting('photos_dir'), self.setting('camera_device')
        if photos_dir and camera_device >= 0:
            raise Refusal('expected photos_dir or camera_device, got both: leave one of them out')
        if photos_dir:
            return PhotoSource(
                photos_dir,
                seed=self.setting('seed'),
                on_skip=lambda path: self.get_logger().warning(
                    f'{path} is skipped: OpenCV cannot read it'
                ),
                **size,
            )
        return (
            WebcamSource(camera_device, **size)
            if camera_device >= 0
            else World(self.setting('seed'), **size)
        )

    def _keep_beat(self, sensor: str, prepare: Callable[[int, float, Header], Messages]) -> None:
        """Publish what `prepare` gives for each beat at its time; it is asked ahead of that, so that rendering costs none.

        A beat that was missed by more than a period is skipped rather than made up for in a burst.
        """
        rate_hz = self.setting(f'{sensor}_hz')
        index = 0
        while True:
            t_s = index / rate_hz
            messages = prepare(index, t_s, self._header(sensor, t_s))
            if self._ended.wait(max(0.0, self._start_s + t_s - time.monotonic())):
                return
            for publisher, message in messages:
                publisher.publish(message)
            index = max(index + 1, int((time.monotonic() - self._start_s) * rate_hz))

    def _film(self, webcam: WebcamSource) -> None:
        while not self._ended.is_set():
            picture = webcam.read()
            if picture is None:
                self.get_logger().error('the webcam gives no picture', throttle_duration_sec=5.0)
                self._ended.wait(_WEBCAM_RETRY_S)
                continue
            t_s = time.monotonic() - self._start_s
            self._camera.publish(conversions.image_message(self._header('camera', t_s), picture))

    def _wall_messages(self, index: int, t_s: float, header: Header) -> Messages:
        messages = self._photo_messages(index, t_s, header)
        truth = self._source.truth(t_s)
        values = [index, ACTIONS.index(truth.action), *truth.surface, *truth.gas]
        expert = {
            name: getattr(truth, name)
            for name in ('action', 'reason', 'material', 'lighting', 'description')
        }
        return messages + [
            (self._truth, conversions.named_values(header, _TRUTH_NAMES, values)),
            (self._touch_truth, conversions.touch_message(header, truth.touch)),
            (self._expert, String(data=json.dumps(expert))),
        ]

    def _photo_messages(self, index: int, t_s: float, header: Header) -> Messages:
        return self._broken(
            'camera',
            t_s,
            header,
            self._source.camera(t_s),
            self._camera,
            conversions.image_message,
        )

    def _touch_messages(self, index: int, t_s: float, header: Header) -> Messages:
        return self._broken(
            'touch', t_s, header, self._source.touch(t_s), self._touch, conversions.touch_message
        )

    def _gas_messages(self, index: int, t_s: float, header: Header) -> Messages:
        return self._broken('gas', t_s, header, self._source.gas(t_s), self._gas, _gas_message)

    def _broken(
        self,
        sensor: str,
        t_s: float,
        header: Header,
        value: np.ndarray,
        publisher: Publisher,
        make: Callable[[Header, np.ndarray], Any],
    ) -> Messages:
        """Return what a sensor sends when it reads `value`: one message, or whatever its faults make of it."""
        zero_s, injectors = self._breakage
        messages = []
        for delivery in injectors[sensor].deliver(
            t_s - zero_s, conversions.stamp_ns(header), value
        ):
            stamp = Time(sec=delivery.stamp_ns // 10**9, nanosec=delivery.stamp_ns % 10**9)
            sent = Header(stamp=stamp, frame_id=header.frame_id)
            if delivery.value is None:
                message = make(sent, value)
                message.data = message.data[: len(message.data) // 2]
            else:
                message = make(sent, delivery.value)
            messages.append((publisher, message))
        return messages

    def _header(self, sensor: str, t_s: float) -> Header:
        stamp = self._start + Duration(nanoseconds=round(t_s * 1e9))
        return Header(stamp=stamp.to_msg(), frame_id=_FRAME_IDS[sensor])


def _gas_message(header: Header, gas: np.ndarray) -> JointState:
    return conversions.named_values(header, GAS_NAMES, gas)


def main(args: list[str] | None = None) -> int:
    """Run the node; return the exit code of the process."""
    return run(SimulatorNode, 'simulator_node', args)


if __name__ == '__main__':
    raise SystemExit(main())
