# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A calibration of the default robot, by hand: with each set of sensors somebody else is best."""

import numpy as np
from familiar import four_features

from crossmodal_kd_ros.calibration.consistency import WINDOWS_S, ResidualModel, feature_names
from crossmodal_kd_ros.calibration.intervals import Intervals
from crossmodal_kd_ros.calibration.model import Calibration, Predictor
from crossmodal_kd_ros.profile import Mode, load_profile

PROFILE = load_profile()


def predictor(
    accuracy: float, min_confidence: float = 0.25, *, decided: float = 0.95, filled: bool = False
) -> Predictor:
    return Predictor(
        accuracy=accuracy,
        min_confidence=min_confidence,
        held=0.1,
        decided=decided,
        min_possible=0.2,
        filled=filled,
    )


def calibration() -> Calibration:
    """Return a calibration by which gas is worth more than touch, and a student must be sure."""
    student = predictor(0.85, 0.8)
    return Calibration(
        profile=PROFILE,
        weights={'student': 'aa', 'teacher': 'bb'},
        origin={'command': 'by hand'},
        predictors={
            'camera+touch+gas': {Mode.TEACHER: predictor(0.97), Mode.STUDENT: student},
            'camera+touch': {Mode.PARTIAL: predictor(0.84), Mode.STUDENT: student},
            'camera+gas': {Mode.PARTIAL: predictor(0.9, 0.5), Mode.STUDENT: student},
            'camera': {Mode.PARTIAL: predictor(0.6), Mode.STUDENT: student},
            'touch+gas': {Mode.PARTIAL: predictor(0.9, 0.4)},
        },
        intervals=Intervals(
            measured=np.array([[-1.0] * 3 + [np.nan], [1.0] * 3 + [np.nan]]),
            estimated=np.array([[-2.0] * 4, [2.0] * 4]),
        ),
        out_of_distribution=four_features(),
        residuals={
            name: ResidualModel(
                bias=np.zeros(count),
                scale=np.ones(count),
                whitening=np.eye(count),
                limits=np.full((len(WINDOWS_S), count + 1), 6.0),
            )
            for name, sense in PROFILE.senses.items()
            for count in [len(feature_names(sense))]
        },
    )
