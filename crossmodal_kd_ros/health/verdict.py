# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Verdicts and reasons as data: what is wrong with a reading, and what it is still worth."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import numpy as np


class ReasonCode(Enum):
    """What a reason is about; `runtime.reasons` has a sentence for each."""

    # no reading to use
    NO_READING = auto()
    NOT_DECODED = auto()
    STALE = auto()
    NEWEST_AHEAD = auto()
    REJECTIONS = auto()
    # one message that is not used
    MALFORMED = auto()
    AHEAD = auto()
    OVERTAKEN = auto()
    OUT_OF_RANGE = auto()
    SATURATED = auto()
    # the readings of one sensor
    STUCK = auto()
    DEAD = auto()
    NOISY = auto()
    QUIET = auto()
    IN_DOUBT = auto()
    # pictures
    FROZEN = auto()
    NO_DETAIL = auto()
    DARK = auto()
    OVEREXPOSED = auto()
    DAMAGED = auto()
    # one sensor against another
    UNFAMILIAR = auto()
    OUTVOTED = auto()
    CONTRADICTION = auto()
    CONTRADICTION_TOGETHER = auto()
    NEEDS_PICTURE = auto()
    # readings that are used, with something to see to
    IMPOSSIBLE = auto()
    FROM_PICTURE = auto()
    WEIGHED = auto()
    FROM_NEIGHBOURS = auto()
    SLOWER = auto()
    SLOW = auto()
    CLOCK_AHEAD = auto()
    REFUSED = auto()
    # the decision
    FRESH = auto()
    RECOVERING = auto()
    ALL_HEALTHY = auto()
    CLOCK_SET_BACK = auto()
    MODEL_FAILED = auto()
    LOW_CONFIDENCE = auto()
    UNFAMILIAR_PICTURE = auto()


@dataclass(frozen=True)
class Reason:
    """Why something is as it is. `code` says which of the other fields hold something.

    Attributes:
        code: what it is about.
        sensor: whose it is.
        part: an element, channel or feature.
        value, limit: the figure behind it, and the limit that it is beyond.
        low, high: of a range.
        count, size: so many of so many.
        window_s: over how long.
        text: words from outside, such as those of an exception.
        sensors: those that agree on it.
        causes: the reasons behind it.
    """

    code: ReasonCode
    sensor: str = ''
    part: str = ''
    value: float = 0.0
    limit: float = 0.0
    low: float = 0.0
    high: float = 0.0
    count: int = 0
    size: int = 0
    window_s: float = 0.0
    text: str = ''
    sensors: tuple[str, ...] = ()
    causes: tuple['Reason', ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the content of readings says of their sensor; computed when a reading comes, and kept.

    Attributes:
        fault: why the readings cannot be trusted; `None` if they can.
        flaw: what makes a picture no witness against a sense though something can be seen.
        remarks: what a technician should see to though the readings are used.
        channel_std: `float[N]`, by how much elements may be off beyond what is ordinary, as a
            standard deviation in their units; infinite where they tell nothing. `None`: nowhere.
        weighed_std: the same of those elements that are worth more together with the picture.
        needs_picture: an element tells nothing, and is read from the picture.
    """

    fault: Reason | None = None
    flaw: Reason | None = None
    remarks: tuple[Reason, ...] = ()
    channel_std: np.ndarray | None = None
    weighed_std: np.ndarray | None = None
    needs_picture: bool = False


HEALTHY = Verdict()


class ContentHealth(Protocol):
    """Judges the content of one sensor's readings, one after the other. No clock is read.

    Attributes:
        verdict: after the newest reading.
    """

    verdict: Verdict

    def reset(self) -> None:
        """Forget every reading."""
        ...

    def refuse(self, value: np.ndarray) -> Reason | None:
        """Return why `value` cannot be a reading of a working sensor; `None` if it can.

        It is not remembered.
        """
        ...

    def take(self, stamp_ns: int, value: np.ndarray) -> np.ndarray:
        """Remember a reading that was not refused and judge it; return it as it is to be used."""
        ...
