# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages of a profile's topics to readings, for nodes, bags, data sets and the doctor alike."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from crossmodal_kd_ros.health.reasons import join
from crossmodal_kd_ros.profile import ReadingError, Sense, check_reading
from crossmodal_kd_ros.runtime.messages import (
    GRID_READERS,
    NUMBER_READERS,
    BadMessage,
    Key,
    Numbers,
    compressed_image_reader,
    image_reader,
    quote,
    refusing,
    stamp_ns,
)
from crossmodal_kd_ros.runtime.topics import COMPRESSED_IMAGE, IMAGE, JOINT_STATE

_IMAGE_READERS: dict[str, Callable[[Any, int | None], Callable[[], np.ndarray]]] = {
    IMAGE: lambda message, view_px: image_reader(message),
    COMPRESSED_IMAGE: compressed_image_reader,
}
CAMERA_TYPES = tuple(_IMAGE_READERS)
# Parts of one reading lie no further apart than this share of the period, or n / (n + 1) of it for
# n topics, or this time if it is more. n topics spread evenly over the period, in any order, lie
# within (n - 1) / n; less than a period, so that a part that was refused does not leave the others
# waiting for one of the next measurement.
_TOGETHER, _MIN_TOGETHER_S = 0.8, 0.02
# Periods after which a topic is silent.
_SILENT = 1.5
# Types that may hold one sense and nothing else.
_EXACT_TYPES = (JOINT_STATE, 'std_msgs/msg/Float32MultiArray')


class CameraReader:
    """Reads pictures of one message type."""

    def __init__(self, msgtype: str = IMAGE, view_px: int | None = None) -> None:
        """Read `msgtype`, one of `CAMERA_TYPES`.

        With `view_px`, the side of the view that is made of it, a picture that is more than twice
        as large may come at half its size: see `PictureFile.decode`.
        """
        self._reader, self._view_px = _IMAGE_READERS[msgtype], view_px

    def read(self, message: Any) -> tuple[int, Callable[[], np.ndarray]]:
        """Return the stamp of a message, ns, and a function that decodes it.

        The function returns `uint8[H, W, 3]` RGB, or raises `BadMessage`.

        Raises:
            BadMessage: the message contradicts itself.
        """
        with refusing('a picture that can be read'):
            return stamp_ns(message, 0), self.decoder(message)

    def decoder(self, message: Any) -> Callable[[], np.ndarray]:
        """Return the function that decodes a message, whatever its stamp."""
        return self._reader(message, self._view_px)


class SenseReader:
    """Reads one sense from the messages of its topics; to be used from one thread.

    A sense of several topics has a reading when each of them has had a message since the last
    reading. Its stamp is that of the newest part. A part that is older than the newest by more
    than most of the period (four fifths, or more where there are more than four topics) is
    dropped: what comes together must have been measured together.
    """

    def __init__(self, sense: Sense) -> None:
        """Start with no part of a reading."""
        self.sense = sense
        self._topics = {topic: _TopicReader(sense, topic) for topic in sense.topics}
        self._blank = np.array(
            [channel.constant or 0.0 for channel in sense.channels], np.float64
        )[:, None].repeat(sense.size // len(sense.channels), 1)
        count = len(self._topics)
        share = max(_TOGETHER, count / (count + 1))
        self._together_ns = 1e9 * max(share * sense.period_s, _MIN_TOGETHER_S)
        # Each message holds every channel, in order.
        self._is_whole = len(self._topics) == 1 and len(sense.sources) == len(sense.channels)
        # By topic: stamp, and the reading with zeros for what comes from other topics.
        self._parts: dict[str, tuple[int, np.ndarray]] = {}
        # By topic: arrival and stamp of its last message that was well formed.
        self._heard: dict[str, tuple[int, int]] = {}

    @property
    def topics(self) -> dict[str, str]:
        """The message type of each topic, by its name in the profile."""
        return self.sense.topics

    def read(self, topic: str, message: Any, received_ns: int) -> tuple[int, np.ndarray] | None:
        """Return stamp (ns) and reading `float32[size]`; `None` while another topic is missing.

        Args:
            topic: its name in the profile.
            message: of the type that the profile says.
            received_ns: when it arrived; its stamp if its type has no header.

        Raises:
            BadMessage: the message is malformed, or is not what the profile says.
        """
        with refusing(f'a {self.sense.name} message that can be read'):
            stamp = stamp_ns(message, received_ns)
            part = self.read_part(topic, message)
        if len(self._topics) == 1:
            return stamp, part
        self._heard[topic] = received_ns, stamp
        self._parts[topic] = (stamp, part)
        newest_ns = max(stamp for stamp, _ in self._parts.values())
        self._parts = {
            name: (stamp, part)
            for name, (stamp, part) in self._parts.items()
            if newest_ns - stamp <= self._together_ns
        }
        if len(self._parts) < len(self._topics):
            return None
        reading = self._parts[topic][1].reshape(len(self.sense.channels), -1)
        for name, (_, part) in self._parts.items():
            channels = self._topics[name].channels
            reading[channels] = part.reshape(reading.shape)[channels]
        self._parts = {}
        return newest_ns, reading.reshape(-1)

    def waiting_for(self, received_ns: int) -> str:
        """Return which topic keeps readings from being whole at `received_ns`, and how.

        It is empty where none does, and for a sense of one topic. A topic that is named may still
        come in time: where readings come, it says nothing.
        """
        if len(self._topics) == 1:
            return ''
        never = [topic for topic in self._topics if topic not in self._heard]
        if never:
            return f'{join(never)}: nothing yet'
        quiet, (heard_ns, _) = min(self._heard.items(), key=lambda item: item[1][0])
        if received_ns - heard_ns > _SILENT * 1e9 * self.sense.period_s:
            return f'{quiet}: nothing for {(received_ns - heard_ns) / 1e9:.3g} s'
        by_stamp = sorted(self._heard, key=lambda topic: self._heard[topic][1])
        oldest, newest = by_stamp[0], by_stamp[-1]
        apart_ns = self._heard[newest][1] - self._heard[oldest][1]
        if apart_ns > self._together_ns:
            return f'{oldest}: stamped {apart_ns / 1e9:.3g} s before {newest}'
        return ''

    def read_part(self, topic: str, message: Any) -> np.ndarray:
        """Return a reading `float32[size]` with what comes from one topic, whatever the stamp.

        Constants are filled in, and zeros for what comes from other topics.

        Raises:
            BadMessage: as of `read`.
        """
        source = self._topics[topic]
        values = source.read(message)
        if not self._is_whole:
            part = self._blank.copy()
            part[source.channels] = values
            values = part
        try:
            return check_reading(self.sense, values)
        except ReadingError as error:
            raise BadMessage(str(error)) from error


class _TopicReader:
    """Reads the channels of a sense that come from one topic.

    Attributes:
        channels: their places in the sense.
    """

    def __init__(self, sense: Sense, topic: str) -> None:
        sources = [source for source in sense.sources if source.topic == topic]
        self._sense, self._type = sense, sense.topics[topic]
        self.channels = [sense.channel_names.index(source.channel) for source in sources]
        self._keys = [source.key for source in sources]
        self._rows_of_field: dict[str, list[int]] = defaultdict(list)
        for row, source in enumerate(sources):
            self._rows_of_field[source.field].append(row)
        self._scale, self._offset = (
            np.array([getattr(source, name) for source in sources])[:, None]
            for name in ('scale', 'offset')
        )
        self._is_scaled = bool((self._scale != 1.0).any() or self._offset.any())
        # A topic that is this sense and nothing else: a number too many is a fault as well.
        self._exact = self._type in _EXACT_TYPES and self._keys in (
            list(sense.channel_names),
            list(range(len(sense.channels))),
        )

    def read(self, message: Any) -> np.ndarray:
        """Return `float[channels, elements of each]`; raise `BadMessage` if they are not there."""
        if len(self._rows_of_field) == 1:
            [field] = self._rows_of_field
            values = self._values(message, field, self._keys)
        else:
            values = np.empty((len(self._keys), self._sense.size // len(self._sense.channels)))
            for field, rows in self._rows_of_field.items():
                values[rows] = self._values(message, field, [self._keys[row] for row in rows])
        return values * self._scale + self._offset if self._is_scaled else values

    def _values(self, message: Any, field: str, keys: list[Key]) -> np.ndarray:
        if self._sense.layout == 'grid':
            return GRID_READERS[self._type](message, field, keys, self._sense)
        numbers = NUMBER_READERS[self._type](message, field)
        self._check_keys(numbers, keys)
        return np.array([self._number(numbers, key) for key in keys])[:, None]

    def _check_keys(self, numbers: Numbers, keys: list[Key]) -> None:
        kind = type(keys[0])
        missing = [key for key in keys if key not in numbers]
        unknown = [
            key for key in numbers if self._exact and isinstance(key, kind) and key not in keys
        ]
        if not missing and not unknown:
            return
        if kind is int:
            count = sum(isinstance(key, int) for key in numbers)
            raise BadMessage(
                f'expected {"" if self._exact else "at least "}{max(keys) + 1} values of '
                f'{self._sense.name}, got {count}'
            )
        fault, names = ('unknown', unknown) if unknown else ('missing', missing)
        raise BadMessage(
            f'expected the {self._sense.name} channels {", ".join(map(str, keys))}, each once: '
            f'{fault} {", ".join(map(quote, names[:3]))}'
        )

    def _number(self, numbers: Numbers, key: Key) -> float:
        value = numbers[key]
        if not hasattr(value, '__len__'):
            return value
        if len(value) != 1:
            raise BadMessage(
                f'expected one number in {key} for {self._sense.name}, got {len(value)}'
            )
        return value[0]
