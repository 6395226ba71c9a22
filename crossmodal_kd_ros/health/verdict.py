# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Verdicts as data: what is wrong with a reading, and what it is still worth."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crossmodal_kd_ros.health.reasons import Reason


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the content of readings says of their sensor; computed when a reading comes, and kept.

    Attributes:
        fault: why the readings cannot be trusted; `None` if they can.
        flaw: what makes a picture no witness against a sense though something can be seen.
        remarks: what a technician should see to though the readings are used.
        channel_std: `float[N]`, by how much elements may be off beyond what is ordinary, as a
            standard deviation in their units; infinite where they carry no information. `None`:
            nowhere.
        weighed_std: the same, of the elements that are weighed with the picture.
        needs_picture: an element carries no information, and is read from the picture.
        mended: `bool[N]`, which elements are read from their neighbours; `None`: none.
    """

    fault: Reason | None = None
    flaw: Reason | None = None
    remarks: tuple[Reason, ...] = ()
    channel_std: np.ndarray | None = None
    weighed_std: np.ndarray | None = None
    needs_picture: bool = False
    mended: np.ndarray | None = None

    @property
    def is_damaged(self) -> bool:
        """Whether a picture is no witness against a sense."""
        return self.fault is not None or self.flaw is not None


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
