# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A soft arm of three segments of constant curvature, and what it feels of the wall.

Kinematics as in Webster and Jones 2010 (doi 10.1177/0278364910368147): pressures give the lengths
of the bellows, three a segment, these the arc of each segment, the arcs the pose of the tip.

Of a segment whose arc is of length l (mm) and curvature k (1/mm), in a plane at the angle phi from
x (rad), the *bend* is the vector k l (cos phi, sin phi), rad: it is smooth where the segment is
straight. Bellows i of a segment lies at the angle 2 pi i / 3 from x. z runs along the straight
arm, towards the wall.

Where the tip pushes on the wall, the arm gives way as springs do (its bellows, at constant
pressure), and so does the wall: pressures and arcs no longer belong together as they do in the
free. That is all that the arm tells of the wall: how soft it is, and whether a soft layer is off.
Of a crack, of growth, of moisture and of the air it tells nothing.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.simulation.constants import (
    COMMON,
    FOLDER,
    MATERIALS,
    ConstantError,
    Material,
    read_rows,
)
from crossmodal_kd_ros.simulation.panel import Panel
from crossmodal_kd_ros.simulation.world import World

PROFILE = load_profile('living_wall_arm')
SENSE = PROFILE.senses['arm']
# Below it a segment counts as straight, rad: what the series leave out is below 1e-12.
_STRAIGHT = 1e-4
_BELLOWS = 3
FRAME_ID = 'arm_base'
_ANGLES = 2.0 * math.pi * np.arange(_BELLOWS) / _BELLOWS


@dataclass(frozen=True, kw_only=True)
class Design:
    """The rows of `materials/arm.yaml`."""

    segments: float
    rest_length_mm: float
    bellows_radius_mm: float
    bellows_area_mm2: float
    extension_mm_per_kpa: float
    max_pressure_kpa: float
    time_constant_s: float
    tip_radius_mm: float
    push_mm: float
    distance_mm: float
    distance_std_mm: float
    aside_std_mm: float


def _design() -> Design:
    rows = read_rows(FOLDER / 'arm.yaml')
    known = {field.name for field in fields(Design)}
    if odd := known ^ set(rows):
        raise ConstantError(f'expected in arm.yaml the rows {sorted(known)}, got {sorted(odd)}')
    return Design(**{name: row.value for name, row in rows.items()})


DESIGN = _design()
SEGMENTS = int(DESIGN.segments)


def arcs(pressures_kpa: np.ndarray) -> np.ndarray:
    """Return bend x, bend y (rad) and length (mm) of each segment in the free, `float64[S, 3]`.

    Args:
        pressures_kpa: `float64[S, 3]`.

    With the lengths l_i of the bellows at radius d, l_i = l (1 - k d cos(phi - 2 pi i / 3)): l is
    their mean, and the bend -2 / (3 d) times the sum of l_i (cos, sin)(2 pi i / 3).
    """
    lengths = DESIGN.rest_length_mm + DESIGN.extension_mm_per_kpa * np.asarray(pressures_kpa)
    scale = -2.0 / (_BELLOWS * DESIGN.bellows_radius_mm)
    return np.stack(
        [scale * lengths @ np.cos(_ANGLES), scale * lengths @ np.sin(_ANGLES), lengths.mean(-1)],
        -1,
    )


def segment_transform(bend_x: float, bend_y: float, length_mm: float) -> np.ndarray:
    """Return the pose of a segment's end from its base, `float64[4, 4]`, without twist.

    Rotation by the bend about (-sin phi, cos phi, 0); place l / theta ((1 - cos theta) cos phi,
    (1 - cos theta) sin phi, sin theta), theta = k l.
    """
    theta = math.hypot(bend_x, bend_y)
    if theta < _STRAIGHT:
        half, sinc = 0.5 - theta**2 / 24.0, 1.0 - theta**2 / 6.0
    else:
        half, sinc = (1.0 - math.cos(theta)) / theta**2, math.sin(theta) / theta
    transform = np.eye(4)
    transform[:3, :3] += np.array(
        [
            [-half * bend_x * bend_x, -half * bend_x * bend_y, sinc * bend_x],
            [-half * bend_x * bend_y, -half * bend_y * bend_y, sinc * bend_y],
            [-sinc * bend_x, -sinc * bend_y, -half * theta**2],
        ]
    )
    transform[:3, 3] = length_mm * np.array([half * bend_x, half * bend_y, sinc])
    return transform


def tip_transform(configuration: np.ndarray) -> np.ndarray:
    """Return the pose of the tip from the base, `float64[4, 4]`, mm, of arcs `[S, 3]`."""
    pose = np.eye(4)
    for bend_x, bend_y, length_mm in configuration:
        pose = pose @ segment_transform(bend_x, bend_y, length_mm)
    return pose


def tip_jacobian(configuration: np.ndarray) -> np.ndarray:
    """Return how the tip moves, `float64[6, 3 S]`, with each number of the arcs.

    The first three rows are mm, the others the turn in rad, both in the base's frame; by central
    differences.
    """
    columns = []
    for index in range(configuration.size):
        ends = []
        for step in (1e-5, -1e-5):
            moved = configuration.copy()
            moved.flat[index] += step
            ends.append(tip_transform(moved))
        ahead, behind = ends
        turn = (ahead[:3, :3] @ behind[:3, :3].T - behind[:3, :3] @ ahead[:3, :3].T) / 2.0
        columns.append(
            np.r_[ahead[:3, 3] - behind[:3, 3], turn[2, 1], turn[0, 2], turn[1, 0]] / 2e-5
        )
    return np.stack(columns, 1)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Pressures that bring the tip to a pose, as near as they can.

    Attributes:
        pressures_kpa: `float64[S, 3]`, within their limits.
        place_error_mm, angle_error_deg: what is left.
    """

    pressures_kpa: np.ndarray
    place_error_mm: float
    angle_error_deg: float


def solve(
    place_mm: np.ndarray,
    approach: np.ndarray,
    *,
    start_kpa: np.ndarray | None = None,
    rounds: int = 100,
) -> Solution:
    """Return the pressures that bring the tip to `place_mm` with its z along `approach`.

    Damped least squares (Wampler 1986, doi 10.1109/TSMC.1986.289285) in the pressures; those at a
    limit stay there. A turn about the approach is free.

    Args:
        place_mm: `float64[3]`, in the base's frame.
        approach: `float64[3]`, a unit vector.
        start_kpa: `float64[S, 3]`, where to begin; else half the greatest pressure.
        rounds: at most so many.
    """
    limit = DESIGN.max_pressure_kpa
    pressures = np.full((SEGMENTS, _BELLOWS), limit / 2) if start_kpa is None else start_kpa.copy()
    # A radian counts as much as the lever of a segment.
    lever_mm, damping = DESIGN.rest_length_mm, 1e-2
    # The arcs are linear in the pressures.
    zero = arcs(np.zeros((SEGMENTS, _BELLOWS)))
    slopes = np.stack(
        [
            (arcs(unit.reshape(SEGMENTS, _BELLOWS)) - zero).ravel()
            for unit in np.eye(SEGMENTS * _BELLOWS)
        ],
        1,
    )
    for _ in range(rounds + 1):
        configuration = arcs(pressures)
        pose = tip_transform(configuration)
        away = place_mm - pose[:3, 3]
        turn = np.cross(pose[:3, 2], approach)
        angle = math.atan2(float(np.linalg.norm(turn)), float(pose[:3, 2] @ approach))
        if np.linalg.norm(away) < 1e-6 and angle < 1e-8:
            break
        error = np.r_[away, lever_mm * turn]
        jacobian = tip_jacobian(configuration) @ slopes
        jacobian[3:] *= lever_mm
        # The turn about the approach is left out.
        keep = np.eye(6)
        keep[3:, 3:] -= np.outer(pose[:3, 2], pose[:3, 2])
        jacobian = keep @ jacobian
        flat = pressures.ravel()
        free = np.ones(flat.size, bool)
        for _ in range(flat.size):
            part = jacobian[:, free]
            step = np.zeros(flat.size)
            step[free] = part.T @ np.linalg.solve(part @ part.T + damping**2 * np.eye(6), error)
            blocked = free & (((flat <= 0.0) & (step < 0.0)) | ((flat >= limit) & (step > 0.0)))
            if not blocked.any():
                break
            free &= ~blocked
        step *= min(1.0, 20.0 / max(np.abs(step).max(), 1e-9))
        pressures = np.clip(flat + step, 0.0, limit).reshape(pressures.shape)
    return Solution(
        pressures_kpa=pressures,
        place_error_mm=float(np.linalg.norm(away)),
        angle_error_deg=math.degrees(angle),
    )


class SoftArm:
    """The arm in time: pressures follow what is asked for, of first order."""

    def __init__(self) -> None:
        """Start straight, without pressure."""
        self.pressures_kpa = np.zeros((SEGMENTS, _BELLOWS))
        self.asked_kpa = self.pressures_kpa.copy()

    def go_to(self, place_mm: np.ndarray, approach: np.ndarray) -> Solution:
        """Ask for the pressures that bring the tip to a pose; see `solve`."""
        solution = solve(place_mm, approach)
        self.asked_kpa = solution.pressures_kpa
        return solution

    def step(self, seconds: float) -> None:
        """Let time go by: dp/dt = (asked - p) / time constant, solved exactly."""
        share = -math.expm1(-seconds / DESIGN.time_constant_s)
        self.pressures_kpa = self.pressures_kpa + share * (self.asked_kpa - self.pressures_kpa)

    def tip(self) -> np.ndarray:
        """Return the pose of the tip in the free, `float64[4, 4]`, mm."""
        return tip_transform(arcs(self.pressures_kpa))


def compliances() -> np.ndarray:
    """Return by how much a segment's bend x, bend y (rad per N mm) and length (mm per N) give.

    `float64[3]`. A bellows is a spring of area / extension per pressure; three of them side by
    side at the radius d have 3 k along, 3/2 k d^2 in bending.
    """
    spring = DESIGN.bellows_area_mm2 * 1e-3 / DESIGN.extension_mm_per_kpa  # N/mm
    bending = 1.5 * spring * DESIGN.bellows_radius_mm**2
    return np.array([1.0 / bending, 1.0 / bending, 1.0 / (_BELLOWS * spring)])


def wall_give_mm(material: Material, debonded: float, force_n: float) -> float:
    """Return how far the wall gives way under the tip, mm.

    A flat punch on an elastic half-space, and the clamped plate of a layer that has come off by
    `debonded`, 0 to 1, at most the gap behind it: as `touch` has them.
    """
    array = COMMON.touch_array
    punch = (
        force_n
        * (1.0 - material.poisson_ratio**2)
        / (2.0 * DESIGN.tip_radius_mm * material.young_modulus_mpa)
    )
    plate = material.young_modulus_mpa * material.layer_mm**3
    plate /= 12.0 * (1.0 - material.poisson_ratio**2)
    bent = force_n * array.blister_radius_mm**2 / (16.0 * math.pi * plate)
    return punch + debonded * min(bent, array.blister_gap_mm)


def push(
    pressures_kpa: np.ndarray, depth_mm: float, material: Material, debonded: float
) -> tuple[np.ndarray, float]:
    """Return the arcs `float64[S, 3]` of an arm that is sent into a wall, and the force, N.

    The tip would be `depth_mm` past the wall along its own z. Arm and wall share that: the force
    is the one at which what both give makes `depth_mm`, found by halving. The arm's part is linear
    in the force: of a bent arm that leaves out some hundredths of the depth.
    """
    free = arcs(pressures_kpa)
    normal = tip_transform(free)[:3, 2]
    lever = normal @ tip_jacobian(free)[:3]
    each = np.tile(compliances(), SEGMENTS)
    along = float(lever @ (each * lever))  # of the tip, mm/N
    low, high = 0.0, depth_mm / along
    for _ in range(60):
        force = (low + high) / 2.0
        if force * along + wall_give_mm(material, debonded, force) > depth_mm:
            high = force
        else:
            low = force
    return free - (each * lever * force).reshape(free.shape), force


def read_arm(panel: Panel, debonded: float, centre_mm: tuple[float, float]) -> np.ndarray:
    """Return the noise-free reading `float32[18]` at a place; the same place, the same reading.

    Args:
        panel: what it pushes on.
        debonded: how far the layer has come off there, 0 to 1.
        centre_mm: where the tip is on the panel.
    """
    place = tuple(round(10.0 * mm) for mm in centre_mm)
    rng = np.random.default_rng((panel.texture_seed, 5, *place))
    target = np.array(
        [
            *rng.normal(0.0, DESIGN.aside_std_mm, 2),
            rng.normal(DESIGN.distance_mm, DESIGN.distance_std_mm) + DESIGN.push_mm,
        ]
    )
    pressures = solve(target, np.array([0.0, 0.0, 1.0]), rounds=8).pressures_kpa
    configuration, _ = push(pressures, DESIGN.push_mm, MATERIALS[panel.material_name], debonded)
    return joint_states(configuration, pressures)


def joint_states(configuration: np.ndarray, pressures_kpa: np.ndarray) -> np.ndarray:
    """Return the reading `float32[18]` of arcs and pressures, in the order of the profile."""
    bends, lengths = np.degrees(configuration[:, :2]), configuration[:, 2:]
    return np.concatenate([bends, lengths, pressures_kpa], 1).ravel().astype(np.float32)


def add_noise(reading: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `reading` as healthy sensors of bend, length and pressure give it."""
    noisy = reading + SENSE.per_element('noise_std') * rng.standard_normal(SENSE.size)
    return np.clip(noisy, SENSE.per_element('min'), SENSE.per_element('max')).astype(np.float32)


class ArmedWorld(World):
    """The living wall as a function of time, met by a soft arm too."""

    def arm(self, t_s: float) -> np.ndarray:
        """Return the reading `float32[18]` of the arm at `t_s` seconds."""
        index, centre = self._tip(t_s)
        scene = self._scene(index)
        reading = read_arm(scene.panel, scene.true_state(centre).debonded, centre)
        return add_noise(reading, self._rng(5, round(t_s * 1e3)))
