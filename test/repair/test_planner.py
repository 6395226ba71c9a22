# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Repairs of grounds that are known: planes, lines and patches put into a grid by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.repair import (
    RepairError,
    RepairPlanner,
    load_repairs,
    make_planner,
    surface,
)

WALL = load_profile()
SENSE = WALL.senses['touch']
CONFIG = load_repairs(WALL)
LEFT, TOP, WIDTH, HEIGHT = SENSE.footprint_mm
# The same places, worked out apart from the code: 2 mm cells.
X = np.arange(17.0, 48.0, 2.0)
Y = np.arange(25.0, 40.0, 2.0)
XX, YY = np.meshgrid(X, Y)
# What the pins read on a rigid ground of 40 um: 0.1 mm of glass, three roughnesses, less the noise
# that the least tenth of cells has.
RIGID = 0.1 + 3.0 * 0.040
NOISE_STD = np.hypot(SENSE.channels[1].noise_std, SENSE.channels[1].relative_noise * RIGID)
STANDOFF = RIGID - 1.2816 * NOISE_STD
# What a pin of 0.01 N and 0.3 mm sinks: 0.01 * 0.91 / (0.3 * 0.3) mm into mycelium, 0.01 * 0.75 /
# (0.3 * 0.1) mm into algae.
FELT_MM, GEL_MM = 0.1011, 0.25


def answer(
    field=None, *, texture=None, action='seal_crack', measured=True, fresh=None, ood_score=1.0
):
    """Return what a planner reads of an answer; `field` mm of `indentation`, 8 x 16."""
    field = np.full((8, 16), STANDOFF) if field is None else field
    texture = np.full((8, 16), 40.0) if texture is None else texture
    reading = np.concatenate([np.ravel(texture), np.ravel(field)]).astype(np.float32)
    fresh = measured if fresh is None else fresh
    other = np.concatenate([np.full(128, 40.0), np.full(128, 9.0)]).astype(np.float32)
    return SimpleNamespace(
        sample=SimpleNamespace(readings={'touch': reading} if measured else {}),
        estimate=SimpleNamespace(
            action=action, readings={'touch': other if measured else reading}
        ),
        fresh=('touch',) if fresh else (),
        ood_score=ood_score,
    )


def calibration(*, bias=0.0, scale=0.05):
    """Return one whose residuals of the least tenth and of the median reach are known."""
    # texture level, spread; then low, median, peak, detail of the indentation
    return SimpleNamespace(
        residuals={
            'touch': SimpleNamespace(
                bias=np.array([9.0, 9.0, bias, bias, 9.0, 9.0]),
                scale=np.array([9.0, 9.0, scale, scale, 9.0, 9.0]),
            )
        }
    )


def plan(*args, calibrated=None, **options):
    return RepairPlanner(WALL, CONFIG, calibrated).plan(answer(*args, **options))


def crack(field=None, *, depth=6.0):
    """Return a ground with a crack from the left edge to the right: y = 26 + 0.3 (x - 16)."""
    field = np.full((8, 16), STANDOFF) if field is None else field.copy()
    for column, x in enumerate(X):
        field[np.argmin(np.abs(Y - (26.0 + 0.3 * (x - 16.0)))), column] += depth
    return field


def test_the_places_of_cells_are_those_of_the_footprint():
    assert (LEFT, TOP, WIDTH, HEIGHT) == (16, 24, 32, 16)
    x, y = surface.cell_centres(SENSE.footprint_mm, SENSE.shape[1:])

    np.testing.assert_allclose(x, X)
    np.testing.assert_allclose(y, Y)


@pytest.mark.parametrize('slopes', [(0.0, 0.0), (0.2, 0.0), (0.0, -0.1), (-0.3, 0.25)])
def test_a_plane_is_found_exactly_whatever_crack_runs_through_it(slopes):
    plane = 2.0 + slopes[0] * (XX - 32.0) + slopes[1] * (YY - 32.0)
    for field in (plane, crack(plane), crack(plane, depth=13.0)):
        ground = surface.fit_ground(field, X, Y)

        np.testing.assert_allclose(
            (ground.height, ground.slope_x, ground.slope_y), (2.0, *slopes), atol=1e-6
        )


def test_a_plane_under_noise_is_that_of_ordinary_least_squares_within_its_error():
    rng = np.random.default_rng(0)
    noisy = 1.0 + 0.1 * (XX - 32.0) + rng.normal(0.0, 0.05, XX.shape)
    ground = surface.fit_ground(noisy, X, Y)
    terms = np.stack([np.ones(128), XX.ravel() - 32.0, YY.ravel() - 32.0], 1)
    expected, *_ = np.linalg.lstsq(terms, noisy.ravel(), rcond=None)

    # standard error of a slope: 0.05 / sqrt(sum of squares)
    error = 0.05 / np.sqrt(np.square(XX - 32.0).sum())
    assert abs(ground.slope_x - expected[1]) < error
    assert ground.std == pytest.approx(0.05, rel=0.25)


@pytest.mark.parametrize('slopes', [(0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (-0.3, 0.5), (0.2, -0.7)])
def test_pitch_and_yaw_turn_the_views_axis_into_the_normal(slopes):
    pitch, yaw = np.radians(
        surface.Ground(height=0.0, slope_x=slopes[0], slope_y=slopes[1], std=0.0).approach_deg()
    )
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    normal = np.array([-slopes[0], -slopes[1], 1.0])

    np.testing.assert_allclose(
        about_y @ about_x @ [0, 0, 1], normal / np.linalg.norm(normal), atol=1e-12
    )


def test_a_wall_that_falls_away_to_the_right_is_met_from_the_right_side():
    # At the right the wall is further away: the tool, going in, points to the left.
    command = plan(crack(STANDOFF + 0.2 * (XX - 32.0)))

    assert command.approach_yaw_deg == pytest.approx(-np.degrees(np.arctan(0.2)), abs=0.1)
    assert command.approach_pitch_deg == pytest.approx(0.0, abs=0.1)


def test_the_poses_carry_the_same_rotation_as_the_angles_and_metres_from_the_axis():
    command = plan(crack(STANDOFF + 0.3 * (XX - 32.0) + 0.2 * (YY - 32.0)))
    places, (x, y, z, w) = command.poses(64.0)

    # third column of the matrix of a unit quaternion
    axis = [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)]
    normal = np.array([-0.3, -0.2, 1.0])
    np.testing.assert_allclose(axis, normal / np.linalg.norm(normal), atol=1e-3)
    np.testing.assert_allclose(places[:, :2], (command.path_mm - 32.0) / 1e3)
    np.testing.assert_allclose(places[:, 2], places[:, :2] @ [0.3, 0.2], atol=1e-5)


def test_the_path_of_a_crack_lies_on_the_crack_from_end_to_end():
    rng = np.random.default_rng(1)
    path = plan(crack() + rng.normal(0.0, 0.03, (8, 16))).path_mm

    assert path[:, 0].min() <= 17.0 and path[:, 0].max() >= 47.0
    # a cell is 2 mm: half of it, and rounding
    assert np.abs(path[:, 1] - (26.0 + 0.3 * (path[:, 0] - 16.0))).max() <= 1.1


def test_an_upright_crack_is_followed_downwards():
    field = np.full((8, 16), STANDOFF)
    field[:, 5] += 4.0
    path = plan(field).path_mm

    np.testing.assert_allclose(path[:, 0], X[5])
    np.testing.assert_allclose(path[:, 1], Y)


def test_a_crack_that_is_not_felt_is_shown_to_a_person():
    command = plan(np.full((8, 16), STANDOFF))

    assert command.request_human and command.contact_pressure_kpa == 0.0
    assert len(command.path_mm) == 0 and 'no line of indentation' in command.reason


def test_strokes_cover_a_debonded_patch_and_no_more():
    field = np.full((8, 16), STANDOFF)
    field[2:6, 3:9] += 0.6
    path = plan(field, action='apply_bio_adhesive').path_mm

    assert (path[:, 0].min(), path[:, 0].max()) == (X[3] - 1.0, X[8] + 1.0)
    assert Y[2] <= path[:, 1].min() and path[:, 1].max() <= Y[5]
    # to and fro: where a stroke ends the next begins
    np.testing.assert_allclose(path[1::2][:-1, 0], path[2::2][:, 0])


@pytest.mark.parametrize(
    ('pitch', 'width', 'apart'), [(3.9, 10.0, 7.8), (0.1, 0.3, 0.3), (2.0, 1.0, 2.0)]
)
def test_no_ground_is_left_out_between_two_strokes(pitch, width, apart):
    x, y = surface.cell_centres((0.0, 0.0, 12 * pitch, 12 * pitch), (12, 12))
    path = surface.strokes(np.ones((12, 12), bool), x, y, width)

    np.testing.assert_allclose(np.diff(path[::2, 1]), apart)


def test_growth_is_where_the_stroking_is_damped():
    texture = np.full((8, 16), 40.0)
    texture[:, 10:] = 20.0
    path = plan(texture=texture, action='remove_growth').path_mm

    assert (path[:, 0].min(), path[:, 0].max()) == (X[10] - 1.0, X[-1] + 1.0)


def test_where_all_is_alike_the_whole_footprint_is_stroked():
    path = plan(action='remove_growth').path_mm

    assert (path[:, 0].min(), path[:, 0].max()) == (LEFT, LEFT + WIDTH)


def test_noise_of_the_pins_is_not_taken_for_hardness():
    rng = np.random.default_rng(3)
    pressures = []
    for _ in range(50):
        field = RIGID + FELT_MM + NOISE_STD * rng.standard_normal((8, 16))
        pressures.append(plan(field, action='apply_bio_adhesive').contact_pressure_kpa)

    # half of 5 % of 0.3 MPa
    assert np.median(pressures) == pytest.approx(7.5, rel=0.05)


@pytest.mark.parametrize(('softness', 'expected'), [(0.0, 60.0), (FELT_MM, 7.5), (GEL_MM, 2.5)])
def test_the_pressure_is_half_of_what_crushes_the_material_that_is_felt(softness, expected):
    command = plan(np.full((8, 16), STANDOFF + softness), action='apply_bio_adhesive')

    assert command.contact_pressure_kpa == pytest.approx(expected, rel=0.03)


def test_a_softer_ground_is_never_pressed_on_harder():
    pressures = [
        plan(np.full((8, 16), STANDOFF + softness), action='apply_bio_adhesive')
        for softness in np.arange(0.0, 0.29, 0.01)
    ]
    kpa = [command.contact_pressure_kpa for command in pressures]

    assert not any(command.request_human for command in pressures)
    assert kpa == sorted(kpa, reverse=True) and kpa[0] == 60.0 and kpa[-1] < 2.5


def test_a_rough_rigid_ground_is_not_taken_for_a_soft_one():
    texture = np.full((8, 16), 60.0)
    rough = crack(np.full((8, 16), STANDOFF + 3.0 * 0.020))

    assert plan(rough, texture=texture).contact_pressure_kpa == 60.0


def test_a_mineral_that_rings_seems_harder_than_rigid_and_is_pressed_on_as_such():
    texture = np.full((8, 16), 140.0)
    command = plan(texture=texture, action='apply_bio_adhesive')

    assert not command.request_human and command.contact_pressure_kpa == 60.0


def loose(punch_mm, give_mm, parts=1.0):
    """Return a layer that has come off by `parts`, 0 to 1, of a known material."""
    return np.full((8, 16), STANDOFF) + punch_mm + give_mm * parts


@pytest.mark.parametrize(
    'parts',
    [
        pytest.param(1.0, id='in the middle of the zone'),
        pytest.param(np.clip((XX - 26.0) / 16.0, 0.0, 1.0), id='at its edge'),
    ],
)
@pytest.mark.parametrize(
    ('punch_mm', 'give_mm', 'expected'), [(FELT_MM, 0.834, 7.5), (GEL_MM, 1.5, 2.5)]
)
def test_a_layer_that_has_come_off_is_not_taken_for_a_softer_material(
    punch_mm, give_mm, expected, parts
):
    command = plan(loose(punch_mm, give_mm, parts), action='apply_bio_adhesive')

    assert not command.request_human
    assert command.contact_pressure_kpa == pytest.approx(expected, rel=0.1)


def test_a_loose_layer_that_may_be_either_is_left_to_a_person():
    # The gel bears 2.5 kPa, the felt takes 4.3 kPa to lie down again.
    edge = np.clip((XX - 26.0) / 8.0, 0.0, 1.0)
    command = plan(loose(GEL_MM, 0.65, edge), action='apply_bio_adhesive')

    assert command.request_human and 'the repair needs 4.' in command.reason


def test_a_ground_unlike_any_of_the_wall_is_shown_to_a_person():
    command = plan(crack(np.full((8, 16), 5.0)))

    assert command.request_human and 'no material of this wall' in command.reason


def test_a_ground_too_soft_for_the_repair_is_shown_to_a_person():
    command = plan(crack(np.full((8, 16), STANDOFF + GEL_MM)))

    assert command.request_human and 'the repair needs 4.0 kPa' in command.reason


def test_the_student_reads_less_surely_and_presses_more_gently():
    soft = np.full((8, 16), STANDOFF + FELT_MM)
    options = {'action': 'apply_bio_adhesive', 'measured': False}
    narrow, wide = (
        plan(soft, **options, calibrated=calibration(scale=scale)).contact_pressure_kpa
        for scale in (0.01, 0.1)
    )
    assert narrow == pytest.approx(7.5, rel=0.03)
    assert wide == pytest.approx(2.5, rel=0.1)
    unusual = plan(soft, **options, calibrated=calibration(scale=0.01), ood_score=10.0)
    assert unusual.contact_pressure_kpa == pytest.approx(wide)


def test_the_bias_of_the_student_is_taken_off():
    gel = np.full((8, 16), STANDOFF + FELT_MM)
    options = {'action': 'apply_bio_adhesive', 'measured': False}
    biased = plan(gel, **options, calibrated=calibration(bias=GEL_MM - FELT_MM, scale=0.01))

    assert biased.contact_pressure_kpa == pytest.approx(2.5, rel=0.03)


def test_an_estimate_that_may_be_a_mineral_or_a_gel_asks_for_a_person():
    command = plan(crack(), measured=False, calibrated=calibration(scale=1.0))

    assert command.request_human and 'too wide' in command.reason


def test_a_wall_of_one_known_material_needs_no_sure_estimate():
    known = RepairPlanner(WALL, CONFIG.for_wall(['mycelium_composite']), calibration(scale=0.2))
    soft = np.full((8, 16), STANDOFF + 0.15)
    command = known.plan(answer(soft, action='apply_bio_adhesive', measured=False))

    assert command.contact_pressure_kpa == pytest.approx(7.5, rel=0.1)


def test_a_wall_of_a_material_that_the_file_lacks_is_refused():
    with pytest.raises(RepairError, match=r'expected materials out of .* got straw: add them'):
        make_planner(WALL, None, materials=['straw'])


def test_an_estimate_that_nobody_measured_asks_for_a_person():
    command = plan(crack(), measured=False)

    assert command.request_human and 'calibrate' in command.reason


def test_a_reading_of_another_place_is_not_repaired_by():
    # The last one of a sensor that comes and goes. The student sees a ground of 9 mm here.
    stale = plan(crack(), fresh=False, calibrated=calibration())

    assert not plan(crack(), calibrated=calibration()).request_human
    assert stale.request_human and 'no material of this wall' in stale.reason


def test_a_steep_ground_asks_for_a_person():
    command = plan(crack(STANDOFF + 0.7 * (XX - 32.0)))

    assert command.request_human and 'tilted by 35 degrees' in command.reason


@pytest.mark.parametrize('action', ['hold', 'continue_inspection', 'hydrate', 'request_human'])
def test_what_is_no_repair_has_no_command(action):
    assert plan(crack(), action=action) is None


def test_a_profile_that_the_file_does_not_name_gets_none():
    assert load_repairs(load_profile('gripper')) is None
    assert make_planner(load_profile('gripper'), None) is None


def test_materials_of_a_wall_that_nobody_repairs_are_refused():
    with pytest.raises(RepairError, match='expected no materials of a wall for gripper'):
        make_planner(load_profile('gripper'), None, materials=['bio_concrete'])


ZERO = {'value': 0.0, 'assumed': 'none'}
WITHOUT_PRESSURE = {
    'path': 'ridge',
    'channel': 'indentation',
    'stands': 'above',
    'min_pressure_kpa': ZERO,
    'max_pressure_kpa': ZERO,
}


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'safety': {'value': 0.5}}, 'neither'),
        ({'safety': {'value': 0.5, 'source': 'a', 'assumed': 'b'}}, 'both'),
        ({'safety': {'value': 0.5, 'source': ' '}}, 'expected a source'),
        ({'sense': 'gas'}, "got 'gas'"),
        ({'channel': 'depth'}, 'got depth'),
        ({'surprise': 1}, 'not known'),
        ({'materials': {}}, 'materials'),
        ({'drift_mm': ZERO}, 'greater than 0'),
        ({'safety': ZERO}, 'safety.* greater than 0'),
        ({'tool_width_mm': ZERO}, 'tool_width_mm.* greater than 0'),
        ({'actions': {'seal_crack': WITHOUT_PRESSURE}}, 'max_pressure_kpa.* greater than 0'),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(change, expected, tmp_path):
    content = yaml.safe_load((share_dir() / 'config' / 'repair.yaml').read_text())
    content = {'living_wall': {**content['living_wall'], **change}}
    (tmp_path / 'repair.yaml').write_text(yaml.safe_dump(content))

    with pytest.raises(RepairError, match=expected):
        load_repairs(WALL, tmp_path / 'repair.yaml')


@pytest.mark.parametrize('shape', [(1, 16), (8, 1)])
def test_a_sense_through_which_no_plane_can_be_laid_is_refused(shape):
    sense = SENSE.model_copy(update={'shape': (2, *shape)})
    profile = WALL.model_copy(update={'senses': {**WALL.senses, 'touch': sense}})

    with pytest.raises(RepairError, match=f'at least 2 rows and 2 columns, got {shape[0]} and'):
        CONFIG.check(profile)
