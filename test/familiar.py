# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures as a calibration knows them, where a test asks for none in particular."""

import numpy as np

from crossmodal_kd_ros.calibration.out_of_distribution import OutOfDistribution


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
