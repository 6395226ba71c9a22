# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Labels out of a CSV file: the right action, and a group, for stretches of a bag."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossmodal_kd_ros.bags.reader import BagError
from crossmodal_kd_ros.datasets import NO_LABEL
from crossmodal_kd_ros.profile import Profile

_COLUMNS = ('start_s', 'end_s', 'action')


@dataclass(frozen=True)
class Label:
    """What is right from `start_s` (included) to `end_s` (excluded), seconds of the bag.

    Attributes:
        bag: the bag as it was named for the command, or its last part alone; empty: every bag.
        action: index into the actions of the profile; `NO_LABEL`: not known.
        group: column `panel`: which place it is, so that splits never share it; empty: unknown.
    """

    bag: str
    start_s: float
    end_s: float
    action: int
    group: str = ''


def read_labels(path: Path, profile: Profile) -> list[Label]:
    """Return the labels of a CSV file.

    Its columns are start_s, end_s, action, and if wanted bag and panel. Actions are those of
    `profile`.

    Raises:
        BagError: it cannot be read; the sentence has the line.
    """
    try:
        with path.open(newline='', encoding='utf-8') as file:
            rows = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise BagError(
                    f'expected the columns {", ".join(_COLUMNS)} (and bag, panel) in {path}, '
                    f'found no {", ".join(missing)}'
                )
            labels = [_label(path, line, row, profile.actions) for line, row in enumerate(rows, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BagError(f'cannot read the labels {path}: {error}') from error
    _refuse_overlap(path, labels)
    return labels


def find_label(labels: Sequence[Label], bag: Path, t_s: float) -> Label | None:
    """Return the label of `bag` at `t_s`, if there is one."""
    names = ('', str(bag), bag.name)
    return next(
        (one for one in labels if one.bag in names and one.start_s <= t_s < one.end_s), None
    )


def _label(path: Path, line: int, row: dict[str, str], actions: Sequence[str]) -> Label:
    action = (row['action'] or '').strip()
    if action and action not in actions:
        raise BagError(
            f'{path}, line {line}: expected an action out of {", ".join(actions)}, or nothing, '
            f'got {action!r}'
        )
    try:
        start_s, end_s = float(row['start_s']), float(row['end_s'])
    except (TypeError, ValueError):
        raise BagError(
            f'{path}, line {line}: expected seconds, got {row["start_s"]!r} and {row["end_s"]!r}'
        ) from None
    if not 0.0 <= start_s < end_s:
        raise BagError(
            f'{path}, line {line}: expected a stretch that starts before it ends, '
            f'got {start_s} to {end_s} s'
        )
    return Label(
        (row.get('bag') or '').strip(),
        start_s,
        end_s,
        actions.index(action) if action else NO_LABEL,
        (row.get('panel') or '').strip(),
    )


def _refuse_overlap(path: Path, labels: list[Label]) -> None:
    ordered = sorted(labels, key=lambda one: (one.bag, one.start_s))
    for one, other in zip(ordered, ordered[1:]):
        if one.bag == other.bag and other.start_s < one.end_s:
            raise BagError(
                f'{path}: expected stretches that do not overlap, got one to {one.end_s} s and '
                f'one from {other.start_s} s'
            )
