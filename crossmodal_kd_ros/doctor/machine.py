# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is installed, whether pictures get through, and whether the weights fit."""

import os
import platform
import shlex
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from crossmodal_kd_ros.doctor.finding import Finding, Level
from crossmodal_kd_ros.doctor.pictures import MeasurementError, Survival
from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.nodes.transport import (
    DEFAULT_RMW,
    distro,
    profile_environment,
    profile_in_force,
    profile_variable,
    rmw,
)
from crossmodal_kd_ros.profile import DEFAULT_PROFILE, load_profile

_LIBRARIES = {
    'torch': 'torch',
    'numpy': 'numpy',
    'cv2': 'opencv-python-headless',
    'safetensors': 'safetensors',
}
# More than this share of the pictures must arrive; a busy machine alone loses a few.
_MIN_SHARE = 0.9


def ros(environ: Mapping[str, str]) -> Finding:
    """Look for a ROS 2 that Python can import."""
    if find_spec('rclpy') is None:
        return Finding(
            subject='ROS 2',
            result='rclpy is not installed',
            level=Level.PROBLEM,
            remedy='source /opt/ros/<distribution>/setup.bash, or let `make demo` install the '
            'wheels in .venv',
        )
    launch = (
        'with launch'
        if find_spec('launch_ros')
        else 'without launch: crossmodal-kd run starts the nodes'
    )
    return Finding(
        subject='ROS 2',
        result=f'{distro(environ) or "of an unknown name"} on {rmw(environ)}, {launch}',
    )


def libraries() -> Finding:
    """Look for what the networks and pictures need."""
    installed, missing = [f'Python {platform.python_version()}'], []
    for module, distribution in _LIBRARIES.items():
        try:
            installed.append(f'{module} {import_module(module).__version__}')
        except ImportError:
            missing.append(distribution)
    if missing:
        return Finding(
            subject='libraries',
            result=f'missing: {", ".join(missing)}',
            level=Level.PROBLEM,
            remedy=f'pip install {" ".join(missing)}',
        )
    return Finding(subject='libraries', result=', '.join(installed))


def pictures(environ: Mapping[str, str], measured: Survival | MeasurementError) -> Finding:
    """Judge how many pictures got from one process to another in the environment `environ`."""
    profile = profile_in_force(environ)
    if isinstance(measured, MeasurementError):
        remedy = 'ip link set lo multicast on   # if it is discovery on this machine that fails'
        if rmw(environ) != DEFAULT_RMW:
            remedy = f'unset RMW_IMPLEMENTATION   # or install {rmw(environ)}'
        return Finding(
            subject='pictures',
            result=f'could not be sent between two processes: {measured}',
            level=Level.PROBLEM,
            remedy=remedy,
        )
    result = (
        f'{measured.received} of {measured.sent} of 640x480 arrived in another process, '
        'best effort' + (f', median {measured.median_ms:.1f} ms' if measured.received else '')
    )
    if rmw(environ) == DEFAULT_RMW:
        result += f'; profile {profile}' if profile else '; no profile is set'
    if measured.received > _MIN_SHARE * measured.sent:
        return Finding(subject='pictures', result=result)
    return Finding(
        subject='pictures', result=result, level=Level.PROBLEM, remedy=_remedy(environ, profile)
    )


def weights(folder: Path, profile_name: str, *, engine: str, device: str) -> Finding:
    """Load both networks from `folder` for a robot of a profile, given by its name or path."""
    # It imports what runs the networks.
    from crossmodal_kd_ros.networks import WeightsError
    from crossmodal_kd_ros.runtime.engine import make_engine

    profile = load_profile(profile_name)
    try:
        name = make_engine(engine, folder, profile, device=device).name
    except WeightsError as error:
        options = f'--profile {shlex.quote(profile_name)} ' * (profile_name != DEFAULT_PROFILE)
        return Finding(
            subject='weights',
            result=str(error),
            level=Level.PROBLEM,
            remedy=f'crossmodal-kd train {options}--out {shlex.quote(str(folder))}',
        )
    except ConfigurationError as error:
        return Finding(
            subject='weights',
            result=str(error),
            level=Level.PROBLEM,
            remedy='device: cpu in the parameter file',
        )
    return Finding(
        subject='weights', result=f'{name} load and fit the profile {profile.name} ({folder})'
    )


def _remedy(environ: Mapping[str, str], profile: str) -> str:
    if rmw(environ) != DEFAULT_RMW:
        return (
            f'let {rmw(environ)} pass messages of 1 MB: its manual says how; '
            f'or export RMW_IMPLEMENTATION={DEFAULT_RMW}'
        )
    if profile and not Path(profile).is_file():
        return f'{profile} does not exist: {_export(environ)}'
    if profile and profile_variable() not in environ:
        return (
            f'this Fast DDS reads {profile_variable()} alone: '
            f'export {profile_variable()}={shlex.quote(profile)}'
        )
    if profile == profile_environment({})[profile_variable()]:
        return (
            f'look again when this machine is less busy (load {os.getloadavg()[0]:.1f} on '
            f'{os.cpu_count()} processors)'
        )
    if profile:
        return f'a segment_size of 16777216 in {profile}, or: {_export(environ)}'
    return f'{_export(environ)}   # here, and where the camera driver starts'


def _export(environ: Mapping[str, str]) -> str:
    unset = {name: value for name, value in environ.items() if name == 'RMW_IMPLEMENTATION'}
    ((name, value),) = profile_environment(unset).items()
    return f'export {name}={shlex.quote(value)}'
