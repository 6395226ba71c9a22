# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Read a rosbag2 recording, MCAP or SQLite, one message at a time."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.typesys import Stores, get_typestore


class BagError(ValueError):
    """A bag cannot be read: one sentence with its path and what is wrong."""


@dataclass(frozen=True)
class BagMessage:
    """One recorded message.

    Attributes:
        topic: full name of the topic.
        received_ns: when it reached the recorder, nanoseconds since the epoch.
        message: its fields by the names of its ROS type; arrays are NumPy arrays.
    """

    topic: str
    received_ns: int
    message: Any


def read_messages(path: Path, *, topics: Collection[str] = ()) -> Iterator[BagMessage]:
    """Yield the messages of `topics` (all, if empty) in the order in which they were received.

    Raises:
        BagError: there is no bag at `path`, or it is damaged.
    """
    try:
        with AnyReader([path], default_typestore=get_typestore(Stores.LATEST)) as reader:
            wanted = [link for link in reader.connections if not topics or link.topic in topics]
            for link, received_ns, data in reader.messages(wanted) if wanted else ():
                yield BagMessage(link.topic, received_ns, reader.deserialize(data, link.msgtype))
    except FileNotFoundError:
        raise BagError(f'expected a rosbag2 recording at {path}, found nothing there') from None
    except AnyReaderError as error:
        raise BagError(f'expected a readable rosbag2 recording at {path}: {error}') from error
