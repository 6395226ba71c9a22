# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When a sensor, or an answer, stops being good enough."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a sensor, or an answer, stops being good enough.

    Attributes:
        camera_timeout_s: age at which an image is stale; 0.2 s is six frames of a 30 Hz camera.
        touch_timeout_s: age at which a touch reading is stale; 0.2 s is twenty of a 100 Hz array.
        gas_timeout_s: age at which a gas reading is stale; 1.25 s is two and a half of a 2 Hz
            module.
        recovery_s: how long a sensor that failed must be good before it counts again.
        min_confidence: probability of the best action under which the robot holds; a calibration
            may ask for more. One of six at random has 0.17.
    """

    camera_timeout_s: float = 0.2
    touch_timeout_s: float = 0.2
    gas_timeout_s: float = 1.25
    recovery_s: float = 0.5
    min_confidence: float = 0.25

    def __post_init__(self) -> None:
        """Refuse a limit that no robot can have, by `ValueError`, saying what came."""
        for name in ('camera_timeout_s', 'touch_timeout_s', 'gas_timeout_s'):
            if not getattr(self, name) > 0.0:
                raise ValueError(f'expected {name} to be more than 0 s, got {getattr(self, name)}')
        if not self.recovery_s >= 0.0:
            raise ValueError(f'expected recovery_s to be 0 s or more, got {self.recovery_s}')
        if not 0.0 <= self.min_confidence <= 1.0:
            raise ValueError(
                f'expected min_confidence to be from 0 to 1, got {self.min_confidence}'
            )
