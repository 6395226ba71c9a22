# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The vocabulary's promises: order, units, derived quantities, the square view, and refusals in words."""

import cv2
import numpy as np
import pytest

from crossmodal_kd_ros import contract


def test_touch_splits_into_two_banks_of_eight_rows_by_sixteen():
    touch = np.concatenate([np.full(128, 40.0), np.zeros(128)]).astype(np.float32)
    touch[200] = 2.5
    assert contract.surface_roughness_um(touch) == 40.0
    assert contract.crack_depth_mm(touch) == 2.5
    assert (
        touch[contract.TEXTURE].size
        == touch[contract.INDENTATION].size
        == np.prod(contract.BANK_SHAPE)
    )


def test_co2_absorption_is_the_fraction_of_ambient_that_the_wall_takes():
    gas = np.zeros((2, 8), np.float32)
    gas[0, :2] = 84.0, 336.0  # ambient 420 ppm, a fifth of it absorbed
    assert contract.co2_absorption(gas) == pytest.approx([0.2, 0.0])


def test_square_view_takes_the_centre_and_keeps_the_mean_when_scaling_down():
    image = np.zeros((480, 640, 3), np.uint8)
    image[:, 80:560] = 120
    image[::2] //= 2
    view = contract.square_view(image)
    assert view.shape == (128, 128, 3)
    assert abs(float(view.mean()) - 90.0) < 1.0


@pytest.mark.parametrize(('height', 'width', 'block'), [(480, 640, 2), (1080, 1920, 4)])
def test_halving_a_picture_first_changes_a_smooth_view_by_less_than_its_slope_allows(
    height, width, block
):
    rows, columns = np.mgrid[:height, :width]
    slope = 1.5  # steps of brightness from pixel to pixel, at most
    period_px = 60.0
    image = 127.5 + slope * period_px / (2 * np.pi) * (
        np.sin(2 * np.pi * rows / period_px) + np.sin(2 * np.pi * columns / period_px)
    )[..., None].repeat(3, 2)
    image = image.round().astype(np.uint8)
    left = (width - height) // 2
    direct = cv2.resize(image[:, left : left + height], (128, 128), interpolation=cv2.INTER_AREA)
    # Of a block across an edge at most a quarter of its width counts on the other side, half its
    # width away; a view pixel has two edges each way. Each halving, and the last step, round by up
    # to half a step, and so does the direct way.
    shift = 2 * (2 * slope) * (block / 4) * (block / 2) / (height / 128)
    rounding = 0.5 * (np.log2(block) + 2)
    difference = np.abs(contract.square_view(image).astype(int) - direct)
    assert difference.max() <= shift + rounding
    assert difference.mean() < 1.0


def test_a_hair_crack_darkens_the_view_as_much_wherever_it_lies():
    pixel = 480 / 128
    for column in range(300, 315):  # 15 pixels of the camera are 4 of the view
        image = np.full((480, 640, 3), 200, np.uint8)
        image[:, column] = 40
        darkened = 200.0 - contract.square_view(image)[64, :, 0]
        assert darkened.sum() == pytest.approx(160 / pixel, abs=1.0)
        # At worst it lies on an edge, half in each pixel.
        assert darkened.max() >= 160 / pixel / 2 - 0.5


@pytest.mark.parametrize(
    'image', [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3))]
)
def test_an_image_of_another_form_is_refused_in_words(image):
    with pytest.raises(
        contract.ContractError, match=r'expected an RGB image uint8\[H, W, 3\], got'
    ):
        contract.square_view(image)


def test_touch_and_gas_of_another_size_or_not_finite_are_refused_in_words():
    with pytest.raises(contract.ContractError, match='expected 256 taxel values, got 255'):
        contract.check_touch(np.zeros(255))
    with pytest.raises(contract.ContractError, match='got 1 that are NaN'):
        contract.check_touch(np.r_[np.zeros(255), np.nan])
    with pytest.raises(contract.ContractError, match='expected 8 gas channels, got 7'):
        contract.check_gas(np.zeros(7))
    with pytest.raises(contract.ContractError, match='infinity in nh3_ppm'):
        contract.check_gas(np.r_[np.zeros(5), np.inf, np.zeros(2)])
