# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The world in a real Gazebo, where the machine has one: about three minutes."""

import math
import re
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from gazebo_server import PATIENCE_S, Gazebo, egl_works, find_tool
from waiting import wait_for

from crossmodal_kd_ros.gazebo import PANEL_CENTRES_M, four_panels, locate
from crossmodal_kd_ros.simulation import MATERIALS, RenderedPanel
from crossmodal_kd_ros.simulation.camera import Shot
from crossmodal_kd_ros.simulation.panel import PANEL_MM

# Software rendering, beside whatever else the machine does.
pytestmark = pytest.mark.timeout(300)

PX_PER_MM = 7.5
CAMERA_M = 0.06
WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope='module')
def gazebo(tmp_path_factory):
    """Return a server that has sent its first picture."""
    tool = find_tool()
    if tool is None:
        pytest.skip(
            'neither `gz sim` nor `ign gazebo` answers here, or not with `topic` beside it'
        )
    if not egl_works():
        pytest.skip('EGL finds no device here that a Gazebo without a window could render on')
    gazebo = Gazebo(tool, tmp_path_factory.mktemp('gazebo'))
    try:
        gazebo.pictures(1)
        yield gazebo
    finally:
        gazebo.close()


@pytest.fixture(scope='module')
def simulated():
    """Return a picture of each whole panel as the simulator renders it."""
    width, height = (round(size * PX_PER_MM) for size in PANEL_MM)
    middle = (PANEL_MM[0] / 2, PANEL_MM[1] / 2)
    return [
        RenderedPanel(panel, px_per_mm=PX_PER_MM).picture(
            middle, Shot(noise_gain=0.0), width_px=width, height_px=height
        )
        for panel in four_panels(0)
    ]


def go(gazebo: Gazebo, there: Callable[[np.ndarray], bool], **joints: float) -> None:
    """Send joints to places (m), and wait until the tip is `there` and stands still."""
    places = [np.full(3, np.inf)]

    def arrived() -> bool:
        places.append(gazebo.tip()[0])
        if np.abs(places[-1] - places[-2]).max() > 1e-4:
            return False
        if there(places[-1]):
            return True
        # Once more: what a publisher says that ends at once may be lost.
        for joint, metres in joints.items():
            gazebo.send(joint, metres)
        return False

    wait_for(arrived, limit_s=PATIENCE_S, printed=lambda: f'the tip is at {places[-1]}')


def seen_by_the_simulator(
    panel: np.ndarray, index: int, place_m: np.ndarray, turn: np.ndarray
) -> np.ndarray:
    """Return what of the picture of a `panel` the camera sees that is fixed to the tip.

    Args:
        panel: a picture of all of panel `index`.
        index: where it hangs.
        place_m, turn: the pose of the tip.
    """
    focal_px = CAMERA_M * 1e3 * PX_PER_MM
    corners = np.float32([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]])
    eye = place_m + turn @ (0.0, -CAMERA_M, 0.0)
    rays = np.stack(
        [corners[:, 0] - WIDTH / 2, np.full(4, focal_px), HEIGHT / 2 - corners[:, 1]], -1
    )
    rays = rays @ turn.T
    on_wall = eye - rays * (eye[1] / rays[:, 1:2])
    x, z = PANEL_CENTRES_M[index]
    on_panel_mm = (on_wall[:, ::2] - (x, z)) * (1e3, -1e3) + np.array(PANEL_MM) / 2
    # Corners of pixels, while OpenCV counts from the middle of the first.
    to_panel = cv2.getPerspectiveTransform(
        corners - 0.5, np.float32(on_panel_mm * PX_PER_MM - 0.5)
    )
    return cv2.warpPerspective(
        panel, to_panel, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return how alike two pictures are in what is finer than 4 mm and coarser than noise."""
    details = []
    for picture in (first, second):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        details.append(cv2.GaussianBlur(grey, (0, 0), 2.0) - cv2.GaussianBlur(grey, (0, 0), 30.0))
    return float(np.corrcoef(*(detail.ravel() for detail in details))[0, 1])


def test_the_world_loads_without_an_error_and_without_a_warning(gazebo):
    complaints = re.findall(
        r'^.*\[(?:Err|Wrn|error|warning|critical)\].*$', gazebo.log(), re.MULTILINE
    )

    assert complaints == []


@pytest.mark.parametrize('index', range(len(MATERIALS)), ids=list(MATERIALS))
def test_each_panel_looks_as_in_the_simulator_and_as_no_other(gazebo, simulated, index):
    x, _ = PANEL_CENTRES_M[index]
    go(
        gazebo,
        lambda tip: abs(tip[0] - x) < 5e-3 and tip[1] > -5e-4,
        carriage=0.2 * index,
        lift=0.0,
        reach=0.02,
    )
    (picture,) = gazebo.pictures(1)
    place_m, turn = gazebo.tip()
    assert locate(tuple(place_m)).panel == index

    alike = [
        correlation(picture, seen_by_the_simulator(each, index, place_m, turn))
        for each in simulated
    ]

    assert alike.pop(index) >= 0.6
    assert max(alike) < 0.3


def test_two_pictures_of_a_still_arm_are_not_the_same(gazebo):
    go(gazebo, lambda tip: True)

    first, second = gazebo.pictures(2)

    assert np.mean((first != second).any(-1)) > 0.3


def test_the_lift_goes_to_both_ends_and_back(gazebo):
    go(gazebo, lambda tip: tip[1] < -0.03, lift=0.0, reach=-0.04)
    middle = gazebo.tip()[0][2]

    for metres in (-0.04, 0.0, 0.04, 0.0):
        go(gazebo, lambda tip: math.isclose(tip[2], middle + metres, abs_tol=1e-3), lift=metres)


def test_a_lift_that_is_sent_beyond_its_limits_comes_back(gazebo):
    go(gazebo, lambda tip: tip[1] < -0.03, lift=0.0, reach=-0.04)
    middle = gazebo.tip()[0][2]

    for metres, limit in ((-0.5, -0.3), (0.5, 0.3), (0.0, 0.0)):
        go(gazebo, lambda tip: math.isclose(tip[2], middle + limit, abs_tol=5e-3), lift=metres)


def test_the_pad_has_contact_when_pressed_and_none_when_lifted(gazebo):
    go(gazebo, lambda tip: tip[1] > -5e-4, lift=0.0, reach=0.02)
    assert gazebo.touches()

    go(gazebo, lambda tip: tip[1] < -0.03, reach=-0.04)
    assert not gazebo.touches()
