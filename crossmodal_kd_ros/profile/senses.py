# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The form of a sense in a profile: its channels, and where their numbers come from."""

import ast
import inspect
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from crossmodal_kd_ros.files import short
from crossmodal_kd_ros.profile.sources import (
    FIELDS,
    GRID_TYPES,
    KEY_KINDS,
    KEYS,
    KIND_WORDS,
    NUMBERED,
    MessageType,
)

# More than any robot has: a file that says more is a slip, and would take the memory of a machine.
MANY, MAX_SIDE, MAX_SIZE = 1000, 4096, 1_000_000
_TINY, _HUGE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
# Days are no rate of a sensor; times are counted in nanoseconds of 64 bits.
_MAX_PERIOD_S, _MAX_TIME_S = 86_400.0, 1e6


def _checked(passes: Callable[[Any], Any], expected: str, do: str) -> AfterValidator:
    def check(value: Any) -> Any:
        if not passes(value):
            raise ValueError(f'expected {expected}, got {short(value)}: {do}')
        return value

    return AfterValidator(check)


def _is_topic(text: str) -> bool:
    is_formed = re.fullmatch(r'/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*', text, re.ASCII)
    return bool(is_formed) and '__' not in text and len(text) <= 200


# How a grid is summarised where it is compared with what the picture shows: see
# calibration.consistency.
GridFeature = Literal['level', 'spread', 'low', 'median', 'peak', 'detail']
Name = Annotated[
    str,
    _checked(
        lambda text: re.fullmatch('[a-z][a-z0-9_]{0,99}', text),
        'a name of small letters, digits and _, a letter first, at most 100 characters',
        'rename it',
    ),
    Field(json_schema_extra={'pattern': '^[a-z][a-z0-9_]{0,99}$'}),
]
TOPIC = _checked(
    _is_topic,
    'a topic such as camera/image_raw: names of ASCII letters, digits and single _, no digit '
    'first, / between them, at most 200 characters',
    'rename it',
)
TopicName = Annotated[
    str,
    TOPIC,
    Field(
        json_schema_extra={
            'pattern': r'^/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*$',
            'maxLength': 200,
        }
    ),
]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
_HELD = _checked(
    lambda value: not value or _TINY <= abs(value) <= _HUGE,
    'a number that a float32 can hold',
    'choose another unit',
)
Number = Annotated[float, Field(strict=True), _HELD]
NotNegative = Annotated[float, Field(strict=True, ge=0.0), _HELD]
Positive = Annotated[float, Field(strict=True, gt=0.0), _HELD]
_Time = Annotated[float, Field(strict=True, gt=0.0, le=_MAX_TIME_S), _HELD]


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Add the docstring below each field of a model to its JSON schema.

    pydantic's own `use_attribute_docstrings` reads the source at every import instead of where a
    schema is asked for: half of the time that profiles take to import.
    """
    for base in reversed(model.__mro__[: model.__mro__.index(Strict)]):
        body = ast.parse(inspect.getsource(base)).body[0].body
        for field, text in zip(body, body[1:]):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                description = inspect.cleandoc(ast.literal_eval(text.value))
                schema['properties'][field.target.id]['description'] = description


class Strict(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        ignored_types=(cached_property,),
        json_schema_extra=_describe,
    )


class Timed(Strict):
    """When readings are expected, and when they are too old."""

    period_s: Annotated[float, Field(strict=True, gt=0.0, le=_MAX_PERIOD_S), _HELD]
    """Seconds from measurement to measurement; a driver may repeat its last value in between."""

    timeout_s: _Time
    """Age at which a reading is stale, s. Unless set: two and a half periods, at least 0.2 s."""

    stuck_s: _Time | None
    """How long the same reading may repeat, s. Unless set: six periods, at least 0.5 s.

    `null` where readings may rest for ever, as with a dead band: nothing is called stuck or dead.
    """

    @model_validator(mode='before')
    @classmethod
    def _times_follow_from_the_period(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        period_s = data.get('period_s')
        if type(period_s) not in (int, float) or not 0 < period_s <= _MAX_PERIOD_S:
            period_s = 1.0  # what is wrong is said of the period alone
        times = {'timeout_s': max(0.2, 2.5 * period_s), 'stuck_s': max(0.5, 6.0 * period_s)}
        return {**times, **data}

    @model_validator(mode='after')
    def _times_are_a_period_or_more(self) -> 'Timed':
        for name in ('timeout_s', 'stuck_s'):
            time_s = getattr(self, name)
            if time_s is not None and time_s < self.period_s:
                raise ValueError(
                    f'expected {name} of at least the period_s of {self.period_s:g}, '
                    f'got {time_s:g}: raise it, or leave it out'
                )
        return self

    @staticmethod
    def optional_times(schema: dict[str, Any], model: type[BaseModel]) -> None:
        _describe(schema, model)
        schema['required'] = [
            name for name in schema.get('required', ()) if name not in ('timeout_s', 'stuck_s')
        ]


def require_different(what: str, names: Sequence[str]) -> None:
    """Raise `ValueError` if a name of `what` stands twice."""
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        few = ', '.join(twice[:10])
        raise ValueError(f'expected {what} of different names, got {few} twice: leave one out')


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

    scale: Annotated[Number, _checked(bool, 'a scale other than 0', 'leave it out')] = 1.0
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

    response_s: NotNegative = Field(0.0, le=_MAX_PERIOD_S)
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
