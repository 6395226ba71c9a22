# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a calibration says, as tables for a terminal."""

from rich.table import Table

from crossmodal_kd_ros.calibration.model import Calibration

# Nothing was measured by which a quantity could be wrong.
_NO_BOUNDS = 'no bounds: too few labels say what it was'


def tables(calibration: Calibration) -> list[Table]:
    """Return tables of who decides with which sensors, of intervals and of strange pictures."""
    source = 'simulated' if calibration.origin['simulated'] else 'recorded'
    who = _table(
        f'who decides with which healthy sensors ({source} calibration pairs)',
        ('sensors', 'mode', 'accuracy', 'confidence limit', 'held', 'right when decided'),
    )
    for name, by_mode in calibration.predictors.items():
        best = calibration.best_mode(tuple(name.split('+')))
        for mode, predictor in by_mode.items():
            who.add_row(
                name,
                f'{mode}{" (chosen)" if mode is best else ""}',
                f'{predictor.accuracy:.1%}',
                f'{predictor.min_confidence:.2f}',
                f'{predictor.held:.1%}',
                f'{predictor.decided:.1%}',
            )
    covered = _table(
        f'90 % intervals on test pairs ({source})',
        ('quantity', 'from', 'covered', 'by day', 'by night', 'mean width'),
    )
    for row in calibration.origin['coverage_on_test']:
        covered.add_row(
            row['quantity'],
            row['source'],
            *(_percent(row[part]) for part in ('covered', 'day', 'night')),
            _NO_BOUNDS if row['mean_width'] is None else f'{row["mean_width"]:.3g} {row["unit"]}',
        )
    strange = _table(
        f'pictures unlike anything in training (made of {source} ones)',
        ('pictures', 'AUROC against familiar ones', 'beyond the limits'),
    )
    for row in calibration.origin['out_of_distribution_on_test']:
        auroc = '' if row['auroc'] is None else f'{row["auroc"]:.4f}'
        strange.add_row(row['pictures'], auroc, _percent(row['beyond_limits']))
    return [who, covered, strange]


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify='left')
    for name in columns:
        table.add_column(name)
    return table


def _percent(share: float | None) -> str:
    return '' if share is None else f'{share:.1%}'
