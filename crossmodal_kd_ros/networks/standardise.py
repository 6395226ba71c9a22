# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Standard units: what the networks compute in, and the way back to um, mm, ppm."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from crossmodal_kd_ros.profile import Profile, Sense, quantity_minimum


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Mean and standard deviation of N values over a training set, in their units.

    Attributes:
        mean: `float32[N]`.
        std: `float32[N]`.
    """

    mean: np.ndarray
    std: np.ndarray

    def __post_init__(self) -> None:
        """Refuse other shapes, values that are not finite, deviations of zero: `ValueError`."""
        for name in ('mean', 'std'):
            value = np.asarray(getattr(self, name), np.float32)
            if value.ndim != 1 or value.shape != np.shape(self.mean):
                raise ValueError(
                    f'expected {name} to be of shape {list(np.shape(self.mean))[:1]}, '
                    f'got {list(value.shape)}'
                )
            if not np.isfinite(value).all() or (name == 'std' and (value <= 0).any()):
                raise ValueError(
                    f'expected {name} to be finite{" and positive" * (name == "std")}'
                )
            object.__setattr__(self, name, value)

    @classmethod
    def of_columns(cls, values: np.ndarray) -> 'Statistics':
        """Measure values `[N, size]` column by column, without those that are NaN: not known.

        A column that never varies keeps its unit. One of which nothing is known stays as it is,
        mean 0 and deviation 1.
        """
        columns = np.asarray(values, np.float64).T
        known = [column[~np.isnan(column)] for column in columns]
        return cls(
            mean=np.array([column.mean() if column.size else 0.0 for column in known]),
            std=_divisor(np.array([column.std() if column.size else 0.0 for column in known])),
        )

    @classmethod
    def of_sense(cls, sense: Sense, readings: np.ndarray) -> 'Statistics':
        """Measure readings `[N, size]`: a grid over each whole channel, channels one by one.

        Over a whole channel, because a pad has no favourite element.
        """
        if sense.layout == 'channels':
            return cls.of_columns(readings)
        banks = [
            np.asarray(readings[:, sense.elements_of(name)], np.float64)
            for name in sense.channel_names
        ]
        each = sense.size // len(banks)
        return cls(
            mean=np.repeat([bank.mean() for bank in banks], each),
            std=np.repeat(_divisor(np.array([bank.std() for bank in banks])), each),
        )


class Standardiser(nn.Module):
    """Turns values into standard units and back, back no further than their range.

    Mean and deviation are buffers, so that a weight file carries them; 0 and 1 until they are set.
    """

    def __init__(self, minimum: np.ndarray, maximum: np.ndarray) -> None:
        """Hold the range `float32[N]` of the values, in their units."""
        super().__init__()
        self.register_buffer('mean', torch.zeros(len(minimum)))
        self.register_buffer('std', torch.ones(len(minimum)))
        self.register_buffer('minimum', torch.from_numpy(minimum), persistent=False)
        self.register_buffer('maximum', torch.from_numpy(maximum), persistent=False)

    @classmethod
    def of_sense(cls, sense: Sense) -> 'Standardiser':
        """Return that of the readings of `sense`, within what a working sensor reports."""
        return cls(sense.per_element('min'), sense.per_element('max'))

    @classmethod
    def of_quantities(cls, profile: Profile) -> 'Standardiser':
        """Return that of the quantities, not below what each of them can have."""
        minimum = quantity_minimum(profile)
        return cls(minimum, np.full_like(minimum, np.inf))

    @torch.no_grad()
    def set(self, statistics: Statistics) -> None:
        """Copy `statistics` into the buffers."""
        self.mean.copy_(torch.from_numpy(statistics.mean))
        self.std.copy_(torch.from_numpy(statistics.std))

    def to_standard(self, value: Tensor) -> Tensor:
        """Return `(value - mean) / std` of values `[..., N]`."""
        return (value - self.mean) / self.std

    def to_units(self, value: Tensor) -> Tensor:
        """Return `value * std + mean`, kept within the range: the way back."""
        return (value * self.std + self.mean).clamp(self.minimum, self.maximum)


def _divisor(std: np.ndarray) -> np.ndarray:
    """Return deviations to divide by: 1 where a value never varies, such as a constant."""
    return np.where(std > 0.0, std, 1.0)
