# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One sample for each picture of a bag: the reading of each sense nearest to its stamp."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from crossmodal_kd_ros.bags.clock import RecordingClock
from crossmodal_kd_ros.bags.reader import Bag
from crossmodal_kd_ros.bags.topics import LABEL, Reading, TopicMap
from crossmodal_kd_ros.health.reasons import Reason, ReasonCode, say
from crossmodal_kd_ros.health.sensor import SensorHealth, sensors_of
from crossmodal_kd_ros.profile import CAMERA, Profile, ReadingError, Sense, square_view
from crossmodal_kd_ros.runtime import RuntimeConfig

# 8-bit steps; as dark as a covered lens, as bright as a blinded one, as flat as a wall of fog.
_DARK, _BRIGHT, _FLAT = 8.0, 247.0, 2.5
# A label without a header may be published just after the picture that it is about.
_LABEL_LATE_NS = 20_000_000
# A picture is under way for no longer: readings that came so long before it are forgotten.
_UNDER_WAY_NS = 10_000_000_000
# Why the health of a sensor refuses a stamp.
_REFUSED = {
    ReasonCode.AHEAD: 'stamped ahead of the time, before that was known of its clock',
    ReasonCode.OVERTAKEN: 'stamped before one that came earlier',
}


def max_apart_s(sense: Sense) -> float:
    """Return how far from a picture's stamp a reading may be: two periods, at least 0.1 s.

    A crawler at 15 mm/s moves by less than a cell of a pad in 0.1 s.
    """
    return max(0.1, 2.0 * sense.period_s)


def flagged_apart_s(sense: Sense) -> float:
    """Return how far a reading may be without a flag: a period, at least 0.02 s."""
    return max(0.02, sense.period_s)


def quality_bits(profile: Profile) -> dict[str, int]:
    """Return what the bits of `quality` mean; 0 is a sample without a doubt."""
    names = (*(f'{sense}_apart' for sense in profile.senses), 'dark', 'overexposed', 'flat')
    return {name: 1 << place for place, name in enumerate(names)}


@dataclass(frozen=True, kw_only=True)
class Synchronized:
    """A picture with the readings nearest to it.

    Attributes:
        t_s: seconds since the first message of the bag, of any topic, by its receipt: what labels
            count in.
        stamp_ns: of the picture.
        view: `uint8[S, S, 3]`; `None` where it is kept elsewhere.
        readings: `float32[size]` by sense.
        apart_s: how far the stamp of each reading is from the picture's, by sense.
        quality: sum of `quality_bits`.
        label: the newest on the label topic; empty without one.
    """

    t_s: float
    stamp_ns: int
    view: np.ndarray | None
    readings: Mapping[str, np.ndarray]
    apart_s: Mapping[str, float]
    quality: int
    label: str = ''


def synchronize(
    bag: Bag, topics: TopicMap, profile: Profile, dropped: Counter[str], sentences: list[str]
) -> Iterator[Synchronized]:
    """Yield a sample for each picture that has a reading of every sense near by.

    The other pictures are counted in `dropped`, by reason. Stamps are judged as in a replay: what
    is out of order is left out, and a clock that is ahead is allowed for, which is added to
    `sentences`. A picture waits until later readings have come, so that the nearest may be one
    after it; only so many readings are kept.
    """
    health = sensors_of(profile, RuntimeConfig.of(profile).timeouts_s)
    recent: dict[str, deque[Reading]] = {sense: deque() for sense in profile.senses}
    labels: deque[Reading] = deque()
    waiting: deque[_Picture] = deque()
    wait_ns = 1e9 * max(max_apart_s(sense) for sense in profile.senses.values())
    start_ns = bag.start_ns
    clock, readings = RecordingClock.of(topics.readings(bag), profile)
    for reading in map(clock.tick, readings):
        role, received_ns = reading.role, reading.received_ns
        if role.startswith('live_'):
            continue
        if reading.bad:
            dropped[f'malformed {role}'] += 1
        elif role == LABEL:
            labels.append(reading)
        elif not health[role].announce(reading.stamp_ns, clock.now_ns):
            dropped[f'{role} {_refusal(health[role], clock.now_ns)}'] += 1
        else:
            stamp_ns = health[role].by_this_clock(reading.stamp_ns)
            if role == CAMERA:
                waiting.append(_Picture(reading, stamp_ns, (received_ns - start_ns) / 1e9))
            else:
                near = recent[role]
                near.append(replace(reading, stamp_ns=stamp_ns, origin=None))
                while received_ns - near[0].received_ns > wait_ns + _UNDER_WAY_NS:
                    near.popleft()
        while waiting and received_ns - waiting[0].reading.received_ns > wait_ns:
            yield from _sample(waiting.popleft(), profile, labels, recent, dropped)
    while waiting:
        yield from _sample(waiting.popleft(), profile, labels, recent, dropped)
    for sensor, own in health.items():
        ahead_s = -own.by_this_clock(0) / 1e9
        if ahead_s:
            sentences.append(f'{sensor}: {say(Reason(ReasonCode.CLOCK_AHEAD, value=ahead_s))}')


@dataclass(frozen=True)
class _Picture:
    """A picture that waits: its reading, its stamp by the clock of the recording, its second."""

    reading: Reading
    stamp_ns: int
    t_s: float


def _refusal(health: SensorHealth, now_ns: int) -> str:
    return _REFUSED[health.report(now_ns).last_rejection.code]


def _sample(
    picture: _Picture,
    profile: Profile,
    labels: deque[Reading],
    recent: dict[str, deque[Reading]],
    dropped: Counter[str],
) -> Iterator[Synchronized]:
    label = _newest(labels, picture.reading.received_ns + _LABEL_LATE_NS)
    nearest = {
        name: _nearest(recent[name], picture.stamp_ns, max_apart_s(sense))
        for name, sense in profile.senses.items()
    }
    for name, reading in nearest.items():
        if reading is None:
            limit_s = max_apart_s(profile.senses[name])
            dropped[f'no {name} within {limit_s:g} s of the picture'] += 1
            return
    try:
        view = square_view(picture.reading.value(), size_px=profile.camera.view_px)
    except ReadingError:
        dropped[f'malformed {CAMERA}'] += 1
        return
    apart_s = {
        name: abs(reading.stamp_ns - picture.stamp_ns) / 1e9 for name, reading in nearest.items()
    }
    yield Synchronized(
        t_s=picture.t_s,
        stamp_ns=picture.reading.stamp_ns,
        view=view,
        readings={name: reading.value for name, reading in nearest.items()},
        apart_s=apart_s,
        quality=_quality(profile, view, apart_s),
        label=label,
    )


def _quality(profile: Profile, view: np.ndarray, apart_s: Mapping[str, float]) -> int:
    bits = quality_bits(profile)
    mean, std = float(view.mean()), float(view.std())
    is_flagged = {
        f'{name}_apart': apart_s[name] > flagged_apart_s(sense)
        for name, sense in profile.senses.items()
    } | {'dark': mean < _DARK, 'overexposed': mean > _BRIGHT, 'flat': std < _FLAT}
    return sum(bits[name] for name, flagged in is_flagged.items() if flagged)


def _newest(labels: deque[Reading], until_ns: int) -> str:
    """Return the newest label that was received by `until_ns`, and forget those before it."""
    while len(labels) > 1 and labels[1].received_ns <= until_ns:
        labels.popleft()
    return labels[0].value if labels and labels[0].received_ns <= until_ns else ''


def _nearest(readings: deque[Reading], stamp_ns: int, limit_s: float) -> Reading | None:
    """Return the reading nearest to a picture, and forget those that no later one can want."""
    while readings and stamp_ns - readings[0].stamp_ns > 2e9 * limit_s:
        readings.popleft()

    def apart_ns(reading: Reading) -> int:
        return abs(reading.stamp_ns - stamp_ns)

    nearest = min(readings, key=apart_ns, default=None)
    return nearest if nearest is not None and apart_ns(nearest) <= limit_s * 1e9 else None
