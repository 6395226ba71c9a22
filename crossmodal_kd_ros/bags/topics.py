# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which topic of a bag is the camera, the touch, the gas and the label: as the user says, or by looking at the bag."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from crossmodal_kd_ros.bags.converters import ROLES, converter, types_of
from crossmodal_kd_ros.bags.reader import Bag, BagError
from crossmodal_kd_ros.contract import GAS_NAMES, ContractError
from crossmodal_kd_ros.runtime.messages import BadMessage, stamp_ns

# As this package's own nodes call them; a namespace may stand in front.
_OWN_NAMES = {
    'camera': ('/camera/image_raw/compressed', '/camera/image_raw'),
    'touch': ('/tactile/image',),
    'gas': ('/gas/state',),
}
# What this package published is no reading.
_NOT_SENSED = ('/maintenance/', '/simulation/')
# What the node said while the bag was recorded, and which weights it ran.
_LIVE = {
    'live_scores': ('/maintenance/action_scores', 'sensor_msgs/msg/JointState'),
    'live_action': ('/maintenance/action', 'std_msgs/msg/String'),
    'live_mode': ('/maintenance/mode', 'std_msgs/msg/String'),
    'live_reason': ('/maintenance/mode_reason', 'std_msgs/msg/String'),
    'live_diagnostics': ('/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray'),
}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the user says of one role.

    Attributes:
        topic: full name.
        channels: of gas: for each of `GAS_NAMES` its name, or its number, in the message.
        constants: of gas: values for channels that the robot has no cell for.
    """

    topic: str
    channels: Mapping[str, str | int] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a channel that the contract does not know, by `BagError`."""
        for name in (*self.channels, *self.constants):
            if name not in GAS_NAMES:
                raise BagError(
                    f'expected gas channels out of {", ".join(GAS_NAMES)}, got {name!r}'
                )


@dataclass(frozen=True)
class Taken:
    """A topic that was taken for a role, and what turns its messages into readings."""

    topic: str
    msgtype: str
    read: Callable[[Any], Any]


@dataclass(frozen=True)
class Reading:
    """One reading out of a bag.

    Attributes:
        role: `camera`, `touch`, `gas` or `label`; or `live_...`, which is what the node said while
            the bag was recorded.
        received_ns: when it was recorded.
        stamp_ns: stamp of its header, or `received_ns` where its type has none; 0 where it is
            malformed.
        value: for the camera a function that gives `uint8[H, W, 3]` RGB or raises `BadMessage`;
            touch `float32[256]`; gas `float32[8]`; label: a text; `live_...`: the message.
        bad: why it is malformed, in words; `value` is `None` then.
        origin: the message.
    """

    role: str
    received_ns: int
    stamp_ns: int
    value: Any
    bad: str = ''
    origin: Any = None

    @property
    def beat_ns(self) -> int:
        """When a beat of the node was due, as far as this message tells: its diagnostics go out with one. Else 0."""
        if self.role != 'live_diagnostics' or not any(
            ': mode' in status.name for status in self.value.status
        ):
            return 0
        return self.stamp_ns


@dataclass(frozen=True)
class TopicMap:
    """Which topic is which.

    Attributes:
        taken: by role; a role without a topic is absent. What the node said live is there too,
            under `live_...`.
        told: one sentence for each role, on what was taken and what was left.
    """

    taken: dict[str, Taken]
    told: tuple[str, ...]

    def readings(self, bag: Bag) -> Iterator[Reading]:
        """Yield the readings of all roles in the order in which they were received; malformed ones too."""
        # What was said comes last in the dictionary, and never takes a topic from a sense.
        roles = {taken.topic: (role, taken.read) for role, taken in reversed(self.taken.items())}
        if not roles:
            return
        for message in bag.messages(roles):
            role, read = roles[message.topic]
            yield _reading(role, message.received_ns, message.message, read)


def parse_wishes(options: Sequence[str] = (), *, file: Path | None = None) -> dict[str, Wish]:
    """Return what the user says of each role: from a YAML file, then from options such as `camera=/cam0/image`.

    Raises:
        BagError: the file or an option is not of that form.
    """
    wishes = _wishes_of(file) if file is not None else {}
    for option in options:
        role, equals, topic = option.partition('=')
        if role not in ROLES or not equals or not topic:
            raise BagError(
                f'expected a mapping such as camera=/cam0/image, of {", ".join(ROLES)}, got {option!r}'
            )
        wishes[role] = Wish(topic=_full(topic))
    return wishes


def choose_topics(bag: Bag, wishes: Mapping[str, Wish]) -> TopicMap:
    """Return which topic of `bag` is which: as wished, and for the rest by name, type and first message.

    Raises:
        BagError: a topic that was wished for is not in the bag, or its type cannot be read so.
    """
    taken: dict[str, Taken] = {}
    told: list[str] = []
    for role in ROLES:
        if role in wishes:
            taken[role] = _wished(bag, role, wishes[role])
            told.append(f'{role}: {_described(bag, taken[role].topic)}, as you say')
        elif role != 'label':  # any text could be one
            used = {other.topic for other in taken.values()} | {
                wish.topic for wish in wishes.values()
            }
            found, sentence = _guessed(bag, role, used)
            told.append(sentence)
            if found is not None:
                taken[role] = found
    for role, (name, msgtype) in _LIVE.items():
        found = [
            topic.name
            for topic in bag.topics.values()
            if topic.name.endswith(name) and topic.msgtype == msgtype
        ]
        if found:
            taken[role] = Taken(min(found), msgtype, _as_it_is)
    return TopicMap(taken, tuple(told))


def _wished(bag: Bag, role: str, wish: Wish) -> Taken:
    topic = bag.topics.get(wish.topic)
    if topic is None:
        raise BagError(
            f'expected the topic {wish.topic} for {role} in {bag.path}, found {_some(list(bag.topics))}'
        )
    if topic.msgtype not in types_of(role):
        raise BagError(
            f'expected {role} as {" or ".join(types_of(role))}, got {wish.topic} of {topic.msgtype}'
        )
    return Taken(
        wish.topic,
        topic.msgtype,
        converter(role, topic.msgtype, channels=wish.channels, constants=wish.constants),
    )


def _guessed(bag: Bag, role: str, used: set[str]) -> tuple[Taken | None, str]:
    candidates = [
        Taken(topic.name, topic.msgtype, converter(role, topic.msgtype, channels={}, constants={}))
        for topic in bag.topics.values()
        if topic.msgtype in types_of(role)
        and topic.count
        and topic.name not in used
        and not any(mark in topic.name for mark in _NOT_SENSED)
    ]
    # A picture may be broken where its neighbours are not; any Image could be touch, and any
    # JointState gas.
    fitting = [taken for taken in candidates if _fits(bag, role, taken)] or (
        candidates if role == 'camera' else []
    )
    if not fitting:
        looked = (
            f' ({_some([taken.topic for taken in candidates])} could have been, and is not)'
            if candidates
            else ''
        )
        return None, f'{role}: no topic of {bag.path.name} holds it{looked}'
    best = min(
        fitting,
        key=lambda taken: (_rank(role, taken.topic), -bag.topics[taken.topic].count, taken.topic),
    )
    left = [taken.topic for taken in fitting if taken is not best]
    return best, f'{role}: {_described(bag, best.topic)}' + (
        f'; left: {_some(left)}' if left else ''
    )


def _fits(bag: Bag, role: str, taken: Taken) -> bool:
    first = next(bag.messages([taken.topic]), None)
    if first is None:
        return False
    try:
        value = taken.read(first.message)
        return not callable(value) or value() is not None
    except ContractError:
        return False


def _as_it_is(message: Any) -> Any:
    return message


def _rank(role: str, topic: str) -> int:
    own = [index for index, name in enumerate(_OWN_NAMES[role]) if topic.endswith(name)]
    return own[0] if own else len(_OWN_NAMES[role])


def _reading(role: str, received_ns: int, message: Any, read: Callable[[Any], Any]) -> Reading:
    try:
        # An array has no header: it counts from its arrival, as for the node.
        stamp = stamp_ns(message.header) if hasattr(message, 'header') else received_ns
        return Reading(role, received_ns, stamp, read(message), origin=message)
    except BadMessage as bad:
        return Reading(role, received_ns, 0, None, str(bad), message)


def _wishes_of(file: Path) -> dict[str, Wish]:
    try:
        told = yaml.safe_load(file.read_text())
    except OSError as error:
        raise BagError(f'cannot read the mapping {file}: {error.strerror}') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BagError(f'{file} is not YAML: {" ".join(str(error).split())}') from error
    if not isinstance(told, dict) or not set(told) <= set(ROLES):
        raise BagError(
            f'expected {file} to say a topic for some of {", ".join(ROLES)}, got '
            f'{_some(list(map(str, told))) if isinstance(told, dict) else type(told).__name__}'
        )
    wishes = {}
    for role, value in told.items():
        entry = {'topic': value} if isinstance(value, str) else value
        allowed = {'topic', 'channels', 'constants'} if role == 'gas' else {'topic'}
        if (
            not isinstance(entry, dict)
            or not isinstance(entry.get('topic'), str)
            or not set(entry) <= allowed
        ):
            raise BagError(
                f'expected {file} to give {role} as a topic or as {", ".join(sorted(allowed))}, got {value!r}'
            )
        constants = entry.get('constants') or {}
        if not all(
            isinstance(number, (int, float)) and np.isfinite(number)
            for number in constants.values()
        ):
            raise BagError(f'expected numbers under constants in {file}, got {constants!r}')
        wishes[role] = Wish(
            topic=_full(entry['topic']), channels=entry.get('channels') or {}, constants=constants
        )
    return wishes


def _described(bag: Bag, name: str) -> str:
    topic = bag.topics[name]
    return f'{name} ({topic.msgtype}, {topic.count} message{"s" if topic.count != 1 else ""})'


def _some(names: list[str]) -> str:
    return (
        ', '.join(names[:5]) + (f' and {len(names) - 5} more' if len(names) > 5 else '')
    ) or 'none'


def _full(topic: str) -> str:
    return topic if topic.startswith('/') else f'/{topic}'
