# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One sample for each picture of a bag: the touch and gas that were read nearest to its stamp."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.bags.reader import Bag
from crossmodal_kd_ros.bags.topics import Reading, TopicMap
from crossmodal_kd_ros.contract import ContractError, square_view

# A crawler at 15 mm/s moves by less than a taxel in the first; gas changes in seconds.
MOST_APART_S = {'touch': 0.1, 'gas': 1.0}
# 8-bit steps; as dark as a covered lens, as bright as a blinded one, as flat as a wall of fog.
_DARK, _BRIGHT, _FLAT = 8.0, 247.0, 2.5

# Bits of `quality`; 0 is a sample without a doubt.
QUALITY = {'touch_apart': 1, 'gas_apart': 2, 'dark': 4, 'overexposed': 8, 'flat': 16}
# Further from the picture than this is worth a flag: two periods of the usual rates.
_DOUBTFUL_S = {'touch': 0.02, 'gas': 0.5}
# A label without a header may be published just after the picture that it is about.
_LABEL_LATE_NS = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """A picture with what was read nearest to it.

    Attributes:
        t_s: seconds since the first message of the bag, by its receipt: what labels count in.
        stamp_ns: of the picture.
        view: `uint8[S, S, 3]`. touch: `float32[256]`. gas: `float32[8]`.
        apart_s: how far the stamps of touch and gas are from the picture's, seconds.
        quality: bits of `QUALITY`.
        label: the newest on the label topic; empty without one.
    """

    t_s: float
    stamp_ns: int
    view: np.ndarray
    touch: np.ndarray
    gas: np.ndarray
    apart_s: tuple[float, float]
    quality: int
    label: str = ''


def aligned(bag: Bag, topics: TopicMap, dropped: Counter[str]) -> Iterator[Aligned]:
    """Yield a sample for each picture that has touch and gas near by; count the others in `dropped`, by reason.

    A picture waits until later touch and gas have come, so that the nearest may be one after it;
    in the meantime only a second or so of readings is kept.
    """
    recent: dict[str, deque[Reading]] = {'touch': deque(), 'gas': deque()}
    labels: deque[Reading] = deque()
    waiting: deque[tuple[Reading, float]] = deque()
    start_ns = 0
    for reading in topics.readings(bag):
        start_ns = start_ns or reading.received_ns
        t_s = (reading.received_ns - start_ns) / 1e9
        if reading.role.startswith('live_'):
            continue
        if reading.bad:
            dropped[f'malformed {reading.role}'] += 1
        elif reading.role == 'label':
            labels.append(reading)
        elif reading.role == 'camera':
            waiting.append((reading, t_s))
        else:
            recent[reading.role].append(reading)
        while (
            waiting and reading.received_ns - waiting[0][0].received_ns > MOST_APART_S['gas'] * 1e9
        ):
            yield from _sample(*waiting.popleft(), labels, recent, dropped)
    while waiting:
        yield from _sample(*waiting.popleft(), labels, recent, dropped)


def _sample(
    picture: Reading,
    t_s: float,
    labels: deque[Reading],
    recent: dict[str, deque[Reading]],
    dropped: Counter[str],
) -> Iterator[Aligned]:
    label = _newest(labels, picture.received_ns + _LABEL_LATE_NS)
    found = {sense: _nearest(recent[sense], picture, MOST_APART_S[sense]) for sense in recent}
    for sense, reading in found.items():
        if reading is None:
            dropped[f'no {sense} within {MOST_APART_S[sense]:g} s of the picture'] += 1
            return
    try:
        view = square_view(picture.value())
    except ContractError:
        dropped['malformed camera'] += 1
        return
    apart_s = {
        sense: abs(reading.stamp_ns - picture.stamp_ns) / 1e9 for sense, reading in found.items()
    }
    quality = sum(
        QUALITY[f'{sense}_apart'] for sense in found if apart_s[sense] > _DOUBTFUL_S[sense]
    )
    mean, spread = float(view.mean()), float(view.std())
    quality += (
        QUALITY['dark'] * (mean < _DARK)
        + QUALITY['overexposed'] * (mean > _BRIGHT)
        + QUALITY['flat'] * (spread < _FLAT)
    )
    yield Aligned(
        t_s=t_s,
        stamp_ns=picture.stamp_ns,
        view=view,
        touch=found['touch'].value,
        gas=found['gas'].value,
        apart_s=(apart_s['touch'], apart_s['gas']),
        quality=quality,
        label=label,
    )


def _newest(labels: deque[Reading], until_ns: int) -> str:
    """Return the newest label that came by `until_ns`, and forget those before it."""
    while len(labels) > 1 and labels[1].received_ns <= until_ns:
        labels.popleft()
    return labels[0].value if labels and labels[0].received_ns <= until_ns else ''


def _nearest(readings: deque[Reading], picture: Reading, most_apart_s: float) -> Reading | None:
    """Return the reading nearest to `picture`, and forget those that no later picture can want."""
    while readings and picture.stamp_ns - readings[0].stamp_ns > 2e9 * most_apart_s:
        readings.popleft()
    near = min(
        readings, key=lambda reading: abs(reading.stamp_ns - picture.stamp_ns), default=None
    )
    return (
        near
        if near is not None and abs(near.stamp_ns - picture.stamp_ns) <= most_apart_s * 1e9
        else None
    )
