# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Labels as people make them: out of a spreadsheet, bags by name, path or file, some misspelt."""

import json
import subprocess
from pathlib import Path

import pytest
from field_inputs import FIELD, made, needs_field, run

from crossmodal_kd_ros.bags import BagError
from crossmodal_kd_ros.bags.dataset import DataSetPlan, make_dataset
from crossmodal_kd_ros.bags.labels import assign_labels, read_labels

HEAD = 'bag,start_s,end_s,action'
ACTIONS = made.ACTIONS


@pytest.fixture(scope='module')
def walls(tmp_path_factory):
    """Make two bags of 6 s, `wall_1` and `wall_2`."""
    folder = tmp_path_factory.mktemp('walls') / 'data'
    folder.mkdir()
    return [
        made.robot(
            folder / name, duration_s=6.0, touch_gap=(9.0, 9.0), camera_hz=10.0, touch_hz=20.0
        )
        for name in ('wall_1', 'wall_2')
    ]


def read(tmp_path, content: str | bytes):
    path = tmp_path / 'labels.csv'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labels(path, made.PROFILE)


def as_read(labels) -> list[tuple]:
    return [(one.bag, one.start_s, one.end_s, ACTIONS[one.action]) for one in labels]


def dataset(bags, labels: Path, out: Path) -> subprocess.CompletedProcess:
    return run(*('dataset', 'from-bags', *bags, '--labels', labels, '--out', out, '--block', '1'))


@needs_field
@pytest.mark.parametrize('name', ['labels_with_bom.csv', 'labels_with_paths.csv'])
def test_each_wall_gets_its_own_label_whatever_the_spreadsheet_calls_it(walls, tmp_path, name):
    done = dataset(walls, FIELD / name, tmp_path / 'set')
    assert done.returncode == 0, done.stderr
    sheet = json.loads((tmp_path / 'set' / 'datasheet.json').read_text())
    counts = {name: split['actions'] for name, split in sheet['splits'].items()}
    assert set(counts['train']) == {'hydrate', 'seal_crack'}
    hydrated, sealed = (
        assign_labels(read_labels(FIELD / name, made.PROFILE), walls)[number] for number in (0, 1)
    )
    assert [ACTIONS[label.action] for label in hydrated] == ['hydrate']
    assert [ACTIONS[label.action] for label in sealed] == ['seal_crack']
    if 'paths' in name:
        assert f'{walls[1]}: its labels call it data/wall_2.mcap' in done.stdout


def as_excel_writes(text: str, separator: str, encoding: str) -> bytes:
    return text.replace(',', separator).replace('\n', '\r\n').encode(encoding)


@pytest.mark.parametrize('separator', [',', ';', '\t'])
@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-be'])
def test_what_spreadsheets_save_is_read(tmp_path, separator, encoding):
    mark = b'\xfe\xff' if encoding == 'utf-16-be' else b''
    text = f'{HEAD}\nwand_süd,0,12.5,hydrate\n,,,\nwand_süd,20,30,\n'
    labels = read(tmp_path, mark + as_excel_writes(text, separator, encoding))
    assert [(one.bag, one.start_s, one.end_s, one.action) for one in labels] == [
        ('wand_süd', 0.0, 12.5, ACTIONS.index('hydrate')),
        ('wand_süd', 20.0, 30.0, -1),
    ]


@pytest.mark.parametrize(('separator', 'number'), [(',', '0.35'), (';', '0,35'), ('\t', '0,35')])
def test_the_width_of_a_crack_is_read_with_the_point_that_the_spreadsheet_writes(
    tmp_path, separator, number
):
    cells = (
        ('start_s', 'end_s', 'action', 'CRACK_WIDTH'),
        ('0', '5', 'hydrate', number),
        ('5', '9', '', ''),
    )
    labels = read(tmp_path, '\n'.join(map(separator.join, cells)))
    assert [dict(label.seen) for label in labels] == [{'crack_width': 0.35}, {}]


def test_a_decimal_comma_of_europe_is_read(tmp_path):
    labels = read(tmp_path, 'start_s;end_s;action\n0,5;12,25;hydrate\n')
    assert as_read(labels) == [('', 0.5, 12.25, 'hydrate')]
    with pytest.raises(
        BagError, match="line 2: expected seconds such as 12.5, got '0' and '1,234"
    ):
        read(tmp_path, 'start_s\tend_s\taction\n0\t1,234\thydrate\n')


def test_column_names_count_in_any_case(tmp_path):
    labels = read(tmp_path, 'Start_s,END_S,Action,Bag\n0,12.5,hydrate,wall_1\n')
    assert as_read(labels) == [('wall_1', 0.0, 12.5, 'hydrate')]


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        ('bag,start_s,end_s,action,comment\n', "'end_s', 'action', 'comment'"),
        ('bag,start_s,end_s\n', "got 'bag', 'start_s', 'end_s'"),
        ('bag,bag,start_s,end_s,action\n', 'each once, in the first line of'),
        ('sep=;\nbag;start_s;end_s;action\n', "got 'sep='"),
        ('', 'got none'),
        (f'{HEAD}\nwall_1,0,5,10,5,hydrate\n', "line 2: expected 4 cells, got 6: 'hydrate'"),
        (f'{HEAD}\n\n\nwall_1,0,5,dance\n', 'line 4: expected an action out of'),
        (f'{HEAD}\nwand_süd,0,5,hydrate\n'.encode('latin-1'), 'save it as "CSV UTF-8"'),
        (f'{HEAD}\nwall_1,0,5,hydrate\n'.encode('utf-16-le'), 'save it as "CSV UTF-8"'),
        (f'{HEAD}\n"wall_1,0,2,hydrate\nwall_1,2,4,hydrate\n', 'line 2: expected cells without'),
        (f'{HEAD}\nw,0,2,hydrate\n"wall\n1",2,4,hydrate\n', 'line 3: expected cells without'),
        (f'{HEAD}\n"wall" 1,0,2,hydrate\n', 'line 2: expected cells without'),
        (b'PK\x03\x04\x14\x00\x06\x00', 'save it as "CSV UTF-8"'),
        (f'{HEAD}\nwall_1,nan,5,hydrate\n', 'starts before it ends'),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(tmp_path, content, sentence):
    with pytest.raises(BagError) as refusal:
        read(tmp_path, content)
    assert sentence in str(refusal.value) and '\n' not in str(refusal.value)


@pytest.mark.parametrize(
    ('name', 'number'),
    [
        ('wall_1', 0),
        ('./wall_1/', 0),
        ('data/wall_1', 0),
        ('../data/wall_1', 0),
        ('/x/data/wall_1', 0),
        ('wall_1.mcap', 0),
        ('data\\wall_1.db3', 0),
        ('wall_2.mcap.zst', 1),
        ('wall_2.mcap.zstd', 1),
    ],
)
def test_a_bag_may_be_called_by_name_path_or_file(tmp_path, name, number):
    bags = [Path('/x/data/wall_1'), Path('wall_2.mcap')]
    assigned = assign_labels(read(tmp_path, f'{HEAD}\n{name},0,5,hydrate\n'), bags)
    assert [len(labels) for labels in assigned] == [number == 0, number == 1]


def test_bags_of_one_name_are_told_apart_by_the_folder_before(tmp_path):
    bags = [Path('monday/wall'), Path('tuesday/wall')]
    assigned = assign_labels(read(tmp_path, f'{HEAD}\ntuesday/wall/,0,5,hydrate\n'), bags)
    assert [len(labels) for labels in assigned] == [0, 1]
    for name, count in (('wall', 'several'), ('sunday/wall', 'none')):
        with pytest.raises(BagError, match=f'{name}. in line 2, which is {count} of them'):
            assign_labels(read(tmp_path, f'{HEAD}\n{name},0,5,hydrate\n'), bags)


@pytest.mark.parametrize('name', ['tuesday/wall', '/data/monday/wall', 'C:\\monday\\wall'])
def test_a_label_of_another_folder_is_refused_where_one_bag_is_given(tmp_path, name):
    labels = read(tmp_path, f'{HEAD}\nmonday/wall,0,4,hydrate\n{name},4,8,seal_crack\n')
    with pytest.raises(BagError, match='wall. in line 3, which is none of them'):
        assign_labels(labels, [tmp_path / 'monday' / 'wall'])


def test_a_bag_behind_a_symbolic_link_has_both_names(tmp_path):
    (tmp_path / 'monday' / 'wall').mkdir(parents=True)
    (tmp_path / 'newest').symlink_to(tmp_path / 'monday' / 'wall')
    labels = read(tmp_path, f'{HEAD}\nmonday/wall,0,4,hydrate\nnewest,4,8,seal_crack\n')
    assert assign_labels(labels, [tmp_path / 'newest']) == [labels]


def test_a_label_of_a_misspelt_bag_is_refused_before_hours_of_reading(walls, tmp_path):
    (tmp_path / 'labels.csv').write_text(f'{HEAD}\nwall_1,0,6,hydrate\nwal_2,0,6,seal_crack\n')
    done = dataset(walls, tmp_path / 'labels.csv', tmp_path / 'set')
    assert done.returncode == 1 and done.stderr.count('\n') == 1
    assert "'wal_2' in line 3, which is none of them" in done.stderr


def test_labels_of_one_bag_under_two_names_must_not_overlap(tmp_path):
    labels = read(tmp_path, f'{HEAD}\nwall,0,5,hydrate\n./wall/,4,6,seal_crack\n')
    with pytest.raises(BagError, match='do not overlap, got one to 5.0 s in line 2 and one'):
        assign_labels(labels, [Path('wall')])
    labels = read(tmp_path, f'{HEAD}\n,0,5,hydrate\nwall,4,6,seal_crack\n')
    with pytest.raises(BagError, match='do not overlap'):
        assign_labels(labels, [Path('wall'), Path('other')])


def made_set(walls, tmp_path, content: str) -> dict:
    labels = read(tmp_path, content)
    return make_dataset(
        DataSetPlan(
            bags=walls, out=tmp_path / 'set', profile=made.PROFILE, labels=labels, block_s=1.0
        )
    )


def test_a_bag_without_a_label_and_labels_without_a_picture_are_said(walls, tmp_path):
    sheet = made_set(walls, tmp_path, f'{HEAD}\nwall_1,0,6,hydrate\nwall_2,100,200,seal_crack\n')
    assert f'{walls[1]}: no picture of it has a label' in sheet['topics']
    assert any('labels in line 3' in sentence for sentence in sheet['topics'])


def test_labels_in_seconds_since_1970_are_no_reason_to_label_more(walls, tmp_path):
    start_s = made.START_NS / 1e9
    with pytest.raises(BagError, match='no picture is in the stretches of the labels in line 2'):
        made_set(walls, tmp_path, f'{HEAD}\n,{start_s},{start_s + 6},hydrate\n')


def test_a_bag_that_is_given_twice_is_refused(walls, tmp_path):
    with pytest.raises(BagError, match='expected each bag once'):
        made_set([walls[0], walls[0] / '..' / 'wall_1'], tmp_path, f'{HEAD}\n')
