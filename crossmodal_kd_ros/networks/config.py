# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The shape of each network: every size that a weight file must repeat to be read again."""

from dataclasses import dataclass


def _check_at_least(config: object, least: float, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(
                f'expected {name} to be a whole number of at least {least}, got {value!r}'
            )


def _check_fraction(config: object, name: str) -> None:
    value = getattr(config, name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < 1.0:
        raise ValueError(f'expected {name} to be at least 0 and less than 1, got {value!r}')


def _check_view(config: object) -> None:
    value = config.view_px
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or value < 32 or value % 32
    ):
        raise ValueError(f'expected view_px to be a multiple of 32 or None, got {value!r}')


def _check_several(config: object, count: int, name: str) -> None:
    value = tuple(getattr(config, name))
    if len(value) != count or any(
        isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in value
    ):
        raise ValueError(
            f'expected {name} to be {count} whole numbers of at least 1, got {value!r}'
        )
    # JSON gives a list; two equal configurations must compare equal
    object.__setattr__(config, name, value)


@dataclass(frozen=True, kw_only=True)
class StudentConfig:
    """Sizes of the camera-only network.

    Attributes:
        stem_channels: channels after the first of the two convolutions that take the image to
            stride 4. 16 is as fast as one 8x8 convolution of stride 4, and bends light twice
            before the first residual block.
        channels: channels of the maps at strides 4, 8 and 16.
        blocks: residual blocks at strides 8 and 16.
        features: width of the embedding that is compared with the teacher's.
        touch_rank: learnt 8x16 patterns for each bank that pooled features may add to the touch
            map.
        dropout: probability of dropping a pooled feature in front of the heads while training.
        view_px: larger images are averaged down to this side first; None: every image is seen as
            it comes.
    """

    stem_channels: int = 16
    channels: tuple[int, int, int] = (32, 64, 128)
    blocks: tuple[int, int] = (1, 1)
    features: int = 128
    touch_rank: int = 4
    dropout: float = 0.1
    view_px: int | None = None

    def __post_init__(self) -> None:
        """Refuse a size that no network can have, by `ValueError`, saying what came."""
        _check_several(self, 3, 'channels')
        _check_several(self, 2, 'blocks')
        _check_at_least(self, 1, 'stem_channels', 'features', 'touch_rank')
        _check_fraction(self, 'dropout')
        _check_view(self)


@dataclass(frozen=True, kw_only=True)
class TeacherConfig:
    """Sizes of the network that sees all three senses.

    Attributes:
        stem_channels: as in `StudentConfig`.
        channels: as in `StudentConfig`.
        blocks: as in `StudentConfig`.
        features: width of the embedding that the student is compared with.
        width: width of a token.
        layers: layers of cross-attention.
        heads: attention heads; must divide `width`.
        grid: side of the learnt grid of image positions; an image whose grid is of another size
            reads it between the points. 8 is the grid of a 128 px image.
        clamp_sigma: touch and gas are clamped to this many standard deviations, so that a broken
            sensor cannot shout. 10, not 6: a deep crack under a few taxels is a rare and true
            reading.
        dropout: probability of dropping, in attention and in front of the classifier, while
            training.
        view_px: as in `StudentConfig`.
    """

    stem_channels: int = 16
    channels: tuple[int, int, int] = (32, 64, 128)
    blocks: tuple[int, int] = (1, 1)
    features: int = 128
    width: int = 128
    layers: int = 2
    heads: int = 4
    grid: int = 8
    clamp_sigma: float = 10.0
    dropout: float = 0.1
    view_px: int | None = None

    def __post_init__(self) -> None:
        """Refuse a size that no network can have, by `ValueError`, saying what came."""
        _check_several(self, 3, 'channels')
        _check_several(self, 2, 'blocks')
        _check_at_least(self, 1, 'stem_channels', 'features', 'width', 'layers', 'heads', 'grid')
        _check_fraction(self, 'dropout')
        _check_view(self)
        if self.width % self.heads:
            raise ValueError(
                f'expected heads to divide width, got {self.heads} heads for a width of {self.width}'
            )
        if not isinstance(self.clamp_sigma, (int, float)) or not self.clamp_sigma > 0:
            raise ValueError(f'expected clamp_sigma to be more than 0, got {self.clamp_sigma!r}')
