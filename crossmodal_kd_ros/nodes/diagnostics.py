# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a technician reads on `/diagnostics`."""

from collections import deque
from collections.abc import Mapping

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from crossmodal_kd_ros.health.sensor import SensorReport
from crossmodal_kd_ros.profile import CAMERA, Mode
from crossmodal_kd_ros.runtime import PipelineReport, say

_MODE_LEVELS = {Mode.TEACHER: DiagnosticStatus.OK, Mode.HOLD: DiagnosticStatus.ERROR}


class LatencyWindow:
    """The latencies of the last 300 answers: ten seconds of a 30 Hz camera."""

    def __init__(self) -> None:
        """Start empty."""
        self._latencies_s: deque[float] = deque(maxlen=300)

    def add(self, latency_s: float) -> None:
        """Note one latency, seconds."""
        self._latencies_s.append(latency_s)

    def percentiles_ms(self, *percents: float) -> tuple[float, ...] | None:
        """Return a percentile for each of `percents` (0 to 100), ms; `None` before any answer."""
        # A copy first: another thread may add while NumPy reads.
        latencies_s = list(self._latencies_s)
        if not latencies_s:
            return None
        return tuple(float(value) * 1e3 for value in np.percentile(latencies_s, percents))


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
            'ood_score': f'{report.ood_score:.2f}',
        },
    )
    return DiagnosticArray(
        header=Header(stamp=stamp),
        status=[decision, *(_sensor(node, sensor) for sensor in report.sensors)],
    )


def _sensor(node: str, report: SensorReport) -> DiagnosticStatus:
    # Without the camera nothing is decided; without another sense somebody still decides.
    failed = DiagnosticStatus.ERROR if report.sensor == CAMERA else DiagnosticStatus.WARN
    working = DiagnosticStatus.WARN if report.remarks else DiagnosticStatus.OK
    reason, remark = say(*report.reasons), say(*report.remarks)
    rejection = report.last_rejection
    return _status(
        f'{node}: {report.sensor}',
        working if report.healthy else failed,
        remark or reason,
        {
            'age_s': '' if report.age_s is None else f'{report.age_s:.3f}',
            'rate_hz': f'{report.rate_hz:.1f}',
            'health': 'healthy' if report.healthy else 'lost',
            'reason': reason,
            'remark': remark,
            'received': str(report.received),
            'rejected': str(report.rejected),
            'last_rejection': '' if rejection is None else say(rejection),
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
