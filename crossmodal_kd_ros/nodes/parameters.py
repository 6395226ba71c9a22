# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters, said once: name, default, range or choices, description."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node


class Refusal(Exception):
    """What was asked cannot be done: one sentence with what was expected, what came and what to do."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One parameter of a node; its type is that of its default.

    Attributes:
        name: name of the parameter.
        default: its value where nobody gives one.
        description: what it does, with its unit.
        low: least number allowed; with `high`, for numbers only.
        high: greatest number allowed.
        choices: the words allowed; empty: any text.
    """

    name: str
    default: bool | int | float | str
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """Which values it takes, in words."""
        if isinstance(self.default, bool):
            return 'true or false'
        if isinstance(self.default, str):
            return f'one of {", ".join(self.choices)}' if self.choices else 'a text'
        kind = 'a whole number' if isinstance(self.default, int) else 'a number with a decimal point'
        return f'{kind} from {self.low} to {self.high}'

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows, and rclpy enforces."""
        descriptor = ParameterDescriptor(description=self.description)
        if self.choices:
            descriptor.additional_constraints = self.expected
        elif isinstance(self.default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=self.low, to_value=self.high)]
        elif isinstance(self.default, int) and not isinstance(self.default, bool):
            descriptor.integer_range = [IntegerRange(from_value=self.low, to_value=self.high)]
        return descriptor

    def refusal(self, value: Any) -> str:
        """Return the sentence that refuses `value`."""
        return f'expected the parameter {self.name} to be {self.expected}, got {value!r}'


AUTOSTART = Setting(
    name='autostart', default=True,
    description='Configure and activate at start; false: wait for a lifecycle manager to do so.')


def declare(node: Node, settings: Sequence[Setting]) -> None:
    """Declare `settings` on `node`.

    Raises:
        Refusal: a value from outside is of the wrong type, out of range or none of the choices, or has a name that no
            setting has.
    """
    # rclpy has no public way to see which values came from outside.
    given = {name: parameter.value for name, parameter in node._parameter_overrides.items()}
    for setting in settings:
        try:
            value = node.declare_parameter(setting.name, setting.default, setting.descriptor()).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise Refusal(setting.refusal(given.get(setting.name))) from error
        if setting.choices and value not in setting.choices:
            raise Refusal(setting.refusal(value))
    names = [setting.name for setting in settings]
    for name in given:
        if not node.has_parameter(name):
            near = difflib.get_close_matches(name, names, n=1) or [', '.join(names)]
            raise Refusal(f'expected the name of a parameter of {node.get_name()}, got {name!r}; there is: {near[0]}')
