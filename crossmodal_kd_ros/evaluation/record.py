# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""All measured cells in one file, so that a benchmark of many hours can go on elsewhere, and anyone can compute on it."""

import hashlib
import json
from pathlib import Path
from typing import Any

RECORD = 'cells.json'


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path`, which is there whole or not at all."""
    unfinished = path.with_name(path.name + '.part')
    unfinished.write_text(json.dumps(content, indent=1) + '\n')
    unfinished.replace(path)


def write_record(cells: list[dict[str, Any]], folder: Path) -> None:
    """Write measured cells into `folder`: figures, and which action each network chose on which view.

    Test views that cells have in common are kept once: `panel`, and `action` (the expert's) as a string of a digit each.
    """
    views, rows = {}, []
    for measured in cells:
        seen = {'panel': measured['panel'], 'action': _digits(measured['action'])}
        name = hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:12]
        views[name] = seen
        figures = {key: value for key, value in measured.items() if key not in seen}
        rows.append(figures | {'views': name, 'chosen': _digits(measured['chosen'])})
    lines = ',\n'.join(json.dumps(row) for row in rows)
    (folder / RECORD).write_text(f'{{"views": {json.dumps(views)},\n"cells": [\n{lines}\n]}}\n')


def read_record(folder: Path) -> list[dict[str, Any]]:
    """Return the cells that `write_record` wrote into `folder`; none if it did not."""
    path = folder / RECORD
    if not path.is_file():
        return []
    content = json.loads(path.read_text())
    found = []
    for row in content['cells']:
        seen = content['views'][row.pop('views')]
        found.append({'panel': seen['panel'], 'action': _numbers(seen['action'])} | row | {'chosen': _numbers(row['chosen'])})
    return found


def _digits(actions: list[int]) -> str:
    return ''.join(map(str, actions))


def _numbers(digits: str) -> list[int]:
    return [int(digit) for digit in digits]
