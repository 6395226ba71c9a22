# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`train` and `evaluate` end to end, with the real simulator and recipes too small to be good."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock

from crossmodal_kd_ros.benchmark.benchmark import Bench
from crossmodal_kd_ros.benchmark.cells import Plan, cells
from crossmodal_kd_ros.benchmark.evaluate import evaluate_benchmark
from crossmodal_kd_ros.benchmark.record import write_record
from crossmodal_kd_ros.calibration.model import weights_digest
from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.networks import load_student, load_teacher, read_card
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.recipe import find_recipe, load_recipe

PROFILE = load_profile('living_wall')
DATA = 'data: {labelled_views: 36, unlabelled_views: 24, validation_views: 18, test_views: 60}\n'
TINY = (
    DATA
    + 'teacher: {steps: 3, batch: 8, view_px: 32}\nstudent: {steps: 3, batch: 8, view_px: 32}\n'
)


@pytest.fixture(scope='module')
def place(tmp_path_factory) -> Path:
    """Return a folder in which `crossmodal-kd train` has made `models`."""
    folder = tmp_path_factory.mktemp('training')
    (folder / 'tiny.yaml').write_text(TINY)
    (folder / 'reference.yaml').write_text(f'nets: article\n{DATA}epochs: 1\n')
    subprocess.run(
        [
            sys.executable,
            '-m',
            'crossmodal_kd_ros.cli.main',
            'train',
            '--recipe',
            'tiny.yaml',
            '--out',
            'models',
            '--tensorboard',
            'curves',
        ],
        cwd=folder,
        env=environment(),
        check=True,
        timeout=570,
    )
    return folder


def environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return os.environ | {
        'PYTHONPATH': os.pathsep.join([root, os.environ.get('PYTHONPATH', '')]),
        'OMP_NUM_THREADS': '1',
    }


@pytest.mark.timeout(600)
def test_training_leaves_weights_that_load_and_a_card_that_says_where_they_come_from(place):
    models = place / 'models'
    load_teacher(models / 'teacher.safetensors', PROFILE)
    load_student(models / 'student.safetensors', PROFILE)
    card = read_card(models / 'student.safetensors')
    assert (
        card['command']
        == 'crossmodal-kd train --recipe tiny.yaml --out models --tensorboard curves'
    )
    assert json.loads(card['settings'])['student']['steps'] == 3 and len(card['commit']) >= 7
    assert 0.0 <= json.loads(card['test_figures'])['student']['accuracy'] <= 1.0
    page = (models / 'README.md').read_text()
    assert (
        'SIMULATED' in page
        and '| student without distillation |' in page
        and '| teacher, both masked |' in page
    )
    assert sum(path.stat().st_size for path in models.iterdir()) < 10e6
    assert list((place / 'curves').glob('student*/events*'))


@pytest.mark.timeout(600)
def test_networks_from_the_cache_are_the_same_and_the_card_says_that_they_were_there(place):
    shown = CliRunner().invoke(
        main,
        [
            'train',
            '--recipe',
            str(place / 'tiny.yaml'),
            '--cache',
            str(place / 'out/cache'),
            '--out',
            str(place / 'again'),
        ],
    )
    assert shown.exit_code == 0, shown.output
    pages = [(folder / 'README.md').read_text() for folder in (place / 'models', place / 'again')]
    assert ['found in the cache' in page for page in pages] == [False, True]
    for name in ('teacher', 'student'):
        assert weights_digest(place / f'again/{name}.safetensors') == weights_digest(
            place / f'models/{name}.safetensors'
        )


@pytest.mark.timeout(600)
def test_a_recipe_without_a_teacher_leaves_a_student_that_trained_itself(place, tmp_path):
    # A copy of the cache: what is made here is not found by other tests.
    cache = shutil.copytree(place / 'out/cache', tmp_path / 'cache')
    recipe = tmp_path / 'alone.yaml'
    alone = 'student: {distil: false, self_training: true, min_labelled: 0.5, '
    recipe.write_text(TINY.replace('student: {', alone))
    options = ['--recipe', recipe, '--cache', cache, '--out', tmp_path / 'alone']
    shown = CliRunner().invoke(main, ['train', *map(str, options)])
    assert shown.exit_code == 0, shown.output
    card = read_card(tmp_path / 'alone/student.safetensors')
    assert json.loads(card['settings'])['student']['self_training']
    # The teacher is that of the first recipe.
    page = (tmp_path / 'alone/README.md').read_text()
    assert 'teacher (found in the cache)' in page


@pytest.mark.timeout(600)
def test_the_articles_nets_are_trained_and_measured_and_leave_no_weights(place):
    shown = CliRunner().invoke(
        main,
        [
            'train',
            '--recipe',
            str(place / 'reference.yaml'),
            '--cache',
            str(place / 'out/cache'),
            '--out',
            str(place / 'none'),
        ],
    )
    assert shown.exit_code == 0, shown.output
    assert "| article's student |" in shown.output and not (place / 'none').exists()


@pytest.mark.parametrize(
    'arguments, sentence',
    [
        (
            ['--recipe', 'best'],
            'expected one of alone, default, photographs, quick, reference, or a .yaml file, '
            "got 'best'",
        ),
        (['--device', 'tpu9'], "expected a torch device that works here, such as cpu, got 'tpu9'"),
        (
            ['--profile', 'air'],
            'expected --data with a data set of the profile air, got none: living_wall and '
            'living_wall_arm alone have a simulator',
        ),
    ],
)
def test_a_training_that_cannot_start_says_why_in_one_sentence(arguments, sentence):
    shown = CliRunner().invoke(main, ['train', *arguments])
    assert shown.exit_code == 1 and sentence in shown.output and 'Traceback' not in shown.output


@pytest.mark.parametrize(
    'recipe, content, sentence',
    [
        ('photographs', None, 'expected pictures (.jpg, '),
        ('photographs', b'no picture', 'wall.jpg: expected a picture that can be decoded, got 10'),
        ('quick', b'', '--photos, got quick: give --recipe photographs'),
    ],
)
def test_photographs_that_cannot_be_learnt_from_are_refused_before_any_work(
    tmp_path, recipe, content, sentence
):
    if content is not None:
        (tmp_path / 'wall.jpg').write_bytes(content)
    out, photos = str(tmp_path / 'out'), str(tmp_path)
    shown = CliRunner().invoke(
        main, ['train', '--recipe', recipe, '--photos', photos, '--out', out, '--cache', out]
    )
    assert shown.exit_code == 1 and sentence in shown.output and 'Traceback' not in shown.output
    assert not (tmp_path / 'out').exists()


@pytest.mark.timeout(600)
def test_a_training_with_photographs_names_them_in_its_card_and_reads_them_from_the_cache(
    tmp_path,
):
    rng = np.random.default_rng(0)
    walls = tmp_path / 'walls'
    walls.mkdir()
    for index in range(2):
        cv2.imwrite(str(walls / f'{index}.png'), rng.integers(0, 256, (90, 120, 3), np.uint8))
    recipe = tmp_path / 'mine.yaml'
    recipe.write_text(
        TINY.replace('data: {', 'data: {photographs: 6, ').replace(
            'student: {', 'student: {photograph_weight: 1.0, photograph_batch: 4, '
        )
    )
    cards = []
    for name in ('first', 'again'):
        shown = CliRunner().invoke(
            main,
            [
                'train',
                *('--recipe', str(recipe), '--photos', str(walls)),
                *('--out', str(tmp_path / name), '--cache', str(tmp_path / 'cache')),
            ],
        )
        assert shown.exit_code == 0, shown.output
        load_student(tmp_path / name / 'student.safetensors', PROFILE)
        cards.append(read_card(tmp_path / name / 'student.safetensors'))
    assert cards[0]['photos'].startswith('2 photographs, SHA-256 ')
    assert cards[0]['photos'] == cards[1]['photos']
    first, again = ((tmp_path / name / 'README.md').read_text() for name in ('first', 'again'))
    assert f'drawn on {cards[0]["photos"]}' in first
    assert 'trained_before' not in first and 'trained_before: teacher; student;' in again


@pytest.mark.timeout(600)
def test_the_benchmark_is_written_after_every_cell_and_does_nothing_twice(place, monkeypatch):
    recipe = load_recipe(place / 'tiny.yaml')
    plan = Plan(
        recipe=recipe,
        labels=(36,),
        seeds=(0,),
        ablation_labels=36,
        ablation_seeds=(0,),
        recoveries=(),
        condition_views=6,
        ceiling_panels=200,
        shipped_views=6,
    )
    monkeypatch.setattr(
        'crossmodal_kd_ros.benchmark.cells.ablations',
        lambda profile: {'stages': {'start_at': {'gas': 0.5}}},
    )
    where = {
        'out': place / 'out/evaluation',
        'models': place / 'models',
        'cache': place / 'out/cache',
        'results': place / 'docs',
        'device': Device(),
        'command': 'crossmodal-kd evaluate',
        'say': print,
    }
    evaluate_benchmark(plan, **where)
    summary = json.loads((place / 'docs/results.json').read_text())
    assert set(summary['ceilings']) == {
        'camera',
        'touch+gas',
        'camera+touch',
        'camera+gas',
        'camera+touch+gas',
        'largest_class',
        'by_recovery',
        'readings',
    }
    assert summary['light']['views'] == 6 and {'cosine', 'product'} <= set(summary['alignment_ms'])
    for system in ('teacher', 'student_kd', 'student_no_kd', 'student_self_training'):
        measured = summary[system]['36']
        assert len(measured['accuracy']['interval']) == 2 and len(measured['conditions']) == 7
    assert set(summary['student_kd']['36']['r2']) == {
        'crack_depth',
        'surface_roughness',
        'co2_uptake',
        'crack_width',
    }
    assert set(summary['ablations']) == {'reference', 'stages'}
    # Teacher, student and the student without distillation are the training's own: found, not made
    # again. Self-training and the ablation are new.
    assert len(list((place / 'out/cache/networks').glob('*/network.safetensors'))) == 5
    with (where['out'] / 'cells.csv').open() as file:
        assert [row['cell'] for row in csv.DictReader(file)] == [
            'reference',
            'stages',
            'student_kd',
            'student_no_kd',
            'student_self_training',
            'teacher',
        ]
    page = (where['out'] / 'report.html').read_text()
    assert 'SIMULATED' in page and page.count('<svg') == 5 and 'Where they look' in page
    monkeypatch.setattr('crossmodal_kd_ros.benchmark.benchmark.Bench._measure', None)
    evaluate_benchmark(plan, **where)
    # On another machine, which has the published results alone, nothing is measured again either.
    elsewhere = where | {'out': place / 'elsewhere'}
    evaluate_benchmark(plan, **elsewhere)
    found = json.loads((place / 'docs/results.json').read_text())
    # What an alignment costs is of each machine.
    assert {**found, 'alignment_ms': {}} == {**summary, 'alignment_ms': {}}


def test_cells_of_another_recipe_are_neither_shown_nor_taken(tmp_path, monkeypatch):
    old, new = (
        Plan(
            recipe=load_recipe(find_recipe(name)),
            labels=(36,),
            seeds=(0,),
            ablation_seeds=(),
            recoveries=(),
        )
        for name in ('default', 'quick')
    )
    monkeypatch.setattr(Bench, '_measure', lambda bench, cell: {'cell': vars(cell)})
    before, after = (
        Bench(plan=plan, out=tmp_path, cache=tmp_path, networks=None) for plan in (old, new)
    )
    found = [measured for _, measured in before.measure_all(cells(old))]
    assert before.set_aside_outdated() == 0 and after.set_aside_outdated() == len(found) == 4
    assert (
        not list((tmp_path / 'cells').glob('*.json'))
        and len(list((tmp_path / 'cells').glob('*.outdated'))) == 4
    )
    assert after.take(found) == 0 and before.take(found) == 4


def test_a_cell_that_another_process_measures_comes_last_and_is_read_from_it(
    tmp_path, monkeypatch
):
    plan = Plan(
        recipe=load_recipe(find_recipe('quick')),
        labels=(36,),
        seeds=(0,),
        ablation_seeds=(),
        recoveries=(),
    )
    first, *rest = todo = cells(plan)
    monkeypatch.setattr(Bench, '_measure', lambda bench, cell: {'accuracy': todo.index(cell) / 10})
    taken = tmp_path / 'cells' / first.name
    taken.parent.mkdir()
    turns = Bench(plan=plan, out=tmp_path, cache=tmp_path, networks=None).measure_all(todo)
    with FileLock(taken.with_suffix('.lock')):
        assert [
            (cell, measured['accuracy']) for cell, measured in (next(turns) for _ in rest)
        ] == [(cell, todo.index(cell) / 10) for cell in rest]
        taken.with_suffix('.json').write_text('{"accuracy": 0.7}')
    assert list(turns) == [(first, {'accuracy': 0.7})]


@pytest.mark.timeout(600)
def test_photographs_are_measured_alone_and_shown_with_the_worst_mistakes(place):
    rng = np.random.default_rng(0)
    for name in ('crack', 'clean'):
        (place / 'photos' / name).mkdir(parents=True)
        for index in range(3):
            cv2.imwrite(
                str(place / 'photos' / name / f'{index}.jpg'),
                rng.integers(0, 256, (90, 120, 3), np.uint8),
            )
    out = place / 'out/photos'
    shown = CliRunner().invoke(
        main,
        [
            'evaluate',
            '--photos',
            str(place / 'photos'),
            '--models',
            str(place / 'models'),
            '--out',
            str(out),
            '--cache',
            str(place / 'out/cache'),
        ],
    )
    assert shown.exit_code == 0, shown.output
    photos = json.loads((out / 'summary.json').read_text())['photos']
    assert photos['pictures'] == 6 and {'student', 'black_hat', 'canny'} <= set(photos['scores'])
    assert 'Gabor filters' in (out / 'results.md').read_text()
    assert (out / 'report.html').read_text().count('data:image/jpeg') == 6
    # A page that shows more than this run knows of is not written over.
    results = place / 'shown'
    results.mkdir()
    write_record([{'cell': {}, 'group': [0], 'action': [1], 'chosen': [2]}], results)
    refused = CliRunner().invoke(
        main,
        [
            'evaluate',
            '--photos',
            str(place / 'photos'),
            '--models',
            str(place / 'models'),
            '--out',
            str(out),
            '--cache',
            str(place / 'out/cache'),
            '--results',
            str(results),
        ],
    )
    assert refused.exit_code == 1 and 'found 1 cells less' in refused.output
    assert [path.name for path in results.iterdir()] == ['cells.json']


def test_an_evaluation_without_weights_or_photographs_says_why_in_one_sentence(tmp_path):
    shown = CliRunner().invoke(
        main,
        ['evaluate', '--photos', str(tmp_path), '--models', str(tmp_path), '--out', str(tmp_path)],
    )
    assert (
        shown.exit_code == 1
        and 'expected a weight file' in shown.output
        and 'Traceback' not in shown.output
    )


def test_a_calibration_of_weights_of_another_profile_is_refused_before_it_simulates(
    models_of, tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise AssertionError('simulated')

    monkeypatch.setattr('crossmodal_kd_ros.datasets.load_simulated', fail)
    options = ['--models', str(models_of('air')), '--cache', str(tmp_path)]
    result = CliRunner().invoke(main, ['calibrate', *options])
    assert (
        result.exit_code
        and 'weights of a student for the profile living_wall'
        in str(result.exception or '') + result.output
    )
