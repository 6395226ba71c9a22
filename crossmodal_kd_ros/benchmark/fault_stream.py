# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A stretch of healthy simulated operation, played through the runtime with a fault put into it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.contract import (
    ACTIONS,
    SENSORS,
    ContractError,
    Estimate,
    Mode,
    Prediction,
    Sample,
    square_view,
)
from crossmodal_kd_ros.runtime import Calibration, Engine, ModeChange, Pipeline
from crossmodal_kd_ros.simulation import FaultSchedule, Injector, World

# Beats at which the newest picture is answered; the pad at half of its rate: an hour takes
# minutes.
BEAT_HZ = 6.0
_TOUCH_HZ, _GAS_HZ = 50.0, 2.0
# Faults of a camera after which the newest picture of a beat may be missing, or unreadable.
_MISSING = ('silent', 'slow', 'nan', 'disorder', 'future')
# As many pixels as the data that the networks were trained on: a view of twice 128 px, averaged
# down.
_RENDER_PX = 256
# The epoch of the tape: any but 0, which a header that was never stamped has.
_EPOCH_NS = 1_000_000_000_000


@dataclass(frozen=True)
class Reading:
    """One healthy reading; with a picture of a beat comes the index of the expert's action, -1 with all else."""

    t_s: float
    sensor: str
    value: np.ndarray
    expert: int = -1

    @property
    def stamp_ns(self) -> int:
        """When it was read, nanoseconds."""
        return _EPOCH_NS + round(1e9 * self.t_s)


def readings(seed: int, duration_s: float, *, pictures: int = 1) -> Iterator[Reading]:
    """Yield what a healthy robot reads on its way over the panels of `seed`, in the order of time.

    Args:
        seed: of the panels. duration_s: of the way.
        pictures: from one beat to the next; 5 make the 30 Hz of a real camera, whose faults hit
            pictures one by one.
    """
    world = World(seed, width_px=_RENDER_PX, height_px=_RENDER_PX)
    try:
        rates_hz = {'gas': _GAS_HZ, 'touch': _TOUCH_HZ, 'camera': pictures * BEAT_HZ}
        times = [
            (index / rate_hz, rank, sensor, index)
            for rank, (sensor, rate_hz) in enumerate(rates_hz.items())
            for index in range(round(duration_s * rate_hz))
        ]
        for t_s, _, sensor, index in sorted(times):
            if sensor == 'camera':
                expert = -1 if index % pictures else ACTIONS.index(world.truth(t_s).action)
                yield Reading(t_s, sensor, square_view(world.camera(t_s)), expert)
            else:
                yield Reading(t_s, sensor, getattr(world, sensor)(t_s))
    finally:
        world.close()


class MemoEngine:
    """An engine that remembers its answers: cells differ in one sensor, and have much to ask in common.

    Pictures of the tape are known by their identity; the tape keeps them alive. All blank ones are
    one.
    """

    def __init__(self, engine: Engine) -> None:
        """Ask `engine` what is not known yet."""
        self.name = engine.name
        self._engine = engine
        self._known: dict[tuple, Prediction] = {}
        self.pictures: set[int] = set()  # identities of pictures that stay

    def infer(self, sample: Sample, mode: Mode, filled: bool = False) -> Prediction:
        """Answer as the engine does."""
        picture = id(sample.image) if sample.image.any() else 'blank'
        if picture != 'blank' and picture not in self.pictures:
            return self._engine.infer(sample, mode, filled)
        key = (
            picture,
            mode,
            filled,
            *(None if value is None else value.tobytes() for value in (sample.touch, sample.gas)),
        )
        if key not in self._known:
            self._known[key] = self._engine.infer(sample, mode, filled)
        return self._known[key]


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
        """Start with no reading. Where the pictures of a beat may be missing every picture is answered, as the node does."""
        self.changes: list[ModeChange] = []
        self.pipeline = Pipeline(engine, calibration=calibration, on_mode=self.changes.append)
        self.arrived: dict[str, list[tuple[int, np.ndarray]]] = {sensor: [] for sensor in SENSORS}
        self.answers_all = any(
            fault.kind in _MISSING for fault in schedule.faults if fault.sensor == 'camera'
        )
        self._injectors = {sensor: Injector(sensor, schedule, seed=seed) for sensor in SENSORS}

    def play(self, reading: Reading) -> Estimate | None:
        """Let a reading, or what a fault makes of it, arrive; return the answer that it got, if it got one."""
        sensor, now_ns = reading.sensor, reading.stamp_ns
        for delivery in self._injectors[sensor].deliver(
            reading.t_s, reading.stamp_ns, reading.value
        ):
            if delivery.value is None:
                self.pipeline.put_image(delivery.stamp_ns, _cut_short, now_ns=now_ns)
                continue
            self.arrived[sensor].append((delivery.stamp_ns, delivery.value))
            put = {
                'camera': self.pipeline.put_image,
                'touch': self.pipeline.put_touch,
                'gas': self.pipeline.put_gas,
            }
            put[sensor](delivery.stamp_ns, delivery.value, now_ns=now_ns)
        if reading.expert >= 0 or (sensor == 'camera' and self.answers_all):
            return self.pipeline.step(now_ns)
        self.pipeline.update(now_ns)
        return None

    def paired(self, stamp_ns: int, sensor: str) -> np.ndarray | None:
        """Return what arrived with the stamp nearest to `stamp_ns`, as message_filters pairs, however bad it is."""
        if not self.arrived[sensor]:
            return None
        return min(
            reversed(self.arrived[sensor][-1500:]), key=lambda entry: abs(entry[0] - stamp_ns)
        )[1]


def _cut_short() -> np.ndarray:
    raise ContractError('expected a picture that can be decoded, got one cut short')
