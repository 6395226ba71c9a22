# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot that stands still on the wall with healthy senses, and slides on after it."""

import numpy as np
import pytest

from crossmodal_kd_ros.calibration.model import load_calibration
from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.health.picture import PictureHealth
from crossmodal_kd_ros.profile import Mode, load_profile
from crossmodal_kd_ros.runtime import Pipeline, make_engine
from crossmodal_kd_ros.simulation import World

SECOND = 1_000_000_000
STAND_S, SLIDE_S = 25.0, 10.0
RATES_HZ = {'camera': 5.0, 'touch': 20.0, 'gas': 2.0}
# No choice was made on these.
SEEDS = range(300, 306)


class StandingWorld(World):
    """The wall of a robot that stands at one place and then travels on from there."""

    def _tip(self, t_s):
        start_s = np.random.default_rng(self._seed).uniform(0.0, 40.0)
        return super()._tip(start_s + max(0.0, t_s - STAND_S))


@pytest.fixture(scope='module')
def shipped():
    """Return the engine and the calibration of the shipped weights."""
    profile, models = load_profile(), share_dir() / 'models'
    return make_engine('torch', models, profile), load_calibration(models, profile)


def modes_of(shipped, world, broken=lambda sense, reading: reading):
    """Return (second, mode, reason) of each change of mode; `broken` changes readings."""
    changes = []
    pipeline = Pipeline(
        shipped[0],
        calibration=shipped[1],
        on_mode=lambda change: changes.append(
            (change.now_ns / SECOND, change.mode, change.reason)
        ),
    )
    times = sorted(
        (index / rate_hz, sensor)
        for sensor, rate_hz in RATES_HZ.items()
        for index in range(round(rate_hz * (STAND_S + SLIDE_S)))
    )
    for time_s, sensor in times:
        now_ns = round(time_s * SECOND)
        if sensor == 'camera':
            pipeline.put_image(now_ns, world.camera(time_s), now_ns=now_ns)
            pipeline.step(now_ns)
        else:
            reading = broken(sensor, world.read(sensor, time_s))
            pipeline.put(sensor, now_ns, reading, now_ns=now_ns)
    return changes


def accusations(changes):
    """Return the changes that say more than that somebody is not sure enough."""
    return [
        change
        for change in changes
        if change[0] > 1.0 and change[1] is not Mode.TEACHER and 'confidence' not in change[2]
    ]


@pytest.mark.parametrize('seed', SEEDS)
def test_25_s_at_one_place_and_the_way_on_accuse_no_healthy_sensor(shipped, seed):
    world = StandingWorld(seed, width_px=320, height_px=240)
    try:
        changes = modes_of(shipped, world)
    finally:
        world.close()

    assert changes[-1][1] in (Mode.TEACHER, Mode.HOLD)
    assert accusations(changes) == []


def test_a_sense_that_breaks_while_the_robot_stands_is_accused_all_the_same(shipped):
    world = StandingWorld(SEEDS[0], width_px=320, height_px=240)
    steps = iter(range(10**6))

    def broken(sense, reading):
        is_broken = sense == 'gas' and next(steps) > 20  # after 10 s
        return reading + 300.0 * np.eye(8, dtype=np.float32)[1] if is_broken else reading

    try:
        changes = accusations(modes_of(shipped, world, broken))
    finally:
        world.close()

    second, mode, reason = changes[0]
    assert (10.0 < second < 15.0, mode) == (True, Mode.PARTIAL)
    assert reason.startswith('gas contradicts the picture: ')


def test_a_camera_as_quiet_as_a_simulators_is_not_damaged():
    rng, health = np.random.default_rng(0), PictureHealth(stuck_s=0.5)
    wall = rng.integers(60, 200, (480, 640, 3), np.uint8)
    for index in range(120):
        # 2 % of the pixels of a picture differ from the one before by a step.
        flickers = rng.random(wall.shape[:2]) < 0.02
        health.take(index * SECOND // 30, wall + flickers[..., None].astype(np.uint8))

        assert health.verdict.flaw is None and health.verdict.fault is None


def test_the_glare_of_a_lamp_on_a_wet_wall_is_no_damage_while_the_robot_stands():
    rng, health = np.random.default_rng(0), PictureHealth(stuck_s=0.5)
    wall = np.kron(rng.integers(60, 200, (12, 20, 3)), np.ones((20, 20, 1)))
    wall[150:210, 150:210] = 255.0

    def take(index, shift_px):
        picture = wall[:, shift_px : shift_px + 320] + rng.normal(0.0, 3.0, (240, 320, 3))
        picture[150:210, 150:210] = 255.0  # the lamp moves with the camera
        health.take(index * SECOND // 30, np.clip(picture, 0, 255).astype(np.uint8))

    for index in range(90):
        take(index, 0)
        assert health.verdict.flaw is None
    # What rests at the end of the scale while all else moves shows nothing of the wall.
    for index in range(90, 150):
        take(index, index - 90)
    assert health.verdict.flaw is not None
