# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The teacher: image tokens and one asking token attend over tokens of every sense.

The tokens stand in this order: the image's grid; what is seen under each grid sense with a
footprint ("contact"); then for each sense of the profile its parts (patches of a grid, or
channels) and one summary.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.networks.config import TeacherConfig
from crossmodal_kd_ros.networks.encoders import Encoder, Trunk, Vision
from crossmodal_kd_ros.networks.senses import (
    ChannelTokens,
    GridTokens,
    module_key,
    patch_grid,
    patch_shape,
    token,
)
from crossmodal_kd_ros.networks.standardise import Standardiser, Statistics
from crossmodal_kd_ros.profile import Profile


@dataclass(frozen=True, kw_only=True)
class TeacherAttention:
    """Where the deciding token looked, averaged over layers and heads; each sample sums to 1.

    Attributes:
        image: `float32[B, S/16, S/16]`.
        contact: by grid sense with a footprint, the image under it: `float32[B, patches in a
            column, patches in a row]`.
        elements: by sense: `float32[B, rows, columns]` of a grid, its channels together and the
            share of a patch spread evenly over its elements; `float32[B, size]` of channels.
        summary: by sense, its statistics or its channels taken together: `float32[B]`.
    """

    image: Tensor
    contact: dict[str, Tensor]
    elements: dict[str, Tensor]
    summary: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class TeacherOutput:
    """What the teacher says of a batch of B samples.

    Attributes:
        features: `float32[B, D]`, the embedding that the student learns from.
        logits: `float32[B, A]`, one for each action of the profile.
        pooled: `float32[B, P]`, what the camera alone has shown, for losses on it.
        senses: `float32[B, W * senses]`, what the senses alone have shown, likewise.
        attention: where it looked; None unless `return_attention`.
    """

    features: Tensor
    logits: Tensor
    pooled: Tensor
    senses: Tensor
    attention: TeacherAttention | None = None


class CrossLayer(nn.Module):
    """Image tokens attend over the senses; then the asking token attends over everything.

    With normalisation in front of each part.
    """

    def __init__(self, config: TeacherConfig) -> None:
        """Make one layer of `config.width` and `config.heads`."""
        super().__init__()
        width = config.width

        def attention() -> nn.MultiheadAttention:
            return nn.MultiheadAttention(
                width, config.heads, dropout=config.dropout, batch_first=True
            )

        def mlp() -> nn.Sequential:
            return nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, 2 * width),
                nn.GELU(),
                nn.Linear(2 * width, width),
                nn.Dropout(config.dropout),
            )

        self.norm_image, self.norm_senses = nn.LayerNorm(width), nn.LayerNorm(width)
        self.norm_ask, self.norm_all = nn.LayerNorm(width), nn.LayerNorm(width)
        self.image_over_senses, self.ask_over_all = attention(), attention()
        self.image_mlp, self.ask_mlp = mlp(), mlp()

    def forward(
        self, ask: Tensor, image: Tensor, senses: Tensor, return_weights: bool
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the asking token `[B, 1, W]`, the image tokens, and its weights if wanted."""
        keys, query = self.norm_senses(senses), self.norm_image(image)
        image = image + self.image_over_senses(query, keys, keys, need_weights=False)[0]
        image = image + self.image_mlp(image)
        keys, query = self.norm_all(torch.cat([image, senses], 1)), self.norm_ask(ask)
        answer, weights = self.ask_over_all(query, keys, keys, need_weights=return_weights)
        ask = ask + answer
        return ask + self.ask_mlp(ask), image, weights


class Teacher(nn.Module):
    """Network with the camera and every sense; a learnt token stands in for an absent sense."""

    kind = 'teacher'

    def __init__(self, profile: Profile, config: TeacherConfig | None = None) -> None:
        """Make a teacher of the senses and actions of `profile`, with fresh weights."""
        super().__init__()
        self.profile = profile
        self.config = config = config or TeacherConfig()
        self.frozen = False
        width, senses = config.width, profile.senses
        self._contacts = [name for name, sense in senses.items() if sense.footprint_mm is not None]
        self._grids = {
            name: patch_grid(sense) for name, sense in senses.items() if sense.layout == 'grid'
        }
        self.trunk = Trunk(profile, Encoder(config), view_px=config.view_px)
        self.standardise = nn.ModuleDict(
            {module_key(name): Standardiser.of_sense(sense) for name, sense in senses.items()}
        )
        self.grid_embed = nn.Linear(config.channels[-1], width)
        self.contact_embed = nn.ModuleDict(
            {
                module_key(name): nn.Linear(self.trunk.window_channels, width)
                for name in self._contacts
            }
        )
        self.encoders = nn.ModuleDict(
            {
                module_key(name): (GridTokens if sense.layout == 'grid' else ChannelTokens)(
                    sense, width
                )
                for name, sense in senses.items()
            }
        )
        self.ask = token(1, width)
        self.ask_vision = nn.Linear(self.trunk.pooled_features, width)
        self.grid_position = token(config.grid, config.grid, width)
        # Shared by a patch of a grid and the image under it.
        self.patch_position = nn.ParameterDict(
            {module_key(name): token(int(np.prod(n)), width) for name, n in self._grids.items()}
        )
        # Of the image's grid, of each contact, and of the parts and the summary of each sense.
        self.token_kind = token(1 + len(self._contacts) + 2 * len(senses), width)
        self.mask = nn.ParameterDict({module_key(name): token(1, width) for name in senses})

        self.layers = nn.ModuleList(CrossLayer(config) for _ in range(config.layers))
        seen = (1 + len(senses)) * width
        self.norm = nn.LayerNorm(seen)
        self.embed = nn.Sequential(
            nn.Linear(seen, config.features),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.features, config.features),
        )
        self.classifier = nn.Linear(config.features, len(profile.actions))

    def set_statistics(self, readings: Mapping[str, np.ndarray]) -> None:
        """Measure the readings `[N, size]` of a training set, by sense, to standardise by them."""
        for name, sense in self.profile.senses.items():
            self.standardiser(name).set(Statistics.of_sense(sense, readings[name]))

    def standardiser(self, sense: str) -> Standardiser:
        """Return that of the readings of a sense."""
        return self.standardise[module_key(sense)]

    def train(self, mode: bool = True) -> 'Teacher':
        """Set training mode; a frozen teacher stays in evaluation mode when a parent trains."""
        return super().train(mode and not self.frozen)

    def forward(
        self,
        image: Tensor,
        readings: Mapping[str, Tensor],
        present: Mapping[str, Tensor],
        *,
        return_attention: bool = False,
    ) -> TeacherOutput:
        """Decide for a batch.

        Args:
            image: `float32[B, 3, S, S]`, RGB, 0 to 1, S a multiple of 32.
            readings: `float32[B, size]` of every sense, in its units; the value of an absent sense
                has no effect, even if it is NaN.
            present: `bool[B]` of every sense.
            return_attention: also say where it looked.
        """
        vision = self.trunk(image)
        image_tokens = self._image_tokens(vision)
        sense_tokens, summaries = self._sense_tokens(readings, present)
        ask = (self.ask + self.ask_vision(vision.pooled))[:, None]
        weights = []
        for layer in self.layers:
            ask, image_tokens, weight = layer(ask, image_tokens, sense_tokens, return_attention)
            weights.append(weight)
        features = self.embed(self.norm(torch.cat([ask[:, 0], summaries], 1)))
        side = vision.grid.shape[-1]
        return TeacherOutput(
            features=features,
            logits=self.classifier(features),
            pooled=vision.pooled,
            senses=summaries,
            attention=self._attention(torch.stack(weights), side) if return_attention else None,
        )

    def _image_tokens(self, vision: Vision) -> Tensor:
        grid, position = vision.grid, self.grid_position
        if grid.shape[-1] != self.config.grid:
            planes, size = position.permute(2, 0, 1)[None], grid.shape[-2:]
            planes = F.interpolate(planes, size, mode='bilinear', align_corners=False)
            position = planes[0].permute(1, 2, 0)
        embedded = self.grid_embed(grid.flatten(2).transpose(1, 2))
        tokens = [embedded + position.flatten(0, 1) + self.token_kind[0]]
        for kind, name in enumerate(self._contacts, 1):
            key = module_key(name)
            patch = patch_shape(self.profile.senses[name])
            under = F.avg_pool2d(vision.windows[name], patch).flatten(2).transpose(1, 2)
            embedded = self.contact_embed[key](under) + self.patch_position[key]
            tokens.append(embedded + self.token_kind[kind])
        return torch.cat(tokens, 1)

    def _sense_tokens(
        self, readings: Mapping[str, Tensor], present: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the tokens of all senses `[B, T, W]`, and their summaries `[B, W * senses]`."""
        tokens, summaries = [], []
        for name in self.profile.senses:
            key = module_key(name)
            encoder = self.encoders[key]
            reading = self._clean(name, readings[name], present[name])
            own = torch.where(present[name][:, None, None], encoder(reading), self.mask[key])
            summaries.append(own[:, -1])
            kind = self.token_kind[1 + len(self._contacts) + 2 * len(tokens) :]
            position = self.patch_position[key] if name in self._grids else encoder.position
            tokens.append(own + torch.cat([position + kind[0], kind[1:2]]))
        return torch.cat(tokens, 1), torch.cat(summaries, 1)

    def _clean(self, sense: str, value: Tensor, present: Tensor) -> Tensor:
        limit = self.config.clamp_sigma
        standard = self.standardiser(sense).to_standard(value).clamp(-limit, limit)
        # Chosen before the embedding: a NaN that is masked after it would still poison the
        # gradient.
        return torch.where(present[:, None], standard, torch.zeros_like(standard))

    def _attention(self, weights: Tensor, side: int) -> TeacherAttention:
        parts = {
            name: int(np.prod(self._grids[name])) if name in self._grids else sense.size
            for name, sense in self.profile.senses.items()
        }
        sizes = [side * side, *(parts[name] for name in self._contacts)]
        for count in parts.values():
            sizes += [count, 1]
        image, *shares = weights[:, :, 0].mean(0).split(sizes, 1)
        contacts, senses = shares[: len(self._contacts)], shares[len(self._contacts) :]
        return TeacherAttention(
            image=image.unflatten(1, (side, side)),
            contact={
                name: share.unflatten(1, self._grids[name])
                for name, share in zip(self._contacts, contacts, strict=True)
            },
            elements={
                name: self.encoders[module_key(name)].spread(share)
                for name, share in zip(self.profile.senses, senses[::2], strict=True)
            },
            summary={
                name: share[:, 0]
                for name, share in zip(self.profile.senses, senses[1::2], strict=True)
            },
        )


def freeze(teacher: Teacher) -> Teacher:
    """Stop a teacher from learning: no gradients, evaluation mode for good. Return it."""
    teacher.frozen = True
    teacher.requires_grad_(False)
    return teacher.eval()
