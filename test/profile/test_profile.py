# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A profile says what a robot has; what is wrong in one is said in one sentence each."""

import copy
import json

import numpy as np
import pytest
import yaml
from three_senses import three_senses

from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.profile import (
    ProfileError,
    load_profile,
    measure_quantities,
    quantity_minimum,
    schema_path,
    schema_text,
)

PRESSURE = {'pressure': {'unit': 'N', 'max': 'pad.force'}}
SHIPPED = ('living_wall', 'gripper', 'air')
LIVING_WALL = yaml.safe_load(
    (share_dir() / 'config' / 'profiles' / 'living_wall.yaml').read_text(encoding='utf-8')
)


def refusal(tmp_path, change) -> str:
    """Return what is said of the living wall's profile once `change(content)` has changed it."""
    content = copy.deepcopy(LIVING_WALL)
    change(content)
    path = tmp_path / 'robot.yaml'
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ProfileError) as error:
        load_profile(str(path))
    return str(error.value)


@pytest.mark.parametrize('name', SHIPPED)
def test_every_shipped_profile_can_be_loaded(name):
    profile = load_profile(name)

    assert profile.name == name
    assert profile.sensors == ('camera', *profile.senses)


def test_the_living_wall_is_as_it_always_was():
    profile = load_profile()

    assert profile.name == 'living_wall'
    assert profile.senses['touch'].size == 256 and profile.senses['touch'].shape == (2, 8, 16)
    assert profile.senses['gas'].channel_names[0] == 'co2_uptake_ppm'
    assert profile.senses['gas'].size == 8
    assert tuple(profile.quantities) == (
        'surface_roughness',
        'crack_depth',
        'co2_absorption',
        'crack_width',
    )
    assert profile.actions[1] == 'seal_crack'
    assert profile.senses['touch'].output_topic == 'maintenance/tactile_estimate'
    assert profile.senses['gas'].output_topic == 'maintenance/gas_estimate'


@pytest.mark.parametrize(
    ('sensor', 'timeout_s', 'stuck_s'),
    [('camera', 0.2, 0.5), ('touch', 0.2, 0.5), ('gas', 1.25, 3.0)],
)
def test_timeouts_follow_from_the_period(sensor, timeout_s, stuck_s):
    profile = load_profile()
    timed = profile.camera if sensor == 'camera' else profile.senses[sensor]

    assert timed.timeout_s == pytest.approx(timeout_s)
    assert timed.stuck_s == pytest.approx(stuck_s)


def test_a_module_that_measures_every_three_seconds_has_time_enough():
    assert load_profile('air').senses['air'].timeout_s == pytest.approx(7.5)


def test_a_sense_can_come_from_several_topics_of_several_types():
    assert load_profile('air').senses['air'].topics == {
        'air/co2': 'std_msgs/msg/Float32',
        'air/temperature': 'sensor_msgs/msg/Temperature',
        'air/humidity': 'sensor_msgs/msg/RelativeHumidity',
    }
    arm = load_profile('gripper').senses['arm']
    assert arm.size == 24
    by_channel = {source.channel: source for source in arm.sources}
    assert by_channel['gripper_current'].topic == 'joint_currents'
    assert (by_channel['gripper_velocity'].field, by_channel['gripper_velocity'].key) == (
        'velocity',
        'gripper',
    )


def test_the_quantities_are_the_articles_and_one_that_no_sense_measures():
    rng = np.random.default_rng(0)
    touch = rng.uniform(0.0, 9.0, (5, 256)).astype(np.float32)
    gas = rng.uniform(1.0, 500.0, (5, 8)).astype(np.float32)
    gas[0, :2] = 0.0  # no ambient CO2 at all
    got = measure_quantities(load_profile(), {'touch': touch, 'gas': gas})

    np.testing.assert_allclose(got[:, 0], touch[:, :128].mean(1), rtol=1e-6)
    np.testing.assert_allclose(got[:, 1], touch[:, 128:].max(1))
    np.testing.assert_allclose(got[1:, 2], gas[1:, 0] / (gas[1:, 0] + gas[1:, 1]), rtol=1e-6)
    assert got[0, 2] == 0.0
    assert got.shape == (5, 4) and np.isnan(got[:, 3]).all()
    assert quantity_minimum(load_profile()).tolist() == [0.0, 0.0, -np.inf, 0.0]


def test_what_only_the_picture_shows_has_no_sense_and_any_least_value_or_none():
    profile = three_senses(quantities={'gap': {'unit': 'mm', 'seen': {}}, **PRESSURE})

    assert (profile.quantities['gap'].channels, profile.quantities['gap'].senses) == ((), ())
    assert tuple(profile.seen_quantities) == ('gap',)
    assert quantity_minimum(profile).tolist() == [-np.inf, 0.0]
    readings = {name: np.ones((2, sense.size)) for name, sense in profile.senses.items()}
    one = {name: values[0] for name, values in readings.items()}
    np.testing.assert_array_equal(measure_quantities(profile, readings), [[np.nan, 1.0]] * 2)
    np.testing.assert_array_equal(measure_quantities(profile, one), [np.nan, 1.0])


def test_weights_belong_to_what_only_the_picture_shows_and_to_its_least_value():
    plain, seen, least = (
        three_senses(quantities={**PRESSURE, **more}).fingerprint
        for more in (
            {},
            {'gap': {'unit': 'mm', 'seen': {}}},
            {'gap': {'unit': 'mm', 'seen': {'min': 0}}},
        )
    )

    assert len({plain, seen, least}) == 3


def test_the_footprint_lies_where_the_pad_lies_in_the_view():
    assert load_profile().footprint_px('touch', 32) == (slice(12, 20), slice(8, 24))
    # Edges between two cells round down, as the shipped weights have learnt to see.
    assert load_profile().footprint_px('touch', 4) == (slice(1, 2), slice(1, 3))
    assert load_profile().footprint_px('touch', 2) == (slice(0, 1), slice(0, 1))


def test_noise_and_spread_of_a_channel_follow_from_its_range_unless_set():
    channels = load_profile('air').senses['air'].channels
    assert (channels[0].noise_std, channels[0].spread_std) == (0.8, 300.0)
    position = load_profile('gripper').senses['arm'].channels[0]
    assert (position.noise_std, position.spread_std) == pytest.approx((0.0128, 0.32))


def test_weights_belong_to_senses_and_actions_and_not_to_topics():
    def fingerprint(change) -> str:
        content = copy.deepcopy(LIVING_WALL)
        change(content)
        return type(load_profile()).model_validate(content).fingerprint

    own = load_profile().fingerprint
    assert fingerprint(lambda p: p['camera'].update(topic='front/image')) == own
    assert fingerprint(lambda p: p['senses']['gas'].update(period_s=3)) == own
    assert fingerprint(lambda p: p['actions'].reverse()) != own
    assert fingerprint(lambda p: p['senses']['gas']['channels'].reverse()) != own
    assert fingerprint(lambda p: p['quantities'].pop('crack_depth')) != own


@pytest.mark.parametrize(
    ('change', 'parts'),
    [
        (lambda p: p.update(sensors={}), ['sensors', 'not known']),
        (lambda p: p['senses']['gas'].update(periods=1), ['senses.gas.periods', 'not known']),
        (lambda p: p.pop('actions'), ['actions', 'missing']),
        (
            lambda p: p['senses']['gas']['channels'][1].update(min=50000),
            ['senses.gas.channels.1', 'expected min below max', '50000 and 40000'],
        ),
        (
            lambda p: p['quantities'].update(depth={'unit': 'mm', 'max': 'touch.depth'}),
            ["'touch.depth'", 'touch.indentation'],
        ),
        (
            lambda p: p['quantities'].update(depth={'unit': 'mm'}),
            ['quantities.depth', 'one of mean, max, ratio and seen, got none'],
        ),
        (
            lambda p: p['quantities']['crack_width'].update(mean='touch.texture'),
            ['quantities.crack_width', 'one of mean, max, ratio and seen, got mean and seen'],
        ),
        (
            lambda p: p['quantities'].update(panel={'unit': 'mm', 'seen': {}}),
            ["another name than 'panel'", 'a column of labels', 'rename it'],
        ),
        (
            lambda p: p['quantities']['crack_width'].update(seen={'max': 3}),
            ['quantities.crack_width.seen.max', 'not known'],
        ),
        (
            lambda p: p['senses']['gas']['source'].update(type='sensor_msgs/msg/BatteryState'),
            ['senses.gas.source.type', 'sensor_msgs/msg/JointState', 'BatteryState'],
        ),
        (
            lambda p: p['senses']['touch'].update(footprint_mm=[40, 24, 32, 16]),
            ['footprint_mm of touch', '64 x 64 mm', '40, 24, 32, 16'],
        ),
        (
            lambda p: p['senses']['touch'].update(shape=[3, 8, 16]),
            ['senses.touch', '2 channels', '[3, 8, 16]'],
        ),
        (
            lambda p: p['senses']['gas']['channels'].append({**p['senses']['gas']['channels'][0]}),
            ['different names', 'co2_uptake_ppm twice'],
        ),
        (lambda p: p['actions'].append('seal_crack'), ['different names', 'seal_crack twice']),
        (lambda p: p['actions'].append('hold'), ["other than 'hold'"]),
        (lambda p: p['senses']['gas'].pop('source'), ['co2_uptake_ppm', 'neither', 'give']),
        (
            lambda p: p['senses']['gas']['channels'][0].update(constant=1e6),
            ['constant of co2_uptake_ppm', '1e+06'],
        ),
        (lambda p: p['camera'].update(view_px=100), ['camera.view_px', 'multiple of 32', '100']),
        (lambda p: p['camera'].update(period_s=-1), ['camera.period_s', 'greater than 0', '-1']),
        (lambda p: p['senses'].update(camera=p['senses']['gas']), ["another name than 'camera'"]),
        (
            lambda p: p['senses']['gas']['source'].update(field='torque'),
            ['senses.gas.source', 'position, velocity, effort', "'torque'"],
        ),
    ],
)
def test_each_thing_that_can_be_wrong_is_said_in_one_sentence(tmp_path, change, parts):
    said = refusal(tmp_path, change)

    assert len(said.splitlines()) == 1
    assert said.startswith(str(tmp_path / 'robot.yaml'))
    for part in parts:
        assert part in said


def test_several_wrong_things_are_several_lines(tmp_path):
    def change(content):
        content['camera']['view_px'] = 100
        content['speed'] = 3

    assert len(refusal(tmp_path, change).splitlines()) == 2


def test_two_senses_of_one_name_are_refused(tmp_path):
    path = tmp_path / 'robot.yaml'
    text = yaml.safe_dump(LIVING_WALL, sort_keys=False)
    path.write_text(text.replace('  gas:\n', '  touch:\n', 1))

    with pytest.raises(ProfileError, match="expected 'touch' once, found it twice"):
        load_profile(str(path))


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ('name: [1', "got '<stream end>' at line 1, column 9"),
        ('- a list', 'a mapping'),
        ('', 'camera: this key is missing'),
        ('name: ok\ncamera: 3', 'camera'),
    ],
)
def test_a_file_that_is_no_profile_is_refused(tmp_path, content, expected):
    path = tmp_path / 'robot.yaml'
    path.write_text(content)
    with pytest.raises(ProfileError) as error:
        load_profile(str(path))

    assert expected in str(error.value)


def test_a_profile_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        ProfileError, match="living_wall, living_wall_arm, or a .yaml file, got 'robot'"
    ):
        load_profile('robot')
    with pytest.raises(ProfileError, match='cannot read .*none.yaml: No such file'):
        load_profile(str(tmp_path / 'none.yaml'))


def test_the_schema_for_editors_is_that_of_the_code():
    assert schema_path().read_text(encoding='utf-8') == schema_text()


@pytest.mark.parametrize('name', SHIPPED)
def test_an_editor_that_knows_the_schema_has_nothing_to_complain_of(name):
    jsonschema = pytest.importorskip('jsonschema')
    path = share_dir() / 'config' / 'profiles' / f'{name}.yaml'
    jsonschema.validate(
        yaml.safe_load(path.read_text(encoding='utf-8')), json.loads(schema_text())
    )
