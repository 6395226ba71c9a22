# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The form of `config/repair.yaml`: each number with its source, or why it is assumed."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import read_yaml, share_dir
from crossmodal_kd_ros.profile import Profile

FILE_NAME = 'repair.yaml'


class RepairError(ConfigurationError):
    """The file of repairs cannot be used: one line for each thing that is wrong."""


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra='forbid', frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Constant(_Strict):
    """A number, and where it comes from: a source, or the reason why it is assumed."""

    value: Annotated[float, Field(strict=True, ge=0.0)]
    source: str = ''
    assumed: str = ''

    @model_validator(mode='after')
    def _has_one_origin(self) -> 'Constant':
        if bool(self.source.strip()) == bool(self.assumed.strip()):
            raise ValueError(
                'expected a source, or assumed with the reason, got '
                f'{"both" if self.source else "neither"}: give one'
            )
        return self


class Repair(_Strict):
    """How one action touches the wall."""

    path: Literal['ridge', 'region']
    """Along what stands out of the reading, or over all of it."""

    channel: str
    """Of the sense: what the path is found in."""

    stands: Literal['above', 'below']
    """On which side of the ground the damage stands out."""

    min_pressure_kpa: Constant
    """With less the repair does not hold."""

    max_pressure_kpa: Constant
    """What the tool may give, whatever the ground bears."""


class RepairConfig(_Strict):
    """What repairs need of one robot and its wall."""

    sense: str
    """A grid with a footprint in the view."""

    channel: str
    """How far its pins reach, mm."""

    roughness_channel: str
    """RMS roughness of the ground, um."""

    pin_force_n: Constant
    """With which a pin presses, N."""

    tip_radius_mm: Constant
    """Of a pin, mm."""

    poisson_ratio: Constant
    """Of the ground."""

    crush_strain: Constant
    """Stress that crushes the ground, in parts of its Young's modulus."""

    standoff_mm: Constant
    """What the pins reach on a smooth rigid ground, mm."""

    peaks_per_roughness: Constant
    """How much more on a rough one, in RMS roughnesses: the frame stands on its peaks."""

    drift_mm: Constant
    """Standard deviation of what all pins are off by alike, mm."""

    safety: Constant
    """Part of the crushing stress that is used, 0 to 1."""

    caution_std: Constant
    """The ground is taken to be softer than it is felt by so many standard deviations."""

    max_gentler: Constant
    """Part of the pressure that uncertainty may take before a person is asked, 0 to 1."""

    max_tilt_deg: Constant
    """Largest angle between approach and view, degrees."""

    tool_width_mm: Constant
    """Between strokes over a region, mm."""

    actions: dict[str, Repair] = Field(min_length=1)

    def check(self, profile: Profile) -> None:
        """Raise `RepairError` if this is no robot of `profile`."""
        sense = profile.senses.get(self.sense)
        if sense is None or sense.layout != 'grid' or sense.footprint_mm is None:
            raise RepairError(
                f'expected the sense of {profile.name} in {FILE_NAME} to be a grid with '
                f'footprint_mm, got {self.sense!r}: change it'
            )
        channels = {
            self.channel,
            self.roughness_channel,
            *(repair.channel for repair in self.actions.values()),
        }
        for what, names, known in (
            ('channels', channels, sense.channel_names),
            ('actions', set(self.actions), profile.actions),
        ):
            if not names <= set(known):
                raise RepairError(
                    f'expected {what} of {profile.name} in {FILE_NAME} out of '
                    f'{", ".join(known)}, got {", ".join(sorted(names - set(known)))}: change it'
                )


class _Repairs(RootModel[dict[str, RepairConfig]]):
    pass


def load_repairs(profile: Profile, path: Path | None = None) -> RepairConfig | None:
    """Return what repairs need under a profile; `None`: the file does not name it.

    Args:
        profile: of the robot.
        path: of the file, if not `config/repair.yaml`.

    Raises:
        RepairError: the file cannot be used, or is not of this profile.
    """
    path = path or share_dir() / 'config' / FILE_NAME
    config = read_yaml(path, _Repairs, RepairError).root.get(profile.name)
    if config is not None:
        config.check(profile)
    return config
