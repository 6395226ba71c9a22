# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one way from readings to an answer, for the node and for a recording alike."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.health.sensor import SensorReport, sensors_of
from crossmodal_kd_ros.profile import (
    CAMERA,
    Mode,
    ReadingError,
    check_image,
    check_reading,
    square_view,
)
from crossmodal_kd_ros.runtime.announcer import Announcer, ModeChange
from crossmodal_kd_ros.runtime.arbiter import CrossCheck, Decision, Evidence, ModeArbiter
from crossmodal_kd_ros.runtime.confidence import (
    ConfidenceGate,
    Pending,
    assess_picture,
    bounded_quantities,
    make_estimate,
    measured_quantities,
    used_reading,
)
from crossmodal_kd_ros.runtime.config import RuntimeConfig
from crossmodal_kd_ros.runtime.engine import (
    TEACHER_MODES,
    Engine,
    best_mode,
    joined,
    predictor_of,
    teacher_inputs,
)
from crossmodal_kd_ros.runtime.lag import SlowSenses
from crossmodal_kd_ros.runtime.sample import Answer, Perception, Sample

# Two threads read the clock a moment apart; a bag that starts again, or a simulation, goes back by
# more.
_CLOCK_JUMP_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Frame:
    """An image that waits for its answer.

    Attributes:
        stamp_ns: stamp of the image's header, nanoseconds.
        read: returns `uint8[H, W, 3]` RGB, or raises `ReadingError`.
        origin: whatever the caller gave with the image.
    """

    stamp_ns: int
    read: Callable[[], np.ndarray]
    origin: object = None


@dataclass(frozen=True, kw_only=True)
class PipelineReport:
    """What a technician wants to know of the pipeline.

    Attributes:
        mode: who decides.
        reason: why, in words.
        sensors: one report for each sensor, the camera first.
        answered: images that got an answer.
        superseded: images that were replaced by a newer one before their turn came.
        clock_jumps: how often the clock was set back, and every reading forgotten.
        ood_score: out-of-distribution score of the last picture: 1 up to the limit, then its
            distance over the limit.
    """

    mode: Mode
    reason: str
    sensors: tuple[SensorReport, ...]
    answered: int
    superseded: int
    clock_jumps: int
    ood_score: float


class Pipeline:
    """Newest readings, mode arbiter and engine, without ROS.

    Readings are put from any thread; one worker takes frames and has them answered. The caller
    brings the clock: the same readings with the same stamps at the same times, and the same
    pictures answered, give the same answers, live and from a recording.

    An answer has two halves. `observe` and `prepare` judge sensors and decide who decides; that
    never depends on what a teacher said before. `finish` and `announce` make the answer and say
    the mode. So a replay can prepare a stretch of pictures, have the teacher decide them all at
    once, and then finish and announce in the same order.

    Callbacks store under one lock. No network runs under it.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        config: RuntimeConfig | None = None,
        calibration: Calibration | None = None,
        on_mode: Callable[[ModeChange], None] | None = None,
    ) -> None:
        """Start in `HOLD`, with no reading.

        Args:
            engine: runs the networks; its profile is the robot's.
            config: when a sensor or an answer stops being good enough; `None`: as the profile
                says.
            calibration: what was measured of the engine's weights; `None`: no intervals, no check
                against the picture, and the student for every set of sensors but the whole.
            on_mode: called at each change, in order, from the thread that noticed it; it must not
                call back.
        """
        self._engine, self._calibration = engine, calibration
        self._profile = profile = engine.profile
        self._config = config or RuntimeConfig.of(profile)
        self._lock = threading.Lock()
        # Of the observing half, under the lock.
        self._sensors = sensors_of(profile, self._config.timeouts_s)
        self._arbiter = ModeArbiter(
            profile.sensors,
            lambda usable: best_mode(calibration, profile, usable),
            recovery_s=self._config.recovery_s,
        )
        self._accusations: dict[str, Reason] = {}  # of this epoch
        self._frame: Frame | None = None
        self._superseded = 0
        self._now_ns = 0
        self._decision = Decision(
            mode=Mode.HOLD, reasons=(Reason(ReasonCode.NO_READING, sensor=CAMERA),), lost=(CAMERA,)
        )
        # Of the announcing half, under the lock.
        self._answered, self._ood_score = 0, 1.0
        self._announcer = Announcer(self._decision, on_mode)
        # Of the worker alone.
        self._slow_senses = SlowSenses(profile)
        self._cross_check = CrossCheck(profile, calibration)
        self._gate = ConfidenceGate()

    @property
    def decision(self) -> Decision:
        """Who decides by the health of the sensors alone, whatever the last confidence."""
        return self._decision

    def put_image(
        self,
        stamp_ns: int,
        image: np.ndarray | Callable[[], np.ndarray],
        *,
        origin: object = None,
        now_ns: int | None = None,
    ) -> None:
        """Store an image as the newest, unless its stamp is out of order.

        Args:
            stamp_ns: stamp of its header, nanoseconds.
            image: `uint8[H, W, 3]` RGB, or a function that decodes it or raises `ReadingError`;
                it is called only if the image is still the newest when its turn comes.
            origin: given back with the frame by `take_frame`.
            now_ns: the time of its arrival, if known: an image from the future is refused then.
        """
        read = image if callable(image) else lambda: image
        with self._lock:
            if self._sensors[CAMERA].announce(stamp_ns, now_ns):
                self._superseded += self._frame is not None
                self._frame = Frame(stamp_ns=stamp_ns, read=read, origin=origin)

    def put(
        self, sense: str, stamp_ns: int, reading: np.ndarray, *, now_ns: int | None = None
    ) -> None:
        """Store a reading of `sense`, `float32[size]`, as the newest.

        One that has another form than the profile says, or that no working sensor gives, is
        rejected.
        """
        try:
            reading = check_reading(self._profile.senses[sense], reading)
        except ReadingError as error:
            self.reject(sense, str(error))
            return
        with self._lock:
            self._sensors[sense].accept(stamp_ns, reading, now_ns)

    def reject(self, sensor: str, reason: str) -> None:
        """Count a malformed message of `sensor`; it is treated as absent."""
        with self._lock:
            self._sensors[sensor].reject(reason)

    def note(self, sense: str, waits_for: str) -> None:
        """Note what readings of `sense` wait for; it is said where they are missing."""
        with self._lock:
            self._sensors[sense].waits_for = waits_for

    def configure(self, config: RuntimeConfig) -> None:
        """Judge by another configuration from now on."""
        with self._lock:
            self._config = config
            self._arbiter.recovery_s = config.recovery_s
            for sensor, health in self._sensors.items():
                health.timeout_s = config.timeouts_s[sensor]

    def suspend(self, *reasons: Reason) -> None:
        """Hold for `reasons` whatever the sensors say; without any, go on.

        The sensors are judged meanwhile. The next `update` announces it.
        """
        with self._lock:
            self._announcer.suspend(*reasons)

    def update(self, now_ns: int) -> Mode:
        """Return the mode at `now_ns`; a steady beat of it notices a dead camera."""
        return self.announce(self.observe(now_ns), now_ns)

    def take_frame(self) -> Frame | None:
        """Return the newest image that has not been taken yet, if there is one."""
        with self._lock:
            frame, self._frame = self._frame, None
            return frame

    def step(self, now_ns: int) -> Answer | None:
        """Take the newest frame and return its answer; without a frame, `update` the mode."""
        frame = self.take_frame()
        if frame is None:
            self.update(now_ns)
            return None
        return self.answer(frame, now_ns)

    def answer(self, frame: Frame, now_ns: int) -> Answer | None:
        """Return the answer to `frame`; `None` if it cannot be read or the engine failed."""
        try:
            pending = self.prepare(frame, now_ns)
            if pending is None:
                self.update(self._now_ns)
                return None
            probabilities = self._decide(pending) if pending.needs_teacher else None
        except Exception as error:  # noqa: BLE001  See `fail`.
            self.fail(error)
            return None
        return self.finish(pending, probabilities)

    def observe(self, now_ns: int) -> Decision:
        """Return who decides at `now_ns`, by the health of the sensors."""
        with self._lock:
            return self._observe(now_ns)

    def prepare(
        self,
        frame: Frame,
        now_ns: int,
        perception: Perception | None = None,
        *,
        view: np.ndarray | None = None,
    ) -> Pending | None:
        """Look at a picture and settle who decides on it; `None` if it cannot be read.

        Args:
            frame: from `take_frame`.
            now_ns: the time, nanoseconds.
            perception: what the student sees in it, of one view, if that is known already.
            view: `uint8[S, S, 3]`, its square view, likewise.

        Whatever the engine raises comes through: see `fail`.
        """
        with self._lock:
            self._set_time(now_ns)
        image = self._read(frame)
        if image is None:
            return None
        if view is None:
            view = square_view(image, size_px=self._profile.camera.view_px)
        if perception is None:
            perception = self._engine.perceive(view[None]).row(0)
        with self._lock:
            # Others may have read the clock since: an old time would be taken for a clock that was
            # set back.
            now_ns = self._now_ns
            decision = self._observe(now_ns)
            taken_ns = self._sensors[CAMERA].by_this_clock(frame.stamp_ns)
            picture, evidence = self._sensors[CAMERA].verdict, self._evidence(taken_ns, now_ns)
        ood_score, is_usual = assess_picture(self._calibration, perception)
        if CAMERA in decision.usable and ood_score <= 1.0 and not picture.is_damaged:
            evidence = self._slow_senses.settle(decision.epoch, taken_ns, perception, evidence)
        else:
            evidence = self._slow_senses.unsettled(evidence)
        accusations = self._cross_check.update(
            decision.epoch,
            frame.stamp_ns,
            perception,
            ood_score=ood_score,
            is_usual=is_usual,
            picture=picture,
            evidence=evidence,
            usable=decision.usable,
        )
        with self._lock:
            if decision.epoch == self._arbiter.epoch:
                self._accusations = accusations
        readings = {
            sense: used_reading(
                self._calibration,
                sense,
                evidence[sense],
                perception,
                is_picture_trusted=CAMERA in decision.usable,
            )
            for sense in self._profile.senses
            if sense in decision.usable
        }
        is_measured = measured_quantities(self._profile, decision, evidence)
        predictor = predictor_of(self._calibration, decision.usable, decision.mode)
        inputs = teacher_inputs(
            self._profile, predictor, decision.usable, view, readings, perception
        )
        return Pending(
            decision=decision,
            sample=Sample(stamp_ns=frame.stamp_ns, image=image, readings=readings),
            perception=perception,
            needs_teacher=decision.mode in TEACHER_MODES,
            view=inputs[0],
            readings=inputs[1],
            present=inputs[2],
            predictor=predictor,
            ood_score=ood_score,
            is_measured=is_measured,
            is_bounded=bounded_quantities(self._profile, decision, evidence, is_measured),
            fresh=tuple(sense for sense in readings if evidence[sense].is_fresh),
            now_ns=now_ns,
        )

    def finish(self, pending: Pending, probabilities: np.ndarray | None = None) -> Answer:
        """Make the answer, and announce the mode.

        Args:
            pending: from `prepare`.
            probabilities: `float32[A]`, the teacher's, if it was needed.
        """
        decision, perception = pending.decision, pending.perception
        if pending.needs_teacher:
            probabilities = joined(pending.predictor, probabilities, perception.probabilities)
        else:
            probabilities = perception.probabilities
        # A decision without the camera is worth as much whatever that shows.
        confidence = float(probabilities.max()) / (
            pending.ood_score if CAMERA in decision.usable else 1.0
        )
        limit = self._config.min_confidence
        if pending.predictor is not None:
            limit = max(limit, pending.predictor.min_confidence)
        withheld = self._gate.check(
            decision.epoch, confidence=confidence, limit=limit, ood_score=pending.ood_score
        )
        with self._lock:
            self._answered, self._ood_score = self._answered + 1, pending.ood_score
            settled = self._announcer.settle(decision, withheld, pending.now_ns)
        estimate = make_estimate(
            self._profile, self._calibration, pending, settled, probabilities, confidence
        )
        return Answer(
            sample=pending.sample,
            perception=perception,
            probabilities=probabilities,
            estimate=estimate,
            ood_score=pending.ood_score,
            fresh=pending.fresh,
            number=decision.number,
        )

    def act_on(self, answer: Answer, send: Callable[[], None]) -> bool:
        """Call `send`, by which others learn what to do, unless a hold forbids it since.

        None is announced meanwhile: `send` must not call back. Returns whether it was called.
        """
        with self._lock:
            if self._announcer.hold_since(answer.number) is not None:
                return False
            send()
            return True

    def fail(self, error: Exception, code: ReasonCode = ReasonCode.MODEL_FAILED) -> None:
        """Hold because the engine failed, or what `code` says.

        Whatever it was, a robot that gets no answer has to say why it holds.
        """
        text = str(error).splitlines()[0] if str(error) else repr(error)
        withheld = (Reason(code, text=text),)
        with self._lock:
            self._ood_score = 1.0
            self._announcer.settle(self._observe(self._now_ns), withheld, self._now_ns)

    def announce(self, decision: Decision, now_ns: int) -> Mode:
        """Announce and return the mode of `decision`, or of a newer one that came before."""
        with self._lock:
            return self._announcer.announce(decision, now_ns)

    def report(self, now_ns: int) -> PipelineReport:
        """Return what a technician wants to know at `now_ns`."""
        with self._lock:
            decision = self._announcer.acted_on(self._decision)
            return PipelineReport(
                mode=decision.mode,
                reason=decision.reason,
                sensors=tuple(
                    health.report(now_ns, self._accusations.get(sensor))
                    for sensor, health in self._sensors.items()
                ),
                answered=self._answered,
                superseded=self._superseded,
                clock_jumps=self._announcer.clock_jumps,
                ood_score=self._ood_score,
            )

    def _read(self, frame: Frame) -> np.ndarray | None:
        try:
            image = check_image(frame.read())
        except ReadingError as error:
            with self._lock:
                self._sensors[CAMERA].deny(str(error))
            return None
        with self._lock:
            self._sensors[CAMERA].examine(frame.stamp_ns, image)
        return image

    def _decide(self, pending: Pending) -> np.ndarray:
        return self._engine.decide(
            pending.view[None],
            {sense: reading[None] for sense, reading in pending.readings.items()},
            {sense: np.array([is_there]) for sense, is_there in pending.present.items()},
        )[0]

    def _set_time(self, now_ns: int) -> None:
        if now_ns < self._now_ns - _CLOCK_JUMP_S * 1e9:
            self._forget(now_ns)
        self._now_ns = now_ns

    def _observe(self, now_ns: int) -> Decision:
        self._set_time(now_ns)
        healths = {
            sensor: health.health(now_ns, self._accusations.get(sensor))
            for sensor, health in self._sensors.items()
        }
        need_picture = {
            sense: Reason(
                ReasonCode.NEEDS_PICTURE, sensor=sense, causes=self._sensors[sense].verdict.remarks
            )
            for sense in self._profile.senses
            if self._sensors[sense].verdict.needs_picture
        }
        self._decision = self._arbiter.decide(healths, now_ns, need_picture)
        return self._decision

    def _forget(self, now_ns: int) -> None:
        """Forget what came before the clock was set back: now it lies in the future."""
        self._announcer.begin_epoch((self._now_ns - now_ns) / 1e9)
        self._accusations = {}
        for part in (*self._sensors.values(), self._arbiter):
            part.reset()

    def _evidence(self, taken_ns: int, now_ns: int) -> dict[str, Evidence]:
        evidence = {}
        for sense in self._profile.senses:
            sensor = self._sensors[sense]
            read_ns, reading, verdict = sensor.reading_at(taken_ns) or (0, None, sensor.verdict)
            evidence[sense] = Evidence(
                read_ns=read_ns,
                reading=reading,
                verdict=verdict,
                is_fresh=sensor.measures(now_ns),
                needs_picture=sensor.verdict.needs_picture,
            )
        return evidence
