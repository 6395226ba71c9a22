# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a robot cannot run by is refused when its profile is read, in a sentence, never later."""

import copy
import os

import pytest
import yaml
from click.testing import CliRunner

from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.profile.sources import OUTPUTS

WALL = yaml.safe_load(
    (share_dir() / 'config' / 'profiles' / 'living_wall.yaml').read_text(encoding='utf-8')
)
ARRAY, CLOUD = 'std_msgs/msg/Float32MultiArray', 'sensor_msgs/msg/PointCloud2'
JOINTS, IMAGE = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
FLOAT = 'std_msgs/msg/Float32'


def check(path) -> tuple[int, str]:
    """Return exit code and output of `profile check`; anything but a sentence fails the test."""
    shown = CliRunner().invoke(main, ['profile', 'check', str(path)])
    assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.exception
    assert 'Traceback' not in shown.output
    return shown.exit_code, shown.output


def changed(where: str, value) -> dict:
    """Return the living wall with `value` at a path such as `senses.gas.channels.0.key`."""
    content = copy.deepcopy(WALL)
    *parents, last = [int(part) if part.isdigit() else part for part in where.split('.')]
    at = content
    for part in parents:
        at = at[part]
    at[last] = value
    return content


def write(tmp_path, content: dict):
    path = tmp_path / 'robot.yaml'
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding='utf-8')
    return path


def gas(*channels: dict, topic: str = 'gas/state', kind: str = JOINTS, **fields) -> dict:
    """Return a sense of some channels, beside which nothing else matters."""
    return {
        'layout': 'channels',
        'period_s': 0.5,
        'source': {'topic': topic, 'type': kind},
        'channels': [
            {'name': f'c{place}', 'unit': '1', 'min': 0, 'max': 1, **channel}
            for place, channel in enumerate(channels)
        ],
        **fields,
    }


def quantity(**formula) -> dict:
    return {'unit': 'um', **formula}


NOSE, SENSE, CHANNEL = 'senses.nose', 'senses.gas', 'senses.gas.channels.0'
BROKEN = {
    'a negative place': (
        NOSE,
        gas({'key': -1}, kind=ARRAY),
        ['expected a name, or a place', '-1'],
    ),
    'an array by name': (NOSE, gas({'key': 'a'}, kind=ARRAY), ['a place (0, 1, ...)', "'a'"]),
    'a bank by name': ('senses.touch.channels.0.key', 'a', ['a place (0, 1, ...)', "'a'"]),
    'a cloud by place': (NOSE, gas({'key': 0}, kind=CLOUD), ['a name as the key of c0', 'got 0']),
    'an empty name': (CHANNEL + '.key', '', ['expected a name, or a place', "''"]),
    'a bool as a key': (CHANNEL + '.key', True, ['expected a name, or a place', 'True']),
    'a float as a key': (CHANNEL + '.key', 1.5, ['expected a name, or a place', '1.5']),
    'names and places': (NOSE, gas({'key': 'a'}, {'key': 1}), ['all names or all places', "'a'"]),
    'a joint twice': (NOSE, gas({'key': 'a'}, {'key': 'a'}), ['number of its own', 'c0 and c1']),
    'a place twice': (NOSE, gas({}, {'key': 0}, kind=ARRAY), ['number of its own', 'c0 and c1']),
    'its own estimate': (
        SENSE + '.source.topic',
        'maintenance/gas_estimate',
        ['maintenance/gas_estimate', 'JointState for gas', 'the estimate of gas'],
    ),
    'its own estimate, absolute': (
        SENSE + '.source.topic',
        '/maintenance/gas_estimate',
        ['JointState for gas', 'the estimate of gas'],
    ),
    'one estimate for two': (
        SENSE + '.estimate_topic',
        'maintenance/tactile_estimate',
        ['the estimate of touch and as the estimate of gas'],
    ),
    'the camera as a sense': (SENSE + '.source.topic', 'camera/image_raw', ['camera.topic']),
    'the compressed camera': (
        SENSE + '.source.topic',
        'camera/image_raw/compressed',
        ['the compressed camera.topic'],
    ),
    'an estimate on the camera': (
        SENSE + '.estimate_topic',
        '/camera/image_raw',
        ['camera.topic'],
    ),
    'two types of a topic': (
        NOSE,
        gas({}, kind=ARRAY),
        ['gas/state', f'{JOINTS} for gas', f'{ARRAY} for nose'],
    ),
    'two types of a topic in a sense': (
        NOSE,
        gas({}, {'source': {'topic': 'x', 'type': FLOAT}}, topic='x', kind=ARRAY),
        ['x', f'{ARRAY} for nose', f'{FLOAT} for nose'],
    ),
    **{
        f'the output {topic}': (
            SENSE + '.source.topic',
            topic,
            [topic, 'an output of this package'],
        )
        for topic in OUTPUTS
    },
    'diagnostics, relative': (SENSE + '.estimate_topic', 'diagnostics', ['an output']),
    **{
        f'a sense called {name}': (f'senses.{name}', gas({}), ['another name', name, 'rename'])
        for name in ('camera', 'label', 'turn', 'live_gas')
    },
    **{
        f'a quantity called {name}': (
            f'quantities.{name}',
            quantity(mean='touch.texture'),
            ['another name', name, 'rename'],
        )
        for name in ('frame', 'action', 'crack_depth_lower', 'crack_depth_upper')
    },
    'a long name': ('actions.0', 'a' * 101, ['actions.0', 'at most 100', 'rename']),
    'a name with a line break': ('actions.0', 'go\n', ['actions.0', 'small letters', r'go\n']),
    'a sense with a capital': ('senses.Nose', gas({}), ['senses.Nose', 'small letters']),
    'no channels': ('quantities.q', quantity(mean=[]), ['quantities.q.mean', 'at least 1']),
    'no maximum': ('quantities.q', quantity(max=[]), ['quantities.q.max', 'at least 1']),
    'no numerator': (
        'quantities.q',
        quantity(ratio={'of': [], 'to': 'touch.texture'}),
        ['quantities.q.ratio.of', 'at least 1'],
    ),
    'a channel twice': (
        'quantities.q',
        quantity(mean=['touch.texture', 'touch.texture']),
        ['quantities.q.mean', 'touch.texture twice', 'leave one out'],
    ),
    **{
        f'the topic {topic[:9]!r}': (where, topic, [where, 'expected a topic such as', 'rename'])
        for where in ('camera.topic', SENSE + '.source.topic', SENSE + '.estimate_topic')
        for topic in ('a//b', 'a/', 'a/1', 'a__b', 'ä', 'a b', 'a\n', '', '~/a', 'a' * 201)
    },
    'an estimate of no name': ('senses.a_', gas({}, topic='x'), ['maintenance/a__estimate']),
    'actions by thousands': (
        'actions',
        [f'a{i}' for i in range(1001)],
        ['actions: The list should have at most 1000'],
    ),
    'channels by thousands': (NOSE, gas(*[{}] * 1001), ['channels: The list', 'at most 1000']),
    'no senses': ('senses', {}, ['senses: The mapping should have at least 1']),
    **{
        f'{where} as {value!r}': (where, value, [where, 'valid number', repr(value)])
        for where in (
            *('camera.period_s', 'senses.gas.period_s', 'camera.view_mm', CHANNEL + '.min'),
            *(CHANNEL + '.noise', CHANNEL + '.scale', 'senses.touch.footprint_mm.0'),
        )
        for value in ('5', True)
    },
    'a bool in a shape': ('senses.touch.shape.1', True, ['senses.touch.shape.1', 'integer']),
    'a text as a bool': ('camera.mirrored', 'yes', ['camera.mirrored', 'true or false', "'yes'"]),
    'beyond float32': (CHANNEL + '.max', 1e39, ['max', 'float32', '1e+39', 'another unit']),
    'below float32': (CHANNEL + '.noise', 1e-60, ['noise', 'float32', '1e-60']),
    'endless digits': (CHANNEL + '.max', 10**400, ['max', 'valid number']),
    'a range of nothing': (
        NOSE,
        gas({'min': 1e9, 'max': 1e9 + 1}, topic='x'),
        ['min below max', 'apart in float32'],
    ),
    'a range of infinity': (
        NOSE,
        gas({'min': -3e38, 'max': 3e38}, topic='x'),
        ['apart in float32', '-3e+38'],
    ),
    'a scale of 0': (CHANNEL + '.scale', 0, ['scale', 'other than 0', 'leave it out']),
    'a short timeout': (SENSE + '.timeout_s', 0.4, ['timeout_s of at least', '0.5', '0.4']),
    'soon stuck': ('camera.stuck_s', 0.01, ['camera', 'stuck_s of at least', '0.01']),
    'a period of years': ('camera.period_s', 1e9, ['camera.period_s', '86400']),
    'a period of many digits': ('camera.period_s', 10**400, ['camera.period_s', 'valid number']),
    'a negative denominator': (
        'quantities.co2_absorption.ratio.min_denominator',
        -1,
        ['min_denominator', 'greater than or equal to 0', '-1'],
    ),
    'a huge view': ('camera.view_px', 8192, ['camera.view_px', '4096', '8192']),
    'a huge side': ('senses.touch.shape', [2, 5000, 1], ['senses.touch.shape.1', '4096', '5000']),
    'a huge grid': ('senses.touch.shape', [2, 4096, 4096], ['at most 1000000', 'coarser']),
    'an empty grid': ('senses.touch.shape', [2, 0, 8], ['senses.touch.shape.1', 'equal to 1']),
    'detail of one element': (
        'senses.touch.shape',
        [2, 1, 1],
        ['senses.touch', 'for its feature detail', '[2, 1, 1]', 'features without detail'],
    ),
    'features of a number': (CHANNEL + '.features', ['low'], ['features of a grid alone']),
    'a feature twice': (
        'senses.touch.channels.0.features',
        ['low', 'low'],
        ['features of the channel texture', 'low twice'],
    ),
    **{
        f'{name} beside a constant': (
            CHANNEL,
            {**WALL['senses']['gas']['channels'][0], 'constant': 5, name: value},
            ['expected a constant or a source', 'leave out constant', name],
        )
        for name, value in {
            'field': 'effort',
            'scale': 2,
            'offset': 1,
            'key': 'a',
            'source': {'topic': 'x', 'type': FLOAT},
        }.items()
    },
    'a name in a sense': (SENSE + '.name', 'gas', ['senses', 'name is not known', "'gas'"]),
    'a name in a quantity': (
        'quantities.crack_depth.name',
        'x',
        ['quantities', 'name is not known', "'crack_depth'"],
    ),
    'a text as a list': ('actions', 'go', ["actions: Input should be a list, got 'go'"]),
    'a text as a mapping': ('camera', 'front', ["camera: Input should be a mapping, got 'front'"]),
    'a text as a sense': (SENSE, 'nose', ["senses.gas: Input should be a mapping, got 'nose'"]),
    'nothing as a mapping': ('senses', None, ['senses: Input should be a mapping, got nothing']),
    'a key of a line break': ('senses.gas.a\nb', 1, [r"senses.gas.'a\nb'", 'not known']),
}


@pytest.mark.parametrize(('where', 'value', 'parts'), BROKEN.values(), ids=BROKEN)
def test_what_cannot_work_is_said_in_one_sentence(tmp_path, where, value, parts):
    path = write(tmp_path, changed(where, value))

    code, said = check(path)

    assert code == 1
    [line] = said.splitlines()
    assert line.startswith(f'{path}: ')
    for part in parts:
        assert part in line


FILES = {
    'a deep list': ('[' * 5000, 'is not YAML'),
    'a date that is none': ('name: 2001-99-99', 'is not YAML'),
    'a number of many digits': (f'name: {"9" * 5000}', 'is not YAML'),
    'a hexadecimal of many digits': (f'name: 0x{"f" * 5000}', 'thousands of digits'),
    'an unhashable key': ('? [a]\n: 1', 'is not YAML'),
    'a list as a merge': ('<<: [1]', 'is not YAML'),
    'a base of 60 beyond a float': (f'name: {":".join(["1"] * 400)}.5', 'is not YAML'),
    'a tag': ('name: !!python/name:os.system', 'is not YAML'),
    'a tag of the wrong kind': ('name: !!int x', 'is not YAML'),
    'a tag of an empty number': ('name: !!float ""', 'is not YAML'),
    'a tag of a bool': ('name: !!bool maybe', 'is not YAML'),
    'an unfinished text': ('name: "', 'is not YAML'),
    'two documents': ('a: 1\n---\nb: 2', 'is not YAML'),
    'bytes': (b'\xff\xfe\x00', 'is not YAML'),
    'a key that is a number': ('1: 2', 'Keys should be strings'),
    'a list': ('- a', 'Input should be a mapping'),
    'a list in itself': ('&a [*a]', 'Input should be a mapping'),
    'a list of lists of lists': (
        '\n'.join(
            [
                'a0: &a0 [x]',
                *(f'a{n + 1}: &a{n + 1} [{", ".join([f"*a{n}"] * 9)}]' for n in range(12)),
                'name: *a12',
            ]
        ),
        'name: Input should be a valid string',
    ),
    'merges of merges': (
        '\n'.join(
            [
                'a0: &a0 {x: 1}',
                *(f'a{n + 1}: &a{n + 1} {{<<: [{", ".join([f"*a{n}"] * 9)}]}}' for n in range(12)),
            ]
        ),
        'robot.yaml',  # this PyYAML merges each once, an older one refuses
    ),
    'a name of a surrogate': (r'name: "\ud800"', 'name'),
    'a key twice': ('name: a\nname: b', "expected 'name' once, found it twice"),
    'more than a megabyte': ('#' * 1_000_001, 'at most 1000000 bytes'),
}


@pytest.mark.parametrize(('content', 'part'), FILES.values(), ids=FILES)
def test_a_file_that_is_no_profile_is_refused_in_sentences(tmp_path, content, part):
    path = tmp_path / 'robot.yaml'
    path.write_bytes(content.encode() if isinstance(content, str) else content)

    code, said = check(path)

    assert code == 1 and part in said


def test_only_a_file_is_read(tmp_path):
    folder, fifo = tmp_path / 'folder.yaml', tmp_path / 'fifo.yaml'
    folder.mkdir()
    os.mkfifo(fifo)
    for path, part in {
        folder: 'expected a file, got a folder',
        fifo: 'expected a file, got a folder or a device',
        tmp_path / 'none.yaml': 'No such file',
        tmp_path / f'{"a" * 5000}.yaml': 'File name too long',
    }.items():
        code, said = check(path)
        assert code == 1 and part in said and len(said.splitlines()) == 1


@pytest.mark.parametrize('name', ['a' * 5000, '../profiles/air', 'no/air', '', '.', '/'])
def test_what_is_shipped_has_a_plain_name(name):
    code, said = check(name)

    assert code == 1 and len(said.splitlines()) == 1 and len(said) < 200
    assert 'expected one of air, gripper, living_wall, living_wall_arm, or a .yaml file' in said


def test_a_file_of_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    write(tmp_path, WALL)

    assert check('~/robot.yaml')[0] == 0
    assert check('~nobody_of_this_name/robot.yaml')[0] == 1


def test_thousands_of_keys_are_compared_at_once(tmp_path):
    path = tmp_path / 'robot.yaml'
    path.write_text('\n'.join(f'k{n}: 1' for n in range(9000)))

    assert check(path)[0] == 1  # quadratic in the keys it would outlast the test


def test_mappings_can_be_merged(tmp_path):
    path = tmp_path / 'robot.yaml'
    path.write_text(
        'name: arm\n'
        'camera: {topic: camera, period_s: 0.1}\n'
        'senses:\n'
        '  arm:\n'
        '    layout: channels\n'
        '    period_s: 0.1\n'
        f'    source: {{topic: joints, type: {JOINTS}}}\n'
        '    channels:\n'
        '      - &a {name: a, unit: rad, min: -3, max: 3}\n'
        '      - &b {<<: *a, name: b, max: 4}\n'
        '      - {<<: *b, name: c}\n'
        'actions: [go, stay]\n'
    )
    channels = load_profile(str(path)).senses['arm'].channels

    assert [(channel.name, channel.max) for channel in channels] == [('a', 3), ('b', 4), ('c', 4)]


def test_senses_may_share_a_topic_of_one_type():
    one, other = gas({'key': 'a'}, topic='x'), gas({'key': 'b'}, topic='x')
    profile = Profile.model_validate(
        {**WALL, 'senses': {'one': one, 'other': other}} | {'quantities': {}}
    )

    assert profile.senses['one'].topics == profile.senses['other'].topics


def test_a_joint_may_be_given_by_name_or_by_place():
    for keys in (('a', 'b'), (3, 0)):
        sense = gas(*({'key': key} for key in keys), topic='x')
        profile = Profile.model_validate(changed(NOSE, sense))
        assert tuple(source.key for source in profile.senses['nose'].sources) == keys


def test_the_outputs_that_no_sense_may_come_from_are_those_of_the_runtime():
    topics = pytest.importorskip('crossmodal_kd_ros.runtime.topics')
    wall = load_profile()
    estimates = {topic.name for topic in topics.estimates(wall).values()}

    assert set(OUTPUTS) == {
        topics.OVERLAY.name,
        *(topic.name for topic in topics.outputs(wall) if topic.name not in estimates),
    }


@pytest.mark.parametrize('name', ['living_wall', 'living_wall_arm', 'gripper', 'air'])
def test_what_a_profile_writes_of_itself_it_reads(name):
    profile = load_profile(name)
    for options in ({}, {'exclude_unset': True}, {'exclude_none': True}):
        content = profile.model_dump(mode='json', **options)
        assert Profile.model_validate(content).fingerprint == profile.fingerprint


@pytest.mark.parametrize(
    ('name', 'fingerprint'), [('living_wall', 'ac3dc443e68c'), ('gripper', '9f17b190b33c')]
)
def test_the_fingerprints_of_the_weights_that_there_are_stay(name, fingerprint):
    assert load_profile(name).fingerprint == fingerprint


@pytest.mark.parametrize(
    ('change', 'differs'),
    [
        ({'scale': 2}, True),
        ({'offset': 1}, True),
        ({'constant': 5}, True),
        ({'constant': 0}, True),
        ({'scale': 1, 'offset': 0}, False),
        ({'key': 'other', 'noise': 9}, False),
    ],
)
def test_weights_belong_to_how_a_reading_is_made(change, differs):
    channel = {**WALL['senses']['gas']['channels'][0], **change}
    own = Profile.model_validate(changed(CHANNEL, channel))

    assert (own.fingerprint != load_profile().fingerprint) == differs
