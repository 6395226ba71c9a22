# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What both networks see of an image: a grid of features, what lies under each grid, pooled ones.

A grid sense with a footprint covers a rectangle of the view. That rectangle is cut out of each map
and resized to the rows and columns of the grid, so that each element has the features that lie
under it. The pad of the living wall, 16 x 8 elements 2 mm apart in a view of 64 mm, has at 128 px
exactly one cell of the map at stride 4 for each element.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.networks.config import StudentConfig, TeacherConfig
from crossmodal_kd_ros.networks.efficientnet import EfficientNetLite
from crossmodal_kd_ros.profile import Profile

# The encoder halves the side of an image four times; the last map has an even side.
IMAGE_MULTIPLE_PX = 32
_LEAST_VARIANCE = 1e-6


class Vision(NamedTuple):
    """What the trunk sees.

    Attributes:
        grid: `float32[B, C, S/16, S/16]`, the deepest map.
        windows: `float32[B, W, rows, columns]` by grid sense with a footprint: one cell for each
            element.
        pooled: `float32[B, P]`: mean and maximum of the grid and of each window, then mean and
            deviation of the finer maps: a texture is known by how much there is of each pattern,
            wherever it is.
        texture: `float32[B, 2 * W]`: mean and deviation of the finest map alone.
        finer: the maps before the deepest, at strides 4 and 8.
    """

    grid: Tensor
    windows: dict[str, Tensor]
    pooled: Tensor
    texture: Tensor
    finer: list[Tensor]

    def of(self, rows: slice) -> 'Vision':
        """Return what it sees of some of the images."""
        return Vision(
            grid=self.grid[rows],
            windows={sense: window[rows] for sense, window in self.windows.items()},
            pooled=self.pooled[rows],
            texture=self.texture[rows],
            finer=[x[rows] for x in self.finer],
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, https://arxiv.org/abs/1512.03385)."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int) -> None:
        """Make a block of `channels_in` to `channels_out`; its first convolution has `stride`."""
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut = (
            nn.Identity()
            if channels_in == channels_out and stride == 1
            else nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, channels_in, H, W]` to `[B, channels_out, H / stride, W / stride]`."""
        return F.relu_(self.shortcut(x) + self.body(x))


class Encoder(nn.Module):
    """The image's maps at strides 4, 8 and 16.

    Attributes:
        channels: of the three maps.
    """

    def __init__(self, config: StudentConfig | TeacherConfig) -> None:
        """Make the stem and two stages of residual blocks.

        A third stage at stride 4 cost a third of the time of a training and a half of that of a
        decision, and changed no accuracy.
        """
        super().__init__()
        self.channels = config.channels
        first, *deeper = config.channels
        # Kernels of 4 with stride 2 and padding 1 keep a cell's centre on the centre of its
        # pixels: a 3x3 or 7x7 stem would look 0.75 mm beside the element.
        self.stem = nn.Sequential(
            nn.Conv2d(3, config.stem_channels, 4, 2, 1, bias=False),
            nn.BatchNorm2d(config.stem_channels),
            nn.ReLU(inplace=True),  # a map of half the side of the image is costly to copy
            nn.Conv2d(config.stem_channels, first, 4, 2, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
        )
        stages, channels_in = [], first
        for channels, blocks in zip(deeper, config.blocks, strict=True):
            stages.append(
                nn.Sequential(
                    ResidualBlock(channels_in, channels, stride=2),
                    *(ResidualBlock(channels, channels, stride=1) for _ in range(blocks - 1)),
                )
            )
            channels_in = channels
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map an image `float32[B, 3, S, S]`, -0.5 to 0.5, to its maps of side S/4, S/8, S/16."""
        # The scale is left to the stem's batch normalisation.
        maps = [self.stem(image)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps


def average_down(image: Tensor, side: int) -> Tensor:
    """Average `[B, C, S, S]` down to `[B, C, side, side]`.

    Where whole squares of pixels become one it says what `avg_pool2d` says, in a quarter of its
    time: that is slow over three channels that lie last in memory.
    """
    # A whole number also while torch.jit traces, where a shape is made of tensors.
    factor, rest = divmod(int(image.shape[-1]), side)
    if rest:
        return F.adaptive_avg_pool2d(image, side)
    rows = sum(image[:, :, offset::factor] for offset in range(factor))
    return sum(rows[..., offset::factor] for offset in range(factor)) / factor**2


def cut_window(
    profile: Profile,
    sense: str,
    x: Tensor,
    project: Callable[[Tensor], Tensor] = lambda window: window,
    *,
    learning: bool = False,
) -> Tensor:
    """Cut what lies under the footprint of a grid out of a map `[B, C, S, S]`.

    Args:
        profile: has the footprint.
        sense: of the grid.
        x: the map.
        project: is applied to each cell of what was cut, before that is resized.
        learning: whether a gradient will be asked for.

    Returns:
        `[B, C, rows, columns]`, one cell for each element of the grid.
    """
    # Whole numbers also while torch.jit traces, where a shape is made of tensors.
    side = int(x.shape[-1])
    rows, columns = profile.footprint_px(sense, side)
    if learning:
        # The same cells. A slice takes nine times as long to hand its gradient back.
        edges = (-columns.start, columns.stop - side, -rows.start, rows.stop - side)
        window = project(F.pad(x, edges))
    else:
        window = project(x[..., rows, columns])
    shape, size = profile.senses[sense].shape[1:], tuple(map(int, window.shape[-2:]))
    smaller = tuple(map(min, size, shape))
    if smaller != size:
        window = F.adaptive_avg_pool2d(window, smaller)
    if smaller != shape:
        window = F.interpolate(window, shape, mode='bilinear', align_corners=False)
    return window


class Trunk(nn.Module):
    """Encoder, and a small feature pyramid under each grid that shows in the view.

    The pyramid is that of Lin et al. 2017, https://arxiv.org/abs/1612.03144.
    """

    def __init__(
        self, profile: Profile, encoder: Encoder | EfficientNetLite, *, view_px: int | None
    ) -> None:
        """Make the pyramid; `pooled_features` is the width of `Vision.pooled`."""
        super().__init__()
        self.encoder, self.view_px, self._profile = encoder, view_px, profile
        self._windows = [
            name for name, sense in profile.senses.items() if sense.footprint_mm is not None
        ]
        first, middle, deepest = encoder.channels
        self.window_channels = first
        self.pooled_features = 2 * (deepest + first * len(self._windows)) + 2 * (first + middle)
        if self._windows:
            self.laterals = nn.ModuleList(
                nn.Conv2d(channels, first, 1) for channels in encoder.channels
            )
            self.smooth = nn.Sequential(
                nn.Conv2d(first, first, 3, 1, 1, bias=False),
                nn.BatchNorm2d(first),
                nn.ReLU(inplace=True),
            )

    def forward(self, image: Tensor) -> Vision:
        """See an image `float32[B, 3, S, S]`, 0 to 1.

        S is a multiple of 32; an image larger than `view_px` is averaged down to it.

        Raises:
            ValueError: not three channels, not square, or S not a multiple of 32.
        """
        if (
            image.ndim != 4
            or image.shape[1] != 3
            or image.shape[2] != image.shape[3]
            or image.shape[2] % IMAGE_MULTIPLE_PX
            or 0 in image.shape
        ):
            raise ValueError(
                f'expected images [B, 3, S, S] with S a multiple of {IMAGE_MULTIPLE_PX}, '
                f'got {list(image.shape)}'
            )
        if self.view_px is not None and image.shape[-1] > self.view_px:
            image = average_down(image, self.view_px)
        # A quarter faster than the default order of memory, forward and backward, on two cores.
        maps = self.encoder((image - 0.5).contiguous(memory_format=torch.channels_last))
        windows = {sense: self._look_under(sense, maps) for sense in self._windows}
        *finer, grid = maps
        measure = _LearningMoments.apply if self.training else _moments
        moments = [measure(x) for x in finer]
        extremes = [
            pooled
            for x in (grid, *windows.values())
            for pooled in (x.mean((2, 3)), x.amax((2, 3)))
        ]
        return Vision(grid, windows, torch.cat([*extremes, *moments], 1), moments[0], finer)

    def look_everywhere(self, vision: Vision) -> Tensor:
        """Return what lies under each cell of the finest map, as `windows` do under a grid.

        Returns:
            `float32[B, W, S/4, S/4]`.

        Raises:
            ValueError: no grid of the profile shows in the view, so that nothing looks under one.
        """
        if not self._windows:
            raise ValueError(f'expected a grid in the view of {self._profile.name}, found none')
        side = vision.finer[0].shape[-2:]
        return self.smooth(
            sum(
                F.interpolate(lateral(x), side, mode='bilinear', align_corners=False)
                for lateral, x in zip(self.laterals, (*vision.finer, vision.grid), strict=True)
            )
        )

    def _look_under(self, sense: str, maps: list[Tensor]) -> Tensor:
        return self.smooth(
            sum(
                cut_window(self._profile, sense, x, lateral, learning=self.training)
                for lateral, x in zip(self.laterals, maps, strict=True)
            )
        )


def _moments(x: Tensor) -> Tensor:
    """Return mean and deviation of a map `[B, C, S, S]`, as `[B, 2 * C]`.

    `torch.std` takes 14 times as long in this order of memory.
    """
    # Squares of bfloat16 have too few digits for a difference.
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    mean = x.mean((2, 3))
    variance = x.square().mean((2, 3)) - mean.square()
    return torch.cat([mean, variance.clamp_min(_LEAST_VARIANCE).sqrt()], 1)


class _LearningMoments(torch.autograd.Function):
    """`_moments` whose gradient is one pass over the map instead of seven.

    Both ways take a seventh to a fourteenth of the time so: a tenth of a step of training.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        moments = _moments(x)
        ctx.save_for_backward(x, moments)
        return moments

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        x, moments = ctx.saved_tensors
        (mean, std), (of_mean, of_std) = moments.chunk(2, 1), slope.chunk(2, 1)
        # Of a map that hardly varies the deviation is a constant.
        factor = torch.where(std.square() > _LEAST_VARIANCE, of_std / std, 0.0)
        cells = x.shape[2] * x.shape[3]
        constant, factor = (
            (each / cells)[..., None, None].to(x.dtype)
            for each in (of_mean - factor * mean, factor)
        )
        return torch.addcmul(constant, factor, x)
