# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the clock of the robot said while a recording was made.

It goes by the times of receipt or, where the stamps of all sensors are of another clock than the
recorder's, by the stamps.
"""

import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from crossmodal_kd_ros.bags.topics import Reading
from crossmodal_kd_ros.profile import Profile

# Stamps and receipts of one machine are milliseconds apart, those of two clocks that nobody set
# alike seconds to years.
_SAME_CLOCK_S = 10.0
_FIRST_READINGS = 200
# A stamp that is further from the clock than this is believed when for so long none was near.
_LEAP_NS, _CONFIRMED_NS = 10_000_000_000, 1_000_000_000


class RecordingClock:
    """The clock at the newest reading of a recording.

    Attributes:
        by_receipt: it goes by the times of receipt, and not by the stamps.
        now_ns: the time; 0 where there is no reading.
    """

    def __init__(self, first: Sequence[Reading], profile: Profile) -> None:
        """Decide by the first readings of a recording."""
        stamped = [one for one in first if one.role in profile.sensors and _has_stamp(one)]
        self.by_receipt = not stamped or _is_one_clock(stamped)
        self.now_ns = 0 if self.by_receipt else stamped[0].stamp_ns
        # Receipt of the last reading whose stamp was near the clock.
        self._near_ns = 0 if self.by_receipt else stamped[0].received_ns

    @classmethod
    def of(
        cls, readings: Iterable[Reading], profile: Profile
    ) -> tuple['RecordingClock', Iterator[Reading]]:
        """Return the clock of a recording, and its readings from the first on."""
        readings = iter(readings)
        first = list(itertools.islice(readings, _FIRST_READINGS))
        return cls(first, profile), itertools.chain(first, readings)

    def __str__(self) -> str:
        """Say in words what it goes by."""
        if self.by_receipt:
            return 'the time at which messages were recorded'
        return "the stamps of messages: they are of another clock than the recorder's"

    def tick(self, reading: Reading) -> Reading:
        """Move to a reading, and return it: by this clock, where its type has no stamp."""
        if self.by_receipt:
            self.now_ns = reading.received_ns
        elif _has_stamp(reading):
            self._follow(reading)
        elif not reading.bad:
            return replace(reading, stamp_ns=self.now_ns)
        return reading

    def _follow(self, reading: Reading) -> None:
        if abs(reading.stamp_ns - self.now_ns) <= _LEAP_NS:
            self.now_ns = max(self.now_ns, reading.stamp_ns)
        elif reading.received_ns - self._near_ns < _CONFIRMED_NS:
            return  # one stamp may be wrong
        else:
            self.now_ns = reading.stamp_ns
        self._near_ns = reading.received_ns


def _is_one_clock(readings: Sequence[Reading]) -> bool:
    """Return whether stamps and times of receipt are of one clock: those of any sensor at all.

    One sensor may have a clock of its own.
    """
    apart_s = defaultdict(list)
    for reading in readings:
        apart_s[reading.role].append(abs(reading.received_ns - reading.stamp_ns) / 1e9)
    return min(map(statistics.median, apart_s.values())) < _SAME_CLOCK_S


def _has_stamp(reading: Reading) -> bool:
    """Return whether a reading was stamped where it was measured, and not at its receipt."""
    return not reading.bad and reading.stamp_ns != reading.received_ns
