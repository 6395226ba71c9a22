# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who imports whom: an arrow between rooms never runs up, and modules import in no circle.

Imports within functions count as well, and so do those for type checkers alone.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = 'crossmodal_kd_ros'
# Every room (a folder, or a module beside them) with the rooms that it may import, from below to
# above: a room names those alone that stand before it. docs/architecture.md has the same table.
ROOMS = {
    'errors': '',
    'versions': '',
    'memory': '',
    'files': 'errors',
    'profile': 'errors files',
    'simulation': 'errors files profile',
    'networks': 'errors files profile',
    'datasets': 'errors files memory versions profile simulation',
    'training': 'errors files versions profile networks datasets',
    'experiments': 'errors profile networks datasets training',
    'calibration': 'errors files profile networks datasets training',
    'health': 'profile',
    'runtime': 'errors files profile networks calibration health',
    'repair': 'errors files profile calibration runtime',
    'reports': 'files profile',
    'bags': 'errors files profile simulation datasets calibration health runtime repair reports',
    'overlay': 'profile networks runtime reports',
    'mission': 'errors',
    'benchmark': 'errors files versions profile simulation networks datasets training experiments '
    'calibration runtime reports',
    'nodes': 'errors files memory profile simulation calibration health runtime repair bags '
    'overlay mission',
    'gazebo': 'errors files profile simulation runtime nodes',
    'demo': 'errors files memory profile simulation runtime reports bags nodes',
    'scenario': 'errors files profile simulation calibration runtime repair mission reports bags '
    'nodes demo',
    'doctor': 'errors files profile networks calibration health runtime nodes demo',
    'cli': 'errors files memory profile datasets training calibration runtime bags benchmark '
    'nodes gazebo demo scenario doctor mission',
}
# Where a recipe chooses an experiment, the training imports it then and there. The core runs
# without.
UP = {('training.student', 'experiments')}
ROS = ('rclpy', 'launch', 'launch_ros', 'builtin_interfaces', 'ros_gz_interfaces')
ROS_ROOMS = ('nodes', 'gazebo', 'demo', 'scenario', 'doctor')
# What runs on a robot and in a replay loads torch by one engine alone, and `overlay` as it draws.
WITHOUT_TORCH = (
    *('runtime', 'health', 'calibration', 'bags', 'overlay', 'nodes', 'profile'),
    *('repair', 'mission'),
)
TORCH_MODULES = ('runtime.export', 'runtime.torch_engine', 'calibration.fit', 'overlay.saliency')


class Import(NamedTuple):
    """One import: who imports what, and in which line; `at_start`: it is no function's."""

    module: str
    line: int
    target: str
    at_start: bool

    def __str__(self) -> str:
        return f'{self.module}, line {self.line}, imports {self.target}'


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT / NAME).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


MODULES = {_name(path): path for path in (ROOT / NAME).rglob('*.py')}


def _imports(module: str, source: str) -> Iterator[Import]:
    tree = ast.parse(source)
    functions = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    within = {node for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f'{node.module}.{alias.name}' for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(module, node.lineno, name, node not in within)


ALL = [each for name, path in MODULES.items() for each in _imports(name, path.read_text())]
OWN = [each for each in ALL if each.target.partition('.')[0] == NAME]


def _room(name: str) -> str:
    return name.partition('.')[0]


def _target_room(each: Import) -> str:
    return each.target.split('.')[1]


def _target_module(each: Import) -> str:
    """Return the module that is imported, or that a name is imported from."""
    name = each.target.partition('.')[2]
    return name if name in MODULES else name.rpartition('.')[0]


def test_every_room_has_its_place():
    assert {_room(name) for name in MODULES if name} == set(ROOMS)


def test_a_room_may_import_those_below_it_alone():
    rooms = list(ROOMS)

    assert [
        f'{room} may not import {below}'
        for room, allowed in ROOMS.items()
        for below in allowed.split()
        if below not in rooms[: rooms.index(room)]
    ] == []


def test_no_import_runs_up():
    wrong = [
        f'{each}: {_room(each.module)} may import {ROOMS[_room(each.module)] or "nothing"}'
        for each in OWN
        if _target_room(each) not in (_room(each.module), *ROOMS[_room(each.module)].split())
        and (each.module, _target_room(each)) not in UP
    ]

    assert wrong == []


def test_an_experiment_is_imported_where_it_is_asked_for():
    arrows = [each for each in OWN if (each.module, _target_room(each)) in UP]

    assert arrows and not any(each.at_start for each in arrows)


def test_modules_import_in_no_circle():
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for each in OWN:
        if each.at_start and _target_module(each) != each.module:
            graph[each.module].add(_target_module(each))

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f'imports in a circle: {" <- ".join(error.args[1])}')


def test_ros_stays_in_the_rooms_that_talk_to_it():
    assert [
        str(each)
        for each in ALL
        if _room(each.module) not in ROS_ROOMS
        and (_room(each.target) in ROS or _room(each.target).endswith(('_msgs', '_srvs')))
    ] == []


def test_torch_stays_out_of_what_runs_on_a_robot():
    assert [
        str(each)
        for each in ALL
        if _room(each.target) == 'torch'
        and _room(each.module) in WITHOUT_TORCH
        and each.module not in TORCH_MODULES
    ] == []


def test_the_page_of_rooms_says_the_same():
    page = (ROOT / 'docs' / 'architecture.md').read_text()
    rows = [line.split('|')[1:-1] for line in page.splitlines() if line.startswith('| `')]
    table = {row[0].strip(' `/'): row[-1].replace('`', '') for row in rows if len(row) == 3}

    for room, allowed in ROOMS.items():
        assert room in table, f'docs/architecture.md has no row for {room}'
        assert set(table[room].replace(',', ' ').split()) - {'nothing'} == set(allowed.split()), (
            room
        )


@pytest.mark.parametrize(
    ('source', 'expected'),
    [
        (f'from {NAME}.nodes import qos', [('nodes', True)]),
        (f'import {NAME}.bags.reader', [('bags', True)]),
        (f'def run():\n    from {NAME}.cli.main import main', [('cli', False)]),
        ('import numpy as np', []),
    ],
)
def test_an_import_is_found(source, expected):
    arrows = [each for each in _imports('health.grid', source) if _room(each.target) == NAME]

    assert [(_target_room(each), each.at_start) for each in arrows] == expected
