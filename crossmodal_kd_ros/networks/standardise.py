# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Standard units: what the networks compute in, and the way back to um, mm, ppm."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from crossmodal_kd_ros.contract import INDENTATION, NUM_GAS, NUM_TAXELS, SURFACE_STATE, TEXTURE

_SIZES = {'touch': NUM_TAXELS, 'gas': NUM_GAS, 'surface': len(SURFACE_STATE)}


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Mean and standard deviation of each reading over a training set, in the contract's units.

    Attributes:
        touch_mean: `float32[256]`.
        touch_std: `float32[256]`.
        gas_mean: `float32[8]`.
        gas_std: `float32[8]`.
        surface_mean: `float32[3]`.
        surface_std: `float32[3]`.
    """

    touch_mean: np.ndarray
    touch_std: np.ndarray
    gas_mean: np.ndarray
    gas_std: np.ndarray
    surface_mean: np.ndarray
    surface_std: np.ndarray

    def __post_init__(self) -> None:
        """Refuse other sizes, values that are not finite and deviations of zero, by `ValueError`."""
        for sense, size in _SIZES.items():
            for kind in ('mean', 'std'):
                name = f'{sense}_{kind}'
                value = np.asarray(getattr(self, name), np.float32)
                if value.shape != (size,):
                    raise ValueError(
                        f'expected {name} to be of shape [{size}], got {list(value.shape)}'
                    )
                if not np.isfinite(value).all() or (kind == 'std' and (value <= 0).any()):
                    raise ValueError(
                        f'expected {name} to be finite{" and positive" * (kind == "std")}'
                    )
                object.__setattr__(self, name, value)

    @classmethod
    def of(cls, *, touch: np.ndarray, gas: np.ndarray, surface: np.ndarray) -> 'Statistics':
        """Measure a training set: touch over each bank (a pad knows no favourite taxel), the rest by channel.

        Args:
            touch: `float32[N, 256]`.
            gas: `float32[N, 8]`.
            surface: `float32[N, 3]`.
        """
        banks = [np.asarray(touch[:, bank], np.float64) for bank in (TEXTURE, INDENTATION)]
        taxels = NUM_TAXELS // len(banks)
        return cls(
            touch_mean=np.repeat([bank.mean() for bank in banks], taxels),
            touch_std=np.repeat([bank.std() for bank in banks], taxels),
            gas_mean=np.mean(gas, 0, np.float64),
            gas_std=np.std(gas, 0, np.float64),
            surface_mean=np.mean(surface, 0, np.float64),
            surface_std=np.std(surface, 0, np.float64),
        )


class Standardiser(nn.Module):
    """Holds the statistics as buffers, so that a weight file carries them; zero and one until they are set."""

    def __init__(self) -> None:
        """Start with mean 0 and standard deviation 1."""
        super().__init__()
        for sense, size in _SIZES.items():
            self.register_buffer(f'{sense}_mean', torch.zeros(size))
            self.register_buffer(f'{sense}_std', torch.ones(size))

    @torch.no_grad()
    def set(self, statistics: Statistics) -> None:
        """Copy `statistics` into the buffers."""
        for name, buffer in self.named_buffers():
            buffer.copy_(torch.from_numpy(getattr(statistics, name)))

    def to_standard(self, sense: str, value: Tensor) -> Tensor:
        """Return `(value - mean) / std` of `sense`, one of `touch`, `gas`, `surface`: `[..., size]` in its units."""
        return (value - self.get_buffer(f'{sense}_mean')) / self.get_buffer(f'{sense}_std')

    def to_units(self, sense: str, value: Tensor) -> Tensor:
        """Return `value * std + mean` of `sense`: the way back."""
        return value * self.get_buffer(f'{sense}_std') + self.get_buffer(f'{sense}_mean')
