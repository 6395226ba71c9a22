# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When each picture of a recording has its turn to be answered.

A node answers one picture at a time, with the readings that it has by then. Its scores are in the
bag, with the stamp of their picture and the time of their receipt: until then it was busy. Where
no node spoke, a picture has its turn at its arrival.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from crossmodal_kd_ros.bags.topics import Reading
from crossmodal_kd_ros.profile import CAMERA

TURN = 'turn'
# A node that has been silent for so long is busy with no picture: it is not there, or the recorder
# missed its scores.
_SILENT_S = 0.5


def with_turns(readings: Iterable[Reading], *, at_once: bool) -> Iterator[Reading]:
    """Yield every reading, and each well-formed picture again at its turn, in the role `TURN`.

    Args:
        readings: in the order in which they were received.
        at_once: each picture has its turn at its arrival, whatever the node was busy with.
    """
    node = _Node()
    now_ns = 0
    for reading in readings:
        now_ns = reading.received_ns
        yield from node.give_up(now_ns)
        if reading.role == CAMERA and not reading.bad:
            yield from node.picture(reading, speaks=not at_once and node.spoke_lately(now_ns))
        elif reading.role == 'live_scores' and not reading.bad:
            yield from node.scores(reading)
        else:
            yield reading
    yield from node.release(now_ns)


class _Node:
    """What the recorded node was busy with, by its scores, and the picture that waited."""

    def __init__(self) -> None:
        self._busy_with_ns = 0  # stamp of the picture that it is busy with; 0: none
        self._spoke_at_ns = 0
        self._waiting: Reading | None = None

    def spoke_lately(self, now_ns: int) -> bool:
        return 0 <= now_ns - self._spoke_at_ns < _SILENT_S * 1e9

    def picture(self, picture: Reading, *, speaks: bool) -> list[Reading]:
        """Return what happens when a picture comes to a node that `speaks`, or to none."""
        now_ns = picture.received_ns
        passed_over = self.release(now_ns)  # for this one; here it is answered all the same
        if self._busy_with_ns and speaks:
            self._waiting = picture
            return [*passed_over, picture]
        self._busy_with_ns = picture.stamp_ns if speaks else 0
        return [*passed_over, picture, _turn(picture, now_ns)]

    def scores(self, scores: Reading) -> list[Reading]:
        """Return what happens when the node has answered: the picture that waited has its turn."""
        now_ns = self._spoke_at_ns = scores.received_ns
        # Its own scores are there: the recorder missed those of the one before.
        is_late = self._waiting is not None and scores.stamp_ns >= self._waiting.stamp_ns
        before = self.release(now_ns) if is_late else []
        if scores.stamp_ns < self._busy_with_ns:
            return [*before, scores]
        self._busy_with_ns = self._waiting.stamp_ns if self._waiting is not None else 0
        return [*before, scores, *self.release(now_ns)]

    def give_up(self, now_ns: int) -> list[Reading]:
        """Return the turn of a picture that has waited too long for the node."""
        if self._waiting is None or now_ns - self._waiting.received_ns <= _SILENT_S * 1e9:
            return []
        self._busy_with_ns = 0
        return self.release(now_ns)

    def release(self, now_ns: int) -> list[Reading]:
        """Return the turn of the picture that waits, if there is one."""
        waiting, self._waiting = self._waiting, None
        return [] if waiting is None else [_turn(waiting, now_ns)]


def _turn(picture: Reading, now_ns: int) -> Reading:
    return replace(picture, role=TURN, received_ns=now_ns)
