# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a bag's topics could be: the camera and the senses of one robot, by name, type and content.

The profile says topics and types. A bag that calls them otherwise is searched: what can be read as
a role is a candidate, and a table of criteria says which is taken. Where the bag holds several
robots, all roles come from one of them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, permutations
from typing import Any

import numpy as np
from pydantic import ValidationError

from crossmodal_kd_ros.bags.reader import Bag, Topic
from crossmodal_kd_ros.profile import CAMERA, Profile, ReadingError, Sense
from crossmodal_kd_ros.profile.sources import GRID_TYPES, KEYS, MESSAGE_TYPES, NUMBERED
from crossmodal_kd_ros.runtime import topics as own_topics
from crossmodal_kd_ros.runtime.messages import NoPicture
from crossmodal_kd_ros.runtime.sources import CAMERA_TYPES, CameraReader, SenseReader

# The first messages of a topic may be broken where the next are not.
_TRIED = 5
# Words of a part of the name of a topic that holds distances, unless the part names a device. Some
# drivers draw distances in colour, or call them mono16.
_DISTANCES, _DEVICES = {'depth', 'disparity'}, {'camera', 'cam'}
# Steps of 8 bits between the colours of a pixel: what compression adds to a grey picture is less.
_COLOURFUL = 8


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What a role could be read from.

    Attributes:
        topics: by name in the bag, the name in the profile.
        distance: of its name from the profile's: 0 is the same.
        is_broken: none of its first messages can be read, though more could be.
        is_grey: it is a camera whose pictures have no colour.
        count: messages; of several topics the fewest.
    """

    topics: Mapping[str, str]
    distance: int
    count: int
    is_broken: bool = False
    is_grey: bool = False

    @property
    def name(self) -> str:
        """The first of its topics that a namespace moves, if there is one."""
        return min(self.topics, key=lambda name: (name == self.topics[name], name))

    def is_of(self, robot: 'Robot') -> bool:
        """Return whether none of its topics is another robot's; an absolute name is nobody's."""
        return all(robot.has(name) for name, own in self.topics.items() if name != own)


# What is better than what, the first that differs decides: what is said of a candidate that loses
# by it, and a key of which the least wins.
_CRITERIA: tuple[tuple[str, Callable[[Candidate], Any]], ...] = (
    ('broken', lambda candidate: candidate.is_broken),
    ('of another name', lambda candidate: candidate.distance),
    ('grey', lambda candidate: candidate.is_grey),
    ('fewer messages', lambda candidate: -candidate.count),
    ('later in the alphabet', lambda candidate: candidate.name),
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was found for a role.

    Attributes:
        taken: the best candidate, if there is one.
        sentence: what was taken and what was left, and why.
    """

    taken: Candidate | None
    sentence: str


@dataclass
class _Found:
    """The candidates of a role, and why other topics are none, by name."""

    candidates: list[Candidate] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Robot:
    """Whose topics are read, where namespaces hold the same topics, as those of two robots do.

    Attributes:
        home: its namespace; empty where there is one robot.
        rivals: namespaces that hold what this one holds.
    """

    home: str = ''
    rivals: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Return whether a topic is no rival's; one outside of all these namespaces is shared."""
        around = [space for space in (self.home, *self.rivals) if _is_within(name, space)]
        return not around or max(around, key=len) not in self.rivals


def choose(
    bag: Bag, profile: Profile, requests: Mapping[str, str]
) -> tuple[dict[str, Choice], Robot]:
    """Return what each sensor without a request is read from, and whose topics those are.

    Args:
        bag: the recording.
        profile: what the robot has.
        requests: topics by role, as the user asks for them.
    """
    found = {role: _find(bag, profile, role, set(requests.values())) for role in profile.sensors}
    wanted = {role: each for role, each in found.items() if role not in requests}

    def demerit(robot: Robot) -> tuple:
        taken = _take(wanted, robot)
        return (
            sum(not robot.has(name) for name in requests.values()),
            -len(taken),
            [_key(candidate) for candidate in taken.values()],
            robot.home,
        )

    robot = min(_robots(found.values()), key=demerit)
    taken = _take(wanted, robot)
    return {
        role: Choice(
            taken=taken.get(role), sentence=_sentence(bag, role, each, taken.get(role), robot)
        )
        for role, each in wanted.items()
    }, robot


def look(bag: Bag, profile: Profile, role: str, topic: Topic) -> np.ndarray:
    """Return the first value that a topic has for a role.

    Raises:
        NoPicture: it is to be the camera, and is none.
        ReadingError: none of its first messages can be read as that.
    """
    if role == CAMERA:
        pictures = CameraReader(topic.msgtype)

        def read(message: Any) -> np.ndarray:
            return pictures.decoder(message)()
    else:
        sense = retyped(profile.senses[role], topic.msgtype)
        senses, name = SenseReader(sense), next(iter(sense.topics))

        def read(message: Any) -> np.ndarray:
            return senses.read_part(name, message)

    refusal = ReadingError(f'expected a message on {topic.name}, got none')
    for message in islice(bag.messages([topic.name]), _TRIED):
        try:
            return read(message.message)
        except NoPicture:
            raise
        except ReadingError as error:
            refusal = error
    raise refusal


def retyped(sense: Sense, msgtype: str) -> Sense | None:
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


def described(topic: Topic) -> str:
    """Return name, type and count of a topic for a sentence."""
    return (
        f'{topic.name} ({topic.msgtype}, {topic.count} message{"s" if topic.count != 1 else ""})'
    )


def some(names: Sequence[str]) -> str:
    """Return the first five for a sentence, and how many more there are."""
    more = f' and {len(names) - 5} more' if len(names) > 5 else ''
    return ', '.join(names[:5]) + more or 'none'


def _find(bag: Bag, profile: Profile, role: str, requested: set[str]) -> _Found:
    if role != CAMERA and len(profile.senses[role].topics) > 1:
        return _find_by_names(bag, profile.senses[role])
    names = (
        [f'{profile.camera.topic}/compressed', profile.camera.topic]
        if role == CAMERA
        else list(profile.senses[role].topics)
    )
    found, types = _Found(), _likely_types(profile, role)
    for topic in bag.topics.values():
        is_named = _is_named(profile, role, topic)
        if (
            not topic.count
            or topic.msgtype not in types
            or not (is_named or _is_free(profile, topic, requested))
        ):
            continue
        if role == CAMERA and not is_named and _is_distance(topic.name):
            found.refused[topic.name] = 'by its name it is no camera'
            continue
        value = None
        try:
            value = look(bag, profile, role, topic)
        except ReadingError as error:
            # A picture may be broken where its neighbours are not; an Image may be a grid.
            if role != CAMERA or isinstance(error, NoPicture):
                found.refused[topic.name] = str(error)
                continue
        ranks = [rank for rank, own in enumerate(names) if own_topics.has_name(topic.name, own)]
        found.candidates.append(
            Candidate(
                topics={topic.name: names[-1]},
                distance=min(ranks, default=len(names)),
                count=topic.count,
                is_broken=value is None,
                is_grey=role == CAMERA
                and value is not None
                and int(np.ptp(value, axis=2).max()) <= _COLOURFUL,
            )
        )
    return found


def _find_by_names(bag: Bag, sense: Sense) -> _Found:
    """Return the candidates of a sense of several topics: each all in one namespace."""
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
    present = {name for names in (absolute, *by_namespace.values()) for name in names.values()}
    missing = {
        f'{name} ({kind})': 'not there'
        for name, kind in sense.topics.items()
        if name not in present
    }
    return _Found(
        [
            Candidate(
                topics=names, distance=0, count=min(bag.topics[name].count for name in names)
            )
            for names in whole
        ],
        missing or {'its topics': 'not all in one namespace'},
    )


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
        or (msgtype in (*GRID_TYPES, *NUMBERED) and retyped(sense, msgtype) is not None)
    )


def _is_named(profile: Profile, role: str, topic: Topic) -> bool:
    """Return whether a topic is what the profile says of a role."""
    if role == CAMERA:
        own = profile.camera.topic
        return own_topics.has_name(topic.name.removesuffix('/compressed'), own)
    return any(
        own_topics.has_name(topic.name, name) and topic.msgtype == msgtype
        for name, msgtype in profile.senses[role].topics.items()
    )


def _is_distance(name: str) -> bool:
    """Return whether a topic holds distances by its name: `a/depth/b`, not `depth_camera/b`."""
    parts = [set(part.split('_')) for part in name.split('/')]
    return any(words & _DISTANCES and not words & _DEVICES for words in parts)


def _is_free(profile: Profile, topic: Topic, requested: set[str]) -> bool:
    """Return whether a topic is nothing else's: of no role, no sense, and none of our outputs."""
    return not (
        topic.name in requested
        or own_topics.is_output(profile, topic.name)
        or any(_is_named(profile, sense, topic) for sense in profile.senses)
    )


def _key(candidate: Candidate) -> tuple:
    return tuple(key(candidate) for _, key in _CRITERIA)


def _take(found: Mapping[str, _Found], robot: Robot) -> dict[str, Candidate]:
    """Return the best candidate of each role; only what the profile names so is taken twice."""
    taken: dict[str, Candidate] = {}
    for role, each in found.items():
        used = {name for other in taken.values() for name in other.topics}
        usable = [
            candidate
            for candidate in each.candidates
            if candidate.is_of(robot)
            and (candidate.distance == 0 or used.isdisjoint(candidate.topics))
        ]
        if usable:
            taken[role] = min(usable, key=_key)
    return taken


def _sentence(bag: Bag, role: str, found: _Found, taken: Candidate | None, robot: Robot) -> str:
    left = {
        each.name: _why_left(each, taken, robot)
        for each in sorted(found.candidates, key=_key)
        if each is not taken
    }
    if taken is None:
        tried = [f'{name}: {why}' for name, why in (left | found.refused).items()]
        return f'{role}: no topic of {bag.path.name} holds it' + (
            f' ({"; ".join(tried[:3])})' if tried else ''
        )
    names = ', '.join(described(bag.topics[name]) for name in taken.topics)
    beside = {
        'left': [f'{name} ({why})' for name, why in left.items()],
        # Of a sense it would be every other topic of the types that it could have.
        'no camera': list(found.refused) if role == CAMERA else [],
    }
    return '; '.join(
        [
            f'{role}: {names}',
            *(f'{word}: {some(names)}' for word, names in beside.items() if names),
        ]
    )


def _why_left(candidate: Candidate, taken: Candidate | None, robot: Robot) -> str:
    if taken is not None and _key(taken) < _key(candidate):
        return next(words for words, key in _CRITERIA if key(candidate) != key(taken))
    return 'taken for another sense' if candidate.is_of(robot) else 'of another robot'


def _robots(found: Iterable[_Found]) -> list[Robot]:
    """Return each robot that the bag may hold.

    Two topics for one role whose names end alike are of two robots, or of two arms or cameras of
    one: what stands before that ending are their namespaces.
    """
    pairs = {
        heads
        for each in found
        for one, other in permutations(each.candidates, 2)
        if (heads := _heads(one.name, other.name)) != (one.name, other.name)
    }
    homes = {home for home, _ in pairs}
    return [Robot(home, _rivals(home, pairs)) for home in homes] or [Robot()]


def _rivals(home: str, pairs: Collection[tuple[str, str]]) -> frozenset[str]:
    """Return the namespaces that are paired with `home`, or with one around it."""
    return frozenset(
        other
        for one, other in pairs
        if _is_within(home, one) and not (_is_within(home, other) and len(other) >= len(one))
    )


def _heads(one: str, other: str) -> tuple[str, str]:
    """Return two names without the parts at their end that are the same."""
    parts, others = one.split('/'), other.split('/')
    while parts and others and parts[-1] == others[-1]:
        parts.pop()
        others.pop()
    return '/'.join(parts), '/'.join(others)


def _is_within(name: str, namespace: str) -> bool:
    return name == namespace or name.startswith(f'{namespace}/')
