# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A training set from recordings: synchronized, split by stretches of wall, every drop counted."""

import json
import sqlite3
from collections import Counter

import made_up_bag as made
import numpy as np
import pytest
from made_up_bag import ACTIONS, PROFILE
from test_topics import air_topics

from crossmodal_kd_ros.bags import Bag, BagError
from crossmodal_kd_ros.bags.dataset import DataSetPlan, make_dataset
from crossmodal_kd_ros.bags.labels import assign_labels, read_labels
from crossmodal_kd_ros.bags.synchronize import synchronize
from crossmodal_kd_ros.bags.topics import choose_topics
from crossmodal_kd_ros.cli.dataset import closing_lines
from crossmodal_kd_ros.datasets import (
    NO_LABEL,
    DataSetError,
    load_folder,
    read_datasheet,
    read_profile,
)
from crossmodal_kd_ros.profile import load_profile, measure_quantities, square_view

SPLITS = ('train', 'validation', 'test')


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Twelve seconds at 10 Hz; touch is silent from 4 to 6 s."""
    return made.robot(
        tmp_path_factory.mktemp('made') / 'wall',
        duration_s=12.0,
        touch_gap=(4.0, 6.0),
        camera_hz=10.0,
    )


def labels(tmp_path, *rows, head='start_s,end_s,action'):
    (tmp_path / 'labels.csv').write_text('\n'.join([head, *rows]) + '\n')
    return read_labels(tmp_path / 'labels.csv', PROFILE)


def built(bag, out, chosen, **options):
    sheet = make_dataset(
        DataSetPlan(bags=[bag], out=out, profile=PROFILE, labels=chosen, block_s=1.0, **options)
    )
    return sheet, {name: load_folder(name, out, PROFILE) for name in SPLITS}


@pytest.fixture(scope='module')
def whole(bag, tmp_path_factory):
    """Make a data set of it, of which nobody labelled 2 to 4 s."""
    folder = tmp_path_factory.mktemp('set')
    chosen = labels(folder, '0,2,hydrate', '6,9,seal_crack', '9,12,hydrate')
    return folder / 'out', *built(bag, folder / 'out', chosen)


def seconds(folder, name):
    return (np.load(folder / name / 'stamp_ns.npy') - made.START_NS) / 1e9


def test_a_sample_is_a_picture_with_the_touch_and_gas_read_nearest_to_its_stamp(whole):
    folder, _, splits = whole
    for name, pairs in splits.items():
        for row, t_s in enumerate(seconds(folder, name)):
            shown = square_view(
                made.cv2.imdecode(made.jpeg(t_s).data, made.cv2.IMREAD_COLOR)[..., ::-1],
                size_px=128,
            )
            np.testing.assert_array_equal(pairs.image[row], shown)
            felt_s = min(
                made.times(12.0, 100.0, ((4.0, 6.0),)), key=lambda felt_s: abs(felt_s - t_s)
            )
            np.testing.assert_array_equal(pairs.readings['touch'][row], made.touch_values(felt_s))
            # Gas comes at 2 Hz: the nearest may come after the picture, and in the middle either
            # is right.
            apart_s = [abs(smelt_s - t_s) for smelt_s in made.times(12.0, 2.0)]
            near = [
                made.gas_values(smelt_s)
                for smelt_s, far_s in zip(made.times(12.0, 2.0), apart_s)
                if far_s < min(apart_s) + 1e-6
            ]
            assert any(np.allclose(pairs.readings['gas'][row], values) for values in near)
        np.testing.assert_allclose(
            pairs.quantities, measure_quantities(PROFILE, pairs.readings), rtol=1e-5
        )


def test_splits_share_no_block_and_keep_apart_at_the_seams(whole):
    folder, _, splits = whole
    blocks = {name: set(pairs.group.tolist()) for name, pairs in splits.items()}
    assert not blocks['train'] & blocks['validation'] and not blocks['train'] & blocks['test']
    assert not blocks['validation'] & blocks['test']
    everything = {name: seconds(folder, name) for name in SPLITS}
    for one in SPLITS:
        for other in SPLITS:
            if one != other:
                assert np.abs(everything[one][:, None] - everything[other][None]).min() > 0.25


def test_what_nobody_labelled_is_kept_for_training_alone(whole):
    folder, sheet, splits = whole
    train = splits['train']
    unlabelled = seconds(folder, 'train')[train.action == -1]
    assert len(unlabelled) and ((unlabelled >= 2.0) & (unlabelled < 6.0)).all()
    assert (splits['validation'].action >= 0).all() and (splits['test'].action >= 0).all()
    assert sheet['splits']['train']['actions']['unlabelled'] == len(unlabelled)


def test_labels_count_in_seconds_of_the_bag(whole):
    folder, _, splits = whole
    for name, pairs in splits.items():
        for t_s, action in zip(seconds(folder, name), pairs.action):
            if action >= 0:
                # The first message was received 1 ms into the bag's first second.
                assert ACTIONS[action] == ('seal_crack' if 6.0 <= t_s < 9.0 else 'hydrate')


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_second_0_of_labels_is_the_first_message_of_the_bag_whatever_its_topic(tmp_path, storage):
    logs = [(t_s, made.text('starting')) for t_s in (-5.5, -5.0, 1.0)]
    bag = made.robot(
        tmp_path / 'wall', duration_s=1.0, more={'/rosout': (made.STRING, logs)}, storage=storage
    )
    if storage == 'sqlite3':  # a time that no clock gives is no start
        with sqlite3.connect(bag / 'wall.db3') as database:
            database.execute('UPDATE messages SET timestamp = 0 WHERE id = 1')
    with Bag(bag) as opened:
        topics = choose_topics(opened, PROFILE, {})
        first = next(synchronize(opened, topics, PROFILE, Counter(), []))
    assert first.t_s == pytest.approx(5.0 if storage == 'sqlite3' else 5.5)


def test_the_datasheet_counts_every_picture_kept_or_dropped_with_the_reason(whole):
    folder, sheet, splits = whole
    kept = sum(len(pairs) for pairs in splits.values())
    assert kept == sum(split['samples'] for split in sheet['splits'].values())
    assert kept + sum(sheet['dropped'].values()) == 120
    # Silent from 4 to 6 s: the pictures more than 0.1 s from any touch.
    assert sheet['dropped']['no touch within 0.1 s of the picture'] == pytest.approx(18, abs=1)
    assert sheet == read_datasheet(folder) == json.loads((folder / 'datasheet.json').read_text())


def test_normalisation_knows_the_training_split_alone(whole):
    _, sheet, splits = whole
    statistics = sheet['normalisation']['touch.indentation']
    indentation = splits['train'].readings['touch'][:, 128:]
    assert statistics['mean'] == pytest.approx(float(indentation.mean()), rel=1e-5)
    assert statistics['std'] == pytest.approx(float(indentation.std()), rel=1e-4)
    assert (statistics['min'], statistics['max']) == (indentation.min(), indentation.max())
    assert set(sheet['normalisation']) > {'gas.voc_index', 'crack_depth'}


@pytest.fixture(scope='module')
def measured_cracks(bag, tmp_path_factory):
    """Make a data set of it with the width of the crack in some of the stretches."""
    folder = tmp_path_factory.mktemp('cracks')
    chosen = labels(
        folder,
        '0,2,hydrate,',
        '2,4,,0.25',
        '6,9,seal_crack,0.5',
        '9,12,hydrate,0',
        head='start_s,end_s,action,Crack_Width',
    )
    return folder / 'out', *built(bag, folder / 'out', chosen)


def test_labels_say_what_only_the_picture_shows_and_the_rest_is_unknown(measured_cracks):
    folder, sheet, splits = measured_cracks
    column = list(PROFILE.quantities).index('crack_width')
    widths_mm = ((0.0, 2.0, np.nan), (2.0, 4.0, 0.25), (4, 6, np.nan), (6, 9, 0.5), (9, 12, 0.0))
    for name, pairs in splits.items():
        t_s = seconds(folder, name)
        expected = [next(mm for start, end, mm in widths_mm if start <= t < end) for t in t_s]
        np.testing.assert_array_equal(pairs.quantities[:, column], np.float32(expected))
        assert np.isfinite(np.delete(pairs.quantities, column, 1)).all()
        known = np.isfinite(expected).sum()
        assert sheet['splits'][name]['known'] == {'crack_width': known}
        assert f', crack_width known of {known})' in '\n'.join(closing_lines(sheet, folder))
    # Nobody said what to do from 2 to 4 s, but how wide the crack is.
    train = splits['train']
    assert np.isfinite(train.quantities[train.action == NO_LABEL, column]).any()
    known_mm = train.quantities[:, column][np.isfinite(train.quantities[:, column])]
    statistics = sheet['normalisation']['crack_width']
    assert statistics['mean'] == pytest.approx(float(known_mm.mean()), rel=1e-5)
    assert (statistics['min'], statistics['max']) == (known_mm.min(), known_mm.max())
    assert sheet['quantities'].endswith('crack_width as labels say')


def test_a_data_set_that_knows_nothing_of_what_only_the_picture_shows_says_so(whole):
    folder, sheet, splits = whole
    column = list(PROFILE.quantities).index('crack_width')
    assert all(np.isnan(pairs.quantities[:, column]).all() for pairs in splits.values())
    assert set(sheet['normalisation']['crack_width'].values()) == {None}
    json.loads((folder / 'datasheet.json').read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize('cell', ['-0.1', 'wide', 'nan', 'inf'])
def test_a_label_of_what_cannot_be_is_refused_by_its_line(tmp_path, cell):
    with pytest.raises(
        BagError, match=r'labels.csv, line 3: expected crack_width in mm of at least 0, or nothing'
    ) as caught:
        labels(
            tmp_path,
            '0,2,hydrate,0.3',
            f'2,4,hydrate,{cell}',
            head='start_s,end_s,action,crack_width',
        )
    assert repr(cell) in str(caught.value) and '\n' not in str(caught.value)


def test_a_column_of_what_a_sense_measures_is_refused(tmp_path):
    with pytest.raises(BagError, match='if wanted bag, panel, crack_width.* got .*crack_depth'):
        labels(tmp_path, '0,2,hydrate,3', head='start_s,end_s,action,crack_depth')


def test_the_folder_says_of_which_profile_it_is(whole):
    folder, _, _ = whole
    assert read_profile(folder) == PROFILE
    with pytest.raises(DataSetError, match='of the profile air'):
        load_folder('train', folder, load_profile('air'))


def test_what_is_far_from_its_picture_or_dark_is_flagged(whole):
    folder, sheet, _ = whole
    bits = sheet['quality_bits']
    assert bits == {'touch_apart': 1, 'gas_apart': 2, 'dark': 4, 'overexposed': 8, 'flat': 16}
    for name in SPLITS:
        quality, apart_s = (
            np.load(folder / name / f'{array}.npy') for array in ('quality', 'apart_s')
        )
        np.testing.assert_array_equal((quality & 1) > 0, apart_s[:, 0] > 0.02)
        assert apart_s[:, 0].max() <= 0.1001 and apart_s[:, 1].max() <= 0.5


def test_a_sense_of_several_topics_is_paired_with_the_pictures(tmp_path):
    profile = load_profile('air')
    bag = made.write_bag(
        tmp_path / 'room',
        {
            '/camera/image_raw': (
                made.IMAGE,
                [(t_s, made.raw(t_s)) for t_s in made.times(40.0, 4.0)],
            ),
            **air_topics('', made.times(45.0, 1 / 3)),
        },
    )
    (tmp_path / 'labels.csv').write_text('start_s,end_s,action\n0,20,heat\n20,40,open_window\n')
    chosen = read_labels(tmp_path / 'labels.csv', profile)
    make_dataset(
        DataSetPlan(bags=[bag], out=tmp_path / 'out', profile=profile, labels=chosen, block_s=2.0)
    )
    for name in SPLITS:
        pairs = load_folder(name, tmp_path / 'out', profile)
        # The bag says the time in its CO2; the newest part came 0.2 s later.
        measured_s = pairs.readings['air'][:, 0] - 400.0 + 0.2
        assert np.abs(measured_s - seconds(tmp_path / 'out', name)).max() <= 1.5 + 1e-3
        np.testing.assert_allclose(pairs.quantities[:, 0], pairs.readings['air'][:, 0])


def test_panels_that_labels_name_are_never_divided(bag, tmp_path):
    rows = [
        f'{2 * index},{2 * index + 2},{"hydrate" if index % 2 else "seal_crack"},wall{index}'
        for index in (0, 1, 3, 4, 5)
    ]
    chosen = labels(tmp_path, *rows, head='start_s,end_s,action,panel')
    _, splits = built(bag, tmp_path / 'out', chosen)
    for name in SPLITS:
        for other in SPLITS:
            mine, theirs = (
                {int(t_s // 2) for t_s in seconds(tmp_path / 'out', split)}
                for split in (name, other)
            )
            assert name == other or not mine & theirs


def test_a_label_topic_does_what_a_file_does(tmp_path):
    labels = [
        (0.0, made.text('{"action": "hydrate", "why": "dry"}')),
        (3.0, made.text('seal_crack')),
    ]
    bag = made.robot(
        tmp_path / 'wall',
        duration_s=6.0,
        touch_gap=(9.0, 9.0),
        camera_hz=10.0,
        touch_hz=50.0,
        more={'/said': (made.STRING, labels)},
    )
    make_dataset(
        DataSetPlan(
            bags=[bag],
            out=tmp_path / 'out',
            profile=PROFILE,
            requests={'label': '/said'},
            block_s=1.0,
        )
    )
    for name in SPLITS:
        action = load_folder(name, tmp_path / 'out', PROFILE).action
        assert [ACTIONS[index] for index in action] == [
            'seal_crack' if t_s > 2.99 else 'hydrate' for t_s in seconds(tmp_path / 'out', name)
        ]


@pytest.mark.parametrize(
    ('rows', 'sentence'),
    [
        (['0,2,dance'], 'line 2: expected an action out of'),
        (['x,2,hydrate'], 'line 2: expected seconds'),
        (['3,2,hydrate'], 'starts before it ends'),
        (['0,2,hydrate', '1,3,hydrate'], 'do not overlap'),
    ],
)
def test_labels_that_cannot_be_meant_are_refused_with_their_line(tmp_path, rows, sentence):
    with pytest.raises(BagError, match=sentence):
        assign_labels(labels(tmp_path, *rows), [tmp_path / 'wall'])


def test_too_few_labels_are_refused_with_what_to_do(bag, tmp_path):
    with pytest.raises(
        BagError, match='expected at least 3 labelled panels or blocks .* got 1: label more'
    ):
        built(bag, tmp_path / 'out', labels(tmp_path, '0,1,hydrate'))


@pytest.mark.parametrize(
    'rows',
    [
        ['0,1,hydrate', '7,8,seal_crack', '10,11,hydrate'],
        # One that was hardly seen is for training.
        ['0,1,hydrate', '2,2.2,hydrate', '7,8,seal_crack', '10,11,hydrate'],
        ['2,2.2,hydrate', '7,8,seal_crack', '10,11,hydrate'],
    ],
)
def test_three_labelled_blocks_are_enough(bag, tmp_path, rows):
    sheet, splits = built(bag, tmp_path / 'out', labels(tmp_path, *rows))
    assert sheet['splits']['validation']['blocks'] == sheet['splits']['test']['blocks'] == 1
    assert all((pairs.action != NO_LABEL).any() for pairs in splits.values())


def test_a_folder_with_other_files_is_left_alone(bag, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'thesis.txt').write_text('years of work')
    with pytest.raises(BagError, match='expected a data set or nothing'):
        built(bag, tmp_path / 'out', ())
    assert (tmp_path / 'out' / 'thesis.txt').exists()


def test_a_folder_that_is_no_data_set_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(DataSetError, match='crossmodal-kd dataset from-bags'):
        load_folder('train', tmp_path, PROFILE)


def test_a_failure_leaves_nothing_and_an_empty_folder_counts_as_nothing(bag, tmp_path):
    out = tmp_path / 'sets' / 'out'
    with pytest.raises(BagError, match='at least 3 labelled'):
        built(bag, out, ())
    assert not list(tmp_path.iterdir())
    out.mkdir(parents=True)
    built(bag, out, labels(tmp_path, '0,6,seal_crack', '6,12,hydrate'))
    assert [path.name for path in out.parent.iterdir()] == ['out']
    assert not (out / 'views.tmp').exists()


def test_a_data_set_survives_a_failure_and_is_replaced_by_a_success(bag, tmp_path):
    out, chosen = tmp_path / 'out', labels(tmp_path, '0,6,seal_crack', '6,12,hydrate')
    built(bag, out, chosen, command='first')
    with pytest.raises(BagError, match='at least 3 labelled'):
        built(bag, out, ())
    assert read_datasheet(out)['command'] == 'first' and len(load_folder('test', out, PROFILE))
    built(bag, out, chosen, command='second')
    assert read_datasheet(out)['command'] == 'second'
    assert {path.name for path in tmp_path.iterdir()} == {'out', 'labels.csv'}
