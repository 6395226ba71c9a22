# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which topics of a bag are the camera, the senses and the label: as requested, or as found."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossmodal_kd_ros.bags.reader import Bag, BagError
from crossmodal_kd_ros.bags.search import choose, described, look, retyped, some
from crossmodal_kd_ros.health.reasons import join
from crossmodal_kd_ros.profile import CAMERA, Profile, ReadingError
from crossmodal_kd_ros.profile.sources import MESSAGE_TYPES
from crossmodal_kd_ros.runtime import topics as own_topics
from crossmodal_kd_ros.runtime.messages import BadMessage, NoPicture, quote, stamp_ns
from crossmodal_kd_ros.runtime.sources import CAMERA_TYPES, CameraReader, SenseReader

LABEL = 'label'
# What the node published while the bag was recorded, by role.
_LIVE = {
    'live_scores': own_topics.ACTION_SCORES,
    'live_action': own_topics.ACTION,
    'live_mode': own_topics.MODE,
    'live_reason': own_topics.MODE_REASON,
    'live_diagnostics': own_topics.DIAGNOSTICS,
}

# Topics by role, as the user asks for them.
TopicRequests = Mapping[str, str]
# Takes topic, message and time of receipt; returns stamp and value, or `None` for a part.
_Read = Callable[[str, Any, int], tuple[int, Any] | None]


@dataclass(frozen=True)
class TopicBinding:
    """The topics of a bag that a role is read from.

    Attributes:
        types: message types by topic.
        make_reader: returns what reads one pass over the bag.
    """

    types: Mapping[str, str]
    make_reader: Callable[[], _Read]


@dataclass(frozen=True)
class Reading:
    """One reading out of a bag.

    Attributes:
        role: `camera`, a sense or `label`; or `live_...`: what the node published while the bag
            was recorded.
        received_ns: when it was recorded; of several topics the last part.
        stamp_ns: stamp of its header, or `received_ns` where its type has none; 0 where it is
            malformed.
        value: of the camera a function that returns `uint8[H, W, 3]` RGB or raises `BadMessage`;
            of a sense `float32[size]`; of a label a text; of `live_...` the message.
        bad: why it is malformed; `value` is `None` then.
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
        """When a beat of the node was due, by its diagnostics, which go out with one; else 0."""
        if self.role != 'live_diagnostics' or self.bad:
            return 0
        with_beat = any(': mode' in status.name for status in self.value.status)
        return self.stamp_ns if with_beat else 0


@dataclass(frozen=True)
class TopicMap:
    """Which topics are which.

    Attributes:
        bindings: by role; a role without a topic is absent. What the node published live is there
            too, under `live_...`.
        sentences: one for each role, on what was taken and what was left.
    """

    bindings: Mapping[str, TopicBinding]
    sentences: tuple[str, ...]

    def require(self, bag: Bag, sensors: Sequence[str]) -> None:
        """Raise `BagError`, with all that is known of why, if one of `sensors` is absent."""
        missing = [sensor for sensor in sensors if sensor not in self.bindings]
        if not missing:
            return
        problems = bag.problems
        known = [*self.sentences, *problems[:3], *(['and more'] if len(problems) > 3 else [])]
        remedy = f': say --map {missing[0]}=TOPIC' if bag.topics else ''
        raise BagError(
            f'expected a {join(sensors)} in {bag.path}, found no {", ".join(missing)} '
            f'({"; ".join(known)}){remedy}'
        )

    def message_count(self, bag: Bag) -> int:
        """Return how many messages of `bag` are read."""
        names = {name for binding in self.bindings.values() for name in binding.types}
        return sum(bag.topics[name].count for name in names)

    def readings(self, bag: Bag) -> Iterator[Reading]:
        """Yield the readings of all roles in the order in which they were received.

        Malformed ones are yielded too.
        """
        readers: dict[str, list[tuple[str, _Read]]] = defaultdict(list)
        for role, binding in self.bindings.items():
            read = binding.make_reader()
            for name in binding.types:
                readers[name].append((role, read))
        if not readers:
            return
        for message in bag.messages(readers):
            for role, read in readers[message.topic]:
                reading = _reading(role, read, message.topic, message.received_ns, message.message)
                if reading is not None:
                    yield reading


def parse_requests(options: Sequence[str], profile: Profile) -> TopicRequests:
    """Return the topic of each role in options such as `camera=/cam0/image`.

    Raises:
        BagError: an option is not of that form.
    """
    roles = (*profile.sensors, LABEL)
    requests = {}
    for option in options:
        role, equals, topic = option.partition('=')
        if option.endswith(('.yaml', '.yml')):
            raise BagError(
                f'expected a mapping such as camera=/cam0/image, got {option!r}: a bag of another '
                'robot is described by a profile (--profile FILE)'
            )
        if role not in roles or not equals or not topic:
            raise BagError(
                f'expected a mapping such as camera=/cam0/image, of {", ".join(roles)}, '
                f'got {option!r}'
            )
        requests[role] = topic if topic.startswith('/') else f'/{topic}'
    return requests


def choose_topics(bag: Bag, profile: Profile, requests: TopicRequests) -> TopicMap:
    """Return which topics of `bag` are which: as requested, the rest by name, type and content.

    Raises:
        BagError: a requested topic is not in the bag, or cannot be read so.
    """
    roles = (*profile.sensors, LABEL)
    bindings = {
        role: _requested(bag, profile, role, requests[role]) for role in roles if role in requests
    }
    sentences = {
        role: f'{role}: {described(bag.topics[requests[role]])}, as you say' for role in bindings
    }
    choices, robot = choose(bag, profile, requests)  # of no label: any text could be one
    for role, choice in choices.items():
        sentences[role] = choice.sentence
        if choice.taken is not None:
            bindings[role] = _binding(bag, profile, role, choice.taken.topics)
    for role, topic in _LIVE.items():
        names = [
            other.name
            for other in bag.topics.values()
            if own_topics.has_name(other.name, topic.name)
            and other.msgtype == topic.type
            and (other.name == topic.name or robot.has(other.name))
        ]
        if names:
            bindings[role] = TopicBinding({min(names): topic.type}, lambda: _as_it_is)
    return TopicMap(
        {role: bindings[role] for role in (*roles, *_LIVE) if role in bindings},
        tuple(sentences[role] for role in roles if role in sentences),
    )


def _requested(bag: Bag, profile: Profile, role: str, name: str) -> TopicBinding:
    topic = bag.topics.get(name)
    if name in bag.left_out:
        raise BagError(
            f'expected a topic for {role} that can be read, got {name}: {bag.left_out[name]}'
        )
    if topic is None:
        raise BagError(
            f'expected the topic {name} for {role} in {bag.path}, found {some(list(bag.topics))}'
        )
    if role == LABEL:
        types = (own_topics.STRING,)
    elif role == CAMERA:
        types = CAMERA_TYPES
    else:
        sense = profile.senses[role]
        if len(sense.topics) > 1:
            raise BagError(
                f'expected no mapping of {role}, which the profile {profile.name} puts together '
                f'from {", ".join(sense.topics)}: write other topics into the profile'
            )
        types = tuple(kind for kind in MESSAGE_TYPES if retyped(sense, kind) is not None)
    if topic.msgtype not in types:
        raise BagError(f'expected {role} as {" or ".join(types)}, got {name} of {topic.msgtype}')
    if role == CAMERA:
        try:
            look(bag, profile, role, topic)
        except NoPicture as error:
            raise BagError(f'{role}={name}: {error}') from error
        except ReadingError:
            pass  # a broken picture is a reading too, that is counted
    return _binding(bag, profile, role, {name: name})


def _binding(bag: Bag, profile: Profile, role: str, names: Mapping[str, str]) -> TopicBinding:
    """Return what reads a role from topics, by name in the bag, whose types can be read so."""
    types = {name: bag.topics[name].msgtype for name in names}
    if role == LABEL:
        return TopicBinding(types, lambda: _label_reader(profile.actions))
    if role == CAMERA:
        [msgtype] = types.values()
        reader = CameraReader(msgtype, profile.camera.view_px)
        return TopicBinding(types, lambda: lambda name, message, received: reader.read(message))
    sense = profile.senses[role]
    if len(sense.topics) == 1:
        [name], [msgtype] = types, types.values()
        sense, names = retyped(sense, msgtype), {name: next(iter(sense.topics))}

    def make_reader() -> _Read:
        reader = SenseReader(sense)
        return lambda name, message, received_ns: reader.read(names[name], message, received_ns)

    return TopicBinding(types, make_reader)


def _reading(role: str, read: _Read, topic: str, received_ns: int, message: Any) -> Reading | None:
    try:
        stamped = read(topic, message, received_ns)
    except BadMessage as bad:
        return Reading(role, received_ns, 0, None, str(bad), message)
    return None if stamped is None else Reading(role, received_ns, *stamped, origin=message)


def _as_it_is(topic: str, message: Any, received_ns: int) -> tuple[int, Any]:
    return stamp_ns(message, received_ns), message


def _label_reader(actions: Sequence[str]) -> _Read:
    """Return what reads an action from a String that is one, or JSON with one as `action`."""

    def read(topic: str, message: Any, received_ns: int) -> tuple[int, str]:
        label = message.data
        if label.startswith('{'):
            try:
                label = json.loads(label).get('action')
            except (ValueError, RecursionError):  # no JSON, or nested too deeply
                pass
        if label not in actions:
            raise BadMessage(
                f'expected a label out of {", ".join(actions)}, got {quote(message.data)}'
            )
        return received_ns, label

    return read
