# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that decides: a profile's sensors in; action, estimates, mode and diagnostics out."""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from std_msgs.msg import Header, String

from crossmodal_kd_ros.calibration.model import load_calibration
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.health.reasons import ReasonCode, join
from crossmodal_kd_ros.nodes import conversions, qos
from crossmodal_kd_ros.nodes.diagnostics import LatencyWindow, diagnostics
from crossmodal_kd_ros.nodes.in_process_camera import InProcessCamera
from crossmodal_kd_ros.nodes.managed import ManagedNode, log_failure, run
from crossmodal_kd_ros.nodes.overlay import OverlayPublisher
from crossmodal_kd_ros.nodes.parameters import PROFILE, Parameter, read_profile
from crossmodal_kd_ros.profile import CAMERA, HOLD, Mode, Profile
from crossmodal_kd_ros.repair import RepairCommand, make_planner
from crossmodal_kd_ros.runtime import (
    ENGINES,
    Answer,
    ModeChange,
    Pipeline,
    RuntimeConfig,
    make_engine,
    topics,
)
from crossmodal_kd_ros.runtime.messages import BadMessage
from crossmodal_kd_ros.runtime.sources import CameraReader, SenseReader

# A dead camera brings no image that could announce it: this beat does, within one and a half
# frames of 30 Hz.
_BEAT_S = 0.05
_DIAGNOSTICS_S = 1.0
# A profile may ask for more.
MAX_TIMEOUT_S = 60.0


def parameters(profile: Profile) -> tuple[Parameter, ...]:
    """Return the parameters of the node under a profile, which says what its sensors are."""
    defaults = RuntimeConfig.of(profile)
    return (
        PROFILE,
        Parameter(
            name='models_dir',
            default='',
            description='Folder with student.safetensors and teacher.safetensors; empty: the '
            'weights of this package.',
        ),
        Parameter(
            name='engine',
            default=ENGINES[0],
            choices=ENGINES,
            description='What runs the networks.',
        ),
        Parameter(
            name='device',
            default='cpu',
            description='Device that runs the networks, such as cpu or cuda:0.',
        ),
        Parameter(
            name='threads',
            default=1,
            min=1,
            max=64,
            description='CPU threads of the engine and of OpenCV.',
        ),
        Parameter(
            name='camera_transport',
            default='raw',
            choices=('raw', 'compressed'),
            description="raw: Image on the camera's topic; compressed: CompressedImage on the "
            'same name with /compressed behind.',
        ),
        Parameter(
            name='camera_source',
            default='',
            description='Camera within this process, which needs no driver: v4l2:/dev/video0, a '
            'folder of pictures, a video file, or simulator. Empty: pictures come on the '
            "camera's topic.",
        ),
        Parameter(
            name='camera_frame_id',
            default='camera_optical_frame',
            description='Frame of the pictures of camera_source.',
        ),
        *(
            Parameter(
                name=f'{sensor}_timeout_s',
                default=timeout_s,
                min=min(0.01, timeout_s),
                max=max(MAX_TIMEOUT_S, timeout_s),
                changes='at once',
                from_profile=True,
                description=f'Age at which a {sensor} reading is stale, seconds.',
            )
            for sensor, timeout_s in defaults.timeouts_s.items()
        ),
        Parameter(
            name='wall_materials',
            default='',
            description='What the wall is made of, such as bio_concrete,algae_panel: names of '
            'config/repair.yaml. Empty: any of them. Who knows it presses more surely.',
        ),
        Parameter(
            name='recovery_s',
            default=defaults.recovery_s,
            min=0.0,
            max=60.0,
            changes='at once',
            description='How long a sensor that failed must be good before it counts again, '
            'seconds.',
        ),
        Parameter(
            name='min_confidence',
            default=defaults.min_confidence,
            min=0.0,
            max=1.0,
            changes='at once',
            description='Probability of the best action under which the robot holds; a '
            'calibration may ask for more.',
        ),
    )


def camera_topic(profile: Profile, transport: str) -> topics.Topic:
    """Return the topic of the pictures under a value of `camera_transport`."""
    name = profile.camera.topic
    if transport == 'compressed':
        return topics.Topic(f'{name}/compressed', topics.COMPRESSED_IMAGE, 'sensor')
    return topics.Topic(name, topics.IMAGE, 'sensor')


class MaintenanceNode(ManagedNode):
    """Callbacks store readings, one worker thread answers the newest image.

    A timer announces what no image would announce: that the camera is dead, or the clock. It is
    steady, whatever `/clock` does or the system's clock is set to.
    """

    def __init__(self, args: Sequence[str]) -> None:
        """Declare the parameters; the rest waits for `on_configure`."""
        super().__init__('maintenance_node', args)
        self._profile = read_profile(self)
        self.declare_all(parameters(self._profile))
        self._pipeline: Pipeline | None = None

    @log_failure
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the weights; create publishers and subscriptions."""
        values, profile = self.parameter_values(), self._profile
        self._config = _runtime_config(profile, values)
        models_dir = values['models_dir'] or str(share_dir() / 'models')
        placement = {name: values[name] for name in ('device', 'threads')}
        self._engine = make_engine(values['engine'], models_dir, profile, **placement)
        self._calibration = load_calibration(models_dir, profile)
        self.get_logger().info(
            f'configured with {self._engine.kind}: {self._engine.weights}, for {profile.name}'
        )
        if self._calibration is None:
            self.get_logger().info(
                f'no calibration.json in {models_dir}: no intervals, no check of the senses '
                'against the picture; make one with "crossmodal-kd calibrate"'
            )
        materials = [name.strip() for name in values['wall_materials'].split(',') if name.strip()]
        self._planner = make_planner(profile, self._calibration, materials=materials)
        self.advertise(topics.outputs(profile))
        self._overlay = OverlayPublisher(self, models_dir, profile)
        self._sensors_by_topic: dict[str, list[str]] = {}
        self._camera: InProcessCamera | None = None
        if values['camera_source']:
            self._camera = InProcessCamera(
                self,
                camera_topic(profile, 'raw'),
                source=values['camera_source'],
                frame_id=values['camera_frame_id'],
                period_s=profile.camera.period_s,
            )
            self._sensors_by_topic[self._camera.topic_name] = [CAMERA]
        else:
            camera = camera_topic(profile, values['camera_transport'])
            self._camera_reader = CameraReader(camera.type, profile.camera.view_px)
            self._listen(CAMERA, camera, self._on_image)
        for sense, topic in topics.sense_topics(profile):
            self._listen(sense, topic, partial(self._on_message, sense, topic.name))
        return super().on_configure(state)

    @log_failure
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start with no reading, in `HOLD`."""
        if self._camera is not None:
            self._camera.open()
        super().on_activate(state)
        self._readers = {name: SenseReader(sense) for name, sense in self._profile.senses.items()}
        self._latency = LatencyWindow()
        self._announced: Mode | None = None
        self._known_rivals: list[str] = []
        self._wake, self._ending = threading.Event(), False
        self._worker = threading.Thread(target=self._work, name='inference')
        self._pipeline = Pipeline(
            self._engine,
            config=self._config,
            calibration=self._calibration,
            on_mode=self._announce,
        )
        self._overlay.start()
        self._worker.start()
        if self._camera is not None:
            self._camera.start(self._on_picture, partial(self._reject, CAMERA))
        self.every(_BEAT_S, self._beat)
        self.every(_DIAGNOSTICS_S, self._report)
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Finish the answer under way and tell everybody to hold."""
        if self._camera is not None:
            self._camera.stop()
        self._ending = True
        self._wake.set()
        self._worker.join()
        self._overlay.stop()
        self._pipeline = None
        self._announce(
            ModeChange(now_ns=self._now_ns(), mode=Mode.HOLD, reason='the node is not active')
        )
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release camera, overlay and weights."""
        if self._camera is not None:
            self._camera.close()
        self._overlay.close()
        del self._engine
        return super().on_cleanup(state)

    def on_parameters_changed(self, values: Mapping[str, Any]) -> None:
        """Use other timeouts and limits from now on."""
        self._config = _runtime_config(self._profile, {**self.parameter_values(), **values})
        if self._pipeline is not None:
            self._pipeline.configure(self._config)
        self.get_logger().info(
            ', '.join(f'{name} is now {value}' for name, value in values.items())
        )

    def _listen(self, sensor: str, topic: topics.Topic, callback: Callable[[Any], None]) -> None:
        name = self.listen(topic, callback).topic_name
        self._sensors_by_topic.setdefault(name, []).append(sensor)

    def _on_picture(self, header: Header, stamp_ns: int, picture: np.ndarray) -> None:
        self._pipeline.put_image(stamp_ns, picture, origin=header, now_ns=self._now_ns())
        self._wake.set()

    def _on_image(self, message: Any) -> None:
        if self._pipeline is None:
            return
        try:
            stamp_ns, decode = self._camera_reader.read(message)
        except BadMessage as error:
            self._reject(CAMERA, error)
            return
        self._pipeline.put_image(stamp_ns, decode, origin=message.header, now_ns=self._now_ns())
        self._wake.set()

    def _on_message(self, sense: str, topic: str, message: Any) -> None:
        if self._pipeline is None:
            return
        now_ns = self._now_ns()
        try:
            reading = self._readers[sense].read(topic, message, now_ns)
        except BadMessage as error:
            self._reject(sense, error)
            return
        if reading is not None:
            self._pipeline.put(sense, *reading, now_ns=now_ns)

    def _reject(self, sensor: str, error: CrossmodalError) -> None:
        self._pipeline.reject(sensor, str(error))
        self.get_logger().warning(
            f'a {sensor} message was rejected: {error}', throttle_duration_sec=5.0
        )

    def _work(self) -> None:
        pipeline = self._pipeline
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ending:
                return
            frame = pipeline.take_frame()
            if frame is None:
                continue
            try:
                answer = pipeline.answer(frame, self._now_ns())
                if answer is not None:
                    self._publish(frame.origin, answer)
                    self._latency.add((self._now_ns() - answer.estimate.stamp_ns) / 1e9)
                    self._overlay.offer(frame.origin, answer)
            except Exception as error:  # noqa: BLE001  without this thread nobody answers any more
                pipeline.fail(error, ReasonCode.ANSWER_FAILED)
                self.get_logger().error(
                    f'the answer failed: {type(error).__name__}: {error}',
                    throttle_duration_sec=5.0,
                )

    def _publish(self, header: Header, answer: Answer) -> None:
        profile, estimate = self._profile, answer.estimate
        # Planned first: what cannot be planned is not sent to act on either.
        command = None
        if self._planner is not None and any(map(self.is_heard, topics.REPAIR)):
            command = self._planner.plan(answer)
        self._offer(topics.ACTION_SCORES, conversions.action_scores, header, profile, estimate)
        action = String(data=estimate.action)
        if not self._pipeline.act_on(answer, lambda: self.send(topics.ACTION, action)):
            self.send(topics.ACTION, String(data=HOLD))
        for sense, topic in topics.estimates(profile).items():
            reading = estimate.readings[sense]
            self._offer(topic, conversions.reading_message, header, profile.senses[sense], reading)
        self._offer(topics.SURFACE_STATE, conversions.surface_state, header, estimate)
        if command is not None:
            self._pipeline.act_on(answer, partial(self._send_repair, header, command))

    def _send_repair(self, header: Header, command: RepairCommand) -> None:
        profile = self._profile
        # The command last: whoever acts on it has its path already, as a rule.
        self.send(topics.REPAIR_PATH, conversions.repair_path(header, profile, command))
        self.send(topics.REPAIR_REASON, String(data=command.reason))
        self.send(topics.REPAIR_COMMAND, conversions.repair_command(header, profile, command))

    def _beat(self) -> None:
        now_ns = self._now_ns()
        for sense, reader in self._readers.items():
            self._pipeline.note(sense, reader.waiting_for(now_ns))
        self._pipeline.suspend(*self.clock_watch.faults())
        # Repeated as long as it holds, so that a subscriber of the action needs no second topic to
        # stay safe.
        if self._pipeline.update(now_ns) is Mode.HOLD:
            self.send(topics.ACTION, String(data=HOLD))

    def _announce(self, change: ModeChange) -> None:
        # The reason first: whoever reacts to the mode has it already.
        self.send(topics.MODE_REASON, String(data=f'{change.mode}: {change.reason}'))
        if change.mode is not self._announced:
            self._announced = change.mode
            self.send(topics.MODE, String(data=str(change.mode)))
        if change.mode is Mode.HOLD:
            self.send(topics.ACTION, String(data=HOLD))
        self.get_logger().info(f'{change.mode}: {change.reason}')

    def _report(self) -> None:
        now = self.get_clock().now()
        self.send(
            topics.DIAGNOSTICS,
            diagnostics(
                self._pipeline.report(now.nanoseconds),
                stamp=now.to_msg(),
                node=self.get_fully_qualified_name(),
                model=self._engine.weights,
                latency_ms=self._latency.percentiles_ms(50, 99),
                rivals=self._rivals(),
                topics=self._sensors_by_topic,
            ),
        )

    def _rivals(self) -> list[str]:
        """Return the full names of other nodes that publish the action, this one's own too.

        One that was killed is listed until its lease ends: Fast DDS's is 20 s.
        """
        names = qos.publisher_names(self, topics.ACTION)
        own = self.get_fully_qualified_name()
        if own in names:
            names.remove(own)
        if names != self._known_rivals:
            self._known_rivals = names
            if names:
                self.get_logger().warning(
                    f'{join(names)} publishes {topics.ACTION.name} too: who acts on it gets two '
                    'opinions; end one of the nodes, or give it a namespace (one that was killed '
                    'is listed for up to 20 s)'
                )
        return names

    def _offer(self, topic: topics.Topic, make: Callable[..., Any], *parts: Any) -> None:
        """Publish `make(*parts)`; where nobody subscribes it is not made."""
        if self.is_heard(topic):
            self.send(topic, make(*parts))

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds


def _runtime_config(profile: Profile, values: Mapping[str, Any]) -> RuntimeConfig:
    return RuntimeConfig.of(
        profile,
        timeouts_s={sensor: values[f'{sensor}_timeout_s'] for sensor in profile.sensors},
        recovery_s=values['recovery_s'],
        min_confidence=values['min_confidence'],
    )


def main(args: list[str] | None = None) -> int:
    """Run the node; return the exit code of the process."""
    return run(MaintenanceNode, 'maintenance_node', args)


if __name__ == '__main__':
    raise SystemExit(main())
