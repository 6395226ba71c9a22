# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which sensor breaks when, how, and how badly."""

import re
from dataclasses import dataclass

from crossmodal_kd_ros.profile import CAMERA, Profile
from crossmodal_kd_ros.simulation.panel import PROFILE

# Touch dies and returns, then touch and gas, so that the camera alone is left, then gas, then the
# camera: within 40 s, with time to be trusted again in between.
DEMO_SCHEDULE = 'touch:4-8,touch:12-21,gas:12-21,gas:25-31,camera:35-38'

# What each kind of fault does; `broken` and `injection` say by how much.
FAULT_KINDS = {
    'silent': 'says nothing; below severity 1 only for that part of every 2 s',
    'slow': 'sends only one reading out of 3, 8, 64 (severity 0.25, 0.5, 1)',
    'stuck': 'repeats its last reading, in that part of its elements',
    'saturated': 'reads the top of its range, in part of its elements; a camera is overexposed',
    'out_of_range': 'reads what no working sensor can report, in part of its elements',
    'nan': 'that part of its messages cannot be read: NaN, or a picture cut short',
    'noise': 'is about 4, 8, 32 times as noisy (severity 0.25, 0.5, 1)',
    'quiet': 'loses its noise and its detail: a filter far too slow, a lens out of focus',
    'dead': 'reads zero in part of its elements',
    'step': 'jumps to another level at once',
    'drift': 'moves to another level within a minute',
    'disorder': 'has a third of its messages overtaken by later ones',
    'future': 'has a clock that is 0.1, 0.5, 10 s fast',
    'wet': 'has a film of water between skin and wall',
    'poisoned': 'has lost sensitivity',
    'covered': 'has something in front of its lens',
}
# What a kind can happen to: the camera, or senses of a layout. The others happen to everything.
_ONLY_FOR = {
    'out_of_range': ('grid', 'channels'),
    'wet': ('grid',),
    'poisoned': ('channels',),
    'covered': (CAMERA,),
}

_ENTRY = re.compile(
    r'\s*(\w+)\s*:\s*([\d.]+)\s*-\s*([\d.]+)\s*(?::\s*(\w+)\s*(?::\s*([\d.]+)\s*)?)?'
)


def kinds_of(sensor: str, profile: Profile = PROFILE) -> tuple[str, ...]:
    """Return which of `FAULT_KINDS` can happen to a sensor of `profile`."""
    layout = CAMERA if sensor == CAMERA else profile.senses[sensor].layout
    return tuple(kind for kind in FAULT_KINDS if layout in _ONLY_FOR.get(kind, (layout,)))


@dataclass(frozen=True)
class Fault:
    """A sensor that is broken from `start_s` (included) to `end_s` (excluded), simulated seconds.

    Attributes:
        sensor: the camera or a sense.
        start_s, end_s: when.
        kind: one of `FAULT_KINDS`.
        severity: above 0, up to 1.
    """

    sensor: str
    start_s: float
    end_s: float
    kind: str = 'silent'
    severity: float = 1.0

    def active(self, t_s: float) -> bool:
        """Return whether the sensor is broken at `t_s`."""
        return self.start_s <= t_s < self.end_s


@dataclass(frozen=True)
class FaultSchedule:
    """All the faults of a run.

    Attributes:
        faults: in any order.
        profile: whose sensors break.
    """

    faults: tuple[Fault, ...] = ()
    profile: Profile = PROFILE

    def __post_init__(self) -> None:
        """Refuse what cannot happen: `ValueError`."""
        for fault in self.faults:
            self._check(fault)

    @classmethod
    def parse(cls, text: str, profile: Profile = PROFILE) -> 'FaultSchedule':
        """Return the schedule written as `sensor:start-end[:kind[:severity]]`, comma between.

        Times are in seconds; an empty text is no fault. `touch:10-18` falls silent;
        `gas:20-60:drift:0.5` drifts with severity 0.5.

        Raises:
            ValueError: the text is not of that form, or a fault has no sensor or kind of
                `profile`, or ends before it starts.
        """
        faults = []
        for entry in filter(str.strip, text.split(',')):
            match = _ENTRY.fullmatch(entry)
            if match is None:
                raise ValueError(
                    f'expected faults like {DEMO_SCHEDULE!r} or gas:20-60:drift:0.5 '
                    f'(sensor:start-end[:kind[:severity]], seconds), got {entry!r}'
                )
            sensor, start, end, kind, severity = match.groups()
            faults.append(
                Fault(sensor, float(start), float(end), kind or 'silent', float(severity or 1.0))
            )
        return cls(tuple(faults), profile)

    def active(self, sensor: str, t_s: float) -> Fault | None:
        """Return the fault of `sensor` at `t_s`, if there is one."""
        own = (fault for fault in self.faults if fault.sensor == sensor)
        return next((fault for fault in own if fault.active(t_s)), None)

    @property
    def outages(self) -> list[tuple[Fault, ...]]:
        """Return the faults in order of time; those that start and end together are one outage."""
        together: dict[tuple[float, float], list[Fault]] = {}
        for fault in self.faults:
            together.setdefault((fault.start_s, fault.end_s), []).append(fault)
        return [tuple(together[times_s]) for times_s in sorted(together)]

    def _check(self, fault: Fault) -> None:
        sensor, sensors = fault.sensor, self.profile.sensors
        if sensor not in sensors:
            raise ValueError(f'expected a sensor out of {", ".join(sensors)}, got {sensor!r}')
        if not 0.0 <= fault.start_s < fault.end_s:
            raise ValueError(
                f'expected a fault of {sensor} to start before it ends, '
                f'got {fault.start_s}-{fault.end_s} s'
            )
        kinds = kinds_of(sensor, self.profile)
        if fault.kind not in kinds:
            raise ValueError(
                f'expected a fault of {sensor} out of {", ".join(kinds)}, got {fault.kind!r}'
            )
        if not 0.0 < fault.severity <= 1.0:
            raise ValueError(f'expected a severity above 0 and up to 1, got {fault.severity}')
