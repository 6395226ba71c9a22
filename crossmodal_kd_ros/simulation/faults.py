# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which sensor is silent when."""

import re
from dataclasses import dataclass

from crossmodal_kd_ros.contract import SENSORS

# Touch dies and returns, gas dies and returns, the camera dies and returns, within 40 s.
DEMO_SCHEDULE = 'touch:10-18,gas:22-28,camera:32-36'

_ENTRY = re.compile(r'\s*(\w+)\s*:\s*([\d.]+)\s*-\s*([\d.]+)\s*')


@dataclass(frozen=True)
class Fault:
    """A sensor that says nothing from `start_s` (included) to `end_s` (excluded), seconds of simulated time."""

    sensor: str
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if self.sensor not in SENSORS:
            raise ValueError(f'expected a sensor out of {", ".join(SENSORS)}, got {self.sensor!r}')
        if not 0.0 <= self.start_s < self.end_s:
            raise ValueError(f'expected a fault of {self.sensor} to start before it ends, got {self.start_s}-{self.end_s} s')


@dataclass(frozen=True)
class FaultSchedule:
    """All the faults of a run."""

    faults: tuple[Fault, ...] = ()

    @classmethod
    def parse(cls, text: str) -> 'FaultSchedule':
        """Return the schedule written as `sensor:start-end`, seconds, comma between faults; empty text: no fault.

        Raises:
            ValueError: the text is not of that form, or a fault names no sensor or ends before it starts.
        """
        faults = []
        for entry in filter(str.strip, text.split(',')):
            match = _ENTRY.fullmatch(entry)
            if match is None:
                raise ValueError(f'expected faults like {DEMO_SCHEDULE!r} (sensor:start-end in seconds), got {entry!r}')
            sensor, start, end = match.groups()
            faults.append(Fault(sensor, float(start), float(end)))
        return cls(tuple(faults))

    def active(self, sensor: str, t_s: float) -> Fault | None:
        """Return the fault that silences `sensor` at `t_s`, if one does."""
        return next((f for f in self.faults if f.sensor == sensor and f.start_s <= t_s < f.end_s), None)
