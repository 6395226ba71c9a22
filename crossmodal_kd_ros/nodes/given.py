# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which parameters were given to whom, in files and arguments, and which of them miss their node.

rcl says nothing of a parameter that reaches no node, or that another one beats, and hands a node
what others need.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from crossmodal_kd_ros.health.reasons import join

ARGUMENT = '-p'
_FILE_OPTION, _ARGUMENT_OPTIONS = '--params-file', (ARGUMENT, '--param')
_EVERY_NODE = '/**'
_PARAMETERS = 'ros__parameters'
# A name that differs from a node's by less than this is taken for a slip of the pen.
_SIMILARITY = 0.9
# rcl's wildcards, as rclpy understands them: any number of names, or one.
_WILDCARDS = {'/**': r'(/\w+)*', '/*': r'(/\w+)'}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Parameters that were given to the nodes of a name.

    Attributes:
        source: the path of a parameter file, or `-p`.
        nodes: their full name, maybe with wildcards, such as `/**/maintenance_node`.
        values: by the names of the parameters, as they stand there.
    """

    source: str
    nodes: str
    values: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(self.values)

    def reaches(self, full_name: str) -> bool:
        """Return whether a node of this name gets the parameters."""
        pattern = self.nodes
        for wildcard, names in _WILDCARDS.items():
            pattern = pattern.replace(wildcard, names)
        return re.fullmatch(pattern, full_name) is not None

    @property
    def node(self) -> str:
        """The last part of `nodes`: the name of a node, or a wildcard."""
        return self.nodes.rpartition('/')[2]

    @property
    def is_shared(self) -> bool:
        """Whether they are for nodes of any name: no node can know what the others need."""
        return self.source != ARGUMENT and '*' in self.node


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What its user should know of a parameter that was given.

    Attributes:
        what: what is the matter.
        remedy: what to do; empty: nothing, if it is as it was meant.
        is_lost: something that is without doubt meant for the node does not reach it.
    """

    what: str
    remedy: str = ''
    is_lost: bool = False

    def __str__(self) -> str:
        """Return both in one line."""
        return f'{self.what}; {self.remedy}' if self.remedy else self.what


def entries(args: Sequence[str]) -> tuple[Entry, ...]:
    """Return what a command line gives, in its order: that of `main`, with `--ros-args`.

    A file that cannot be read gives nothing: rcl ends a process that has one.
    """
    given = []
    for option, value in pairwise(_ros_arguments(args)):
        if option == _FILE_OPTION:
            given += _in_file(value)
        elif option in _ARGUMENT_OPTIONS:
            key, _, text = value.partition(':=')
            node, _, name = key.rpartition(':')
            nodes = f'/{node.lstrip("/")}' if node else _EVERY_NODE
            given.append(Entry(source=ARGUMENT, nodes=nodes, values={name: text}))
    return tuple(given)


def value(given: Sequence[Entry], full_name: str, name: str) -> Any:
    """Return the value of a parameter that counts for a node, as it stands there; `None`: none."""
    entry = _counting(given, full_name).get(name)
    return None if entry is None else entry.values[name]


def lost(given: Sequence[Entry], full_name: str, default_name: str) -> list[Notice]:
    """Return a notice for each thing that was meant for a node and is not used by it.

    Args:
        given: from `entries`.
        full_name: of the node, with its namespace.
        default_name: its name unless it is renamed.
    """
    return _unreached(given, full_name, default_name) + _beaten(given, full_name)


def _unreached(given: Sequence[Entry], full_name: str, default_name: str) -> list[Notice]:
    """Return a notice for each source of which nothing that was meant for the node reaches it.

    Meant for it is what is under its name, or its default name; of a source without either, what
    is under a name that is nearly one of them; without that, everything.
    """
    name = full_name.rpartition('/')[2]
    names = (name, default_name)
    by_source = defaultdict(list)
    for entry in given:
        by_source[entry.source].append(entry)
    notices = []
    for source, from_it in by_source.items():
        own = [entry for entry in from_it if entry.node in names]
        near = [entry for entry in from_it if get_close_matches(entry.node, names, 1, _SIMILARITY)]
        meant = own or near or from_it
        if any(entry.reaches(full_name) for entry in meant):
            continue
        keys = sorted({entry.nodes for entry in meant})
        remedy = f'write /**/{name}: instead of {keys[0]}: in {source}'
        if source == ARGUMENT:
            remedy = f'call it {name}, or nothing, before the parameter'
        notices.append(
            Notice(
                what=f'what {source} gives to {join(keys)} does not reach this node, {full_name}',
                remedy=remedy if own else f'if it is for it, {remedy}',
                is_lost=bool(own),
            )
        )
    return notices


def _beaten(given: Sequence[Entry], full_name: str) -> list[Notice]:
    """Return a notice for each parameter of which not the last value counts."""
    counts = _counting(given, full_name)
    last = {name: entry for entry in given if entry.reaches(full_name) for name in entry.names}
    return [
        Notice(
            what=f'{name} is what {counts[name].source} says under {counts[name].nodes}, not what '
            f'{entry.source} says later',
            remedy=f'take it out there: what {counts[name].source} gives to {entry.nodes} comes '
            'before it',
            is_lost=True,
        )
        for name, entry in last.items()
        if counts[name] is not entry
    ]


def _counting(given: Sequence[Entry], full_name: str) -> dict[str, Entry]:
    """Return by name of a parameter the entry whose value counts for a node.

    rcl merges what was given for the same nodes, and puts it where these nodes came first; what
    comes last after that counts.
    """
    places: dict[str, int] = {}
    for place, entry in enumerate(given):
        places.setdefault(entry.nodes, place)
    merged = sorted(given, key=lambda entry: places[entry.nodes])  # of equals the order stays
    return {name: entry for entry in merged if entry.reaches(full_name) for name in entry.names}


def _ros_arguments(args: Sequence[str]) -> Iterator[str]:
    is_ros = False
    for arg in args:
        if arg in ('--ros-args', '--'):
            is_ros = arg == '--ros-args'
        elif is_ros:
            yield arg


def _in_file(path: str) -> Iterator[Entry]:
    try:
        # As they stand there: of what type a value is rcl decides.
        documents = list(yaml.load_all(Path(path).read_bytes(), yaml.BaseLoader))
    except (OSError, yaml.YAMLError, UnicodeError, RecursionError):
        return
    for document in documents:
        for nodes, parameters in _below(document, ''):
            yield Entry(source=path, nodes=nodes, values=dict(_flat(parameters, '')))


def _below(content: Any, nodes: str) -> Iterator[tuple[str, Any]]:
    """Yield the full name of each node in a part of a file, and its parameters."""
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if key == _PARAMETERS:
            yield nodes, value
        else:
            yield from _below(value, f'{nodes}/{str(key).strip("/")}')


def _flat(parameters: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield parameters by name, those of a mapping within a mapping with a dot between."""
    if not isinstance(parameters, dict):
        return
    for key, value in parameters.items():
        if isinstance(value, dict):
            yield from _flat(value, f'{prefix}{key}.')
        else:
            yield f'{prefix}{key}', value
