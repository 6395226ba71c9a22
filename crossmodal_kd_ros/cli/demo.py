# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd demo`."""

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from crossmodal_kd_ros.cli.options import EXISTING_FOLDER, FOLDER
from crossmodal_kd_ros.nodes.signals import end_event

DURATION_S = 40.0
_REAL_INPUT_DURATION_S = 20.0


@click.command()
@click.option(
    '--out',
    type=FOLDER,
    default=Path('out/demo'),
    show_default=True,
    help='Folder for summary.json, report.html and the recording.',
)
@click.option(
    '--seed',
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help='Of the wall, or of the order of the photographs.',
)
@click.option(
    '--duration',
    'duration_s',
    type=click.FloatRange(1.0, 3600.0),
    help='Seconds; 40 for the simulated wall, 20 for real pictures.',
)
@click.option(
    '--photos',
    type=EXISTING_FOLDER,
    help='Show the photographs of this folder and its subfolders in place of the simulated wall.',
)
@click.option(
    '--camera', type=click.IntRange(0, 63), help='Show the webcam of this number in place of it.'
)
@click.option(
    '--raw',
    is_flag=True,
    help='Record pictures as they were sent, not as JPEG: seven times the size.',
)
@click.option('--no-view', is_flag=True, help='Print lines in place of the live view.')
def command(
    out: Path,
    seed: int,
    duration_s: float | None,
    photos: Path | None,
    camera: int | None,
    raw: bool,
    no_view: bool,
) -> None:
    """Watch a robot decide, lose its senses and carry on.

    Starts the simulator and the maintenance node as processes of their own, on a private ROS
    domain. The tactile pad is dead from 4 to 8 s, pad and nose from 12 to 21 s, so that the
    student decides from the camera alone, the nose from 25 to 31 s, the camera from 35 to 38 s.
    With --photos or --camera there are real pictures, and no other sense. Ctrl-C ends it early and
    still writes the report.
    """
    if photos is not None and camera is not None:
        raise click.UsageError('expected --photos or --camera, got both: leave one of them out')
    stop = end_event()
    # Imported here: ROS takes a second, and the help should not.
    from rich.console import Console

    from crossmodal_kd_ros.demo import view
    from crossmodal_kd_ros.demo.screens import LineScreen, TerminalScreen
    from crossmodal_kd_ros.demo.session import Plan, run_demo

    real = photos is not None or camera is not None
    plan = Plan(
        out=out,
        command=shlex.join(['crossmodal-kd', *sys.argv[1:]]),
        seed=seed,
        photos=photos,
        camera=camera,
        raw=raw,
        duration_s=duration_s or (_REAL_INPUT_DURATION_S if real else DURATION_S),
    )
    console = Console()
    with_view = console.is_terminal and not no_view
    screen = (
        TerminalScreen(console, partial(view.screen, title=plan.title, duration_s=plan.duration_s))
        if with_view
        else LineScreen(console)
    )
    summary = run_demo(plan, screen, stop)
    if summary is None:
        raise click.exceptions.Exit(130)
    for line in closing_lines(summary, out):
        console.out(line, highlight=False)
    if summary['interrupted']:
        raise click.exceptions.Exit(130)


def closing_lines(summary: dict[str, Any], out: Path) -> list[str]:
    """Return the main figures of a run, in a few lines."""
    answered = f'{summary["frames_answered"]} of {summary["frames_published"]} frames answered'
    p50, p99 = (summary['latency_ms'][name] for name in ('p50', 'p99'))
    if p50 is not None:
        answered += f'; median {p50:.0f} ms from picture to decision, 99 % within {p99:.0f} ms'
    lines = [answered]
    for lost, failover_ms in summary['failover_ms'].items():
        recovery_ms = summary['recovery_ms'][lost]
        noticed = (
            'not noticed'
            if failover_ms is None
            else f'noticed {failover_ms:.0f} ms after its last message'
        )
        trusted = (
            'not trusted again by the end'
            if recovery_ms is None
            else f'trusted again after {recovery_ms:.0f} ms'
        )
        limit_ms = summary['failover_limit_ms'][lost]
        lines.append(
            f'{lost.replace("_", " ")} lost: {noticed} (limit {limit_ms:.0f} ms), {trusted}'
        )
    lines += [
        f'not planned: at {gap["start_s"]:.1f} s the {gap["sensor"]} fell silent or came late '
        f'for {gap["length_s"]:.2f} s'
        for gap in summary['unplanned_gaps']
    ]
    if summary['unplanned_gaps']:
        lines.append(
            'the machine was too busy then, or a real camera lost its connection: end other '
            'programs and try again'
        )
    for mode, counts in (summary['accuracy'] or {}).items():
        if counts['fraction'] is not None:
            lines.append(
                f'{mode}: {counts["fraction"]:.1%} of {counts["frames"] - counts["held"]} '
                'decisions as the expert would (simulated)'
            )
    if summary['bag']['error']:
        lines.append(f'the recording is not whole: {summary["bag"]["error"]}')
    return [
        *lines,
        f'report: {out / "report.html"}',
        f'figures: {out / "summary.json"}',
        f'recording: {out / "bag"}',
    ]
