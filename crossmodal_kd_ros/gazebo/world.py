# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Writes the world: one SDF file, and beside it a mesh and three pictures for each panel."""

import math
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from jinja2 import Environment, PackageLoader, StrictUndefined

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import whole_folder, write_text
from crossmodal_kd_ros.gazebo.layout import PANEL_CENTRES_M, four_panels
from crossmodal_kd_ros.gazebo.relief import write_relief
from crossmodal_kd_ros.simulation import MATERIALS, VIEW_MM
from crossmodal_kd_ros.simulation.touch import PAD_MM


@dataclass(frozen=True, kw_only=True)
class Gazebo:
    """One release of Gazebo and what it calls its own parts.

    Attributes:
        name: the release. `ros_distro`: the ROS 2 distribution it is paired with.
        library: first part of its plugins' file names. `namespace`: of their classes.
    """

    name: str
    ros_distro: str
    library: str = 'gz-sim'
    namespace: str = 'gz::sim'


GAZEBOS = {
    gazebo.name: gazebo
    for gazebo in (
        Gazebo(
            name='fortress',
            ros_distro='humble',
            library='ignition-gazebo',
            namespace='ignition::gazebo',
        ),
        Gazebo(name='harmonic', ros_distro='jazzy'),
        Gazebo(name='ionic', ros_distro='kilted'),
        Gazebo(name='jetty', ros_distro='lyrical'),
    )
}

_CAMERA_M = 0.06
# Its own weight bends the arm by 2 degrees and 9 mm; pressed on the wall with 3 N the pad tilts by
# less than 3.
_ARM = SimpleNamespace(
    x=PANEL_CENTRES_M[0][0],
    z=PANEL_CENTRES_M[0][1],
    tip_y=-0.002,
    tip_length=0.1,
    segment_length=0.07,
    tip_mass=0.06,
    segment_mass=0.02,
    stiffness=13.0,
    damping=0.3,
    pad_x=PAD_MM[0] / 1e3,
    pad_z=PAD_MM[1] / 1e3,
    camera_m=_CAMERA_M,
    # 480 rows show 64 mm of a wall that the pad touches, as in `simulation`; so 640 columns show
    # 85 mm.
    horizontal_fov=2.0 * math.atan(VIEW_MM / 1e3 * 640 / 480 / 2 / _CAMERA_M),
)


def write_world(out: Path, *, gazebo: str, seed: int = 0) -> Path:
    """Write the world into the folder `out`, 22 MB, and return its SDF file.

    It is the same for the same seed.

    Args:
        out: made if missing; files of an earlier world are replaced.
        gazebo: one of `GAZEBOS`.
        seed: of the four panels.

    Raises:
        ConfigurationError: there is no such Gazebo here.
        OutputError: the folder cannot be written.
    """
    text = sdf_text(gazebo, seed)
    with whole_folder(out) as folder:
        for panel in four_panels(seed):
            write_relief(panel, folder)
        write_text(folder / 'world.sdf', text)
    return out / 'world.sdf'


def sdf_text(gazebo: str, seed: int) -> str:
    """Return the world as SDF; it names the other files relative to itself.

    Raises:
        ConfigurationError: there is no such Gazebo here.
    """
    if gazebo not in GAZEBOS:
        raise ConfigurationError(f'expected a Gazebo out of {", ".join(GAZEBOS)}, got {gazebo!r}')
    environment = Environment(
        loader=PackageLoader('crossmodal_kd_ros.gazebo', '.'),
        undefined=StrictUndefined,
        autoescape=True,
    )
    panels = [{'name': name, 'x': x, 'z': z} for name, (x, z) in zip(MATERIALS, PANEL_CENTRES_M)]
    return (
        environment.get_template('world.sdf.j2').render(
            gazebo=GAZEBOS[gazebo], seed=seed, panels=panels, arm=_ARM
        )
        + '\n'
    )
