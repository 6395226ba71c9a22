# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a slow sense will read here, while it still reads some of the place before."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.runtime.arbiter import Evidence
from crossmodal_kd_ros.runtime.sample import Perception

# What was seen before so many times the response counts for less than a thousandth.
_MEMORY = 3.0


class Lag:
    """Makes up for the lag of a sense by what the picture shows of the way here.

    A sense that answers a step to first order, dx/dt = (s - x) / tau with tau = T90 / ln 10, reads
    what it would read at each place of late, weighed by how long ago that was. The student's
    predictions, put through the same lag, say how far that is from what it would read here; so a
    complementary filter joins what is quick in the picture with what is true in the sense. Nothing
    is added where the view has not changed: a sense that is wrong stays wrong, and is compared
    with the picture as it stands.

    Args:
        response_s: time in which the sense shows 90 % of a step, s.
    """

    def __init__(self, response_s: float) -> None:
        self._tau_ns = 1e9 * response_s / math.log(10.0)
        self._memory_ns = 1e9 * response_s * _MEMORY
        self._seen: deque[tuple[int, np.ndarray]] = deque()

    def reset(self) -> None:
        """Forget what was seen: the sense counts as settled at what is seen next."""
        self._seen.clear()

    def see(self, stamp_ns: int, predicted: np.ndarray) -> None:
        """Note what the student predicts, `float32[size]`, from the picture of `stamp_ns`.

        After a gap nobody knows the way; it is long enough for the sense to have settled.
        """
        if self._seen and not 0 <= stamp_ns - self._seen[-1][0] <= self._memory_ns:
            self.reset()
        self._seen.append((stamp_ns, predicted))
        while len(self._seen) > 1 and stamp_ns - self._seen[1][0] > self._memory_ns:
            self._seen.popleft()

    def settle(self, read_ns: int, reading: np.ndarray) -> np.ndarray:
        """Return what a reading, `float32[size]`, of `read_ns` comes to at the last picture."""
        stamps, predicted = zip(*self._seen)
        # A prediction holds from its picture to the next; the first for all the time before.
        ends = np.append(np.array(stamps[1:], float), np.inf)
        left = np.exp(-np.maximum(read_ns - ends, 0.0) / self._tau_ns)
        weights = np.diff(left, prepend=0.0)
        lagged = weights @ np.stack(predicted)
        return (reading + predicted[-1] - lagged).astype(np.float32)


class SlowSenses:
    """The senses of a robot that take time to answer, each with its lag."""

    def __init__(self, profile: Profile) -> None:
        """Start with nothing seen."""
        self._lags = {
            sense.name: Lag(sense.response_s)
            for sense in profile.senses.values()
            if sense.response_s > 0.0
        }
        self._epoch = 0

    def settle(
        self, epoch: int, stamp_ns: int, perception: Perception, evidence: Mapping[str, Evidence]
    ) -> dict[str, Evidence]:
        """Return the evidence, by sense, with the readings of slow senses as they will settle.

        Args:
            epoch: what was seen before it is forgotten.
            stamp_ns: of a picture that is known to be good.
            perception: what the student sees in it, of one view.
            evidence: by sense.
        """
        settled = dict(evidence)
        for sense, lag in self._lags.items():
            if epoch != self._epoch:
                lag.reset()
            lag.see(stamp_ns, perception.readings[sense])
            one = evidence[sense]
            if one.reading is not None:
                settled[sense] = replace(one, reading=lag.settle(one.read_ns, one.reading))
        self._epoch = epoch
        return settled
