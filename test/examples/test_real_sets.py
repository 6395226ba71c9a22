# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The example of two real sets, on made-up ones of the same form."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from crossmodal_kd_ros.benchmark.evaluate import make_plan
from crossmodal_kd_ros.datasets import NO_LABEL
from crossmodal_kd_ros.profile import load_profile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'examples' / 'real_sets'))

import gain_cells  # noqa: E402
import gain_page  # noqa: E402
import sets_experiment  # noqa: E402
import sets_page  # noqa: E402
import textures  # noqa: E402
import visuotactile  # noqa: E402
from real_set import SENSE, RealSetError, fingerprint, make_profile  # noqa: E402

TABLE_BGR, OBJECT_BGR = (30, 40, 200), (200, 60, 40)
CLASSES = ('stapler', 'bottleempty')
BANDS = len(textures.FEATURES) // 3


def table(x: int | None = None) -> np.ndarray:
    """Return a photograph of a red table, with a blue object of 60 px at column `x`."""
    photograph = np.full((300, 300, 3), TABLE_BGR, np.uint8)
    if x is not None:
        photograph[120:180, x : x + 60] = OBJECT_BGR
    return photograph


def touch(light: float, *, pressed: bool) -> np.ndarray:
    """Return a frame of the fingertip, brighter in its middle; `pressed`: with a dark bar."""
    rows, columns = np.mgrid[:480, :640]
    frame = light * np.exp(-(((columns - 212) ** 2 + (rows - 216) ** 2) / 250.0**2))
    if pressed:
        frame[180:260, 120:300] *= 0.4
    return np.clip(frame, 0, 255).astype(np.uint8)


@pytest.fixture(scope='module')
def turntable(tmp_path_factory) -> Path:
    """Return a clone of two classes: two photographs and twelve touches of each of six objects."""
    clone = tmp_path_factory.mktemp('turntable')
    for number, name in enumerate(CLASSES, 1):
        for instance in range(1, 4):
            place = f'{number:02d}_{name}/{instance:02d}'
            for sense in ('vision', 'touch'):
                (clone / 'code/data/vt60' / sense / place).mkdir(parents=True)
            for n in (1, 2):
                path = f'code/data/vt60/vision/{place}/IMG_inst_{instance}_img_{n}_valid_{n}.jpg'
                cv2.imwrite(str(clone / path), table(100 + 3 * n + 7 * instance))
            for n in range(1, 13):
                frame = cv2.resize(touch(160.0 + instance, pressed=n != 5), (160, 120))
                path = f'code/data/vt60/touch/{place}/touch_{n}_img_{n}_name_x_at_1_2_3.jpg'
                cv2.imwrite(str(clone / path), cv2.resize(frame, (320, 240)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visuotactile, 'CLASSES', CLASSES)
        patch.setattr(visuotactile, 'INSTANCES', 3)
        yield clone


def model(speed: float, force: float, variance: float) -> str:
    return (
        f'<model><ARcoeff><value>1.0</value></ARcoeff><MAcoeff><value>1.0</value></MAcoeff>'
        f'<var>{variance}</var><gain>2.0</gain><speedMod>{speed}</speedMod>'
        f'<forceMod>{force}</forceMod></model>'
    )


@pytest.fixture(scope='module')
def toolkit(tmp_path_factory) -> Path:
    """Return a clone of ten textures: the rougher they feel, the more friction they have."""
    clone = tmp_path_factory.mktemp('toolkit')
    (clone / 'build' / 'XML').mkdir(parents=True)
    (clone / 'images').mkdir()
    for n in range(10):
        models = ''.join(
            model(speed, force, 0.01 * 2.0**n * speed / 100.0)
            for speed in (0.0, 50.0, 100.0, 200.0)
            for force in (0.5, 1.5, 3.0)
        )
        text = f'<modelSet><material>T {n}</material><mu>{0.1 + 0.1 * n}</mu>{models}</modelSet>'
        (clone / 'build' / 'XML' / f'Models_T {n}.xml').write_text(text)
        cv2.imwrite(str(clone / 'images' / f'T {n}_square.bmp'), table(20 * n)[:256, :256])
    return clone


def test_the_view_shows_the_object_wherever_it_lies_and_no_table():
    empty = visuotactile.empty_table([table(10 * n) for n in range(20)])
    views = [visuotactile.object_view(table(x), empty).astype(int) for x in (100, 150)]

    for view in views:
        red = (view[..., 0] - view[..., 2]) > 100
        blue = (view[..., 2] - view[..., 0]) > 100
        # Smoothing leaves a seam of one or two pixels of 60 on each side.
        assert red.mean() < 0.15 and blue.mean() > 0.6
        assert not red[:4, :4].any()
    assert np.abs(views[0] - views[1]).mean() < 12.0


def test_what_a_touch_felt_does_not_depend_on_the_light_of_its_object():
    frames = [[touch(light, pressed=n != 3) for n in range(5)] for light in (120.0, 240.0)]
    dim, bright = (visuotactile.feel(each) for each in frames)

    assert dim.shape == (4, len(visuotactile.FEATURES) // 3)
    assert np.abs(dim - bright).max() < 0.05
    # The frame that touched nothing is gone: every other one is darker under the bar.
    darker = dim[:, -2]
    assert (darker > 0.1).all()


def test_a_pair_of_the_turntable_is_a_photograph_and_ten_touches_of_its_object(turntable):
    data = visuotactile.read(turntable)

    assert data.pairs.image.shape == (12, 64, 64, 3)
    assert np.array_equal(np.bincount(data.pairs.action), [6, 6])
    assert data.objects[data.pairs.group[2]] == 'stapler 2' and data.fold[2] == 1
    for group in range(6):
        assert len(set(data.fold[data.pairs.group == group])) == 1
    readings = data.pairs.readings[SENSE]
    assert readings.shape == (12, data.profile.senses[SENSE].size) and np.isfinite(readings).all()


def test_power_in_bands_is_that_of_the_filter():
    flat = textures.band_powers(np.array([1.0]), np.array([1.0]), 0.04)
    low = textures.band_powers(np.array([1.0, -0.9]), np.array([1.0]), 0.04)

    # White noise has its variance at every frequency; a leaky sum has most below.
    assert np.allclose(flat, np.log10(0.04), atol=1e-6)
    assert (np.diff(low) < 0.0).all()


def test_power_is_told_at_the_usual_speed_with_how_it_grows(toolkit):
    name, friction, touches = textures.read_models(toolkit / 'build/XML/Models_T 3.xml')
    felt = textures.summarise(touches).reshape(3, BANDS)

    assert (name, friction) == ('T 3', pytest.approx(0.4))
    assert len(touches) == 9  # the tool at rest is left out
    # Variance 0.08, amplified by 2: power 0.32 at 100 mm/s, and in proportion to speed.
    assert np.allclose(felt[0], np.log10(0.32), atol=0.02)
    assert np.allclose(felt[1], 1.0, atol=0.3) and np.allclose(felt[2], 0.0, atol=0.05)


def test_frictions_are_thirds_and_a_texture_is_in_one_fold(toolkit):
    data = textures.read(toolkit)
    actions = [set(data.pairs.action[data.pairs.group == group]) for group in range(10)]

    assert len(data.pairs) == 160 and [len(each) for each in actions] == [1] * 10
    thirds = [each.pop() for each in actions]
    assert thirds == sorted(thirds) and set(np.bincount(thirds)) == {3, 4}
    assert [len(set(data.fold[data.pairs.group == group])) for group in range(10)] == [1] * 10
    assert np.array_equal(np.bincount(data.fold), [32] * 5)


@pytest.mark.parametrize('read', [visuotactile.read, textures.read])
def test_a_folder_that_is_no_clone_is_refused_with_where_to_get_it(tmp_path, read):
    with pytest.raises(RealSetError, match=r'expected .* found 0: clone https://github.com/'):
        read(tmp_path)


def test_a_texture_without_friction_is_refused(toolkit, tmp_path):
    text = (toolkit / 'build/XML/Models_T 1.xml').read_text()
    file = tmp_path / 'Models_T 1.xml'
    file.write_text(text.replace('<mu>0.2</mu>', ''))

    with pytest.raises(RealSetError, match='expected a texture with its friction'):
        textures.read_models(file)


def test_the_fingerprint_changes_with_any_byte(tmp_path):
    file = tmp_path / 'a'
    file.write_bytes(b'1')
    before = fingerprint(tmp_path, [file])
    file.write_bytes(b'2')

    assert fingerprint(tmp_path, [file]) != before


def test_a_profile_refuses_no_made_up_channel():
    profile = make_profile('any', [('a', '1', 0.0, 1.0)], ('no', 'yes'))

    assert profile.senses[SENSE].channel_names == ('a',) and profile.actions == ('no', 'yes')


@pytest.fixture(scope='module')
def data(toolkit):
    return textures.read(toolkit)


def test_nothing_of_the_unseen_objects_is_labelled_nor_tested_where_it_was_felt(data):
    for fold in range(5):
        cells, test = sets_experiment.split_fold(data, fold)
        unseen = np.flatnonzero(data.fold == fold)

        assert set(test) <= set(unseen) and len(test) == len(unseen) // 2
        for name, cell in cells.items():
            assert not set(cell.labelled) & set(unseen)
            assert not set(cell.felt) & (set(test) | set(cell.labelled))
            felt_unseen = bool(set(cell.felt) & set(unseen))
            assert felt_unseen == (name == 'met')
        assert set(cells['few labels'].labelled) < set(cells['all labels'].labelled)


@pytest.fixture(scope='module')
def experiment(toolkit, tmp_path_factory):
    """Return folders with the results and the page of an experiment of two steps each."""
    place = tmp_path_factory.mktemp('experiment')
    with pytest.MonkeyPatch.context() as patch:
        for name in ('TOUCH', 'BOTH', 'TAUGHT', 'LABELS', 'MET', 'MET_ALONE'):
            quick = {'steps': 2, 'validate_every': 2, 'batch': 4}
            recipe = getattr(sets_experiment, name).model_copy(update=quick)
            patch.setattr(sets_experiment, name, recipe)
        arguments = ['', 'textures', str(toolkit), '--seeds', '0']
        arguments += ['--out', str(place / 'out'), '--docs', str(place / 'docs')]
        patch.setattr(sys, 'argv', arguments)
        sets_experiment.main()
        before = (place / 'docs' / 'textures.json').read_text()
        patch.setattr(sets_experiment, 'measure_fold', None)  # nothing is left to do
        sets_experiment.main()
        assert (place / 'docs' / 'textures.json').read_text() == before
    return place


def test_every_texture_is_tested_once_in_every_way_and_the_page_says_so(experiment):
    figures = json.loads((experiment / 'docs' / 'textures.json').read_text())
    page = (experiment / 'docs' / 'real_data.md').read_text()

    assert figures['objects'] == 10 and figures['folds'] == [0, 1, 2, 3, 4]
    for way in ('taught', 'touch', 'labels alone'):
        for cell in sets_page.CELLS:
            assert len(figures['by_object'][f'{way}, {cell}']) == 10
    assert 'self-training, all labels' not in figures['ways']
    assert page.count('## Textures under a tool') == 1 and figures['sha256'] in page


def test_predictions_are_held_against_what_was_measured_and_others_kept(
    experiment, toolkit, monkeypatch
):
    arguments = ['', '--textures', str(toolkit), '--out', str(experiment / 'out')]
    arguments += ['--docs', str(experiment / 'docs')]
    monkeypatch.setattr(sys, 'argv', arguments)
    monkeypatch.setattr('crossmodal_kd_ros.benchmark.gain.FOLDS', 3)
    other = cell(0.1, 0.1, (0.2, 0.1, 0.3)) | {'set': 'of before'}
    (experiment / 'docs' / 'gain.json').write_text(json.dumps({'cells': [other]}))
    gain_cells.main()
    figures = json.loads((experiment / 'docs' / 'gain.json').read_text())
    measured = json.loads((experiment / 'out/textures/0-1.json').read_text())

    assert figures['summary']['textures']['cells'] == 15
    assert figures['summary']['all']['cells'] == 16 and other in figures['cells']
    (fold_1,) = [each for each in figures['cells'] if each['cell'] == 'textures, fold 1, met']
    gains = [
        measured['taught, met'][name] - measured['labels alone, met'][name]
        for name in measured['taught, met']
    ]
    assert fold_1['measured']['mean'] == pytest.approx(np.mean(gains), abs=1e-4)
    page = (experiment / 'docs' / 'real_data.md').read_text()
    assert '## Textures under a tool' in page and '## Predicting the gain' in page


def cell(predicted: float, surplus: float, measured: tuple[float, float, float]) -> dict:
    around = [
        {'mean': mean, 'low': mean - 0.01, 'high': mean + 0.01} for mean in (predicted, surplus)
    ]
    mean, *interval = measured
    return {
        'cell': 'c',
        'set': 's',
        'predicted': {'gain': around[0], 'surplus': around[1]},
        'measured': {'mean': mean, 'interval': interval},
    }


def test_errors_and_signs_of_predictions_are_counted():
    rows = [
        cell(0.10, 0.3, (0.20, 0.15, 0.25)),  # both right
        cell(0.05, -0.2, (0.02, 0.01, 0.03)),  # the rule is wrong
        cell(-0.05, 0.1, (-0.10, -0.15, -0.05)),  # the rule is wrong
        cell(0.00, 0.2, (0.05, -0.02, 0.12)),  # not clear: no sign to compare
        cell(0.10, 0.3, (0.10, 0.10, 0.10)),
    ]
    rows[-1]['measured']['interval'] = None  # of one object
    summary = gain_page.summarise_gains(rows)['s']

    assert summary['mean_absolute_error'] == pytest.approx((0.10 + 0.03 + 0.05 + 0.05 + 0.0) / 5)
    assert (summary['clear'], summary['always']) == (3, 2)
    assert summary['calls']['gain'] == {'right': 3, 'sure': 4, 'sure_and_right': 4}
    assert summary['calls']['surplus'] == {'right': 1, 'sure': 5, 'sure_and_right': 3}
    # Ranks of predictions 4.5, 3, 1, 2, 4.5 and of the measured 5, 2, 1, 3, 4.
    assert summary['rank_correlation']['gain'] == pytest.approx(8.5 / (9.5 * 10) ** 0.5, abs=1e-3)


def test_the_wall_is_predicted_from_what_its_benchmark_learnt_from(tmp_path, monkeypatch):
    plan = make_plan(quick=True)
    few = plan.recipe.data.model_copy(update={'labelled_views': 6, 'unlabelled_views': 9})
    plan = replace(plan, recipe=plan.recipe.model_copy(update={'data': few}), ablation_labels=3)
    monkeypatch.setattr(gain_cells, 'make_plan', lambda quick: plan)
    gained = {'mean': 0.2, 'interval': [0.1, 0.3], 'seeds': [0.2]}
    controls = {'student_no_kd': gained, 'student_self_training': dict.fromkeys(gained, None)}
    measured = {
        'gain': {'6': {name: {'accuracy': figure} for name, figure in controls.items()}},
        'recovery': {'0': {'gain': controls}, '1': {'gain': controls}},
    }
    results = tmp_path / 'results.json'
    results.write_text(json.dumps(measured))
    whole, hidden = gain_cells.cases_of_wall(tmp_path / 'cache', results)
    assert whole[0] == 'wall, 6 labels' and hidden[0] == 'wall, 3 labels, 0 of it shows'
    for (_, learnt, places), labels in ((whole, 6), (hidden, 3)):
        pairs, profile = learnt()
        assert len(pairs) == labels + 9 and profile == load_profile()
        assert (pairs.action != NO_LABEL).sum() == labels
        assert places['new'][1] == {'mean': 0.2, 'interval': [0.1, 0.3]}
    # The same panels, of which the camera shows nothing.
    seen, unseen = whole[1]()[0], hidden[1]()[0]
    assert (seen.group[:12] == unseen.group).all()
    assert not (seen.image[:12] == unseen.image).all()
