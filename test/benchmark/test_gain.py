# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What distillation would bring, on data whose answer follows from how they were made."""

import shutil

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from crossmodal_kd_ros.benchmark import gain
from crossmodal_kd_ros.benchmark.gain import GainError, picture_features, predict_gain
from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.datasets import NO_LABEL, PROFILE, Pairs
from crossmodal_kd_ros.datasets.pairs import save_arrays
from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.profile import load_profile

AIR = load_profile('air')
GROUPS, OF_EACH = 40, 4


def make_pairs(
    seed: int = 0,
    *,
    shows: float = 1.0,
    felt: bool = True,
    labelled: int = GROUPS,
    patterns: int = 2,
    view_px: int = 32,
) -> Pairs:
    """Return groups of two actions.

    Args:
        seed: of all that is drawn.
        shows: contrast of the pattern of the picture.
        felt: whether the readings tell the action.
        labelled: so many groups have a label.
        patterns: so many patterns there are, half of them of each action; what is learnt of one
            says nothing of the others.
        view_px: side of the pictures.
    """
    rng = np.random.default_rng(seed)
    pattern = rng.permutation(np.arange(GROUPS) % patterns).repeat(OF_EACH)
    action = pattern % 2
    group = np.arange(GROUPS).repeat(OF_EACH)
    looks = rng.uniform(-80.0, 80.0, (patterns, 4, 4, 3))
    image = np.stack(
        [
            cv2.resize(shows * looks[each] + light, (view_px, view_px))
            for each, light in zip(pattern, rng.uniform(110.0, 140.0, len(group)))
        ]
    )
    reading = 20.0 * rng.normal(size=(len(group), 3)) + np.array([700.0, 20.0, 45.0])
    if felt:
        reading[:, 0] += 300.0 * action
    return Pairs(
        image=np.clip(image, 0, 255).astype(np.uint8),
        readings={'air': reading.astype(np.float32)},
        quantities=np.zeros((len(group), len(AIR.quantities)), np.float32),
        action=np.where(group < labelled, action, NO_LABEL),
        night=np.zeros(len(group), bool),
        group=group,
    )


def test_where_all_is_labelled_and_shows_there_is_nothing_to_gain():
    told = predict_gain(make_pairs(), AIR)

    assert (told.new.gain.mean, told.new.gain.sign) == (0.0, 0)
    assert told.new.alone.mean > 0.95 and told.new.teacher.mean > 0.95
    # A picture tells which of two equally common actions it is: ln 2 nats.
    assert told.new.shared_with_label.mean == pytest.approx(np.log(2), abs=0.1)
    assert (told.labelled, told.unlabelled, told.groups) == (160, 0, 40)


def test_a_teacher_that_feels_what_few_labels_do_not_say_pays_on_new_places():
    told = predict_gain(make_pairs(labelled=8, patterns=8), AIR)

    assert told.new.gain.mean > 0.1 and told.new.gain.sign == 1
    assert told.new.shared_with_teacher.mean > told.new.shared_with_label.mean
    assert told.new.surplus.mean == pytest.approx(
        told.new.shared_with_teacher.mean - told.new.shared_with_label.mean
    )


def test_where_each_place_has_its_own_look_only_places_that_were_felt_gain():
    told = predict_gain(make_pairs(patterns=GROUPS), AIR)

    assert told.new.gain.mean == 0.0
    assert told.felt.gain.sign == 1 and told.felt.gain.mean > 0.1


@pytest.mark.parametrize('patterns', [2, GROUPS])
def test_a_teacher_that_feels_nothing_never_pays(patterns):
    told = predict_gain(make_pairs(felt=False, labelled=20, patterns=patterns), AIR)

    assert told.new.gain.sign <= 0 and told.felt.gain.sign <= 0
    assert told.new.teacher.mean < 0.75


def test_a_picture_that_shows_nothing_shares_nothing():
    told = predict_gain(make_pairs(shows=0.0), AIR)

    assert abs(told.new.shared_with_label.mean) < 0.05
    assert abs(told.felt.gain.mean) < 0.15 and told.felt.teacher.mean > 0.95


def test_the_same_seed_says_the_same():
    pairs = make_pairs(labelled=20)

    assert predict_gain(pairs, AIR, seed=3) == predict_gain(pairs, AIR, seed=3)


def test_groups_of_one_picture_say_nothing_of_felt_places():
    pairs = make_pairs()[::OF_EACH]

    assert predict_gain(pairs, AIR).felt is None


@pytest.mark.parametrize(
    ('labelled', 'action'), [(0, None), (4, None), (GROUPS, 1)], ids=['none', 'few', 'one action']
)
def test_labels_that_say_too_little_are_refused(labelled, action):
    pairs = make_pairs(labelled=labelled)
    if action is not None:
        pairs.action[:] = action

    with pytest.raises(GainError, match='expected labels of 5 groups .* label more recordings'):
        predict_gain(pairs, AIR)


def test_a_picture_tells_the_direction_of_its_edges_and_its_colour():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = 200
    red = np.full((64, 64, 3), (200, 0, 0), np.uint8)
    looks = picture_features(np.stack([stripes, stripes.transpose(1, 0, 2), red]))

    assert looks.shape == (3, 251) and np.isfinite(looks).all()
    upright, level = (each[96:224].reshape(16, 8).mean(0) for each in looks[:2])
    assert upright[0] > 3.0 > 0.5 > upright[4] and level[4] > 3.0 > 0.5 > level[0]
    # OpenCV's a is 128 for grey and more for red.
    assert looks[2][1] > 180.0 > 130.0 > looks[0][1]
    assert np.allclose(looks[2][96:], 0.0, atol=1e-5)


def test_a_larger_picture_of_the_same_looks_alike():
    small = np.random.default_rng(0).integers(0, 255, (4, 4, 3)).astype(np.uint8)
    pictures = [
        cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR) for side in (64, 128)
    ]
    looks = [picture_features(each[None])[0] for each in pictures]

    assert np.abs(looks[0] - looks[1]).max() < 3.0


@pytest.fixture
def folder(tmp_path):
    """Return a data set as `crossmodal-kd dataset from-bags` makes it."""
    for seed, split in enumerate(('train', 'validation')):
        pairs = make_pairs(seed, labelled=12, patterns=8, view_px=128)
        pairs.group[:] += seed * GROUPS
        save_arrays(pairs, tmp_path / split)
    shutil.copy(share_dir() / 'config/profiles/air.yaml', tmp_path / PROFILE)
    return tmp_path


def call(*arguments: object, exit_code: int) -> list[str]:
    shown = CliRunner().invoke(main, ['gain', *map(str, arguments)])
    assert shown.exit_code == exit_code and 'Traceback' not in shown.output, shown.output
    return shown.output.splitlines()


def test_the_command_says_sign_size_interval_and_what_they_are_made_of(folder):
    lines = call(folder, exit_code=0)

    assert lines[0].startswith('On new places')
    points = float(lines[1].split()[1])
    assert points > 0.0 and lines[1].strip().startswith('gain +') and ': it pays;' in lines[1]
    assert 'nats' in lines[2] and lines[-1].startswith('Made of 96 labelled and 224 other')


def test_the_test_split_is_not_looked_at(folder):
    assert not (folder / 'test').exists()
    call(folder, exit_code=0)


def test_bad_data_are_refused_in_one_sentence(folder, tmp_path):
    (line,) = call(tmp_path / 'nothing', exit_code=1)
    assert line.startswith('Error: expected a data set with its profile.yaml')
    action = folder / 'train' / 'action.npy'
    for split in ('train', 'validation'):
        action = folder / split / 'action.npy'
        np.save(action, np.full_like(np.load(action), NO_LABEL))
    (line,) = call(folder, exit_code=1)
    assert line.startswith(f'Error: expected labels of {gain.FOLDS} groups') and 'got 0' in line
