# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One sample for each picture of a bag: the reading of each sense nearest to its stamp."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.bags.reader import Bag
from crossmodal_kd_ros.bags.topics import LABEL, Reading, TopicMap
from crossmodal_kd_ros.profile import CAMERA, Profile, ReadingError, Sense, square_view

# 8-bit steps; as dark as a covered lens, as bright as a blinded one, as flat as a wall of fog.
_DARK, _BRIGHT, _FLAT = 8.0, 247.0, 2.5
# A label without a header may be published just after the picture that it is about.
_LABEL_LATE_NS = 20_000_000


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
        t_s: seconds since the first message of the bag, by its receipt: what labels count in.
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
    bag: Bag, topics: TopicMap, profile: Profile, dropped: Counter[str]
) -> Iterator[Synchronized]:
    """Yield a sample for each picture that has a reading of every sense near by.

    The other pictures are counted in `dropped`, by reason. A picture waits until later readings
    have come, so that the nearest may be one after it; only so many readings are kept.
    """
    recent: dict[str, deque[Reading]] = {sense: deque() for sense in profile.senses}
    labels: deque[Reading] = deque()
    waiting: deque[tuple[Reading, float]] = deque()
    wait_ns = 1e9 * max(max_apart_s(sense) for sense in profile.senses.values())
    start_ns = 0
    for reading in topics.readings(bag):
        start_ns = start_ns or reading.received_ns
        t_s = (reading.received_ns - start_ns) / 1e9
        if reading.role.startswith('live_'):
            continue
        if reading.bad:
            dropped[f'malformed {reading.role}'] += 1
        elif reading.role == LABEL:
            labels.append(reading)
        elif reading.role == CAMERA:
            waiting.append((reading, t_s))
        else:
            recent[reading.role].append(reading)
        while waiting and reading.received_ns - waiting[0][0].received_ns > wait_ns:
            yield from _sample(*waiting.popleft(), profile, labels, recent, dropped)
    while waiting:
        yield from _sample(*waiting.popleft(), profile, labels, recent, dropped)


def _sample(
    picture: Reading,
    t_s: float,
    profile: Profile,
    labels: deque[Reading],
    recent: dict[str, deque[Reading]],
    dropped: Counter[str],
) -> Iterator[Synchronized]:
    label = _newest(labels, picture.received_ns + _LABEL_LATE_NS)
    nearest = {
        name: _nearest(recent[name], picture, max_apart_s(sense))
        for name, sense in profile.senses.items()
    }
    for name, reading in nearest.items():
        if reading is None:
            limit_s = max_apart_s(profile.senses[name])
            dropped[f'no {name} within {limit_s:g} s of the picture'] += 1
            return
    try:
        view = square_view(picture.value(), size_px=profile.camera.view_px)
    except ReadingError:
        dropped[f'malformed {CAMERA}'] += 1
        return
    apart_s = {
        name: abs(reading.stamp_ns - picture.stamp_ns) / 1e9 for name, reading in nearest.items()
    }
    yield Synchronized(
        t_s=t_s,
        stamp_ns=picture.stamp_ns,
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


def _nearest(readings: deque[Reading], picture: Reading, limit_s: float) -> Reading | None:
    """Return the reading nearest to `picture`, and forget those that no later picture can want."""
    while readings and picture.stamp_ns - readings[0].stamp_ns > 2e9 * limit_s:
        readings.popleft()

    def apart_ns(reading: Reading) -> int:
        return abs(reading.stamp_ns - picture.stamp_ns)

    nearest = min(readings, key=apart_ns, default=None)
    return nearest if nearest is not None and apart_ns(nearest) <= limit_s * 1e9 else None
