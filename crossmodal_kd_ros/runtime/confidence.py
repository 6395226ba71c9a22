# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an answer is worth: the readings it rests on, its bounds, whether to act on it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.calibration.intervals import possible_actions
from crossmodal_kd_ros.calibration.model import Calibration, Predictor
from crossmodal_kd_ros.health.reasons import Reason, ReasonCode
from crossmodal_kd_ros.profile import (
    CAMERA,
    HOLD,
    Mode,
    Profile,
    measure_quantity,
    quantity_minimum,
)
from crossmodal_kd_ros.runtime.arbiter import Decision, Evidence
from crossmodal_kd_ros.runtime.sample import Estimate, Perception, Sample

# Once it was unsure, the robot acts again at this much more than the limit, so that it does not
# waver at it.
_HYSTERESIS = 0.05
# The bounds of a quantity of a grid hold while up to this part of a channel is read from its
# neighbours. On 450 calibration views the roughness, a mean, was within them in 91 %; in 89 %
# with a block of 3 % of the pins mended, in 81 % with 7 %, in 30 % with three rows of eight.
_MAX_MENDED = 1 / 32


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A picture of which all is known but what the teacher says.

    Attributes:
        decision: who decides.
        sample: the picture, and the readings that are used.
        perception: what the student sees in it, of one view.
        needs_teacher: whether the teacher decides.
        view: `uint8[S, S, 3]`, for the teacher.
        readings: `float32[size]` by sense, for the teacher.
        present: whether each sense is there, for the teacher.
        predictor: what was measured of who decides; `None` if nothing was.
        ood_score: out-of-distribution score of the picture, at least 1.
        is_measured: `bool[Q]`, which quantities healthy senses measure.
        is_bounded: `bool[Q]`, of which quantities it is known how far off they can be.
        fresh: the senses whose reading is of what is in front of the robot now.
        now_ns: the time of the decision, nanoseconds.
    """

    decision: Decision
    sample: Sample
    perception: Perception
    needs_teacher: bool
    view: np.ndarray
    readings: Mapping[str, np.ndarray]
    present: Mapping[str, bool]
    predictor: Predictor | None
    ood_score: float
    is_measured: np.ndarray
    is_bounded: np.ndarray
    fresh: tuple[str, ...]
    now_ns: int


class ConfidenceGate:
    """Lets an answer pass whose confidence reaches a limit.

    After one that did not it takes a little more than the limit. Its only state is whether the
    last answer passed.
    """

    def __init__(self) -> None:
        """Start as after an answer that passed."""
        self._epoch = 0
        self._is_open = True

    def check(
        self, epoch: int, *, confidence: float, limit: float, ood_score: float
    ) -> tuple[Reason, ...]:
        """Return why the robot must not act on an answer; empty if it may.

        Args:
            epoch: of the decision; in another than the last one's, that answer is forgotten.
            confidence: probability of the best action, divided by `ood_score` where the picture
                counts.
            limit: under which the robot holds.
            ood_score: out-of-distribution score of the picture, at least 1.
        """
        if epoch != self._epoch:
            self._epoch, self._is_open = epoch, True
        # Written so that a confidence of NaN does not pass.
        self._is_open = confidence >= (limit if self._is_open else min(limit + _HYSTERESIS, 1.0))
        if self._is_open:
            return ()
        low = Reason(ReasonCode.LOW_CONFIDENCE, value=confidence, limit=limit)
        if ood_score <= 1.0:
            return (low,)
        return low, Reason(ReasonCode.UNFAMILIAR_PICTURE, value=ood_score)


def assess_picture(calibration: Calibration | None, perception: Perception) -> tuple[float, bool]:
    """Return the out-of-distribution score of a picture, at least 1, and whether it is usual.

    Only a usual picture, like most of the training's, is evidence against a sense; without a
    calibration none is.
    """
    if calibration is None or perception.features is None:
        return 1.0, False
    return calibration.out_of_distribution.assess(perception.features, float(perception.detail))


def used_reading(
    calibration: Calibration | None,
    sense: str,
    evidence: Evidence,
    perception: Perception,
    *,
    is_picture_trusted: bool,
) -> np.ndarray:
    """Return a reading, `float32[size]`, its unreliable channels weighed with the estimate.

    Without a calibration, or where the picture is not trusted, only channels that carry no
    information are taken from the student's estimate.
    """
    std = evidence.verdict.weighed_std
    if std is None:
        return evidence.reading
    estimated = perception.readings[sense]
    if calibration is None or not is_picture_trusted:
        return np.where(np.isinf(std), estimated, evidence.reading)
    return calibration.residuals[sense].weigh(evidence.reading, estimated, std)


def measured_quantities(
    profile: Profile, decision: Decision, evidence: Mapping[str, Evidence]
) -> np.ndarray:
    """Return which quantities are measured, `bool[Q]`, rather than estimated by the student.

    Their readings count, are fresh, have settled, and are not joined with estimates. The last
    reading of a sensor that flaps counts, and is no measurement of what is in front of the robot
    now. What only the picture shows is never measured.
    """

    def is_measured(channel: str) -> bool:
        sense, _, name = channel.partition('.')
        if sense not in decision.usable or not evidence[sense].is_fresh:
            return False
        elements = profile.senses[sense].elements_of(name)
        # Without a picture that counts a noisy channel is used as it was measured.
        weighed = evidence[sense].verdict.weighed_std if CAMERA in decision.usable else None
        joined = (weighed, evidence[sense].in_transit)
        return not any(part is not None and part[elements].any() for part in joined)

    return np.array(
        [
            quantity.seen is None and all(map(is_measured, quantity.channels))
            for quantity in profile.quantities.values()
        ],
        bool,
    )


def bounded_quantities(
    profile: Profile, decision: Decision, evidence: Mapping[str, Evidence], is_measured: np.ndarray
) -> np.ndarray:
    """Return of which quantities it is known how far off they can be, `bool[Q]`.

    What a grid measures of which much is read from its neighbours is still nearer to the truth
    than an estimate, but not as near as its bounds say. Nor is what a noisy channel measures, or a
    slow sense that may still read a place before: the bounds are those of settled, quiet readings.
    Nobody has measured how wrong an estimate is where a camera that does not count shows what is
    frozen, damaged or unfamiliar: the out-of-distribution score of such a picture may be that of
    any.
    """

    def is_bounded(channel: str) -> bool:
        sense, _, name = channel.partition('.')
        verdict, elements = evidence[sense].verdict, profile.senses[sense].elements_of(name)
        is_whole = verdict.mended is None or verdict.mended[elements].mean() <= _MAX_MENDED
        is_noisy = verdict.weighed_std is not None and verdict.weighed_std[elements].any()
        return is_whole and not is_noisy and evidence[sense].is_lag_known

    return np.array(
        [
            all(map(is_bounded, quantity.channels)) if measured else CAMERA in decision.usable
            for quantity, measured in zip(profile.quantities.values(), is_measured)
        ],
        bool,
    )


def make_estimate(
    profile: Profile,
    calibration: Calibration | None,
    pending: Pending,
    decision: Decision,
    probabilities: np.ndarray,
    confidence: float,
) -> Estimate:
    """Return what is published for a picture.

    Args:
        profile: of the robot.
        calibration: says how far an answer can be off; `None`: that is not known.
        pending: the picture.
        decision: who decides, or a hold where the answer must not be acted on.
        probabilities: `float32[A]`, of who decides.
        confidence: of the best action.
    """
    perception, names = pending.perception, tuple(profile.quantities)
    values = np.array(perception.quantities, np.float32)
    for index in np.flatnonzero(pending.is_measured):
        quantity = profile.quantities[names[index]]
        values[index] = measure_quantity(profile, quantity, pending.sample.readings)
    lower = upper = possible = None
    if calibration is not None and perception.quantities_std is not None:
        lower, upper = (
            {
                name: bound
                for name, bound, is_bounded in zip(names, bounds.tolist(), pending.is_bounded)
                if is_bounded and not np.isnan(bound)
            }
            for bounds in calibration.intervals.bounds(
                values,
                perception.quantities_std,
                pending.is_measured,
                ood_score=pending.ood_score,
                minimum=quantity_minimum(profile),
            )
        )
    if pending.predictor is not None:
        possible = possible_actions(profile.actions, probabilities, pending.predictor.min_possible)
    holds = decision.mode is Mode.HOLD
    return Estimate(
        stamp_ns=pending.sample.stamp_ns,
        mode=decision.mode,
        reason=decision.reason,
        action=HOLD if holds else profile.actions[int(probabilities.argmax())],
        confidence=confidence,
        probabilities=probabilities,
        readings=perception.readings,
        quantities=dict(zip(names, values.tolist())),
        lower=lower,
        upper=upper,
        possible=possible,
    )
