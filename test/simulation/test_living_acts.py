# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a facade answers to what is done to it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from one_panel import LOOSE, SOFT, alone, cracked, sound

from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.repair import load_repairs
from crossmodal_kd_ros.repair.ground import Felt, GroundModel
from crossmodal_kd_ros.simulation import contact, living
from crossmodal_kd_ros.simulation.constants import MATERIALS
from crossmodal_kd_ros.simulation.living import Contact, right_contact
from crossmodal_kd_ros.simulation.scene import PanelScene
from crossmodal_kd_ros.simulation.touch import punch_mm


@pytest.mark.parametrize('material', ('bio_concrete', 'bacterial_coating'))
def test_a_sealed_crack_closes_and_stays(material, calm):
    panel, place = cracked(0.8, material)
    facade = alone(panel)
    outcome = facade.act(0, 'seal_crack', right_contact(panel, 'seal_crack'), place)
    facade.advance(24.0 * 30)
    later = facade.panels[0].panel

    assert outcome.kind == 'sealed' and outcome.was_needed
    assert later.crack_width_mm == 0.0
    assert PanelScene(later).true_state(place).crack_width_mm == 0.0
    assert later.seals == ((4, 2.8),)


@pytest.mark.parametrize(
    ('material', 'width_mm', 'given', 'said'),
    [
        ('bio_concrete', 0.8, Contact(pressure_kpa=1.0), 'takes 3.0 kPa'),
        ('bio_concrete', 0.8, Contact(pressure_kpa=30.0, yaw_deg=20.0), 'edge of the tool lifts'),
        ('bio_concrete', 3.0, Contact(pressure_kpa=60.0), 'nothing bridges 3.0 mm'),
        ('mycelium_composite', 0.8, Contact(pressure_kpa=7.0), 'tears out of a soft wall'),
    ],
)
def test_a_bad_seal_looks_mended_and_comes_off_within_hours(material, width_mm, given, said, calm):
    panel, place = cracked(width_mm, material)
    facade = alone(panel)
    outcome = facade.act(0, 'seal_crack', given, place)

    assert outcome.kind == 'failed' and said in outcome.words
    assert facade.panels[0].panel.crack_width_mm == 0.0
    facade.advance(10.0)
    assert facade.panels[0].panel.crack_width_mm == pytest.approx(width_mm, rel=0.01)
    assert facade.panels[0].panel.crack_seed == 4
    assert facade.events[-1].kind == 'came_off'
    assert 2.0 <= facade.events[-1].hours <= 10.0


def test_a_tear_in_a_soft_wall_is_glued(calm):
    panel, place = cracked(0.8, 'mycelium_composite')
    facade = alone(panel)
    outcome = facade.act(0, 'apply_bio_adhesive', Contact(pressure_kpa=3.0), place)
    facade.advance(24.0)

    assert outcome.kind == 'bonded' and outcome.was_needed
    assert facade.panels[0].panel.crack_width_mm == 0.0


@pytest.mark.parametrize('material', MATERIALS)
def test_adhesive_bonds_at_the_right_pressure_and_fails_below_and_crushes_above(material, calm):
    panel = sound(material, **LOOSE)
    right = right_contact(panel, 'apply_bio_adhesive')
    assert PanelScene(panel).true_state(living.MIDDLE_MM).debonded > 0.35

    def after(given):
        facade = alone(panel)
        outcome = facade.act(0, 'apply_bio_adhesive', given)
        facade.advance(12.0)
        return outcome, facade.panels[0].panel, facade

    outcome, later, _ = after(right)
    assert outcome.kind == 'bonded' and outcome.was_needed and outcome.right == right
    assert later.delamination == 0.0

    outcome, later, facade = after(replace(right, pressure_kpa=0.1 * right.pressure_kpa))
    if right.pressure_kpa < 60.0:  # a film wets stone at less
        assert outcome.kind == 'failed'
        assert later.delamination == pytest.approx(0.9)

    outcome, later, facade = after(replace(right, pitch_deg=16.0))
    assert outcome.kind == ('crushed' if material in SOFT else 'failed')
    assert later.delamination == pytest.approx(0.9)

    outcome, later, facade = after(replace(right, pressure_kpa=2.1 * right.pressure_kpa))
    if material in SOFT:
        assert outcome.kind == 'crushed' and facade.crushed == 1
        assert later.dents == (living.MIDDLE_MM,)
        assert later.vitality < 0.9 * panel.vitality
        assert later.delamination == pytest.approx(0.9)
    else:  # stone bears more than any tool gives
        assert outcome.kind == 'bonded' and facade.crushed == 0


def test_the_right_pressure_follows_from_the_material():
    kpa = {
        name: right_contact(sound(name), 'apply_bio_adhesive').pressure_kpa for name in MATERIALS
    }
    # Half of 0.05 E (Gibson and Ashby), E = 0.3 and 0.1 MPa; of stone what the tool gives.
    assert kpa['mycelium_composite'] == pytest.approx(7.5)
    assert kpa['algae_panel'] == pytest.approx(2.5)
    assert kpa['bio_concrete'] == kpa['bacterial_coating'] == 60.0
    assert right_contact(sound(), 'remove_growth').pressure_kpa == 20.0


@pytest.mark.parametrize('material', MATERIALS)
def test_what_the_repair_planner_makes_of_the_pins_is_within_what_the_wall_takes(material):
    panel = sound(material, **LOOSE)
    config = load_repairs(load_profile('living_wall'))
    sunk_mm = punch_mm(MATERIALS[material])
    felt = Felt(low_mm=sunk_mm, high_mm=sunk_mm, std_mm=0.02, between_std_mm=0.03)
    belief = GroundModel(config, pins=128).believe(felt)
    crushes = belief.crush_kpa[belief.names.index(material)]
    given = min(config.safety.value * crushes, contact.TOOL_KPA['apply_bio_adhesive'])
    right = right_contact(panel, 'apply_bio_adhesive')

    assert given == pytest.approx(right.pressure_kpa, rel=0.05)
    assert contact.bonding_kpa(panel, 0.9) < given < contact.crush_kpa(MATERIALS[material])
    assert contact.sealing_kpa(cracked(0.8)[0]) < given or material in SOFT


@pytest.mark.parametrize('material', SOFT)
def test_the_right_pressure_crushes_at_no_tilt_at_which_the_tool_touches_as_a_whole(material):
    right = right_contact(sound(material), 'apply_bio_adhesive')
    crushes = contact.crush_kpa(MATERIALS[material])

    at_most = replace(right, pitch_deg=contact.MOST_TILT_DEG)
    assert contact.peak_kpa(at_most) == pytest.approx(crushes)
    assert contact.peak_kpa(replace(right, yaw_deg=contact.MOST_TILT_DEG + 1.0)) > crushes
    assert contact.tilt_deg(Contact(pressure_kpa=1.0, pitch_deg=30.0, yaw_deg=40.0)) == (
        pytest.approx(math.degrees(math.acos(math.cos(math.pi / 6) * math.cos(math.pi / 4.5))))
    )


def test_a_soft_layer_takes_the_pressure_that_bends_it_back_over_its_gap():
    # E t^3 / (12 (1 - nu^2)) = 27.5 N mm; 64 of that times 1.5 mm over 30 mm to the fourth.
    panel = sound('mycelium_composite', **LOOSE)
    assert contact.bonding_kpa(panel, 1.0) == pytest.approx(1.0 + 3.256, abs=0.01)
    assert contact.bonding_kpa(panel, 0.0) == 1.0
    assert contact.bonding_kpa(sound(**LOOSE), 1.0) == 1.0


def test_growth_is_removed_and_comes_back_out_of_the_pores(calm):
    panel = sound(growth_cover=0.5, growth_alive=True, growth_seed=1, moisture=0.95)
    facade = alone(panel)
    outcome = facade.act(0, 'remove_growth', right_contact(panel, 'remove_growth'))
    left = facade.panels[0].panel.growth_cover
    assert outcome.kind == 'removed' and outcome.was_needed
    assert left == pytest.approx(0.03 * 0.5)

    covers = []
    for _ in range(20):
        facade.act(0, 'hydrate')
        facade.advance(24.0)
        covers.append(facade.panels[0].panel.growth_cover)
    assert (np.diff(covers) > 0.0).all()
    assert left * 1.2 < covers[0] < 0.1
    assert 0.4 < covers[-1] <= 0.6


def test_growth_that_is_brushed_too_lightly_or_askew_is_partly_left(calm):
    panel = sound(growth_cover=0.5, growth_alive=True, growth_seed=1, moisture=0.95)
    for given, left in (
        (Contact(pressure_kpa=0.5), math.exp(-1.0)),
        (Contact(pressure_kpa=20.0, yaw_deg=25.0), 0.515),
    ):
        facade = alone(panel)
        assert facade.act(0, 'remove_growth', given).kind == 'partly_removed'
        assert facade.panels[0].panel.growth_cover == pytest.approx(0.5 * left)


def test_growth_on_a_soaked_wall_doubles_in_a_day_while_it_is_small(under_water):
    facade = alone(sound(growth_cover=0.03, growth_alive=True, moisture=1.0))
    facade.advance(24.0)
    # The logistic curve that comes to rest at 0.6: odds of c / (0.6 - c) double.
    grown = facade.panels[0].panel.growth_cover
    assert grown / (0.6 - grown) == pytest.approx(2.0 * 0.03 / 0.57)


def test_growth_does_not_spread_where_it_is_dry(calm):
    facade = alone(
        sound(growth_cover=0.1, growth_alive=True, exposure='XC1', moisture=0.4), seed=2
    )
    facade.advance(24.0 * 10)
    assert facade.panels[0].panel.growth_cover == 0.1


def test_what_mends_nothing_is_pointless(calm):
    panel = sound(growth_cover=0.5, growth_alive=False, growth_seed=1, moisture=0.6)
    facade = alone(panel)
    for action in ('seal_crack', 'apply_bio_adhesive', 'remove_growth', 'hydrate'):
        outcome = facade.act(0, action, Contact(pressure_kpa=1.0))
        assert (outcome.kind, outcome.was_needed) == ('pointless', False)
    assert facade.panels[0].panel.growth_cover == 0.5


def test_a_crack_elsewhere_on_the_panel_is_not_sealed_from_here(calm):
    panel, (x, y) = cracked(0.8)
    away = (32.0 if x > 80.0 else 128.0, 64.0 if y < 48.0 else 32.0)
    assert PanelScene(panel).true_state(away).crack_width_mm == 0.0
    facade = alone(panel)

    assert facade.act(0, 'seal_crack', Contact(pressure_kpa=60.0), away).kind == 'pointless'
    assert facade.panels[0].panel.crack_width_mm == pytest.approx(0.8)


def test_a_person_comes_the_next_day_and_mends_everything(calm):
    panel, place = cracked(5.0, vitality=0.05, **LOOSE)
    facade = alone(panel)
    outcome = facade.act(0, 'request_human', place_mm=place)
    assert outcome.kind == 'called' and outcome.was_needed
    assert facade.act(0, 'request_human').kind == 'pointless'
    facade.advance(23.9)
    assert facade.health()[0] == 0.0
    facade.advance(0.2)

    assert facade.health()[0] > 0.75
    assert [event.kind for event in facade.events] == ['called', 'pointless', 'person']


def test_what_a_person_has_mended_does_not_come_off(calm):
    panel, place = cracked(0.8)
    facade = alone(panel)
    facade.act(0, 'request_human')
    facade.advance(23.5)
    assert facade.act(0, 'seal_crack', Contact(pressure_kpa=1.0), place).kind == 'failed'
    facade.advance(24.0)

    assert facade.panels[0].panel.crack_width_mm == 0.0
    assert [event.kind for event in facade.events] == ['called', 'failed', 'person']


def test_what_is_not_known_or_lacks_its_contact_is_refused():
    facade = alone(sound())
    with pytest.raises(ValueError, match="expected one of .*hydrate.*, got 'paint'"):
        facade.act(0, 'paint')
    with pytest.raises(ValueError, match='seal_crack touches the wall: expected a contact'):
        facade.act(0, 'seal_crack')
