# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""All checks of the doctor, and those of what is installed: ROS 2, libraries, weights."""

import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from crossmodal_kd_ros.doctor import environment
from crossmodal_kd_ros.doctor.finding import Finding, Level, problem
from crossmodal_kd_ros.doctor.pictures import MeasurementError, measure
from crossmodal_kd_ros.errors import ConfigurationError, DeviceError, ExportError, WeightsError
from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.nodes.transport import distro, rmw
from crossmodal_kd_ros.profile import DEFAULT_PROFILE, load_profile

# What runs the networks: one of them is enough.
_ENGINES = {'onnxruntime': 'onnxruntime', 'openvino': 'openvino', 'torch': 'torch'}
_LIBRARIES = {'numpy': 'numpy', 'cv2': 'opencv-python-headless', 'safetensors': 'safetensors'}


def examine(
    environ: Mapping[str, str], ros_args: Sequence[str], *, on_step: Callable[[str], None]
) -> list[Finding]:
    """Return what every check finds.

    Args:
        environ: the environment in which nodes would start.
        ros_args: what the maintenance node would get behind `--ros-args`.
        on_step: called with what is being done.
    """
    findings: list[Finding] = []

    def has_problem(*found: Finding | None) -> bool:
        findings.extend(one for one in found if one is not None)
        return any(one.level is Level.PROBLEM for one in findings)

    # What comes after a problem that is found here would only follow from it.
    if has_problem(ros(environ), libraries()):
        return findings
    if has_problem(
        environment.logs(environ),
        environment.shared_memory(environ),
        environment.discovery(environ),
    ):
        return findings
    on_step('sending pictures from one process to another')
    try:
        measured = measure(environ)
    except MeasurementError as error:
        measured = error
    findings.append(environment.pictures(environ, measured))
    if isinstance(measured, MeasurementError):
        return findings
    # rclpy ends a process that has another middleware than is installed: only now.
    from crossmodal_kd_ros.doctor import node

    on_step('listening to the topics')
    of_node, values = node.examine(ros_args)
    if values:
        on_step('loading the weights')
        folder = Path(values['models_dir'] or share_dir() / 'models')
        findings.append(
            weights(folder, values['profile'], engine=values['engine'], device=values['device'])
        )
    return findings + of_node


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
    installed, broken = [f'Python {platform.python_version()}'], {}
    engines = {module: name for module, name in _ENGINES.items() if find_spec(module)}
    for module, distribution in (_LIBRARIES | engines).items():
        try:
            installed.append(f'{module} {import_module(module).__version__}')
        except Exception as error:  # noqa: BLE001  a library that is damaged raises anything
            broken[distribution] = str(error).splitlines()[0] if str(error) else repr(error)
    if broken:
        result = '; '.join(f'{name} cannot be used: {why}' for name, why in broken.items())
        pip = f'{shlex.quote(sys.executable)} -m pip'
        return problem(
            'libraries', result, f'{pip} install --force-reinstall --no-deps {" ".join(broken)}'
        )
    return Finding(subject='libraries', result=', '.join(installed))


def weights(folder: Path, profile_name: str, *, engine: str, device: str) -> Finding:
    """Load both networks from `folder`, and their calibration, for a robot of a profile.

    The profile is given by its name or path.
    """
    from crossmodal_kd_ros.calibration.model import FILE_NAME, CalibrationError, load_calibration

    # It imports what runs the networks.
    from crossmodal_kd_ros.runtime.engine import make_engine

    profile, at = load_profile(profile_name), shlex.quote(str(folder))
    # Which alone has a simulator. SET: recordings of this robot.
    is_simulated = profile_name == DEFAULT_PROFILE
    data = '' if is_simulated else ' --data SET'
    try:
        made = make_engine(engine, folder, profile, device=device)
        load_calibration(folder, profile)
    except ExportError as error:
        return problem('weights', str(error), f'crossmodal-kd export --models {at}{data}')
    except WeightsError as error:
        remedy = f'crossmodal-kd train --out {at}'
        if not is_simulated:
            remedy = (
                'crossmodal-kd train --data SET --out FOLDER   # SET: recordings of this robot, '
                'docs/bags.md; then models_dir: FOLDER in the parameter file'
            )
        return problem('weights', str(error), remedy)
    except CalibrationError as error:
        remedy = (
            f'crossmodal-kd calibrate --models {at}{data}   # or do without: rm {at}/{FILE_NAME}'
        )
        return problem('weights', str(error), remedy)
    except DeviceError as error:
        return problem('weights', str(error), 'device: cpu in the parameter file')
    except ConfigurationError as error:
        return problem('weights', str(error), 'engine: auto in the parameter file')
    return Finding(
        subject='weights',
        result=(
            f'{made.weights} run by {made.kind} and fit the profile {profile.name} ({folder})'
        ),
    )
