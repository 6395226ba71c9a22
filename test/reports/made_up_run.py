# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A run of a node that does everything right: each number of its summary is known beforehand.

`recording` is what a live run leaves behind, `metrics` what a replay of the same run gathers, and
`run` any run of any profile, as plain data.
"""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from crossmodal_kd_ros.bags.metrics import RunMetrics
from crossmodal_kd_ros.demo.recording import TRUTH_FIELDS, Recording, Series, Text
from crossmodal_kd_ros.demo.summary import Scenario
from crossmodal_kd_ros.profile import Mode, Profile, load_profile
from crossmodal_kd_ros.reports.run import (
    Card,
    Choice,
    Curve,
    GridMoment,
    Histogram,
    ModelRun,
    Outage,
    Run,
    Span,
)
from crossmodal_kd_ros.runtime.announcer import ModeChange
from crossmodal_kd_ros.runtime.config import RuntimeConfig
from crossmodal_kd_ros.runtime.sample import Answer, Estimate, Perception, Sample
from crossmodal_kd_ros.simulation.faults import FaultSchedule

PROFILE = load_profile('living_wall')
ACTIONS = PROFILE.actions
START_NS = 1_700_000_000_000_000_000
MS = 1_000_000
LATENCY_MS = 8.0
SCENARIO = Scenario(
    config=RuntimeConfig.of(PROFILE),
    schedule=FaultSchedule.parse('touch:10-18,gas:22-28,camera:32-36'),
)
PHOTOS = Scenario(config=SCENARIO.config, sensors=('camera',))
NOTHING = Series(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0), np.float32))


def at(t_s: float) -> int:
    """Nanoseconds since the epoch, `t_s` into the run."""
    return START_NS + round(t_s * 1e9)


def series(times_s: np.ndarray, values: np.ndarray, *, delay_ms: float = 1.0) -> Series:
    stamps = START_NS + np.round(np.asarray(times_s) * 1e9).astype(np.int64)
    return Series(stamps, stamps + round(delay_ms * MS), values.astype(np.float32))


def recording(*, duration_s: float = 40.0, seed: int = 0) -> Recording:
    """Return a run over the schedule of the demo; the student errs on every fifth frame."""
    rng = np.random.default_rng(seed)
    alive = np.vectorize(
        lambda sensor, t: SCENARIO.schedule.active(sensor, t) is None, otypes=[bool]
    )
    frame_s = np.arange(int(duration_s * 30)) / 30.0
    camera_s = frame_s[alive('camera', frame_s)]
    touch_s = np.arange(int(duration_s * 100)) / 100.0
    touch_s = touch_s[alive('touch', touch_s)]
    gas_s = np.arange(int(duration_s * 2)) / 2.0
    gas_s = gas_s[alive('gas', gas_s)]

    action = (frame_s // 2.5).astype(int) % len(ACTIONS)
    depth = 3.0 + 2.5 * np.sin(frame_s / 2.0)
    quantities = np.stack(
        [
            40.0 + 15.0 * np.sin(frame_s / 3.0),
            depth,
            0.2 + 0.05 * np.cos(frame_s / 5.0),
            0.1 * depth,
        ],
        axis=-1,
    )
    gas = np.tile([80.0, 340.0, 85.0, 21.0, 110.0, 3.0, 20.6, 5.0], (len(frame_s), 1))
    touch = np.concatenate(
        [
            np.repeat(quantities[:, :1], 128, axis=1) * rng.uniform(0.8, 1.2, (1, 128)),
            depth[:, None] * np.exp(-0.5 * ((np.arange(128) % 16 - 8.0) / 1.5) ** 2)[None],
        ],
        axis=1,
    )
    truth = np.concatenate(
        [np.arange(len(frame_s))[:, None], action[:, None], quantities, gas], axis=1
    )
    assert truth.shape[1] == len(TRUTH_FIELDS)
    assert [touch.shape[1], gas.shape[1]] == [s.size for s in PROFILE.senses.values()]

    rows = np.flatnonzero(alive('camera', frame_s))
    student = (camera_s >= 10.2) & (camera_s < 18.2) | (camera_s >= 23.0) & (camera_s < 28.7)
    decided = action[rows].copy()
    decided[student & (np.arange(len(rows)) % 5 == 0)] = 5
    scores = np.full((len(rows), len(ACTIONS)), 0.05)
    scores[np.arange(len(rows)), decided] = 0.75
    answered = series(camera_s, scores, delay_ms=LATENCY_MS)
    estimate = touch[rows] * rng.uniform(0.9, 1.1, (len(rows), 1))

    def answers(values: np.ndarray) -> Series:
        return replace(answered, values=values.astype(np.float32))

    return Recording(
        camera=series(camera_s, np.zeros((len(camera_s), 0))),
        readings={
            'touch': series(touch_s, np.repeat(touch, 4, axis=0)[: len(touch_s)]),
            'gas': series(gas_s, gas[: len(gas_s)]),
        },
        estimates={'touch': answers(estimate), 'gas': answers(gas[rows])},
        scores=answered,
        quantities=answers(quantities[rows] * 1.1),
        lower=answers(quantities[rows] * 0.8),
        upper=answers(quantities[rows] * 1.4),
        actions=tuple(
            Text(int(ns), ACTIONS[index]) for ns, index in zip(answered.received_ns, decided)
        ),
        modes=MODES,
        truth=series(frame_s, truth),
        grid_truths={'touch': series(frame_s, touch)},
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
        end_ns=at(duration_s),
    )


def photos() -> Recording:
    """Return a run in which only the camera exists and nobody knows the truth."""
    return replace(
        recording(),
        readings={'touch': NOTHING, 'gas': NOTHING},
        truth=NOTHING,
        grid_truths={'touch': NOTHING},
        experts=(),
        modes=(Text(at(0.01), 'STUDENT', 'touch never came'),),
    )


MODES = (
    Text(at(-0.5), 'HOLD', 'no image yet'),
    Text(at(0.1), 'TEACHER', 'camera, touch and gas are healthy'),
    Text(at(10.15), 'STUDENT', 'touch is silent for 0.15 s'),
    Text(at(18.3), 'TEACHER', 'camera, touch and gas are healthy'),
    Text(at(22.8), 'STUDENT', 'gas is silent for 1.3 s'),
    Text(at(28.8), 'TEACHER', 'camera, touch and gas are healthy'),
    Text(at(32.2), 'HOLD', 'camera is silent for 0.23 s'),
    Text(at(36.3), 'TEACHER', 'camera, touch and gas are healthy'),
)


def metrics(*, models: int = 1, duration_s: float = 40.0) -> RunMetrics:
    """Return what a replay of `recording` gathers; a second model always decides `hydrate`.

    The student decides otherwise than the teacher on every tenth frame.
    """
    run = recording(duration_s=duration_s)
    result = RunMetrics(PROFILE, [None] * models)
    events = [
        (ns, sensor, row)
        for sensor in PROFILE.sensors
        for row, ns in enumerate(run.of_sensor(sensor).stamp_ns.tolist())
    ]
    modes = list(MODES)
    mode = Mode.HOLD
    for ns, sensor, row in sorted(events):
        while modes and modes[0].received_ns <= ns:
            mode = Mode(modes[0].text)
            for model in result.models:
                change = ModeChange(now_ns=modes[0].received_ns, mode=mode, reason=modes[0].reason)
                model.add_mode_change(change)
            del modes[0]
        result.add_step(step(sensor, ns))
        if sensor == 'camera':
            answers = [answer(run, row, mode, always=('', 'hydrate')[i]) for i in range(models)]
            result.add_step(step('turn', ns, answers))
    return result


def step(role: str, now_ns: int, answers=()) -> SimpleNamespace:
    """Return a step of a replay, as far as metrics look at it."""
    reading = SimpleNamespace(role=role, bad='', stamp_ns=now_ns, received_ns=now_ns)
    return SimpleNamespace(now_ns=now_ns, reading=reading, answers=tuple(answers))


def answer(run: Recording, row: int, mode: Mode, *, always: str = '') -> Answer:
    """Return the answer to a frame: what was published of it live, or `always` that action."""
    t_s = run.seconds(run.scores.stamp_ns[row])
    lost = [s for s in PROFILE.senses if SCENARIO.schedule.active(s, float(t_s))]
    action = always or ('hold' if mode is Mode.HOLD else run.actions[row].text)
    student = np.full(len(ACTIONS), 0.05, np.float32)
    student[(ACTIONS.index(run.actions[row].text) + (row % 10 == 0)) % len(ACTIONS)] = 0.75
    names = tuple(PROFILE.quantities)
    readings = {
        'touch': run.estimates['touch'].values[row],
        'gas': run.estimates['gas'].values[row],
    }
    return Answer(
        sample=Sample(
            stamp_ns=int(run.scores.stamp_ns[row]),
            image=np.full((96, 128, 3), 40 + row % 200, np.uint8),
            readings={name: 1.1 * values for name, values in readings.items() if name not in lost},
        ),
        perception=Perception(
            probabilities=student, readings=readings, quantities=run.quantities.values[row]
        ),
        probabilities=run.scores.values[row],
        estimate=Estimate(
            stamp_ns=int(run.scores.stamp_ns[row]),
            mode=mode,
            reason='made up',
            action=action,
            confidence=0.75,
            probabilities=run.scores.values[row],
            readings=readings,
            quantities=dict(zip(names, (run.quantities.values[row] + 0.5).tolist())),
            lower=dict(zip(names, run.lower.values[row].tolist())),
            upper=dict(zip(names, run.upper.values[row].tolist())),
        ),
    )


def run(profile: Profile, *, models: int = 1, has_known: bool = True, seed: int = 0) -> Run:
    """Return a run of any profile, 20 s long, that fills every part of a page."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(0.0, 20.0, 0.1)
    half = [Span(0.0, 10.0, 'TEACHER'), Span(10.0, 20.0, 'STUDENT')]
    width = 20.0 / len(profile.actions)
    decisions = [
        Span(index * width, (index + 1) * width, name)
        for index, name in enumerate(profile.actions)
    ]

    def reading(sense) -> np.ndarray:
        low, high = sense.per_element('min'), sense.per_element('max')
        return rng.uniform(low, high).astype(np.float32)

    grids = [sense for sense in profile.senses.values() if sense.layout == 'grid']
    moments = [
        GridMoment(
            title=f'{second:.1f} s',
            view=np.full((32, 32, 3), 90, np.uint8),
            estimates={sense.name: reading(sense) for sense in grids},
            known={sense.name: reading(sense) for sense in grids} if has_known else {},
        )
        for second in (2.0, 12.0)
    ]
    return Run(
        profile=profile,
        duration_s=20.0,
        time_label='seconds',
        activity={sensor: [Span(0.0, 20.0)] for sensor in profile.sensors},
        outages=[Outage((list(profile.senses)[0],), 10.0, 20.0, 'this one is dead')],
        models=[
            ModelRun(
                name=name,
                summary={'modes': CHANGES},
                modes=half,
                actions={'decision': decisions},
                disagreements=[Span(3.0, 3.1)],
                cards=[Card(t_s=1.0, picture='', choices=[Choice(action=profile.actions[0])])],
                curves={
                    quantity: [
                        Curve('true', True, t_s, rng.normal(size=len(t_s))),
                        Curve('published', False, t_s, np.sin(t_s)),
                    ]
                    for quantity in profile.quantities
                },
                moments=moments if grids else [],
                known_label='true',
            )
            for name in (('old', 'new') if models == 2 else ('',))
        ],
        latency=Histogram([5.0, 6.0, 9.0]),
        latency_ms={'p50': 6.0, 'p99': 9.0},
        latency_label='ms',
    )


CHANGES = [
    {'start_s': 0.0, 'mode': 'TEACHER', 'reason': 'every sense is healthy'},
    {'start_s': 10.0, 'mode': 'STUDENT', 'reason': 'one is lost'},
]
SUMMARY = {'title': 'A run made up', 'command': 'make'}
