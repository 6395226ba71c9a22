# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A facade in time: what weather and chance do to it."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from one_panel import SOFT, alone, cracked, sound

from crossmodal_kd_ros.simulation import ageing, contact, gas, living
from crossmodal_kd_ros.simulation.camera import draw_shot
from crossmodal_kd_ros.simulation.constants import COMMON, MATERIALS
from crossmodal_kd_ros.simulation.living import Contact, Facade, draw_facade, right_contact
from crossmodal_kd_ros.simulation.scene import PanelScene, RenderedPanel
from crossmodal_kd_ros.simulation.weather import Weather, surface_humidity


def history(steps_h: list[float]) -> tuple:
    """Return what came of 60 h in given steps, with acts after 30 h."""
    facade = Facade(
        draw_facade(list(MATERIALS) * 2, seed=1, troubled=(0, 1, 4, 5)), seed=11, columns=4
    )
    outcomes = []
    for part in range(2):
        for step in steps_h:
            facade.advance(step)
        if part == 0:
            for index in range(8):
                outcomes.append(facade.act(index, 'hydrate'))
                contact_ = Contact(pressure_kpa=3.0, pitch_deg=4.0)
                outcomes.append(facade.act(index, 'apply_bio_adhesive', contact_))
    return outcomes, facade.events, [panel.panel for panel in facade.panels]


def test_the_same_seed_and_acts_are_the_same_history_in_whatever_steps():
    hour = history([1.0] * 30)

    assert hour == history([30.0])
    assert hour == history([0.1] * 295 + [0.5])
    assert hour == history([1.0 / 3.0] * 90)
    assert len(hour[1]) >= 16


def test_an_act_at_another_time_or_another_seed_is_another_history():
    panels = draw_facade(list(MATERIALS), seed=1)
    one, late, other = (Facade(panels, seed=seed) for seed in (1, 1, 2))
    for facade, first_h in ((one, 1.0), (late, 5.0), (other, 1.0)):
        facade.advance(first_h)
        facade.act(0, 'hydrate')
        facade.advance(48.0 - first_h)

    moistures = [facade.panels[0].panel.moisture for facade in (one, late, other)]
    assert len(set(moistures)) == 3


def test_time_does_not_go_back():
    with pytest.raises(ValueError, match='at least 0'):
        alone(sound()).advance(-1.0)


def days_to_close(panel) -> float:
    """Return the days after which a crack has closed; infinity where it has not after 200."""
    facade = alone(panel)
    for day in range(200):
        facade.advance(24.0)
        if facade.panels[0].panel.crack_width_mm == 0.0:
            return day + 1.0
    return math.inf


def test_a_crack_heals_under_water_as_wiktor_and_jonkers_found(under_water):
    # Living bio-concrete: 0.46 mm in 100 days; narrower ones in proportion.
    assert days_to_close(cracked(0.46, moisture=1.0)[0]) == pytest.approx(100.0, abs=1.0)
    assert days_to_close(cracked(0.23, moisture=1.0)[0]) == pytest.approx(50.0, abs=1.0)
    assert days_to_close(cracked(0.6, moisture=1.0)[0]) == math.inf


def test_plain_concrete_heals_less_and_other_materials_do_not(under_water):
    dead = {'vitality': 0.0, 'moisture': 1.0}

    assert days_to_close(cracked(0.18, **dead)[0]) == pytest.approx(100.0, abs=1.0)
    assert days_to_close(cracked(0.25, **dead)[0]) == math.inf
    for material in ('bacterial_coating', *SOFT):
        assert days_to_close(cracked(0.1, material, moisture=1.0)[0]) == math.inf


def test_a_crack_that_is_left_dry_widens(calm):
    panel, _ = cracked(0.3, exposure='XC1', moisture=0.4)
    facade = alone(panel)
    facade.advance(24.0 * 60)
    later = facade.panels[0].panel

    assert 0.301 < later.crack_width_mm < 0.4
    # It stays the wedge that it was.
    assert later.crack_depth_mm / later.crack_width_mm == pytest.approx(
        panel.crack_depth_mm / panel.crack_width_mm
    )


def test_a_healed_crack_leaves_a_white_line(under_water):
    panel, _ = cracked(0.06, moisture=1.0)
    facade = alone(panel)
    facade.advance(24.0 * 15)

    assert 'healed' in [event.kind for event in facade.events]
    assert facade.panels[0].panel.seals == ((4, 0.46),)


@pytest.mark.parametrize('material', MATERIALS)
def test_water_soaks_in_within_minutes_and_moves_the_flux(material, calm):
    facade = alone(sound(material, exposure='XC1', moisture=0.12, vitality=0.6))
    living_panel = facade.panels[0]
    before, flux = living_panel.panel, living_panel.uptake
    assert facade.act(0, 'hydrate').kind == 'watered'
    assert living_panel.panel.moisture == pytest.approx(before.moisture)
    facade.advance(MATERIALS[material].soaking_minutes / 60.0)
    soaking = living_panel.panel
    # 63 % of a step of first order after one time constant, hardly any dried off.
    assert soaking.moisture - before.moisture == pytest.approx(0.632 * 0.5, abs=0.02)
    assert abs(living_panel.uptake) > 1.2 * abs(flux)
    assert soaking.vitality == pytest.approx(before.vitality, abs=0.005)
    for _ in range(6):
        facade.advance(24.0)
        facade.act(0, 'hydrate')

    assert living_panel.panel.vitality > before.vitality + 0.2


def test_no_more_water_stays_than_there_is_room_for(calm):
    facade = alone(sound(moisture=0.9))
    for _ in range(4):
        facade.act(0, 'hydrate')
    facade.advance(2.0)

    assert 0.93 < facade.panels[0].panel.moisture <= 1.0


def test_moisture_comes_to_the_humidity_of_the_air_at_a_constant_temperature():
    # Tables of saturation pressure: 2.339 kPa at 20 degrees, 4.246 kPa at 30 degrees.
    assert surface_humidity(0.5, 20.0, 10.0) == pytest.approx(0.5 * 2.339 / 4.246, rel=0.003)
    assert surface_humidity(0.9, 20.0, -10.0) == 1.0


def test_inside_it_dries_and_outside_the_rain_comes():
    weather = Weather(3)
    inside, outside = (
        [weather.sky(hour, exposure, 1.0) for hour in range(24 * 200)]
        for exposure in ('XC1', 'XC4')
    )

    assert not any(sky.is_raining for sky in inside)
    rainy_days = {hour // 24 for hour, sky in enumerate(outside) if sky.is_raining}
    assert len(rainy_days) == pytest.approx(60, abs=4 * math.sqrt(200 * 0.3 * 0.7))
    assert np.mean([sky.moisture for sky in inside]) < COMMON.expert.dry_limit
    assert np.mean([sky.moisture for sky in outside]) > COMMON.expert.dry_limit + 0.2


def test_algae_take_co2_up_by_day_and_breathe_out_by_night(calm):
    facade = alone(sound('algae_panel', moisture=0.9))
    table = MATERIALS['algae_panel']
    fluxes = {}
    for _ in range(24):
        fluxes.setdefault(facade.is_day, []).append(facade.uptake()[0])
        assert (facade.panels[0].panel.lighting == 'day') == facade.is_day
        facade.advance(1.0)

    assert len(fluxes[True]) == 12
    assert min(fluxes[True]) > 0.5 * table.photosynthesis
    assert max(fluxes[False]) < -0.5 * table.dark_respiration


def test_troubles_come_as_often_as_the_table_says():
    troubles = [trouble for panel in range(200) for trouble in ageing.draw_troubles(7, panel, 0)]
    counts = Counter(trouble.kind for trouble in troubles)

    for kind, per_year in vars(COMMON.troubles).items():
        expected = 200 * per_year
        assert counts[kind.removesuffix('_per_year')] == pytest.approx(
            expected, abs=4.0 * math.sqrt(expected)
        )
    # Poisson: as much variance as mean over the twelve months of all panels.
    hours = np.array([trouble.hours for trouble in troubles])
    assert 0.0 <= hours.min() and hours.max() < ageing.YEAR_H
    per_panel = [len(ageing.draw_troubles(7, panel, 0)) for panel in range(200)]
    assert np.var(per_panel) / np.mean(per_panel) == pytest.approx(1.0, abs=0.4)


def test_what_was_foreseen_happens_at_its_hour():
    facade = Facade([sound()], seed=9, start_hour=20.5)
    facade.advance(ageing.YEAR_H + 100.0)
    foreseen = [t for year in (0, 1) for t in ageing.draw_troubles(9, 0, year)]
    expected = sorted((t.hours, t.kind) for t in foreseen if t.hours <= facade.hours)
    happened = [(e.hours, e.kind) for e in facade.events if e.kind in ageing.PER_YEAR]

    assert [kind for _, kind in happened] == [kind for _, kind in expected]
    np.testing.assert_allclose([h for h, _ in happened], [h for h, _ in expected], atol=1e-6)


def test_a_sick_culture_dies_and_its_flux_with_it(monkeypatch):
    panel = sound('mycelium_composite', moisture=0.9)
    sick = ageing.Trouble(
        hours=1.0, kind='sick', seed=0, crack_width_mm=0.0, depth_log=0.0, delamination=0.0
    )
    monkeypatch.setattr(living, 'draw_troubles', lambda *_: [sick][: _[2] == 0])
    facade = alone(panel)
    before = facade.uptake()[0]
    facade.advance(24.0 * 20)
    later = facade.panels[0].panel

    assert later.vitality < 0.15
    assert abs(facade.uptake()[0]) < 0.2 * abs(before)


def month(exposure: str, *, is_cared_for: bool) -> np.ndarray:
    """Return the mean health of a facade by day over 30 days."""
    facade = Facade(
        draw_facade(list(MATERIALS) * 2, seed=2, exposure=exposure, troubled=(0, 3, 5)), seed=6
    )
    places = [(x, y) for x in (48.0, 80.0, 112.0) for y in (34.0, 62.0)]
    days = [facade.health().mean()]
    for _ in range(30):
        facade.advance(24.0)
        for index, panel in enumerate(facade.panels):
            for place in places if is_cared_for else ():
                action, _ = living.decide(PanelScene(panel.panel).true_state(place))
                if action != 'continue_inspection':
                    right = None
                    if action in contact.TOOL_KPA:
                        right = right_contact(panel.panel, action)
                    facade.act(index, action, right, place)
                    break
        health = facade.health()
        assert ((health >= 0.0) & (health <= 1.0)).all()
        days.append(health.mean())
    return np.array(days)


@pytest.mark.parametrize('exposure', ('XC1', 'XC4'))
def test_health_falls_in_a_month_without_care_and_rises_with_the_right_acts(exposure):
    nobody = month(exposure, is_cared_for=False)
    right = month(exposure, is_cared_for=True)

    assert nobody[-1] < 0.95 * nobody[0]
    assert right[-1] > right[0] + 0.02
    assert right[-1] > nobody[-1] + 0.2


@pytest.mark.parametrize(
    ('state', 'expected'),
    [
        ({}, 1.0),
        ({'crack_width_mm': 0.3}, 1.0),  # what EN 1992-1-1 allows outside
        ({'crack_width_mm': 1.15}, 0.5),
        ({'crack_width_mm': 2.0}, 0.0),  # wide by ACI 201.1R
        ({'delamination': 0.25}, 0.75),
        ({'growth_cover': 0.4, 'growth_alive': True}, 0.6),
        ({'growth_cover': 0.4, 'growth_alive': False}, 1.0),
        ({'moisture': 0.16}, 0.5),
        ({'vitality': 0.7}, 0.7),
        ({'vitality': 0.5, 'delamination': 0.5}, 0.25),
    ],
)
def test_health_is_the_product_of_its_parts(state, expected):
    panel = replace(sound(), moisture=0.9, vitality=1.0)
    assert ageing.health(replace(panel, **state)) == pytest.approx(expected)


def test_a_facade_begins_sound_but_for_the_panels_that_are_asked_for():
    panels = draw_facade(list(MATERIALS) * 2, seed=4, exposure='XC1', troubled=(1, 6))
    actions = [living.decide(PanelScene(p).true_state(living.MIDDLE_MM))[0] for p in panels]

    assert [panel.material_name for panel in panels] == list(MATERIALS) * 2
    assert {panel.exposure for panel in panels} == {'XC1'}
    assert [a != 'continue_inspection' for a in actions] == [i in (1, 6) for i in range(8)]
    assert panels == draw_facade(list(MATERIALS) * 2, seed=4, exposure='XC1', troubled=(1, 6))


def test_the_looks_follow(calm):
    panel, place = cracked(1.2, lighting='day')

    def brightness(one):
        rendered = RenderedPanel(one, px_per_mm=2.0)
        shot = draw_shot(np.random.default_rng(0))
        return rendered.picture(place, shot, width_px=16, height_px=16).mean()

    facade = alone(panel, seed=1)
    open_ = facade.panels[0].panel
    facade.act(0, 'seal_crack', Contact(pressure_kpa=60.0), place)
    closed = facade.panels[0].panel
    bare = replace(closed, seals=())
    crushed = replace(bare, dents=(place,))

    assert brightness(open_) < brightness(bare) < brightness(closed)
    assert brightness(crushed) < brightness(bare)


def test_one_air_a_day_is_what_the_hygrometer_reads(calm):
    facade = Facade(draw_facade(list(MATERIALS), seed=4), seed=4)
    airs = []
    for _ in range(3):
        facade.advance(24.0)
        day = {tuple(gas.room_air(panel.panel)) for panel in facade.panels}
        assert len(day) == 1
        airs += day
    assert len(set(airs)) == 3
