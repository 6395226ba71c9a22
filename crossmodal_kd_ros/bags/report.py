# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page of a replay: its metrics as a `reports.run.Run`, beside its summary."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.bags.columns import EvenSample, TimeColumns
from crossmodal_kd_ros.bags.metrics import ModelMetrics, RunMetrics, Timed
from crossmodal_kd_ros.profile import HOLD, Mode
from crossmodal_kd_ros.reports import plots, write_page
from crossmodal_kd_ros.reports import run as runs
from crossmodal_kd_ros.reports.style import words
from crossmodal_kd_ros.runtime.config import RuntimeConfig


def write_replay_report(path: Path, metrics: RunMetrics, summary: Mapping[str, Any]) -> None:
    """Write the page of a replay.

    Args:
        path: the file to write.
        metrics: of the whole replay.
        summary: what `summary.json` says, but for what depends on this machine.
    """
    recording = summary['replays'][-1]['recording']
    write_page(
        path,
        'bags/report.html.j2',
        plots=plots,
        run=replay_run(metrics, summary),
        summary=summary,
        swap_cards=_cards(metrics.swap_cards, metrics),
        differences=_differences(recording['differences']) if recording else [],
    )


def replay_run(metrics: RunMetrics, summary: Mapping[str, Any]) -> runs.Run:
    """Return a replay as its page shows it; see `write_replay_report`."""
    profile, agreement = metrics.profile, metrics.models[-1].agreement
    timeouts_s = RuntimeConfig.of(profile).timeouts_s
    recording = summary['replays'][-1]['recording']
    return runs.Run(
        profile=profile,
        duration_s=metrics.activity.duration_s,
        gaps=_gaps(metrics.activity),
        time_label='seconds of the bag',
        activity={
            sensor: _column_spans(metrics.activity, [sensor], 0.0, gap_s=timeouts_s[sensor])
            for sensor in profile.sensors
        },
        outages=[
            runs.Outage(
                (fault['sensor'],),
                fault['start_s'],
                fault['end_s'],
                f'{fault["sensor"]}: {words(fault["kind"])}',
            )
            for fault in summary['faults']
        ],
        models=[
            _model_run(model, metrics, table, name)
            for model, table, name in zip(
                metrics.models,
                summary['replays'],
                ('old', 'new') if len(metrics.models) > 1 else ('',),
            )
        ],
        latency=agreement.latency if recording else runs.Histogram(),
        latency_ms=recording['live_latency_ms'] if recording else {'p50': None},
        latency_label='ms from the stamp of a picture to the receipt of its scores, while the bag '
        'was recorded',
    )


def _gaps(columns: TimeColumns) -> list[runs.Span]:
    """Return the stretches without anything that are longer than all that there is."""
    ends_s, starts_s = columns.seconds[:-1] + columns.width_s, columns.seconds[1:]
    is_gap = starts_s - ends_s > len(columns.seconds) * columns.width_s
    return [
        runs.Span(float(end_s), float(start_s))
        for end_s, start_s in zip(ends_s[is_gap], starts_s[is_gap])
    ]


def _model_run(
    model: ModelMetrics, metrics: RunMetrics, table: Mapping[str, Any], name: str
) -> runs.ModelRun:
    profile, columns = model.profile, model.columns
    offset_s = (columns.start_ns - metrics.activity.start_ns) / 1e9
    gap_s = profile.camera.timeout_s
    return runs.ModelRun(
        name=name,
        summary=table,
        modes=_column_spans(columns, list(Mode), offset_s, gap_s=gap_s, prefix='mode '),
        actions={
            'decision': _column_spans(
                columns, (*profile.actions, HOLD), offset_s, gap_s=gap_s, prefix='action '
            )
        },
        disagreements=_column_spans(columns, ['disagreed'], offset_s, gap_s=0.0),
        cards=_cards(model.cards, metrics),
        curves={name: _curves(columns, name, offset_s, gap_s) for name in profile.quantities},
        moments=[
            runs.GridMoment(title=f'{(now_ns - metrics.activity.start_ns) / 1e9:.1f} s', **moment)
            for now_ns, moment in model.grid_moments.chosen()
        ],
        known_label='measured',
    )


def _curves(
    columns: TimeColumns, quantity: str, offset_s: float, gap_s: float
) -> list[runs.Curve]:
    def means(kind: str, count: str) -> np.ndarray:
        return columns.means(f'{kind} {quantity}', count)

    t_s, gap_s = columns.seconds + offset_s, gap_s + columns.width_s
    measured = runs.with_gaps(t_s, means('measured', f'measurements {quantity}'), gap_s=gap_s)
    estimated = runs.with_gaps(
        t_s,
        means('estimated', 'frames'),
        means('lower', f'bounded {quantity}'),
        means('upper', f'bounded {quantity}'),
        gap_s=gap_s,
    )
    return [
        runs.Curve('measured, while healthy', True, *measured),
        runs.Curve('estimated from the picture', False, *estimated),
    ]


def _cards(cards: EvenSample[Timed], metrics: RunMetrics) -> list[runs.Card]:
    return [
        runs.Card(t_s=(now_ns - metrics.activity.start_ns) / 1e9, **card)
        for now_ns, card in cards.chosen()
    ]


def _differences(differences: Sequence[Mapping[str, Any]]) -> list[tuple]:
    """Return (seconds, live, here, why) of each run of differences of one kind.

    The figures of a reason change with every picture: a run has the reason of its first.
    """
    rows = []
    for (live, here, _), run in groupby(
        differences, key=lambda one: (one['live'], one['replay'], one['kind'])
    ):
        seconds, reasons = zip(*((one['t_s'], one['why']) for one in run))
        of_first = 'of the first picture: ' if len(set(reasons)) > 1 else ''
        rows.append((seconds, live, here, of_first + reasons[0]))
    return rows


def _column_spans(
    columns: TimeColumns, names: Sequence[str], offset_s: float, *, gap_s: float, prefix: str = ''
) -> list[runs.Span]:
    """Return which of `names` most of each stretch had, as spans; blank where it had none."""
    counts = np.array([columns.sums(f'{prefix}{name}') for name in names])
    rows = np.flatnonzero(counts.sum(0) > 0)
    return runs.spans(
        columns.seconds[rows] + offset_s,
        [str(names[index]) for index in counts[:, rows].argmax(0)],
        length_s=columns.width_s,
        gap_s=gap_s + 1.001 * columns.width_s,  # for rounding
    )
