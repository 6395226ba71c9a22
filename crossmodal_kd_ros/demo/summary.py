# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From what a run published to the numbers that judge it: pure functions of a `Recording`."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crossmodal_kd_ros.contract import (
    ACTIONS,
    HOLD,
    INDENTATION,
    SENSORS,
    SURFACE_STATE,
    TEXTURE,
    Mode,
)
from crossmodal_kd_ros.demo.recording import TRUTH_NAMES, Recording, Said, Series
from crossmodal_kd_ros.simulation import RATES_HZ, Fault, FaultSchedule

_TRUTH_ACTION = TRUTH_NAMES.index('action')
_TRUTH_SURFACE = [TRUTH_NAMES.index(name) for name in SURFACE_STATE]
_STEP_S = 1e-3
_TWO_FRAMES_S = 2.0 / RATES_HZ['camera']
_UNITS = {'surface_roughness': 'um', 'crack_depth': 'mm', 'co2_absorption': 'fraction'}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long the node may take to change its mode, from its own parameters.

    Attributes:
        timeout_s: by sensor, the age at which a reading is stale.
        recovery_s: how long a sensor that failed must be good before it counts again.
    """

    timeout_s: dict[str, float]
    recovery_s: float

    def failover_s(self, sensor: str) -> float:
        """Return the longest time from the last good message to the new mode: the timeout, and two frames to act."""
        return self.timeout_s[sensor] + _TWO_FRAMES_S

    def return_s(self, sensor: str) -> float:
        """Return the longest time from the first message after an outage to the old mode: it takes a second message."""
        return self.recovery_s + 1.0 / RATES_HZ[sensor] + _TWO_FRAMES_S


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What was run: which sensors existed, which failed when, and how long the node may take to notice."""

    limits: Limits
    senses: tuple[str, ...] = SENSORS
    schedule: FaultSchedule = field(default_factory=FaultSchedule)


def expected_mode(setting: Setting, t_s: float) -> Mode:
    """Return the mode in which a node that notices everything at once would be at `t_s`."""
    lost = {
        sensor
        for sensor in SENSORS
        if sensor not in setting.senses or setting.schedule.active(sensor, t_s)
    }
    if 'camera' in lost:
        return Mode.HOLD
    return Mode.STUDENT if lost else Mode.TEACHER


def summarise(recording: Recording, setting: Setting) -> dict[str, Any]:
    """Return every figure of `summary.json` that can be computed from a run. A figure without data is `None`."""
    published = published_stamps(recording, setting)
    answered = np.intersect1d(recording.scores.stamp_ns, published)
    frames = {
        'frames_published': len(published),
        'frames_answered': len(answered),
        'answered_fraction': len(answered) / len(published) if len(published) else None,
        'frames_recorded': len(np.intersect1d(recording.camera.stamp_ns, published)),
    }
    return {
        'duration_s': round(recording.duration_s, 3),
        **frames,
        'modes': [
            {
                'mode': said.text,
                'start_s': round(float(recording.seconds(said.received_ns)), 3),
                'reason': said.reason,
            }
            for said in mode_changes(recording)
        ],
        **failovers(recording, setting),
        'unplanned_gaps': unplanned_gaps(recording, setting),
        'wrong_mode_s': wrong_mode_s(recording, setting),
        'unsure_s': unsure_s(recording),
        'latency_ms': latency_ms(recording.scores),
        'accuracy': accuracy(recording),
        'estimates': estimate_errors(recording),
    }


def published_stamps(recording: Recording, setting: Setting) -> np.ndarray:
    """Return the stamps of the images that were published.

    In simulation the truth, which goes over a reliable topic, is published with every frame, also
    while the camera is
    dead: the frames outside its outages were published, whether or not anybody received them.
        Elsewhere it is what was
    received by the observer or answered by the node.
    """
    if not len(recording.truth):
        return np.union1d(recording.camera.stamp_ns, recording.scores.stamp_ns)
    stamps = np.unique(recording.truth.stamp_ns)
    alive = [setting.schedule.active('camera', t_s) is None for t_s in recording.seconds(stamps)]
    return stamps[np.array(alive, bool)]


def mode_changes(recording: Recording) -> list[Said]:
    """Return the modes without repetitions."""
    changes: list[Said] = []
    for said in recording.modes:
        if not changes or changes[-1].text != said.text:
            changes.append(said)
    return changes


def mode_at(recording: Recording, times_ns: np.ndarray) -> np.ndarray:
    """Return the mode in force at each time, as text; empty before the first was received."""
    starts = [said.received_ns for said in recording.modes]
    names = np.array(['', *(said.text for said in recording.modes)])
    return names[np.searchsorted(starts, times_ns, side='right')]


def failovers(recording: Recording, setting: Setting) -> dict[str, dict[str, float | None]]:
    """Return how long each change of mode took, and may take: `failover_ms`, `recovery_ms`, and a limit for each.

    A failover lasts from the stamp of the last message before the outage to the receipt of the
    expected mode; a recovery from the stamp of the first message after it. `None`: it never came.
    """
    result: dict[str, dict[str, float | None]] = {
        'failover_ms': {},
        'failover_limit_ms': {},
        'recovery_ms': {},
        'recovery_limit_ms': {},
    }
    seen: dict[str, int] = {}
    for fault in setting.schedule.faults:
        if fault.end_s > recording.duration_s:
            continue  # the run ended first
        seen[fault.sensor] = seen.get(fault.sensor, 0) + 1
        key = fault.sensor if seen[fault.sensor] == 1 else f'{fault.sensor}_{seen[fault.sensor]}'
        before, after = _around(recording, fault)
        during = expected_mode(setting, fault.start_s)
        later = expected_mode(setting, fault.end_s)
        result['failover_ms'][key] = _ms_until(recording, during, before[-1:])
        result['recovery_ms'][key] = _ms_until(recording, later, after[:1])
        result['failover_limit_ms'][key] = round(1e3 * setting.limits.failover_s(fault.sensor), 1)
        result['recovery_limit_ms'][key] = round(1e3 * setting.limits.return_s(fault.sensor), 1)
    return result


def unplanned_gaps(recording: Recording, setting: Setting) -> list[dict[str, Any]]:
    """Return each time a sensor's newest message grew older than its timeout though no fault was planned.

    A busy machine, a loose plug: `sensor`, `start_s` (stamp of the last message) and `length_s`
    (until the next came).
    """
    gaps = []
    for sensor in setting.senses:
        # The truth comes with each picture, and none of it is lost on the way to the observer.
        series = (
            recording.truth
            if sensor == 'camera' and len(recording.truth)
            else getattr(recording, sensor)
        )
        stamps_s = recording.seconds(series.stamp_ns)
        ages_s = recording.seconds(series.received_ns[1:]) - stamps_s[:-1]
        for start_s, age_s in zip(stamps_s[:-1], ages_s):
            planned = any(
                fault.sensor == sensor
                and start_s < fault.end_s
                and fault.start_s < start_s + age_s
                for fault in setting.schedule.faults
            )
            if age_s > setting.limits.timeout_s[sensor] and not planned:
                gaps.append(
                    {
                        'sensor': sensor,
                        'start_s': round(float(start_s), 3),
                        'length_s': round(float(age_s), 3),
                    }
                )
    return gaps


def wrong_mode_s(recording: Recording, setting: Setting) -> float | None:
    """Return for how long the node was in another mode than it should, outside the time it may take to notice, s.

    It may take `Limits.failover_s` from the last good message on, `Limits.return_s` from the end
    of an outage on, and the longest of these after the first frame. Around an unplanned gap any
    mode is right, and so is a hold because the
    node is unsure: `unplanned_gaps` and `unsure_s` count these.
    """
    if not recording.modes or recording.duration_s <= 0.0:
        return None
    limits = setting.limits
    t_s, times_ns = _instants(recording)
    excused = t_s < max(limits.return_s(sensor) for sensor in setting.senses)
    for fault in setting.schedule.faults:
        before, _ = _around(recording, fault)
        last_good_s = recording.seconds(before[-1]) if len(before) else fault.start_s
        excused |= (t_s >= fault.start_s) & (t_s < last_good_s + limits.failover_s(fault.sensor))
        excused |= (t_s >= fault.end_s) & (t_s < fault.end_s + limits.return_s(fault.sensor))
    for gap in unplanned_gaps(recording, setting):
        end_s = gap['start_s'] + gap['length_s'] + limits.return_s(gap['sensor'])
        excused |= (t_s >= gap['start_s']) & (t_s < end_s)
    modes = mode_at(recording, times_ns)
    expected = np.array([expected_mode(setting, t).value for t in t_s])
    # Where a sense is lost, a teacher without it may have been measured to be better than the
    # student.
    right = (modes == expected) | (
        (expected == Mode.STUDENT.value) & (modes == Mode.PARTIAL.value)
    )
    return _duration(~right & ~excused & ~_unsure_at(recording, times_ns))


def unsure_s(recording: Recording) -> float:
    """Return for how long the node held because its confidence was under its limit, s."""
    return _duration(_unsure_at(recording, _instants(recording)[1]))


def latency_ms(scores: Series) -> dict[str, float | None]:
    """Return percentiles of the time from an image's stamp to the receipt of its scores by the observer, ms."""
    if not len(scores):
        return {'p50': None, 'p99': None, 'max': None}
    ages = (scores.received_ns - scores.stamp_ns) / 1e6
    return {
        'p50': round(float(np.percentile(ages, 50)), 2),
        'p99': round(float(np.percentile(ages, 99)), 2),
        'max': round(float(ages.max()), 2),
    }


def decided(recording: Recording) -> np.ndarray:
    """Return the action published for each row of `scores`, as text: the first one received from then on."""
    if not recording.actions:
        return np.full(len(recording.scores), '')
    times = np.array([said.received_ns for said in recording.actions])
    words = np.array([said.text for said in recording.actions])
    return words[np.searchsorted(times, recording.scores.received_ns).clip(max=len(times) - 1)]


def accuracy(recording: Recording) -> dict[str, dict[str, Any]] | None:
    """Return, by mode, how often the published action was the expert's: `frames`, `correct`, `held`, `fraction`.

    `fraction` is over the frames on which an action was decided, and `None` in `HOLD`; those on
    which the node held still count as `held`.
    """
    if not len(recording.truth):
        return None
    truth_rows, rows = recording.truth.find(recording.scores.stamp_ns)
    expert = np.array(ACTIONS)[recording.truth.values[truth_rows, _TRUTH_ACTION].astype(int)]
    action, mode = decided(recording)[rows], mode_at(recording, recording.scores.received_ns[rows])
    result = {}
    for name in (name for name in (m.value for m in Mode) if name in mode):
        mine = mode == name
        held = int(np.count_nonzero(action[mine] == HOLD))
        correct = int(np.count_nonzero(action[mine] == expert[mine]))
        frames = int(np.count_nonzero(mine))
        fraction = (
            round(correct / (frames - held), 4)
            if frames > held and name != Mode.HOLD.value
            else None
        )
        result[name] = {'frames': frames, 'correct': correct, 'held': held, 'fraction': fraction}
    return result


def estimate_errors(recording: Recording) -> dict[str, dict[str, Any]] | None:
    """Return the mean absolute error of what was published, and the truth's own spread to hold it against.

    Of the surface state in each mode; and of the student's touch, in every mode, in each bank.
    """
    if not len(recording.truth):
        return None
    truth_rows, rows = recording.truth.find(recording.surface.stamp_ns)
    truth = recording.truth.values[truth_rows][:, _TRUTH_SURFACE]
    error = np.abs(recording.surface.values[rows] - truth)
    mode = mode_at(recording, recording.surface.received_ns[rows])
    result: dict[str, dict[str, Any]] = {}
    for column, name in enumerate(SURFACE_STATE):
        by_mode = {m.value: _mean(error[mode == m.value, column]) for m in Mode if m.value in mode}
        result[name] = {
            'unit': _UNITS[name],
            'mean_absolute_error': by_mode,
            'truth_sd': _mean_sd(truth[:, column]),
        }
    truth_rows, rows = recording.touch_truth.find(recording.touch_estimate.stamp_ns)
    touch, estimate = (
        recording.touch_truth.values[truth_rows],
        recording.touch_estimate.values[rows],
    )
    for name, bank, unit in (
        ('student_texture', TEXTURE, 'um'),
        ('student_indentation', INDENTATION, 'mm'),
    ):
        result[name] = {
            'unit': unit,
            'mean_absolute_error': _mean(np.abs(estimate[:, bank] - touch[:, bank])),
            'truth_sd': _mean_sd(touch[:, bank]),
        }
    return result


def _around(recording: Recording, fault: Fault) -> tuple[np.ndarray, np.ndarray]:
    """Return the stamps of the failed sensor's messages before and after its outage."""
    stamps = getattr(recording, fault.sensor).stamp_ns
    middle_ns = recording.start_ns + int(0.5e9 * (fault.start_s + fault.end_s))
    return stamps[stamps < middle_ns], stamps[stamps > middle_ns]


def _instants(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Return every millisecond of the run, as seconds since its start and as nanoseconds since the epoch."""
    t_s = np.arange(0.0, recording.duration_s, _STEP_S)
    return t_s, recording.start_ns + (t_s * 1e9).astype(np.int64)


def _unsure_at(recording: Recording, times_ns: np.ndarray) -> np.ndarray:
    starts = [said.received_ns for said in recording.modes]
    unsure = np.array([False, *(said.reason.startswith('confidence') for said in recording.modes)])
    return unsure[np.searchsorted(starts, times_ns, side='right')]


def _duration(instants: np.ndarray) -> float:
    return round(float(np.count_nonzero(instants)) * _STEP_S, 3)


def _ms_until(recording: Recording, mode: Mode, since_ns: np.ndarray) -> float | None:
    """Return ms from `since_ns` (none or one stamp) to the first receipt of `mode` after it.

    `PARTIAL`, the teacher without the lost sense, counts where `STUDENT` is expected.
    """
    for said in recording.modes if len(since_ns) else ():
        noticed = said.text == mode.value or (
            mode is Mode.STUDENT and said.text == Mode.PARTIAL.value
        )
        if said.received_ns > since_ns[0] and noticed:
            return round((said.received_ns - int(since_ns[0])) / 1e6, 1)
    return None


def _mean(values: np.ndarray) -> float | None:
    return (
        round(float(np.nanmean(values)), 4) if values.size and np.isfinite(values).any() else None
    )


def _mean_sd(values: np.ndarray) -> float | None:
    return round(float(np.nanstd(values)), 4) if values.size else None
