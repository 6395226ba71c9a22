# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd gain`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossmodal_kd_ros.cli.options import FOLDER

if TYPE_CHECKING:
    from crossmodal_kd_ros.benchmark.gain import Gain, Prediction

_SIGNS = {1: 'it pays', 0: 'too close to say', -1: 'it costs'}


@click.command()
@click.argument('data', type=FOLDER)
def command(data: Path) -> None:
    """Predict what distillation would bring to the data set DATA, before training.

    DATA is what crossmodal-kd dataset from-bags made. Labelled places are held out in turn, and
    quick probes on cheap features go through what training would do. The test split is not looked
    at. Minutes, not hours.
    """
    from crossmodal_kd_ros.benchmark.gain import PICTURE_PX, predict_gain
    from crossmodal_kd_ros.datasets import Pairs, load_folder, read_profile
    from crossmodal_kd_ros.training.batches import shrink

    profile = read_profile(data)
    splits = (load_folder(split, data, profile) for split in ('train', 'validation'))
    pairs = Pairs.join([shrink(split, PICTURE_PX) for split in splits])
    for line in closing_lines(predict_gain(pairs, profile)):
        click.echo(line)


def closing_lines(gain: 'Gain') -> list[str]:
    """Return a prediction in a few lines."""
    lines = ['On new places, which no teacher felt:', *_lines(gain.new)]
    if gain.felt is not None:
        lines += [
            'On further pictures of places that a teacher felt and nobody labelled:',
            *_lines(gain.felt),
        ]
    return [
        *lines,
        f'Made of {gain.labelled} labelled and {gain.unlabelled} other samples: '
        f'{gain.groups} labelled places are held out in turn, and a kernel model of cheap '
        'picture features learns from the labels alone, or also from what a boosted model of the '
        'other senses says of what has none; 95 % intervals over places.',
    ]


def _lines(prediction: 'Prediction') -> list[str]:
    gain, surplus = prediction.gain, prediction.surplus
    return [
        f'  gain {100 * gain.mean:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f}): '
        f'{_SIGNS[gain.sign]}; probes: picture {prediction.alone.mean:.2f}, teacher '
        f'{prediction.teacher.mean:.2f}',
        f'  picture and teacher share {prediction.shared_with_teacher.mean:.2f} nats, picture and '
        f'label {prediction.shared_with_label.mean:.2f}: by that rule (arXiv 2510.13182) '
        f'{_SIGNS[surplus.sign]}',
    ]
