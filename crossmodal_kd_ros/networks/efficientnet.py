# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An encoder that has seen photographs before: the first blocks of EfficientNet-Lite0.

Tan and Le 2019, https://arxiv.org/abs/1905.11946; Lite leaves out squeeze and excitation and bends
by ReLU6: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

from torch import Tensor, nn
from torch.nn import functional as F

_STEM_CHANNELS = 32
# Of each stage: kernel, stride, expansion, channels, blocks. Two more follow in the original;
# their maps are of stride 32.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
)
# The last blocks at strides 4, 8 and 16.
_MAPS = (2, 4, 10)
# Blocks before this one do not learn.
_LEARNS_FROM = 5
_EPSILON = 1e-3  # of batch normalisation in the original


class Halving(nn.Module):
    """Padding in front of a convolution of stride 2, as in the original, or its mirror image.

    The original has the odd pixel after the image, so that every cell looks half a pixel of its
    input too far, 1.5 pixels of the image at stride 4. Mirrored every second time, it is half a
    pixel there, too little; to the weights it is the same picture moved by one.
    """

    def __init__(self, kernel: int, *, mirrored: bool) -> None:
        """Pad for a convolution of `kernel`."""
        super().__init__()
        few, many = (kernel - 2) // 2, (kernel - 1) // 2
        before, after = (many, few) if mirrored else (few, many)
        self._edges = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        """Pad `[B, C, H, W]`, H and W even."""
        return F.pad(x, self._edges)


def _convolution(
    channels_in: int,
    channels: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    flip: bool = False,
) -> nn.Sequential:
    halving = [Halving(kernel, mirrored=flip)] if stride == 2 else []
    padding = 0 if halving else kernel // 2
    return nn.Sequential(
        *halving,
        nn.Conv2d(channels_in, channels, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(channels, eps=_EPSILON),
    )


class InvertedResidual(nn.Module):
    """Widen, look at each channel alone, narrow (Sandler et al. 2018, arXiv 1801.04381)."""

    def __init__(
        self,
        channels_in: int,
        channels: int,
        *,
        kernel: int,
        stride: int,
        expansion: int,
        flip: bool,
    ) -> None:
        """Make a block; `flip`: see `Halving`."""
        super().__init__()
        wide = channels_in * expansion
        widen = [_convolution(channels_in, wide, 1), nn.ReLU6(inplace=True)]
        self.body = nn.Sequential(
            *(widen if expansion > 1 else ()),
            _convolution(wide, wide, kernel, stride=stride, groups=wide, flip=flip),
            nn.ReLU6(inplace=True),
            _convolution(wide, channels, 1),
        )
        self._adds = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, channels_in, H, W]` to `[B, channels, H / stride, W / stride]`."""
        return x + self.body(x) if self._adds else self.body(x)


class EfficientNetLite(nn.Module):
    """The image's maps at strides 4, 8 and 16.

    It keeps what it has learnt from photographs: its batch statistics are never measured anew, and
    its stem, its blocks up to stride 8 and its kernels of one channel do not learn. Nor does a
    training pay for their gradients: with them a step takes four times as long.

    Attributes:
        channels: of the three maps.
    """

    channels = (24, 40, 112)

    def __init__(self) -> None:
        """Make it with fresh weights; `training.pretrained` has those of ImageNet."""
        super().__init__()
        self.stem = nn.Sequential(
            _convolution(3, _STEM_CHANNELS, 3, stride=2), nn.ReLU6(inplace=True)
        )
        blocks, channels_in, flip = [], _STEM_CHANNELS, False
        for kernel, stride, expansion, channels, count in _STAGES:
            flip = flip != (stride == 2)
            for number in range(count):
                blocks.append(
                    InvertedResidual(
                        channels_in,
                        channels,
                        kernel=kernel,
                        stride=stride if number == 0 else 1,
                        expansion=expansion,
                        flip=flip,
                    )
                )
                channels_in = channels
        self.blocks = nn.ModuleList(blocks)
        for kept in (self.stem, *self.blocks[:_LEARNS_FROM], *_kernels_of_one_channel(self)):
            kept.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> 'EfficientNetLite':
        """Keep the batch statistics, whatever the mode."""
        return super().train(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map an image `float32[B, 3, S, S]`, -0.5 to 0.5, to its maps of side S/4, S/8, S/16."""
        # The original sees (255 v - 127) / 128 of a value v from 0 to 1.
        x = self.stem(image * (255.0 / 128.0) + 0.5 / 128.0)
        maps = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _MAPS:
                maps.append(x)
        return maps


def _kernels_of_one_channel(module: nn.Module) -> list[nn.Conv2d]:
    return [each for each in module.modules() if isinstance(each, nn.Conv2d) and each.groups > 1]
