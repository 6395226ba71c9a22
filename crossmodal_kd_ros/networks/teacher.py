# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The teacher: image tokens and one asking token attend over patches of taxels and channels of gas."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.contract import ACTIONS, BANK_SHAPE, NUM_GAS, NUM_TAXELS
from crossmodal_kd_ros.networks.config import TeacherConfig
from crossmodal_kd_ros.networks.encoders import Trunk
from crossmodal_kd_ros.networks.standardise import Standardiser

_BANKS = 2
_PATCH = (2, 4)  # taxels of a patch: 4 x 4 patches over the pad
_PATCHES = (BANK_SHAPE[0] // _PATCH[0], BANK_SHAPE[1] // _PATCH[1])
_NUM_PATCHES = _PATCHES[0] * _PATCHES[1]
_PERCENTILES = (50, 75, 90, 97)
NUM_TOUCH_STATISTICS = _BANKS * (3 + len(_PERCENTILES))
# ranks in a bank
_PICKS = [round(percentile / 100 * (NUM_TAXELS // _BANKS - 1)) for percentile in _PERCENTILES]


@dataclass(frozen=True, kw_only=True)
class TeacherAttention:
    """Where the deciding token looked, averaged over layers and heads; all of it sums to 1 for each sample.

    Attributes:
        image: `float32[B, S/16, S/16]`.
        contact: `float32[B, 4, 4]`, the image under the pad.
        taxels: `float32[B, 8, 16]`, both banks together; a patch's share is spread evenly over its
            taxels.
        touch_statistics: `float32[B]`.
        gas: `float32[B, 8]`, by channel.
        gas_summary: `float32[B]`.
    """

    image: Tensor
    contact: Tensor
    taxels: Tensor
    touch_statistics: Tensor
    gas: Tensor
    gas_summary: Tensor


@dataclass(frozen=True, kw_only=True)
class TeacherOutput:
    """What the teacher says of a batch of B samples.

    Attributes:
        features: `float32[B, D]`, the embedding that the student learns from.
        logits: `float32[B, 6]`, one for each of `ACTIONS`.
        pooled: `float32[B, P]`, what the camera alone has shown, for losses on it.
        felt: `float32[B, 2 * W]`, what touch and gas alone have shown, likewise.
        attention: where it looked, if it was asked.
    """

    features: Tensor
    logits: Tensor
    pooled: Tensor
    felt: Tensor
    attention: TeacherAttention | None = None


def touch_statistics(touch: Tensor) -> Tensor:
    """Summarise each bank by mean, deviation, maximum and the 50th, 75th, 90th and 97th percentile.

    Args:
        touch: `float32[B, 256]`, in standard units.

    Returns:
        `float32[B, 14]`: the seven of texture, then the seven of indentation.
    """
    banks = touch.unflatten(1, (_BANKS, -1))
    ordered = banks.sort(dim=2).values
    moments = torch.stack([banks.mean(2), banks.std(2, correction=0), ordered[..., -1]], 2)
    return torch.cat([moments, ordered[..., _PICKS]], 2).flatten(1)


class CrossLayer(nn.Module):
    """Image tokens attend over the senses; then the asking token attends over everything. Pre-norm."""

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
        self, ask: Tensor, image: Tensor, senses: Tensor, weigh: bool
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the asking token `[B, 1, W]`, the image tokens, and the asking token's weights if `weigh`."""
        keys = self.norm_senses(senses)
        image = (
            image
            + self.image_over_senses(self.norm_image(image), keys, keys, need_weights=False)[0]
        )
        image = image + self.image_mlp(image)
        keys = self.norm_all(torch.cat([image, senses], 1))
        answer, weights = self.ask_over_all(self.norm_ask(ask), keys, keys, need_weights=weigh)
        ask = ask + answer
        return ask + self.ask_mlp(ask), image, weights


class Teacher(nn.Module):
    """Network that sees the camera, touches and smells; a sense that is absent is replaced by a learnt token."""

    kind = 'teacher'

    def __init__(self, config: TeacherConfig | None = None) -> None:
        """Make a teacher of `config`'s sizes, with fresh weights."""
        super().__init__()
        self.config = config = config or TeacherConfig()
        self.frozen = False
        width = config.width
        self.trunk = Trunk(config)
        self.standardise = Standardiser()

        def token(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, width) * 0.02)

        self.grid_embed = nn.Linear(config.channels[-1], width)
        self.contact_embed = nn.Linear(self.trunk.window_channels, width)
        self.patch_embed = nn.Sequential(
            nn.Linear(_BANKS * _PATCH[0] * _PATCH[1], width), nn.GELU(), nn.Linear(width, width)
        )
        self.statistics_embed = nn.Sequential(
            nn.Linear(NUM_TOUCH_STATISTICS, width), nn.GELU(), nn.Linear(width, width)
        )
        self.gas_value, self.gas_channel = token(NUM_GAS), token(NUM_GAS)
        self.gas_embed = nn.Sequential(
            nn.Linear(NUM_GAS, width), nn.GELU(), nn.Linear(width, width)
        )

        self.ask = token(1)
        self.ask_vision = nn.Linear(self.trunk.pooled_features, width)
        self.grid_position = token(config.grid, config.grid)
        # shared by a patch of taxels and the image under it
        self.patch_position = token(_NUM_PATCHES)
        self.sense = token(6)  # grid, contact, taxels, statistics, gas channel, gas summary
        self.touch_mask, self.gas_mask = token(1), token(1)

        self.layers = nn.ModuleList(CrossLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(3 * width)
        self.embed = nn.Sequential(
            nn.Linear(3 * width, config.features),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.features, config.features),
        )
        self.classifier = nn.Linear(config.features, len(ACTIONS))

    def train(self, mode: bool = True) -> 'Teacher':
        """Set training mode, unless frozen: then a parent's `.train()` leaves it in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(
        self,
        *,
        image: Tensor,
        touch: Tensor,
        gas: Tensor,
        touch_present: Tensor,
        gas_present: Tensor,
        return_attention: bool = False,
    ) -> TeacherOutput:
        """Decide for a batch.

        Args:
            image: `float32[B, 3, S, S]`, RGB, 0 to 1, S a multiple of 32.
            touch: `float32[B, 256]`, um and mm; what it holds where touch is absent has no effect,
                even NaN.
            gas: `float32[B, 8]`, in the units of `GAS_CHANNELS`; likewise.
            touch_present: `bool[B]`.
            gas_present: `bool[B]`.
            return_attention: also say where it looked.
        """
        vision = self.trunk(image)
        image_tokens = self._image_tokens(vision.grid, vision.window)
        touch_tokens = self._touch_tokens(self._clean('touch', touch, touch_present))
        gas_tokens = self._gas_tokens(self._clean('gas', gas, gas_present))
        touch_tokens = torch.where(touch_present[:, None, None], touch_tokens, self.touch_mask)
        gas_tokens = torch.where(gas_present[:, None, None], gas_tokens, self.gas_mask)
        felt = torch.cat([touch_tokens[:, -1], gas_tokens[:, -1]], 1)
        senses = torch.cat([self._place_touch(touch_tokens), self._place_gas(gas_tokens)], 1)
        ask = (self.ask + self.ask_vision(vision.pooled))[:, None]
        weights = []
        for layer in self.layers:
            ask, image_tokens, weight = layer(ask, image_tokens, senses, return_attention)
            weights.append(weight)
        features = self.embed(self.norm(torch.cat([ask[:, 0], felt], 1)))
        attention = (
            self._attention(torch.stack(weights), vision.grid.shape[-1])
            if return_attention
            else None
        )
        return TeacherOutput(
            features=features,
            logits=self.classifier(features),
            pooled=vision.pooled,
            felt=felt,
            attention=attention,
        )

    def _clean(self, sense: str, value: Tensor, present: Tensor) -> Tensor:
        standard = self.standardise.to_standard(sense, value).clamp(
            -self.config.clamp_sigma, self.config.clamp_sigma
        )
        # Chosen before the embedding: a NaN that is masked after it would still poison the
        # gradient.
        return torch.where(present[:, None], standard, torch.zeros_like(standard))

    def _image_tokens(self, grid: Tensor, window: Tensor) -> Tensor:
        position = self.grid_position
        if grid.shape[-1] != self.config.grid:
            position = F.interpolate(
                position.permute(2, 0, 1)[None],
                grid.shape[-2:],
                mode='bilinear',
                align_corners=False,
            )[0].permute(1, 2, 0)
        tokens = (
            self.grid_embed(grid.flatten(2).transpose(1, 2))
            + position.flatten(0, 1)
            + self.sense[0]
        )
        under_pad = F.avg_pool2d(window, _PATCH).flatten(2).transpose(1, 2)
        contact = self.contact_embed(under_pad) + self.patch_position + self.sense[1]
        return torch.cat([tokens, contact], 1)

    def _touch_tokens(self, touch: Tensor) -> Tensor:
        batch = touch.shape[0]
        patches = touch.reshape(batch, _BANKS, _PATCHES[0], _PATCH[0], _PATCHES[1], _PATCH[1])
        patches = patches.permute(0, 2, 4, 1, 3, 5).reshape(batch, _NUM_PATCHES, -1)
        return torch.cat(
            [self.patch_embed(patches), self.statistics_embed(touch_statistics(touch))[:, None]], 1
        )

    def _gas_tokens(self, gas: Tensor) -> Tensor:
        return torch.cat([gas[..., None] * self.gas_value, self.gas_embed(gas)[:, None]], 1)

    def _place_touch(self, tokens: Tensor) -> Tensor:
        return tokens + torch.cat([self.patch_position + self.sense[2], self.sense[3:4]])

    def _place_gas(self, tokens: Tensor) -> Tensor:
        return tokens + torch.cat([self.gas_channel + self.sense[4], self.sense[5:6]])

    @staticmethod
    def _attention(weights: Tensor, side: int) -> TeacherAttention:
        image, contact, patches, statistics, gas, summary = (
            weights[:, :, 0]
            .mean(0)
            .split([side * side, _NUM_PATCHES, _NUM_PATCHES, 1, NUM_GAS, 1], 1)
        )
        patches = patches.unflatten(1, _PATCHES) / (_PATCH[0] * _PATCH[1])
        return TeacherAttention(
            image=image.unflatten(1, (side, side)),
            contact=contact.unflatten(1, _PATCHES),
            taxels=patches.repeat_interleave(_PATCH[0], 1).repeat_interleave(_PATCH[1], 2),
            touch_statistics=statistics[:, 0],
            gas=gas,
            gas_summary=summary[:, 0],
        )


def freeze(teacher: Teacher) -> Teacher:
    """Stop a teacher from learning: no gradients, and evaluation mode for good. Returns the same teacher."""
    teacher.frozen = True
    teacher.requires_grad_(False)
    return teacher.eval()
