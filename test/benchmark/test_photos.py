# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Photographs: what is read, how both scores are measured, and what is refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from crossmodal_kd_ros.benchmark.hand_made import SCORES
from crossmodal_kd_ros.benchmark.photos import (
    TITLES,
    Photos,
    PhotosError,
    crack_scores,
    measure_photos,
    recall_at,
    worst_mistakes,
)
from crossmodal_kd_ros.networks import Student
from crossmodal_kd_ros.profile import load_profile

PROFILE = load_profile('living_wall')

WIDTH = list(PROFILE.quantities).index('crack_width')


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder of six smooth pictures and six with a thin dark line, of 160 x 120 px."""
    rng = np.random.default_rng(0)
    for name, is_cracked in (('clean', False), ('crack', True)):
        (tmp_path / name).mkdir()
        for index in range(6):
            picture = cv2.GaussianBlur(
                rng.normal(150, 25, (120, 160, 3)).astype(np.float32), (0, 0), 2
            ).astype(np.uint8)
            if is_cracked:
                cv2.line(picture, (30, 20 + 10 * index), (130, 90), (40, 40, 40), 2)
            cv2.imwrite(str(tmp_path / name / f'{index}.png'), picture)
    return tmp_path


def test_photographs_become_square_views_with_their_folder_as_label(folder):
    photos = Photos.load(folder, size_px=128)
    assert photos.image.shape == (12, 128, 128, 3) and photos.image.dtype == np.uint8
    assert photos.cracked.tolist() == [False] * 6 + [True] * 6 and photos.path[-1].name == '5.png'


@pytest.mark.parametrize('name', SCORES)
def test_each_hand_made_score_sees_a_dark_line(folder, name):
    photos = Photos.load(folder, size_px=128)
    score = np.array([SCORES[name](picture) for picture in photos.image])
    assert score[photos.cracked].min() > score[~photos.cracked].max()


def test_student_and_filters_are_measured_on_the_same_pictures(folder):
    torch.manual_seed(0)
    student, photos = Student(PROFILE).eval(), Photos.load(folder, size_px=128)
    measured = measure_photos(student, photos)
    assert (measured['pictures'], measured['cracked']) == (12, 6)
    assert set(measured['scores']) == set(TITLES)
    assert measured['scores']['black_hat'] == {
        'auroc': 1.0,
        'average_precision': 1.0,
        'recall': 1.0,
    }
    sureness, wanted = crack_scores(student, photos.image)
    for name, score in (('student', sureness), ('action', wanted)):
        pairs = [
            (a > b) + 0.5 * (a == b) for a in score[photos.cracked] for b in score[~photos.cracked]
        ]
        assert measured['scores'][name]['auroc'] == pytest.approx(np.mean(pairs))
    assert ((0 <= wanted) & (wanted <= 1)).all()


def test_recall_is_what_a_limit_finds_that_few_clean_ones_pass():
    cracked = np.array([False] * 40 + [True] * 10)
    score = np.concatenate([np.arange(40.0), np.arange(31.5, 41.5)])
    # Two of 40 clean ones may pass: the limit lies above 37, and 37.5 to 40.5 are found.
    assert recall_at(cracked, score) == 0.4
    assert recall_at(cracked, score, false_alarms=0.0) == 0.2
    assert recall_at(cracked, cracked.astype(float)) == 1.0


def test_the_score_is_the_mean_over_the_four_mirrored_views():
    class Eye(Student):
        """Sees as many millimetres as the upper left pixel is bright, to half a millimetre."""

        def forward(self, image):
            output = super().forward(image)
            output.quantities_z[:, WIDTH] = image[:, 0, 0, 0]
            output.quantities_logvar[:, WIDTH] = 2.0 * np.log(0.5)
            return output

    eye = Eye(PROFILE).eval()  # whose standard units are millimetres
    image = np.zeros((3, 128, 128, 3), np.uint8)
    image[0, 0, 0], image[1, -1, -1], image[1, 0, -1], image[2, 64, 64] = 255, 255, 255, 255
    sureness, _ = crack_scores(eye, image)
    # 0.1 mm, what just shows, is a fifth of the deviation.
    assert sureness.tolist() == pytest.approx([0.3, 0.8, -0.2])


def test_the_worst_mistakes_are_the_clean_that_score_high_and_the_cracked_that_score_low(folder):
    photos = Photos.load(folder, size_px=128)
    clean, cracked = worst_mistakes(photos, np.arange(12.0), count=2)
    assert clean.tolist() == [5, 4] and cracked.tolist() == [6, 7]


def test_a_folder_without_pictures_or_with_a_broken_one_is_refused_in_one_sentence(folder):
    (folder / 'crack' / '0.png').write_bytes(b'no picture')
    with pytest.raises(
        PhotosError, match=r'crack/0.png: expected a picture .*, got 10 bytes .*: delete it'
    ):
        Photos.load(folder, size_px=128)
    with pytest.raises(
        PhotosError, match=r'expected pictures \(.jpg, .*\) in .*/clean/clean, found none'
    ):
        Photos.load(folder / 'clean', size_px=128)


def test_a_parity_keeps_every_second_photograph_with_all_of_its_tiles(tmp_path):
    for name, tiles in (('clean', ('a_3_0', 'a_3_1', 'a_9_0')), ('crack', ('a_3_2', 'a_9_5'))):
        (tmp_path / name).mkdir()
        for tile in tiles:
            cv2.imwrite(str(tmp_path / name / f'{tile}.png'), np.zeros((40, 40, 3), np.uint8))

    def names(parity: str) -> list[str]:
        return [p.stem for p in Photos.load(tmp_path, size_px=32, parity=parity).path]

    assert names('odd') == ['a_3_0', 'a_3_1', 'a_3_2'] and names('even') == ['a_9_0', 'a_9_5']
    assert sorted(names('odd') + names('even')) == sorted(names('all'))


def test_a_parity_without_numbers_or_without_both_kinds_is_refused_in_one_sentence(tmp_path):
    for name, tile in (('clean', 'a_1'), ('crack', 'a_2')):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / f'{tile}.png'), np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(PhotosError, match='among the even ones of .*, got 1 pictures of one'):
        Photos.load(tmp_path, size_px=32, parity='even')
    (tmp_path / 'crack' / 'a_2.png').rename(tmp_path / 'crack' / 'wall.png')
    with pytest.raises(PhotosError, match=r'expected the number .* in the name of .*wall.png'):
        Photos.load(tmp_path, size_px=32, parity='even')
