# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one way from readings to an answer, for the node and for a recording alike."""

import dataclasses
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.contract import (
    ACTIONS,
    GAS_NAMES,
    HOLD,
    SENSORS,
    ContractError,
    Estimate,
    Mode,
    Prediction,
    Sample,
    check_gas,
    check_image,
    check_touch,
    co2_absorption,
    crack_depth_mm,
    surface_roughness_um,
)
from crossmodal_kd_ros.health.sensor import SensorReport, SensorState
from crossmodal_kd_ros.runtime.arbiter import Decision, ModeArbiter, without_evidence
from crossmodal_kd_ros.runtime.confidence import Judgement
from crossmodal_kd_ros.runtime.config import Limits
from crossmodal_kd_ros.runtime.engine import Engine

# Two threads read the clock a moment apart; a bag that starts again, or a simulation, goes back by
# more.
_CLOCK_JUMP_S = 0.1
# The channels that the absorbed CO2 follows from.
_CO2 = [GAS_NAMES.index('co2_uptake_ppm'), GAS_NAMES.index('co2_surface_ppm')]


@dataclass(frozen=True, kw_only=True)
class ModeChange:
    """The mode changed, or the sensors that are the cause of it did.

    Attributes:
        now_ns: when it was noticed, nanoseconds.
        mode: the mode from now on.
        reason: why, in words.
    """

    now_ns: int
    mode: Mode
    reason: str


@dataclass(frozen=True, kw_only=True)
class Frame:
    """An image that waits for its answer.

    Attributes:
        stamp_ns: stamp of the image's header, nanoseconds.
        read: returns `uint8[H, W, 3]` RGB, or raises `ContractError`.
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
        sensors: one report for each of `SENSORS`.
        answered: images that got an answer.
        superseded: images that were replaced by a newer one before their turn came.
        clock_jumps: how often the clock was set back, and every reading forgotten.
        doubt: how unfamiliar the last picture was: 1 up to the limit, then its distance over the
            limit.
    """

    mode: Mode
    reason: str
    sensors: tuple[SensorReport, ...]
    answered: int
    superseded: int
    clock_jumps: int = 0
    doubt: float = 1.0


class Pipeline:
    """Newest readings, mode arbiter and engine, without ROS.

    Readings are put from any thread; one worker takes frames and has them answered. The caller
    brings the clock: the same readings with the same stamps at the same times give the same
    answers, live and from a recording.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        limits: Limits | None = None,
        calibration: Calibration | None = None,
        on_mode: Callable[[ModeChange], None] | None = None,
    ) -> None:
        """Start in `HOLD`, with no reading.

        Args:
            engine: runs the networks.
            limits: when a sensor or an answer stops being good enough.
            calibration: what was measured of the engine's weights; `None`: no intervals, no
                virtual sensor, and the student for every set of sensors but the whole.
            on_mode: called at each change, in order, from the thread that noticed it; it must not
                call back.
        """
        self._engine = engine
        self._limits = limits or Limits()
        self._judgement = Judgement(calibration)
        self._arbiter = ModeArbiter(
            recovery_s=self._limits.recovery_s,
            choose=calibration.best_mode if calibration else without_evidence,
        )
        self._sensors = {
            sensor: SensorState(sensor, timeout_s=getattr(self._limits, f'{sensor}_timeout_s'))
            for sensor in SENSORS
        }
        self._on_mode = on_mode
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._answered = self._superseded = self._clock_jumps = 0
        self._doubt = 1.0
        self._now_ns = 0
        self._outvoted = ''  # why the camera is not believed; empty if it is
        # Of the last picture: the readings that were used, and what the networks made of them.
        self.evidence: tuple[Sample | None, Prediction | None] = (None, None)
        self._distrust = ''  # why the last answer cannot be acted on; empty when it can
        self._decision = Decision(mode=Mode.HOLD, reason='no camera reading yet', lost=('camera',))
        self._announced: Decision | None = None

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
            image: `uint8[H, W, 3]` RGB, or a function that decodes it or raises `ContractError`;
                it is called only if the image is still the newest when its turn comes.
            origin: given back with the frame by `take_frame`.
            now_ns: the time of its arrival, if known: an image from the future is refused then.
        """
        read = image if callable(image) else lambda: image
        with self._lock:
            if self._sensors['camera'].announce(stamp_ns, now_ns):
                self._superseded += self._frame is not None
                self._frame = Frame(stamp_ns=stamp_ns, read=read, origin=origin)

    def put_touch(self, stamp_ns: int, touch: np.ndarray, *, now_ns: int | None = None) -> None:
        """Store touch `float32[256]` as the newest; a reading that breaks the contract, or cannot be, is rejected."""
        self._put('touch', stamp_ns, touch, check_touch, now_ns)

    def put_gas(self, stamp_ns: int, gas: np.ndarray, *, now_ns: int | None = None) -> None:
        """Store gas `float32[8]` as the newest; a reading that breaks the contract, or cannot be, is rejected."""
        self._put('gas', stamp_ns, gas, check_gas, now_ns)

    def reject(self, sensor: str, reason: str) -> None:
        """Count a malformed message of `sensor`; it is treated as absent."""
        with self._lock:
            self._sensors[sensor].reject(reason)

    def set_limits(self, limits: Limits) -> None:
        """Judge by other limits from now on."""
        with self._lock:
            self._limits = limits
            self._arbiter.recovery_s = limits.recovery_s
            for sensor, state in self._sensors.items():
                state.timeout_s = getattr(limits, f'{sensor}_timeout_s')

    def update(self, now_ns: int) -> Mode:
        """Return the mode at `now_ns`; to be called at a steady beat, so that a dead camera is noticed."""
        with self._lock:
            self._decide(now_ns)
            self._announce(now_ns)
            return self._announced.mode

    @property
    def decision(self) -> Decision:
        """Who decides by the health of the sensors alone, whatever the confidence of the last answer."""
        return self._decision

    def take_frame(self) -> Frame | None:
        """Return the newest image that has not been taken yet, if there is one."""
        with self._lock:
            frame, self._frame = self._frame, None
            return frame

    def answer(self, frame: Frame, now_ns: int) -> Estimate | None:
        """Return the estimate for `frame`; `None` if the image cannot be read or the engine failed."""
        self.evidence = (None, None)
        image = self._read(frame)
        if image is None:
            self.update(now_ns)
            return None
        with self._lock:
            decision = self._decide(now_ns)
            taken_ns = self._sensors['camera'].by_this_clock(frame.stamp_ns)
            measured = {
                sensor: self._sensors[sensor].readings.at(taken_ns) for sensor in ('touch', 'gas')
            }
            touch, gas = (
                value if sensor in decision.usable else None for sensor, value in measured.items()
            )
            gas_doubt = self._sensors['gas'].checks.grave_doubt
            # The last reading of a sensor that stutters is used, and is no measurement of what is
            # in front of the robot now.
            touch_is_new, gas_is_new = (
                self._sensors[sensor].measures(now_ns) for sensor in ('touch', 'gas')
            )
        sample = Sample(stamp_ns=frame.stamp_ns, image=image, touch=touch, gas=gas)
        try:
            sample, prediction = self.evidence = self._infer(sample, decision, gas_doubt)
        except Exception as error:  # noqa: BLE001  Whatever it is, a robot that gets no answer has to hold and say why.
            self._settle(
                now_ns,
                distrust=f'the model failed: {str(error).splitlines()[0] if str(error) else repr(error)}',
            )
            return None
        doubt, is_usual = self._judgement.look(prediction)
        # A decision without the camera is worth as much whatever that shows.
        confidence = float(prediction.probabilities.max()) / (
            doubt if 'camera' in decision.usable else 1.0
        )
        distrust = self._judgement.distrust(
            decision, confidence, doubt, self._limits.min_confidence
        )
        self._cross_examine(sample, measured, prediction, doubt, is_usual, now_ns)
        self._settle(now_ns, distrust=distrust, answered=1, doubt=doubt)
        by_touch, by_gas = (
            touch is not None and touch_is_new,
            gas is not None and gas_is_new and not gas_doubt[_CO2].any(),
        )
        is_measured = np.array([by_touch, by_touch, by_gas])
        return self._estimate(
            sample, decision, distrust, prediction, confidence, doubt, is_measured
        )

    def step(self, now_ns: int) -> Estimate | None:
        """Take the newest frame and return its estimate; `None` if there is none. The mode is brought up to date."""
        frame = self.take_frame()
        if frame is None:
            self.update(now_ns)
            return None
        return self.answer(frame, now_ns)

    def report(self, now_ns: int) -> PipelineReport:
        """Return what a technician wants to know at `now_ns`."""
        with self._lock:
            decision = _hold(self._decision, self._distrust)
            return PipelineReport(
                mode=decision.mode,
                reason=decision.reason,
                answered=self._answered,
                superseded=self._superseded,
                sensors=tuple(state.report(now_ns) for state in self._sensors.values()),
                clock_jumps=self._clock_jumps,
                doubt=self._doubt,
            )

    def _put(
        self,
        sensor: str,
        stamp_ns: int,
        value: np.ndarray,
        check: Callable[[np.ndarray], np.ndarray],
        now_ns: int | None,
    ) -> None:
        with self._lock:
            try:
                self._sensors[sensor].accept(stamp_ns, check(value), now_ns)
            except ContractError as error:
                self._sensors[sensor].reject(str(error))

    def _read(self, frame: Frame) -> np.ndarray | None:
        try:
            image = check_image(frame.read())
        except ContractError as error:
            with self._lock:
                self._sensors['camera'].deny(str(error))
            return None
        with self._lock:
            self._sensors['camera'].picture(frame.stamp_ns, image)
        return image

    def _decide(self, now_ns: int) -> Decision:
        if now_ns < self._now_ns - _CLOCK_JUMP_S * 1e9:
            self._start_over(now_ns)
        self._now_ns = now_ns
        healths = {sensor: state.health(now_ns) for sensor, state in self._sensors.items()}
        if self._gas_needs_picture() and healths['gas'].healthy and not healths['camera'].healthy:
            why = f'gas {self._sensors["gas"].checks.remark()}, which is not trusted either'
            healths['gas'] = dataclasses.replace(healths['gas'], healthy=False, reason=why)
        self._decision = self._arbiter.decide(healths, now_ns)
        return self._decision

    def _start_over(self, now_ns: int) -> None:
        """Forget what came before the clock was set back: to the new clock all of it lies in the future."""
        reason = f'the clock was set back by {(self._now_ns - now_ns) / 1e9:.2f} s: every reading before is forgotten'
        self._clock_jumps += 1
        for part in (*self._sensors.values(), self._arbiter, self._judgement):
            part.reset()
        self._distrust = self._outvoted = ''
        self._decision = Decision(mode=Mode.HOLD, reason=reason, lost=('camera',))
        self._announced = None
        self._announce(now_ns)

    def _infer(
        self, sample: Sample, decision: Decision, gas_doubt: np.ndarray
    ) -> tuple[Sample, Prediction]:
        """Return the sample, its doubted gas channels weighed against what the student sees, and what the engine says of it.

        Where the camera is not trusted the student still looks, but who decides is shown a blank.
        """
        mode, (fills, stack) = decision.mode, self._judgement.ways(decision)
        is_blank = mode is not Mode.HOLD and 'camera' not in decision.usable
        mends = sample.gas is not None and gas_doubt.any()
        said = self._engine.infer(sample, Mode.STUDENT if mends or is_blank else mode, fills)
        if mends:
            sample = dataclasses.replace(
                sample, gas=self._judgement.weighed('gas', sample.gas, said, gas_doubt)
            )
        if (mends or is_blank) and mode not in (Mode.HOLD, Mode.STUDENT):
            shown = (
                dataclasses.replace(sample, image=np.zeros_like(sample.image))
                if is_blank
                else sample
            )
            said = dataclasses.replace(
                said, probabilities=self._engine.infer(shown, mode, fills).probabilities
            )
        if stack:
            said = dataclasses.replace(
                said, probabilities=stack.join(said.probabilities, said.student_probabilities)
            )
        return sample, said

    def _cross_examine(
        self,
        sample: Sample,
        measured: dict[str, np.ndarray | None],
        prediction: Prediction,
        doubt: float,
        is_usual: bool,
        now_ns: int,
    ) -> None:
        """Hold what touch and gas measured against what the picture shows, also while they are not trusted.

        An unusual or damaged picture accuses nobody; where touch and gas can do without an
        unfamiliar or damaged one, it is itself not trusted. Nor is one that both contradict, for
        they have nothing else in common.
        """
        strange = self._judgement.strangeness(doubt)
        with self._lock:
            camera, others = (
                self._sensors['camera'],
                [self._sensors[sensor] for sensor in ('touch', 'gas')],
            )
            flaw = camera.checks.flaw()
            if is_usual and not (flaw or camera.checks.verdict()):
                found = {
                    state: self._contradiction(state, sample, measured[state.sensor], prediction)
                    for state in others
                    if measured[state.sensor] is not None and state.measures(now_ns)
                }
                is_outvoted = len(found) == 2 and all(found.values())
                self._outvoted = (
                    'camera is contradicted by both touch and gas' if is_outvoted else ''
                )
                for state, words in found.items():
                    state.suspicion = '' if is_outvoted else words
            can_do = (
                all(state.health(now_ns).healthy for state in others)
                and not self._gas_needs_picture()
            )
            camera.suspicion = (flaw or strange or self._outvoted) if can_do else ''

    def _gas_needs_picture(self) -> bool:
        return bool(np.isinf(self._sensors['gas'].checks.doubt).any())

    def _contradiction(
        self, state: SensorState, sample: Sample, measured: np.ndarray, prediction: Prediction
    ) -> str:
        doubt = state.checks.doubt
        if doubt.any():  # what is doubted already accuses no further
            measured = self._judgement.weighed(state.sensor, measured, prediction, doubt)
        return self._judgement.contradiction(state.sensor, sample, measured, prediction)

    def _settle(
        self, now_ns: int, *, distrust: str, answered: int = 0, doubt: float = 1.0
    ) -> None:
        with self._lock:
            self._answered += answered
            self._distrust, self._doubt = distrust, doubt
            # Not the decision this answer was made with: another thread may have noticed a loss in
            # the meantime.
            self._announce(now_ns)

    def _announce(self, now_ns: int) -> None:
        decision = _hold(self._decision, self._distrust)
        before, self._announced = self._announced, decision
        changed = before is None or (before.mode, before.lost) != (decision.mode, decision.lost)
        if changed and self._on_mode is not None:
            self._on_mode(ModeChange(now_ns=now_ns, mode=decision.mode, reason=decision.reason))

    def _estimate(
        self,
        sample: Sample,
        decision: Decision,
        distrust: str,
        prediction: Prediction,
        confidence: float,
        doubt: float,
        is_measured: np.ndarray,
    ) -> Estimate:
        surface = np.array(prediction.surface, np.float32)
        if is_measured[0]:
            surface[:2] = surface_roughness_um(sample.touch), crack_depth_mm(sample.touch)
        if is_measured[2]:
            surface[2] = co2_absorption(sample.gas)
        lower, upper = self._judgement.bounds(surface, is_measured, prediction, doubt)
        acted = _hold(decision, distrust)
        action = (
            HOLD if acted.mode is Mode.HOLD else ACTIONS[int(prediction.probabilities.argmax())]
        )
        return Estimate(
            stamp_ns=sample.stamp_ns,
            mode=acted.mode,
            reason=acted.reason,
            action=action,
            confidence=confidence,
            probabilities=prediction.probabilities,
            touch=prediction.touch,
            gas=prediction.gas,
            surface=surface,
            lower=lower,
            upper=upper,
            possible=self._judgement.possible(decision, prediction),
        )


def _hold(decision: Decision, distrust: str) -> Decision:
    """Return `decision`, or a hold where the answer cannot be acted on."""
    if not distrust or decision.mode is Mode.HOLD:
        return decision
    return dataclasses.replace(decision, mode=Mode.HOLD, reason=distrust)
