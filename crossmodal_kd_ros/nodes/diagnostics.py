# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a technician reads on `/diagnostics`."""

from collections.abc import Mapping

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from crossmodal_kd_ros.contract import Mode
from crossmodal_kd_ros.runtime import PipelineReport, SensorReport

_MODE_LEVELS = {Mode.TEACHER: DiagnosticStatus.OK, Mode.HOLD: DiagnosticStatus.ERROR}


def diagnostics(
    report: PipelineReport,
    *,
    stamp: Time,
    node: str,
    model: str,
    latency_ms: tuple[float, ...] | None,
) -> DiagnosticArray:
    """Return one status for the node and one for each sensor.

    Args:
        report: what the pipeline says of itself.
        stamp: time of the report.
        node: full name of the node; each status starts with it, so that two namespaces differ.
        model: which weights are in use.
        latency_ms: 50th and 99th percentile from image stamp to answer, milliseconds; `None`
            before the first answer.
    """
    p50, p99 = ('', '') if latency_ms is None else (f'{value:.1f}' for value in latency_ms)
    decision = _status(
        f'{node}: mode',
        _MODE_LEVELS.get(report.mode, DiagnosticStatus.WARN),
        f'{report.mode}: {report.reason}',
        {
            'mode': str(report.mode),
            'reason': report.reason,
            'model': model,
            'latency_p50_ms': p50,
            'latency_p99_ms': p99,
            'answered_frames': str(report.answered),
            'dropped_frames': str(report.superseded),
            'clock_jumps': str(report.clock_jumps),
            'unfamiliar': f'{report.doubt:.2f}',
        },
    )
    return DiagnosticArray(
        header=Header(stamp=stamp),
        status=[decision, *(_sensor(node, sensor) for sensor in report.sensors)],
    )


def _sensor(node: str, report: SensorReport) -> DiagnosticStatus:
    # Without the camera nothing is decided; without another sense somebody still decides.
    failed = DiagnosticStatus.ERROR if report.sensor == 'camera' else DiagnosticStatus.WARN
    health = report.health
    working = DiagnosticStatus.WARN if health.remark else DiagnosticStatus.OK
    return _status(
        f'{node}: {report.sensor}',
        working if health.healthy else failed,
        health.remark or health.reason,
        {
            'age_s': '' if report.age_s is None else f'{report.age_s:.3f}',
            'rate_hz': f'{report.rate_hz:.1f}',
            'health': 'healthy' if health.healthy else 'lost',
            'reason': health.reason,
            'remark': health.remark,
            'received': str(report.received),
            'rejected': str(report.rejected),
            'last_rejection': report.last_rejection,
        },
    )


def _status(name: str, level: bytes, message: str, values: Mapping[str, str]) -> DiagnosticStatus:
    return DiagnosticStatus(
        name=name,
        level=level,
        message=message,
        hardware_id='',
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
