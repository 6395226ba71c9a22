# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a check finds, and all findings on one screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from rich.console import Console
from rich.table import Table
from rich.text import Text


class Level(Enum):
    """How bad it is."""

    OK = 'ok'
    WARNING = 'warning'  # it works, but not as well as it could
    PROBLEM = 'problem'


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check.

    Attributes:
        subject: what was checked, in a word or two.
        result: what was found, in words.
        level: how bad it is.
        remedy: the line that mends it; a problem always has one.
    """

    subject: str
    result: str
    level: Level = Level.OK
    remedy: str = ''

    def __post_init__(self) -> None:
        """Refuse a problem without a remedy."""
        if self.level is Level.PROBLEM and not self.remedy:
            raise ValueError(f'expected a remedy for the problem "{self.result}", got none')


def problem(subject: str, result: str, remedy: str) -> Finding:
    """Return a finding that keeps the node from working, with the line that mends it."""
    return Finding(subject=subject, result=result, level=Level.PROBLEM, remedy=remedy)


# A word beside each colour: not everybody sees the difference.
_MARKS = {
    Level.OK: ('ok', 'green'),
    Level.WARNING: ('warn', 'yellow'),
    Level.PROBLEM: ('mend', 'bold red'),
}


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print the findings, then the line that mends each problem."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify='right')
    table.add_column(style='bold')
    table.add_column(overflow='fold')
    for finding in findings:
        table.add_row(Text(*_MARKS[finding.level]), finding.subject, Text(finding.result))
    console.print(table)
    # The topics of one sense may have the same one.
    remedies = {
        (finding.subject, finding.remedy): _MARKS[finding.level][1]
        for finding in findings
        if finding.remedy
    }
    if remedies:
        console.print()
    for (subject, remedy), style in remedies.items():
        line = Text(f'{subject}: ', style=style)
        # In one piece, however long, so that it can be copied.
        console.print(line.append(remedy, style='default'), soft_wrap=True)
    problems, warnings = (
        sum(finding.level is level for finding in findings)
        for level in (Level.PROBLEM, Level.WARNING)
    )
    console.print()
    if problems:
        things = 'thing' if problems == 1 else 'things'
        console.print(Text(f'{problems} {things} to mend', style=_MARKS[Level.PROBLEM][1]))
    elif warnings:
        things = 'warning' if warnings == 1 else 'warnings'
        console.print(Text(f'it works, with {warnings} {things}', style=_MARKS[Level.WARNING][1]))
    else:
        console.print(Text('healthy', style=_MARKS[Level.OK][1]))
