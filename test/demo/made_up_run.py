# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A run of a node that does everything right, made of arrays: each number of its summary is known beforehand."""

from dataclasses import replace

import numpy as np

from crossmodal_kd_ros.contract import ACTIONS, GAS_NAMES, NUM_TAXELS, SURFACE_STATE
from crossmodal_kd_ros.demo.recording import TRUTH_NAMES, Recording, Said, Series
from crossmodal_kd_ros.demo.summary import Limits, Setting
from crossmodal_kd_ros.simulation.faults import FaultSchedule

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000
LATENCY_MS = 8.0
SETTING = Setting(
    limits=Limits(timeout_s={'camera': 0.2, 'touch': 0.2, 'gas': 1.25}, recovery_s=0.5),
    schedule=FaultSchedule.parse('touch:10-18,gas:22-28,camera:32-36'),
)
PHOTOS = Setting(limits=SETTING.limits, senses=('camera',))


def at(t_s: float) -> int:
    """Nanoseconds since the epoch, `t_s` into the run."""
    return START_NS + round(t_s * 1e9)


def series(times_s: np.ndarray, values: np.ndarray, *, delay_ms: float = 1.0) -> Series:
    stamps = START_NS + np.round(np.asarray(times_s) * 1e9).astype(np.int64)
    return Series(stamps, stamps + round(delay_ms * MS), values.astype(np.float32))


def run(*, duration_s: float = 40.0, seed: int = 0) -> Recording:
    """Return a run over the demo's schedule in which every frame is answered, and the student errs on every fifth."""
    rng = np.random.default_rng(seed)
    alive = np.vectorize(
        lambda sensor, t: SETTING.schedule.active(sensor, t) is None, otypes=[bool]
    )
    frame_s = np.arange(int(duration_s * 30)) / 30.0
    camera_s = frame_s[alive('camera', frame_s)]
    touch_s = np.arange(int(duration_s * 100)) / 100.0
    touch_s = touch_s[alive('touch', touch_s)]
    gas_s = np.arange(int(duration_s * 2)) / 2.0
    gas_s = gas_s[alive('gas', gas_s)]

    action = (frame_s // 2.5).astype(int) % len(ACTIONS)
    depth = 3.0 + 2.5 * np.sin(frame_s / 2.0)
    surface = np.stack(
        [40.0 + 15.0 * np.sin(frame_s / 3.0), depth, 0.2 + 0.05 * np.cos(frame_s / 5.0)], axis=-1
    )
    gas = np.tile([80.0, 340.0, 85.0, 21.0, 110.0, 3.0, 20.6, 5.0], (len(frame_s), 1))
    touch = np.concatenate(
        [
            np.repeat(surface[:, :1], 128, axis=1) * rng.uniform(0.8, 1.2, (1, 128)),
            depth[:, None] * np.exp(-0.5 * ((np.arange(128) % 16 - 8.0) / 1.5) ** 2)[None],
        ],
        axis=1,
    )
    truth = np.concatenate(
        [np.arange(len(frame_s))[:, None], action[:, None], surface, gas], axis=1
    )
    assert (
        truth.shape[1] == len(TRUTH_NAMES)
        and touch.shape[1] == NUM_TAXELS
        and gas.shape[1] == len(GAS_NAMES)
    )

    rows = np.flatnonzero(alive('camera', frame_s))
    student = (camera_s >= 10.2) & (camera_s < 18.2) | (camera_s >= 23.0) & (camera_s < 28.7)
    told = action[rows].copy()
    told[student & (np.arange(len(rows)) % 5 == 0)] = 5
    scores = np.full((len(rows), len(ACTIONS)), 0.05)
    scores[np.arange(len(rows)), told] = 0.75
    answered = series(camera_s, scores, delay_ms=LATENCY_MS)
    estimate = touch[rows] * rng.uniform(0.9, 1.1, (len(rows), 1))
    return Recording(
        camera=series(camera_s, np.zeros((len(camera_s), 0))),
        touch=series(touch_s, np.repeat(touch, 4, axis=0)[: len(touch_s)]),
        gas=series(gas_s, gas[: len(gas_s)]),
        scores=answered,
        surface=replace(answered, values=(surface[rows] * 1.1).astype(np.float32)),
        touch_estimate=replace(answered, values=estimate.astype(np.float32)),
        actions=tuple(
            Said(int(ns), ACTIONS[index]) for ns, index in zip(answered.received_ns, told)
        ),
        modes=MODES,
        truth=series(frame_s, truth),
        touch_truth=series(frame_s, touch),
        experts=tuple(
            {
                'action': ACTIONS[index],
                'reason': 'made up',
                'material': 'bio_concrete',
                'lighting': 'day',
                'description': f'bio concrete, crack {mm:.1f} mm deep',
            }
            for index, mm in zip(action, depth)
        ),
    )


def photos() -> Recording:
    """Return a run in which only the camera exists and nobody knows the truth."""
    whole = run()
    nothing = Series(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0), np.float32))
    return replace(
        whole,
        touch=nothing,
        gas=nothing,
        truth=nothing,
        touch_truth=nothing,
        experts=(),
        modes=(Said(at(0.01), 'STUDENT', 'touch never came'),),
    )


MODES = (
    Said(at(-0.5), 'HOLD', 'no image yet'),
    Said(at(0.1), 'TEACHER', 'camera, touch and gas are healthy'),
    Said(at(10.15), 'STUDENT', 'touch is silent for 0.15 s'),
    Said(at(18.3), 'TEACHER', 'camera, touch and gas are healthy'),
    Said(at(22.8), 'STUDENT', 'gas is silent for 1.3 s'),
    Said(at(28.8), 'TEACHER', 'camera, touch and gas are healthy'),
    Said(at(32.2), 'HOLD', 'camera is silent for 0.23 s'),
    Said(at(36.3), 'TEACHER', 'camera, touch and gas are healthy'),
)
assert SURFACE_STATE == ('surface_roughness', 'crack_depth', 'co2_absorption')
