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
from crossmodal_kd_ros.nodes.transport import (
    DEFAULT_RMW,
    distro,
    profile_environment,
    profile_in_force,
    profile_variable,
    rmw,
)

_LIBRARIES = {
    'torch': 'torch',
    'numpy': 'numpy',
    'cv2': 'opencv-python-headless',
    'safetensors': 'safetensors',
}
# More than this share of the pictures must arrive; a busy machine alone loses a few.
_ENOUGH = 0.9


def ros(environ: Mapping[str, str]) -> Finding:
    """Look for a ROS 2 that Python can import."""
    if find_spec('rclpy') is None:
        return Finding(
            about='ROS 2',
            told='rclpy is not installed',
            level=Level.PROBLEM,
            remedy=(
                'source /opt/ros/<distribution>/setup.bash, or let `make demo` install the wheels in .venv'
            ),
        )
    launch = (
        'with launch'
        if find_spec('launch_ros')
        else 'without launch: crossmodal-kd run starts the nodes'
    )
    return Finding(
        about='ROS 2',
        told=f'{distro(environ) or "of an unknown name"} on {rmw(environ)}, {launch}',
    )


def libraries() -> Finding:
    """Look for what the networks and pictures need."""
    found, missing = [f'Python {platform.python_version()}'], []
    for module, distribution in _LIBRARIES.items():
        try:
            found.append(f'{module} {import_module(module).__version__}')
        except ImportError:
            missing.append(distribution)
    if missing:
        return Finding(
            about='libraries',
            told=f'missing: {", ".join(missing)}',
            level=Level.PROBLEM,
            remedy=f'pip install {" ".join(missing)}',
        )
    return Finding(about='libraries', told=', '.join(found))


def pictures(environ: Mapping[str, str], measured: Survival | MeasurementError) -> Finding:
    """Judge how many pictures got from one process to another in the environment `environ`."""
    profile = profile_in_force(environ)
    if isinstance(measured, MeasurementError):
        remedy = 'ip link set lo multicast on   # if it is discovery on this machine that fails'
        if rmw(environ) != DEFAULT_RMW:
            remedy = f'unset RMW_IMPLEMENTATION   # or install {rmw(environ)}'
        return Finding(
            about='pictures',
            told=f'could not be sent between two processes: {measured}',
            level=Level.PROBLEM,
            remedy=remedy,
        )
    told = (
        f'{measured.received} of {measured.sent} of 640x480 arrived in another process, best effort'
        + (f', median {measured.median_ms:.1f} ms' if measured.received else '')
    )
    if rmw(environ) == DEFAULT_RMW:
        told += f'; profile {profile}' if profile else '; no profile is set'
    if measured.received > _ENOUGH * measured.sent:
        return Finding(about='pictures', told=told)
    return Finding(
        about='pictures', told=told, level=Level.PROBLEM, remedy=_remedy(environ, profile)
    )


def weights(folder: Path, *, device: str) -> Finding:
    """Load both networks from `folder` and let them answer once."""
    from crossmodal_kd_ros.networks import WeightsError
    from crossmodal_kd_ros.runtime.torch_engine import TorchEngine

    try:
        engine = TorchEngine(folder, device=device)
    except WeightsError as error:
        return Finding(
            about='weights',
            told=str(error),
            level=Level.PROBLEM,
            remedy=(f'crossmodal-kd train --out {shlex.quote(str(folder))}'),
        )
    except ValueError as error:
        return Finding(
            about='weights',
            told=str(error),
            level=Level.PROBLEM,
            remedy='device: cpu in the parameter file',
        )
    return Finding(
        about='weights', told=f'{engine.name} load and agree with the contract ({folder})'
    )


def _remedy(environ: Mapping[str, str], profile: str) -> str:
    if rmw(environ) != DEFAULT_RMW:
        return f'let {rmw(environ)} pass messages of 1 MB: its manual says how; or export RMW_IMPLEMENTATION={DEFAULT_RMW}'
    if profile and not Path(profile).is_file():
        return f'{profile} does not exist: {_export(environ)}'
    if profile and profile_variable() not in environ:
        return f'this Fast DDS reads {profile_variable()} alone: export {profile_variable()}={shlex.quote(profile)}'
    if profile == profile_environment({})[profile_variable()]:
        return f'look again when this machine is less busy (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors)'
    if profile:
        return f'a segment_size of 16777216 in {profile}, or: {_export(environ)}'
    return f'{_export(environ)}   # here, and where the camera driver starts'


def _export(environ: Mapping[str, str]) -> str:
    unset = {name: value for name, value in environ.items() if name == 'RMW_IMPLEMENTATION'}
    ((name, value),) = profile_environment(unset).items()
    return f'export {name}={shlex.quote(value)}'
