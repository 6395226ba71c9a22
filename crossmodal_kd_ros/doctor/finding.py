# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a check found."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is."""

    OK = 'ok'
    WARNING = 'warning'  # it works, but not as well as it could
    PROBLEM = 'problem'


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what was looked at, in a word or two.
        told: what was found.
        level: how bad it is.
        remedy: the line that mends it; a problem always has one.
    """

    about: str
    told: str
    level: Level = Level.OK
    remedy: str = ''

    def __post_init__(self) -> None:
        """Refuse a problem that nobody could mend."""
        if self.level is Level.PROBLEM and not self.remedy:
            raise ValueError(f'expected a remedy for the problem "{self.told}", got none')
