# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Labels out of a CSV file: the right action, a group, quantities, for stretches of a bag.

The file may come from a spreadsheet: in UTF-8 or UTF-16, with commas, semicolons or tabs.
"""

import codecs
import csv
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from crossmodal_kd_ros.bags.bag_file import bag_name
from crossmodal_kd_ros.bags.reader import BagError
from crossmodal_kd_ros.datasets import NO_LABEL
from crossmodal_kd_ros.files import short
from crossmodal_kd_ros.profile import LABEL_COLUMNS, OPTIONAL_LABEL_COLUMNS, Profile, Quantity

_SEPARATORS = ',;\t'
# What spreadsheets put before the text, and what they then write.
_ENCODINGS = {
    codecs.BOM_UTF8: 'utf-8-sig',
    codecs.BOM_UTF16_LE: 'utf-16',
    codecs.BOM_UTF16_BE: 'utf-16',
}
# With tabs nobody can say whether it is 1.234 s or 1234 s.
_AMBIGUOUS = re.compile(r'\d{1,3},\d{3}')


@dataclass(frozen=True)
class Label:
    """What is right from `start_s` (included) to `end_s` (excluded), seconds of the bag.

    Attributes:
        bag: the bag by its name or path, with or without the ending of a file; empty: every bag.
        action: index into the actions of the profile; `NO_LABEL`: not known.
        group: column `panel`: which place it is, so that splits never share it; empty: unknown.
        line: of the file, for sentences.
        seen: what quantities are that only the picture shows, as far as the line says: pairs of
            name and number.
    """

    bag: str
    start_s: float
    end_s: float
    action: int
    group: str = ''
    line: int = 0
    seen: tuple[tuple[str, float], ...] = ()


def read_labels(path: Path, profile: Profile) -> list[Label]:
    """Return the labels of a CSV file.

    Its columns are start_s, end_s, action, and if wanted bag, panel and the quantities that only
    the picture shows, in any case. Actions and quantities are those of `profile`.

    Raises:
        BagError: it cannot be read; the sentence has the line.
    """
    text = _text(path)
    separator = max(_SEPARATORS, key=text.partition('\n')[0].count)
    lines = enumerate(text.split('\n'), start=1)
    columns = [name.lower() for name in _cells(path, *next(lines), separator)]
    _check_columns(path, columns, profile)
    labels = []
    for number, line in lines:
        cells = _cells(path, number, line, separator)
        if len(cells) > len(columns):
            raise BagError(
                f'{path}, line {number}: expected {len(columns)} cells, got '
                f'{len(cells)}: {cells[-1]!r} stands in no column'
            )
        if cells:
            blank = [''] * (len(columns) - len(cells))
            by_column = dict(zip(columns, [*cells, *blank]))
            labels.append(_label(path, number, by_column, separator, profile))
    return labels


def assign_labels(labels: Sequence[Label], bags: Sequence[Path]) -> list[list[Label]]:
    """Return the labels of each bag.

    A bag is called by its name, or by the end of its path: its name with folders before it.

    Raises:
        BagError: a label is of no bag or of several, or two of one bag overlap.
    """
    # As the user calls it, and where it lies, if that is a symbolic link.
    paths_of = [(_parts(os.path.abspath(bag)), _parts(os.path.realpath(bag))) for bag in bags]
    assigned: list[list[Label]] = [[] for _ in bags]
    for label in labels:
        named = tuple(part for part in _parts(label.bag) if part != '..')
        chosen = [
            number
            for number, paths in enumerate(paths_of)
            if any(parts[-len(named) :] == named for parts in paths)
        ]
        if label.bag and len(chosen) != 1:
            raise BagError(
                f'expected labels of {", ".join(map(str, bags))}, got {label.bag!r} in line '
                f'{label.line}, which is {"several" if chosen else "none"} of them: call a bag by '
                'its name, with its own folders before it if need be'
            )
        for number in chosen if label.bag else range(len(bags)):
            assigned[number].append(label)
    for bag, own in zip(bags, assigned):
        _refuse_overlap(bag, own)
    return assigned


def find_label(labels: Sequence[Label], t_s: float) -> Label | None:
    """Return the label at `t_s` out of those of a bag, if there is one."""
    return next((one for one in labels if one.start_s <= t_s < one.end_s), None)


def _text(path: Path) -> str:
    """Return what a file says, with one kind of line end."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BagError(f'cannot read the labels {path}: {error.strerror}') from error
    encoding = next((name for mark, name in _ENCODINGS.items() if data.startswith(mark)), 'utf-8')
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = '\0'
    if '\0' in text:
        raise BagError(
            f'expected text in UTF-8 or UTF-16 in {path}, got something else: save it as "CSV '
            'UTF-8"'
        )
    return text.replace('\r\n', '\n').replace('\r', '\n')


def _cells(path: Path, number: int, line: str, separator: str) -> list[str]:
    """Return the cells of a line, without spaces, and without empty ones at its end.

    Each line is read by itself: a quotation mark that nothing closes would take those behind it
    into its cell.
    """
    try:
        row = next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error as error:
        raise BagError(
            f'{path}, line {number}: expected cells without a line break, each quotation mark '
            f'closed, got {short(line)} ({error})'
        ) from error
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _check_columns(path: Path, columns: Sequence[str], profile: Profile) -> None:
    given, needed = set(columns), set(LABEL_COLUMNS)
    optional = (*OPTIONAL_LABEL_COLUMNS, *profile.seen_quantities)
    if len(given) < len(columns) or not needed <= given <= needed.union(optional):
        raise BagError(
            f'expected the columns {", ".join(LABEL_COLUMNS)} (and if wanted '
            f'{", ".join(optional)}), each once, in the first line of {path}, got '
            f'{", ".join(map(repr, columns)) or "none"}'
        )


def _label(
    path: Path, line: int, cells: Mapping[str, str], separator: str, profile: Profile
) -> Label:
    action, actions = cells['action'], profile.actions
    if action and action not in actions:
        raise BagError(
            f'{path}, line {line}: expected an action out of {", ".join(actions)}, or nothing, '
            f'got {action!r}'
        )
    try:
        start_s, end_s = (_number(cells[name], separator) for name in ('start_s', 'end_s'))
    except ValueError:
        raise BagError(
            f'{path}, line {line}: expected seconds such as 12.5, got {cells["start_s"]!r} and '
            f'{cells["end_s"]!r}'
        ) from None
    if not 0.0 <= start_s < end_s:
        raise BagError(
            f'{path}, line {line}: expected a stretch that starts before it ends, '
            f'got {start_s} to {end_s} s'
        )
    return Label(
        cells.get('bag', ''),
        start_s,
        end_s,
        actions.index(action) if action else NO_LABEL,
        cells.get('panel', ''),
        line,
        tuple(
            (name, _seen(path, line, quantity, cells[name], separator))
            for name, quantity in profile.seen_quantities.items()
            if cells.get(name)
        ),
    )


def _seen(path: Path, line: int, quantity: Quantity, text: str, separator: str) -> float:
    minimum = -math.inf if quantity.seen.min is None else quantity.seen.min
    try:
        value = _number(text, separator)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= minimum):
        least = f' of at least {minimum:g}' if math.isfinite(minimum) else ''
        raise BagError(
            f'{path}, line {line}: expected {quantity.name} in {quantity.unit}{least}, or '
            f'nothing, got {text!r}'
        )
    return value


def _number(text: str, separator: str) -> float:
    """Return a number; spreadsheets that separate by something else write a decimal comma."""
    if separator == '\t' and _AMBIGUOUS.fullmatch(text):
        raise ValueError(text)
    return float(text if separator == ',' else text.replace(',', '.'))


def _parts(path: str) -> tuple[str, ...]:
    """Return the folders of a bag and its name, without the ending that a file has."""
    parts = PurePath(path.replace('\\', '/')).parts
    return (*parts[:-1], bag_name(parts[-1])) if parts else ()


def _refuse_overlap(bag: Path, labels: Sequence[Label]) -> None:
    ordered = sorted(labels, key=lambda one: one.start_s)
    for one, other in zip(ordered, ordered[1:]):
        if other.start_s < one.end_s:
            raise BagError(
                f'expected labels of {bag} that do not overlap, got one to {one.end_s} s in line '
                f'{one.line} and one from {other.start_s} s in line {other.line}'
            )
