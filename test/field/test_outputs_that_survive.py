# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A command was given a wrong name, or stopped half-way: what lay in `--out` is still there."""

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from field_inputs import COMMAND, made
from full_disk import files_of_at_most

from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.datasets import read_datasheet
from crossmodal_kd_ros.files import UNFINISHED, OutputError, whole_folder

LABELS = 'start_s,end_s,action\n0,6,seal_crack\n6,12,hydrate\n'
RECIPE = """seed: 0
data: {labelled_views: 10, unlabelled_views: 0}
teacher: {steps: 6, batch: 8, validate_every: 3}
student: {steps: 6, batch: 8, validate_every: 3}
"""


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return made.robot(tmp_path_factory.mktemp('bags') / 'bag', duration_s=12.0)


@pytest.fixture(scope='module')
def short_bag(tmp_path_factory) -> Path:
    return made.robot(tmp_path_factory.mktemp('bags') / 'bag', duration_s=2.0)


@pytest.fixture
def labels(tmp_path) -> Path:
    (tmp_path / 'labels.csv').write_text(LABELS)
    return tmp_path / 'labels.csv'


def call(*arguments: object) -> Result:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


def test_a_misspelt_bag_leaves_the_old_data_set_and_the_corrected_retry_is_not_refused(
    bag, labels, tmp_path
):
    def make(source: Path) -> Result:
        return call(
            *('dataset', 'from-bags', source, '--labels', labels, '--block', 2),
            *('--out', tmp_path / 'set'),
        )

    assert make(bag).exit_code == 0
    (tmp_path / 'set' / 'notes.txt').write_text('by hand')
    before = content(tmp_path / 'set')

    done = make(bag.with_name('bga'))

    assert done.exit_code == 1 and 'found nothing there' in done.output
    assert content(tmp_path / 'set') == before
    assert make(bag).exit_code == 0
    assert content(tmp_path / 'set').keys() == before.keys()


def test_a_data_set_whose_making_was_killed_can_be_made_again(bag, labels, tmp_path):
    out = tmp_path / 'set'
    (out / UNFINISHED / 'train').mkdir(parents=True)
    (out / UNFINISHED / 'views.tmp').write_bytes(b'half')

    done = call('dataset', 'from-bags', bag, '--labels', labels, '--block', 2, '--out', out)

    assert done.exit_code == 0, done.output
    assert read_datasheet(out)['splits']['train']['samples'] > 0
    assert {child.name for child in out.iterdir()} == {
        *('train', 'validation', 'test', 'profile.yaml', 'datasheet.json')
    }


def test_a_replay_that_stops_half_way_leaves_the_old_answers(short_bag, models, tmp_path):
    def replay() -> Result:
        return call('replay', short_bag, '--model', models, '--out', tmp_path / 'out')

    assert replay().exit_code == 0
    before = content(tmp_path / 'out')
    assert 'bag/bag.mcap' in before

    with files_of_at_most(100_000):
        done = replay()

    assert done.exit_code == 1
    assert done.output.strip() == f'Error: cannot write {tmp_path / "out"}: File too large'
    assert content(tmp_path / 'out') == before
    assert replay().exit_code == 0


def test_a_replay_into_a_new_folder_that_fails_leaves_nothing(short_bag, models, tmp_path):
    with files_of_at_most(100_000):
        done = call('replay', short_bag, '--model', models, '--out', tmp_path / 'a' / 'b')
    assert done.exit_code == 1
    assert not list(tmp_path.iterdir())


def test_a_replay_never_replaces_the_recording_that_it_reads_or_another(
    short_bag, models, tmp_path
):
    recording = shutil.copytree(short_bag, tmp_path / 'mine' / 'bag')
    before = content(tmp_path / 'mine')
    for source, sentence in (
        (recording, f'{recording} is read from there'),
        (recording / 'bag.mcap', 'is read from there'),
        (short_bag, 'a bag that "crossmodal-kd replay" made'),
    ):
        done = call('replay', source, '--model', models, '--out', tmp_path / 'mine')
        assert done.exit_code == 1 and sentence in done.output
        assert content(tmp_path / 'mine') == before


def test_a_killed_demo_is_not_removed_by_the_replay_that_reads_it(short_bag, models, tmp_path):
    kept = shutil.copytree(short_bag, tmp_path / 'out' / UNFINISHED / 'bag')
    before = content(tmp_path / 'out')
    done = call('replay', kept, '--model', models, '--out', tmp_path / 'out')
    assert done.exit_code == 1 and 'is read from there' in done.output
    assert content(tmp_path / 'out') == before


def test_a_demo_never_replaces_a_recording_of_a_robot(short_bag, tmp_path):
    pytest.importorskip('rclpy')
    shutil.copytree(short_bag, tmp_path / 'out' / 'bag')
    before = content(tmp_path / 'out')
    done = call('demo', '--no-view', '--duration', 1, '--out', tmp_path / 'out')
    assert done.exit_code == 1 and 'a bag that "crossmodal-kd demo" made' in done.output
    assert content(tmp_path / 'out') == before


def test_a_data_set_never_replaces_a_recording(bag, labels, tmp_path):
    def make(source: Path) -> Result:
        return call(
            *('dataset', 'from-bags', source, '--labels', labels, '--block', 2),
            *('--out', tmp_path / 'set'),
        )

    assert make(bag).exit_code == 0
    shutil.rmtree(tmp_path / 'set' / 'test')
    recording = shutil.copytree(bag, tmp_path / 'set' / 'test')
    before = content(tmp_path / 'set')
    for source, sentence in (
        (recording, f'{recording} is read from there'),
        (bag, 'expected a data set or nothing'),
    ):
        done = make(source)
        assert done.exit_code == 1 and sentence in done.output
        assert content(tmp_path / 'set') == before


def test_a_recording_of_a_misspelt_topic_is_not_in_the_way_of_the_next_try(tmp_path):
    pytest.importorskip('rclpy')
    for _ in range(2):
        done = subprocess.run(
            [*COMMAND, 'record', '--out', 'bag', '--duration', '0.5', 'camera/imgae_raw'],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
        )
        assert done.returncode == 1
        assert '/camera/imgae_raw: nobody published it' in done.stderr
        assert 'no message came' in done.stderr.splitlines()[-1]
        assert not (tmp_path / 'bag').exists()


@pytest.mark.parametrize(
    'command',
    [
        ['replay', '{bag}', '--model', '{models}'],
        ['dataset', 'from-bags', '{bag}', '--labels', '{labels}'],
        ['train', '--recipe', '{recipe}', '--cache', '{cache}'],
        ['evaluate', '--quick', '--cache', '{cache}'],
        ['gazebo-world', '--gazebo', 'jetty'],
    ],
    ids=lambda command: command[0],
)
def test_a_folder_that_cannot_be_written_is_said_before_the_work_and_not_after_it(
    bag, labels, models, tmp_path, command
):
    # Permissions bind no root, and tests run as root in many a container.
    (tmp_path / 'file').touch()
    (tmp_path / 'tiny.yaml').write_text(RECIPE)
    places = {
        **{'bag': bag, 'models': models, 'labels': labels},
        **{'recipe': tmp_path / 'tiny.yaml', 'cache': tmp_path / 'cache'},
    }
    arguments = [argument.format(**places) for argument in command]

    done = call(*arguments, '--out', tmp_path / 'file' / 'out')

    assert done.exit_code == 1
    assert done.output.splitlines()[-1] == (
        f'Error: cannot write {tmp_path}/file/out: Not a directory'
    )
    assert not (tmp_path / 'cache').exists()


def test_what_others_put_into_a_folder_stays_and_what_is_written_replaces_its_like(tmp_path):
    out = tmp_path / 'out'
    (out / 'bag').mkdir(parents=True)
    (out / 'bag' / 'old').touch()
    (out / 'notes.txt').write_text('by hand')
    with whole_folder(out) as folder:
        (folder / 'bag').mkdir()
        (folder / 'bag' / 'new').touch()
        (folder / 'report.html').write_text('new')
        assert (out / 'bag' / 'old').exists() and not (out / 'report.html').exists()
    assert content(out) == {'bag/new': b'', 'notes.txt': b'by hand', 'report.html': b'new'}
    assert {child.name for child in out.iterdir()} == {'bag', 'notes.txt', 'report.html'}


@pytest.mark.parametrize('renames', [0, 1, 2, 3], ids='{} done'.format)
@pytest.mark.parametrize('is_done', [False, True])
def test_an_interrupt_while_results_are_put_in_place_leaves_the_old_ones(
    tmp_path, monkeypatch, renames, is_done
):
    (tmp_path / 'a').write_text('old')
    (tmp_path / 'b').write_text('old')
    rename, calls = Path.rename, []

    def interrupted(path: Path, target: Path) -> None:
        calls.append(path)
        if len(calls) - 1 != renames:
            rename(path, target)
            return
        if is_done:
            rename(path, target)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with whole_folder(tmp_path) as folder:
            for name in ('a', 'b'):
                (folder / name).write_text('new')
            monkeypatch.setattr(Path, 'rename', interrupted)
    assert content(tmp_path) == {'a': b'old', 'b': b'old'}


def test_two_commands_do_not_write_into_one_folder_at_once(tmp_path):
    with whole_folder(tmp_path / 'out') as folder:
        (folder / 'first').touch()
        with pytest.raises(OutputError, match='another process is writing into'):
            with whole_folder(tmp_path / 'out'):
                pass
    assert [child.name for child in (tmp_path / 'out').iterdir()] == ['first']


def test_an_error_that_is_of_no_output_keeps_its_own_words(tmp_path):
    with pytest.raises(FileNotFoundError, match='weights'):
        with whole_folder(tmp_path / 'out'):
            (tmp_path / 'weights').read_bytes()
    assert not (tmp_path / 'out').exists()
