# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page a stranger opens after a run: one file, with every picture inside."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.contract import ACTIONS, HOLD, INDENTATION, square_view
from crossmodal_kd_ros.demo import figures
from crossmodal_kd_ros.demo.recording import TRUTH_NAMES, Recording, read_pictures
from crossmodal_kd_ros.demo.summary import Setting, decided, mode_at
from crossmodal_kd_ros.reports import thumbnail, write_page

_CARDS = 8


@dataclass(frozen=True, kw_only=True)
class Card:
    """One frame with its decision; `picture` is empty while the camera is dead, `expert` where nobody knows better."""

    t_s: float
    mode: str
    picture: str
    action: str = HOLD
    confidence: float | None = None
    expert: str = ''
    expert_reason: str = ''
    description: str = ''


def write_report(
    path: Path, *, bag: Path, recording: Recording, setting: Setting, summary: dict[str, Any]
) -> None:
    """Write `report.html` of one run.

    Args:
        path: the file to write.
        bag: the recording, for its pictures.
        recording: the same, as arrays.
        setting: what was run.
        summary: what `summary.json` says, complete.
    """
    write_page(
        path,
        'demo/report.html.j2',
        summary=summary,
        cards=cards(recording, setting, bag),
        timeline=figures.timeline(recording, setting),
        estimates=figures.estimates(recording, setting),
        touch=_touch(recording, setting, bag),
        latency=figures.latency(recording),
    )


def cards(recording: Recording, setting: Setting, bag: Path) -> list[Card]:
    """Return evenly spaced frames: not picked by hand, so good and bad ones come as they are."""
    times_s = (np.arange(_CARDS) + 0.5) / _CARDS * recording.duration_s
    answered_s = recording.seconds(recording.scores.stamp_ns)
    dead = [
        setting.schedule.active('camera', t_s) is not None or not len(answered_s)
        for t_s in times_s
    ]
    rows = [
        0 if gone else int(np.abs(answered_s - t_s).argmin()) for gone, t_s in zip(dead, times_s)
    ]
    stamps = [0 if gone else int(recording.scores.stamp_ns[row]) for gone, row in zip(dead, rows)]
    pictures = read_pictures(bag, stamps)
    actions, modes = decided(recording), mode_at(recording, recording.scores.received_ns)
    result = []
    for t_s, gone, row, stamp in zip(times_s, dead, rows, stamps):
        if gone:
            mode = str(mode_at(recording, np.array([recording.start_ns + int(t_s * 1e9)]))[0])
            result.append(Card(t_s=float(t_s), mode=mode, picture=''))
        else:
            result.append(
                Card(
                    t_s=float(answered_s[row]),
                    mode=str(modes[row]),
                    picture=thumbnail(pictures[stamp]) if stamp in pictures else '',
                    action=str(actions[row]),
                    confidence=float(recording.scores.values[row].max()),
                    **_expert(recording, stamp),
                )
            )
    return result


def _expert(recording: Recording, stamp_ns: int) -> dict[str, str]:
    """Return what the expert said of the frame with `stamp_ns`; nothing where there is no expert."""
    found = np.flatnonzero(recording.truth.stamp_ns == stamp_ns)
    if not len(found):
        return {}
    told = {'expert': ACTIONS[int(recording.truth.values[found[0], TRUTH_NAMES.index('action')])]}
    # The texts have no stamp: one goes with each truth, over a topic that loses none.
    if len(recording.experts) == len(recording.truth):
        text = recording.experts[found[0]]
        told |= {'expert_reason': text['reason'], 'description': text['description']}
    return told


def _touch(recording: Recording, setting: Setting, bag: Path) -> str:
    """Draw touch at the moment with most crack under the pad in each phase; without truth, at four even moments."""
    guess = recording.touch_estimate
    if not len(guess):
        return ''
    known = len(recording.touch_truth) > 0
    truth_rows, rows = (
        recording.touch_truth.find(guess.stamp_ns) if known else (None, np.arange(len(guess)))
    )
    seconds = recording.seconds(guess.stamp_ns[rows])
    if known:
        truth = recording.touch_truth.values[truth_rows]
        chosen, titles = [], []
        for start_s, end_s, name in _phases(setting, recording.duration_s):
            inside = np.flatnonzero((seconds >= start_s) & (seconds < end_s))
            if len(inside):
                chosen.append(int(inside[truth[inside, INDENTATION].sum(-1).argmax()]))
                titles.append(f'{seconds[chosen[-1]]:.1f} s\n{name}')
    else:
        chosen = np.linspace(0, len(rows) - 1, 6).astype(int)[1:-1].tolist()
        titles = [f'{seconds[row]:.1f} s' for row in chosen]
    stamps = guess.stamp_ns[rows[chosen]]
    pictures = read_pictures(bag, stamps)
    views = [
        square_view(pictures[stamp]) if stamp in pictures else None for stamp in stamps.tolist()
    ]
    return figures.touch_maps(
        views, truth[chosen] if known else None, guess.values[rows[chosen]], titles
    )


def _phases(setting: Setting, duration_s: float) -> list[tuple[float, float, str]]:
    """Return the stretches worth a look: before anything failed, and each outage that leaves the camera alive."""
    faults = [fault for fault in setting.schedule.faults if fault.sensor != 'camera']
    first = min((fault.start_s for fault in setting.schedule.faults), default=duration_s)
    return [(0.0, first, 'all is healthy')] + [
        (f.start_s, f.end_s, f'{f.sensor} is dead') for f in faults
    ]
