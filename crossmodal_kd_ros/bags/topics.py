# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which topics of a bag are the camera, the senses and the label: as requested, or by content.

The profile says topics and types. A bag that calls them otherwise is searched by type, name and
first message; for a sense that the profile puts together from several topics their names decide.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from crossmodal_kd_ros.bags.reader import Bag, BagError, Topic
from crossmodal_kd_ros.profile import CAMERA, Profile, ReadingError, Sense
from crossmodal_kd_ros.profile.sources import GRID_TYPES, KEYS, MESSAGE_TYPES, NUMBERED
from crossmodal_kd_ros.runtime import topics as own_topics
from crossmodal_kd_ros.runtime.messages import BadMessage, quote, stamp_ns
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
        BagError: a requested topic is not in the bag, or its type cannot be read so.
    """
    bindings: dict[str, TopicBinding] = {}
    sentences = []
    for role in (*profile.sensors, LABEL):
        if role in requests:
            bindings[role] = _requested(bag, profile, role, requests[role])
            sentences.append(f'{role}: {_described(bag, requests[role])}, as you say')
        elif role != LABEL:  # any text could be one
            taken = {name for other in bindings.values() for name in other.types}
            binding, sentence = _search(bag, profile, role, taken | set(requests.values()))
            sentences.append(sentence)
            if binding is not None:
                bindings[role] = binding
    for role, topic in _LIVE.items():
        names = [
            other.name
            for other in bag.topics.values()
            if own_topics.has_name(other.name, topic.name) and other.msgtype == topic.type
        ]
        if names:
            bindings[role] = TopicBinding({min(names): topic.type}, lambda: _as_it_is)
    return TopicMap(bindings, tuple(sentences))


def _requested(bag: Bag, profile: Profile, role: str, name: str) -> TopicBinding:
    topic = bag.topics.get(name)
    if topic is None:
        raise BagError(
            f'expected the topic {name} for {role} in {bag.path}, found {_some(list(bag.topics))}'
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
        types = tuple(kind for kind in MESSAGE_TYPES if _retyped(sense, kind) is not None)
    if topic.msgtype not in types:
        raise BagError(f'expected {role} as {" or ".join(types)}, got {name} of {topic.msgtype}')
    return _binding(profile, role, topic)


def _binding(profile: Profile, role: str, topic: Topic) -> TopicBinding:
    """Return what reads a role from one topic, whose type can be read so."""
    types = {topic.name: topic.msgtype}
    if role == LABEL:
        return TopicBinding(types, lambda: _label_reader(profile.actions))
    if role == CAMERA:
        reader = CameraReader(topic.msgtype)
        return TopicBinding(types, lambda: lambda name, message, received: reader.read(message))
    sense = _retyped(profile.senses[role], topic.msgtype)
    return _sense_binding(sense, {topic.name: next(iter(sense.topics))}, types)


def _sense_binding(
    sense: Sense, name_in_profile: Mapping[str, str], types: Mapping[str, str]
) -> TopicBinding:
    def make_reader() -> _Read:
        reader = SenseReader(sense)
        return lambda name, message, received_ns: reader.read(
            name_in_profile[name], message, received_ns
        )

    return TopicBinding(types, make_reader)


def _search(
    bag: Bag, profile: Profile, role: str, taken: set[str]
) -> tuple[TopicBinding | None, str]:
    """Return the binding of a role without a request, if there is one, and a sentence on it."""
    if role != CAMERA and len(profile.senses[role].topics) > 1:
        return _search_by_names(bag, profile.senses[role])
    candidates = [
        topic
        for topic in bag.topics.values()
        if topic.count
        and topic.msgtype in _likely_types(profile, role)
        and (_is_named(profile, role, topic) or _is_free(profile, topic, taken))
    ]
    # A picture may be broken where its neighbours are not; an Image may be a grid or a picture.
    fitting = [topic for topic in candidates if _fits(bag, profile, role, topic)] or (
        candidates if role == CAMERA else []
    )
    if not fitting:
        names = _some([topic.name for topic in candidates])
        tried = f' ({names} could have been, and is not)' if candidates else ''
        return None, f'{role}: no topic of {bag.path.name} holds it{tried}'
    best = min(
        fitting, key=lambda topic: (_rank(profile, role, topic.name), -topic.count, topic.name)
    )
    left = [topic.name for topic in fitting if topic is not best]
    return _binding(profile, role, best), f'{role}: {_described(bag, best.name)}' + (
        f'; left: {_some(left)}' if left else ''
    )


def _search_by_names(bag: Bag, sense: Sense) -> tuple[TopicBinding | None, str]:
    """Return the binding of a sense of several topics, all in one namespace."""
    absolute: dict[str, str] = {}
    by_namespace: dict[str, dict[str, str]] = defaultdict(dict)
    for name, msgtype in sense.topics.items():
        for topic in bag.topics.values():
            if topic.msgtype == msgtype and topic.count and own_topics.has_name(topic.name, name):
                group = by_namespace[topic.name.removesuffix(name)]
                (absolute if topic.name == name else group)[topic.name] = name
    whole = [
        names
        for names in ({**absolute, **relative} for relative in by_namespace.values())
        if len(names) == len(sense.topics)
    ]
    if not whole:
        groups = (absolute, *by_namespace.values())
        present = {name for names in groups for name in names.values()}
        missing = [
            f'{name} ({msgtype})' for name, msgtype in sense.topics.items() if name not in present
        ]
        return None, (
            f'{sense.name}: no topics of {bag.path.name} hold it: there is no '
            f'{", ".join(missing) or "namespace that has them all"}'
        )
    best = min(whole, key=lambda names: (-min(bag.topics[name].count for name in names), *names))
    types = {name: bag.topics[name].msgtype for name in best}
    described = ', '.join(_described(bag, name) for name in best)
    return _sense_binding(sense, best, types), f'{sense.name}: {described}'


def _likely_types(profile: Profile, role: str) -> tuple[str, ...]:
    """Return the types that are tried for a role: those that say by their content what they are.

    Any temperature could be a sense of one number, so that of such types the profile's alone is.
    """
    if role == CAMERA:
        return CAMERA_TYPES
    sense = profile.senses[role]
    return tuple(
        msgtype
        for msgtype in MESSAGE_TYPES
        if msgtype in sense.topics.values()
        or (msgtype in (*GRID_TYPES, *NUMBERED) and _retyped(sense, msgtype) is not None)
    )


def _retyped(sense: Sense, msgtype: str) -> Sense | None:
    """Return a sense of one topic that is read from `msgtype` instead; `None` if it cannot be.

    Of another type than the profile's the numbers have their usual names or places. Of a
    `LaserScan` the last channel of a grid is `ranges`, and the one before it `intensities`.
    """
    [(topic, profile_type)] = sense.topics.items()
    if msgtype == profile_type:
        return sense
    sourced = [channel for channel in sense.channels if channel.constant is None]
    keys: list[str | None] = [None] * len(sourced)
    if msgtype == 'sensor_msgs/msg/LaserScan':
        keys = ['intensities', 'ranges'][-len(sourced) :]
    elif len(KEYS.get(msgtype, ('', ''))) == 1 and len(sourced) > 1:
        return None  # one number for all of them
    if len(keys) != len(sourced):
        return None
    new_keys = {channel.name: key for channel, key in zip(sourced, keys)}
    data = sense.model_dump()
    data['source'] = {'topic': topic, 'type': msgtype}
    for channel in data['channels']:
        channel |= {'source': None, 'field': '', 'key': new_keys.get(channel['name'])}
    try:
        return Sense.model_validate(data)
    except ValidationError:
        return None


def _is_named(profile: Profile, role: str, topic: Topic) -> bool:
    """Return whether a topic is what the profile says of a role."""
    if role == CAMERA:
        return _rank(profile, role, topic.name) < len(CAMERA_TYPES)
    return any(
        own_topics.has_name(topic.name, name) and topic.msgtype == msgtype
        for name, msgtype in profile.senses[role].topics.items()
    )


def _is_free(profile: Profile, topic: Topic, taken: set[str]) -> bool:
    """Return whether a topic is nothing else's: of no role, no sense, and none of our outputs."""
    return not (
        topic.name in taken
        or own_topics.is_output(profile, topic.name)
        or any(_is_named(profile, sense, topic) for sense in profile.senses)
    )


def _fits(bag: Bag, profile: Profile, role: str, topic: Topic) -> bool:
    """Return whether the first message of a topic can be read as a role."""
    first = next(bag.messages([topic.name]), None)
    if first is None:
        return False
    try:
        if role == CAMERA:
            CameraReader(topic.msgtype).decoder(first.message)()
        else:
            sense = _retyped(profile.senses[role], topic.msgtype)
            SenseReader(sense).read_part(next(iter(sense.topics)), first.message)
    except ReadingError:
        return False
    return True


def _rank(profile: Profile, role: str, name: str) -> int:
    """Return how near a name is to the profile's: 0 is the best."""
    names = [f'{profile.camera.topic}/compressed', profile.camera.topic]
    if role != CAMERA:
        names = list(profile.senses[role].topics)
    ranks = [rank for rank, own in enumerate(names) if own_topics.has_name(name, own)]
    return min(ranks, default=len(names))


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
            except ValueError:
                pass
        if label not in actions:
            raise BadMessage(
                f'expected a label out of {", ".join(actions)}, got {quote(message.data)}'
            )
        return received_ns, label

    return read


def _described(bag: Bag, name: str) -> str:
    topic = bag.topics[name]
    return f'{name} ({topic.msgtype}, {topic.count} message{"s" if topic.count != 1 else ""})'


def _some(names: list[str]) -> str:
    return (
        ', '.join(names[:5]) + (f' and {len(names) - 5} more' if len(names) > 5 else '')
    ) or 'none'
