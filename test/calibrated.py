# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Calibrations by hand: one of the default robot, and parts for those of others."""

import numpy as np

from crossmodal_kd_ros.calibration.consistency import WINDOWS_S, ResidualModel, feature_names
from crossmodal_kd_ros.calibration.intervals import Intervals
from crossmodal_kd_ros.calibration.model import Calibration, Predictor
from crossmodal_kd_ros.calibration.out_of_distribution import OutOfDistribution
from crossmodal_kd_ros.profile import Mode, Profile, load_profile

PROFILE = load_profile()


def four_features(*, usual: float = 1.0) -> OutOfDistribution:
    """Return standard normal features, four of them, and next to any fine detail."""
    return OutOfDistribution(
        mean=np.zeros(4),
        whitening=np.eye(4),
        limit=2.0,
        usual=usual,
        min_detail=1.0,
        max_detail=200.0,
        usual_detail=np.array([1.0, 200.0]),
        same_place=1.0,
    )


def standard_residuals(profile: Profile) -> dict[str, ResidualModel]:
    """Return standard normal residuals of each sense, of which 6 deviations are too many."""
    return {
        name: ResidualModel(
            bias=np.zeros(count),
            scale=np.ones(count),
            whitening=np.eye(count),
            limits=np.full((len(WINDOWS_S), count + 1), 6.0),
        )
        for name, sense in profile.senses.items()
        for count in [len(feature_names(sense))]
    }


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
        residuals=standard_residuals(PROFILE),
    )
