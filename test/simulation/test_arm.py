# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The soft arm against closed forms, a curve that is integrated step by step, and springs."""

import math

import numpy as np
import pytest

from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.simulation import arm, draw_panels
from crossmodal_kd_ros.simulation.constants import MATERIALS

AHEAD = np.array([0.0, 0.0, 1.0])
RNG = np.random.default_rng(0)
PRESSURES = RNG.uniform(0.0, 100.0, (20, 3, 3))
CONCRETE, FELT, GEL = (
    MATERIALS[name] for name in ('bio_concrete', 'mycelium_composite', 'algae_panel')
)


@pytest.mark.parametrize('pressures', PRESSURES[:, 0])
def test_length_and_curvature_are_those_of_webster_and_jones(pressures):
    # Their closed form for three actuators at the radius d (section 3.2): independent of ours.
    l1, l2, l3 = 40.0 + 0.2 * pressures
    total, d = l1 + l2 + l3, 10.0
    root = math.sqrt(l1**2 + l2**2 + l3**2 - l1 * l2 - l1 * l3 - l2 * l3)
    bend_x, bend_y, length = arm.arcs(np.tile(pressures, (3, 1)))[0]

    assert length == pytest.approx(total / 3.0)
    assert math.hypot(bend_x, bend_y) / length == pytest.approx(2.0 * root / (d * total))


def test_a_segment_bends_away_from_the_bellows_that_grows():
    bend_x, bend_y, length = arm.arcs(np.tile([60.0, 0.0, 0.0], (3, 1)))[0]

    assert bend_x < 0.0 and bend_y == pytest.approx(0.0, abs=1e-12) and length == 44.0


def integrated(configuration: np.ndarray, steps: int = 2000) -> np.ndarray:
    """Return the tip's pose by going along the curve: dR/ds = R [w]x, dp/ds = R z."""
    turn, place = np.eye(3), np.zeros(3)
    for bend_x, bend_y, length in configuration:
        ds = length / steps
        wx, wy = -bend_y / length, bend_x / length
        skew = np.array([[0.0, 0.0, wy], [0.0, 0.0, -wx], [-wy, wx, 0.0]])
        # midpoint rule
        half = np.linalg.qr(turn @ (np.eye(3) + skew * ds / 2.0))[0]
        half *= np.sign(np.sum(half * turn, 0))
        small = np.eye(3) + skew * ds / 2.0 + skew @ skew * ds**2 / 8.0
        for _ in range(steps):
            middle = turn @ small
            place = place + middle[:, 2] * ds
            turn = middle @ small
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, place
    return pose


@pytest.mark.parametrize('pressures', PRESSURES[:4])
def test_the_tip_is_where_the_curve_leads(pressures):
    configuration = arm.arcs(pressures)
    pose = arm.tip_transform(configuration)

    np.testing.assert_allclose(pose, integrated(configuration), atol=1e-3)
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)


def test_a_quarter_and_a_half_circle_end_where_circles_do():
    quarter = arm.segment_transform(math.pi / 2, 0.0, 10.0 * math.pi / 2)
    np.testing.assert_allclose(quarter[:3, 3], [10.0, 0.0, 10.0], atol=1e-12)
    np.testing.assert_allclose(quarter[:3, 2], [1.0, 0.0, 0.0], atol=1e-12)
    half = arm.segment_transform(0.0, math.pi, 10.0 * math.pi)
    np.testing.assert_allclose(half[:3, 3], [0.0, 20.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(half[:3, 2], [0.0, 0.0, -1.0], atol=1e-12)


def test_a_straight_segment_is_no_special_place():
    straight = arm.segment_transform(0.0, 0.0, 50.0)
    np.testing.assert_array_equal(straight[:3, 3], [0.0, 0.0, 50.0])
    for bend in (0.99e-4, 1.01e-4):  # on both sides of the series
        near = arm.segment_transform(bend, 0.0, 50.0)
        np.testing.assert_allclose(near[:3, 3], [25.0 * bend, 0.0, 50.0], atol=1e-6)


def test_the_jacobian_is_that_of_the_pose_with_larger_steps():
    configuration = arm.arcs(PRESSURES[0])
    jacobian = arm.tip_jacobian(configuration)
    for index in range(9):
        moved = configuration.copy()
        moved.flat[index] += 1e-3
        place = arm.tip_transform(moved)[:3, 3] - arm.tip_transform(configuration)[:3, 3]
        np.testing.assert_allclose(jacobian[:3, index], place / 1e-3, atol=0.1)
        axis = arm.tip_transform(moved)[:3, 2] - arm.tip_transform(configuration)[:3, 2]
        turned = np.cross(jacobian[3:, index], arm.tip_transform(configuration)[:3, 2])
        np.testing.assert_allclose(turned, axis / 1e-3, atol=5e-3)


@pytest.mark.parametrize('pressures', RNG.uniform(20.0, 60.0, (6, 3, 3)))
def test_every_pose_that_the_arm_had_is_found_again(pressures):
    pose = arm.tip_transform(arm.arcs(pressures))
    solution = arm.solve(pose[:3, 3], pose[:3, 2])
    again = arm.tip_transform(arm.arcs(solution.pressures_kpa))

    np.testing.assert_allclose(again[:3, 3], pose[:3, 3], atol=1e-3)
    np.testing.assert_allclose(again[:3, 2], pose[:3, 2], atol=1e-4)
    assert solution.place_error_mm < 1e-3 and solution.angle_error_deg < 1e-2


def test_a_pose_out_of_reach_keeps_within_the_pressures_and_says_what_is_left():
    solution = arm.solve(np.array([0.0, 0.0, 300.0]), AHEAD)

    # three segments of 40 mm and at most 20 mm more
    assert solution.place_error_mm == pytest.approx(300.0 - 180.0, abs=0.5)
    assert solution.pressures_kpa.min() >= 0.0 and solution.pressures_kpa.max() <= 100.0


def test_pressures_follow_with_the_time_constant_whatever_the_steps():
    arms = [arm.SoftArm() for _ in range(2)]
    for one in arms:
        one.asked_kpa = np.full((3, 3), 50.0)
    arms[0].step(arm.DESIGN.time_constant_s)
    for _ in range(100):
        arms[1].step(arm.DESIGN.time_constant_s / 100)

    np.testing.assert_allclose(arms[0].pressures_kpa, 50.0 * (1.0 - math.exp(-1.0)))
    np.testing.assert_allclose(arms[1].pressures_kpa, arms[0].pressures_kpa)


def test_the_arm_comes_to_the_pose_it_is_sent_to():
    soft = arm.SoftArm()
    target = np.array([8.0, -5.0, 138.0])
    approach = np.array([math.sin(0.2), 0.0, math.cos(0.2)])
    assert soft.go_to(target, approach).place_error_mm < 1e-3
    soft.step(10.0 * arm.DESIGN.time_constant_s)

    np.testing.assert_allclose(soft.tip()[:3, 3], target, atol=0.01)
    np.testing.assert_allclose(soft.tip()[:3, 2], approach, atol=1e-3)


def test_a_straight_arm_on_a_rigid_wall_is_three_springs_in_a_row():
    # bellows: 80 mm2 at 1 kPa is 0.08 N for 0.2 mm: 0.4 N/mm, three side by side, three in a row
    pressures = np.full((3, 3), 33.0)
    configuration, force = arm.push(pressures, 1.0, CONCRETE, 0.0)

    assert force == pytest.approx(0.4, rel=1e-3)
    np.testing.assert_allclose(
        configuration[:, 2] - arm.arcs(pressures)[:, 2], -1.0 / 3.0, rtol=1e-3
    )


def test_what_arm_and_wall_give_makes_the_depth():
    for material, debonded in ((FELT, 0.0), (FELT, 0.8), (GEL, 0.0), (CONCRETE, 1.0)):
        pressures = arm.solve(np.array([3.0, -2.0, 141.0]), AHEAD).pressures_kpa
        configuration, force = arm.push(pressures, 1.0, material, debonded)
        free, pushed = (arm.tip_transform(c) for c in (arm.arcs(pressures), configuration))
        given = float((free[:3, 3] - pushed[:3, 3]) @ free[:3, 2])

        wall = arm.wall_give_mm(material, debonded, force)
        # To first order in the bending of the arm.
        assert given + wall == pytest.approx(1.0, abs=0.05)


def test_a_softer_wall_pushes_less_and_a_loose_soft_layer_less_still():
    pressures = np.full((3, 3), 33.0)
    forces = [
        arm.push(pressures, 1.0, material, debonded)[1]
        for material, debonded in ((CONCRETE, 0.0), (FELT, 0.0), (GEL, 0.0))
    ]
    assert forces[0] > forces[1] > forces[2]
    loose = arm.push(pressures, 1.0, FELT, 1.0)[1]
    assert loose < forces[1]
    # A mineral layer is too stiff for the arm to feel that it is off.
    assert arm.push(pressures, 1.0, CONCRETE, 1.0)[1] == pytest.approx(forces[0], rel=1e-2)


def test_feeling_a_wall_crushes_none():
    pressures = np.full((3, 3), 33.0)
    area = math.pi * arm.DESIGN.tip_radius_mm**2
    for material in MATERIALS.values():
        _, force = arm.push(pressures, arm.DESIGN.push_mm, material, 0.0)
        # 5 % of Young's modulus: Gibson and Ashby 1997
        assert force / area < 0.05 * material.young_modulus_mpa


def test_a_reading_is_a_state_of_the_profile_and_the_same_at_the_same_place():
    panel = draw_panels(1, seed=4)[0]
    reading = arm.read_arm(panel, 0.0, (60.0, 40.0))

    assert reading.shape == (18,) and reading.dtype == np.float32
    np.testing.assert_array_equal(reading, arm.read_arm(panel, 0.0, (60.0, 40.0)))
    assert (reading != arm.read_arm(panel, 0.0, (61.0, 40.0))).any()
    low, high = arm.SENSE.per_element('min'), arm.SENSE.per_element('max')
    assert (low < reading).all() and (reading < high).all()
    values = dict(zip(arm.SENSE.channel_names, reading))
    free = arm.arcs(np.array([values[f'seg1_p{i}_kpa'] for i in (1, 2, 3)]).reshape(1, 3))
    # Pushed on, a segment is shorter than its pressures make it.
    assert values['seg1_length_mm'] < free[0, 2]


def test_what_the_arm_tells_of_softness_stands_out_of_its_noise():
    rng = np.random.default_rng(0)
    shortened = {}
    for name in ('bio_concrete', 'mycelium_composite', 'algae_panel'):
        pressures = np.full((3, 3), 33.0)
        configuration, _ = arm.push(pressures, 1.0, MATERIALS[name], 0.0)
        reading = arm.joint_states(configuration, pressures)
        noisy = np.array([arm.add_noise(reading, rng) for _ in range(200)]).reshape(200, 3, 6)
        shortened[name] = noisy[:, :, 2].sum(1)
    for one, other in (
        ('bio_concrete', 'mycelium_composite'),
        ('mycelium_composite', 'algae_panel'),
    ):
        apart = abs(shortened[one].mean() - shortened[other].mean())
        assert apart > 2.0 * shortened[one].std()


def test_the_profile_is_that_of_the_wall_and_the_arm():
    wall, armed = load_profile('living_wall'), load_profile('living_wall_arm')

    assert list(armed.senses) == [*wall.senses, 'arm']
    assert all(armed.senses[name] == sense for name, sense in wall.senses.items())
    assert armed.actions == wall.actions and armed.quantities == wall.quantities
    assert armed.camera == wall.camera and armed.fingerprint != wall.fingerprint


def test_the_world_tells_the_arm_alike_at_the_same_time():
    world = arm.ArmedWorld(3, width_px=64, height_px=48)
    try:
        late, early = world.arm(7.0), world.arm(1.0)
        np.testing.assert_array_equal(world.arm(1.0), early)
        assert late.shape == early.shape == (18,) and (late != early).any()
    finally:
        world.close()
