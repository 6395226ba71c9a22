# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page of many seeds, and the command."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from waiting import wait_for

from crossmodal_kd_ros.cli.scenario import command
from crossmodal_kd_ros.files import OutputError
from crossmodal_kd_ros.scenario.seeds import _key, _run, aims, page
from crossmodal_kd_ros.scenario.setting import SCENARIOS


def of(*healths, **means):
    """Return two runs that end with these healths, and figures."""
    figures = {name: {'mean': mean, 'interval': [mean, mean]} for name, mean in means.items()}
    return {'figures': figures, 'runs': [{'health_end': health} for health in healths]}


MONTH = {
    'robot': of(0.8, 0.8, health_end=0.8, interventions=20.0),
    'teacher': of(0.9, 0.9, health_end=0.9, interventions=20.0),
    'alone': of(0.83, 0.78, health_end=0.81, interventions=20.0),
    'calendar': of(health_end=0.9, interventions=100.0),
    'nobody': of(0.4, 0.4, health_end=0.4, interventions=0.0),
}


def test_aims_of_the_month_compare_the_robot_with_each_control():
    reached = [(value, is_reached) for _, value, is_reached in aims('month', MONTH)]

    assert reached == [
        ('89% of it', False),
        ('-0.5 points (-3.0 to 2.0)', False),
        ('40.0 points (40.0 to 40.0)', True),
        ('80%', True),
    ]


def test_an_aim_of_which_nothing_was_counted_is_not_reached():
    reached = {
        words: is_reached for words, _, is_reached in aims('repair', {'robot': of(crushed=0.0)})
    }

    assert list(reached.values()) == [False, False, True]


def test_the_page_has_a_column_for_each_control_that_was_played():
    text = page(
        {'month': MONTH}, seeds=range(20), command='crossmodal-kd scenario month --seeds 20'
    )

    assert '| | robot | teacher | alone | calendar | nobody |' in text
    assert '| health in the end, % | 80.0 (80.0 to 80.0) | 90.0 (90.0 to 90.0) |' in text
    assert '| at least 30 % fewer interventions | 80% | yes |' in text


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['all'], 'expected --seeds with all'),
        (['repair', '--control', 'calendar'], 'expected a control of repair out of teacher'),
        (['month', '--control', 'alone'], 'expected --alone-models'),
        (['month', '--alone-models', '.'], 'expected --alone-models with --control alone'),
        (['month', '--docs', 'docs'], 'expected --docs with --seeds'),
        (['month', '--seeds', '2', '--control', 'nobody'], 'expected no --control'),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(arguments, expected):
    result = CliRunner().invoke(command, arguments)

    assert result.exit_code == 2 and expected in result.output


@pytest.mark.parametrize('option', ['--docs', '--out'])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_played(
    tmp_path, monkeypatch, option
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('crossmodal_kd_ros.scenario.seeds.run_seeds', None)
    (tmp_path / 'file').touch()
    result = CliRunner().invoke(command, ['month', '--seeds', '2', option, 'file/folder'])

    assert isinstance(result.exception, OutputError) and 'file/folder' in str(result.exception)


def test_a_run_that_has_ended_is_not_played_again_and_other_networks_are_others(tmp_path):
    weights = tmp_path / 'models' / 'student.safetensors'
    weights.parent.mkdir()
    weights.write_bytes(b'one')
    job = ('month', 'nobody', 100, str(weights.parent))
    file = tmp_path / _key(weights.parent) / 'run.json'
    first = _run(job, file)
    file.write_text(file.read_text().replace('"t_s": 0.0', '"t_s": 7.0'))

    assert first['duration_s'] == 0.0 and _run(job, file)['duration_s'] == 7.0
    weights.write_bytes(b'another')
    assert not (tmp_path / _key(weights.parent)).exists()


# As many seeds as take longer than the test.
SEEDS = """
import sys
from pathlib import Path
from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.scenario.seeds import run_seeds
run_seeds(
    *(['month'], range(1000)),
    **{'models_dir': share_dir() / 'models', 'alone_models': None},
    **{'kept': Path(sys.argv[1]), 'say': print},
)
"""


def test_the_workers_end_with_a_command_that_is_killed(tmp_path):
    process = subprocess.Popen([sys.executable, '-c', SEEDS, str(tmp_path)])
    try:
        children = Path(f'/proc/{process.pid}/task/{process.pid}/children')
        wait_for(lambda: 'spawn_main' in ''.join(map(command_line, children.read_text().split())))
        pids = children.read_text().split()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
    wait_for(lambda: not any(command_line(pid) for pid in pids))


def command_line(pid: str) -> str:
    """Return how a process was called; empty where there is none, or it has ended."""
    path = Path(f'/proc/{pid}/cmdline')
    return path.read_text() if path.exists() else ''


def test_nobody_needs_no_networks(tmp_path):
    result = CliRunner().invoke(
        command, ['month', '--control', 'nobody', '--out', str(tmp_path / 'out')]
    )

    assert result.exit_code == 0, result.output
    assert 'after 0 acts' in result.output and (tmp_path / 'out' / 'report.html').exists()


def test_each_scenario_has_the_controls_that_it_is_measured_beside():
    assert SCENARIOS['inspection'].controls == ('teacher', 'alone', 'nobody')
    assert SCENARIOS['month'].controls == ('teacher', 'alone', 'calendar', 'nobody')
