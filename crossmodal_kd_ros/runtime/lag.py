# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a slow sense will read here, while it still reads some of the place before."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crossmodal_kd_ros.profile import Profile, Sense
from crossmodal_kd_ros.runtime.arbiter import Evidence
from crossmodal_kd_ros.runtime.sample import Perception

# After so long without a picture, of the response, a sense is nearer to the place where the robot
# is than to the one where it was, wherever in between it moved: 0.5 = 10 ** -0.3.
_MAX_GAP = math.log10(2.0)
# A camera that sends a picture in so many of its periods is not silent.
_PERIODS = 2.5
# Of one sense, between two of its readings: 16 s at 60 Hz.
_MAX_SEEN = 1000
# A reading that is corrected by less than that, in standard deviations of its noise, is measured.
_NOISE = 2.0


@dataclass(frozen=True)
class _Seen:
    """A picture: its stamp, what the student predicts from it, and what the sense reads then."""

    stamp_ns: int
    predicted: np.ndarray
    lagged: np.ndarray


class Lag:
    """Makes up for the lag of a sense by what the picture shows of the way here.

    A sense that answers a step to first order, dx/dt = (s - x) / tau with tau = T90 / ln 10, reads
    what it would read at each place of late, weighed by how long ago that was. The student's
    predictions, put through the same lag, say how far that is from what it would read here; so a
    complementary filter joins what is quick in the picture with what is true in the sense. Nothing
    is added where the view has not changed: a sense that is wrong stays wrong, and is compared
    with the picture as it stands.
    """

    def __init__(self, sense: Sense, camera_period_s: float) -> None:
        """Start with nothing seen."""
        self._response_ns = 1e9 * sense.response_s
        self._tau_ns = self._response_ns / math.log(10.0)
        self._max_gap_ns = self._response_ns * _MAX_GAP
        # Between two pictures of a healthy camera nobody knows the way either, nor need to.
        self._max_unseen_ns = max(self._max_gap_ns, 1e9 * _PERIODS * camera_period_s)
        self._seen: deque[_Seen] = deque(maxlen=_MAX_SEEN)
        self._since_ns = 0  # stamp of the first picture of the way that is known
        self._varies = ~sense.per_element('is_constant').astype(bool)
        self._least, self._max = sense.per_element('least'), sense.per_element('max')
        self._most_measured = _NOISE * sense.per_element('noise_std')

    def reset(self) -> None:
        """Forget what was seen: the sense counts as settled at what is seen next."""
        self._seen.clear()

    def see(self, stamp_ns: int, predicted: np.ndarray) -> None:
        """Note what the student predicts, `float32[size]`, from the picture of `stamp_ns`.

        After a gap nobody knows the way.
        """
        gap_ns = stamp_ns - self._seen[-1].stamp_ns if self._seen else -1
        if not 0 <= gap_ns <= self._max_gap_ns:
            self.reset()
        if not 0 <= gap_ns <= self._max_unseen_ns:
            self._since_ns = stamp_ns
        lagged = self._at(self._seen[-1], stamp_ns) if self._seen else predicted
        self._seen.append(_Seen(stamp_ns, predicted, lagged))

    def correction(self, read_ns: int) -> np.ndarray:
        """Return by how much a reading of `read_ns` will change at the last picture's place.

        Readings are asked for in the order of time.
        """
        while len(self._seen) > 1 and self._seen[1].stamp_ns <= read_ns:
            self._seen.popleft()
        return self._seen[-1].predicted - self._at(self._seen[0], read_ns)

    def settle(self, evidence: Evidence) -> Evidence:
        """Return the evidence with its reading corrected, within what the sense can report."""
        if evidence.reading is None:
            return evidence
        correction = self.correction(evidence.read_ns)
        reading = np.clip(evidence.reading + correction, self._least, self._max)
        return replace(
            evidence,
            reading=np.where(self._varies, reading, evidence.reading).astype(np.float32),
            in_transit=self._varies & (np.abs(correction) > self._most_measured),
            # What was before the first picture of the way is read for so long.
            is_lag_known=self._seen[-1].stamp_ns - self._since_ns >= self._response_ns,
        )

    def _at(self, seen: _Seen, now_ns: int) -> np.ndarray:
        """Return what the sense reads at `now_ns` where since `seen` nothing else was."""
        left = math.exp(-max(now_ns - seen.stamp_ns, 0) / self._tau_ns)
        return seen.predicted + left * (seen.lagged - seen.predicted)


class SlowSenses:
    """The senses of a robot that take time to answer, each with its lag."""

    def __init__(self, profile: Profile) -> None:
        """Start with nothing seen."""
        self._lags = {
            name: Lag(sense, profile.camera.period_s)
            for name, sense in profile.senses.items()
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
        settled = self.unsettled(evidence)
        for name, lag in self._lags.items():
            predicted = perception.readings[name]
            is_known = bool(np.isfinite(predicted).all())
            if epoch != self._epoch or not is_known:
                lag.reset()
            if is_known:
                lag.see(stamp_ns, predicted)
                settled[name] = lag.settle(evidence[name])
        self._epoch = epoch
        return settled

    def unsettled(self, evidence: Mapping[str, Evidence]) -> dict[str, Evidence]:
        """Return the evidence, by sense, of a picture that says nothing of the way here."""
        return {
            name: replace(one, is_lag_known=name not in self._lags)
            for name, one in evidence.items()
        }
