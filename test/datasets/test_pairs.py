# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pairs of any profile in memory and in a folder, and why a folder is refused."""

from dataclasses import replace

import numpy as np
import pytest
import yaml
from three_senses import AIR, PAD, SKIN, three_senses

from crossmodal_kd_ros.datasets import (
    DataSetError,
    Pairs,
    array_names,
    load_folder,
    load_simulated,
    read_datasheet,
    read_profile,
    simulated,
)
from crossmodal_kd_ros.datasets.pairs import save_arrays
from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.simulation import CONDITIONS, draw_panels
from crossmodal_kd_ros.simulation.constants import MATERIALS

THREE = three_senses()


def make_pairs(profile: Profile = THREE, count: int = 6) -> Pairs:
    rng = np.random.default_rng(0)
    return Pairs(
        image=rng.integers(0, 256, (count, 64, 64, 3), np.uint8),
        readings={
            name: rng.random((count, sense.size), np.float32)
            for name, sense in profile.senses.items()
        },
        quantities=rng.random((count, len(profile.quantities)), np.float32),
        action=np.arange(count) % len(profile.actions),
        night=np.zeros(count, bool),
        group=np.arange(count),
    )


@pytest.fixture
def folder(tmp_path):
    save_arrays(make_pairs(), tmp_path / 'train')
    text = yaml.safe_dump(THREE.model_dump(mode='json', exclude_unset=True), sort_keys=False)
    (tmp_path / 'profile.yaml').write_text(text)
    return tmp_path


def assert_equal(one: Pairs, other: Pairs) -> None:
    arrays = other.arrays()
    assert list(one.arrays()) == list(arrays)
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, arrays[name])


def test_rows_and_parts_of_pairs_are_pairs():
    pairs = make_pairs()
    assert_equal(Pairs.join([pairs[:2], pairs[2:]]), pairs)
    assert len(pairs[np.array([1, 3])]) == 2
    labelled = pairs.with_labels(4, THREE)
    assert labelled.action.tolist() == [0, 1, 2, 0, -1, -1]
    # A person says what only the picture shows, and a sense what it measures.
    assert np.isnan(labelled.quantities).tolist() == [[False, False]] * 4 + [[False, True]] * 2
    assert np.isfinite(pairs.quantities).all()
    with pytest.raises(ValueError, match='at most 6 labels for as many pairs, got 7'):
        pairs.with_labels(7, THREE)


def test_every_sense_has_an_array_of_its_own(folder):
    names = array_names(THREE)
    assert names[1:4] == (f'reading_{PAD}', f'reading_{SKIN}', f'reading_{AIR}')
    assert {path.stem for path in (folder / 'train').iterdir()} == set(names)


def test_a_folder_comes_back_as_it_was_with_its_images_on_disk(folder):
    assert read_profile(folder) == THREE
    pairs = load_folder('train', folder, THREE)
    assert_equal(pairs, make_pairs())
    assert isinstance(pairs.image, np.memmap)


def test_a_folder_of_another_profile_is_refused_with_both_names(folder):
    with pytest.raises(DataSetError, match='of the profile living_wall .* got one of three_sense'):
        load_folder('train', folder, load_profile('living_wall'))


@pytest.mark.parametrize(
    ('split', 'spoil', 'message'),
    [
        ('test', lambda folder: None, 'the test split of a data set .* there is no image'),
        ('train', lambda folder: (folder / 'profile.yaml').unlink(), 'with its profile.yaml'),
        (
            'train',
            lambda folder: (folder / 'train' / 'reading_air.npy').unlink(),
            'there is no reading_air',
        ),
        (
            'train',
            lambda folder: np.save(folder / 'train' / 'action.npy', np.zeros(5, int)),
            'as many rows of each array',
        ),
        (
            'train',
            lambda folder: np.save(folder / 'train' / 'reading_air.npy', np.zeros((6, 4), 'f4')),
            r'expected float32\[N, 3\] in .*reading_air.npy, got float32\[6, 4\]',
        ),
    ],
)
def test_a_folder_that_is_no_data_set_is_refused_in_one_sentence(folder, split, spoil, message):
    spoil(folder)
    with pytest.raises(DataSetError, match=message) as caught:
        load_folder(split, folder, THREE)
    assert '\n' not in str(caught.value)


def test_simulated_pairs_are_made_once_and_then_read(tmp_path, monkeypatch):
    made = load_simulated('test', 4, seed=3, cache_dir=tmp_path)

    def fail(*_, **__):
        raise AssertionError('simulated again')

    monkeypatch.setattr(simulated, 'simulate', fail)
    assert_equal(load_simulated('test', 4, seed=3, cache_dir=tmp_path), made)
    assert made.readings['touch'].shape == (4, 256) and made.quantities.dtype == np.float32


def test_the_robot_with_an_arm_meets_the_same_wall_with_one_sense_more():
    armed = load_profile('living_wall_arm')
    bare = simulated.simulate('test', 6, seed=3)
    pairs = simulated.simulate('test', 6, seed=3, profile=armed)

    assert list(pairs.readings) == list(armed.senses)
    assert pairs.readings['arm'].shape == (6, 18)
    for name, array in bare.arrays().items():
        np.testing.assert_array_equal(pairs.arrays()[name], array)


def test_a_robot_that_nobody_simulates_is_refused():
    with pytest.raises(ValueError, match='living_wall, living_wall_arm'):
        simulated.simulate('test', 2, seed=0, profile=load_profile('gripper'))


def spoilt(name: str, value: float, place: int = 4):
    """Return an array of the good data set with one value replaced."""
    array = make_pairs().arrays()[name].copy()
    array.reshape(-1)[place] = value
    return array


def test_what_only_the_picture_shows_may_be_unknown(folder):
    unknown = spoilt('quantities', np.nan, 5)
    np.save(folder / 'train' / 'quantities.npy', unknown)
    np.testing.assert_array_equal(load_folder('train', folder, THREE).quantities, unknown)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('image', b'junk', 'expected an array in .*image.npy, got none'),
        ('action', b'', 'expected an array in .*action.npy, got none'),
        ('group', np.array([{}] * 6), 'expected an array in .*group.npy, got none'),
        ('image', np.zeros((6, 32, 32, 3), 'u1'), r'uint8\[N, 64, 64, 3\] .* got uint8\[6, 32'),
        ('action', np.zeros(6), r'int64\[N\] .* got float64\[6\]'),
        ('night', np.array(True), r'bool\[N\] .* got bool\[\]'),
        (
            'reading_air',
            spoilt('reading_air', np.nan),
            'finite air .* in 1 of 6 rows, the first 1',
        ),
        ('quantities', spoilt('quantities', np.inf), 'expected finite quantities'),
        # The pad measures the first quantity; of the second, infinity is no way to say unknown.
        ('quantities', spoilt('quantities', np.nan), 'expected finite quantities .* the first 2'),
        ('quantities', spoilt('quantities', np.inf, 5), 'expected finite quantities .* first 2'),
        ('action', spoilt('action', 3), r'actions from -1 \(none\) to 2 .* got 3'),
    ],
)
def test_a_damaged_array_is_refused_in_one_sentence(folder, name, content, message):
    path = folder / 'train' / f'{name}.npy'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(DataSetError, match=message) as caught:
        load_folder('train', folder, THREE)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('text', ['{"splits": {}}', '{"bags": []}', '[]', '{"bags": [3]}', 'x'])
def test_a_datasheet_that_lacks_its_parts_is_refused_in_one_sentence(tmp_path, text):
    (tmp_path / 'datasheet.json').write_text(text)
    with pytest.raises(DataSetError, match='datasheet.json, whole, .* make it again') as caught:
        read_datasheet(tmp_path)
    assert '\n' not in str(caught.value)


@pytest.fixture(scope='module')
def looked_at():
    """Return what gives the same views of an algae panel and another under a condition."""
    material = list(MATERIALS).index('algae_panel')
    panels = [
        replace(panel, material=n) for n, panel in zip((material, 0), draw_panels(2, seed=3))
    ]
    senses = tuple(load_profile().senses)
    return lambda condition: simulated._simulate_some(panels, 0, (0, 3), condition, senses)


@pytest.mark.parametrize('condition', CONDITIONS)
def test_under_a_condition_the_same_places_are_seen(looked_at, condition):
    day, changed = looked_at('day'), looked_at(condition)

    assert (day.action == changed.action).all()
    assert (day.readings['touch'] == changed.readings['touch']).all()
    assert (day.image == changed.image).all() == (condition == 'day')
    assert changed.night.all() == (condition == 'night')
    # The gas is that of the light: by night algae breathe out.
    breathes_alike = (day.readings['gas'] == changed.readings['gas']).all(1).tolist()
    assert breathes_alike == [condition != 'night'] * 3 + [True] * 3
