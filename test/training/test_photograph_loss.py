# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A student that learns from photographs: what it is asked, and that it learns it."""

import numpy as np
import pytest
import torch
from made_up_pairs import PROFILE, make_pairs
from sklearn.metrics import roc_auc_score

from crossmodal_kd_ros.datasets.photographs import Photographs
from crossmodal_kd_ros.networks import Student
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.training.photographs import (
    SHOWN_MM,
    PhotographLoss,
    change_view,
    check_profile,
    opening_score,
)
from crossmodal_kd_ros.training.recipe import RecipeError, StudentRecipe
from crossmodal_kd_ros.training.student import train_student

WIDTH = list(PROFILE.quantities).index('crack_width')


@pytest.fixture(scope='module')
def photographs() -> Photographs:
    """Return 60 grey pictures, every second with a dark line down its middle, 4 px wide."""
    rng = np.random.default_rng(0)
    image = rng.normal(160.0, 8.0, (60, 128, 128, 3)).clip(0, 255).astype(np.uint8)
    cover = np.zeros((60, 128, 128), np.uint8)
    image[1::2, :, 62:66] = 30
    cover[1::2, :, 62:66] = 255
    return Photographs(image=image, cover=cover)


def test_a_batch_is_decided_by_its_seed(photographs):
    loss = PhotographLoss(Student(PROFILE), photographs, batch=6)
    one, same, other = (loss.draw(seed) for seed in ((0, 5), (0, 5), (0, 6)))
    assert torch.equal(one.image, same.image) and torch.equal(one.cover, same.cover)
    assert not torch.equal(one.image, other.image)
    assert one.image.shape == (6, 3, 128, 128) and one.cover.shape == (6, 128, 128)


def test_a_view_is_changed_together_with_what_is_known_of_it():
    """Wherever a turned, mirrored, enlarged or shifted view is dark, there is the crack."""
    image, cover = np.full((128, 128, 3), 200, np.uint8), np.zeros((128, 128), np.uint8)
    image[40:44, 10:90], cover[40:44, 10:90] = 0, 255
    seen = 0
    for seed in range(30):
        view, known = change_view(image, cover, np.random.default_rng(seed))
        assert view.shape == image.shape and known.shape == cover.shape
        dark, cracked = view.mean(2) < 100, known > 127
        assert (dark == cracked).mean() > 0.99
        seen += bool(cracked.any())
    assert seen > 20


def test_the_width_is_that_of_the_widest_line_in_the_picture(photographs):
    loss = PhotographLoss(Student(PROFILE), photographs, batch=4)
    cover = torch.from_numpy(photographs.cover[:2].copy()).float() / 255.0
    both = torch.zeros(1, 128, 128)
    both[:, 10:16], both[:, 100:102] = 1.0, 1.0
    # 0, 4 and 6 px of half a millimetre
    assert loss._width_mm(torch.cat([cover, both])).tolist() == pytest.approx([0.0, 2.0, 3.0])


def test_the_score_is_the_probit_of_the_chance_that_a_crack_is_wide_enough_to_show():
    student = Student(PROFILE).eval()
    mean_mm, std_mm = np.float32(0.4), np.float32(0.25)
    quantities = np.full((2, len(PROFILE.quantities)), mean_mm)
    quantities[1] += 2 * std_mm
    student.set_statistics(make_pairs(4).readings, quantities)
    with torch.inference_mode():
        output = student(torch.rand(5, 3, 128, 128))
    score = opening_score(student, output)
    standardise = student.standardise_quantities
    width = torch.distributions.Normal(
        (output.quantities_z * standardise.std + standardise.mean)[:, WIDTH],
        student.quantities_std(output)[:, WIDTH],
    )
    shown = torch.special.ndtr(score)
    torch.testing.assert_close(shown, 1.0 - width.cdf(torch.tensor(SHOWN_MM)))


def test_a_student_learns_from_photographs_what_its_views_do_not_tell(photographs):
    recipe = StudentRecipe(
        steps=60, batch=8, view_px=64, validate_every=60, distil=False, photograph_weight=1.0
    )
    pairs = make_pairs(40)
    areas = []
    for taught in (photographs, None):
        student, _ = train_student(PROFILE, recipe, None, pairs, pairs, seed=0, photographs=taught)
        with torch.inference_mode():
            image = torch.from_numpy(photographs.image.copy()).permute(0, 3, 1, 2) / 255.0
            width = student(image).quantities_z[:, WIDTH]
        areas.append(roc_auc_score(np.arange(60) % 2, width))
    assert areas[0] > 0.95 and areas[0] > areas[1]


def test_without_a_weight_photographs_change_nothing(photographs):
    recipe = StudentRecipe(steps=3, batch=8, view_px=32, validate_every=3, distil=False)
    pairs = make_pairs(20)
    with_them, without = (
        train_student(PROFILE, recipe, None, pairs, pairs, seed=0, photographs=given)[0]
        for given in (photographs, None)
    )
    assert all(
        torch.equal(a, b)
        for a, b in zip(with_them.state_dict().values(), without.state_dict().values())
    )


def test_a_profile_without_a_crack_to_see_is_refused_in_one_sentence():
    check_profile(PROFILE)
    with pytest.raises(RecipeError, match='quantity crack_width and a grid in the view'):
        check_profile(load_profile('gripper'))
