# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""All checks of the doctor, and those of the machine: what is installed, pictures, weights."""

import os
import platform
import shlex
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from crossmodal_kd_ros.doctor.finding import Finding, Level, problem
from crossmodal_kd_ros.doctor.pictures import MeasurementError, Survival, measure
from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import share_dir
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


def examine(
    environ: Mapping[str, str], ros_args: Sequence[str], *, on_step: Callable[[str], None]
) -> list[Finding]:
    """Return what every check finds.

    Args:
        environ: the environment in which nodes would start.
        ros_args: what the maintenance node would get behind `--ros-args`.
        on_step: called with what is being done.
    """
    findings = [ros(environ), libraries()]
    if any(finding.level is Level.PROBLEM for finding in findings):
        return findings
    from crossmodal_kd_ros.doctor import topics  # it needs rclpy

    on_step('sending pictures from one process to another')
    try:
        measured = measure(environ)
    except MeasurementError as error:
        measured = error
    findings.append(pictures(environ, measured))
    # rcl ends a process that loads it with such an environment
    if isinstance(measured, MeasurementError):
        return findings
    on_step('listening to the topics')
    of_topics, values = topics.examine(ros_args)
    if values:
        on_step('loading the weights')
        folder = Path(values['models_dir'] or share_dir() / 'models')
        findings.append(
            weights(folder, values['profile'], engine=values['engine'], device=values['device'])
        )
    return findings + of_topics


def ros(environ: Mapping[str, str]) -> Finding:
    """Look for a ROS 2 that Python can import."""
    if find_spec('rclpy') is None:
        return problem(
            'ROS 2',
            'rclpy is not installed',
            'source /opt/ros/<distribution>/setup.bash, or let `make demo` install the wheels in '
            '.venv',
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
        return problem(
            'libraries', f'missing: {", ".join(missing)}', f'pip install {" ".join(missing)}'
        )
    return Finding(subject='libraries', result=', '.join(installed))


def pictures(environ: Mapping[str, str], measured: Survival | MeasurementError) -> Finding:
    """Judge how many pictures got from one process to another in the environment `environ`."""
    profile = profile_in_force(environ)
    if isinstance(measured, MeasurementError):
        remedy = 'ip link set lo multicast on   # if it is discovery on this machine that fails'
        if rmw(environ) != DEFAULT_RMW:
            remedy = f'unset RMW_IMPLEMENTATION   # or install {rmw(environ)}'
        return problem('pictures', f'could not be sent between two processes: {measured}', remedy)
    result = (
        f'{measured.received} of {measured.sent} of 640x480 arrived in another process, '
        'best effort' + (f', median {measured.median_ms:.1f} ms' if measured.received else '')
    )
    if rmw(environ) == DEFAULT_RMW:
        result += f'; profile {profile}' if profile else '; no profile is set'
    if measured.received > _MIN_SHARE * measured.sent:
        return Finding(subject='pictures', result=result)
    return problem('pictures', result, _remedy(environ, profile))


def weights(folder: Path, profile_name: str, *, engine: str, device: str) -> Finding:
    """Load both networks from `folder` for a robot of a profile, given by its name or path."""
    # It imports what runs the networks.
    from crossmodal_kd_ros.networks import WeightsError
    from crossmodal_kd_ros.runtime.engine import make_engine

    profile = load_profile(profile_name)
    try:
        name = make_engine(engine, folder, profile, device=device).name
    except WeightsError as error:
        remedy = f'crossmodal-kd train --out {shlex.quote(str(folder))}'
        if profile_name != DEFAULT_PROFILE:  # which alone has a simulator
            remedy = (
                'crossmodal-kd train --data SET --out FOLDER   # SET: recordings of this robot, '
                'docs/bags.md; then models_dir: FOLDER in the parameter file'
            )
        return problem('weights', str(error), remedy)
    except ConfigurationError as error:
        return problem('weights', str(error), 'device: cpu in the parameter file')
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
