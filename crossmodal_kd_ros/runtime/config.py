# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When a sensor, or an answer, stops being good enough."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import sentences
from crossmodal_kd_ros.profile import Profile


class RuntimeConfig(BaseModel):
    """Timeouts and limits of one robot; `of` fills in what its profile says.

    Attributes:
        timeouts_s: age at which a reading is stale, s, by sensor.
        recovery_s: how long a sensor that failed must be good before it counts again, s.
        min_confidence: probability of the best action under which the robot holds; a calibration
            may ask for more.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    timeouts_s: Mapping[str, float]
    recovery_s: float = 0.5
    min_confidence: float = 0.25

    @classmethod
    def of(
        cls, profile: Profile, *, timeouts_s: Mapping[str, float] | None = None, **overrides: Any
    ) -> 'RuntimeConfig':
        """Return the configuration for a robot.

        Args:
            profile: its timeouts count for every sensor that `timeouts_s` leaves out.
            timeouts_s: other timeouts, s, by sensor.
            overrides: `recovery_s`, `min_confidence`.

        Raises:
            ConfigurationError: a value that no robot can have, or a sensor that this one has not.
        """
        known = {sensor: timing.timeout_s for sensor, timing in profile.timing.items()}
        unknown = [sensor for sensor in timeouts_s or {} if sensor not in known]
        if unknown:
            raise ConfigurationError(
                f'expected timeouts of {", ".join(known)}, got one of {unknown[0]!r}'
            )
        try:
            return cls(timeouts_s={**known, **(timeouts_s or {})}, **overrides)
        except ValidationError as problem:
            raise ConfigurationError('\n'.join(sentences(problem))) from problem

    @field_validator('timeouts_s')
    @classmethod
    def _timeouts_are_positive(cls, timeouts_s: Mapping[str, float]) -> Mapping[str, float]:
        for sensor, timeout_s in timeouts_s.items():
            if not timeout_s > 0.0:  # written so that NaN is refused too
                raise ValueError(
                    f'expected {sensor}_timeout_s to be more than 0 s, got {timeout_s}'
                )
        return timeouts_s

    @field_validator('recovery_s')
    @classmethod
    def _recovery_is_not_negative(cls, recovery_s: float) -> float:
        if not recovery_s >= 0.0:
            raise ValueError(f'expected recovery_s to be 0 s or more, got {recovery_s}')
        return recovery_s

    @field_validator('min_confidence')
    @classmethod
    def _confidence_is_a_probability(cls, min_confidence: float) -> float:
        if not 0.0 <= min_confidence <= 1.0:
            raise ValueError(f'expected min_confidence to be from 0 to 1, got {min_confidence}')
        return min_confidence
