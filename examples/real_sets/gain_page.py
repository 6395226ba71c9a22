# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Predicted and measured gains as JSON, and as a section of `real_data.md`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sets_page import cell_text, write_section

# What calls a sign, and by which number of a prediction.
CALLS = {'gain': 'the probes', 'surplus': 'the rule of shared information'}


def summarise_gains(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return error and signs of the predictions, of all cells and by set.

    Signs are compared where the measured interval is clear of zero; a row may have none. `always`
    is how often a prediction that it always pays is right there.
    """
    sets = {'all': list(rows)}
    for row in rows:
        sets.setdefault(row['set'], []).append(row)
    return {name: _summary(some) for name, some in sets.items()}


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    predicted = np.array([row['predicted']['gain']['mean'] for row in rows])
    measured = np.array([row['measured']['mean'] for row in rows])
    intervals = [row['measured']['interval'] for row in rows]
    clear = np.array([each is not None and (each[0] > 0 or each[1] < 0) for each in intervals])
    signs = np.sign(measured[clear])
    calls = {}
    for key in CALLS:
        said = np.sign([row['predicted'][key]['mean'] for row in rows])
        sure = np.array(
            [row['predicted'][key]['low'] > 0 or row['predicted'][key]['high'] < 0 for row in rows]
        )
        calls[key] = {
            'right': int((said[clear] == signs).sum()),
            'sure': int(sure.sum()),
            'sure_and_right': int((said == np.sign(measured))[sure].sum()),
        }
    return {
        'cells': len(rows),
        'mean_error': round(float((predicted - measured).mean()), 4),
        'mean_absolute_error': round(float(np.abs(predicted - measured).mean()), 4),
        'mean_absolute_gain': round(float(np.abs(measured).mean()), 4),
        'rank_correlation': {
            key: _rank_correlation([row['predicted'][key]['mean'] for row in rows], measured)
            for key in CALLS
        },
        'clear': int(clear.sum()),
        'always': int((signs > 0.0).sum()),
        'calls': calls,
    }


def _rank_correlation(some: Sequence[float], others: Sequence[float]) -> float | None:
    """Return Spearman's, ties at their mean rank; None where one does not vary."""
    ranks = [_ranks(np.asarray(each)) for each in (some, others)]
    if len(some) < 3 or min(np.ptp(each) for each in ranks) == 0.0:
        return None
    return round(float(np.corrcoef(*ranks)[0, 1]), 3)


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.array([((values < each).sum() + (values <= each).sum()) / 2 for each in values])


def write_gains(docs: Path, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Write `gain.json`, and its section of `real_data.md` between its marks."""
    figures = {'summary': summarise_gains(rows), 'cells': list(rows)}
    write_section(docs, 'gain', figures, _section(figures))
    return figures


def _section(figures: dict[str, Any]) -> str:
    lines = []
    for name, each in figures['summary'].items():
        calls, rank = each['calls'], each['rank_correlation']
        lines.append(
            f'| {name} | {each["cells"]} | {each["mean_absolute_error"]:.3f} | '
            f'{each["mean_absolute_gain"]:.3f} | {each["mean_error"]:+.3f} | '
            f'{_number(rank["gain"])} / {_number(rank["surplus"])} | '
            f'{calls["gain"]["right"]} / {calls["surplus"]["right"]} / {each["always"]} of '
            f'{each["clear"]} | {calls["gain"]["sure_and_right"]} of {calls["gain"]["sure"]} / '
            f'{calls["surplus"]["sure_and_right"]} of {calls["surplus"]["sure"]} |'
        )
    cells = [
        f'| {row["cell"]} | {_estimate(row["predicted"]["gain"])} | '
        f'{_estimate(row["predicted"]["surplus"])} | {cell_text(row["measured"])} |'
        for row in figures['cells']
    ]
    wall = _WALL if 'wall' in figures['summary'] else _NO_WALL
    introduction = _INTRODUCTION.format(wall=wall)
    return '\n'.join([introduction, *lines, '', _verdict(figures), '', _CELLS, *cells, ''])


def _verdict(figures: dict[str, Any]) -> str:
    """Return whether the prediction of the size is worth more than none, by set."""
    better = [
        name
        for name, each in figures['summary'].items()
        if each['mean_absolute_error'] < each['mean_absolute_gain']
    ]
    worse = [name for name in figures['summary'] if name not in better]
    return (
        f'In size it errs less than always saying 0 on {", ".join(better) or "none"}; '
        f'**no less** on {", ".join(worse) or "none"}.'
    )


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _estimate(each: dict[str, float]) -> str:
    return f'{each["mean"]:+.3f} ({each["low"]:.2f} to {each["high"]:.2f})'


_WALL = "The wall's gains are those of [results.md](results.md)."
_NO_WALL = 'The simulated wall is not among them: `--wall` adds it.'
_INTRODUCTION = """## Predicting the gain before training

`crossmodal-kd gain` predicts what distillation would bring from a data set alone
([distillation.md](distillation.md)); here it is held against what training measured: student
taught, less student from labels alone (of the gripper: less the student before). Cells of one set
share most of their data.

```bash
python examples/real_sets/gain_cells.py --visuotactile CLONE --textures CLONE \\
    --gripper CLONE [--wall] --docs docs
```

- *Probes*: the predicted gain itself. *Rule*: that of Xie et al. (arXiv 2510.13182), that
  distillation pays where picture and teacher share more than picture and label do.
- *Signs right*: probes / rule / always saying that it pays, of the cells whose measured interval
  is clear of zero; a cell of one object has none. *Sure*: of the cells where the prediction's own
  interval is clear of zero, how often its sign is the measured mean's, probes / rule.
- {wall}

| set | cells | mean absolute error | always saying 0 | bias | rank correlation, probes / rule | \
signs right | sure and right |
|---|---|---|---|---|---|---|---|"""

_CELLS = """| cell | predicted gain | predicted surplus, nats | measured gain |
|---|---|---|---|"""
