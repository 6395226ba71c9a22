# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated wall: three views of one surface, the same at any resolution."""

from dataclasses import replace

import numpy as np
import pytest

from crossmodal_kd_ros.profile import load_profile, measure_quantities, square_view
from crossmodal_kd_ros.simulation import (
    CONDITIONS,
    RATES_HZ,
    FaultSchedule,
    PanelScene,
    RenderedPanel,
    World,
    draw_panels,
)
from crossmodal_kd_ros.simulation.camera import Shot, under_condition
from crossmodal_kd_ros.simulation.expert import TrueState, decide
from crossmodal_kd_ros.simulation.fields import crack_path

PROFILE = load_profile('living_wall')
ACTIONS = PROFILE.actions
TEXTURE, INDENTATION = (
    PROFILE.senses['touch'].elements_of(name) for name in ('texture', 'indentation')
)
SOUND = TrueState(
    crack_mm=0.0, ammonia_ppm=2.0, debonded=0.0, growth_cover=0.0, growth_alive=False, moisture=0.6
)


@pytest.fixture(scope='module')
def panel():
    """Return a panel with one open crack and nothing else the matter."""
    base = draw_panels(1, seed=5)[0]
    return replace(
        base,
        material=0,
        crack_depth_mm=3.0,
        crack_shown_mm=3.0,
        growth_cover=0.0,
        growth_cover_shown=0.0,
        moisture=0.6,
        moisture_shown=0.6,
        vitality=0.9,
        vitality_shown=0.9,
        delamination=0.0,
        bulge_shown=0.0,
        lighting='day',
        shown_seeds=(base.crack_seed, base.growth_seed, base.delamination_seed),
    )


def on_the_crack(panel):
    path, _ = crack_path(panel.crack_seed)
    inside = path[(abs(path[:, 0] - 80) < 40) & (abs(path[:, 1] - 48) < 14)]
    return tuple(inside[len(inside) // 2])


def test_the_crack_is_seen_and_felt_in_the_same_place(panel):
    centre = on_the_crack(panel)
    view = square_view(
        RenderedPanel(panel, px_per_mm=4.0).picture(
            centre, Shot(noise_gain=0.0), width_px=256, height_px=256
        ),
        size_px=128,
    )
    # 2 px/mm: the pad's 32 x 16 mm in the middle of the view
    pad = view[48:80, 32:96].astype(float).mean(-1)
    darkness = (np.median(pad) - pad).reshape(8, 4, 16, 4).max((1, 3))
    felt = PanelScene(panel).read('touch', centre)[INDENTATION].reshape(8, 16)
    assert felt.max() == pytest.approx(3.1, abs=0.5)
    assert np.corrcoef(darkness.ravel(), felt.ravel())[0, 1] > 0.7


def test_the_same_wall_is_seen_at_every_resolution(panel):
    views = [
        square_view(
            RenderedPanel(panel, px_per_mm=scale).picture(
                (80.0, 48.0),
                Shot(noise_gain=0.0),
                width_px=round(64 * scale),
                height_px=round(64 * scale),
            ),
            size_px=128,
        )
        for scale in (4.0, 7.5)
    ]
    assert np.corrcoef(views[0].ravel(), views[1].ravel())[0, 1] > 0.9


def test_without_vision_recovery_what_shows_is_independent_of_what_is():
    def correlation(recovery):
        panels = draw_panels(4000, seed=1, vision_recovery=recovery)
        return np.corrcoef([p.moisture for p in panels], [p.moisture_shown for p in panels])[0, 1]

    assert correlation(1.0) > 0.9
    assert abs(correlation(0.0)) < 0.05
    with pytest.raises(ValueError, match='within 0 to 1, got 1.5'):
        draw_panels(1, seed=0, vision_recovery=1.5)


def test_lighting_tells_nothing_of_the_action():
    panels = draw_panels(3000, seed=2)
    actions = np.array([ACTIONS.index(PanelScene(p).truth((80.0, 48.0)).action) for p in panels])
    night = np.array([p.lighting == 'night' for p in panels])
    for action in range(len(ACTIONS)):
        share = (actions == action).mean()
        assert (actions[night] == action).mean() == pytest.approx(
            share, abs=3 * np.sqrt(share / night.sum())
        )
        assert 0.05 < share <= 0.30


def test_living_growth_smells_and_a_stain_does_not(panel):
    mossy = replace(panel, growth_cover=0.5, growth_alive=True)
    stained = replace(mossy, growth_alive=False)
    centre = (80.0, 48.0)
    living, inert = (PanelScene(panel).truth(centre).readings for panel in (mossy, stained))
    assert living['gas'][4] > inert['gas'][4] + 50.0
    assert living['touch'][TEXTURE].mean() < inert['touch'][TEXTURE].mean()


def test_a_thriving_wall_absorbs_carbon_dioxide_and_a_dying_one_hardly(panel):
    thriving, dying = (
        PanelScene(replace(panel, vitality=v)).truth((80.0, 48.0)).quantities[2]
        for v in (0.95, 0.05)
    )
    assert thriving > 0.05 > dying > 0.0


@pytest.mark.parametrize(
    ('trouble', 'action'),
    [
        ({}, 'continue_inspection'),
        ({'moisture': 0.1}, 'hydrate'),
        ({'growth_alive': True, 'growth_cover': 0.5, 'moisture': 0.1}, 'remove_growth'),
        ({'growth_alive': False, 'growth_cover': 0.5}, 'continue_inspection'),
        ({'debonded': 0.8, 'growth_alive': True, 'growth_cover': 0.5}, 'apply_bio_adhesive'),
        ({'crack_mm': 2.0, 'debonded': 0.8}, 'seal_crack'),
        ({'crack_mm': 6.0}, 'request_human'),
        ({'ammonia_ppm': 30.0, 'crack_mm': 2.0}, 'request_human'),
    ],
)
def test_the_expert_sees_to_the_most_urgent_trouble(trouble, action):
    assert decide(replace(SOUND, **trouble))[0] == action


def test_a_world_gives_the_same_readings_whatever_the_order_of_asking():
    one, two = World(3, width_px=160, height_px=120), World(3, width_px=160, height_px=120)
    try:
        later = one.camera(6.0)
        assert np.array_equal(one.camera(1.0), two.camera(1.0))
        assert np.array_equal(later, two.camera(6.0))
        for sense in ('touch', 'gas'):
            assert np.array_equal(one.read(sense, 2.0), two.read(sense, 2.0))
        assert not np.array_equal(one.read('touch', 2.0), one.read('touch', 2.01))
    finally:
        one.close()
        two.close()


@pytest.mark.parametrize('condition', CONDITIONS)
def test_every_condition_takes_a_picture_of_the_same_size(panel, condition):
    rng = np.random.default_rng(0)
    lighting = 'night' if condition == 'night' else 'day'
    rendered = RenderedPanel(panel, px_per_mm=2.0, lighting=lighting)
    plain = rendered.picture((80.0, 48.0), Shot(), width_px=128, height_px=128)
    picture = rendered.picture(
        (80.0, 48.0), under_condition(Shot(), condition, rng), width_px=128, height_px=128
    )
    assert picture.shape == (128, 128, 3) and picture.dtype == np.uint8
    assert np.array_equal(picture, plain) == (condition in ('day', 'night'))


def test_a_schedule_silences_a_sensor_within_its_time_only():
    schedule = FaultSchedule.parse('touch:10-18, gas:22-28')
    assert [schedule.active('touch', t) is not None for t in (9.99, 10.0, 17.99, 18.0)] == [
        False,
        True,
        True,
        False,
    ]
    assert schedule.active('camera', 12.0) is None
    assert FaultSchedule.parse('').faults == ()


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('touch=3', 'expected faults like'),
        ('nose:1-2', "got 'nose'"),
        ('gas:5-4', 'to start before it ends'),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_in_words(text, said):
    with pytest.raises(ValueError, match=said):
        FaultSchedule.parse(text)


def test_the_truth_of_a_place_has_every_reading_and_the_quantities_that_follow(panel):
    truth = PanelScene(panel).truth((80.0, 48.0))
    shapes = {name: reading.shape for name, reading in truth.readings.items()}
    assert shapes == {name: (sense.size,) for name, sense in PROFILE.senses.items()}
    np.testing.assert_array_equal(truth.quantities, measure_quantities(PROFILE, truth.readings))


def test_the_world_reads_at_the_rates_of_its_profile():
    assert RATES_HZ == {'camera': 30.0, 'touch': 100.0, 'gas': 2.0}
