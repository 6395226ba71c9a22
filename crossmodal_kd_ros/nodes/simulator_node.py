# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that stands in for sensors: a simulated living wall, photographs, or a webcam."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from std_msgs.msg import Header, String

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.nodes import conversions
from crossmodal_kd_ros.nodes.cameras import CameraLost, DeviceSource, PhotoSource
from crossmodal_kd_ros.nodes.clock import Pace
from crossmodal_kd_ros.nodes.managed import ManagedNode, log_failure, run
from crossmodal_kd_ros.nodes.parameters import Parameter
from crossmodal_kd_ros.profile import CAMERA
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.runtime.topics import Topic
from crossmodal_kd_ros.simulation import (
    FRAME_IDS,
    PROFILE,
    RATES_HZ,
    FaultSchedule,
    Injector,
    World,
    arm,
)

_WEBCAM_RETRY_S = 0.5
# Every sensor starts this much after activation, so that its first readings are ready when they
# are due.
_LEAD_S = 0.1

SENSE_RATES = tuple(
    Parameter(
        name=f'{sense}_hz',
        default=RATES_HZ[sense],
        min=0.1,
        max=1000.0,
        description=f'{sense.capitalize()} readings a second.',
    )
    for sense in PROFILE.senses
)
PARAMETERS = (
    Parameter(
        name='seed',
        default=0,
        min=0,
        max=2**31 - 1,
        description='Seed of the wall, or of the order of photos.',
    ),
    Parameter(
        name='width', default=640, min=32, max=3840, description='Width of the pictures, pixels.'
    ),
    Parameter(
        name='height', default=480, min=32, max=2160, description='Height of the pictures, pixels.'
    ),
    Parameter(
        name='camera_hz',
        default=RATES_HZ[CAMERA],
        min=0.1,
        max=240.0,
        description='Pictures a second.',
    ),
    *SENSE_RATES,
    Parameter(
        name='faults',
        default='',
        changes='at once',
        description='Faults, as sensor:start-end[:kind[:severity]], comma between; seconds since '
        'activation, or since they were set while active.',
    ),
    Parameter(
        name='photos_dir',
        default='',
        description='Folder of photographs to show instead of the simulated wall.',
    ),
    Parameter(
        name='camera_device',
        default=-1,
        min=-1,
        max=63,
        description='Number of a webcam to show instead of the simulated wall; -1: none.',
    ),
)

# Of the profile living_wall_arm; it is worked out while somebody listens.
_ARM = Topic(next(iter(arm.SENSE.topics)), topics.JOINT_STATE, 'sensor')
Messages = list[tuple[Topic, Any]]
_INPUTS = {
    CAMERA: Topic(PROFILE.camera.topic, topics.IMAGE, 'sensor'),
    **dict(topics.sense_topics(PROFILE)),
}


class SimulatorNode(ManagedNode):
    """Each sensor has a thread of its own: rendering a picture delays no other reading."""

    def __init__(self, args: Sequence[str]) -> None:
        """Declare the parameters; the rest waits for `on_configure`."""
        super().__init__('simulator_node', args, PARAMETERS)
        self._threads: list[threading.Thread] = []

    @log_failure
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the source and create the publishers that it can feed."""
        self._values = self.parameter_values()
        self._schedule(self._values['faults'], 0.0)  # refused now, if at all
        self._source = self._open_source()
        outputs = [_INPUTS[CAMERA]]
        if isinstance(self._source, World):
            outputs = [*_INPUTS.values(), _ARM, *topics.simulation_topics(PROFILE)]
        self.advertise(outputs)
        return super().on_configure(state)

    @log_failure
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start every sensor at the same instant, which is second 0 of the faults."""
        super().on_activate(state)
        self._ended = threading.Event()
        self._pace = Pace(self, _LEAD_S)
        self._schedule(self.parameter_values()['faults'], 0.0)
        if isinstance(self._source, DeviceSource):
            self._threads = [threading.Thread(target=self._film, name=CAMERA)]
        else:
            prepare = {CAMERA: self._picture_messages}
            if isinstance(self._source, World):
                prepare = {CAMERA: self._wall_messages}
                prepare |= dict.fromkeys(PROFILE.senses, self._sense_messages)
                prepare[arm.SENSE.name] = self._arm_messages
            self._threads = [
                threading.Thread(target=self._repeat, args=(sensor, messages), name=sensor)
                for sensor, messages in prepare.items()
            ]
        for thread in self._threads:
            thread.start()
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End the threads."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close the source."""
        self._source.close()
        return super().on_cleanup(state)

    def on_parameters_changed(self, values: Mapping[str, Any]) -> None:
        """Let other faults happen, counted from now on."""
        self._schedule(values['faults'], self._pace.now_s() if self._threads else 0.0)

    def _schedule(self, faults: str, zero_s: float) -> None:
        """Break the sensors as `faults` says; its second 0 is `zero_s` after activation."""
        try:
            schedule = FaultSchedule.parse(faults)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        seed = self.parameter_values()['seed']
        injectors = {sensor: Injector(sensor, schedule, seed=seed) for sensor in PROFILE.sensors}
        # Replaced in one go: each sensor's thread reads it.
        self._faults = zero_s, injectors

    def _open_source(self) -> World | PhotoSource | DeviceSource:
        values = self._values
        size = {'width_px': values['width'], 'height_px': values['height']}
        if values['photos_dir'] and values['camera_device'] >= 0:
            raise ConfigurationError(
                'expected photos_dir or camera_device, got both: leave one of them out'
            )
        if values['photos_dir']:
            return PhotoSource(
                values['photos_dir'],
                seed=values['seed'],
                on_skip=lambda path, why: self.get_logger().warning(f'{path} is skipped: {why}'),
                **size,
            )
        if values['camera_device'] >= 0:
            path = f'/dev/video{values["camera_device"]}'
            return DeviceSource(path, size_px=(values['width'], values['height']))
        try:
            return arm.ArmedWorld(values['seed'], **size)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    def _repeat(self, sensor: str, prepare: Callable[[str, int, float], Messages]) -> None:
        """Publish what `prepare(sensor, index, t_s)` returns, at the sensor's rate.

        It is called ahead of time, so that rendering delays nothing. A message that would be late
        by more than a period is skipped rather than made up for in a burst.
        """
        rate_hz = self._values.get(f'{sensor}_hz', 1.0 / arm.SENSE.period_s)
        index = 0
        while True:
            t_s, jumps = index / rate_hz, self._pace.jumps
            messages = prepare(sensor, index, t_s)
            if self._pace.wait(t_s, self._ended):
                return
            if self._pace.jumps == jumps:  # else they have stamps of another time
                for topic, message in messages:
                    self.send(topic, message)
            index = max(index + 1, int(self._pace.now_s() * rate_hz))

    def _film(self) -> None:
        """Publish what the webcam shows, at its own pace."""
        while not self._ended.is_set():
            try:
                t_s, picture = self._source.capture(self._pace.now_s)
            except CameraLost as error:
                self._reopen(error)
                continue
            make = conversions.image_message
            for topic, message in self._with_faults(CAMERA, t_s, picture, make):
                self.send(topic, message)

    def _reopen(self, error: CameraLost) -> None:
        """Close the webcam, and open it again when it can be."""
        logger = self.get_logger()
        logger.warning(f'{error}: it is opened again when it is back', throttle_duration_sec=5.0)
        self._source.close()
        while not self._ended.wait(_WEBCAM_RETRY_S):
            try:
                self._source = self._open_source()
            except ConfigurationError:
                continue
            logger.info('the camera is open again')
            return

    def _wall_messages(self, sensor: str, index: int, t_s: float) -> Messages:
        """Return a picture and the truth at its time, all with the header of the picture."""
        messages = self._picture_messages(sensor, index, t_s)
        header, truth = self._header(sensor, t_s), self._source.truth(t_s)
        action = PROFILE.actions.index(truth.action)
        channels = [
            truth.readings[name]
            for name, sense in PROFILE.senses.items()
            if sense.layout == 'channels'
        ]
        values = np.concatenate([[index, action], truth.quantities, *channels])
        expert = {
            name: getattr(truth, name)
            for name in ('action', 'reason', 'material', 'lighting', 'description')
        }
        messages.append(
            (topics.TRUTH, conversions.named_values(header, topics.truth_fields(PROFILE), values))
        )
        messages += [
            (topic, _reading_message(sense, header, truth.readings[sense]))
            for sense, topic in topics.grid_truths(PROFILE).items()
        ]
        messages.append((topics.EXPERT, String(data=json.dumps(expert))))
        return messages

    def _picture_messages(self, sensor: str, index: int, t_s: float) -> Messages:
        return self._with_faults(sensor, t_s, self._source.camera(t_s), conversions.image_message)

    def _sense_messages(self, sense: str, index: int, t_s: float) -> Messages:
        reading = self._source.read(sense, t_s)
        return self._with_faults(sense, t_s, reading, partial(_reading_message, sense))

    def _arm_messages(self, sense: str, index: int, t_s: float) -> Messages:
        if not self.is_heard(_ARM):
            return []
        stamp = _stamp(self._pace.stamp_ns(t_s))
        header = Header(stamp=stamp, frame_id=arm.FRAME_ID)
        return [(_ARM, conversions.reading_message(header, arm.SENSE, self._source.arm(t_s)))]

    def _with_faults(
        self, sensor: str, t_s: float, value: np.ndarray, make: Callable[[Header, np.ndarray], Any]
    ) -> Messages:
        """Return what a sensor sends for `value`: one message, or what its faults make of it."""
        zero_s, injectors = self._faults
        stamp_ns = self._pace.stamp_ns(t_s)
        messages = []
        for delivery in injectors[sensor].deliver(t_s - zero_s, stamp_ns, value):
            header = _header(sensor, delivery.stamp_ns)
            if delivery.value is None:
                message = make(header, value)
                message.data = message.data[: len(message.data) // 2]
            else:
                message = make(header, delivery.value)
            messages.append((_INPUTS[sensor], message))
        return messages

    def _header(self, sensor: str, t_s: float) -> Header:
        return _header(sensor, self._pace.stamp_ns(t_s))


def _header(sensor: str, stamp_ns: int) -> Header:
    return Header(stamp=_stamp(stamp_ns), frame_id=FRAME_IDS[sensor])


def _stamp(stamp_ns: int) -> Time:
    return Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)


def _reading_message(sense: str, header: Header, reading: np.ndarray) -> Any:
    return conversions.reading_message(header, PROFILE.senses[sense], reading)


def main(args: list[str] | None = None) -> int:
    """Run the node; return the exit code of the process."""
    return run(SimulatorNode, 'simulator_node', args)


if __name__ == '__main__':
    raise SystemExit(main())
