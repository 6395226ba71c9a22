# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every relative path and every command in the documents leads somewhere."""

import pytest

pytest.importorskip('rclpy')

from commands import ROOT, commands, fault, links, paths  # noqa: E402

DOCUMENTS = [
    ROOT / 'README.md',
    *sorted(ROOT.glob('docs/*.md')),
    *filter(
        lambda path: path.is_file(),
        [
            *(ROOT / f'{name}.md' for name in ('CONTRIBUTING', 'QUALITY_DECLARATION', 'SECURITY')),
            ROOT / 'models' / 'README.md',
        ],
    ),
]
each = pytest.mark.parametrize('path', DOCUMENTS, ids=lambda path: path.name)


@each
def test_every_link_leads_to_a_file(path):
    assert [
        target for target in links(path.read_text()) if not (path.parent / target).exists()
    ] == []


@each
def test_every_path_into_the_repository_exists(path):
    assert [name for name in paths(path.read_text()) if not any(ROOT.glob(name.rstrip('/')))] == []


@each
def test_every_command_exists_with_its_options(path):
    assert [sentence for words in commands(path.read_text()) if (sentence := fault(words))] == []


def test_the_readme_has_commands_to_check():
    found = [words[0] for words in commands((ROOT / 'README.md').read_text())]

    assert 'make' in found and 'ros2' in found and '.venv/bin/crossmodal-kd' in found


@pytest.mark.parametrize(
    ('line', 'sentence'),
    [
        ('make dmeo', 'the Makefile has no dmeo'),
        ('make test ROSS=jazzy', 'the Makefile has no ROSS=jazzy'),
        ('.venv/bin/crossmodal-kd fly', 'crossmodal-kd has no fly'),
        ('crossmodal-kd run --simulation', 'crossmodal-kd run has no --simulation'),
        (
            'ros2 launch crossmodal_kd_ros robot.launch.py name:=left',
            'robot.launch.py has no argument name:=left',
        ),
        (
            'ros2 launch crossmodal_kd_ros drive.launch.py',
            'there is no launch file drive.launch.py',
        ),
        ('ros2 run crossmodal_kd_ros maintenance', 'there is no executable maintenance'),
        (
            'ros2 param set /left/maintenance_node min_confidense 0.5',
            'maintenance_node has no parameter min_confidense',
        ),
        (
            'python -m crossmodal_kd_ros.nodes.nothing',
            'there is no module crossmodal_kd_ros.nodes.nothing',
        ),
    ],
)
def test_a_command_that_does_not_exist_is_found(line, sentence):
    text = f'Say `{line}` or\n\n```\ncd somewhere\n{line}   # a comment\n```\n'

    assert [found for words in commands(text) if (found := fault(words))] == [sentence, sentence]


def test_a_word_that_is_no_command_is_found():
    assert fault(['crosmodal-kd', 'run']) == 'there is no command crosmodal-kd'


def test_a_path_that_does_not_exist_is_found():
    text = (
        'Copy `config/robots.yaml`, see [it](docs/nothing.md), run `python -m x`, '
        'write to out/demo.'
    )

    assert paths(text) == {'config/robots.yaml', 'docs/nothing.md'}
    assert links(text) == {'docs/nothing.md'}
