# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters, said once: name, default, range or choices, description, unit, and whether they may change while in use.

Declarations, checks, `config/*.yaml` and `docs/parameters.md` come from here (`parameter_files`).
generate_parameter_library would need a build step, typeguard and its own package on the robot,
none of them on PyPI, and lets unknown names pass.
"""

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
        dynamic: whether it may be set while the node is configured; `ManagedNode.adjust` then gets
            it.
    """

    name: str
    default: bool | int | float | str
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    dynamic: bool = False

    @property
    def unit(self) -> str:
        """The unit of a number, by the last word of its name; empty: it has none."""
        return _UNITS.get(self.name.rpartition('_')[2], '') if '_' in self.name else ''

    @property
    def expected(self) -> str:
        """Which values it takes, in words."""
        if isinstance(self.default, bool):
            return 'true or false'
        if isinstance(self.default, str):
            return f'one of {", ".join(self.choices)}' if self.choices else 'a text'
        kind = (
            'a whole number' if isinstance(self.default, int) else 'a number with a decimal point'
        )
        return f'{kind} from {self.low} to {self.high}'

    def allows(self, value: Any) -> bool:
        """Return whether `value` has the type of the default and is in range, or one of the choices."""
        return (
            type(value) is type(self.default)
            and (not self.choices or value in self.choices)
            and (self.low is None or self.low <= value <= self.high)
        )

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows, and rclpy enforces."""
        descriptor = ParameterDescriptor(description=self.description)
        if self.choices:
            descriptor.additional_constraints = self.expected
        elif isinstance(self.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=self.low, to_value=self.high)
            ]
        elif isinstance(self.default, int) and not isinstance(self.default, bool):
            descriptor.integer_range = [IntegerRange(from_value=self.low, to_value=self.high)]
        return descriptor

    def refusal(self, value: Any) -> str:
        """Return the sentence that refuses `value`."""
        return f'expected the parameter {self.name} to be {self.expected}, got {value!r}'


_UNITS = {
    's': 's',
    'ms': 'ms',
    'hz': 'Hz',
    'px': 'px',
    'mm': 'mm',
    'kpa': 'kPa',
    'deg': '°',
    'pct': '%',
    'ppm': 'ppm',
}

# rclpy names such a parameter qos_overrides.<topic>.<publisher or subscription>.<policy>.
QOS_OVERRIDES = 'qos_overrides'
QOS_POLICIES = (
    Setting(
        name='reliability',
        default='reliable',
        choices=('reliable', 'best_effort'),
        description='Whether a message that got lost is sent again.',
    ),
    Setting(
        name='durability',
        default='volatile',
        choices=('volatile', 'transient_local'),
        description='Whether who comes late gets the last messages.',
    ),
    Setting(
        name='history',
        default='keep_last',
        choices=('keep_last', 'keep_all'),
        description='Whether a queue has an end.',
    ),
    Setting(
        name='depth',
        default=10,
        low=1,
        high=10_000,
        description='Messages in a queue that keeps the last.',
    ),
)

AUTOSTART = Setting(
    name='autostart',
    default=True,
    description='Configure and activate at start; false: wait for a lifecycle manager to do so.',
)


def declare(node: Node, settings: Sequence[Setting]) -> None:
    """Declare `settings` on `node`.

    Raises:
        Refusal: a value from outside is of the wrong type, out of range or none of the choices, or
            has a name that no setting has.
    """
    # rclpy has no public way to see which values came from outside.
    given = {name: parameter.value for name, parameter in node._parameter_overrides.items()}
    for setting in settings:
        try:
            value = node.declare_parameter(
                setting.name, setting.default, setting.descriptor()
            ).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise Refusal(setting.refusal(given.get(setting.name))) from error
        if setting.choices and value not in setting.choices:
            raise Refusal(setting.refusal(value))
    names = [setting.name for setting in settings]
    for name, value in given.items():
        if name.startswith(f'{QOS_OVERRIDES}.'):
            _check_override(name, value)
        elif not node.has_parameter(name):
            near = difflib.get_close_matches(name, names, n=1) or [', '.join(names)]
            raise Refusal(
                f'expected the name of a parameter of {node.get_name()}, got {name!r}; there is: {near[0]}'
            )


def check_overrides_used(node: Node) -> None:
    """Raise `Refusal` for an override of the QoS of a topic that `node`, which has created all of its own, does not have."""
    declared = [f'{QOS_OVERRIDES}.{name}' for name in node.get_parameters_by_prefix(QOS_OVERRIDES)]
    for name in node._parameter_overrides:
        if name.startswith(f'{QOS_OVERRIDES}.') and name not in declared:
            near = difflib.get_close_matches(name, declared, n=1, cutoff=0.0)[0]
            raise Refusal(
                f'expected the whole name of a topic of {node.get_name()}, got {name!r}; there is: {near}'
            )


def _check_override(name: str, value: Any) -> None:
    *_, entity, policy = ['', *name.split('.')]
    settings = {setting.name: setting for setting in QOS_POLICIES}
    if entity not in ('publisher', 'subscription') or policy not in settings:
        raise Refusal(
            f'expected {QOS_OVERRIDES}.<topic>.<publisher or subscription>.<{", ".join(settings)}>, got {name!r}'
        )
    if not settings[policy].allows(value):
        raise Refusal(
            f'expected the parameter {name} to be {settings[policy].expected}, got {value!r}'
        )
