# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One kind of number of a sense in a profile, and where it comes from."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from crossmodal_kd_ros.files import short
from crossmodal_kd_ros.profile.fields import (
    MAX_SIZE,
    Flag,
    Name,
    NotNegative,
    Number,
    Positive,
    Strict,
    TopicName,
    checked,
    require_different,
)
from crossmodal_kd_ros.profile.sources import FIELDS, MessageType

# How a grid is summarised where it is compared with what the picture shows: see
# calibration.consistency.
GridFeature = Literal['level', 'spread', 'low', 'median', 'peak', 'detail']


def _check_key(key: Any) -> Any:
    is_place = type(key) is int and 0 <= key <= MAX_SIZE
    if is_place or key is None or (isinstance(key, str) and key):
        return key
    raise ValueError(
        f'expected a name, or a place from 0 to {MAX_SIZE}, got {short(key)}: change the key'
    )


class Source(Strict):
    """Where numbers come from."""

    topic: TopicName
    type: MessageType
    field: str = ''
    """Which list of the message: position (unless set), velocity or effort of a JointState."""

    @model_validator(mode='after')
    def _field_is_one_of_the_type(self) -> 'Source':
        fields = FIELDS.get(self.type, ('',))
        if (self.field or fields[0]) not in fields:
            raise ValueError(
                f'expected a field of {self.type} out of '
                f'{", ".join(filter(None, fields)) or "none"}, got {short(self.field)}: '
                'change it, or leave it out'
            )
        return self


# How a channel's number is found in its source and made a reading.
_OF_A_SOURCE = ('key', 'scale', 'offset')


class Channel(Strict):
    """One kind of number of a sense: a bank of a grid, or one value."""

    name: Name
    unit: str
    min: Number
    """Least value that a working sensor reports."""

    max: Number
    """Greatest value that a working sensor reports."""

    undershoot: NotNegative = Field(0.0, le=1.0)
    """How far below `min` a filter or a drifting zero may go, as a share of `max - min`."""

    saturates: Flag = True
    """`max` is the end of the converter, so that a reading at it is no measurement."""

    noise: Positive | None = None
    """Standard deviation of a healthy reading's noise. Unless set: 0.2 % of `max - min`."""

    relative_noise: NotNegative = 0.0
    """The part of the noise that grows with the reading, as a share of it."""

    noise_floor: Positive | None = None
    """Reading from which on noise is judged relative to the reading; unless set it never is."""

    spread: Positive | None = None
    """Standard deviation of true readings from place to place. Unless set: 5 % of `max - min`."""

    ambient: Flag = False
    """Its level is that of the surroundings, as of the air of a day: common to all places there.

    So it does not average out over places.
    """

    features: tuple[GridFeature, ...] = ('low', 'median', 'peak', 'detail')
    """Of a grid: what is compared with the picture."""

    source: Source | None = None
    """Unless set, that of the sense."""

    field: str = ''
    """Unless set, that of the source."""

    key: Annotated[str | int | None, BeforeValidator(_check_key)] = None
    """Name or place of the number in the message. Unless set: the channel's name or place."""

    scale: Annotated[Number, checked(bool, 'a scale other than 0', 'leave it out')] = 1.0
    """Reading = scale x number + offset, as where a relative humidity comes as 0 to 1."""

    offset: Number = 0.0
    constant: Number | None = None
    """For a channel that the robot lacks: its reading, always."""

    @model_validator(mode='after')
    def _range_is_one(self) -> 'Channel':
        with np.errstate(over='ignore'):
            span = np.float32(self.max) - np.float32(self.min)
        if not 0.0 < span < np.inf:
            raise ValueError(
                f'expected min below max of the channel {self.name}, apart in float32, '
                f'got {self.min:g} and {self.max:g}: change one'
            )
        require_different(f'features of the channel {self.name}', self.features)
        beside = [name for name in ('source', 'field', *_OF_A_SOURCE) if self.is_set(name)]
        if self.constant is not None and beside:
            raise ValueError(
                f'expected a constant or a source for the channel {self.name}, got both: '
                f'leave out constant, or {" and ".join(beside)}'
            )
        if self.constant is not None and not self.min <= self.constant <= self.max:
            raise ValueError(
                f'expected the constant of {self.name} within {self.min:g} and {self.max:g}, '
                f'got {self.constant:g}: change it'
            )
        return self

    def is_set(self, name: str) -> bool:
        """Return whether a field has another value than where it is left out."""
        return getattr(self, name) != type(self).model_fields[name].default

    @property
    def is_constant(self) -> bool:
        """Whether it is always the same, and nothing is read."""
        return self.constant is not None

    @property
    def least(self) -> float:
        """Least value that is no fault: `min` less the undershoot."""
        return self.min - self.undershoot * (self.max - self.min)

    @property
    def noise_std(self) -> float:
        """`noise`, or its default."""
        return 0.002 * (self.max - self.min) if self.noise is None else self.noise

    @property
    def spread_std(self) -> float:
        """`spread`, or its default."""
        return 0.05 * (self.max - self.min) if self.spread is None else self.spread


class ChannelSource(Strict):
    """Where one channel comes from, with nothing left open."""

    channel: str
    topic: str
    type: MessageType
    field: str
    key: str | int
    scale: float
    offset: float
