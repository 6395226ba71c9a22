# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The form of a sense in a profile: its channels, and where their numbers come from."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from crossmodal_kd_ros.profile.sources import FIELDS, GRID_TYPES, KEYS, NUMBERED, MessageType

# How a grid is summarised where it is compared with what the picture shows: see
# calibration.consistency.
GridFeature = Literal['level', 'spread', 'low', 'median', 'peak', 'detail']
Name = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*$')]
Positive = Annotated[float, Field(gt=0.0)]
TopicName = Annotated[str, Field(pattern=r'^/?[A-Za-z_][A-Za-z0-9_/]*$')]


class Strict(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
        ignored_types=(cached_property,),
    )


class Timed(Strict):
    """When readings are expected, and when they are too old."""

    period_s: Positive
    """Seconds from measurement to measurement; a driver may repeat its last value in between."""

    timeout_s: Positive
    """Age at which a reading is stale, s. Unless set: two and a half periods, at least 0.2 s."""

    stuck_s: Positive
    """How long the same reading may repeat, s. Unless set: six periods, at least 0.5 s."""

    @model_validator(mode='before')
    @classmethod
    def _times_follow_from_the_period(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and isinstance(data.get('period_s'), (int, float)):
            period_s = data['period_s']
            times = {'timeout_s': max(0.2, 2.5 * period_s), 'stuck_s': max(0.5, 6.0 * period_s)}
            return {**times, **data}
        return data

    @staticmethod
    def optional_times(schema: dict[str, Any]) -> None:
        schema['required'] = [
            name for name in schema.get('required', ()) if name not in ('timeout_s', 'stuck_s')
        ]


def require_different(what: str, names: Sequence[str]) -> None:
    """Raise `ValueError` if a name of `what` stands twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'expected {what} of different names, got {", ".join(twice)} twice')


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
                f'{", ".join(filter(None, fields)) or "none"}, got {self.field!r}'
            )
        return self


class Channel(Strict):
    """One kind of number of a sense: a bank of a grid, or one value."""

    name: Name
    unit: str
    min: float
    """Least value that a working sensor reports."""

    max: float
    """Greatest value that a working sensor reports."""

    undershoot: float = Field(0.0, ge=0.0, le=1.0)
    """How far below `min` a filter or a drifting zero may go, as a share of `max - min`."""

    saturates: bool = True
    """`max` is the end of the converter, so that a reading at it is no measurement."""

    noise: Positive | None = None
    """Standard deviation of a healthy reading's noise. Unless set: 0.2 % of `max - min`."""

    relative_noise: float = Field(0.0, ge=0.0)
    """The part of the noise that grows with the reading, as a share of it."""

    noise_floor: Positive | None = None
    """Reading from which on noise is judged relative to the reading; unless set it never is."""

    spread: Positive | None = None
    """Standard deviation of true readings from place to place. Unless set: 5 % of `max - min`."""

    features: tuple[GridFeature, ...] = ('low', 'median', 'peak', 'detail')
    """Of a grid: what is compared with the picture."""

    source: Source | None = None
    """Unless set, that of the sense."""

    field: str = ''
    """Unless set, that of the source."""

    key: str | int | None = None
    """Name or place of the number in the message. Unless set: the channel's name or place."""

    scale: float = 1.0
    """Reading = scale x number + offset, as where a relative humidity comes as 0 to 1."""

    offset: float = 0.0
    constant: float | None = None
    """For a channel that the robot lacks: its reading, always."""

    @model_validator(mode='after')
    def _range_is_one(self) -> 'Channel':
        if not self.min < self.max:
            raise ValueError(
                f'expected min below max of the channel {self.name}, '
                f'got {self.min:g} and {self.max:g}'
            )
        if self.constant is not None and (self.source is not None or self.key is not None):
            raise ValueError(
                f'expected a constant or a source for the channel {self.name}, got both: '
                'leave one out'
            )
        if self.constant is not None and not self.min <= self.constant <= self.max:
            raise ValueError(
                f'expected the constant of {self.name} within {self.min:g} and {self.max:g}, '
                f'got {self.constant:g}'
            )
        return self

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


class Sense(Timed):
    """A sense beside the camera; a reading is `float32[size]`, channel by channel, row by row."""

    model_config = ConfigDict(json_schema_extra=Timed.optional_times)

    name: SkipJsonSchema[Name]
    layout: Literal['grid', 'channels']
    """`grid`: channels of rows and columns of elements; `channels`: one number each."""

    shape: tuple[int, ...] = ()
    """Of a grid: channels, rows, columns."""

    channels: tuple[Channel, ...] = Field(min_length=1)
    footprint_mm: tuple[float, float, float, float] | None = None
    """Of a grid: left, top, width, height of what it covers in the view, mm; `null`: nothing."""

    source: Source | None = None
    """Of every channel that has none of its own."""

    estimate_topic: TopicName | None = None
    """Topic of the student's estimate of the sense. Unless set: `maintenance/<name>_estimate`."""

    @field_validator('channels')
    @classmethod
    def _names_differ(cls, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        require_different('channels', [channel.name for channel in channels])
        return channels

    @model_validator(mode='before')
    @classmethod
    def _shape_of_channels_follows(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get('layout') == 'channels' and 'shape' not in data:
            channels = data.get('channels')
            shape = [len(channels)] if isinstance(channels, (list, tuple)) else []
            return {**data, 'shape': shape}
        return data

    @model_validator(mode='after')
    def _parts_agree(self) -> 'Sense':
        count = len(self.channels)
        if self.layout == 'channels':
            if self.shape != (count,):
                raise ValueError(
                    f'expected a shape [{count}], got {list(self.shape)}: leave it out'
                )
            if self.footprint_mm is not None:
                raise ValueError('expected a footprint_mm of a grid alone: leave it out')
        elif len(self.shape) != 3 or self.shape[0] != count or min(self.shape) < 1:
            raise ValueError(
                f'expected a shape [channels, rows, columns] with {count} channels, '
                f'got {list(self.shape)}'
            )
        if not self._sources():
            raise ValueError('expected a channel that comes from a topic, got constants alone')
        return self

    def _sources(self) -> tuple[ChannelSource, ...]:
        return tuple(
            self._resolve(channel, index)
            for index, channel in enumerate(self.channels)
            if channel.constant is None
        )

    def _resolve(self, channel: Channel, index: int) -> ChannelSource:
        source = channel.source or self.source
        if source is None:
            raise ValueError(
                f'expected a source or a constant for the channel {channel.name}, got neither: '
                'give the sense or the channel a source'
            )
        if self.layout == 'grid' and source.type not in GRID_TYPES:
            raise ValueError(
                f'expected a grid as one of {", ".join(GRID_TYPES)}, got {source.type}'
            )
        if self.layout == 'channels' and source.type == 'sensor_msgs/msg/Image':
            raise ValueError(
                'expected channels from a type with numbers, got sensor_msgs/msg/Image'
            )
        field = channel.field or source.field or FIELDS.get(source.type, ('',))[0]
        if field not in FIELDS.get(source.type, ('',)):
            raise ValueError(
                f'expected a field of {source.type} for {channel.name}, got {field!r}'
            )
        key = channel.key if channel.key is not None else self._default_key(channel, index, source)
        if source.type in KEYS and key not in KEYS[source.type]:
            raise ValueError(
                f'expected a key of {source.type} for {channel.name}, out of '
                f'{", ".join(KEYS[source.type])}, got {key!r}'
            )
        return ChannelSource(
            channel=channel.name,
            topic=source.topic,
            type=source.type,
            field=field,
            key=key,
            scale=channel.scale,
            offset=channel.offset,
        )

    @staticmethod
    def _default_key(channel: Channel, index: int, source: Source) -> str | int:
        if source.type in NUMBERED or source.type == 'sensor_msgs/msg/Image':
            return index
        keys = KEYS.get(source.type, ())
        return keys[0] if len(keys) == 1 else channel.name

    @cached_property
    def sources(self) -> tuple[ChannelSource, ...]:
        """Where each channel comes from, without the constants."""
        return self._sources()

    @cached_property
    def topics(self) -> dict[str, str]:
        """The message type of each topic that the sense is put together from."""
        return {source.topic: source.type for source in self.sources}

    @cached_property
    def size(self) -> int:
        """How many numbers a reading has."""
        return math.prod(self.shape)

    @cached_property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels, in order."""
        return tuple(channel.name for channel in self.channels)

    @property
    def output_topic(self) -> str:
        """Where the student's estimate of the sense is published."""
        return self.estimate_topic or f'maintenance/{self.name}_estimate'

    def elements_of(self, channel: str) -> slice:
        """Return the elements of a channel within a reading."""
        index, each = self.channel_names.index(channel), self.size // len(self.channels)
        return slice(index * each, (index + 1) * each)

    def per_element(self, attribute: str) -> np.ndarray:
        """Return an attribute of the channels, such as `max`, by element: `float32[size]`."""
        values = np.array([getattr(channel, attribute) for channel in self.channels], np.float32)
        return np.repeat(values, self.size // len(self.channels))

    def element_name(self, index: int) -> str:
        """Return what a person calls an element: `co2_ppm`, or `texture (3, 12)` of a grid."""
        if self.layout == 'channels':
            return self.channel_names[index]
        channel, row, column = np.unravel_index(index, self.shape)
        return f'{self.channel_names[channel]} ({row}, {column})'
