# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The array of sprung pins: how far they reach on sound, cracked, soft and debonded walls."""

import math
from dataclasses import replace

import numpy as np
import pytest

from crossmodal_kd_ros.simulation import MATERIALS, PROFILE, PanelScene, draw_panels
from crossmodal_kd_ros.simulation.fields import blister, crack_path
from crossmodal_kd_ros.simulation.touch import debonded_give_mm, punch_mm, reach_mm

TIP_MM, TRAVEL_MM = 0.3, 15.0
TEXTURE, INDENTATION = (
    PROFILE.senses['touch'].elements_of(name) for name in ('texture', 'indentation')
)
MIDDLE_MM = (80.0, 48.0)
MINERAL, SOFT = (0, 3), (1, 2)


@pytest.fixture(scope='module')
def panel():
    """Return a moist panel with nothing the matter."""
    return replace(
        draw_panels(1, seed=5)[0],
        material=0,
        roughness_um=40.0,
        crack_width_mm=0.0,
        crack_depth_mm=0.0,
        growth_cover=0.0,
        moisture=0.5,
        delamination=0.0,
    )


@pytest.mark.parametrize('width_mm', [0.05, 0.15, 0.25])
def test_a_round_tip_sags_into_a_crack_narrower_than_itself_as_a_ball_into_a_gap(width_mm):
    # Pythagoras: the ball's centre stands sqrt(r^2 - (w/2)^2) above the edges that it touches.
    radius = TIP_MM / 2
    sag = radius - math.sqrt(radius**2 - (width_mm / 2) ** 2)

    assert reach_mm(width_mm, 10.0) == pytest.approx(sag)
    assert reach_mm(width_mm, 10.0) < radius


def test_sag_and_entry_meet_where_the_crack_is_as_wide_as_the_tip():
    below, above = (reach_mm(TIP_MM + change, 10.0) for change in (-1e-9, 1e-9))

    assert below == pytest.approx(TIP_MM / 2, abs=1e-4)
    assert above == pytest.approx(TIP_MM / 2, abs=1e-4)


def test_in_a_wedge_the_tip_stops_where_the_crack_is_as_narrow_as_itself():
    width_mm, depth_mm = 0.6, 8.0
    reach = float(reach_mm(width_mm, depth_mm)) - TIP_MM / 2

    assert width_mm * (1.0 - reach / depth_mm) == pytest.approx(TIP_MM)


def test_a_wider_or_deeper_crack_is_never_felt_shallower():
    widths = np.linspace(0.0, 3.0, 400)
    assert np.all(np.diff(reach_mm(widths, 12.0)) >= -1e-12)
    assert np.all(np.diff(reach_mm(0.8, np.linspace(0.5, 40.0, 100))) >= 0.0)


def test_no_pin_reaches_further_than_its_travel():
    assert reach_mm(3.0, 60.0) == TRAVEL_MM


def test_a_pin_that_rides_the_edge_reaches_less_and_beside_the_crack_not_at_all():
    width_mm, depth_mm = 1.0, 10.0
    aside = np.array([0.0, 0.1, 0.2, 0.34, 0.36, 0.6])
    reach = reach_mm(width_mm, depth_mm, aside)

    assert np.all(np.diff(reach[:4]) < 0.0)
    # 0.35 mm beside the middle its outer side is over the edge.
    assert reach[4] == reach[5] == 0.0


def test_concrete_gives_nothing_a_crust_hardly_felt_tenths_and_gel_most():
    gives = {name: punch_mm(material) for name, material in MATERIALS.items()}

    order = ['bio_concrete', 'bacterial_coating', 'mycelium_composite', 'algae_panel']
    assert sorted(gives, key=gives.get) == order
    assert gives['bacterial_coating'] < 1e-4
    assert 0.05 < gives['mycelium_composite'] < 0.5
    # The tip's pressure stays below what pierces gels, a few times their modulus.
    assert 0.01 / (math.pi * 0.15**2) < 2.0 * MATERIALS['algae_panel'].young_modulus_mpa


def debonded(panel, delamination: float):
    """Return the panel with a debonded zone, and a place wholly on its flat top."""
    zone = blister(panel.delamination_seed, 2.0)
    rows, columns = np.nonzero(zone == 1.0)
    centre = (columns.mean() / 2.0, rows.mean() / 2.0)
    return replace(panel, delamination=delamination), centre


@pytest.mark.parametrize('material', MINERAL)
def test_a_debonded_layer_of_stone_rings_and_gives_no_way(panel, material):
    panel = replace(panel, material=material)
    (loose, centre), (bonded, _) = debonded(panel, 1.0), debonded(panel, 0.0)
    rung, still = (PanelScene(one).read('touch', centre) for one in (loose, bonded))

    assert rung[TEXTURE].max() > 1.5 * still[TEXTURE].max()
    np.testing.assert_allclose(rung[INDENTATION], still[INDENTATION], atol=0.005)


@pytest.mark.parametrize('material', SOFT)
def test_a_debonded_soft_layer_gives_way_and_does_not_ring(panel, material):
    panel = replace(panel, material=material)
    (loose, centre), (bonded, _) = debonded(panel, 1.0), debonded(panel, 0.0)
    pressed, still = (PanelScene(one).read('touch', centre) for one in (loose, bonded))

    assert pressed[INDENTATION].max() > still[INDENTATION].max() + 0.1
    np.testing.assert_array_equal(pressed[TEXTURE], still[TEXTURE])


def test_a_layer_bends_as_a_clamped_plate_that_is_loaded_in_its_middle():
    felt = MATERIALS['mycelium_composite']
    # 128 pins of 0.01 N; alpha = 1 / (16 pi) for a central load, in newtons and millimetres.
    stiffness = felt.young_modulus_mpa * felt.layer_mm**3 / (12.0 * (1.0 - felt.poisson_ratio**2))

    assert debonded_give_mm(felt) == pytest.approx(1.28 * 30.0**2 / (16.0 * math.pi * stiffness))


def test_no_layer_gives_way_beyond_the_gap_behind_it():
    limp = replace(MATERIALS['algae_panel'], young_modulus_mpa=1e-6)
    assert debonded_give_mm(limp) == 1.5


def test_the_zero_of_the_pins_drifts_by_hundredths_of_a_millimetre_with_moisture(panel):
    parched, soaked = (
        PanelScene(replace(panel, moisture=moisture)).read('touch', MIDDLE_MM)[INDENTATION].mean()
        for moisture in (0.0, 1.0)
    )
    assert 0.01 < soaked - parched < 0.1


def test_a_film_of_water_and_living_growth_damp_the_vibration_of_stroking(panel):
    def vibration(**state) -> float:
        return PanelScene(replace(panel, **state)).read('touch', MIDDLE_MM)[TEXTURE].mean()

    assert vibration(moisture=0.95) < vibration()
    mossy = {'growth_cover': 0.6, 'growth_alive': True}
    assert vibration(**mossy) < vibration(**mossy | {'growth_alive': False}) == vibration()


def test_a_crack_is_felt_along_its_path_and_narrows_towards_its_ends(panel):
    path, relative = crack_path(panel.crack_seed)
    # An ellipse: half of the way to an end, the opening is sqrt(3) / 2 of the widest.
    middle = len(path) // 2
    assert relative[middle] == 1.0
    assert relative[[0, -1]].max() == 0.0
    quarter = np.interp(len(path) / 4 - 0.25, np.arange(len(path)), relative)
    assert quarter == pytest.approx(math.sqrt(3) / 2, abs=0.02)

    inner = [at for at in path if 20 < at[0] < 140 and 10 < at[1] < 86]
    cracked = PanelScene(replace(panel, crack_width_mm=0.9, crack_depth_mm=12.0))
    felt = cracked.read('touch', tuple(inner[len(inner) // 2]))[INDENTATION].reshape(8, 16)
    assert felt.max() > 3.0
    assert np.median(felt) < 0.5
