# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""All checks, one after the other, so that none disturbs what another measures."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from crossmodal_kd_ros.doctor import machine
from crossmodal_kd_ros.doctor.finding import Finding, Level
from crossmodal_kd_ros.doctor.pictures import MeasurementError, measure
from crossmodal_kd_ros.files import share_dir


def examine(
    environ: Mapping[str, str], ros_args: Sequence[str], *, on_step: Callable[[str], None]
) -> list[Finding]:
    """Return what every check finds.

    Args:
        environ: the environment in which nodes would start.
        ros_args: what the maintenance node would get behind `--ros-args`.
        on_step: called with what is being done.
    """
    findings = [machine.ros(environ), machine.libraries()]
    if any(finding.level is Level.PROBLEM for finding in findings):
        return findings
    from crossmodal_kd_ros.doctor import topics  # it needs rclpy

    on_step('sending pictures from one process to another')
    try:
        measured = measure(environ)
    except MeasurementError as error:
        measured = error
    findings.append(machine.pictures(environ, measured))
    # rcl ends a process that loads it with such an environment
    if isinstance(measured, MeasurementError):
        return findings
    on_step('listening to the topics')
    of_topics, values = topics.examine(ros_args)
    if values:
        on_step('loading the weights')
        folder = Path(values['models_dir'] or share_dir() / 'models')
        findings.append(
            machine.weights(
                folder, values['profile'], engine=values['engine'], device=values['device']
            )
        )
    return findings + of_topics
