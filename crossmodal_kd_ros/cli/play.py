# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd play`."""

import os
from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import BAG
from crossmodal_kd_ros.nodes.signals import end_event


@click.command()
@click.argument('bag', type=BAG)
@click.option(
    '--rate',
    type=click.FloatRange(0.01, 100.0),
    default=1.0,
    show_default=True,
    help='2: twice as fast as life.',
)
@click.option('--loop', is_flag=True, help='Start again at the end.')
@click.option(
    '--clock',
    'clock_hz',
    type=click.FloatRange(1.0, 1000.0),
    default=100.0,
    show_default=True,
    help='How often /clock is published, times a second.',
)
@click.option(
    '--all',
    'everything',
    is_flag=True,
    help='Also what the maintenance and mission nodes said while the bag was recorded.',
)
def command(bag: Path, rate: float, loop: bool, clock_hz: float, everything: bool) -> None:
    """Publish a bag on its topics, where `ros2 bag play` is not installed.

    Headers keep their stamps and /clock says the time of the bag: start the node with
    use_sim_time. Ctrl-C ends it.
    """
    stop = end_event()
    from crossmodal_kd_ros.bags import Bag, BagError
    from crossmodal_kd_ros.nodes.transport import profile_environment
    from crossmodal_kd_ros.runtime.topics import ANSWER_MARKS, DIAGNOSTICS

    with Bag(bag) as opened:
        # Before rclpy is imported: its middleware reads it then.
        os.environ.update(profile_environment(os.environ))
        from crossmodal_kd_ros.nodes.bag_player import BagPlayer

        # Played, they would contradict the nodes that run, or send a robot somewhere.
        answers = [
            name
            for name in opened.topics
            if name == DIAGNOSTICS.name or any(mark in name for mark in ANSWER_MARKS)
        ]
        player = BagPlayer(
            opened, left_out=() if everything else answers, rate=rate, clock_hz=clock_hz
        )
        try:
            for sentence in (*opened.problems, *player.problems):
                click.echo(sentence, err=True)
            player.play(stop)
            if not player.published and not stop.is_set():
                raise BagError(f'expected messages that can be played in {bag}, found none')
            while loop and not stop.is_set():
                player.play(stop)
            click.echo(f'{player.published} messages published')
        finally:
            player.close()
