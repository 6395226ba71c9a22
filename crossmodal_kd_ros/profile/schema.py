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
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import read_yaml, share_dir, shipped_file
from crossmodal_kd_ros.profile.senses import (
    Name,
    Positive,
    Sense,
    Strict,
    Timed,
    TopicName,
    require_different,
)

CAMERA = 'camera'
DEFAULT_PROFILE = 'living_wall'
SCHEMA_FILE = 'profile.schema.json'
# Not an action of any profile: what the robot does when the package does not know.
HOLD = 'hold'
# Channels written `sense.channel`; one alone need not be a list.
_Channels = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema(
        {'anyOf': [{'type': 'string'}, {'type': 'array', 'items': {'type': 'string'}}]}
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

    view_px: int = Field(128, ge=32, multiple_of=32)
    """Side of the square that the networks see, pixels."""

    view_mm: Positive | None = None
    """What that side shows, mm; needed for footprints."""

    mirrored: bool = False
    """A mirrored view could have been: training mirrors pictures, and grids within them."""


class Ratio(Strict):
    """One sum of channels over another."""

    of: _Channels
    to: _Channels
    min_denominator: float = 0.0
    """Where `to` is at most this the ratio is 0."""


class Quantity(Strict):
    """What readings say of the world, by one formula over channels written `sense.channel`."""

    name: SkipJsonSchema[Name]
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


class Profile(Strict):
    """What one kind of robot has: camera, senses, actions, quantities derived from readings."""

    name: Name
    camera: Camera
    senses: dict[Name, Sense] = Field(min_length=1)
    actions: tuple[Name, ...] = Field(min_length=2)
    """The classes of every network, in this order."""

    quantities: dict[Name, Quantity] = {}

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
        require_different('actions', actions)
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
                f'view of {side:g} x {side:g} mm, got '
                f'{", ".join(f"{n:g}" for n in sense.footprint_mm)}'
            )

    @property
    def sensors(self) -> tuple[str, ...]:
        """The camera, then the senses in their order."""
        return (CAMERA, *self.senses)

    @property
    def timing(self) -> dict[str, Timed]:
        """Period and limits of age of each of `sensors`."""
        return {CAMERA: self.camera, **self.senses}

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
