# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A stretch of simulated operation, played through the runtime with a fault put into it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.profile import CAMERA, Profile, ReadingError, square_view
from crossmodal_kd_ros.runtime import Engine, Estimate, Perception, Pipeline
from crossmodal_kd_ros.simulation import FaultSchedule, Injector, World

# Beats at which the newest picture is answered; faster senses slowed down: an hour takes minutes.
BEAT_HZ = 6.0
_MAX_SENSE_HZ = 50.0
# Faults of a camera after which the newest picture of a beat may be missing, or unreadable.
_MISSING = ('silent', 'slow', 'nan', 'disorder', 'future')
# As many pixels as the data that the networks were trained on: a view of twice 128 px, averaged
# down.
_RENDER_PX = 256
# The epoch of the stream: any but 0, which a header that was never stamped has.
_EPOCH_NS = 1_000_000_000_000
# Of what arrived, how much is searched for the reading nearest to a stamp.
_SEARCHED = 1500


@dataclass(frozen=True)
class Reading:
    """One healthy reading.

    Attributes:
        t_s: when it was read, seconds of the stream.
        sensor, value: of the camera a view `uint8[S, S, 3]`, of a sense `float32[size]`.
        expert: index of the expert's action with a picture of a beat; -1 with all else.
    """

    t_s: float
    sensor: str
    value: np.ndarray
    expert: int = -1

    @property
    def stamp_ns(self) -> int:
        """When it was read, nanoseconds."""
        return _EPOCH_NS + round(1e9 * self.t_s)


def fault_stream(
    seed: int, duration_s: float, profile: Profile, *, pictures: int = 1
) -> Iterator[Reading]:
    """Yield what a healthy robot reads on its way over the panels of `seed`, in the order of time.

    Args:
        seed: of the panels.
        duration_s: of the way.
        profile: of the simulated robot.
        pictures: from one beat to the next; 5 make the 30 Hz of a real camera, whose faults hit
            pictures one by one.
    """
    world = World(seed, width_px=_RENDER_PX, height_px=_RENDER_PX)
    try:
        rates_hz = {
            name: min(1.0 / sense.period_s, _MAX_SENSE_HZ)
            for name, sense in reversed(profile.senses.items())
        } | {CAMERA: pictures * BEAT_HZ}
        times = [
            (index / rate_hz, rank, sensor, index)
            for rank, (sensor, rate_hz) in enumerate(rates_hz.items())
            for index in range(round(duration_s * rate_hz))
        ]
        for t_s, _, sensor, index in sorted(times):
            if sensor != CAMERA:
                yield Reading(t_s, sensor, world.read(sensor, t_s))
                continue
            is_beat = index % pictures == 0
            expert = profile.actions.index(world.truth(t_s).action) if is_beat else -1
            view = square_view(world.camera(t_s), size_px=profile.camera.view_px)
            yield Reading(t_s, sensor, view, expert)
    finally:
        world.close()


class MemoEngine:
    """An engine that remembers its answers: cells differ in one sensor, and share questions.

    It remembers what was asked of one view at a time, if that is a picture of the stream or blank.
    """

    def __init__(self, engine: Engine) -> None:
        """Ask `engine` what is not known yet."""
        self.kind, self.weights, self.profile = engine.kind, engine.weights, engine.profile
        self._engine = engine
        self._perceptions: dict[bytes, Perception] = {}
        self._decisions: dict[tuple, np.ndarray] = {}
        size_px = engine.profile.camera.view_px
        self._kept = {_digest(np.zeros((size_px, size_px, 3), np.uint8))}

    def keep(self, view: np.ndarray) -> None:
        """Remember from now on what is said of this view, `uint8[S, S, 3]`."""
        self._kept.add(_digest(view))

    def perceive(self, views: np.ndarray) -> Perception:
        """Answer as the engine does."""
        key = self._key(views)
        if key is None:
            return self._engine.perceive(views)
        if key not in self._perceptions:
            self._perceptions[key] = self._engine.perceive(views)
        return self._perceptions[key]

    def decide(
        self,
        views: np.ndarray,
        readings: Mapping[str, np.ndarray],
        present: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Answer as the engine does."""
        view = self._key(views)
        if view is None:
            return self._engine.decide(views, readings, present)
        # The value of an absent reading decides nothing.
        shown = (readings[sense].tobytes() if present[sense][0] else None for sense in present)
        key = (view, *shown)
        if key not in self._decisions:
            self._decisions[key] = self._engine.decide(views, readings, present)
        return self._decisions[key]

    def _key(self, views: np.ndarray) -> bytes | None:
        if len(views) != 1:
            return None
        digest = _digest(views[0])
        return digest if digest in self._kept else None


class Player:
    """A robot's pipeline that is given readings as they arrive, broken as a schedule says."""

    def __init__(
        self,
        engine: Engine,
        calibration: Calibration | None,
        schedule: FaultSchedule,
        *,
        seed: int = 0,
    ) -> None:
        """Start with no reading.

        Where the pictures of a beat may be missing every picture is answered, as the node does.
        """
        sensors = engine.profile.sensors
        self.pipeline = Pipeline(engine, calibration=calibration)
        self.arrived: dict[str, list[tuple[int, np.ndarray]]] = {sensor: [] for sensor in sensors}
        self.answers_all = any(
            fault.kind in _MISSING for fault in schedule.faults if fault.sensor == CAMERA
        )
        self._injectors = {sensor: Injector(sensor, schedule, seed=seed) for sensor in sensors}

    def play(self, reading: Reading) -> Estimate | None:
        """Let a reading, or what a fault makes of it, arrive; return its answer, if any."""
        sensor, now_ns = reading.sensor, reading.stamp_ns
        for delivery in self._injectors[sensor].deliver(
            reading.t_s, reading.stamp_ns, reading.value
        ):
            if delivery.value is None:
                self.pipeline.put_image(delivery.stamp_ns, _cut_short, now_ns=now_ns)
                continue
            self.arrived[sensor].append((delivery.stamp_ns, delivery.value))
            if sensor == CAMERA:
                self.pipeline.put_image(delivery.stamp_ns, delivery.value, now_ns=now_ns)
            else:
                self.pipeline.put(sensor, delivery.stamp_ns, delivery.value, now_ns=now_ns)
        if reading.expert >= 0 or (sensor == CAMERA and self.answers_all):
            answer = self.pipeline.step(now_ns)
            return None if answer is None else answer.estimate
        self.pipeline.update(now_ns)
        return None

    def paired(self, stamp_ns: int, sensor: str) -> np.ndarray | None:
        """Return what arrived with the stamp nearest to `stamp_ns`, however bad it is."""
        if not self.arrived[sensor]:
            return None
        return min(
            reversed(self.arrived[sensor][-_SEARCHED:]), key=lambda entry: abs(entry[0] - stamp_ns)
        )[1]


def _cut_short() -> np.ndarray:
    raise ReadingError('expected a picture that can be decoded, got one cut short')


def _digest(view: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(view), digest_size=16).digest()
