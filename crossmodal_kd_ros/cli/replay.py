# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd replay`."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from crossmodal_kd_ros.cli.options import BAG, FOLDER


@click.command()
@click.argument('bag', type=BAG)
@click.option(
    '--out',
    type=FOLDER,
    default=Path('out/replay'),
    show_default=True,
    help='Folder for summary.json, report.html and the bag of answers.',
)
@click.option(
    '--model',
    type=FOLDER,
    help='Folder with student.safetensors and teacher.safetensors; default: of this package.',
)
@click.option(
    '--compare',
    nargs=2,
    type=FOLDER,
    metavar='OLD NEW',
    help='Two such folders: show what the new model changes.',
)
@click.option(
    '--profile',
    metavar='NAME|FILE',
    default='living_wall',
    show_default=True,
    help='What the robot has that recorded it.',
)
@click.option(
    '--map',
    'requests',
    multiple=True,
    metavar='ROLE=TOPIC',
    help='Such as camera=/cam0/image; also each sense.',
)
@click.option(
    '--inject',
    multiple=True,
    metavar='FAULT@START[-END]',
    help='SENSOR[:KIND[:SEVERITY]] such as camera@10-18 or camera:noise:0.5@10-18, seconds of '
    'the bag.',
)
def command(
    bag: Path,
    out: Path,
    model: Path | None,
    compare: tuple[Path, Path] | None,
    profile: str,
    requests: tuple[str, ...],
    inject: tuple[str, ...],
) -> None:
    """Replay a recording through the runtime of the node, without ROS.

    It is faster than life, and the same every time. BAG is a rosbag2 folder, or one .mcap or .db3
    file; one that was cut off is read as far as it goes. Without any picture answered it fails.
    """
    if model is not None and compare is not None:
        raise click.UsageError('expected --model or --compare, got both: leave one of them out')
    # Imported here: torch and its friends take seconds, and the help should not.
    from rich.console import Console
    from rich.progress import Progress

    from crossmodal_kd_ros.bags.injection import parse_faults
    from crossmodal_kd_ros.bags.replay import Model
    from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag
    from crossmodal_kd_ros.bags.topics import parse_requests
    from crossmodal_kd_ros.calibration.model import load_calibration
    from crossmodal_kd_ros.files import share_dir
    from crossmodal_kd_ros.memory import keep_freed_memory, spare_heap
    from crossmodal_kd_ros.profile import load_profile
    from crossmodal_kd_ros.runtime import ENGINES, make_engine

    keep_freed_memory()
    console, robot = Console(), load_profile(profile)
    plan = ReplayPlan(
        bag=bag,
        out=out,
        profile=robot,
        command=shlex.join(['crossmodal-kd', *sys.argv[1:]]),
        requests=parse_requests(requests, robot),
        schedule=parse_faults(inject, robot),
    )
    models = [
        Model(make_engine(ENGINES[0], folder, robot), load_calibration(folder, robot))
        for folder in compare or (model or share_dir() / 'models',)
    ]
    spare_heap()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task('replaying')
        summary = replay_bag(
            plan,
            models,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for line in closing_lines(summary, out):
        console.out(line, highlight=False)
    check_answered(summary, bag)


def check_answered(summary: dict[str, Any], bag: Path) -> None:
    """Raise `BagError`, with the reason, if no picture was answered."""
    from crossmodal_kd_ros.bags.reader import BagError

    if any(replay['frames_answered'] for replay in summary['replays']):
        return
    refused = summary['malformed'].get('camera')
    reasons = [refused['last']] if refused else [*_undecodable(summary), *summary['problems']]
    raise BagError(
        f'expected pictures that can be answered in {bag}, got none of '
        f'{summary["readings"]["camera"]}: {"; ".join(reasons or summary["topics"][:1])}'
    )


def closing_lines(summary: dict[str, Any], out: Path) -> list[str]:
    """Return what a replay comes to, in a few lines."""
    last = summary['replays'][-1]
    lines = [*summary['topics'], *summary['problems']]
    lines += [
        f'{malformed["count"]} of the {sensor} messages were refused, the last: '
        f'{malformed["last"]}'
        for sensor, malformed in summary['malformed'].items()
    ]
    lines += _undecodable(summary)
    lines.append(
        f'{last["frames_answered"]} of {summary["readings"]["camera"]} pictures answered; '
        f'{summary["duration_s"]:.1f} s replayed in {summary["wall_clock_s"]:.1f} s, '
        f'{summary["realtime_factor"]:.1f} times real time'
    )
    if summary['agreement_with_recording'] is not None:
        compared = last['recording']['frames_compared']
        lines.append(
            f'{summary["agreement_with_recording"]:.2%} of {compared} pictures decided as live, '
            'each difference explained in the report'
        )
    if summary['comparison'] is not None:
        comparison = summary['comparison']
        lines.append(
            f'another action on {comparison["frames_with_another_action"]} of '
            f'{comparison["frames_compared"]} pictures'
        )
    return [
        *lines,
        f'report: {out / "report.html"}',
        f'figures: {out / "summary.json"}',
        *(f'answers: {out / replay["bag"]}' for replay in summary['replays']),
    ]


def _undecodable(summary: dict[str, Any]) -> list[str]:
    return [
        f'{count} of the messages of {topic} are not what their type says'
        for topic, count in summary['undecodable'].items()
    ]
