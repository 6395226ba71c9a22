# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The numbers that judge a run: pure functions of a `Recording` and its `Scenario`."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossmodal_kd_ros.demo.recording import TRUTH_FIELDS, Recording, Series, Text
from crossmodal_kd_ros.profile import CAMERA, HOLD, Mode
from crossmodal_kd_ros.runtime import Reason, ReasonCode, say
from crossmodal_kd_ros.runtime.config import RuntimeConfig
from crossmodal_kd_ros.simulation import RATES_HZ, Fault, FaultSchedule
from crossmodal_kd_ros.simulation.panel import PROFILE

_TRUE_ACTION = TRUTH_FIELDS.index('action')
_TRUE_QUANTITIES = [TRUTH_FIELDS.index(name) for name in PROFILE.quantities]
# A topic carries the reason in words alone: this is how that of an unsure node begins.
_UNSURE = say(Reason(code=ReasonCode.LOW_CONFIDENCE, value=0.0, limit=0.0)).partition(' ')[0]
_STEP_S = 1e-3
_TWO_FRAMES_S = 2.0 / RATES_HZ[CAMERA]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What was run, and so what the node should have done when.

    Attributes:
        config: the node's own: how old a reading may be, how long a sensor must be good again.
        sensors: those that exist in this run.
        schedule: which of them fails when.
    """

    config: RuntimeConfig
    sensors: tuple[str, ...] = PROFILE.sensors
    schedule: FaultSchedule = FaultSchedule()

    def failover_limit_s(self, sensor: str) -> float:
        """Return how long the new mode may take after the last good message, s.

        That is the sensor's timeout, and two frames to act.
        """
        return self.config.timeouts_s[sensor] + _TWO_FRAMES_S

    def recovery_limit_s(self, sensor: str) -> float:
        """Return how long the old mode may take after an outage, s; it needs a second message."""
        return self.config.recovery_s + 1.0 / RATES_HZ[sensor] + _TWO_FRAMES_S

    def expected_modes(self, t_s: float) -> tuple[Mode, ...]:
        """Return the modes in which a node that notices everything at once may be at `t_s`.

        Where some senses are lost, a teacher without them may have been measured to be better than
        the student; with the camera alone it is the student.
        """
        usable = [
            sensor
            for sensor in PROFILE.sensors
            if sensor in self.sensors and self.schedule.active(sensor, t_s) is None
        ]
        if CAMERA not in usable:
            return (Mode.HOLD,)
        if len(usable) == len(PROFILE.sensors):
            return (Mode.TEACHER,)
        return (Mode.STUDENT,) if usable == [CAMERA] else (Mode.STUDENT, Mode.PARTIAL)


def summarise(recording: Recording, scenario: Scenario) -> dict[str, Any]:
    """Return the figures of `summary.json` that follow from a run; `None` where there is none."""
    published = published_stamps(recording, scenario)
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
                'mode': mode.text,
                'start_s': round(float(recording.seconds(mode.received_ns)), 3),
                'reason': mode.reason,
            }
            for mode in mode_changes(recording)
        ],
        **failovers(recording, scenario),
        'unplanned_gaps': unplanned_gaps(recording, scenario),
        'wrong_mode_s': wrong_mode_s(recording, scenario),
        'unsure_s': unsure_s(recording),
        'latency_ms': latency_ms(recording.scores),
        'accuracy': accuracy(recording),
        'estimates': estimate_errors(recording),
    }


def published_stamps(recording: Recording, scenario: Scenario) -> np.ndarray:
    """Return the stamps of the images that were published.

    The simulator publishes the truth with every frame, on a reliable topic, also while the camera
    is dead: the frames outside its outages were published, whether or not anybody received them.
    Elsewhere it is what the observer received or the node answered.
    """
    if not len(recording.truth):
        return np.union1d(recording.camera.stamp_ns, recording.scores.stamp_ns)
    stamps = np.unique(recording.truth.stamp_ns)
    alive = [scenario.schedule.active(CAMERA, t_s) is None for t_s in recording.seconds(stamps)]
    return stamps[np.array(alive, bool)]


def mode_changes(recording: Recording) -> list[Text]:
    """Return the modes without repetitions."""
    changes: list[Text] = []
    for mode in recording.modes:
        if not changes or changes[-1].text != mode.text:
            changes.append(mode)
    return changes


def mode_at(recording: Recording, times_ns: np.ndarray) -> np.ndarray:
    """Return the mode in force at each time, as text; empty before the first was received."""
    starts = [mode.received_ns for mode in recording.modes]
    names = np.array(['', *(mode.text for mode in recording.modes)])
    return names[np.searchsorted(starts, times_ns, side='right')]


def failovers(recording: Recording, scenario: Scenario) -> dict[str, dict[str, float | None]]:
    """Return how long each change of mode took and may take, by outage.

    Keys are `failover_ms`, `recovery_ms`, and a limit for each; in them `touch`, `touch_and_gas`
    for what dies together, and `touch_2` for a second time. A failover lasts from the stamp of the
    last message before the outage to the receipt of an expected mode; a recovery from the stamp of
    the first message after it. Of several sensors the one counts that has the longest limit.
    `None`: that mode never came.
    """
    names = ('failover_ms', 'failover_limit_ms', 'recovery_ms', 'recovery_limit_ms')
    result: dict[str, dict[str, float | None]] = {name: {} for name in names}
    counts: Counter[str] = Counter()
    for outage in scenario.schedule.outages:
        start_s, end_s = outage[0].start_s, outage[0].end_s
        if end_s > recording.duration_s:
            continue  # the run ended first
        name = '_and_'.join(fault.sensor for fault in outage)
        counts[name] += 1
        key = name if counts[name] == 1 else f'{name}_{counts[name]}'
        for kind, at_s, limit_s, edge in (
            ('failover', start_s, scenario.failover_limit_s, _last_before),
            ('recovery', end_s, scenario.recovery_limit_s, _first_after),
        ):
            slowest = max(outage, key=lambda fault: limit_s(fault.sensor))
            since_ns = edge(recording, slowest)
            modes = scenario.expected_modes(at_s)
            result[f'{kind}_ms'][key] = _ms_until(recording, modes, since_ns)
            result[f'{kind}_limit_ms'][key] = round(1e3 * limit_s(slowest.sensor), 1)
    return result


def unplanned_gaps(recording: Recording, scenario: Scenario) -> list[dict[str, Any]]:
    """Return each time a sensor's newest message grew older than its timeout without a fault.

    Reasons are a busy machine or a loose plug. Each is `sensor`, `start_s` (stamp of the last
    message) and `length_s` (until the next was received, or the run ended). Those of one sensor
    that overlap, as where many messages in a row are late, are one.
    """
    gaps = []
    for sensor in scenario.sensors:
        # The truth comes with each picture, and none of it is lost on the way to the observer.
        series = (
            recording.truth
            if sensor == CAMERA and len(recording.truth)
            else recording.of_sensor(sensor)
        )
        stamps_s = recording.seconds(series.stamp_ns)
        ends_s = recording.seconds(np.append(series.received_ns[1:], recording.end_ns))
        spans_s: list[list[float]] = []
        for start_s, end_s in sorted(zip(stamps_s.tolist(), ends_s.tolist())):
            planned = any(
                fault.sensor == sensor and start_s < fault.end_s and fault.start_s < end_s
                for fault in scenario.schedule.faults
            )
            if end_s - start_s <= scenario.config.timeouts_s[sensor] or planned:
                continue
            if spans_s and start_s <= spans_s[-1][1]:
                spans_s[-1][1] = max(spans_s[-1][1], end_s)
            else:
                spans_s.append([start_s, end_s])
        gaps += [
            {'sensor': sensor, 'start_s': round(start_s, 3), 'length_s': round(end_s - start_s, 3)}
            for start_s, end_s in spans_s
        ]
    return gaps


def wrong_mode_s(recording: Recording, scenario: Scenario) -> float | None:
    """Return for how long the node was in a wrong mode, outside the time it may take to notice, s.

    It may take `failover_limit_s` from the last good message on, `recovery_limit_s` from the end
    of an outage on, and the longest of the latter after the first frame. Around an unplanned gap
    any mode is right, and so is a hold because the node is unsure: `unplanned_gaps` and `unsure_s`
    count these. `None`: there is no mode to judge.
    """
    if not recording.modes or recording.duration_s <= 0.0:
        return None
    t_s, times_ns = _instants(recording)
    excused = t_s < max(scenario.recovery_limit_s(sensor) for sensor in scenario.sensors)
    for fault in scenario.schedule.faults:
        last_ns = _last_before(recording, fault)
        last_good_s = fault.start_s if last_ns is None else recording.seconds(last_ns)
        noticed_s = last_good_s + scenario.failover_limit_s(fault.sensor)
        recovered_s = fault.end_s + scenario.recovery_limit_s(fault.sensor)
        excused |= (t_s >= fault.start_s) & (t_s < noticed_s)
        excused |= (t_s >= fault.end_s) & (t_s < recovered_s)
    for gap in unplanned_gaps(recording, scenario):
        end_s = gap['start_s'] + gap['length_s'] + scenario.recovery_limit_s(gap['sensor'])
        excused |= (t_s >= gap['start_s']) & (t_s < end_s)
    modes = mode_at(recording, times_ns)
    right = np.array([mode in scenario.expected_modes(t) for mode, t in zip(modes, t_s)])
    return _duration(~right & ~excused & ~_unsure_at(recording, times_ns))


def unsure_s(recording: Recording) -> float:
    """Return for how long the node held because its confidence was under its limit, s."""
    return _duration(_unsure_at(recording, _instants(recording)[1]))


def latency_ms(scores: Series) -> dict[str, float | None]:
    """Return percentiles of the time from an image's stamp to the receipt of its scores, ms."""
    if not len(scores):
        return {'p50': None, 'p99': None, 'max': None}
    ages = ages_ms(scores)
    return {
        'p50': round(float(np.percentile(ages, 50)), 2),
        'p99': round(float(np.percentile(ages, 99)), 2),
        'max': round(float(ages.max()), 2),
    }


def ages_ms(scores: Series) -> np.ndarray:
    """Return the time from each image's stamp to the receipt of its scores by the observer, ms."""
    return (scores.received_ns - scores.stamp_ns) / 1e6


def published_actions(recording: Recording) -> np.ndarray:
    """Return the action of each row of `scores`, as text: the first received from then on."""
    if not recording.actions:
        return np.full(len(recording.scores), '')
    times = np.array([action.received_ns for action in recording.actions])
    names = np.array([action.text for action in recording.actions])
    return names[np.searchsorted(times, recording.scores.received_ns).clip(max=len(times) - 1)]


def expert_actions(recording: Recording, rows: np.ndarray | slice) -> np.ndarray:
    """Return what the expert does in some rows of `truth`, as text."""
    return np.array(PROFILE.actions)[recording.truth.values[rows, _TRUE_ACTION].astype(int)]


def accuracy(recording: Recording) -> dict[str, dict[str, Any]] | None:
    """Return by mode how often the published action was the expert's.

    `frames`, `correct`, `held` are counts. `fraction` is over the frames on which an action was
    decided, and `None` in `HOLD`; those on which the node held still count as `held`. `None`:
    there is no expert.
    """
    if not len(recording.truth):
        return None
    truth_rows, rows = recording.truth.match(recording.scores)
    expert = expert_actions(recording, truth_rows)
    action = published_actions(recording)[rows]
    mode_names = mode_at(recording, recording.scores.received_ns[rows])
    result = {}
    for mode in Mode:
        in_mode = mode_names == mode.value
        frames = int(np.count_nonzero(in_mode))
        if not frames:
            continue
        held = int(np.count_nonzero(action[in_mode] == HOLD))
        correct = int(np.count_nonzero(action[in_mode] == expert[in_mode]))
        decides = frames > held and mode is not Mode.HOLD
        result[mode.value] = {
            'frames': frames,
            'correct': correct,
            'held': held,
            'fraction': round(correct / (frames - held), 4) if decides else None,
        }
    return result


def estimate_errors(recording: Recording) -> dict[str, dict[str, Any]] | None:
    """Return mean absolute errors of what was published, beside the spread of the truth.

    Of the quantities in each mode; and of the student's estimates of grids, in every mode, by
    channel as `student_<channel>`. `None`: nobody knows the truth.
    """
    if not len(recording.truth):
        return None
    truth_rows, rows = recording.truth.match(recording.quantities)
    truth = recording.truth.values[truth_rows][:, _TRUE_QUANTITIES]
    errors = np.abs(recording.quantities.values[rows] - truth)
    mode_names = mode_at(recording, recording.quantities.received_ns[rows])
    result: dict[str, dict[str, Any]] = {}
    for column, quantity in enumerate(PROFILE.quantities.values()):
        by_mode = {
            mode.value: _mean(errors[mode_names == mode.value, column])
            for mode in Mode
            if mode.value in mode_names
        }
        result[quantity.name] = {
            'unit': quantity.unit,
            'mean_absolute_error': by_mode,
            'truth_sd': _mean_sd(truth[:, column]),
        }
    for name, grid_truth in recording.grid_truths.items():
        sense, estimates = PROFILE.senses[name], recording.estimates[name]
        truth_rows, rows = grid_truth.match(estimates)
        true, estimated = grid_truth.values[truth_rows], estimates.values[rows]
        for channel in sense.channels:
            elements = sense.elements_of(channel.name)
            result[f'student_{channel.name}'] = {
                'unit': channel.unit,
                'mean_absolute_error': _mean(np.abs(estimated[:, elements] - true[:, elements])),
                'truth_sd': _mean_sd(true[:, elements]),
            }
    return result


def _last_before(recording: Recording, fault: Fault) -> int | None:
    """Return the stamp of the failed sensor's last message before its outage, if any."""
    stamps = recording.of_sensor(fault.sensor).stamp_ns
    return max(stamps[stamps < _middle_ns(recording, fault)].tolist(), default=None)


def _first_after(recording: Recording, fault: Fault) -> int | None:
    """Return the stamp of the failed sensor's first message after its outage, if any."""
    stamps = recording.of_sensor(fault.sensor).stamp_ns
    return min(stamps[stamps > _middle_ns(recording, fault)].tolist(), default=None)


def _middle_ns(recording: Recording, fault: Fault) -> int:
    return recording.start_ns + int(0.5e9 * (fault.start_s + fault.end_s))


def _instants(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Return every millisecond of the run, in seconds since its start and in ns since 1970."""
    t_s = np.arange(0.0, recording.duration_s, _STEP_S)
    return t_s, recording.start_ns + (t_s * 1e9).astype(np.int64)


def _unsure_at(recording: Recording, times_ns: np.ndarray) -> np.ndarray:
    starts = [mode.received_ns for mode in recording.modes]
    unsure = np.array([False, *(mode.reason.startswith(_UNSURE) for mode in recording.modes)])
    return unsure[np.searchsorted(starts, times_ns, side='right')]


def _duration(instants: np.ndarray) -> float:
    return round(float(np.count_nonzero(instants)) * _STEP_S, 3)


def _ms_until(recording: Recording, modes: Collection[Mode], since_ns: int | None) -> float | None:
    """Return ms from `since_ns` to the first receipt of one of `modes` after it."""
    for published in recording.modes if since_ns is not None else ():
        if published.received_ns > since_ns and published.text in modes:
            return round((published.received_ns - since_ns) / 1e6, 1)
    return None


def _mean(values: np.ndarray) -> float | None:
    return (
        round(float(np.nanmean(values)), 4) if values.size and np.isfinite(values).any() else None
    )


def _mean_sd(values: np.ndarray) -> float | None:
    return round(float(np.nanstd(values)), 4) if np.isfinite(values).any() else None
