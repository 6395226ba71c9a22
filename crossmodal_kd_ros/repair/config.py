# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The form of `config/repair.yaml`: each number with its source, or why it is assumed."""

from collections.abc import Collection
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


class PositiveConstant(Constant):
    """One that is not 0."""

    value: Annotated[float, Field(strict=True, gt=0.0)]


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

    presses_back: bool = False
    """Whether a layer that has come off has to be bent back over its gap too."""

    max_pressure_kpa: PositiveConstant
    """What the tool may give, whatever the ground bears."""


class Material(_Strict):
    """What a wall may be made of."""

    young_modulus_mpa: PositiveConstant
    poisson_ratio: Constant

    collapse_strain: PositiveConstant
    """Stress that crushes it, in parts of its Young's modulus."""

    layer_mm: PositiveConstant
    """Thickness of what can come off."""

    modulus_log_std: Constant
    """Standard deviation of the logarithm of Young's modulus, from place to place."""

    @model_validator(mode='after')
    def _is_a_solid(self) -> 'Material':
        if self.poisson_ratio.value > 0.5:
            raise ValueError(
                f'expected a poisson_ratio of at most 0.5, got {self.poisson_ratio.value}: give '
                'that of the material'
            )
        return self


class RepairConfig(_Strict):
    """What repairs need of one robot and its wall."""

    sense: str
    """A grid with a footprint in the view."""

    channel: str
    """How far its pins reach, mm."""

    roughness_channel: str
    """RMS roughness of the ground, um."""

    pin_force_n: PositiveConstant
    """With which a pin presses, N."""

    tip_radius_mm: PositiveConstant
    """Of a pin, mm."""

    materials: dict[str, Material] = Field(min_length=1)
    """What the wall may be made of; all are as likely before anything is felt."""

    blister_radius_mm: PositiveConstant
    """Of where a layer has come off, mm."""

    blister_gap_mm: Constant
    """Behind a layer that has come off, mm."""

    loose_share: Constant
    """Places where the layer has come off, 0 to 1, before anything is felt."""

    loose_from: Constant
    """How far it has come off there under the upper quarter of the pins at least, 0 to 1."""

    standoff_mm: Constant
    """What the pins reach on a smooth rigid ground, mm."""

    peaks_per_roughness: Constant
    """How much more on a rough one, in RMS roughnesses: the frame stands on its peaks."""

    roughness_error: Constant
    """By what part the roughness that is felt is off: standard deviation."""

    drift_mm: PositiveConstant
    """Standard deviation of what all pins are off by alike, mm."""

    safety: PositiveConstant
    """Part of the crushing stress that is used, above 0, to 1."""

    negligible: Constant
    """Probability under which a material is left out, 0 to 1."""

    max_deviation: Constant
    """Standard deviations from what any ground of the wall would give, to press on it."""

    max_gentler: Constant
    """Part of the pressure that uncertainty may take before a person is asked, 0 to 1."""

    max_tilt_deg: Constant
    """Largest angle between approach and view, degrees."""

    tool_width_mm: PositiveConstant
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
        if min(sense.shape[1:]) < 2:
            rows, columns = sense.shape[1:]
            raise RepairError(
                f'expected the sense {sense.name} of {profile.name} in {FILE_NAME} to have at '
                f'least 2 rows and 2 columns, got {rows} and {columns}, through which no plane '
                'can be laid: name another sense, or take the profile out'
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

    def for_wall(self, materials: Collection[str]) -> 'RepairConfig':
        """Return what repairs need of a wall of these materials alone; none given: of all.

        Raises:
            RepairError: the file has no such material.
        """
        if not set(materials) <= set(self.materials):
            raise RepairError(
                f'expected materials out of {", ".join(self.materials)}, got '
                f'{", ".join(materials)}: add them to {FILE_NAME}'
            )
        kept = {name: one for name, one in self.materials.items() if name in materials}
        return self.model_copy(update={'materials': kept}) if materials else self


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
