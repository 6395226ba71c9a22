# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a robot reads at one instant, what the student sees of it, and what is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from crossmodal_kd_ros.calibration.out_of_distribution import fine_detail
from crossmodal_kd_ros.profile import Mode, Profile

# What a student returns of views, in front of the readings of each sense.
STUDENT_COLUMNS = ('probabilities', 'quantities', 'quantities_std', 'features')


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One picture, and the readings that belong to it.

    Attributes:
        stamp_ns: stamp of the image's header, nanoseconds.
        image: `uint8[H, W, 3]`, RGB.
        readings: `float32[size]` by sense, in the units of the profile; a sense that is lost is
            absent.
    """

    stamp_ns: int
    image: np.ndarray
    readings: Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Perception:
    """What the student sees in B views; of one view, as `row` returns it, without the first axis.

    Attributes:
        probabilities: `float32[B, A]`, one for each action of the profile, summing to 1.
        readings: `float32[B, size]` by sense: what each sense would read, in its units.
        quantities: `float32[B, Q]`, in the order and units of the profile.
        quantities_std: `float32[B, Q]`, the standard deviation that the student gives to them;
            `None` from an engine that does not say.
        features: `float32[B, D]`, mean and deviation of the student's finest maps of the view;
            `None` likewise.
        detail: `float32[B]`, mean step from pixel to pixel of the view, in 8-bit steps; `None`
            likewise.
    """

    probabilities: np.ndarray
    readings: Mapping[str, np.ndarray]
    quantities: np.ndarray
    quantities_std: np.ndarray | None = None
    features: np.ndarray | None = None
    detail: np.ndarray | None = None

    @classmethod
    def of_columns(
        cls, columns: Sequence[np.ndarray], profile: Profile, views: np.ndarray
    ) -> 'Perception':
        """Return it from `STUDENT_COLUMNS`, then the reading of each sense, of `views`."""
        count = len(STUDENT_COLUMNS)
        return cls(
            **dict(zip(STUDENT_COLUMNS, columns[:count])),
            readings=dict(zip(profile.senses, columns[count:], strict=True)),
            detail=fine_detail(views),
        )

    def row(self, index: int) -> 'Perception':
        """Return what the student sees in one of the views."""

        def of_one(value: np.ndarray | Mapping[str, np.ndarray] | None):
            if isinstance(value, Mapping):
                return {sense: reading[index] for sense, reading in value.items()}
            return None if value is None else value[index]

        return Perception(
            **{field.name: of_one(getattr(self, field.name)) for field in fields(self)}
        )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What the package publishes for one image.

    Attributes:
        stamp_ns: stamp of the image it was computed from, nanoseconds.
        mode: who decided.
        reason: why that mode, in words.
        action: one of the profile's actions, or `hold`.
        confidence: largest of `probabilities`, 0 to 1; divided by the out-of-distribution score
            where the picture counts.
        probabilities: `float32[A]`.
        readings: `float32[size]` by sense: the student's estimates, in every mode.
        quantities: by name: measured where the senses that measure it are healthy and settled,
            estimated by the student where they are not, or none measures it.
        lower, upper: 90 % bounds of the quantities by name, without those of which the calibration
            knew too few, or nobody knows how far off they can be now; `None` without a
            calibration of the weights.
        possible: the actions that the right one is among in 90 % of all cases; `None` without a
            calibration, and where nobody decides.
    """

    stamp_ns: int
    mode: Mode
    reason: str
    action: str
    confidence: float
    probabilities: np.ndarray
    readings: Mapping[str, np.ndarray]
    quantities: Mapping[str, float]
    lower: Mapping[str, float] | None = None
    upper: Mapping[str, float] | None = None
    possible: tuple[str, ...] | None = None

    def named_quantities(self) -> dict[str, float]:
        """Return the quantities by name, then their bounds as `<name>_lower`, `<name>_upper`."""
        values = dict(self.quantities)
        for side, bounds in (('lower', self.lower), ('upper', self.upper)):
            values |= {f'{name}_{side}': bound for name, bound in (bounds or {}).items()}
        return values

    def efforts(self, actions: Sequence[str]) -> list[float]:
        """Return 1 for each of `actions` that is possible and 0 for the others.

        Where that is not known the list is empty.
        """
        return (
            [] if self.possible is None else [float(action in self.possible) for action in actions]
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How one picture was answered.

    Attributes:
        sample: the picture and the readings that were used; those of slow senses as they will
            settle, unreliable channels weighed with the picture.
        perception: what the student sees in the picture, of one view.
        probabilities: `float32[A]`, of whoever decided.
        estimate: what is published.
        ood_score: out-of-distribution score of the picture, at least 1.
        fresh: the senses whose reading is of what is in front of the robot now; the last reading
            of a sensor that flaps is used for a while, and is not.
        number: of the decision behind it.
    """

    sample: Sample
    perception: Perception
    probabilities: np.ndarray
    estimate: Estimate
    ood_score: float = 1.0
    fresh: tuple[str, ...] = ()
    number: int = 0
