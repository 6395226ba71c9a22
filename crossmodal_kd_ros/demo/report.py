# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page of a live run: its recording as a `reports.run.Run`, beside its summary."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.demo.recording import TRUTH_FIELDS, Recording, read_pictures
from crossmodal_kd_ros.demo.summary import (
    Scenario,
    ages_ms,
    expert_actions,
    mode_at,
    mode_changes,
    published_actions,
)
from crossmodal_kd_ros.profile import CAMERA, HOLD, square_view
from crossmodal_kd_ros.reports import plots, thumbnail, write_page
from crossmodal_kd_ros.reports import run as runs
from crossmodal_kd_ros.reports.style import words
from crossmodal_kd_ros.simulation import RATES_HZ, Fault
from crossmodal_kd_ros.simulation.panel import PROFILE

_CARDS = 8
_PERIOD_S = 1.0 / RATES_HZ[CAMERA]
_GAP_S = PROFILE.camera.timeout_s


def write_live_report(
    path: Path, *, bag: Path, recording: Recording, scenario: Scenario, summary: Mapping[str, Any]
) -> None:
    """Write the page of a live run.

    Args:
        path: the file to write.
        bag: the recording, for its pictures.
        recording: the same, as arrays.
        scenario: what was run.
        summary: what `summary.json` says, complete.
    """
    run = live_run(bag, recording, scenario, summary)
    write_page(path, 'demo/report.html.j2', plots=plots, run=run, summary=summary)


def live_run(
    bag: Path, recording: Recording, scenario: Scenario, summary: Mapping[str, Any]
) -> runs.Run:
    """Return a live run as its page shows it; see `write_live_report`."""
    end_s = recording.duration_s
    decided_s = recording.seconds([action.received_ns for action in recording.actions])
    decided = [action.text for action in recording.actions]
    actions = {'decision': runs.spans(decided_s, decided, length_s=_PERIOD_S, gap_s=_GAP_S)}
    if len(recording.truth):
        truth_s = recording.seconds(recording.truth.stamp_ns)
        expert = expert_actions(recording, slice(None))
        actions['expert'] = runs.spans(truth_s, expert, length_s=_PERIOD_S, gap_s=_GAP_S)
    model = runs.ModelRun(
        summary=summary,
        modes=_modes(recording),
        actions=actions,
        cards=cards(bag, recording, scenario),
        curves={name: _curves(recording, name) for name in PROFILE.quantities},
        moments=_moments(bag, recording, scenario),
        known_label='true',
    )
    return runs.Run(
        profile=PROFILE,
        duration_s=end_s,
        time_label='seconds since the first frame',
        activity={sensor: _activity(recording, scenario, sensor) for sensor in PROFILE.sensors},
        outages=[
            runs.Outage(
                tuple(fault.sensor for fault in outage),
                outage[0].start_s,
                min(outage[0].end_s, end_s),
                _dead(outage),
            )
            for outage in scenario.schedule.outages
            if outage[0].start_s < end_s
        ],
        models=[model],
        latency=runs.Histogram(ages_ms(recording.scores)),
        latency_ms=summary['latency_ms'],
        latency_label='ms from the stamp of a picture to the receipt of its scores, in another '
        'process',
    )


def cards(bag: Path, recording: Recording, scenario: Scenario) -> list[runs.Card]:
    """Return evenly spaced frames: not picked by hand, so good and bad ones come as they are."""
    times_s = (np.arange(_CARDS) + 0.5) / _CARDS * recording.duration_s
    answered_s = recording.seconds(recording.scores.stamp_ns)
    # A frame that is further away belongs to another card.
    reach_s = 0.5 / _CARDS * recording.duration_s
    rows = [
        None
        if scenario.schedule.active(CAMERA, t_s)
        or np.abs(answered_s - t_s).min(initial=np.inf) > reach_s
        else int(np.abs(answered_s - t_s).argmin())
        for t_s in times_s
    ]
    stamps = {row: int(recording.scores.stamp_ns[row]) for row in rows if row is not None}
    pictures = read_pictures(bag, stamps.values())
    actions = published_actions(recording)
    modes = mode_at(recording, recording.scores.received_ns)
    result = []
    for t_s, row in zip(times_s, rows):
        if row is None:
            fault = scenario.schedule.active(CAMERA, t_s)
            mode, action = _published_since(recording, fault.start_s if fault else 0.0, t_s)
            card = runs.Card(
                t_s=float(t_s),
                picture='',
                no_picture='no picture: the camera is dead' if fault else 'no picture answered',
                mode=mode,
                choices=[runs.Choice(action=action)] if action else [],
                notes=[] if action else ['no answer'],
            )
        else:
            picture = pictures.get(stamps[row])
            action, (expert, notes) = str(actions[row]), _expert(recording, stamps[row])
            card = runs.Card(
                t_s=float(answered_s[row]),
                picture='' if picture is None else thumbnail(picture),
                no_picture='picture not recorded',
                mode=str(modes[row]),
                choices=[
                    runs.Choice(
                        action=action,
                        confidence=float(recording.scores.values[row].max()),
                        right=action == expert if expert and action != HOLD else None,
                    )
                ],
                notes=notes,
            )
        result.append(card)
    return result


def _published_since(recording: Recording, start_s: float, t_s: float) -> tuple[str, str]:
    """Return the mode at `t_s`, and the last action since `start_s` and that mode, if any."""
    now_ns = recording.start_ns + int(t_s * 1e9)
    modes = [mode for mode in mode_changes(recording) if mode.received_ns <= now_ns]
    since_ns = recording.start_ns + int(start_s * 1e9)
    if modes:
        since_ns = max(since_ns, modes[-1].received_ns)
    actions = [one.text for one in recording.actions if since_ns <= one.received_ns <= now_ns]
    return modes[-1].text if modes else '', actions[-1] if actions else ''


def _activity(recording: Recording, scenario: Scenario, sensor: str) -> list[runs.Span]:
    stamps_s = np.sort(recording.seconds(recording.of_sensor(sensor).stamp_ns))
    return runs.spans(
        stamps_s,
        [''] * len(stamps_s),
        length_s=1.0 / RATES_HZ[sensor],
        gap_s=scenario.config.timeouts_s[sensor],
    )


def _modes(recording: Recording) -> list[runs.Span]:
    changes = mode_changes(recording)
    starts_s = [
        float(np.clip(recording.seconds(mode.received_ns), 0.0, recording.duration_s))
        for mode in changes
    ]
    ends_s = [*starts_s[1:], recording.duration_s]
    return [
        runs.Span(start_s, end_s, mode.text)
        for mode, start_s, end_s in zip(changes, starts_s, ends_s)
        if end_s > start_s
    ]


def _curves(recording: Recording, name: str) -> list[runs.Curve]:
    curves = []
    if len(recording.truth):
        t_s = recording.seconds(recording.truth.stamp_ns)
        values = recording.truth.values[:, TRUTH_FIELDS.index(name)]
        curves.append(runs.Curve('true', True, t_s, values))
    column = list(PROFILE.quantities).index(name)
    published = runs.with_gaps(
        recording.seconds(recording.quantities.stamp_ns),
        *(
            series.values[:, column]
            for series in (recording.quantities, recording.lower, recording.upper)
        ),
        gap_s=_GAP_S,
    )
    return [*curves, runs.Curve('published', False, *published)]


def _expert(recording: Recording, stamp_ns: int) -> tuple[str, list[str]]:
    """Return what the expert does about a frame, and what it says; empty without an expert."""
    rows = np.flatnonzero(recording.truth.stamp_ns == stamp_ns)
    if not len(rows):
        return '', []
    action = str(expert_actions(recording, rows)[0])
    # The texts have no stamp: one goes with each truth, over a topic that loses none.
    if len(recording.experts) != len(recording.truth):
        return action, [f'expert: {words(action)}']
    expert = recording.experts[rows[0]]
    return action, [f'expert: {words(action)} ({expert["reason"]})', expert['description']]


def _moments(bag: Path, recording: Recording, scenario: Scenario) -> list[runs.GridMoment]:
    """Return the moment with most crack under the pad in each phase; without truth, even ones."""
    estimates, truth = recording.estimates['touch'], recording.grid_truths['touch']
    if not len(estimates):
        return []
    if len(truth):
        truth_rows, rows = truth.match(estimates)
        true = truth.values[truth_rows]
        depth = true[:, PROFILE.senses['touch'].elements_of('indentation')].sum(-1)
        seconds = recording.seconds(estimates.stamp_ns[rows])
        chosen, names = [], []
        for start_s, end_s, name in _phases(scenario, recording.duration_s):
            inside = np.flatnonzero((seconds >= start_s) & (seconds < end_s))
            if len(inside):
                chosen.append(int(inside[depth[inside].argmax()]))
                names.append(f'\n{name}')
        rows, known = rows[chosen], [{'touch': reading} for reading in true[chosen]]
    else:
        rows = np.linspace(0, len(estimates) - 1, 6).astype(int)[1:-1]
        names, known = [''] * len(rows), [{}] * len(rows)
    pictures = read_pictures(bag, estimates.stamp_ns[rows])
    moments = []
    for row, name, known_readings in zip(rows, names, known):
        picture = pictures.get(int(estimates.stamp_ns[row]))
        view = None if picture is None else square_view(picture, size_px=PROFILE.camera.view_px)
        moments.append(
            runs.GridMoment(
                title=f'{recording.seconds(estimates.stamp_ns[row]):.1f} s{name}',
                view=view,
                estimates={'touch': estimates.values[row]},
                known=known_readings,
            )
        )
    return moments


def _phases(scenario: Scenario, duration_s: float) -> list[tuple[float, float, str]]:
    """Return when nothing had failed yet, and each outage that leaves the camera alive."""
    outages = scenario.schedule.outages
    first_s = outages[0][0].start_s if outages else duration_s
    return [(0.0, first_s, 'all is healthy')] + [
        (outage[0].start_s, outage[0].end_s, _dead(outage))
        for outage in outages
        if all(fault.sensor != CAMERA for fault in outage)
    ]


def _dead(outage: Sequence[Fault]) -> str:
    names = ' and '.join(fault.sensor for fault in outage)
    return f'{names} {"is" if len(outage) == 1 else "are"} dead'
