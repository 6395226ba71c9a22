# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The form of a profile: what a robot has. Everything that is specific to one robot is here."""

import hashlib
import json
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from crossmodal_kd_ros.profile.modes import HOLD
from crossmodal_kd_ros.profile.sources import FIELDS, GRID_TYPES, KEYS, NUMBERED, MessageType

CAMERA = 'camera'
# How a grid is summarised where it is compared with what the picture shows: see
# calibration.consistency.
GridFeature = Literal['level', 'spread', 'low', 'median', 'peak', 'detail']
_Name = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*$')]
# Channels written `sense.channel`; one alone need not be a list.
_Channels = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema(
        {'anyOf': [{'type': 'string'}, {'type': 'array', 'items': {'type': 'string'}}]}
    ),
]
_Positive = Annotated[float, Field(gt=0.0)]
_Topic = Annotated[str, Field(pattern=r'^/?[A-Za-z_][A-Za-z0-9_/]*$')]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
        ignored_types=(cached_property,),
    )


class _Timed(_Strict):
    """When readings are expected, and when they are too old."""

    period_s: _Positive
    """Seconds from measurement to measurement; a driver may repeat its last value in between."""

    timeout_s: _Positive
    """Age at which a reading is stale, s. Unless set: two and a half periods, at least 0.2 s."""

    stuck_s: _Positive
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
    def _optional_times(schema: dict[str, Any]) -> None:
        schema['required'] = [
            name for name in schema.get('required', ()) if name not in ('timeout_s', 'stuck_s')
        ]


class Camera(_Timed):
    """The sense that survives."""

    model_config = ConfigDict(json_schema_extra=_Timed._optional_times)

    topic: _Topic
    """Of `sensor_msgs/msg/Image`; compressed pictures come on it with `/compressed` behind."""

    view_px: int = Field(128, ge=32, multiple_of=32)
    """Side of the square that the networks see, pixels."""

    view_mm: _Positive | None = None
    """What that side shows, mm; needed for footprints."""

    mirrored: bool = False
    """A mirrored view could have been: training mirrors pictures, and grids within them."""


class Source(_Strict):
    """Where numbers come from."""

    topic: _Topic
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


class Channel(_Strict):
    """One kind of number of a sense: a bank of a grid, or one value."""

    name: _Name
    unit: str
    min: float
    """Least value that a working sensor reports."""

    max: float
    """Greatest value that a working sensor reports."""

    undershoot: float = Field(0.0, ge=0.0, le=1.0)
    """How far below `min` a filter or a drifting zero may go, as a share of `max - min`."""

    saturates: bool = True
    """`max` is the end of the converter, so that a reading at it is no measurement."""

    noise: _Positive | None = None
    """Standard deviation of a healthy reading's noise. Unless set: 0.2 % of `max - min`."""

    relative_noise: float = Field(0.0, ge=0.0)
    """The part of the noise that grows with the reading, as a share of it."""

    noise_floor: _Positive | None = None
    """Reading from which on noise is judged relative to the reading; unless set it never is."""

    spread: _Positive | None = None
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


class ChannelSource(_Strict):
    """Where one channel comes from, with nothing left open."""

    channel: str
    topic: str
    type: MessageType
    field: str
    key: str | int
    scale: float
    offset: float


class Sense(_Timed):
    """A sense beside the camera; a reading is `float32[size]`, channel by channel, row by row."""

    model_config = ConfigDict(json_schema_extra=_Timed._optional_times)

    name: SkipJsonSchema[_Name]
    layout: Literal['grid', 'channels']
    """`grid`: channels of rows and columns of elements; `channels`: one number each."""

    shape: tuple[int, ...] = ()
    """Of a grid: channels, rows, columns."""

    channels: tuple[Channel, ...] = Field(min_length=1)
    footprint_mm: tuple[float, float, float, float] | None = None
    """Of a grid: left, top, width, height of what it covers in the view, mm; `null`: nothing."""

    source: Source | None = None
    """Of every channel that has none of its own."""

    estimate_topic: _Topic | None = None
    """Topic of the student's estimate of the sense. Unless set: `maintenance/<name>_estimate`."""

    @field_validator('channels')
    @classmethod
    def _names_differ(cls, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        names = [channel.name for channel in channels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f'expected channels of different names, got {", ".join(twice)} twice')
        return channels

    @model_validator(mode='before')
    @classmethod
    def _shape_of_channels_follows(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get('layout') == 'channels' and 'shape' not in data:
            channels = data.get('channels')
            return {
                **data,
                'shape': [len(channels)] if isinstance(channels, (list, tuple)) else [],
            }
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
        for index, channel in enumerate(self.channels):
            if channel.constant is None:
                self._resolve(channel, index)
        if all(channel.constant is not None for channel in self.channels):
            raise ValueError('expected a channel that comes from a topic, got constants alone')
        return self

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
        return tuple(
            self._resolve(channel, index)
            for index, channel in enumerate(self.channels)
            if channel.constant is None
        )

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


class Ratio(_Strict):
    """One sum of channels over another."""

    of: _Channels
    to: _Channels
    min_denominator: float = 0.0
    """Where `to` is at most this the ratio is 0."""


class Quantity(_Strict):
    """What readings say of the world, by one formula over channels written `sense.channel`."""

    name: SkipJsonSchema[_Name]
    unit: str
    mean: _Channels | None = None
    """Mean over all elements of these channels."""

    max: _Channels | None = None
    """Maximum over all elements of these channels."""

    ratio: Ratio | None = None

    @model_validator(mode='after')
    def _has_one_formula(self) -> 'Quantity':
        formulas = [name for name in ('mean', 'max', 'ratio') if getattr(self, name) is not None]
        if len(formulas) != 1:
            raise ValueError(
                f'expected one of mean, max and ratio, got {" and ".join(formulas) or "none"}'
            )
        return self

    @property
    def channels(self) -> tuple[str, ...]:
        """Every `sense.channel` that it follows from."""
        if self.ratio is not None:
            return tuple(dict.fromkeys((*self.ratio.of, *self.ratio.to)))
        return self.mean or self.max

    @property
    def senses(self) -> tuple[str, ...]:
        """The senses that measure it."""
        return tuple(dict.fromkeys(channel.partition('.')[0] for channel in self.channels))


class Profile(_Strict):
    """What one kind of robot has: camera, senses, actions, quantities derived from readings."""

    name: _Name
    camera: Camera
    senses: dict[_Name, Sense] = Field(min_length=1)
    actions: tuple[_Name, ...] = Field(min_length=2)
    """The classes of every network, in this order."""

    quantities: dict[_Name, Quantity] = {}

    @field_validator('senses', 'quantities', mode='before')
    @classmethod
    def _name_each(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {
            name: {**entry, 'name': name} if isinstance(entry, Mapping) else entry
            for name, entry in value.items()
        }

    @field_validator('actions')
    @classmethod
    def _actions_differ(cls, actions: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in actions if actions.count(name) > 1})
        if twice:
            raise ValueError(f'expected actions of different names, got {", ".join(twice)} twice')
        if HOLD in actions:
            raise ValueError(
                f'expected actions other than {HOLD!r}: what the robot does when nobody knows'
            )
        return actions

    @model_validator(mode='after')
    def _parts_agree(self) -> 'Profile':
        if CAMERA in self.senses:
            raise ValueError(f'expected a sense of another name than {CAMERA!r}')
        for sense in self.senses.values():
            self._check_footprint(sense)
        known = [
            f'{sense.name}.{name}'
            for sense in self.senses.values()
            for name in sense.channel_names
        ]
        for quantity in self.quantities.values():
            for channel in quantity.channels:
                if channel not in known:
                    raise ValueError(
                        f'expected the quantity {quantity.name} to follow from channels that are '
                        f'there, got {channel!r}; there are {", ".join(known)}'
                    )
        return self

    def _check_footprint(self, sense: Sense) -> None:
        if sense.footprint_mm is None:
            return
        side = self.camera.view_mm
        if side is None:
            raise ValueError(
                f'expected camera.view_mm beside the footprint_mm of {sense.name}, got none'
            )
        left, top, width, height = sense.footprint_mm
        inside = left >= 0 and top >= 0 and left + width <= side and top + height <= side
        if not inside or width <= 0 or height <= 0:
            raise ValueError(
                f'expected the footprint_mm of {sense.name} (left, top, width, height) within the '
                f'view of {side:g} x {side:g} mm, got {", ".join(f"{n:g}" for n in sense.footprint_mm)}'
            )

    @property
    def sensors(self) -> tuple[str, ...]:
        """The camera, then the senses in their order."""
        return (CAMERA, *self.senses)

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of all that weights depend on: 12 hexadecimal digits.

        Weights and calibrations carry it, so that a network of another robot is refused by name
        and not read with its answers under the wrong labels. Topics, periods and noise are no part
        of it.
        """
        words = {
            'actions': self.actions,
            'view': [self.camera.view_px, self.camera.view_mm],
            'senses': [
                [sense.name, sense.layout, sense.shape, sense.footprint_mm]
                + [
                    [channel.name, channel.unit, channel.min, channel.max]
                    for channel in sense.channels
                ]
                for sense in self.senses.values()
            ],
            'quantities': [quantity.model_dump() for quantity in self.quantities.values()],
        }
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:12]

    def footprint_px(self, sense: str, side_px: int) -> tuple[slice, slice]:
        """Return rows and columns of a square of `side_px` pixels or cells that a grid covers.

        Edges are rounded down to whole pixels; there is at least one row and one column.
        """
        left, top, width, height = self.senses[sense].footprint_mm
        scale = side_px / self.camera.view_mm

        def edge(mm: float) -> int:
            return int(mm * scale + 1e-6)

        def span(start: float, length: float) -> slice:
            first = min(edge(start), side_px - 1)
            return slice(first, max(first + 1, edge(start + length)))

        return span(top, height), span(left, width)
