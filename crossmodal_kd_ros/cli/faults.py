# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd faults`."""

import os
import shlex
import sys
from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import EXISTING_FOLDER, FOLDER


@click.command()
@click.option(
    '--out',
    type=FOLDER,
    default=Path('out/faults'),
    show_default=True,
    help='Folder for summary.json and report.html.',
)
@click.option(
    '--models',
    type=EXISTING_FOLDER,
    help='Folder with both weight files and calibration.json; the weights of this package if '
    'left out.',
)
@click.option(
    '--healthy-minutes',
    type=click.FloatRange(0.0, 600.0),
    default=60.0,
    show_default=True,
    help='Healthy operation in which no change of mode may happen.',
)
def command(out: Path, models: Path | None, healthy_minutes: float) -> None:
    """Break every sensor in every way, and see what the robot makes of it.

    Each fault of each sensor of the living wall, at three severities, is put into two minutes of
    simulated operation and played through the runtime of the node, beside a teacher that trusts
    the sensor and one that is given zeros in its place. Then an hour in which nothing is broken.
    """
    # Before torch is imported: threads that spin while they wait cost a busy machine eight times
    # the time of a step.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    from crossmodal_kd_ros.benchmark.fault_run import run_matrix
    from crossmodal_kd_ros.files import share_dir
    from crossmodal_kd_ros.profile import load_profile

    summary = run_matrix(
        models or share_dir() / 'models',
        load_profile(),
        out,
        healthy_minutes=healthy_minutes,
        command=shlex.join(['crossmodal-kd', *sys.argv[1:]]),
    )
    for line in closing_lines(summary):
        click.echo(line)
    click.echo(f'report: {out / "report.html"}\nfigures: {out / "summary.json"}')


def closing_lines(summary: dict) -> list[str]:
    """Return what the run comes to, in a few lines."""
    controls = summary['controls']
    lines = [
        f'{len(summary["cells"])} cells, {summary["harmful_cells"]} of them harmful (simulated)'
    ]
    for name in ('senses', 'camera'):
        judged, price = summary['judged'][name], 'as a wrong action'
        if judged['recovered'][price] is not None:
            best = (
                ''
                if judged['recoverable'] is None
                else f' ({judged["recoverable"]:.1%} if told at once what broke)'
            )
            lines.append(
                f'{name}: {judged["recovered"][price]:.1%} of the harm undone{best}; worst cell '
                f'{max(judged["worst_shortfall"][price], 0.0):.1%} under the better of both '
                'unguarded teachers, a hold '
                'reckoned as a wrong action'
            )
    if controls['hours']:
        lines.append(
            f'{controls["hours"]:.2f} h of healthy operation: '
            f'{len(controls["false_mode_changes"])} false changes '
            'of mode'
        )
    return lines
