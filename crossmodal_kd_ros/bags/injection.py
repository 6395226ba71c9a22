# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faults put into a recording: what would have arrived, had a sensor failed then."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from crossmodal_kd_ros.bags.reader import BagError
from crossmodal_kd_ros.bags.topics import Reading
from crossmodal_kd_ros.profile import CAMERA, Profile
from crossmodal_kd_ros.runtime.messages import BadMessage
from crossmodal_kd_ros.simulation import FaultSchedule
from crossmodal_kd_ros.simulation.injection import Delivery, Injector

# Longer than any recording.
_NO_END_S = 1e10
_ENTRY = re.compile(r'([^@]+)@(\d+\.?\d*)(?:-(\d+\.?\d*))?')


def parse_faults(options: Iterable[str], profile: Profile) -> FaultSchedule:
    """Return the faults written as `SENSOR[:KIND[:SEVERITY]]@start[-end]`, seconds of the bag.

    A fault without an end lasts until the bag's.

    Raises:
        BagError: an option is not of that form, or is no fault of a sensor of `profile`.
    """
    entries = []
    for option in options:
        match = _ENTRY.fullmatch(option.strip())
        if match is None:
            sensor = profile.sensors[-1]
            raise BagError(
                f'expected a fault such as {sensor}@10-18 or {sensor}:drift:0.5@20 (seconds of '
                f'the bag), got {option!r}'
            )
        fault, start, end = match.groups()
        sensor, colon, kind = fault.partition(':')
        entries.append(f'{sensor}:{start}-{end or f"{_NO_END_S:.0f}"}{colon}{kind}')
    try:
        return FaultSchedule.parse(','.join(entries), profile)
    except ValueError as error:
        raise BagError(str(error)) from error


def inject(readings: Iterable[Reading], schedule: FaultSchedule) -> Iterator[Reading]:
    """Yield what would have arrived, had the sensors failed as `schedule` says.

    Second 0 is the first reading.
    """
    injectors = {
        sensor: Injector(sensor, schedule)
        for sensor in {fault.sensor for fault in schedule.faults}
    }
    start_ns = 0
    for reading in readings:
        start_ns = start_ns or reading.received_ns
        injector = injectors.get(reading.role)
        t_s = (reading.received_ns - start_ns) / 1e9
        if injector is None or reading.bad:
            yield reading
            continue
        try:
            # An injector needs the values one after the other: a picture is decoded here and now.
            value = reading.value() if callable(reading.value) else reading.value
        except BadMessage:
            yield reading
            continue
        for delivery in injector.deliver(t_s, reading.stamp_ns, value):
            yield _delivered(reading, delivery)


def _delivered(reading: Reading, delivery: Delivery) -> Reading:
    value = delivery.value
    if value is None:
        return replace(
            reading, value=None, stamp_ns=0, bad='a fault was put in: the message cannot be read'
        )
    return replace(
        reading,
        stamp_ns=delivery.stamp_ns,
        value=(lambda: value) if reading.role == CAMERA else value,
    )
