# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that decides: camera, touch and gas in; action, estimates, mode and diagnostics out."""

import gc
import threading
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Float32MultiArray, Header, String

from crossmodal_kd_ros.contract import GAS_NAMES, HOLD, Estimate, Mode
from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.nodes.diagnostics import diagnostics
from crossmodal_kd_ros.nodes.managed import ManagedNode, run
from crossmodal_kd_ros.nodes.overlay import OverlayPublisher
from crossmodal_kd_ros.nodes.parameters import Refusal, Setting
from crossmodal_kd_ros.runtime import (
    Calibration,
    CalibrationError,
    Engine,
    LatencyWindow,
    Limits,
    ModeChange,
    Pipeline,
    load_calibration,
)

# A dead camera brings no image that could announce it: this beat does, within one and a half
# frames of 30 Hz.
_BEAT_S = 0.05
_DIAGNOSTICS_S = 1.0
_LIMITS = Limits()
_LIMIT_NAMES = [field.name for field in fields(Limits)]
_TIMEOUT = {'low': 0.01, 'high': 60.0}

SETTINGS = (
    Setting(
        name='models_dir',
        default='',
        description='Folder with student.safetensors and teacher.safetensors; empty: the weights of this package.',
    ),
    Setting(
        name='device',
        default='cpu',
        description='Torch device that runs the networks, such as cpu or cuda:0.',
    ),
    Setting(
        name='threads',
        default=1,
        low=1,
        high=64,
        description='CPU threads of torch and of OpenCV.',
    ),
    Setting(
        name='camera_transport',
        default='raw',
        choices=('raw', 'compressed'),
        description='raw: Image on camera/image_raw; compressed: CompressedImage on camera/image_raw/compressed.',
    ),
    Setting(
        name='touch_format',
        default='image',
        choices=('image', 'multiarray'),
        description='Type of tactile/image. image: Image, 32FC1, 16x16; multiarray: Float32MultiArray of 256.',
    ),
    Setting(
        name='gas_format',
        default='joint_state',
        choices=('joint_state', 'multiarray'),
        description='Type of gas/state. joint_state: JointState; multiarray: Float32MultiArray of 8.',
    ),
    Setting(
        name='camera_timeout_s',
        default=_LIMITS.camera_timeout_s,
        dynamic=True,
        **_TIMEOUT,
        description='Age at which an image is stale, seconds.',
    ),
    Setting(
        name='touch_timeout_s',
        default=_LIMITS.touch_timeout_s,
        dynamic=True,
        **_TIMEOUT,
        description='Age at which a touch reading is stale, seconds.',
    ),
    Setting(
        name='gas_timeout_s',
        default=_LIMITS.gas_timeout_s,
        dynamic=True,
        **_TIMEOUT,
        description='Age at which a gas reading is stale, seconds.',
    ),
    Setting(
        name='recovery_s',
        default=_LIMITS.recovery_s,
        low=0.0,
        high=60.0,
        dynamic=True,
        description='How long a sensor that failed must be good before it counts again, seconds.',
    ),
    Setting(
        name='min_confidence',
        default=_LIMITS.min_confidence,
        low=0.0,
        high=1.0,
        dynamic=True,
        description='Probability of the best action under which the robot holds; a calibration may ask for more.',
    ),
)

# Sensor: the parameter that chooses how it comes, and for each choice its type, its topic and what
# reads it.
INPUTS = {
    'camera': (
        'camera_transport',
        {
            'raw': (Image, 'camera/image_raw', conversions.image_reader),
            'compressed': (
                CompressedImage,
                'camera/image_raw/compressed',
                conversions.compressed_image_reader,
            ),
        },
    ),
    'touch': (
        'touch_format',
        {
            'image': (Image, 'tactile/image', conversions.touch_from_image),
            'multiarray': (Float32MultiArray, 'tactile/image', conversions.touch_from_array),
        },
    ),
    'gas': (
        'gas_format',
        {
            'joint_state': (JointState, 'gas/state', conversions.gas_from_joint_state),
            'multiarray': (Float32MultiArray, 'gas/state', conversions.gas_from_array),
        },
    ),
}


class MaintenanceNode(ManagedNode):
    """Callbacks store readings; one worker thread answers the newest image; a beat announces what no image would."""

    def __init__(self) -> None:
        """Declare the parameters; the rest waits for `configure`."""
        super().__init__('maintenance_node', SETTINGS)
        self._pipeline: Pipeline | None = None

    def configure(self) -> None:
        """Load the weights and create the publishers."""
        self._limits = Limits(**{name: self.setting(name) for name in _LIMIT_NAMES})
        models_dir = self.setting('models_dir') or str(share_dir() / 'models')
        self._engine = _load_engine(models_dir, self.setting('device'), self.setting('threads'))
        self._calibration = _load_calibration(models_dir)
        self.get_logger().info(f'configured with {self._engine.name}')
        if self._calibration is None:
            self.get_logger().info(
                f'no calibration.json in {models_dir}: no intervals, no check of touch and gas against the picture; make '
                'one with "crossmodal-kd calibrate"'
            )
        self._action = qos.publisher(self, String, 'maintenance/action', qos.ANSWER)
        self._scores = qos.publisher(self, JointState, 'maintenance/action_scores', qos.ANSWER)
        self._touch_estimate = qos.publisher(
            self, Image, 'maintenance/tactile_estimate', qos.ANSWER
        )
        self._gas_estimate = qos.publisher(
            self, JointState, 'maintenance/gas_estimate', qos.ANSWER
        )
        self._surface = qos.publisher(self, JointState, 'maintenance/surface_state', qos.ANSWER)
        self._mode = qos.publisher(self, String, 'maintenance/mode', qos.STATE)
        self._mode_reason = qos.publisher(self, String, 'maintenance/mode_reason', qos.STATE)
        self._diagnostics = qos.publisher(self, DiagnosticArray, '/diagnostics', qos.ANSWER)
        self._overlay = OverlayPublisher(self, models_dir)

    def activate(self) -> None:
        """Start with no reading, in `HOLD`."""
        self._pipeline = Pipeline(
            self._engine,
            limits=self._limits,
            calibration=self._calibration,
            on_mode=self._announce,
        )
        self._latency = LatencyWindow()
        self._announced: Mode | None = None
        self._wake, self._ending = threading.Event(), False
        self._worker = threading.Thread(target=self._work, name='inference')
        self._overlay.start()
        self._worker.start()
        self._timers_of_activity = [
            self.create_timer(_BEAT_S, self._beat),
            self.create_timer(_DIAGNOSTICS_S, self._report),
        ]
        listeners = {'camera': self._on_image, 'touch': self._on_touch, 'gas': self._on_gas}
        self._read, self._inputs = {}, []
        for sensor, (parameter, kinds) in INPUTS.items():
            message_type, topic, self._read[sensor] = kinds[self.setting(parameter)]
            self._inputs.append(
                qos.subscription(self, message_type, topic, listeners[sensor], qos.SENSOR)
            )

    def deactivate(self) -> None:
        """Stop listening, finish the answer under way and tell everybody to hold."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        for timer in self._timers_of_activity:
            self.destroy_timer(timer)
        self._ending = True
        self._wake.set()
        self._worker.join()
        self._overlay.stop()
        self._announce(
            ModeChange(now_ns=self._now_ns(), mode=Mode.HOLD, reason='the node is not active')
        )

    def adjust(self, values: Mapping[str, Any]) -> None:
        """Judge by other limits from now on."""
        self._limits = replace(self._limits, **values)
        if self._pipeline is not None:
            self._pipeline.set_limits(self._limits)
        self.get_logger().info(
            ', '.join(f'{name} is now {value}' for name, value in values.items())
        )

    def cleanup(self) -> None:
        """Let go of the weights and the publishers."""
        del self._engine
        self._pipeline = None
        for publisher in (
            self._action,
            self._scores,
            self._touch_estimate,
            self._gas_estimate,
            self._surface,
            self._mode,
            self._mode_reason,
            self._diagnostics,
        ):
            self.destroy_lifecycle_publisher(publisher)
        self._overlay.close()

    def _on_image(self, message: Image | CompressedImage) -> None:
        try:
            stamp_ns, read = conversions.stamp_ns(message.header), self._read['camera'](message)
        except conversions.BadMessage as bad:
            self._reject('camera', bad)
            return
        self._pipeline.put_image(stamp_ns, read, origin=message.header, now_ns=self._now_ns())
        self._wake.set()

    def _on_touch(self, message: Image | Float32MultiArray) -> None:
        self._store('touch', message, self._pipeline.put_touch)

    def _on_gas(self, message: JointState | Float32MultiArray) -> None:
        self._store('gas', message, self._pipeline.put_gas)

    def _store(self, sensor: str, message: Any, put: Callable[..., None]) -> None:
        try:
            now_ns = self._now_ns()
            # An array has no header: it counts from its arrival.
            stamp_ns = (
                conversions.stamp_ns(message.header) if hasattr(message, 'header') else now_ns
            )
            put(stamp_ns, self._read[sensor](message), now_ns=now_ns)
        except conversions.BadMessage as bad:
            self._reject(sensor, bad)

    def _reject(self, sensor: str, bad: conversions.BadMessage) -> None:
        self._pipeline.reject(sensor, str(bad))
        self.get_logger().warning(
            f'a {sensor} message was rejected: {bad}', throttle_duration_sec=5.0
        )

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ending:
                return
            frame = self._pipeline.take_frame()
            if frame is None:
                continue
            estimate = self._pipeline.answer(frame, self._now_ns())
            if estimate is not None:
                self._publish(frame.origin, estimate)
                self._latency.add((self._now_ns() - estimate.stamp_ns) / 1e9)
                self._overlay.offer(frame, estimate)

    def _publish(self, header: Header, estimate: Estimate) -> None:
        self._scores.publish(conversions.action_scores(header, estimate))
        self._action.publish(String(data=estimate.action))
        self._touch_estimate.publish(conversions.touch_message(header, estimate.touch))
        self._gas_estimate.publish(conversions.named_values(header, GAS_NAMES, estimate.gas))
        self._surface.publish(conversions.surface_state(header, estimate))

    def _beat(self) -> None:
        # Repeated as long as it holds, so that whoever watches the action needs no second topic to
        # stay safe.
        if self._pipeline.update(self._now_ns()) is Mode.HOLD:
            self._action.publish(String(data=HOLD))

    def _announce(self, change: ModeChange) -> None:
        # The reason first: whoever reacts to the mode has it already.
        self._mode_reason.publish(String(data=f'{change.mode}: {change.reason}'))
        if change.mode is not self._announced:
            self._announced = change.mode
            self._mode.publish(String(data=str(change.mode)))
        if change.mode is Mode.HOLD:
            self._action.publish(String(data=HOLD))
        self.get_logger().info(f'{change.mode}: {change.reason}')

    def _report(self) -> None:
        now = self.get_clock().now()
        self._diagnostics.publish(
            diagnostics(
                self._pipeline.report(now.nanoseconds),
                stamp=now.to_msg(),
                node=self.get_fully_qualified_name(),
                model=self._engine.name,
                latency_ms=self._latency.percentiles_ms(50, 99),
            )
        )

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds


def _load_engine(models_dir: str, device: str, threads: int) -> Engine:
    # Imported here: torch takes seconds to import, and a node that refuses its parameters should
    # not wait for it. Without the garbage collector, which would search torch's growing heap again
    # and again: 2.0 s in place of 2.3 s.
    gc.disable()
    try:
        from crossmodal_kd_ros.networks import WeightsError
        from crossmodal_kd_ros.runtime.torch_engine import TorchEngine
    finally:
        gc.enable()

    try:
        return TorchEngine(models_dir, device=device, threads=threads)
    except (WeightsError, ValueError) as error:
        raise Refusal(str(error)) from error


def _load_calibration(models_dir: str) -> Calibration | None:
    try:
        return load_calibration(models_dir)
    except CalibrationError as error:
        raise Refusal(str(error)) from error


def main(args: list[str] | None = None) -> int:
    """Run the node; return the exit code of the process."""
    return run(MaintenanceNode, 'maintenance_node', args)


if __name__ == '__main__':
    raise SystemExit(main())
