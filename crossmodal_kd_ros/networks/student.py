# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The student: it sees the camera alone, and predicts the reading of every other sense."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from crossmodal_kd_ros.networks.config import StudentConfig
from crossmodal_kd_ros.networks.efficientnet import EfficientNetLite
from crossmodal_kd_ros.networks.encoders import Encoder, Trunk, Vision
from crossmodal_kd_ros.networks.senses import ChannelHead, GridHead, bounded, mlp, module_key
from crossmodal_kd_ros.networks.standardise import Standardiser, Statistics
from crossmodal_kd_ros.profile import Profile


@dataclass(frozen=True, kw_only=True)
class StudentOutput:
    """What the student says of a batch of B images.

    Readings come twice: in the units of the profile, kept within what a working sensor can report,
    to be published; and in standard units (`_z`, unbounded), with the logarithm of their variance,
    to be trained.

    Attributes:
        features: `float32[B, D]`, the embedding that distillation compares with the teacher's.
        texture: `float32[B, 2 * C]`, mean and deviation of the finest map: pictures of another
            kind show there first.
        logits: `float32[B, A]`, one for each action of the profile.
        readings: `float32[B, size]` by sense.
        quantities: `float32[B, Q]`, not below the least that each of them can be.
        readings_z: `float32[B, size]` by sense.
        quantities_z: `float32[B, Q]`.
        readings_logvar: `float32[B, size]` by sense, within -6 and 6.
        quantities_logvar: `float32[B, Q]`, within -6 and 6.
    """

    features: Tensor
    texture: Tensor
    logits: Tensor
    readings: dict[str, Tensor]
    quantities: Tensor
    readings_z: dict[str, Tensor]
    quantities_z: Tensor
    readings_logvar: dict[str, Tensor]
    quantities_logvar: Tensor

    def __getitem__(self, rows: slice) -> 'StudentOutput':
        """Return what it says of some of the images."""

        def some(values: Tensor | dict[str, Tensor]) -> Tensor | dict[str, Tensor]:
            if isinstance(values, dict):
                return {name: value[rows] for name, value in values.items()}
            return values[rows]

        return StudentOutput(**{f.name: some(getattr(self, f.name)) for f in fields(self)})


class Student(nn.Module):
    """Camera-only network: decides, and predicts the readings of the senses it does not have."""

    kind = 'student'

    def __init__(self, profile: Profile, config: StudentConfig | None = None) -> None:
        """Make a student of the senses and actions of `profile`, with fresh weights."""
        super().__init__()
        self.profile = profile
        self.config = config = config or StudentConfig()
        encoder = Encoder(config) if config.encoder == 'residual' else EfficientNetLite()
        self.trunk = Trunk(profile, encoder, view_px=config.view_px)
        pooled, window = self.trunk.pooled_features, self.trunk.window_channels
        self.standardise = nn.ModuleDict(
            {
                module_key(name): Standardiser.of_sense(sense)
                for name, sense in profile.senses.items()
            }
        )
        self.standardise_quantities = Standardiser.of_quantities(profile)
        self.embed = mlp(pooled, config.features, config.features, config.dropout)
        # The action is read from the features alone: whatever is made invariant there is invariant
        # for the decision.
        self.classifier = nn.Linear(config.features, len(profile.actions))
        self.heads = nn.ModuleDict(
            {
                module_key(name): GridHead(sense, window, pooled, rank=config.grid_rank)
                if sense.layout == 'grid'
                else ChannelHead(sense.size, pooled, config.dropout)
                for name, sense in profile.senses.items()
            }
        )
        self.quantities_head = (
            ChannelHead(len(profile.quantities), pooled, config.dropout)
            if profile.quantities
            else None
        )

    def set_statistics(self, readings: Mapping[str, np.ndarray], quantities: np.ndarray) -> None:
        """Measure a training set, to standardise by it.

        Args:
            readings: `float32[N, size]` by sense.
            quantities: `float32[N, Q]`.
        """
        for name, sense in self.profile.senses.items():
            self.standardiser(name).set(Statistics.of_sense(sense, readings[name]))
        self.standardise_quantities.set(Statistics.of_columns(quantities))

    def standardiser(self, sense: str) -> Standardiser:
        """Return that of the readings of a sense."""
        return self.standardise[module_key(sense)]

    def forward(self, image: Tensor) -> StudentOutput:
        """Decide and predict for images `float32[B, 3, S, S]`, RGB, 0 to 1, S a multiple of 32."""
        return self.read(self.trunk(image))

    def read(self, vision: Vision) -> StudentOutput:
        """Decide and predict from what the trunk saw of B images."""
        features = self.embed(vision.pooled)
        estimates = {
            name: self.heads[module_key(name)](vision.pooled, vision.windows.get(name))
            for name in self.profile.senses
        }
        quantities_z, quantities_logvar = (
            (vision.pooled[:, :0],) * 2
            if self.quantities_head is None
            else self.quantities_head(vision.pooled)
        )
        return StudentOutput(
            features=features,
            texture=vision.texture,
            logits=self.classifier(features),
            readings={
                name: self.standardiser(name).to_units(mean)
                for name, (mean, _) in estimates.items()
            },
            quantities=self.standardise_quantities.to_units(quantities_z),
            readings_z={name: mean for name, (mean, _) in estimates.items()},
            quantities_z=quantities_z,
            readings_logvar={name: bounded(logvar) for name, (_, logvar) in estimates.items()},
            quantities_logvar=bounded(quantities_logvar),
        )

    def quantities_std(self, output: StudentOutput) -> Tensor:
        """Return its standard deviation of each quantity, `float32[B, Q]`, in their units."""
        return torch.exp(0.5 * output.quantities_logvar) * self.standardise_quantities.std
