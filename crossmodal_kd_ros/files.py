# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the package's files lie, how a person's YAML is read, how files are written whole."""

import fcntl
import json
import os
import re
import reprlib
import shutil
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from crossmodal_kd_ros.errors import ConfigurationError, CrossmodalError

_NAME = 'crossmodal_kd_ros'
Model = TypeVar('Model', bound=BaseModel)
# More than any file that a person writes; merged keys of a mapping may be many in a small file.
_MAX_BYTES, _MAX_KEYS = 1_000_000, 10_000
# What a YAML loader raises beside its own errors: dates, numbers and tags that are none.
_NOT_YAML = (
    *(yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError),
    *(RecursionError, OverflowError),
)
# The words of pydantic that are Python's and not YAML's.
_WORDS = {
    r'a valid (tuple|list)': 'a list',
    r'a valid (dictionary|mapping)( or instance of \w+)?': 'a mapping',
    r'a valid boolean': 'true or false',
    r'^Tuple should': 'The list should',
    r'^Dictionary should': 'The mapping should',
    r' after validation': '',
}
# An aliased list within a list within a list is small in the file and endless when written out.
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxlist, _REPR.maxtuple, _REPR.maxdict, _REPR.maxset = 3, 20, 20, 20, 20
_REPR.maxstring = _REPR.maxlong = _REPR.maxother = 80
# In a folder that a command writes: what it has written so far. No user's folder has this name.
UNFINISHED = 'unfinished.crossmodal-kd'


class OutputError(CrossmodalError):
    """A file or a folder cannot be written."""


def share_dir() -> Path:
    """Return the folder that holds `config`, `launch` and `models`.

    The code's own place decides, not the ament index, so that it is found under colcon, pip and
    neither of them, and so that two installations on one machine never mix.

    Raises:
        FileNotFoundError: the code was copied without them.
    """
    package = Path(__file__).resolve().parent
    if (package.parent / 'package.xml').is_file():
        return package.parent
    for prefix in package.parents:
        if (prefix / 'share' / _NAME / 'package.xml').is_file():
            return prefix / 'share' / _NAME
    raise FileNotFoundError(
        f'expected share/{_NAME} above {package}, found none: '
        'install the package with pip or colcon'
    )


def shipped_file(folder: str, name: str, error: type[ConfigurationError]) -> Path:
    """Return `name` as a path if it ends in .yaml or .yml, else `config/<folder>/<name>.yaml`.

    Raises:
        ConfigurationError: of the class `error`; nothing of this name is shipped.
    """
    if name.endswith(('.yaml', '.yml')):
        return Path(os.path.expanduser(name))
    shipped = {path.stem: path for path in (share_dir() / 'config' / folder).glob('*.yaml')}
    if name not in shipped:
        known = ', '.join(sorted(shipped))
        raise error(f'expected one of {known}, or a .yaml file, got {short(name)}')
    return shipped[name]


def read_yaml(path: Path, model: type[Model], error: type[ConfigurationError]) -> Model:
    """Return what a YAML file says, validated by `model`.

    Raises:
        ConfigurationError: of the class `error`; its text has one line for each thing that is
            wrong.
    """
    text = _read(path, error)
    try:
        content = yaml.load(text.decode('utf-8-sig'), _UniqueKeyLoader)
    except _NOT_YAML as problem:
        # yaml has no name for a text that came without a file.
        why = ' '.join(str(problem).replace('in "<unicode string>",', 'at').split())[:300]
        raise error(f'{path} is not YAML: {why}') from problem
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as problem:
        raise error('\n'.join(f'{path}: {line}' for line in sentences(problem))) from problem


def sentences(problem: ValidationError) -> list[str]:
    """Return one sentence for each thing that is wrong: where, what was expected, what came."""
    details = problem.errors(include_url=False)
    # pydantic does not count what is wrong in itself: a list of one such is not too short.
    outer = {detail['loc'][:end] for detail in details for end in range(len(detail['loc']))}
    return [
        _sentence(detail)
        for detail in details
        if detail['type'] != 'too_short' or detail['loc'] not in outer
    ]


@contextmanager
def whole_folder(path: Path, *, keep: bool = False) -> Iterator[Path]:
    """Give an empty folder to write to; what is in it gets into `path` if nothing was raised.

    So a command that fails leaves `path` as it was. What it wrote takes the place of its like in
    `path`; whatever else is there stays. `path` is made if need be; a failure removes it then.

    The folder is `path/unfinished.crossmodal-kd`: on the same disk, and `path` may be a mount. A
    process that is killed leaves it; the next to write into `path` empties it.

    Args:
        path: the folder to write.
        keep: leave the unfinished folder where something was raised: a recording cannot be made
            again.

    Raises:
        OutputError: `path` cannot be written, or another process is writing into it.
    """
    made = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
    unfinished = path / UNFINISHED
    kept = f'; what was written so far is in {unfinished}' if keep else ''
    lock = None
    try:
        with _output_errors(path):
            unfinished.mkdir(parents=True, exist_ok=True)
            lock = _lock(unfinished)
            _empty(unfinished)
        with _output_errors(path, kept):
            yield unfinished
            _move_into(path, unfinished)
        keep = False
    finally:
        if lock is not None:
            if not keep:
                shutil.rmtree(unfinished, ignore_errors=True)
            os.close(lock)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


def check_inputs(path: Path, names: Iterable[str], inputs: Iterable[Path]) -> None:
    """See that nothing which a command reads is replaced by what it writes into `path`.

    Args:
        path: the folder that `whole_folder` is to write.
        names: what it will write there.
        inputs: what it reads.

    Raises:
        OutputError: an input is there.
    """
    for name in (*names, UNFINISHED):
        place = (path / name).resolve()
        for source in inputs:
            if source.resolve().is_relative_to(place):
                raise OutputError(
                    f'expected another folder than {path} to write into: what is in {path / name} '
                    f'would be replaced, and {source} is read from there'
                )


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; what is there becomes `path` if nothing was raised meanwhile.

    So `path` is there whole or not at all. Its folder is made if need be.

    Raises:
        OutputError: it cannot be written.
    """
    unfinished = path.parent / f'{path.name}.part'
    with _output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            unfinished.replace(path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise


def check_writable(folder: Path) -> None:
    """Make `folder`, and see whether it can be written: before hours of work, and not after them.

    Raises:
        OutputError: it cannot.
    """
    with _output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as probe:
            probe.write(b'.')


def write_text(path: Path, text: str) -> None:
    """Write `printable(text)` to `path`, which is there whole or not at all."""
    with whole_file(path) as unfinished:
        unfinished.write_text(printable(text), encoding='utf-8')


def write_json(path: Path, content: Any, *, indent: int | None = 2) -> None:
    """Write `content` as JSON to `path`, which is there whole or not at all; NaN is refused."""
    write_text(path, json.dumps(content, indent=indent, allow_nan=False) + '\n')


def printable(text: str) -> str:
    """Return `text` with an escape for each byte of a file's name that is not UTF-8."""
    return text.encode('utf-8', 'backslashreplace').decode()


def short(value: Any) -> str:
    """Return a value for a sentence: its `repr`, of at most 60 characters."""
    try:
        text = 'nothing' if value is None else _REPR.repr(value)
    except ValueError:  # Python writes out no integer of more than 4300 digits
        text = 'a number of thousands of digits'
    return text if len(text) <= 60 else f'{text[:57]}...'


def _lock(folder: Path) -> int:
    """Return a descriptor that keeps other processes out of `folder` until it is closed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OutputError(
            f'another process is writing into {folder.parent}: wait until it has ended, or name '
            'another folder'
        ) from None
    except OSError:  # some file systems of a network lock no folders
        pass
    return descriptor


def _empty(folder: Path) -> None:
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


def _move_into(path: Path, unfinished: Path) -> None:
    """Move what is in `unfinished` to `path`; put everything back if that is not done whole."""
    children, old = list(unfinished.iterdir()), unfinished / 'replaced'
    old.mkdir()
    moves: list[tuple[Path, Path]] = []  # noted before each: an interrupt may come in between
    try:
        for child in children:
            place = path / child.name
            if os.path.lexists(place):
                moves.append((place, old / child.name))
                place.rename(old / child.name)
            moves.append((child, place))
            child.rename(place)
    except BaseException:
        for before, after in reversed(moves):
            if not os.path.lexists(before):
                after.rename(before)
        raise


@contextmanager
def _output_errors(path: Path, more: str = '') -> Iterator[None]:
    """Turn what the system says of a file below `path`, or of none, into an `OutputError`."""
    try:
        yield
    except OSError as error:
        named = error.filename
        if isinstance(error, BrokenPipeError) or (
            isinstance(named, (str, bytes)) and not _within(path, os.fsdecode(named))
        ):
            raise
        raise OutputError(f'cannot write {path}: {error.strerror or error}{more}') from error


def _within(path: Path, name: str) -> bool:
    """Say whether the file `name` is at or below `path`, or a folder above it."""
    own, other = os.path.abspath(path), os.path.abspath(name)
    return os.path.commonpath([own, other]) in (own, other)


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader, but a key that stands twice is an error: the second would silently win."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        times = Counter((key.tag, key.value) for key in keys)
        for key in keys:
            if times[key.tag, key.value] > 1:
                raise _refusal(f'expected {short(key.value)} once, found it twice', key)
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _MAX_KEYS:
            raise _refusal(f'expected at most {_MAX_KEYS} keys, found {len(node.value)}', node)


def _refusal(what: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, what, node.start_mark)


def _read(path: Path, error: type[ConfigurationError]) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a FIFO is to wait for its writer
            raise error(f'expected a file, got a folder or a device: {path}: name a .yaml file')
        with path.open('rb') as file:
            text = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        why = getattr(problem, 'strerror', None) or problem
        raise error(f'cannot read {path}: {why}') from problem
    if len(text) > _MAX_BYTES:
        raise error(f'expected at most {_MAX_BYTES} bytes, got more in {path}: shorten it')
    return text


def _sentence(detail: dict[str, Any]) -> str:
    # pydantic calls the key of a mapping itself `[key]`.
    where = '.'.join(_part(part) for part in detail['loc'] if part != '[key]')
    what, got = detail['msg'], f', got {short(detail["input"])}'
    if detail['type'] == 'value_error':  # our own: it says what came
        what, got = str(detail['ctx']['error']), ''
    elif detail['type'] == 'extra_forbidden':
        what, got = 'this key is not known: check its spelling, or leave it out', ''
    elif detail['type'] == 'missing':
        what, got = 'this key is missing', ''
    else:
        for pattern, words in _WORDS.items():
            what = re.sub(pattern, words, what)
    return f'{where}: {what}{got}' if where else f'{what}{got}'


def _part(part: str | int) -> str:
    is_plain = isinstance(part, str) and len(part) <= 100 and part.isprintable()
    return part if is_plain else short(part)
