# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an answer is worth: its confidence against the limit of its mode, its intervals, and whether touch and gas lie."""

import numpy as np

from crossmodal_kd_ros.calibration.consistency import ResidualMonitor
from crossmodal_kd_ros.calibration.fusion import Stack
from crossmodal_kd_ros.calibration.intervals import possible_actions
from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.contract import Mode, Prediction, Sample
from crossmodal_kd_ros.runtime.arbiter import Decision

# Once it was unsure, the robot acts again at this much more than the limit, so that it does not
# waver at it.
_SURER = 0.05
# One strange picture changes nothing.
_PATIENCE = 3


class Judgement:
    """Applies a calibration, where there is one, to one answer after the other."""

    def __init__(self, calibration: Calibration | None) -> None:
        """Without a calibration there are no intervals, no virtual sensor, and one confidence limit for all modes."""
        self._calibration = calibration
        self._unsure = False
        self._strange = 0  # unfamiliar pictures in a row
        self._monitors = (
            {}
            if calibration is None
            else {
                sensor: ResidualMonitor(sensor, model)
                for sensor, model in calibration.residuals.items()
            }
        )

    def reset(self) -> None:
        """Forget every answer, as after a jump of the clock."""
        self._unsure, self._strange = False, 0
        for monitor in self._monitors.values():
            monitor.reset()

    def look(self, prediction: Prediction) -> tuple[float, bool]:
        """Return the doubt in a picture, and whether it is so usual that it is evidence against touch or gas.

        The doubt is 1 up to the limits of what is familiar, then how many times it is beyond them.
        """
        if self._calibration is None or prediction.features is None:
            return 1.0, False
        familiarity, features, detail = (
            self._calibration.familiarity,
            prediction.features,
            float(prediction.detail),
        )
        return max(1.0, float(familiarity.excess(features, detail))), familiarity.is_usual(
            features, detail
        )

    def strangeness(self, doubt: float) -> str:
        """Return why pictures cannot be trusted, after some in a row with more than 1 of `doubt`; empty if they can."""
        self._strange = self._strange + 1 if doubt > 1.0 else 0
        if self._strange < _PATIENCE:
            return ''
        return f'camera shows something unfamiliar: {doubt:.1f} times as far from what is known as it may be'

    def ways(self, decision: Decision) -> tuple[bool, Stack | None]:
        """Return whether a teacher without a sense is `filled`, and what joins it with the student: as measured to be best."""
        if self._calibration is None or decision.mode is not Mode.PARTIAL:
            return False, None
        found = self._calibration.predictor(decision.usable, decision.mode)
        return found.filled, found.stack

    def distrust(self, decision: Decision, confidence: float, doubt: float, least: float) -> str:
        """Return why the robot must not act on an answer; empty if it may.

        Args:
            decision: who decided, with which sensors.
            confidence: probability of the best action, already less by `doubt`.
            doubt: see above.
            least: the limit below which no calibration may go.
        """
        limit = least
        if self._calibration is not None and decision.mode is not Mode.HOLD:
            limit = max(
                least, self._calibration.predictor(decision.usable, decision.mode).min_confidence
            )
        # Written so that a confidence of NaN holds too.
        self._unsure = not confidence >= (min(limit + _SURER, 1.0) if self._unsure else limit)
        if not self._unsure:
            return ''
        strange = (
            f'; the picture is {doubt:.1f} times as far from the familiar as it may be'
            if doubt > 1.0
            else ''
        )
        return f'confidence {confidence:.2f} is under the limit {limit:.2f}{strange}'

    def weighed(
        self, sensor: str, measured: np.ndarray, prediction: Prediction, doubt: np.ndarray
    ) -> np.ndarray:
        """Return `measured` and what the student sees in its place, each at what it is worth, `float32[N]`.

        Args:
            sensor: whose features are its elements: `gas`.
            measured: `float32[N]`. doubt: `float[N]`, its standard deviation beyond the ordinary;
                infinite: it tells nothing.
        """
        seen = getattr(prediction, sensor)
        if self._calibration is None:
            return np.where(np.isinf(doubt), seen, measured).astype(np.float32)
        model = self._calibration.residuals[sensor]
        share = 1.0 / (1.0 + np.square(doubt / model.scale))
        return (share * measured + (1.0 - share) * (seen + model.bias)).astype(np.float32)

    def contradiction(
        self, sensor: str, sample: Sample, measured: np.ndarray, prediction: Prediction
    ) -> str:
        """Return why what `sensor` measured cannot be what the picture shows; empty if it can."""
        monitor = self._monitors.get(sensor)
        return (
            ''
            if monitor is None
            else monitor.take(sample.stamp_ns, measured, getattr(prediction, sensor))
        )

    def bounds(
        self, surface: np.ndarray, is_measured: np.ndarray, prediction: Prediction, doubt: float
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return 90 % bounds of `surface`, each `float32[3]`, of which `is_measured`, `bool[3]`; `None` without a calibration."""
        if self._calibration is None or prediction.surface_std is None:
            return None, None
        return self._calibration.intervals.bounds(
            surface, prediction.surface_std, is_measured, doubt
        )

    def possible(self, decision: Decision, prediction: Prediction) -> tuple[str, ...] | None:
        """Return the actions that the expert's is among in 90 % of all cases; `None` without a calibration."""
        if self._calibration is None or decision.mode is Mode.HOLD:
            return None
        least = self._calibration.predictor(decision.usable, decision.mode).least_possible
        return possible_actions(prediction.probabilities, least)
