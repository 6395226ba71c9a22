# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The form of a sense in a profile: its channels, its shape, when it is in contact."""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from crossmodal_kd_ros.files import short
from crossmodal_kd_ros.profile.channels import Channel, ChannelSource, Source
from crossmodal_kd_ros.profile.fields import (
    MANY,
    MAX_PERIOD_S,
    MAX_SIDE,
    MAX_SIZE,
    Name,
    NotNegative,
    Number,
    Strict,
    Timed,
    TopicName,
    Whole,
    require_different,
)
from crossmodal_kd_ros.profile.sources import (
    FIELDS,
    GRID_TYPES,
    KEY_KINDS,
    KEYS,
    KIND_WORDS,
    NUMBERED,
)


class Contact(Strict):
    """How a reading tells whether the sense is in contact with what it measures."""

    channel: Name
    min: Number
    """Mean of the channel's elements from which on it is, in the channel's unit."""


class Sense(Timed):
    """A sense beside the camera; a reading is `float32[size]`, channel by channel, row by row."""

    model_config = ConfigDict(json_schema_extra=Timed.optional_times)

    name: SkipJsonSchema[str]
    layout: Literal['grid', 'channels']
    """`grid`: channels of rows and columns of elements; `channels`: one number each."""

    shape: tuple[Annotated[Whole, Field(ge=1, le=MAX_SIDE)], ...] = ()
    """Of a grid: channels, rows, columns."""

    channels: tuple[Channel, ...] = Field(min_length=1, max_length=MANY)
    footprint_mm: tuple[Number, Number, Number, Number] | None = None
    """Of a grid: left, top, width, height of what it covers in the view, mm; `null`: nothing."""

    source: Source | None = None
    """Of every channel that has none of its own."""

    contact: Contact | None = None
    """Of a sense that measures nothing in the air; unless set, every reading is a measurement."""

    response_s: NotNegative = Field(0.0, le=MAX_PERIOD_S)
    """Time in which a reading shows 90 % of a step in what it measures (T90), inlet and all, s."""

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
            is_list = isinstance(channels, (list, tuple)) and 1 <= len(channels) <= MANY
            shape = [len(channels)] if is_list else []
            return {**data, 'shape': shape}
        return data

    @model_validator(mode='after')
    def _parts_agree(self) -> 'Sense':
        count = len(self.channels)
        if self.layout == 'channels':
            if self.shape != (count,):
                raise ValueError(
                    f'expected a shape [{count}], got {short(list(self.shape))}: leave it out'
                )
            featured = [channel.name for channel in self.channels if channel.is_set('features')]
            if featured:
                raise ValueError(
                    f'expected features of a grid alone, got those of {featured[0]}: '
                    'leave them out'
                )
            if self.footprint_mm is not None:
                raise ValueError('expected a footprint_mm of a grid alone: leave it out')
        elif len(self.shape) != 3 or self.shape[0] != count:
            raise ValueError(
                f'expected a shape [channels, rows, columns] with {count} channels, '
                f'got {short(list(self.shape))}: change one'
            )
        elif math.prod(self.shape[1:]) == 1:
            for channel in self.channels:
                if 'detail' in channel.features:
                    raise ValueError(
                        f'expected two elements or more of {channel.name} for its feature '
                        f'detail, got a shape {list(self.shape)}: give it features without detail'
                    )
        if math.prod(self.shape) > MAX_SIZE:
            raise ValueError(
                f'expected a shape of at most {MAX_SIZE} elements, got {list(self.shape)}: '
                'make it coarser'
            )
        if self.contact is not None and self.contact.channel not in self.channel_names:
            raise ValueError(
                f'expected the channel of contact out of {", ".join(self.channel_names)}, '
                f'got {short(self.contact.channel)}: change it'
            )
        if self.contact is not None:
            channel = self.channels[self.channel_names.index(self.contact.channel)]
            if channel.constant is not None or not (channel.min < self.contact.min <= channel.max):
                raise ValueError(
                    f'expected a min of contact that {channel.name} comes to, above '
                    f'{channel.min:g} and up to {channel.max:g}, and no constant, got '
                    f'{self.contact.min:g}: change it'
                )
        self._check_sources()
        return self

    def _check_sources(self) -> None:
        sources = self.find_sources()
        if not sources:
            raise ValueError('expected a channel that comes from a topic, got constants alone')
        numbers: dict[tuple, ChannelSource] = {}
        topics: dict[tuple, ChannelSource] = {}
        for source in sources:
            same = numbers.setdefault((source.topic, source.field, source.key), source)
            if same is not source:
                raise ValueError(
                    f'expected a number of its own for each channel, got {short(source.key)} of '
                    f'{source.topic} for {same.channel} and {source.channel}: change one key'
                )
            first = topics.setdefault((source.topic, source.type), source)
            if type(first.key) is not type(source.key):
                raise ValueError(
                    f'expected the keys of {source.topic} to be all names or all places, got '
                    f'{short(first.key)} and {short(source.key)}: change one'
                )

    def find_sources(self) -> tuple[ChannelSource, ...]:
        """Return `sources`, worked out anew."""
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
                f'expected a grid as one of {", ".join(GRID_TYPES)}, got {source.type}: change it'
            )
        if self.layout == 'channels' and source.type == 'sensor_msgs/msg/Image':
            raise ValueError(
                'expected channels from a type with numbers, got sensor_msgs/msg/Image: '
                'change it, or make the sense a grid'
            )
        field = channel.field or source.field or FIELDS.get(source.type, ('',))[0]
        if field not in FIELDS.get(source.type, ('',)):
            raise ValueError(
                f'expected a field of {source.type} for {channel.name}, got {short(field)}: '
                'change it, or leave it out'
            )
        key = channel.key if channel.key is not None else self._default_key(channel, index, source)
        if source.type in KEYS and key not in KEYS[source.type]:
            raise ValueError(
                f'expected a key of {source.type} for {channel.name}, out of '
                f'{", ".join(KEYS[source.type])}, got {short(key)}: change it'
            )
        kinds = KEY_KINDS.get(source.type, (str,))
        if not isinstance(key, kinds):
            raise ValueError(
                f'expected {" or ".join(map(KIND_WORDS.get, kinds))} as the key of '
                f'{channel.name} in {source.type}, got {short(key)}: change it'
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
        if source.type in NUMBERED:
            return index
        keys = KEYS.get(source.type, ())
        return keys[0] if len(keys) == 1 else channel.name

    @cached_property
    def sources(self) -> tuple[ChannelSource, ...]:
        """Where each channel comes from, without the constants."""
        return self.find_sources()

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
