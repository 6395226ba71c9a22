# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The sizes of each network: with the profile, all that a weight file must repeat."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

EncoderName = Literal['residual', 'efficientnet_lite0']
_Count = Annotated[int, Field(ge=1)]


class _Config(BaseModel):
    """The sizes that both networks have."""

    # Strict: a number in quotes, or True for 1, is a mistake.
    model_config = ConfigDict(
        extra='forbid', frozen=True, strict=True, use_attribute_docstrings=True
    )

    stem_channels: _Count = 16
    """Channels after the first of the two convolutions that take the image to stride 4. 16 is as
    fast as one 8x8 convolution of stride 4, and bends light twice before the first residual block.
    """

    channels: tuple[_Count, _Count, _Count] = (32, 64, 128)
    """Channels of the maps at strides 4, 8 and 16."""

    blocks: tuple[_Count, _Count] = (1, 1)
    """Residual blocks at strides 8 and 16."""

    features: _Count = 128
    """Width of the embedding in which student and teacher are compared."""

    dropout: float = Field(0.1, ge=0.0, lt=1.0)
    """Probability of dropping a feature while training."""

    view_px: int | None = Field(None, ge=32, multiple_of=32)
    """Larger images are averaged down to this side first; None: images are seen as they come."""


class StudentConfig(_Config):
    """Sizes of the camera-only network."""

    encoder: EncoderName = 'residual'
    """What looks at the image: residual blocks of the sizes above, or `EfficientNetLite`."""

    grid_rank: _Count = 4
    """Learnt patterns for each channel of a grid that pooled features may add to its estimate."""


class TeacherConfig(_Config):
    """Sizes of the network that has all senses."""

    width: _Count = 128
    """Width of a token."""

    layers: _Count = 2
    """Layers of cross-attention."""

    heads: _Count = 4
    """Attention heads; must divide `width`."""

    grid: _Count = 8
    """Side of the learnt grid of image positions; 8 is that of a 128 px image. An image whose grid
    is of another size reads it between the points.
    """

    clamp_sigma: float = Field(10.0, gt=0.0)
    """Readings are clamped to this many standard deviations, so that a broken sensor cannot
    shout. 10, not 6: a deep crack under a few elements of a pad is a rare and true reading.
    """

    @model_validator(mode='after')
    def _heads_divide_width(self) -> 'TeacherConfig':
        if self.width % self.heads:
            raise ValueError(
                f'expected heads to divide width, got {self.heads} heads for a width of '
                f'{self.width}'
            )
        return self
