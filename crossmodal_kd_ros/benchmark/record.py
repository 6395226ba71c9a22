# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was measured, kept with a hash of what it was made of, and all measured cells in one file.

So a benchmark of many hours can be stopped any time, go on elsewhere, and be computed on by
anyone.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from crossmodal_kd_ros.files import write_json, write_text

RECORD = 'cells.json'


def made_of(what: Any, **versions: int) -> str:
    """Return a hash, 16 digits, of `what`, which JSON can hold, and of versions of the code."""
    content = json.dumps([what, versions], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def keep(path: Path, key: str, measure: Callable[[], dict[str, Any]]) -> None:
    """Write what `measure` returns to `path`, unless that holds what was made of `key`.

    One process at a time does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix('.lock')):
        if not path.is_file() or json.loads(path.read_text()).get('made_of') != key:
            write_json(path, measure() | {'made_of': key})


def write_record(cells: list[dict[str, Any]], folder: Path) -> None:
    """Write measured cells into `folder`: figures, and what each network chose on each view.

    Test views that cells have in common are kept once: `group`, and `action` (the label) as a
    string of a digit each.
    """
    views, rows = {}, []
    for measured in cells:
        seen = {'group': measured['group'], 'action': _digits(measured['action'])}
        name = hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:12]
        views[name] = seen
        figures = {key: value for key, value in measured.items() if key not in seen}
        rows.append(figures | {'views': name, 'chosen': _digits(measured['chosen'])})
    lines = ',\n'.join(json.dumps(row) for row in rows)
    write_text(folder / RECORD, f'{{"views": {json.dumps(views)},\n"cells": [\n{lines}\n]}}\n')


def read_record(folder: Path) -> list[dict[str, Any]]:
    """Return the cells that `write_record` wrote into `folder`; none if it did not."""
    path = folder / RECORD
    if not path.is_file():
        return []
    content = json.loads(path.read_text())
    cells = []
    for row in content['cells']:
        seen = content['views'][row.pop('views')]
        cells.append(
            {'group': seen['group'], 'action': _numbers(seen['action'])}
            | row
            | {'chosen': _numbers(row['chosen'])}
        )
    return cells


def _digits(actions: list[int]) -> str:
    return ''.join(map(str, actions))


def _numbers(digits: str) -> list[int]:
    return [int(digit) for digit in digits]
