# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""crossmodal-kd export: both networks as ONNX files, for a robot without torch."""

import shlex
import sys
from pathlib import Path

import click

from crossmodal_kd_ros.cli.options import (
    EXISTING_FOLDER,
    find_profile,
    profile_option,
    trained_data_option,
)

_VIEWS = 300


@click.command()
@click.option(
    '--models',
    type=EXISTING_FOLDER,
    default=Path('models'),
    show_default=True,
    help='Folder with both weight files; the ONNX files and export.json are written beside them.',
)
@trained_data_option
@profile_option
def command(models: Path, data: Path | None, profile: str | None) -> None:
    """Write both networks as ONNX files, for the engines onnx and openvino.

    Each is compared with torch on 300 views that no training has seen, and is written only if no
    output differs by more than 1e-4. export.json says what was compared, of which weights. To be
    run again for new weights; an export of others is refused.
    """
    from crossmodal_kd_ros.datasets import load_folder, simulate
    from crossmodal_kd_ros.runtime.export import write_export

    robot = find_profile(profile, data)
    if data is None:
        pairs = simulate('validation', _VIEWS, seed=0, profile=robot)
    else:
        pairs = load_folder('validation', data, robot)
    differences = write_export(
        models,
        robot,
        pairs.image[:_VIEWS],
        {sense: readings[:_VIEWS] for sense, readings in pairs.readings.items()},
        command=shlex.join(['crossmodal-kd', *sys.argv[1:]]),
    )
    for kind, difference in differences.items():
        click.echo(f'{models / kind}.onnx: {difference:.1e} from torch at most')
