# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The hood's air and its cells: carbon and oxygen balance, day and night, lag."""

import math
from dataclasses import replace

import numpy as np
import pytest

from crossmodal_kd_ros.simulation import MATERIALS, PROFILE, World, draw_panels
from crossmodal_kd_ros.simulation.gas import Hood, co2_uptake, nh3_release, read_hood, room_air

HEIGHT_M, AREA_M2, MOL_PER_M3 = 0.005, 0.064**2, 41.6
UPTAKE, SURFACE, HUMIDITY, _, VOC, NH3, O2, _ = range(8)


@pytest.fixture(scope='module')
def panel():
    """Return a moist, thriving panel without growth."""
    return replace(
        draw_panels(1, seed=5)[0],
        exposure='XC1',
        growth_cover=0.0,
        growth_alive=False,
        moisture=0.6,
        vitality=0.9,
        lighting='day',
    )


def of(panel, material: str, **state):
    """Return the panel made of another material."""
    return replace(panel, material=list(MATERIALS).index(material), **state)


@pytest.mark.parametrize('exchange_per_s', [0.0, 0.5, 2.0])
def test_no_carbon_is_lost_between_wall_hood_and_room(exchange_per_s):
    hood, flux, seconds = Hood(height_m=HEIGHT_M, air_exchange_per_s=exchange_per_s), 8.0, 3.0
    times = np.linspace(0.0, seconds, 20_001)
    change_ppm = np.array([hood.air_change_ppm(flux, t) for t in times])
    # umol: what the hood's air lacks, and what the pump brought in of the room's air.
    lacking = -change_ppm[-1] * HEIGHT_M * AREA_M2 * MOL_PER_M3
    mean_ppm = (change_ppm[1:] + change_ppm[:-1]).mean() / 2
    brought = -mean_ppm * seconds * exchange_per_s * HEIGHT_M * AREA_M2 * MOL_PER_M3

    assert lacking + brought == pytest.approx(flux * AREA_M2 * seconds, rel=1e-6)


def test_settled_the_pump_brings_as_many_molecules_as_the_wall_takes():
    hood, flux = Hood(), 8.0
    per_second = (
        -hood.settled_ppm(flux) * hood.air_exchange_per_s * HEIGHT_M * AREA_M2 * MOL_PER_M3
    )

    assert per_second == pytest.approx(flux * AREA_M2)


def test_a_closed_chamber_loses_flux_over_height_and_density_a_second():
    closed = Hood(height_m=HEIGHT_M, air_exchange_per_s=0.0)

    for seconds in (1.0, 10.0):
        slope = closed.air_change_ppm(8.0, seconds) / seconds
        assert slope == pytest.approx(-8.0 / (HEIGHT_M * MOL_PER_M3))


@pytest.mark.parametrize('name', MATERIALS)
@pytest.mark.parametrize('lighting', ['day', 'night'])
def test_oxygen_moves_by_as_many_molecules_the_other_way(panel, name, lighting):
    place = of(panel, name, lighting=lighting)
    reading, room = read_hood(place, 0.0).astype(float), room_air(place).astype(float)
    oxygen_ppm = (reading[O2] - room[O2]) * 1e4

    # A float32 of 20.9 % has steps of 0.02 ppm.
    assert oxygen_ppm == pytest.approx(room[SURFACE] - reading[SURFACE], abs=0.05)
    # Less than what an oxygen cell can tell.
    assert abs(reading[O2] - room[O2]) < 0.1 * PROFILE.senses['gas'].channels[O2].noise_std


def test_mycelium_breathes_out_by_day_and_by_night(panel):
    for lighting in ('day', 'night'):
        assert read_hood(of(panel, 'mycelium_composite', lighting=lighting), 0.0)[UPTAKE] < -3.0


def test_algae_take_up_by_light_and_breathe_out_in_the_dark(panel):
    day, night = (
        read_hood(of(panel, 'algae_panel', lighting=lighting), 0.0)[UPTAKE]
        for lighting in ('day', 'night')
    )
    assert day > 10.0 and night < -1.0


def test_concrete_without_life_takes_up_about_nothing(panel):
    dead = read_hood(of(panel, 'bio_concrete', vitality=0.0), 0.0)[UPTAKE]
    assert 0.0 < dead < 0.2


@pytest.mark.parametrize('name', MATERIALS)
def test_what_dies_neither_breathes_nor_makes_ammonia(panel, name):
    living, dying = (of(panel, name, vitality=vitality) for vitality in (0.9, 0.0))

    assert abs(co2_uptake(dying, 0.0)) <= MATERIALS[name].carbonation
    assert abs(co2_uptake(living, 0.0)) > 0.3
    assert nh3_release(dying) == 0.0
    assert (nh3_release(living) > 0.0) == (name in ('bio_concrete', 'bacterial_coating'))


def test_living_growth_breathes_out_and_smells_and_a_stain_does_neither(panel):
    mossy, stained = (
        replace(panel, growth_cover=0.5, growth_alive=alive) for alive in (True, False)
    )
    living, inert = read_hood(mossy, 0.5), read_hood(stained, 0.5)

    assert living[VOC] > inert[VOC] + 50.0
    assert living[UPTAKE] < inert[UPTAKE] - 3.0


def test_the_bias_of_the_cell_cancels_in_the_uptake(panel):
    places = [replace(panel, air_seed=seed) for seed in range(400)]
    readings = np.array([read_hood(place, 0.0) for place in places])

    assert np.ptp(readings[:, UPTAKE]) == 0.0
    # 18 ppm of the air from place to place, and half of 30 ppm and of 3 % of 430 ppm of the cell.
    assert readings[:, SURFACE].std() == pytest.approx(math.hypot(18.0, 15.0, 6.45), rel=0.12)


def test_the_hygrometer_tells_inside_from_outside(panel):
    inside, outside = (
        [read_hood(replace(panel, exposure=e, air_seed=s), 0.0)[HUMIDITY] for s in range(300)]
        for e in ('XC1', 'XC4')
    )
    limit = (np.mean(inside) + np.mean(outside)) / 2
    assert np.mean(np.array(inside) < limit) > 0.97 < np.mean(np.array(outside) > limit)


def euler(hood: Hood, seconds: float) -> float:
    """Return the cell's answer to a step of the wall, step by step."""
    step, air, cell = 1e-4, 0.0, 0.0
    for _ in range(round(seconds / step)):
        air, cell = (
            air + step * hood.air_exchange_per_s * (1.0 - air),
            cell + step * (air - cell) * math.log(10.0) / hood.cell_t90_s,
        )
    return cell


@pytest.mark.parametrize('seconds', [0.2, 0.7, 1.5, 3.0])
def test_hood_and_cell_answer_as_the_two_equations_integrated_step_by_step(seconds):
    for hood in (Hood(), Hood(air_exchange_per_s=math.log(10.0) / 1.5)):
        assert hood.response(seconds) == pytest.approx(euler(hood, seconds), abs=1e-3)


def test_a_cell_alone_shows_63_percent_after_its_time_constant_and_90_after_t90():
    tau_s = 1.5 / math.log(10.0)
    quick = Hood(air_exchange_per_s=1e6)

    assert quick.response(tau_s) == pytest.approx(1.0 - math.exp(-1.0), abs=1e-3)
    assert quick.response(1.5) == pytest.approx(0.9, abs=1e-3)


def test_a_world_reads_the_same_whatever_was_read_before():
    one, two = World(3, width_px=160, height_px=120), World(3, width_px=160, height_px=120)
    try:
        for t_s in (0.0, 5.3, 11.0, 5.3):
            one.read('gas', t_s)
        assert np.array_equal(one.read('gas', 12.4), two.read('gas', 12.4))
    finally:
        one.close()
        two.close()


def test_in_a_world_the_module_lags_behind_a_new_panel_and_has_settled_before_the_next():
    world = World(3, width_px=160, height_px=120)
    noise = PROFILE.senses['gas'].per_element('noise_std')
    try:
        last = [world.read('gas', 5.0 * index - 0.01) for index in range(1, 8)]
        arrived = [world.read('gas', 5.0 * index + 0.05) for index in range(1, 8)]
        settled = [world.truth(5.0 * index - 0.01).readings['gas'] for index in range(1, 8)]
        # Just arrived, it still reads the panel before; at the end it reads the panel it is on.
        assert np.all(np.abs(np.array(arrived) - last) < 8.0 * noise)
        assert np.any(np.abs(np.array(settled)[1:] - settled[:-1]) > 8.0 * noise)
        assert np.abs((np.array(last) - settled) / noise)[:, [UPTAKE, NH3, HUMIDITY]].max() < 5.0
    finally:
        world.close()
