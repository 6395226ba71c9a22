# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The student: it sees the camera alone, and says what touch and gas would have read."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from crossmodal_kd_ros.contract import ACTIONS, BANK_SHAPE, GAS_CHANNELS, NUM_GAS, SURFACE_STATE
from crossmodal_kd_ros.networks.config import StudentConfig
from crossmodal_kd_ros.networks.encoders import Trunk
from crossmodal_kd_ros.networks.standardise import Standardiser

_BANKS = 2
# a deviation between 1/20 and 20 standard units: enough for any reading, never an infinity
_LOGVAR_LIMIT = 6.0


@dataclass(frozen=True, kw_only=True)
class StudentOutput:
    """What the student says of a batch of B images.

    Readings come twice: in the contract's units, kept within what a working sensor can report, to
    be published; and in standard units (`_z`, unbounded), with the logarithm of their variance, to
    be trained.

    Attributes:
        features: `float32[B, D]`, the embedding that distillation compares with the teacher's.
        texture: `float32[B, 2 * C]`, mean and deviation of the finest map: pictures of another
            kind show there first.
        logits: `float32[B, 6]`, one for each of `ACTIONS`.
        touch: `float32[B, 256]`: texture (um), indentation (mm); never negative.
        gas: `float32[B, 8]`, in the order, units and ranges of `GAS_CHANNELS`.
        surface: `float32[B, 3]`, `SURFACE_STATE` (um, mm, fraction); roughness and depth never
            negative.
        touch_z: `float32[B, 256]`.
        gas_z: `float32[B, 8]`.
        surface_z: `float32[B, 3]`.
        touch_logvar: `float32[B, 256]`, within -6 and 6.
        gas_logvar: `float32[B, 8]`, within -6 and 6.
        surface_logvar: `float32[B, 3]`, within -6 and 6.
    """

    features: Tensor
    texture: Tensor
    logits: Tensor
    touch: Tensor
    gas: Tensor
    surface: Tensor
    touch_z: Tensor
    gas_z: Tensor
    surface_z: Tensor
    touch_logvar: Tensor
    gas_logvar: Tensor
    surface_logvar: Tensor


def bounded(logvar: Tensor) -> Tensor:
    """Return the logarithm of a variance kept within -6 and 6, smoothly: neither certainty nor despair grows for ever."""
    return _LOGVAR_LIMIT * torch.tanh(logvar / _LOGVAR_LIMIT)


def _mlp(size_in: int, hidden: int, size_out: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(size_in, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, size_out)
    )


class TouchHead(nn.Module):
    """Mean and log variance of every taxel: what is seen at the taxel plus what pooled features say of the whole pad.

    A head of pooled features alone learns the level of the map and not its shape; one of local
    features alone finds the shape and misses the level. The pooled part adds a level to each bank
    and a mix of learnt 8x16 patterns.
    """

    def __init__(self, window_channels: int, pooled_features: int, *, rank: int) -> None:
        """Make the local part, and a pooled part with `rank` patterns for each bank."""
        super().__init__()
        self.rank = rank
        self.local = nn.Conv2d(window_channels, 2 * _BANKS, 1)
        self.level = nn.Linear(pooled_features, 2 * _BANKS)
        self.mix = nn.Linear(pooled_features, _BANKS * rank)
        self.patterns = nn.Parameter(torch.randn(_BANKS, rank, *BANK_SHAPE) * 0.1)

    def forward(self, window: Tensor, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log variances, each `float32[B, 256]`, from `[B, W, 8, 16]` and `[B, P]`."""
        both = self.local(window) + self.level(pooled)[..., None, None]
        mean, logvar = both.split(_BANKS, 1)
        mix = self.mix(pooled).reshape(-1, _BANKS, self.rank)
        mean = mean + torch.einsum('bkr,krhw->bkhw', mix, self.patterns)
        return mean.flatten(1), bounded(logvar.flatten(1))


class Student(nn.Module):
    """Camera-only network: decides, and predicts the readings of the senses it does not have."""

    kind = 'student'

    def __init__(self, config: StudentConfig | None = None) -> None:
        """Make a student of `config`'s sizes, with fresh weights."""
        super().__init__()
        self.config = config = config or StudentConfig()
        self.trunk = Trunk(config)
        pooled = self.trunk.pooled_features
        self.standardise = Standardiser()
        self.embed = _mlp(pooled, config.features, config.features, config.dropout)
        # The action is read from the features alone: whatever is made invariant there is invariant
        # for the decision.
        self.classifier = nn.Linear(config.features, len(ACTIONS))
        self.touch_head = TouchHead(self.trunk.window_channels, pooled, rank=config.touch_rank)
        self.gas_head = _mlp(pooled, 64, 2 * NUM_GAS, config.dropout)
        self.surface_head = _mlp(pooled, 64, 2 * len(SURFACE_STATE), config.dropout)
        self.register_buffer(
            'gas_low', torch.tensor([channel.low for channel in GAS_CHANNELS]), persistent=False
        )
        self.register_buffer(
            'gas_high', torch.tensor([channel.high for channel in GAS_CHANNELS]), persistent=False
        )

    def forward(self, image: Tensor) -> StudentOutput:
        """Decide and predict for images `float32[B, 3, S, S]`, RGB, 0 to 1, S a multiple of 32."""
        vision = self.trunk(image)
        features = self.embed(vision.pooled)
        touch_z, touch_logvar = self.touch_head(vision.window, vision.pooled)
        gas_z, gas_logvar = self.gas_head(vision.pooled).chunk(2, 1)
        surface_z, surface_logvar = self.surface_head(vision.pooled).chunk(2, 1)
        surface = self.standardise.to_units('surface', surface_z)
        return StudentOutput(
            features=features,
            texture=vision.texture,
            logits=self.classifier(features),
            touch=self.standardise.to_units('touch', touch_z).clamp_min(0.0),
            gas=self.standardise.to_units('gas', gas_z).clamp(self.gas_low, self.gas_high),
            surface=torch.cat([surface[:, :2].clamp_min(0.0), surface[:, 2:]], 1),
            touch_z=touch_z,
            gas_z=gas_z,
            surface_z=surface_z,
            touch_logvar=touch_logvar,
            gas_logvar=bounded(gas_logvar),
            surface_logvar=bounded(surface_logvar),
        )
