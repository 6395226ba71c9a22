# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd record`."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossmodal_kd_ros.cli.options import FOLDER
from crossmodal_kd_ros.nodes.signals import end_event

if TYPE_CHECKING:
    from crossmodal_kd_ros.demo.observer import Observer

_LOOK_S = 0.5
_POLL_S = 0.05


@click.command()
@click.argument('names', metavar='[TOPIC]...', nargs=-1)
@click.option(
    '--out',
    type=FOLDER,
    default=Path('out/bag'),
    show_default=True,
    help='Folder of the bag; it must not exist.',
)
@click.option(
    '--storage',
    type=click.Choice(['mcap', 'sqlite3']),
    default='mcap',
    show_default=True,
    help='Format of the file.',
)
@click.option(
    '--jpeg',
    multiple=True,
    metavar='TOPIC',
    help='Keep the pictures of this topic as JPEG, as TOPIC/compressed: a seventh of the size. '
    'It is recorded also where other TOPICs are named.',
)
@click.option(
    '--duration',
    'duration_s',
    type=click.FloatRange(0.1),
    help='Seconds; without it, until Ctrl-C.',
)
def command(
    names: tuple[str, ...],
    out: Path,
    storage: str,
    jpeg: tuple[str, ...],
    duration_s: float | None,
) -> None:
    """Record topics into a rosbag2 bag, where `ros2 bag` is not installed.

    Without TOPICs everything that is published is recorded, also what appears later. `ros2 bag
    play`, `ros2 bag info` and Foxglove read the result. Ctrl-C ends it. Whatever ends it, what was
    recorded a second before can be read.
    """
    stop = end_event()
    from crossmodal_kd_ros.nodes.transport import profile_environment

    # Before rclpy is imported: its middleware reads it then.
    os.environ.update(profile_environment(os.environ))
    from crossmodal_kd_ros.demo.observer import Observer

    observer = Observer(name='bag_recorder')
    try:
        wanted, as_jpeg = (_full_names(observer, chosen) for chosen in (names, jpeg))
        if wanted:
            wanted |= as_jpeg
        known: set[str] = set()
        observer.record(out, {}, storage=storage, as_jpeg=as_jpeg)
        recorder = observer.recorder
        click.echo(f'recording into {out}; Ctrl-C ends it', err=True)
        end_s = time.monotonic() + duration_s if duration_s is not None else float('inf')
        look_s = 0.0
        while not (stop.wait(_POLL_S) or recorder.ended) and time.monotonic() < end_s:
            observer.drain()
            if time.monotonic() >= look_s:
                look_s = time.monotonic() + _LOOK_S
                _look(observer, wanted, known)
    finally:
        observer.close()
    for topic, count in sorted(recorder.written.items()):
        click.echo(f'{topic}: {count} messages')
    for topic, count in sorted(recorder.dropped.items()):
        click.echo(f'{topic}: {count} messages are missing', err=True)
    for topic in sorted((wanted | as_jpeg) - known):
        click.echo(f'{topic}: nobody published it', err=True)
    if not recorder.written:
        # So that the next try, which may well have the right name, is not refused.
        recorder.remove()
        why = recorder.error or 'no message came (does anybody publish in this domain?)'
        raise click.ClickException(f'{why}; there is nothing to keep in {out}')
    if recorder.error:
        raise click.ClickException(recorder.error)


def _full_names(observer: 'Observer', names: Sequence[str]) -> set[str]:
    """Return the full names of topics; raise `click.UsageError` for what is no name."""
    full = set()
    for name in names:
        try:
            full.add(observer.node.resolve_topic_name(name))
        except Exception as error:  # noqa: BLE001  rcl and rclpy have no common class
            raise click.UsageError(
                f'expected the name of a topic, such as camera/image_raw, got {name!r}'
            ) from error
    return full


def _look(observer: 'Observer', wanted: set[str], known: set[str]) -> None:
    """Record the topics that have got a publisher since the last look; say which cannot be."""
    # In order: what is kept as JPEG comes before the compressed pictures of the camera's driver,
    # which have the name that it gets in the bag.
    for name, types in sorted(observer.node.get_topic_names_and_types()):
        if name in known or (wanted and name not in wanted) or not observer.published([name]):
            continue
        known.add(name)
        try:
            observer.also_record({name: types[0]})
            click.echo(f'{name} ({types[0]})', err=True)
        except ValueError as error:
            click.echo(f'{name} is left out: {error}', err=True)
