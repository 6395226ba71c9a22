# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The example of a real arm that feels, on made-up recordings of the same form."""

import json
import os
import pickle
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.bags.reader import Bag, read_messages
from crossmodal_kd_ros.bags.synchronize import synchronize
from crossmodal_kd_ros.bags.topics import choose_topics
from crossmodal_kd_ros.datasets import NO_LABEL, Pairs
from crossmodal_kd_ros.profile import load_profile, measure_quantities

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'examples' / 'gripper'))

import experiment  # noqa: E402
import grasp_features  # noqa: E402
import grasp_page  # noqa: E402
import grasp_pairs  # noqa: E402
import grasp_views  # noqa: E402
import run  # noqa: E402
from grasp_bags import START_S, write_bag  # noqa: E402
from grasp_recordings import GraspError, find_grasps, fingerprint, read_signals  # noqa: E402

RATE_HZ, GRASP_S = 200, 14.0
SHOULDER, GRIPPER = 1, 5
LABELS = {
    'Brick_Heavy': {'mass': 'high', 'stiffness': 'rigid'},
    'Sponge_Light': {'mass': 'low', 'stiffness': 'very_soft'},
    'Wood_Medium': {'mass': 'medium', 'stiffness': 'rigid'},
}


def made_up_grasp(*, rest: float, give: float, lift_load: float) -> dict[str, list]:
    """Return the signals of a gripper that closes to `rest` over `give`, lifts and lets go."""
    times_s = np.arange(0.0, GRASP_S, 1.0 / RATE_HZ)
    position, load, current, velocity = (np.zeros((len(times_s), 6)) for _ in range(4))
    contact = rest + give
    opening = np.interp(times_s, [2.0, 2.4, 3.2, 11.0, 12.5], [93.0, contact, rest, rest, 80.0])
    squeezed = np.clip((contact - opening) / give, 0.0, 1.0)
    position[:, GRIPPER] = opening
    velocity[:, GRIPPER] = np.gradient(opening, times_s)
    current[:, GRIPPER] = 40.0 + 560.0 * squeezed * (times_s < 4.0)
    load[:, GRIPPER] = np.where(times_s < 11.0, 20.0, np.interp(times_s, [11.0, 12.5], [20, -10]))
    load[:, SHOULDER] = np.where((times_s > 4.0) & (times_s < 9.0), lift_load, 5.0)
    arrays = {'position': position, 'load': load, 'current': current, 'velocity': velocity}
    return {
        'timestamps': times_s.tolist(),
        **{f'joint_{name}_profile': array.tolist() for name, array in arrays.items()},
    }


HEAVY = made_up_grasp(rest=58.0, give=1.0, lift_load=80.0)
LIGHT = made_up_grasp(rest=23.0, give=30.0, lift_load=38.0)


def add_grasps(clone: Path, split: str, name: str, count: int, signals: dict) -> None:
    """Add grasps of one object to a split."""
    for number in range(count):
        folder = clone / split / name / f'episode_2026010{number}_120000'
        folder.mkdir(parents=True)
        (folder / 'tactile_data.pkl').write_bytes(pickle.dumps(signals))
        # Its label is wrong, as in a fifth of the recordings.
        (folder / 'metadata.json').write_text('{"label": "Something_Else"}')
        photograph = np.full((480, 640, 3), 190, np.uint8)
        photograph[120:250, 250:380] = (200, 40, 40)  # blue: OpenCV writes BGR
        cv2.imwrite(str(folder / 'visual_anchor.jpg'), photograph)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder as the repository of the recordings has it: two objects, five grasps."""
    for split in ('train', 'val', 'test', 'ood_test'):
        (tmp_path / split).mkdir()
        text = json.dumps({'properties': LABELS})
        (tmp_path / split / 'physical_properties.json').write_text(text)
    add_grasps(tmp_path, 'train', 'Brick_Heavy', 3, HEAVY)
    add_grasps(tmp_path, 'ood_test', 'Sponge_Light', 2, LIGHT)
    return tmp_path


def test_labels_are_those_of_the_folder_and_not_of_the_metadata(clone):
    grasps = find_grasps(clone)

    assert [(grasp.object_name, grasp.mass, grasp.stiffness) for grasp in grasps] == [
        *[('Brick_Heavy', 'high', 'rigid')] * 3,
        *[('Sponge_Light', 'low', 'very_soft')] * 2,
    ]
    assert {grasp_pairs.action_of(grasp) for grasp in grasps} == {'rigid_high', 'very_soft_low'}


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple:
        return os.system, (f'touch {self._mark}',)


def test_a_recording_that_would_run_a_command_is_refused_and_runs_nothing(clone, tmp_path):
    mark, file = tmp_path / 'it_ran', next(clone.glob('train/*/*/tactile_data.pkl'))
    file.write_bytes(pickle.dumps({**HEAVY, 'more': Malicious(mark)}))

    with pytest.raises(GraspError, match='asks for (posix|nt).system'):
        read_signals(file)
    assert not mark.exists()
    pickle.loads(file.read_bytes())  # the attack is real
    assert mark.exists()


@pytest.mark.parametrize('asked', [eval, np.load, np.frombuffer, pickle.loads, object])
def test_nothing_but_arrays_can_be_unpickled(tmp_path, asked):
    file = tmp_path / 'signals.pkl'
    file.write_bytes(pickle.dumps({**HEAVY, 'more': asked}))

    with pytest.raises(GraspError, match='asks for'):
        read_signals(file)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'joint_load_profile': [[1.0] * 6]}, 'for 2800 stamps'),
        ({'timestamps': HEAVY['timestamps'][::-1]}, 'stamps go back'),
        ({'joint_load_profile': [[np.nan] * 6] * 2800}, 'not finite'),
    ],
)
def test_a_recording_of_another_form_is_refused_with_what_is_wrong(tmp_path, change, said):
    file = tmp_path / 'signals.pkl'
    file.write_bytes(pickle.dumps({**HEAVY, **change}))

    with pytest.raises(GraspError, match=said):
        read_signals(file)


def test_arrays_in_a_recording_are_read_as_lists_are(tmp_path):
    file = tmp_path / 'signals.pkl'
    file.write_bytes(pickle.dumps({name: np.array(values) for name, values in HEAVY.items()}))
    stamps_s, channels = read_signals(file)

    assert np.array_equal(stamps_s, HEAVY['timestamps'])
    assert np.array_equal(channels[:, 6:12], np.float32(HEAVY['joint_load_profile']))


def test_the_profile_has_the_numbers_of_the_summary():
    sense = grasp_pairs.grasp_profile().senses['grasp']

    described = [
        (channel.name, channel.unit, channel.min, channel.max) for channel in sense.channels
    ]
    assert described == list(grasp_features.FEATURES)


def test_a_summary_tells_heavy_from_light_and_hard_from_soft(clone):
    heavy, light = (
        dict(zip(grasp_features.NAMES, felt))
        for felt in grasp_pairs.summaries(find_grasps(clone))[[0, -1]]
    )

    assert heavy['shoulder_lift_load_2'] == pytest.approx(80.0)
    assert light['shoulder_lift_load_2'] == pytest.approx(38.0)
    # The current rises over the whole depth of a sponge, and within a percent of a brick.
    assert 0.0 < heavy['depth_at_300_ma'] < 1.0 < 10.0 < light['depth_at_300_ma'] < 30.0


def test_what_has_not_come_yet_is_not_known(clone):
    stamps_s, channels = find_grasps(clone)[0].signals

    def known(until_s: float) -> np.ndarray:
        rows = stamps_s < until_s
        felt = grasp_features.summarise(stamps_s[rows], channels[rows])
        return ~np.isnan(felt)

    names = np.array(grasp_features.NAMES)
    assert not known(2.5).any()
    assert {'squeeze_current_1_0', 'creep'} <= set(names[known(4.0)])
    assert 'shoulder_lift_load_4' not in names[known(8.0)]
    assert 'release_load_1_0' not in names[known(11.0)]
    assert known(GRASP_S).all()


def test_a_bag_of_grasps_holds_every_measurement_with_its_stamp(clone, tmp_path):
    grasps = find_grasps(clone)[:2]
    stretches = write_bag(tmp_path / 'bag', grasps)
    stamps_s, channels = grasps[1].signals
    states, currents = (
        [each.message for each in read_messages(tmp_path / 'bag', topics=(topic,))][2800:]
        for topic in ('/joint_states', '/joint_currents')
    )

    def stamps(messages: list) -> np.ndarray:
        times = (message.header.stamp for message in messages)
        return np.array([time.sec - START_S + time.nanosec / 1e9 for time in times])

    for messages in (states, currents):
        assert np.allclose(stamps(messages), stretches[1].start_s + stamps_s, atol=1e-6)
    assert np.allclose([each.position for each in states], np.deg2rad(channels[:, :6]))
    assert np.allclose([each.velocity for each in states], np.deg2rad(channels[:, 18:]))
    assert np.allclose([each.effort for each in states], channels[:, 6:12])
    assert np.allclose([each.effort for each in currents], channels[:, 12:18])


@pytest.mark.parametrize('profile', ['gripper', str(grasp_pairs.PROFILE)])
def test_either_profile_reads_the_bag(clone, tmp_path, profile):
    grasps = find_grasps(clone)[:2]
    write_bag(tmp_path / 'bag', grasps)
    robot = load_profile(profile)
    with Bag(tmp_path / 'bag') as bag:
        topics = choose_topics(bag, robot, {})
        topics.require(bag, robot.sensors)
        samples = list(synchronize(bag, topics, robot, Counter(), []))
    view = grasp_views.object_view(grasps[1].photograph())

    assert len(samples) >= 14
    assert np.abs(samples[-1].view.astype(int) - view).mean() < 2.0
    if profile != 'gripper':
        felt = grasp_pairs.summaries(grasps)[1]
        assert np.allclose(samples[-1].readings['grasp'], felt, atol=1e-3)


def test_the_view_lies_within_the_object_and_the_background_without(clone):
    photograph = find_grasps(clone)[0].photograph()
    inside, around = grasp_views.object_view(photograph), grasp_views.background_view(photograph)

    assert (inside[..., 2].astype(int) - inside[..., 1] > 60).all()
    assert (around[..., 2].astype(int) - around[..., 1] < 40).all()


def test_a_property_is_the_sum_over_the_actions_that_share_it():
    profile = grasp_pairs.grasp_profile()
    shares = {'soft_low': 0.3, 'medium_low': 0.25, 'rigid_high': 0.45}
    probabilities = np.array([[shares.get(action, 0.0) for action in profile.actions]])
    answer = grasp_pairs.decide_properties(profile, probabilities)

    assert (answer['mass'][0], answer['stiffness'][0]) == (0, 3)  # low, rigid


def test_the_fingerprint_changes_with_any_byte(clone):
    before = fingerprint(find_grasps(clone))
    photograph = next(clone.glob('train/*/*/visual_anchor.jpg'))
    photograph.write_bytes(photograph.read_bytes() + b'x')

    assert fingerprint(find_grasps(clone)) != before


def test_the_page_keeps_what_others_wrote_into_it(tmp_path):
    page = tmp_path / 'real_data.md'
    page.write_text('# Real data\n\nAnother section.\n')
    ways = {way: dict.fromkeys(grasp_pairs.PROPERTIES, 0.5) for way in grasp_page.WAYS}
    for figures in ways.values():
        figures |= {f'seen objects, {name}': 0.9 for name in grasp_pairs.PROPERTIES}
    ways[grasp_page.TAUGHT]['mass'] = 0.75
    ways[grasp_page.LOST_BY_OBJECT] = {'Brick_Red': {'mass': 0.03, 'stiffness': 0.06}}
    results = [
        {'seed': seed, 'object': name, 'figures': ways} for seed in (0, 1) for name in LABELS
    ]
    for _ in range(2):
        figures = grasp_page.write_page(tmp_path, results, 'abc', 5)
    text = page.read_text()

    assert text.count('## A robot arm that feels') == 1
    assert text.startswith('# Real data\n\nAnother section.')
    assert figures['gains'][f'{grasp_page.TAUGHT} - before']['mass']['mean'] == 0.25
    assert json.loads((tmp_path / 'gripper.json').read_text()) == figures
    # A third of it, because each of three new objects took as much.
    assert '| Wood_Medium | Brick_Red | 0.0100 | 0.0200 |' in text


def test_a_quarter_of_what_replay_draws_from_is_new_and_carries_no_label(monkeypatch):
    profile = grasp_pairs.grasp_profile()
    felt = np.ones((220, len(grasp_features.FEATURES)), np.float32)
    pairs = Pairs(
        image=np.zeros((220, 32, 32, 3), np.uint8),
        readings={'grasp': felt},
        quantities=measure_quantities(profile, {'grasp': felt}),
        action=np.zeros(220, np.int64),
        night=np.zeros(220, bool),
        group=np.arange(220),
    )
    new, drawn = np.arange(200, 215), []
    base = experiment.Base(None, None, None, np.arange(180), np.arange(180, 200), new)

    def keep(profile, recipe, targets, train, *others, **more):
        drawn.append(train)
        return None, []

    monkeypatch.setattr(experiment, 'train_student', keep)
    monkeypatch.setattr(experiment, 'compute_teacher_targets', lambda teacher, pairs: None)
    word = np.full(15, 3)
    for replay in (True, False):
        how = {'labels': word, 'teacher_of': pairs, 'replay': replay, 'seed': 0}
        experiment.adapt(profile, experiment.PLAIN, None, pairs, base, new, **how)
    with_replay, without = ([*each.group] for each in drawn)

    # 180 old grasps, each once, are three quarters of 240: each of 15 new ones is in it 4 times.
    assert sorted(with_replay) == [*range(180), *np.repeat(new, 4)]
    assert set(drawn[0].action[drawn[0].group >= 200]) == {NO_LABEL}
    assert without == [*new]
    assert set(drawn[1].action) == {3}


def test_what_was_lost_of_each_seen_object_adds_up_to_all_that_was_lost():
    names = ['Brick', 'Wood', 'Brick', 'Wood']
    before = {
        'mass': np.array([True, True, True, False]),
        'stiffness': np.array([True, False, True, True]),
    }
    after = {
        'mass': np.array([False, True, False, True]),
        'stiffness': np.array([True, True, True, True]),
    }
    lost = experiment.lost_by_object(names, before, after)

    # Of four grasps two of the brick are lost, and one of the wood is gained.
    assert lost == {
        'Brick': {'mass': 0.5, 'stiffness': 0.0},
        'Wood': {'mass': -0.25, 'stiffness': -0.25},
    }
    for key in before:
        total = before[key].mean() - after[key].mean()
        assert sum(each[key] for each in lost.values()) == total


def test_a_replay_is_judged_by_half_and_by_who_decided(clone, tmp_path):
    grasps = find_grasps(clone)[-2:]  # soft and light
    stretches = write_bag(tmp_path / 'bag', grasps)
    actions = grasp_pairs.grasp_profile().actions
    # The third picture is taken for a brick. Seconds count from the first.
    said = ['very_soft_low', 'very_soft_low', 'rigid_high', 'very_soft_low', 'very_soft_low']
    modes = [
        {'start_s': 0.0, 'mode': 'HOLD', 'reason': 'no camera reading yet'},
        {'start_s': 0.0, 'mode': 'STUDENT', 'reason': 'no grasp reading yet'},
        {'start_s': 2.0, 'mode': 'TEACHER', 'reason': 'healthy'},
        {'start_s': 3.5, 'mode': 'STUDENT', 'reason': 'silent'},
    ]
    (tmp_path / 'replay').mkdir()
    (tmp_path / 'replay' / 'summary.json').write_text(json.dumps({'replays': [{'modes': modes}]}))
    with Writer(tmp_path / 'replay' / 'bag', version=9) as writer:
        store = get_typestore(Stores.LATEST)
        kind = 'sensor_msgs/msg/JointState'
        link = writer.add_connection('/maintenance/action_scores', kind, typestore=store)
        for second, action in enumerate(said):
            at_ns = START_S * 10**9 + 300_000_000 + second * 10**9
            time = store.types['builtin_interfaces/msg/Time'](*divmod(at_ns, 10**9))
            header = store.types['std_msgs/msg/Header'](time, 'camera')
            scores, nothing = np.array([float(action == each) for each in actions]), np.zeros(0)
            message = store.types[kind](header, list(actions), scores, nothing, nothing)
            writer.write(link, at_ns, store.serialize_cdr(message, kind))
    judged = run.judge(tmp_path / 'replay', stretches, 3.0)

    assert judged['pictures'] == {
        'alive': {'STUDENT': 2, 'TEACHER': 1},
        'dead': {'TEACHER': 1, 'STUDENT': 1},
    }
    assert judged['accuracy']['alive'] == pytest.approx({'mass': 2 / 3, 'stiffness': 2 / 3})
    assert judged['accuracy']['dead'] == {'mass': 1.0, 'stiffness': 1.0}
    road = {'accuracy': judged['accuracy'], 'minutes': 1.0}
    road['replays'] = {'Sponge_Light_last': {'dead_from_s': 3.0, **judged}}
    grasp_page.write_road(tmp_path, road)
    page = (tmp_path / 'real_data.md').read_text()
    assert '| Sponge_Light_last | 0.67 | 0.67 | 1.00 | 1.00 | STUDENT 2, TEACHER 1 |' in page
    assert 'is STUDENT for 50% of the pictures' in page


def test_the_experiment_measures_each_object_once_unseen_and_goes_on_where_it_was(
    clone, tmp_path, monkeypatch
):
    for name, signals in (('Brick_Heavy', HEAVY), ('Wood_Medium', LIGHT)):
        for split in ('train', 'val', 'test'):
            if (split, name) != ('train', 'Brick_Heavy'):
                add_grasps(clone, split, name, 2, signals)
    for name in ('TEACHER', 'STUDENT', 'PLAIN', 'PROGRESSIVE', 'LABELS_ALONE'):
        quick = {'steps': 2, 'validate_every': 2, 'batch': 4}
        monkeypatch.setattr(experiment, name, getattr(experiment, name).model_copy(update=quick))
    out, docs = tmp_path / 'out', tmp_path / 'docs'
    arguments = ['', str(clone), '--out', str(out), '--docs', str(docs), '--seeds', '0']
    monkeypatch.setattr(sys, 'argv', arguments)
    experiment.main()
    figures = json.loads((docs / 'gripper.json').read_text())

    assert set(figures['by_object']) == set(LABELS)
    assert set(figures['ways']) == set(grasp_page.WAYS)
    monkeypatch.setattr(experiment, 'learn_base', None)  # nothing is left to do
    experiment.main()
    assert json.loads((docs / 'gripper.json').read_text()) == figures


@pytest.mark.skipif('GRIPPER_CLONE' not in os.environ, reason='no clone of the recordings')
def test_the_recordings_are_those_of_the_figures():
    grasps = find_grasps(Path(os.environ['GRIPPER_CLONE']))
    masses = [grasp.mass for grasp in grasps]

    assert len(grasps) == 909
    assert {mass: masses.count(mass) for mass in set(masses)} == {
        'low': 479,
        'medium': 270,
        'high': 160,
    }
    figures = json.loads((ROOT / 'docs' / 'gripper.json').read_text())
    assert fingerprint(grasps) == figures['sha256']
