# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The form of a profile: what a robot has. Everything that is specific to one robot is here.

A profile is `config/profiles/NAME.yaml`, or a file of one's own.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import read_yaml, share_dir, shipped_file, short
from crossmodal_kd_ros.profile.fields import (
    MANY,
    MAX_SIDE,
    TOPIC,
    Flag,
    Name,
    NotNegative,
    Number,
    Positive,
    Strict,
    Timed,
    TopicName,
    Whole,
    require_different,
)
from crossmodal_kd_ros.profile.senses import Sense
from crossmodal_kd_ros.profile.sources import OUTPUTS

CAMERA = 'camera'
DEFAULT_PROFILE = 'living_wall'
SCHEMA_FILE = 'profile.schema.json'
# Not an action of any profile: what the robot does when the package does not know.
HOLD = 'hold'
# What else a recording has beside the senses, and what the simulator tells beside the quantities.
_ROLES, _ROLE_PREFIX = (CAMERA, 'label', 'turn'), 'live_'
_TRUTHS = ('frame', 'action')
# Of a file of labels, which may have one more for each quantity that only the picture shows.
LABEL_COLUMNS, OPTIONAL_LABEL_COLUMNS = ('start_s', 'end_s', 'action'), ('bag', 'panel')
# How a reading is made of what a message holds.
_MADE = ('constant', 'scale', 'offset')


def _channels_differ(channels: tuple[str, ...]) -> tuple[str, ...]:
    require_different('channels', channels)
    return channels


# Channels written `sense.channel`; one alone need not be a list.
_Channels = Annotated[
    tuple[str, ...],
    Field(min_length=1, max_length=MANY),
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    AfterValidator(_channels_differ),
    WithJsonSchema(
        {
            'anyOf': [
                {'type': 'string'},
                {'type': 'array', 'items': {'type': 'string'}, 'minItems': 1},
            ]
        }
    ),
]


class Mode(str, Enum):
    """Which predictor decides.

    `TEACHER`: camera and every sense are healthy. `PARTIAL`: the teacher decides with the lost
    senses masked. `STUDENT`: the camera alone decides. `HOLD`: nobody knows, the robot keeps
    still.
    """

    TEACHER = 'TEACHER'
    STUDENT = 'STUDENT'
    HOLD = 'HOLD'
    PARTIAL = 'PARTIAL'

    def __str__(self) -> str:
        return self.value


class ProfileError(ConfigurationError):
    """A profile cannot be used: one line for each thing that is wrong."""


class Camera(Timed):
    """The sense that survives."""

    model_config = ConfigDict(json_schema_extra=Timed.optional_times)

    topic: TopicName
    """Of `sensor_msgs/msg/Image`; compressed pictures come on it with `/compressed` behind."""

    view_px: Whole = Field(128, ge=32, le=MAX_SIDE, multiple_of=32)
    """Side of the square that the networks see, pixels."""

    view_mm: Positive | None = None
    """What that side shows, mm; needed for footprints."""

    mirrored: Flag = False
    """A mirrored view could have been: training mirrors pictures, and grids within them."""


class Ratio(Strict):
    """One sum of channels over another."""

    of: _Channels
    to: _Channels
    min_denominator: NotNegative = 0.0
    """Where `to` is at most this the ratio is 0."""


class Seen(Strict):
    """No sense measures it: the picture alone shows it, and labels say what it was."""

    min: Number | None = None
    """The least value that it can have."""


class Quantity(Strict):
    """What readings say of the world, by one formula over channels written `sense.channel`.

    Or what no reading says, and the picture alone shows.
    """

    name: SkipJsonSchema[str]
    unit: str
    mean: _Channels | None = None
    """Mean over all elements of these channels."""

    max: _Channels | None = None
    """Maximum over all elements of these channels."""

    ratio: Ratio | None = None

    seen: Seen | None = None
    """In place of a formula, where no sense measures it: `{}`, or `{min: 0}`."""

    @model_validator(mode='after')
    def _has_one_formula(self) -> 'Quantity':
        formulas = [
            name for name in ('mean', 'max', 'ratio', 'seen') if getattr(self, name) is not None
        ]
        if len(formulas) != 1:
            raise ValueError(
                'expected one of mean, max, ratio and seen, got '
                f'{" and ".join(formulas) or "none"}: leave one'
            )
        return self

    @property
    def channels(self) -> tuple[str, ...]:
        """Every `sense.channel` that it follows from; none where only the picture shows it."""
        if self.ratio is not None:
            return tuple(dict.fromkeys((*self.ratio.of, *self.ratio.to)))
        return self.mean or self.max or ()

    @property
    def senses(self) -> tuple[str, ...]:
        """The senses that measure it; none where only the picture shows it."""
        return tuple(dict.fromkeys(channel.partition('.')[0] for channel in self.channels))


class Profile(Strict):
    """What one kind of robot has: camera, senses, actions, quantities derived from readings."""

    name: Name
    camera: Camera
    senses: dict[Name, Sense] = Field(min_length=1, max_length=MANY)
    actions: tuple[Name, ...] = Field(min_length=2, max_length=MANY)
    """The classes of every network, in this order."""

    quantities: dict[Name, Quantity] = Field({}, max_length=MANY)

    @field_validator('senses', 'quantities', mode='before')
    @classmethod
    def _name_each(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        for name, entry in value.items():
            if isinstance(entry, Mapping) and 'name' in entry:
                raise ValueError(
                    f'the key name is not known, got it in {short(name)}: leave it out, for '
                    'that is its name'
                )
        # A name that is none is refused as a key, once.
        return {
            name: {**entry, 'name': name if isinstance(name, str) else ''}
            if isinstance(entry, Mapping)
            else entry
            for name, entry in value.items()
        }

    @field_serializer('senses', 'quantities', mode='wrap')
    def _without_names(self, value: Any, handler: SerializerFunctionWrapHandler) -> Any:
        return {
            name: {key: part for key, part in entry.items() if key != 'name'}
            for name, entry in handler(value).items()
        }

    @field_validator('senses')
    @classmethod
    def _senses_are_no_roles(cls, senses: dict[str, Sense]) -> dict[str, Sense]:
        for name in senses:
            if name in _ROLES or name.startswith(_ROLE_PREFIX):
                raise ValueError(
                    f'expected a sense of another name than {name!r}, which recordings use: '
                    'rename it'
                )
        return senses

    @field_validator('quantities')
    @classmethod
    def _quantities_are_nothing_else(cls, quantities: dict[str, Quantity]) -> dict[str, Quantity]:
        bounds = (f'{name}_{end}' for name in quantities for end in ('lower', 'upper'))
        seen = {name for name, quantity in quantities.items() if quantity.seen is not None}
        columns = seen & {*LABEL_COLUMNS, *OPTIONAL_LABEL_COLUMNS}
        for name in sorted(quantities.keys() & {*_TRUTHS, *bounds, *columns}):
            raise ValueError(
                f'expected a quantity of another name than {name!r}, which the package uses for '
                'a bound, a truth or a column of labels: rename it'
            )
        return quantities

    @field_validator('actions')
    @classmethod
    def _actions_differ(cls, actions: tuple[str, ...]) -> tuple[str, ...]:
        require_different('actions', actions)
        if HOLD in actions:
            raise ValueError(
                f'expected actions other than {HOLD!r}, got it: rename it, for that is what the '
                'robot does when nobody knows'
            )
        return actions

    @model_validator(mode='after')
    def _parts_agree(self) -> 'Profile':
        for sense in self.senses.values():
            self._check_footprint(sense)
        self._check_topics()
        known = dict.fromkeys(
            f'{sense.name}.{channel.name}'
            for sense in self.senses.values()
            for channel in sense.channels
        )
        for quantity in self.quantities.values():
            for channel in quantity.channels:
                if channel not in known:
                    raise ValueError(
                        f'expected the quantity {quantity.name} to follow from channels that are '
                        f'there, got {short(channel)}: use {", ".join(list(known)[:30])}'
                    )
        return self

    def _check_topics(self) -> None:
        """Refuse a topic that is two things; senses may share one that is of one type."""
        camera, senses = self.camera.topic, self.senses.values()
        rows: list[tuple[str, str, str]] = [
            *((topic, 'an output of this package', '') for topic in OUTPUTS),
            (camera, 'camera.topic', ''),
            (f'{camera}/compressed', 'the compressed camera.topic', ''),
            *(
                (source.topic, f'{source.type} for {sense.name}', source.type)
                for sense in senses
                for source in sense.find_sources()
            ),
            *((sense.output_topic, f'the estimate of {sense.name}', '') for sense in senses),
        ]
        owners: dict[str, tuple[str, str]] = {}
        for topic, who, msgtype in rows:
            first, first_type = owners.setdefault(topic.removeprefix('/'), (who, msgtype))
            if first is not who and not (msgtype and msgtype == first_type):
                raise ValueError(
                    f'expected {topic} to be one thing, got it as {first} and as {who}: give one '
                    'of them another topic'
                )
        for sense in senses:
            TOPIC.func(sense.output_topic)

    def _check_footprint(self, sense: Sense) -> None:
        if sense.footprint_mm is None:
            return
        side = self.camera.view_mm
        if side is None:
            raise ValueError(
                f'expected camera.view_mm beside the footprint_mm of {sense.name}, got none: '
                'add it'
            )
        left, top, width, height = sense.footprint_mm
        inside = left >= 0 and top >= 0 and left + width <= side and top + height <= side
        if not inside or width <= 0 or height <= 0:
            raise ValueError(
                f'expected the footprint_mm of {sense.name} (left, top, width, height) within the '
                f'view of {side:g} x {side:g} mm, got '
                f'{", ".join(f"{n:g}" for n in sense.footprint_mm)}: change one'
            )

    @property
    def sensors(self) -> tuple[str, ...]:
        """The camera, then the senses in their order."""
        return (CAMERA, *self.senses)

    @property
    def timing(self) -> dict[str, Timed]:
        """Period and limits of age of each of `sensors`."""
        return {CAMERA: self.camera, **self.senses}

    @property
    def seen_quantities(self) -> dict[str, Quantity]:
        """The quantities that no sense measures."""
        return {name: each for name, each in self.quantities.items() if each.seen is not None}

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
                    # Left out where they are left out: as in the weights that there are.
                    + [[name, getattr(channel, name)] for name in _MADE if channel.is_set(name)]
                    for channel in sense.channels
                ]
                for sense in self.senses.values()
            ],
            'quantities': [
                quantity.model_dump(exclude={'seen'} if quantity.seen is None else None)
                for quantity in self.quantities.values()
            ],
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


@lru_cache(maxsize=16)
def load_profile(name: str = DEFAULT_PROFILE) -> Profile:
    """Return a profile.

    Args:
        name: that of a file in `config/profiles`, or the path of a `.yaml` file.

    Raises:
        ProfileError: there is none, or something in it is wrong.
    """
    return read_yaml(shipped_file('profiles', name, ProfileError), Profile, ProfileError)


def schema_text() -> str:
    """Return the JSON schema of profiles: what `profile.schema.json` holds for editors."""
    return json.dumps(Profile.model_json_schema(), indent=2) + '\n'


def schema_path() -> Path:
    """Return where the schema lies."""
    return share_dir() / 'config' / 'profiles' / SCHEMA_FILE
