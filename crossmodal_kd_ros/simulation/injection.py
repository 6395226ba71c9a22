# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faults put into a stream of healthy readings, simulated or recorded, of any profile."""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.profile import CAMERA
from crossmodal_kd_ros.simulation import broken
from crossmodal_kd_ros.simulation.faults import Fault, FaultSchedule

_DRIFT_S = 30.0  # after which a drift has come as far as a step
_FLICKER_S = 2.0
_OVERTAKEN = 0.33


@dataclass(frozen=True)
class Delivery:
    """A message as it arrives.

    Attributes:
        stamp_ns: of its header.
        value: its reading; None if it cannot be read, as a picture cut short.
    """

    stamp_ns: int
    value: np.ndarray | None


class Injector:
    """Breaks the readings of one sensor while its faults are active, by a seed."""

    def __init__(self, sensor: str, schedule: FaultSchedule, *, seed: int = 0) -> None:
        """Break `sensor` of the schedule's profile as `schedule` says."""
        self._sensor, self._schedule, self._seed = sensor, schedule, seed
        self._sense = None if sensor == CAMERA else schedule.profile.senses[sensor]
        self._last: np.ndarray | None = None  # healthy, or filtered
        self._waiting: list[tuple[float, Delivery]] = []
        self._index = 0

    def deliver(self, t_s: float, stamp_ns: int, value: np.ndarray) -> list[Delivery]:
        """Return what arrives when `value` was read at `t_s`: none, one or more messages.

        Args:
            t_s: seconds of the schedule; they only move on.
            stamp_ns: the right stamp of the reading.
            value: the healthy reading; it is not changed.
        """
        self._index += 1
        fault = self._schedule.active(self._sensor, t_s)
        rng = np.random.default_rng((self._seed, self._index))
        late = [delivery for due_s, delivery in self._waiting if due_s <= t_s]
        self._waiting = [entry for entry in self._waiting if entry[0] > t_s]
        if fault is None:
            self._last = value
            return [Delivery(stamp_ns, value), *late]
        if self._lost(fault, t_s):
            return late
        if fault.kind == 'future':
            stamp_ns += round(1e9 * 10.0 ** (2.667 * fault.severity - 1.667))
        delivery = Delivery(stamp_ns, self._reading(fault, t_s, value, rng))
        if fault.kind == 'disorder' and rng.random() < _OVERTAKEN:
            # By 0.04, 0.14, 2.0 s (severity 0.25, 0.5, 1), and at least by one message.
            self._waiting.append((t_s + 0.01 * 10.0 ** (2.3 * fault.severity), delivery))
            return late
        return [delivery, *late]

    def _lost(self, fault: Fault, t_s: float) -> bool:
        if fault.kind == 'silent':
            return (t_s - fault.start_s) % _FLICKER_S < fault.severity * _FLICKER_S
        return fault.kind == 'slow' and self._index % round(2.0 ** (6.0 * fault.severity)) != 0

    def _reading(
        self, fault: Fault, t_s: float, value: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray | None:
        sense, severity = self._sense, fault.severity
        match fault.kind:
            case 'stuck':
                return broken.put(sense, value, self._frozen(value), severity, self._seed)
            case 'saturated':
                return broken.saturated(sense, value, severity, self._seed)
            case 'out_of_range':
                return broken.out_of_range(sense, value, severity, self._seed)
            case 'nan':
                return self._unreadable(value) if rng.random() < severity else value
            case 'noise':
                return broken.noisy(sense, value, severity, rng)
            case 'quiet' if sense is None:
                return broken.blurred(value, severity)
            case 'quiet':
                return self._filtered(value, severity)
            case 'dead':
                return broken.put(sense, value, np.zeros_like(value), severity**2, self._seed)
            case 'step':
                return broken.shifted(sense, value, severity)
            case 'drift':
                return broken.shifted(sense, value, severity * (t_s - fault.start_s) / _DRIFT_S)
            case 'wet':
                return broken.wet(sense, value, severity)
            case 'poisoned':
                return broken.poisoned(sense, value, severity)
            case 'covered':
                return broken.covered(value, severity, rng)
        return value

    def _frozen(self, value: np.ndarray) -> np.ndarray:
        if self._last is None:
            self._last = value
        return self._last

    def _filtered(self, value: np.ndarray, severity: float) -> np.ndarray:
        """Average over the last 6, 16, 100 readings (severity 0.25, 0.5, 1)."""
        keep = 1.0 - 10.0 ** (-0.4 - 1.6 * severity)
        self._last = value if self._last is None else keep * self._last + (1.0 - keep) * value
        return self._last.astype(np.float32)

    def _unreadable(self, value: np.ndarray) -> np.ndarray | None:
        if self._sense is None:
            return None
        broken_value = value.copy()
        broken_value[0] = np.nan
        return broken_value
