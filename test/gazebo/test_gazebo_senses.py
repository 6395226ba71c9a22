# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tip feels and smells at a place of the world."""

import numpy as np
import pytest

from crossmodal_kd_ros.gazebo import PANEL_CENTRES_M, GazeboSenses, Place, four_panels, locate
from crossmodal_kd_ros.profile import check_reading
from crossmodal_kd_ros.simulation import MATERIALS, PROFILE, PanelScene
from crossmodal_kd_ros.simulation.panel import PANEL_MM

TOUCH, GAS = PROFILE.senses['touch'], PROFILE.senses['gas']
MIDDLE = (PANEL_MM[0] / 2, PANEL_MM[1] / 2)


@pytest.fixture(scope='module')
def senses():
    """Return the senses on the four panels of seed 0."""
    return GazeboSenses(0)


def at(panel: int | None, centre_mm: tuple[float, float] = MIDDLE, gap_mm: float = 0.0) -> Place:
    """Return a place."""
    return Place(panel=panel, centre_mm=centre_mm, gap_mm=gap_mm)


def test_one_panel_hangs_for_each_material_and_each_wants_something_else():
    panels = four_panels(0)

    assert [panel.material_name for panel in panels] == list(MATERIALS)
    assert [PanelScene(panel).truth(MIDDLE).action for panel in panels] == [
        'seal_crack',
        'apply_bio_adhesive',
        'remove_growth',
        'hydrate',
    ]
    assert panels == four_panels(0)
    assert panels != four_panels(1)


@pytest.mark.parametrize('index', range(4))
def test_the_middle_of_a_panel_is_found_with_the_gap_to_it(index):
    x, z = PANEL_CENTRES_M[index]

    place = locate((x, -0.005, z))

    assert place.panel == index
    assert place.centre_mm == pytest.approx(MIDDLE)
    assert place.gap_mm == pytest.approx(5.0)


def test_a_panel_counts_from_its_upper_left_corner_as_the_camera_sees_it():
    x, z = PANEL_CENTRES_M[1]

    place = locate((x - 0.070, 0.0, z + 0.040))

    assert place.centre_mm == pytest.approx((10.0, 8.0))


@pytest.mark.parametrize(('dx', 'dz'), [(0.081, 0.0), (0.0, 0.049), (0.0, -0.049)])
def test_beside_a_panel_there_is_none(dx, dz):
    x, z = PANEL_CENTRES_M[0]

    assert locate((x + dx, 0.0, z + dz)).panel is None


def test_pressed_on_a_panel_the_pad_reads_what_the_simulated_wall_has_there(senses):
    wall = PanelScene(four_panels(0)[0])
    readings = np.stack([senses.touch(at(0), in_contact=True) for _ in range(400)])

    # Gain error 1 to 3 % and the floor of each bank: the mean of 400 strays by a twentieth of one
    # reading's noise.
    np.testing.assert_allclose(readings.mean(0), wall.read('touch', MIDDLE), rtol=0.01, atol=0.2)
    assert readings.mean(0)[TOUCH.elements_of('indentation')].max() > 1.0


@pytest.mark.parametrize(
    ('place', 'in_contact'),
    [
        (at(0, gap_mm=20.0), False),
        (at(None), True),
        (at(0, centre_mm=(5.0, 48.0)), True),
        (at(0, centre_mm=(80.0, 95.0)), True),
    ],
)
def test_in_the_air_and_off_the_panel_the_pad_reads_its_noise_floor(senses, place, in_contact):
    reading = check_reading(TOUCH, senses.touch(place, in_contact=in_contact))

    assert reading[:128].max() < 5.0 * 0.6
    assert reading[128:].max() < 5.0 * 0.03


def test_on_a_panel_the_hood_reads_the_panels_air(senses):
    wall = PanelScene(four_panels(0)[2])
    readings = np.stack([senses.gas(at(2)) for _ in range(400)])

    assert np.all(
        np.abs(readings.mean(0) - wall.read('gas', MIDDLE))
        < 5.0 * GAS.per_element('noise_std') / np.sqrt(400)
    )


def test_lifted_the_hood_reads_more_and_more_of_the_room_where_nothing_takes_up_co2(senses):
    uptakes = [
        np.mean([senses.gas(at(2, gap_mm=gap))[0] for _ in range(400)])
        for gap in (0.0, 5.0, 15.0, 40.0, 150.0)
    ]

    assert uptakes == sorted(uptakes, reverse=True)
    assert uptakes[0] > 4.0
    assert uptakes[-1] == pytest.approx(0.0, abs=0.3)


def test_beside_the_panels_the_hood_reads_the_rooms_air(senses):
    room = dict(zip(GAS.channel_names, np.mean([senses.gas(at(None)) for _ in range(200)], 0)))

    assert room['co2_uptake_ppm'] == pytest.approx(0.0, abs=1.5)
    assert 370.0 < room['co2_surface_ppm'] < 490.0
    assert room['o2_pct'] == pytest.approx(20.9, abs=0.02)
    assert room['nh3_ppm'] == pytest.approx(0.5, abs=0.3)


def test_every_place_gives_readings_that_fit_the_profile(senses):
    rng = np.random.default_rng(0)
    for _ in range(300):
        place = locate(tuple(rng.uniform((-0.6, -0.1, 0.4), (0.6, 0.005, 0.6))))

        assert check_reading(TOUCH, senses.touch(place, in_contact=True)).min() >= 0.0
        check_reading(GAS, senses.gas(place))
