# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When each picture has its turn: at its arrival or, where the recording says so, when the node was done with the one before.

A node answers one picture at a time, and takes with it the touch and gas that are newest by then. Its scores are in the bag,
with the stamp of their picture and the time of their receipt: until then it was busy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from crossmodal_kd_ros.bags.mapping import Reading

TURN = 'turn'
# A node that has said nothing for so long is busy with no picture: it is not there, or the recorder missed its scores.
_SILENT_S = 0.5


def with_turns(readings: Iterable[Reading], *, at_once: bool) -> Iterator[Reading]:
    """Yield every reading and, after each picture that is well formed, its turn: the picture again, in the role `TURN`.

    Args:
        readings: in the order in which they were received.
        at_once: each picture has its turn at its arrival, whatever the node was busy with.
    """
    now_ns = asked_ns = spoke_ns = 0  # stamp of the picture that the node is busy with, if any; when it last spoke
    waiting: Reading | None = None
    for reading in readings:
        now_ns = reading.received_ns
        if waiting is not None and now_ns - waiting.received_ns > _SILENT_S * 1e9:
            yield _turn(waiting, now_ns)
            waiting, asked_ns = None, 0
        if reading.role == 'camera' and not reading.bad:
            if waiting is not None:  # the node passed it over for this one; here it is answered all the same
                yield _turn(waiting, now_ns)
            yield reading
            speaks = not at_once and 0 <= now_ns - spoke_ns < _SILENT_S * 1e9
            if asked_ns and speaks:
                waiting = reading
            else:
                waiting, asked_ns = None, reading.stamp_ns if speaks else 0
                yield _turn(reading, now_ns)
        elif reading.role == 'live_scores' and not reading.bad:
            spoke_ns = now_ns
            if waiting is not None and reading.stamp_ns >= waiting.stamp_ns:
                yield _turn(waiting, now_ns)
                waiting = None
            yield reading
            if reading.stamp_ns >= asked_ns:
                asked_ns = 0
                if waiting is not None:
                    asked_ns = waiting.stamp_ns
                    yield _turn(waiting, now_ns)
                    waiting = None
        else:
            yield reading
    if waiting is not None:
        yield _turn(waiting, now_ns)


def _turn(picture: Reading, now_ns: int) -> Reading:
    return replace(picture, role=TURN, received_ns=now_ns)
