# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Kinds of fields that models of a profile are made of: names, topics, numbers, times."""

import ast
import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from crossmodal_kd_ros.files import short

# More than any robot has: a file that says more is a slip, and would take the memory of a machine.
MANY, MAX_SIDE, MAX_SIZE, MAX_PERIOD_S = 1000, 4096, 1_000_000, 86_400.0
_TINY, _HUGE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
# Times are counted in nanoseconds of 64 bits.
_MAX_TIME_S = 1e6


def checked(passes: Callable[[Any], Any], expected: str, do: str) -> AfterValidator:
    """Return what refuses a value that does not pass, saying what was expected and what to do."""

    def check(value: Any) -> Any:
        if not passes(value):
            raise ValueError(f'expected {expected}, got {short(value)}: {do}')
        return value

    return AfterValidator(check)


def _is_topic(text: str) -> bool:
    is_formed = re.fullmatch(r'/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*', text, re.ASCII)
    return bool(is_formed) and '__' not in text and len(text) <= 200


Name = Annotated[
    str,
    checked(
        lambda text: re.fullmatch('[a-z][a-z0-9_]{0,99}', text),
        'a name of small letters, digits and _, a letter first, at most 100 characters',
        'rename it',
    ),
    Field(json_schema_extra={'pattern': '^[a-z][a-z0-9_]{0,99}$'}),
]
TOPIC = checked(
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
_HELD = checked(
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
    """A part of a profile: it has no other keys than these, and does not change."""

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

    period_s: Annotated[float, Field(strict=True, gt=0.0, le=MAX_PERIOD_S), _HELD]
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
        if type(period_s) not in (int, float) or not 0 < period_s <= MAX_PERIOD_S:
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
        """Describe the keys in the JSON schema; times that have a default may be left out."""
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
