# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What people give to `replay` and `dataset` by hand: old maps, odd profiles, faults."""

import pytest
from click.testing import CliRunner
from field_inputs import FIELD, made, needs_field

from crossmodal_kd_ros.bags import BagError
from crossmodal_kd_ros.bags.injection import parse_faults
from crossmodal_kd_ros.cli.main import main

MAP = FIELD / 'map_constants_is_a_list.yaml'


def refused(*arguments: object) -> list[str]:
    """Return the lines in which a command refuses its arguments."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.exception
    return done.output.splitlines()


@needs_field
@pytest.mark.parametrize('command', [('replay',), ('dataset', 'from-bags')])
def test_a_map_of_an_older_version_is_refused_with_what_takes_its_place(tmp_path, command):
    [line] = refused(*command, tmp_path, '--map', MAP)
    assert 'got ' in line and '--profile FILE' in line


@needs_field
@pytest.mark.parametrize('command', [('replay',), ('dataset', 'from-bags')])
def test_a_map_given_as_a_profile_is_refused_key_by_key(tmp_path, command):
    lines = refused(*command, tmp_path, '--profile', MAP)
    for words in ('camera: Input should be a mapping', 'senses: this key is missing', 'gas: this'):
        assert any(words in line for line in lines)


@pytest.mark.parametrize('constants', ['[h2s_ppb]', '5', '"all"', 'null', '{a: b}', '.nan'])
def test_constants_of_any_kind_are_a_sentence_and_no_traceback(tmp_path, constants):
    profile = tmp_path / 'robot.yaml'
    profile.write_text(
        'name: robot\ncamera: {topic: camera}\nactions: [go, stay]\n'
        f'senses: {{gas: {{constants: {constants}}}}}\n'
    )
    lines = refused('replay', tmp_path, '--profile', profile)
    assert any('senses.gas.constants: this key is not known' in line for line in lines)


@pytest.mark.parametrize(
    'fault', ['touch@1.2.3', 'touch@.', 'touch@1-', 'touch@-3', 'touch@1-1.1.1']
)
def test_a_second_that_is_no_number_is_refused_with_an_example(fault):
    with pytest.raises(BagError, match='expected a fault such as gas@10-18'):
        parse_faults([fault], made.PROFILE)
