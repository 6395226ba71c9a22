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
from crossmodal_kd_ros.simulation.fields import FINE_PX_PER_MM, crack_cover, crack_path
from crossmodal_kd_ros.simulation.panel import Stray

PROFILE = load_profile('living_wall')
ACTIONS = PROFILE.actions
TEXTURE, INDENTATION = (
    PROFILE.senses['touch'].elements_of(name) for name in ('texture', 'indentation')
)


@pytest.fixture(scope='module')
def panel():
    """Return a panel with one open crack and nothing else the matter."""
    base = draw_panels(1, seed=5)[0]
    return replace(
        base,
        material=0,
        exposure='XC1',
        crack_width_mm=1.0,
        crack_depth_mm=12.0,
        growth_cover=0.0,
        moisture=0.6,
        vitality=0.9,
        delamination=0.0,
        lighting='day',
        stray=Stray(crack=0.0, fuzz=0.0, moisture=0.0, vitality=0.0, bulge=0.0, roughness=0.0),
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
    assert felt.max() > 5.0
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


@pytest.mark.parametrize('width_mm', [0.05, 0.1, 0.3, 1.0, 2.5])
@pytest.mark.parametrize('px_per_mm', [2.0, 4.0, 7.5])
def test_a_crack_covers_its_area_however_fine_it_is(panel, width_mm, px_per_mm):
    path, _ = crack_path(panel.crack_seed)
    at = path[5:-5]
    assert np.all((at > 2.0) & (at < (158.0, 94.0)))
    length_mm = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    # Half an ellipse above its axis: pi / 4 of its length by its width.
    area_mm2 = np.pi / 4 * length_mm * width_mm

    cover = crack_cover(panel.crack_seed, width_mm, px_per_mm)

    # In pixels coarser than a camera's a crack counts as it looks: darker than its area by gamma.
    rel = 0.08 if px_per_mm >= FINE_PX_PER_MM else 0.12
    assert cover.sum() / px_per_mm**2 == pytest.approx(area_mm2, rel=rel)


def test_a_hair_crack_darkens_a_pixel_of_half_a_millimetre_by_about_a_fifth(panel):
    path, _ = crack_path(panel.crack_seed)
    cover = crack_cover(panel.crack_seed, 0.1, 2.0)
    row, column = (2.0 * path[len(path) // 2][::-1]).astype(int)
    # Across a pixel the path may lie aslant, or in two pixels.
    assert 0.1 < cover[row - 1 : row + 2, column - 1 : column + 2].max() < 0.35


def test_widths_reach_from_below_a_tenth_of_a_millimetre_to_above_two():
    widths = np.array([p.crack_width_mm for p in draw_panels(4000, seed=3)])
    cracked = widths[widths > 0.0]

    assert (cracked < 0.1).mean() > 0.02
    assert (cracked > 2.0).mean() > 0.1
    # Neither limit lies in a gap: some cracks are a little narrower, and some a little wider.
    for limit_mm in (0.3, 0.4, 2.0):
        assert ((cracked > 0.8 * limit_mm) & (cracked < limit_mm)).sum() > 10
        assert ((cracked > limit_mm) & (cracked < 1.25 * limit_mm)).sum() > 10


def test_depth_does_not_follow_from_width():
    panels = [
        p for p in draw_panels(4000, seed=4) if p.material == 0 and 0.3 < p.crack_width_mm < 1
    ]
    ratios = np.log([p.crack_depth_mm / p.crack_width_mm for p in panels])
    assert 0.2 < ratios.std() < 0.5


def test_a_panel_looks_as_its_state_is_changed(panel):
    shaded = replace(panel, stray=replace(panel.stray, crack=1.0, moisture=-1.0))
    sealed = replace(shaded, crack_width_mm=0.0, crack_depth_mm=0.0)
    opened = replace(shaded, crack_width_mm=2.0)
    watered = replace(shaded, moisture=0.9)

    assert sealed.crack_width_shown_mm == 0.0
    assert opened.crack_width_shown_mm == pytest.approx(2.0 * shaded.crack_width_shown_mm)
    assert watered.moisture_shown - shaded.moisture_shown == pytest.approx(0.3)
    picture, without = (
        RenderedPanel(p, px_per_mm=2.0).picture(
            on_the_crack(panel), Shot(noise_gain=0.0), width_px=128, height_px=128
        )
        for p in (shaded, sealed)
    )
    assert picture.min() < without.min() - 10


def test_exposure_class_is_nothing_that_the_camera_sees(panel):
    pictures = [
        RenderedPanel(replace(panel, exposure=exposure), px_per_mm=2.0).picture(
            (80.0, 48.0), Shot(), width_px=128, height_px=128
        )
        for exposure in ('XC1', 'XC4')
    ]
    assert np.array_equal(*pictures)


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
    measured = measure_quantities(PROFILE, truth.readings)
    width = list(PROFILE.quantities).index('crack_width')
    assert np.isnan(measured[width])
    measured[width] = truth.crack_width_mm
    np.testing.assert_array_equal(truth.quantities, measured)


def test_the_truth_has_the_widest_opening_under_the_pins_and_the_exposure_class(panel):
    truth = PanelScene(panel).truth(on_the_crack(panel))
    assert 0.7 < truth.crack_width_mm <= 1.0
    assert truth.exposure == 'XC1'
    assert truth.action == 'seal_crack' and 'XC1' in truth.reason
    path, _ = crack_path(panel.crack_seed)
    places = [(x, y) for x in (32.0, 56.0, 80.0, 104.0, 128.0) for y in (32.0, 48.0, 64.0)]
    aside = max(places, key=lambda at: np.linalg.norm(path - at, axis=1).min())
    # Half of the array's diagonal is 17.9 mm.
    assert np.linalg.norm(path - aside, axis=1).min() > 18.0
    assert PanelScene(panel).truth(aside).crack_width_mm == 0.0


def test_the_world_reads_at_the_rates_of_its_profile():
    assert RATES_HZ == {'camera': 30.0, 'touch': 100.0, 'gas': 2.0}
