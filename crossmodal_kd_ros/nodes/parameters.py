# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node parameters: name, default, range or choices, description, and when a change counts.

Declarations, checks, `config/*.yaml` and `docs/parameters.md` follow from one `Parameter` each.
generate_parameter_library would need a build step, typeguard and its own package on the robot,
none of them on PyPI, and accepts unknown names.
"""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.health.reasons import join
from crossmodal_kd_ros.nodes.given import Entry, Notice
from crossmodal_kd_ros.profile import DEFAULT_PROFILE, Profile, load_profile

_UNITS = {'s': 's', 'hz': 'Hz'}
# Names this much alike are likely the same, misspelt; 1 is the same.
_ALIKE = 0.8


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a node; its type is that of its default.

    Attributes:
        name: name of the parameter.
        default: its value unless one is given.
        description: what it does, with its unit.
        min, max: the range of a number; other types have none.
        choices: the words allowed; empty: any text.
        changes: when a new value counts. `at start`: never while the process runs. `at configure`:
            it is refused while the node is configured. `at once`: it is handed to
            `ManagedNode.on_parameters_changed`.
        from_profile: its name or its default is another under another profile.
    """

    name: str
    default: bool | int | float | str
    description: str
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    changes: Literal['at start', 'at configure', 'at once'] = 'at configure'
    from_profile: bool = False

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
        return f'{kind} from {self.min} to {self.max}'

    def allows(self, value: Any) -> bool:
        """Return whether `value` has the type of the default and is in range, or a choice."""
        return (
            type(value) is type(self.default)
            and (not self.choices or value in self.choices)
            and (self.min is None or self.min <= value <= self.max)
        )

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows and rclpy enforces."""
        descriptor = ParameterDescriptor(
            description=self.description, read_only=self.changes == 'at start'
        )
        if self.choices:
            descriptor.additional_constraints = self.expected
        elif isinstance(self.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=self.min, to_value=self.max)
            ]
        elif isinstance(self.default, int) and not isinstance(self.default, bool):
            descriptor.integer_range = [IntegerRange(from_value=self.min, to_value=self.max)]
        return descriptor

    def refusal(self, value: Any) -> str:
        """Return the sentence that refuses `value`."""
        return f'expected the parameter {self.name} to be {self.expected}, got {value!r}'


AUTOSTART = Parameter(
    name='autostart',
    default=True,
    description='Configure and activate at start; false: wait for a lifecycle manager to do so.',
)
PROFILE = Parameter(
    name='profile',
    default=DEFAULT_PROFILE,
    changes='at start',
    description='What the robot has: the name of a file in config/profiles, or the path of a '
    '.yaml file. Topics, message types and default timeouts are in it.',
)

# rclpy names such a parameter qos_overrides.<topic>.<publisher or subscription>.<policy>.
QOS_OVERRIDES = 'qos_overrides'
_QOS_PREFIX = f'{QOS_OVERRIDES}.'
QOS_POLICIES = (
    Parameter(
        name='reliability',
        default='reliable',
        choices=('reliable', 'best_effort'),
        description='Whether a message that got lost is sent again.',
    ),
    Parameter(
        name='durability',
        default='volatile',
        choices=('volatile', 'transient_local'),
        description='Whether a late subscriber gets the last messages.',
    ),
    Parameter(
        name='history',
        default='keep_last',
        choices=('keep_last', 'keep_all'),
        description='Whether a queue has an end.',
    ),
    Parameter(
        name='depth',
        default=10,
        min=1,
        max=10_000,
        description='Messages in a queue that keeps the last.',
    ),
)


def declare(node: Node, parameters: Sequence[Parameter], given: Sequence[Entry]) -> list[Notice]:
    """Declare `parameters` on `node`; return what its user should know of those that are `given`.

    A name that no parameter has is taken for that of another node where it was given to nodes of
    any name, as in a file that several nodes share.

    Raises:
        ConfigurationError: a value from outside is of the wrong type, out of range or none of the
            choices; or it has a name that no parameter has, and was given to this node.
    """
    for parameter in parameters:
        if not node.has_parameter(parameter.name):
            _declare(node, parameter)
    names = [parameter.name for parameter in parameters]
    notices, foreign = [], []
    for name, value in _overrides(node).items():
        if name.startswith(_QOS_PREFIX):
            refusal = _qos_refusal(name, value)
        else:
            refusal = '' if node.has_parameter(name) else _unknown(node, name, names)
        if not refusal:
            continue
        if not _is_shared(node, name, given):
            raise ConfigurationError(refusal)
        near = difflib.get_close_matches(name, names, n=1, cutoff=_ALIKE)
        if near:
            notices.append(Notice(what=refusal, remedy='if it is for another node, let it be'))
        else:
            foreign.append(name)
    return notices + _of_others(node, foreign)


def read_profile(node: Node) -> Profile:
    """Declare `PROFILE` alone, before the parameters that follow from it; return the profile.

    Raises:
        ConfigurationError: there is no such profile, or something in it is wrong.
    """
    _declare(node, PROFILE)
    return load_profile(node.get_parameter(PROFILE.name).value)


def check_qos_overrides_used(
    node: Node, given: Sequence[Entry], also: Collection[str] = ()
) -> list[Notice]:
    """Return what the user should know of QoS overrides of topics that `node` does not have.

    Its publishers and subscriptions have to exist by now: they declare the names that count.

    Args:
        node: see above.
        given: from `entries`.
        also: names of overrides that count too.

    Raises:
        ConfigurationError: there is one that was given to this node, not to nodes of any name.
    """
    declared = [f'{_QOS_PREFIX}{name}' for name in node.get_parameters_by_prefix(QOS_OVERRIDES)]
    declared += also
    unused = [
        name for name in _overrides(node) if name.startswith(_QOS_PREFIX) and name not in declared
    ]
    for name in unused:
        if not _is_shared(node, name, given):
            near = difflib.get_close_matches(name, declared, n=1, cutoff=0.0)[0]
            raise ConfigurationError(
                f'expected the whole name of a topic of {node.get_name()}, got {name!r}; '
                f'there is: {near}'
            )
    return _of_others(node, unused)


def qos_override_names(topic: str, entity: Literal['publisher', 'subscription']) -> list[str]:
    """Return the names of the parameters that override the QoS of a topic, by its whole name."""
    return [f'{_QOS_PREFIX}{topic}.{entity}.{policy.name}' for policy in QOS_POLICIES]


def _is_shared(node: Node, name: str, given: Sequence[Entry]) -> bool:
    """Return whether a parameter of `node` was given to nodes of any name, and to it no other way.

    What nobody knows the source of was given to this node.
    """
    full_name = node.get_fully_qualified_name()
    found = [entry for entry in given if name in entry.names and entry.reaches(full_name)]
    return bool(found) and all(entry.is_shared for entry in found)


def _of_others(node: Node, names: Sequence[str]) -> list[Notice]:
    if not names:
        return []
    what = f'{node.get_name()} has no parameter {join(names)}: taken for that of another node'
    return [Notice(what=what)]


def _unknown(node: Node, name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1) or [', '.join(names)]
    return (
        f'expected the name of a parameter of {node.get_name()}, got {name!r}; there is: {near[0]}'
    )


def _declare(node: Node, parameter: Parameter) -> None:
    try:
        value = node.declare_parameter(
            parameter.name, parameter.default, parameter.descriptor()
        ).value
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        value = _overrides(node).get(parameter.name)
        raise ConfigurationError(parameter.refusal(value)) from error
    if parameter.choices and value not in parameter.choices:
        raise ConfigurationError(parameter.refusal(value))


def _overrides(node: Node) -> dict[str, Any]:
    # rclpy has no public way to see which values came from outside.
    return {name: parameter.value for name, parameter in node._parameter_overrides.items()}


def _qos_refusal(name: str, value: Any) -> str:
    """Return the sentence that refuses a QoS override; empty: it may be one."""
    *_, entity, policy = ['', *name.split('.')]
    policies = {parameter.name: parameter for parameter in QOS_POLICIES}
    if entity not in ('publisher', 'subscription') or policy not in policies:
        return (
            f'expected {QOS_OVERRIDES}.<topic>.<publisher or subscription>.'
            f'<{", ".join(policies)}>, got {name!r}'
        )
    if not policies[policy].allows(value):
        return f'expected the parameter {name} to be {policies[policy].expected}, got {value!r}'
    return ''
