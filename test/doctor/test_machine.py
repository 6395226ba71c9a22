# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Findings on transport, libraries and weights; pictures go from one process to another."""

import io
import os
import sys

import pytest
from rich.console import Console
from robot import ROOT
from safetensors import safe_open
from safetensors.torch import save_file

from crossmodal_kd_ros.doctor import environment, machine
from crossmodal_kd_ros.doctor.finding import Finding, Level, show
from crossmodal_kd_ros.doctor.pictures import MeasurementError, Survival, measure
from crossmodal_kd_ros.nodes.transport import profile_environment, profile_variable

XML = str(ROOT / 'package.xml')
OLD = 'FASTRTPS_DEFAULT_PROFILES_FILE'
PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', OLD)
FEW, ALL = (
    Survival(sent=60, received=20, median_ms=8.0),
    Survival(sent=60, received=60, median_ms=2.0),
)


@pytest.fixture
def bare():
    """Return the environment without a profile."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in (*PROFILES, 'RMW_IMPLEMENTATION')
    }


@pytest.mark.alone
def test_with_the_default_profile_pictures_get_lost_and_the_line_that_mends_it_does(bare):
    finding = environment.pictures(bare, measure(bare))
    assert finding.level is Level.PROBLEM and 'no profile is set' in finding.result
    name, _, path = finding.remedy.removeprefix('export ').partition('#')[0].strip().partition('=')

    mended = bare | {name: path}
    assert environment.pictures(mended, measure(mended)).level is Level.OK


@pytest.mark.parametrize(
    ('environ', 'remedy'),
    [
        ({}, 'export '),
        ({profile_variable(): __file__}, f'{__file__} is not XML: export '),
        ({profile_variable(): '/no/such.xml'}, '/no/such.xml does not exist: export '),
        ({profile_variable(): XML}, f'a segment_size of 16777216 in {XML}'),
        # Jazzy's Fast DDS knows the old name alone, Kilted's both.
        (
            {next(name for name in PROFILES if name != profile_variable()): XML},
            f'this Fast DDS reads {OLD} alone'
            if profile_variable() == OLD
            else 'a segment_size of 16777216',
        ),
        (profile_environment({}), 'look again when this machine is less busy'),
        ({'RMW_IMPLEMENTATION': 'rmw_zenoh_cpp'}, 'let rmw_zenoh_cpp pass messages of 1 MB'),
    ],
)
def test_lost_pictures_have_the_remedy_for_what_is_set(environ, remedy):
    finding = environment.pictures(environ, FEW)

    assert finding.level is Level.PROBLEM and finding.result.startswith(
        '20 of 60 of 640x480 arrived'
    )
    assert finding.remedy.startswith(remedy)


def test_pictures_that_arrive_are_no_problem_whatever_the_profile():
    assert environment.pictures({}, ALL).level is Level.OK


def test_a_middleware_that_is_not_installed_is_told_in_its_own_words(bare):
    environ = bare | {'RMW_IMPLEMENTATION': 'rmw_of_nobody_cpp'}
    with pytest.raises(MeasurementError, match='rmw_of_nobody_cpp') as caught:
        measure(environ)

    finding = environment.pictures(environ, caught.value)
    assert finding.level is Level.PROBLEM and finding.remedy.startswith('unset RMW_IMPLEMENTATION')


def test_without_ros_it_says_where_to_get_it(monkeypatch):
    monkeypatch.setattr(machine, 'find_spec', lambda name: None)
    finding = machine.ros({})

    assert finding.level is Level.PROBLEM and 'setup.bash' in finding.remedy


def test_a_missing_library_is_told_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'safetensors', None)
    finding = machine.libraries()

    assert finding.level is Level.PROBLEM and 'safetensors cannot be used' in finding.result
    assert finding.remedy.endswith('-m pip install --force-reinstall --no-deps safetensors')


def weights(folder, profile='living_wall'):
    """Return what is said of the weights in a folder."""
    return machine.weights(folder, profile, engine='torch', device='cpu')


def test_weights_that_load_are_told_by_their_digest(models):
    finding = weights(models)

    assert finding.level is Level.OK and str(models) in finding.result


def test_missing_weights_are_told_with_the_command_that_makes_them(tmp_path):
    finding = weights(tmp_path / 'my models')

    assert finding.level is Level.PROBLEM and 'expected a weight file at' in finding.result
    assert finding.remedy == f"crossmodal-kd train --out '{tmp_path}/my models'"


def test_weights_of_another_profile_are_told_with_the_command_that_makes_others(models, tmp_path):
    for path in models.iterdir():
        with safe_open(path, framework='pt') as file:
            save_file(
                {name: file.get_tensor(name) for name in file.keys()},
                tmp_path / path.name,
                metadata=file.metadata() | {'profile': 'older'},
            )
    finding = weights(tmp_path)

    assert (
        finding.level is Level.PROBLEM
        and 'expected the weights of a student for the profile living_wall' in finding.result
    )
    assert finding.remedy == f'crossmodal-kd train --out {tmp_path}'


def test_a_problem_without_a_remedy_cannot_be_told():
    with pytest.raises(ValueError, match='expected a remedy for the problem "it is broken"'):
        Finding(subject='it', result='it is broken', level=Level.PROBLEM)


def test_the_screen_names_every_problem_and_keeps_a_remedy_in_one_line_to_copy():
    console = Console(file=io.StringIO(), width=60)
    remedy = (
        'export NAME=/a/path/that/is/longer/than/the/screen/is/wide/and/must/not/be/broken.xml'
    )
    show(
        [
            Finding(subject='ROS 2', result='kilted'),
            Finding(subject='pictures', result='lost', level=Level.PROBLEM, remedy=remedy),
        ],
        console,
    )
    screen = console.file.getvalue()

    assert f'pictures: {remedy}\n' in screen
    assert screen.rstrip().endswith('1 thing to mend')
