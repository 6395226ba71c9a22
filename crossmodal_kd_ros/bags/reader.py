# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Read a rosbag2 recording, MCAP or SQLite, whole or cut off, message by message, without ROS."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from rosbags.interfaces import Qos

from crossmodal_kd_ros.bags.bag_file import in_time, is_recording, open_file, plain_name, unpacked
from crossmodal_kd_ros.bags.definitions import Definitions, one_line
from crossmodal_kd_ros.bags.recovery import BagFile, Raw
from crossmodal_kd_ros.errors import CrossmodalError

# Bags that a sentence names.
_MAX_NAMES = 5
_METADATA = 'metadata.yaml'
# Times that a clock gives: after 1970 began, and a century from now at the latest.
_FIRST_NS, _LAST_NS = 1, 2**62
# The serialisation of ROS 2; some writers leave its name out.
_CDR = ('cdr', '')
_ROS1_REMEDY = 'rosbags-convert --src OLD.bag --dst NEW makes a rosbag2 of a ROS 1 bag'
_REMEDIES = {'ros1': _ROS1_REMEDY}
_REMEDY = 'record the topics of ROS 2 themselves, by "ros2 bag record" or "crossmodal-kd record"'


class BagError(CrossmodalError):
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


@dataclass(frozen=True)
class Topic:
    """One topic of a bag.

    Attributes:
        name: full name.
        msgtype: as `pkg/msg/Name`.
        count: messages in the bag.
        qos: what its publishers offered.
    """

    name: str
    msgtype: str
    count: int
    qos: tuple[Qos, ...] = ()


class Bag:
    """A recording open for reading; close it, or use it in a `with`.

    Its files are one stream in time, whatever each of them holds. One without `metadata.yaml`, or
    with a file that lacks its end, is read as far as it goes.

    Attributes:
        path: what was opened.
        topics: by name, those whose messages can be read.
        left_out: by name of the other topics, why theirs cannot be read.
        undecodable: by topic, messages whose bytes contradict their type; they are left out.
    """

    def __init__(self, path: Path) -> None:
        """Open the bag at `path`, a folder or one `.mcap` or `.db3` file; zstd may be over it.

        Raises:
            BagError: there is no bag, or nothing of it can be read.
        """
        self.path = path
        self.topics: dict[str, Topic] = {}
        self.left_out: dict[str, str] = {}
        self.undecodable: Counter[str] = Counter()
        self._untimed: Counter[str] = Counter()
        self._problems: list[str] = []
        self._definitions = Definitions()
        self._stack = ExitStack()
        try:
            # Each file, and what is read of it.
            self._files = [(file, self._readable(file)) for file in self._open(self._paths())]
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> 'Bag':
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was unpacked of it."""
        self._stack.close()

    @property
    def problems(self) -> list[str]:
        """One sentence for each thing that cannot be read; damage shows when it is reached."""
        return [
            *self._problems,
            *(f'{name} is left out: {reason}' for name, reason in self.left_out.items()),
            *(file.problem for file, _ in self._files if file.problem),
            *(
                f'{count} of the messages of {name} were recorded at a time that no clock gives: '
                'each counts as recorded with its neighbour'
                for name, count in sorted(self._untimed.items())
            ),
        ]

    @property
    def start_ns(self) -> int:
        """When its first message of any topic was recorded, as far as a clock gives such a time.

        It is what `ros2 bag info` calls its start.
        """
        return min(
            file.start_ns if _is_time(file.start_ns) else self._first_ns(file)
            for file, _ in self._files
        )

    def messages(self, topics: Collection[str] = ()) -> Iterator[BagMessage]:
        """Yield the messages of `topics` (all, if empty) in the order of their receipt."""
        undecodable: Counter[str] = Counter()
        for name, received_ns, data in self.raw(topics):
            try:
                # A view: what rosbags cuts out of bytes it copies, and a picture is a megabyte.
                message = self._definitions.store.deserialize_cdr(
                    memoryview(data), self.topics[name].msgtype
                )
            except Exception:  # noqa: BLE001  Bytes that are no message may end in any exception.
                undecodable[name] += 1
                self.undecodable |= undecodable
                continue
            yield BagMessage(name, received_ns, message)

    def raw(self, topics: Collection[str] = ()) -> Iterator[Raw]:
        """Yield (topic, received_ns, serialised) as `messages` does, without decoding."""
        untimed: Counter[str] = Counter()
        wanted = [
            (file, [name for name in readable if not topics or name in topics])
            for file, readable in self._files
        ]
        for name, received_ns, data in in_time(
            (file.start_ns, self._timed(file, names, untimed)) for file, names in wanted if names
        ):
            yield name, received_ns, unpacked(data)

    def _timed(
        self, file: BagFile, topics: Collection[str], untimed: Counter[str]
    ) -> Iterator[Raw]:
        """Yield messages of a file, each at a time that a clock gives; count into `untimed`.

        Files are merged by these times: with one of the far future a file would wait for all.
        """
        newest_ns = 0
        for name, received_ns, data in file.messages(topics):
            if not _is_time(received_ns):
                untimed[name] += 1
                self._untimed |= untimed
                received_ns = newest_ns or self._first_ns(file)
            newest_ns = received_ns
            yield name, received_ns, data

    def _first_ns(self, file: BagFile) -> int:
        """Return the first time that a clock gives: in a file, or else in any that has one."""
        files = sorted(self._files, key=lambda each: each[0] is not file)
        times_ns = (raw[1] for each, readable in files for raw in each.messages(readable))
        return next(filter(_is_time, times_ns), _FIRST_NS)

    def _readable(self, file: BagFile) -> list[str]:
        """Return the topics of a file that can be read, and add them to those of the bag."""
        readable = []
        for name, (msgtype, definition) in file.types.items():
            # Tools of before ROS 2 Dashing, and some of today, write pkg/Name.
            package, _, rest = msgtype.partition('/')
            msgtype = msgtype if '/' in rest else f'{package}/msg/{rest}'
            encoding, known = file.encodings.get(name, 'cdr'), self.topics.get(name)
            if encoding not in _CDR:
                reason = (
                    f'its messages are {encoding} and not those of ROS 2 (cdr): '
                    f'{_REMEDIES.get(encoding, _REMEDY)}'
                )
            elif known is not None and known.msgtype != msgtype:
                self._problems.append(
                    f'{name} is left out where it has the type {msgtype}: it has {known.msgtype} '
                    'as well'
                )
                continue
            else:
                reason = self._definitions.register(msgtype, definition)
            if reason:
                self.left_out[name] = reason
                continue
            count = file.counts[name] + (known.count if known else 0)
            self.topics[name] = Topic(name, msgtype, count, file.qos.get(name, ()))
            readable.append(name)
        return readable

    def _paths(self) -> list[Path]:
        """Return the files of the bag, as they are named; say where metadata.yaml differs."""
        path = self.path
        if not path.exists():
            raise BagError(f'expected a rosbag2 recording at {path}, found nothing there')
        if not path.is_dir():
            if is_recording(path):
                return [path]
            remedy = f': {_ROS1_REMEDY}' if path.suffix == '.bag' else ''
            raise BagError(
                f'expected a rosbag2 recording (a folder, .mcap or .db3) at {path}, got a '
                f'{path.suffix or "file"}{remedy}'
            )
        # A recorder that was killed while it compressed a file leaves both: only the plain
        # one is whole.
        paths = {plain_name(file): file for file in sorted(path.iterdir()) if is_recording(file)}
        paths |= {name: path / name for name in paths if (path / name).is_file()}
        differences = _differences(path, paths)
        if not paths:
            is_told = differences and (path / _METADATA).exists()
            problem = f' ({differences[0]})' if is_told else ''
            remedy = f': {_ROS1_REMEDY}' if any(path.glob('*.bag')) else ''
            below = sorted({file.parent.name for file in path.glob('*/*') if is_recording(file)})
            if below:
                more = ', ...' if len(below) > _MAX_NAMES else ''
                remedy = f': name one of the bags below it: {", ".join(below[:_MAX_NAMES])}{more}'
            raise BagError(
                f'expected a rosbag2 recording at {path}, found no .mcap and no .db3 file in it'
                f'{problem}{remedy}'
            )
        self._problems += differences
        return sorted(paths.values(), key=_natural)

    def _open(self, paths: list[Path]) -> list[BagFile]:
        opened, refusals = [], []
        for path in paths:
            try:
                folder = path.parent
                if plain_name(path) != path.name:
                    folder = Path(self._stack.enter_context(TemporaryDirectory()))
                opened.append(open_file(path, folder))
            except ValueError as error:
                refusals.append(str(error))
            except OSError as error:
                raise BagError(
                    f'expected to read {path}, which is not possible: {one_line(error)}'
                ) from error
        if not opened:
            raise BagError(
                f'expected a readable rosbag2 recording at {self.path}: {"; ".join(refusals)}'
            )
        self._problems += refusals
        return opened


def read_messages(path: Path, *, topics: Collection[str] = ()) -> Iterator[BagMessage]:
    """Yield the messages of `topics` (all, if empty) in the order in which they were received.

    Raises:
        BagError: there is no bag at `path`, or nothing of it can be read.
    """
    with Bag(path) as bag:
        if not topics or any(topic in bag.topics for topic in topics):
            yield from bag.messages(topics)


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return what `metadata.yaml` says of a bag; raise an exception of any kind if it cannot."""
    # C's loader is ten times as fast, where there is one.
    loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
    content = yaml.load((folder / _METADATA).read_text(encoding='utf-8'), loader)
    return content['rosbag2_bagfile_information']


def _is_time(time_ns: int) -> bool:
    """Return whether a clock gives such a time."""
    return _FIRST_NS <= time_ns < _LAST_NS


def _differences(folder: Path, names: Collection[str]) -> list[str]:
    """Return what differs between metadata.yaml and the files that there are, by plain name."""
    says = f'{folder} is not as its {_METADATA} says'
    try:
        # Old recorders put the folder's own name before.
        listed = [
            plain_name(PurePath(name)) for name in read_metadata(folder)['relative_file_paths']
        ]
    except FileNotFoundError:
        return [f'{folder} has no {_METADATA}: its files are read without it']
    except Exception as error:  # noqa: BLE001  So may a file that is no metadata.
        return [f'{says}: {one_line(error)}']
    return [f'{says}: {name} is missing' for name in listed if name not in names] + [
        f'{name} is read too, which {_METADATA} does not list'
        for name in names
        if name not in listed
    ]


def _natural(path: Path) -> list:
    """Sort key in which bag_10 follows bag_9."""
    return [int(part) if part.isdigit() else part for part in re.split(r'(\d+)', path.name)]
