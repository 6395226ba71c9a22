# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The commands and paths in a document, and what is wrong with each: nothing, or one sentence."""

import itertools
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from crossmodal_kd_ros.cli.main import main as crossmodal_kd
from crossmodal_kd_ros.cli.parameter_files import NODES
from crossmodal_kd_ros.profile import load_profile

ROOT = Path(__file__).resolve().parents[2]
# Other people's tools: whether they are called rightly is theirs to say.
FOREIGN = {
    'apt',
    'cd',
    'colcon',
    'docker',
    'git',
    'gz',
    'ign',
    'pip',
    'rosdep',
    'rviz2',
    'source',
    'sudo',
    'rqt',
    'tensorboard',
    'torchrun',
}
_OURS = {'crossmodal-kd', 'make', 'ros2', 'python', 'export'}
_FOLDERS = (
    '.ci/',
    'config/',
    'crossmodal_kd_ros/',
    'docs/',
    'launch/',
    'models/',
    'resource/',
    'test/',
)
_COMMAND_BLOCKS = ('', 'bash', 'sh', 'console')


def blocks(text: str) -> Iterator[str]:
    """Yield each fenced block that holds commands."""
    for language, block in re.findall(r'^ *```(\w*)\n(.*?)^ *```', text, re.MULTILINE | re.DOTALL):
        if language in _COMMAND_BLOCKS and any(map(_is_command, block.splitlines())):
            yield block


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command, in a block or between backquotes in a sentence."""
    lines = [line for block in blocks(text) for line in block.replace('\\\n', ' ').splitlines()]
    prose = re.sub(r'^ *```.*?^ *```', '', text, flags=re.MULTILINE | re.DOTALL)
    lines += [
        code
        for code in re.findall(r'`([^`]+)`', prose)
        if re.match(
            r'(make [a-z]|(\.venv/bin/)?crossmodal-kd [a-z]|python -m \w'
            r'|ros2 (launch|run|param set) )',
            code,
        )
    ]
    for line in lines:
        words = shlex.split(line.removeprefix('$ ').replace(';', ' ; '), comments=True)
        for joint, part in itertools.groupby(words, lambda word: word in ('&&', ';', '|')):
            if not joint:
                yield list(part)


def fault(words: list[str]) -> str:
    """Return what is wrong with a command; empty if nothing is."""
    name, rest = Path(words[0]).name, words[1:]
    if (name not in _OURS and (ROOT / words[0]).is_file()) or name in FOREIGN:
        return ''
    check = {
        'crossmodal-kd': _subcommand,
        'make': _target,
        'ros2': _ros2,
        'python': _module,
        'export': _export,
    }.get(name)
    return f'there is no command {words[0]}' if check is None else check(rest)


def paths(text: str) -> set[str]:
    """Return the paths that the document names as lying in the repository."""
    words = {word.strip('`()[],;:"\'') for word in re.split(r'[\s`()=]+', text)}
    return {
        word.rstrip('.')
        for word in words
        if word.startswith(_FOLDERS) and not set(word) & set('<>$')
    }


def links(text: str) -> set[str]:
    """Return the targets of links that are neither elsewhere nor in the same document."""
    return {
        target.partition('#')[0]
        for target in re.findall(r'\]\(([^)\s]+)\)', text)
        if not re.match(r'[a-z]+:|#', target)
    }


def _is_command(line: str) -> bool:
    word = Path(line.strip().partition(' ')[0]).name
    return word in _OURS or word in FOREIGN


def _subcommand(words: list[str]) -> str:
    if not words or words[0] in ('--help', '--version', '-h'):
        return ''
    command = crossmodal_kd.get_command(None, words[0])
    if command is None:
        return f'crossmodal-kd has no {words[0]}'
    while getattr(command, 'commands', None) and len(words) > 1 and words[1] in command.commands:
        command, words = command.commands[words[1]], words[1:]
    options = {name for parameter in command.params for name in parameter.opts} | {'--help', '-h'}
    given = [
        word.partition('=')[0]
        for word in words[1 : words.index('--') if '--' in words else None]
        if word.startswith('--')
    ]
    unknown = [word for word in given if word not in options]
    return f'crossmodal-kd {words[0]} has no {", ".join(unknown)}' if unknown else ''


def _target(words: list[str]) -> str:
    makefile = (ROOT / 'Makefile').read_text()
    for word in words:
        variable, equals, _ = word.partition('=')
        pattern = rf'^{variable} \??=' if equals else rf'^{word}:'
        if not re.search(pattern, makefile, re.MULTILINE):
            return f'the Makefile has no {word}'
    return ''


def _ros2(words: list[str]) -> str:
    if words[0] == 'launch' and words[1] == 'crossmodal_kd_ros':
        path = ROOT / 'launch' / words[2]
        if not path.is_file():
            return f'there is no launch file {words[2]}'
        text = path.read_text()
        quoted = text + (ROOT / 'crossmodal_kd_ros/nodes/launching.py').read_text()
        topics = [f'{sensor}_topic' for sensor in load_profile().sensors]
        unknown = [
            word
            for word in words[3:]
            if ':=' in word
            and f"'{(name := word.partition(':=')[0])}'" not in quoted
            and not ('topic_arguments()' in text and name in topics)
        ]
        return f'{words[2]} has no argument {", ".join(unknown)}' if unknown else ''
    if words[0] == 'run' and words[1] == 'crossmodal_kd_ros':
        return (
            ''
            if f"'{words[2]} = " in (ROOT / 'setup.py').read_text()
            else f'there is no executable {words[2]}'
        )
    if words[:2] == ['param', 'set'] and len(words) > 3:
        node, parameter = words[2].rpartition('/')[2], words[3]
        return (
            ''
            if any(parameter == declared.name for declared in NODES.get(node, ()))
            else (f'{node} has no parameter {parameter}')
        )
    return ''


def _module(words: list[str]) -> str:
    if words[0] == '-m' and find_spec(words[1]) is None and words[1] != 'venv':
        return f'there is no module {words[1]}'
    return ''


def _export(words: list[str]) -> str:
    return '' if re.match(r'[A-Z_]+=', words[0]) else f'{words[0]} sets no variable'
