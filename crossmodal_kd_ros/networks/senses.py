# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The parts of the networks that one sense has: tokens for the teacher, a head for the student.

A sense is a grid or a plain vector of channels, as its profile says. Readings are in standard
units here.
"""

import torch
from torch import Tensor, nn

from crossmodal_kd_ros.profile import Sense

_PERCENTILES = (50, 75, 90, 97)
_STATISTICS = 3 + len(_PERCENTILES)
_PATCHES_A_SIDE = 4
# A deviation between 1/20 and 20 standard units: enough for any reading, never an infinity.
_LOGVAR_LIMIT = 6.0
# What an `nn.ModuleDict` or `nn.ParameterDict` has of its own: no part of it can be called so.
_TAKEN = {name.rstrip('_') for parts in (nn.ModuleDict, nn.ParameterDict) for name in dir(parts())}


def module_key(sense: str) -> str:
    """Return the key of a sense in a `ModuleDict`: its name, with `_` behind where that is taken.

    Names that end in underscores and are taken but for these get one more, so that keys differ.
    """
    return f'{sense}_' if sense.rstrip('_') in _TAKEN else sense


def mlp(size_in: int, hidden: int, size_out: int, dropout: float) -> nn.Sequential:
    """Return one hidden layer with ReLU and dropout between two linear ones."""
    return nn.Sequential(
        nn.Linear(size_in, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, size_out)
    )


def bounded(logvar: Tensor) -> Tensor:
    """Return the logarithm of a variance kept within -6 and 6, smoothly."""
    return _LOGVAR_LIMIT * torch.tanh(logvar / _LOGVAR_LIMIT)


def token(*shape: int) -> nn.Parameter:
    """Return a learnt token, or several, `float32[shape]`."""
    return nn.Parameter(torch.randn(*shape) * 0.02)


def patch_shape(sense: Sense) -> tuple[int, int]:
    """Return rows and columns of one patch of a grid, which has 4 x 4 of them where it can.

    A side of a patch is the largest divisor of the grid's side that is at most a fourth of it, and
    at least 1.
    """

    def side(length: int) -> int:
        return max(n for n in range(1, max(1, length // _PATCHES_A_SIDE) + 1) if length % n == 0)

    return side(sense.shape[1]), side(sense.shape[2])


def patch_grid(sense: Sense) -> tuple[int, int]:
    """Return how many patches a grid has in a column and in a row."""
    rows, columns = patch_shape(sense)
    return sense.shape[1] // rows, sense.shape[2] // columns


def statistics_size(sense: Sense) -> int:
    """Return how many numbers `sense_statistics` returns for a reading."""
    return _STATISTICS * len(sense.channels) if sense.layout == 'grid' else sense.size


def sense_statistics(sense: Sense, reading: Tensor) -> Tensor:
    """Summarise readings by numbers that a picture could tell.

    Args:
        sense: whose readings these are.
        reading: `float32[B, size]`.

    Returns:
        Of a grid `float32[B, 7 * channels]`: mean, deviation, maximum and the 50th, 75th, 90th and
        97th percentile of the first channel, then of the next. Of channels the reading itself.
    """
    if sense.layout == 'channels':
        return reading
    channels = reading.unflatten(1, (len(sense.channels), -1))
    ordered = channels.sort(dim=2).values
    moments = torch.stack([channels.mean(2), channels.std(2, correction=0), ordered[..., -1]], 2)
    last = sense.size // len(sense.channels) - 1
    ranks = [round(percentile / 100 * last) for percentile in _PERCENTILES]
    return torch.cat([moments, ordered[..., ranks]], 2).flatten(1)


class GridTokens(nn.Module):
    """Tokens of a grid: one for each patch of its elements, row by row, then one of statistics."""

    def __init__(self, sense: Sense, width: int) -> None:
        """Make tokens of `width`."""
        super().__init__()
        self._sense = sense
        self._patch, self._patches = patch_shape(sense), patch_grid(sense)
        size = len(sense.channels) * self._patch[0] * self._patch[1]
        self.patch_embed = _embed(size, width)
        self.statistics_embed = _embed(statistics_size(sense), width)

    def forward(self, reading: Tensor) -> Tensor:
        """Map readings `float32[B, size]` to tokens `float32[B, patches + 1, width]`."""
        channels, (rows, columns), patch = len(self._sense.channels), self._patches, self._patch
        patches = reading.reshape(-1, channels, rows, patch[0], columns, patch[1])
        patches = patches.permute(0, 2, 4, 1, 3, 5).reshape(
            -1, rows * columns, channels * patch[0] * patch[1]
        )
        statistics = self.statistics_embed(sense_statistics(self._sense, reading))
        return torch.cat([self.patch_embed(patches), statistics[:, None]], 1)

    def spread(self, shares: Tensor) -> Tensor:
        """Share out `[B, patches]` evenly over the elements under each: `[B, rows, columns]`."""
        rows, columns = self._patch
        shares = shares.unflatten(1, self._patches) / (rows * columns)
        return shares.repeat_interleave(rows, 1).repeat_interleave(columns, 2)


class ChannelTokens(nn.Module):
    """Tokens of plain channels: one for each channel, then one of all together."""

    def __init__(self, sense: Sense, width: int) -> None:
        """Make tokens of `width`."""
        super().__init__()
        self.value, self.position = token(sense.size, width), token(sense.size, width)
        self.embed = _embed(sense.size, width)

    def forward(self, reading: Tensor) -> Tensor:
        """Map readings `float32[B, size]` to tokens `float32[B, size + 1, width]`."""
        return torch.cat([reading[..., None] * self.value, self.embed(reading)[:, None]], 1)

    def spread(self, shares: Tensor) -> Tensor:
        """Return the share of each channel, `[B, size]`, as it is."""
        return shares


class GridHead(nn.Module):
    """Mean and log variance of every element of a grid, from the image.

    What is seen under an element, plus what pooled features say of the whole grid. A head of
    pooled features alone learns the level of the map and not its shape; one of local features
    alone learns the shape and misses the level. The pooled part adds a level to each channel and a
    mix of learnt patterns. A grid that does not show in the view has the pooled part alone.
    """

    def __init__(
        self, sense: Sense, window_channels: int, pooled_features: int, *, rank: int
    ) -> None:
        """Make the local part, and a pooled part with `rank` patterns for each channel."""
        super().__init__()
        self._channels, self._rank = len(sense.channels), rank
        if sense.footprint_mm is not None:
            self.local = nn.Conv2d(window_channels, 2 * self._channels, 1)
        self.level = nn.Linear(pooled_features, 2 * self._channels)
        self.mix = nn.Linear(pooled_features, self._channels * rank)
        self.patterns = nn.Parameter(torch.randn(self._channels, rank, *sense.shape[1:]) * 0.1)

    def forward(self, pooled: Tensor, window: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return means and log variances, each `float32[B, size]`, before any bound.

        Args:
            pooled: `float32[B, P]`.
            window: `float32[B, W, rows, columns]` of a grid with a footprint, else None.
        """
        both = self.level(pooled)[..., None, None].expand(-1, -1, *self.patterns.shape[2:])
        if window is not None:
            both = self.local(window) + both
        mean, logvar = both.split(self._channels, 1)
        mix = self.mix(pooled).reshape(-1, self._channels, self._rank)
        mean = mean + torch.einsum('bkr,krhw->bkhw', mix, self.patterns)
        return mean.flatten(1), logvar.flatten(1)


class ChannelHead(nn.Module):
    """Mean and log variance of plain channels, or of the quantities, from pooled features."""

    def __init__(self, size: int, pooled_features: int, dropout: float) -> None:
        """Predict `size` numbers."""
        super().__init__()
        self.mlp = mlp(pooled_features, 64, 2 * size, dropout)

    def forward(self, pooled: Tensor, window: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return means and log variances, each `float32[B, size]`, of features `[B, P]`."""
        return self.mlp(pooled).chunk(2, 1)


def _embed(size: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, width), nn.GELU(), nn.Linear(width, width))
