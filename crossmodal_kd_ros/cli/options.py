# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What options of several commands are made of."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from crossmodal_kd_ros.profile import Profile


class _Named(click.Path):
    """A path that is not empty: an unset shell variable would be the current folder."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        if value == '':
            self.fail("expected a path, got '': name one, such as . for this folder", param, ctx)
        return super().convert(value, param, ctx)


FILE, EXISTING_FILE = _Named(dir_okay=False), _Named(dir_okay=False, exists=True)
FOLDER, EXISTING_FOLDER = _Named(file_okay=False), _Named(file_okay=False, exists=True)
BAG = _Named()  # a folder, or its one file

profile_option = click.option(
    '--profile',
    metavar='NAME|FILE',
    help="What the robot has; default: the data set's, else living_wall.",
)
trained_data_option = click.option(
    '--data',
    type=FOLDER,
    help='The data set that the weights were trained on: its validation split in place of '
    'simulated views.',
)
device_option = click.option(
    '--device', default='auto', show_default=True, help='auto, cpu, cuda, cuda:1, mps.'
)
bf16_option = click.option(
    '--bf16',
    is_flag=True,
    help='Compute in bfloat16; for GPUs, and CPUs with avx512_bf16 that have nothing else to do.',
)


def find_profile(name: str | None, data: Path | None) -> 'Profile':
    """Return the profile `name`; unless named, that of the data set `data` or the simulator.

    Raises:
        ConfigurationError: there is no such profile, or no data set of it: it cannot be simulated.
    """
    from crossmodal_kd_ros.datasets import SIMULATED, is_simulated, read_profile
    from crossmodal_kd_ros.errors import ConfigurationError
    from crossmodal_kd_ros.profile import load_profile

    if name is None and data is not None:
        return read_profile(data)
    profile = load_profile() if name is None else load_profile(name)
    if data is None and not is_simulated(profile):
        raise ConfigurationError(
            f'expected --data with a data set of the profile {profile.name}, got none: '
            f'{" and ".join(SIMULATED)} alone have a simulator'
        )
    return profile
