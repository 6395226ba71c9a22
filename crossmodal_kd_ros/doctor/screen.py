# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The findings on one screen."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crossmodal_kd_ros.doctor.finding import Finding, Level

# A word beside each colour: not everybody sees the difference.
_MARKS = {
    Level.OK: ('ok', 'green'),
    Level.WARNING: ('note', 'yellow'),
    Level.PROBLEM: ('mend', 'bold red'),
}


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print what was found, then the line that mends each problem."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify='right')
    table.add_column(style='bold')
    table.add_column(overflow='fold')
    for finding in findings:
        table.add_row(Text(*_MARKS[finding.level]), finding.about, Text(finding.told))
    console.print(table)
    remedies = [finding for finding in findings if finding.remedy]
    if remedies:
        console.print()
    for finding in remedies:
        # In one piece, however long, so that it can be copied.
        console.print(
            Text(f'{finding.about}: ', style=_MARKS[finding.level][1]).append(
                finding.remedy, style='default'
            ),
            soft_wrap=True,
        )
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    console.print()
    console.print(
        Text('healthy', style='green')
        if not problems
        else Text(f'{problems} {"thing" if problems == 1 else "things"} to mend', style='bold red')
    )
