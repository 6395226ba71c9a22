# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot of another profile: the commands train and calibrate on its data set."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from crossmodal_kd_ros.calibration.model import load_calibration
from crossmodal_kd_ros.cli.main import main
from crossmodal_kd_ros.datasets import DATASHEET, NO_LABEL, PROFILE, SPLITS, Pairs
from crossmodal_kd_ros.datasets.pairs import save_arrays
from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.profile import Mode, load_profile, measure_quantities

pytestmark = pytest.mark.timeout(300)

AIR = load_profile('air')
RECIPE = """data: {labelled_views: 10, unlabelled_views: 0}
teacher: {steps: 2, batch: 8, view_px: 32}
student: {steps: 2, batch: 8, view_px: 32}
"""


def make_pairs(count: int, seed: int, unlabelled: float = 0.0) -> Pairs:
    """Return pairs of a room: what is right shows in the picture, and in every reading."""
    rng = np.random.default_rng(seed)
    action = rng.integers(3, size=count)
    image = rng.integers(0, 60, (count, 128, 128, 3)).astype(np.uint8)
    image += (60 * action).astype(np.uint8)[:, None, None, None]
    reading = np.stack([500.0 + 400.0 * action, 18.0 + 3.0 * action, 40.0 + 5.0 * action], 1)
    reading += rng.normal(size=reading.shape)
    readings = {'air': reading.astype(np.float32)}
    return Pairs(
        image=image,
        readings=readings,
        quantities=measure_quantities(AIR, readings),
        action=np.where(rng.random(count) < unlabelled, NO_LABEL, action),
        night=np.zeros(count, bool),
        group=np.arange(count) // 4,
    )


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder with a data set `set` and networks `models`."""
    folder = tmp_path_factory.mktemp('air[a]')
    (folder / 'tiny.yaml').write_text(RECIPE)
    for seed, split in enumerate(SPLITS):
        pairs = make_pairs(120, seed, unlabelled=0.1 if split == 'train' else 0.0)
        save_arrays(pairs, folder / 'set' / split)
    shutil.copy(share_dir() / 'config/profiles/air.yaml', folder / 'set' / PROFILE)
    counts = {'samples': 120, 'blocks': 12, 'actions': {'unlabelled': 12}}
    splits = dict.fromkeys(SPLITS, counts)
    (folder / 'set' / DATASHEET).write_text(json.dumps({'bags': ['room'], 'splits': splits}))
    call(
        'train',
        *('--data', folder / 'set', '--recipe', folder / 'tiny.yaml', '--device', 'cpu'),
        *('--out', folder / 'models', '--cache', folder / 'cache'),
    )
    return folder


def call(*arguments: object, exit_code: int = 0) -> str:
    shown = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert shown.exit_code == exit_code and 'Traceback' not in shown.output, shown.output
    return shown.output


def test_the_card_names_what_the_robot_has(folder):
    page = (folder / 'models' / 'README.md').read_text()

    assert 'for the profile air' in page and '`open_window`' in page and '| R2 co2 |' in page
    assert '| teacher, air masked |' in page and 'simulated-data' not in page


def test_its_weights_are_calibrated_on_its_own_recordings(folder):
    shown = call('calibrate', '--models', folder / 'models', '--data', folder / 'set')
    calibration = load_calibration(folder / 'models', AIR)

    assert 'recorded' in shown and 'simulated' not in shown
    assert f'calibration: {folder / "models" / "calibration.json"}\n' in shown
    assert {name: set(by_mode) for name, by_mode in calibration.predictors.items()} == {
        'camera+air': {Mode.TEACHER, Mode.STUDENT},
        'camera': {Mode.PARTIAL, Mode.STUDENT},
        'air': {Mode.PARTIAL},
    }
    assert set(calibration.residuals) == {'air'} and calibration.origin['split'] == 'validation'
    covered = calibration.origin['coverage_on_test']
    assert [row['source'] for row in covered[:2]] == ['camera', 'air']
    assert covered[0]['night'] is None and calibration.origin['views'] == 120


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (['--profile', 'air'], 'expected --data with a data set of the profile air, got none'),
        # Its weights are asked for first: data of thousands of views may have to be made.
        (
            ['--data', 'set', '--profile', 'gripper'],
            'expected the weights of a student for the profile gripper',
        ),
    ],
    ids=str,
)
def test_what_cannot_be_simulated_or_is_of_another_robot_is_refused(folder, options, sentence):
    options = [folder / 'set' if option == 'set' else option for option in options]
    shown = call(
        'calibrate',
        *('--models', folder / 'models', *options),
        *('--views', '300', '--cache', folder / 'cache'),
        exit_code=1,
    )

    assert sentence in shown and shown.startswith('Error: expected')
