# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a technician reads on `/diagnostics`."""

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from crossmodal_kd_ros.health.reasons import join
from crossmodal_kd_ros.health.sensor import SLOW, SensorReport
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
    rivals: Sequence[str],
    topics: Mapping[str, Sequence[str]],
) -> DiagnosticArray:
    """Return one status for the node, one for each sensor and one for each topic it listens to.

    Args:
        report: what the pipeline says of itself.
        stamp: time of the report.
        node: full name of the node; its status and those of its sensors start with it, so that
            two namespaces differ.
        model: which weights are in use.
        latency_ms: 50th and 99th percentile from image stamp to answer, milliseconds; `None`
            before the first answer.
        rivals: full names of other nodes that publish the same answers.
        topics: full name of each topic the node listens to, with the sensors read from it.
    """
    level = _MODE_LEVELS.get(report.mode, DiagnosticStatus.WARN)
    message = f'{report.mode}: {report.reason}'
    if rivals:
        level = max(level, DiagnosticStatus.WARN)
        message += f'; {join(rivals)} publishes actions too: end one of them'
    p50, p99 = ('', '') if latency_ms is None else (f'{value:.2f}' for value in latency_ms)
    decision = _status(
        f'{node}: mode',
        level,
        message,
        {
            'mode': str(report.mode),
            'reason': report.reason,
            'model': model,
            'other_nodes': ', '.join(rivals),
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
        status=[
            decision,
            *(_sensor(node, sensor) for sensor in report.sensors),
            *(
                _topic(name, [each for each in report.sensors if each.sensor in sensors])
                for name, sensors in topics.items()
            ),
        ],
    )


def _sensor(node: str, report: SensorReport) -> DiagnosticStatus:
    reason, remark = say(*report.reasons), say(*report.remarks)
    rejection = report.last_rejection
    return _status(
        f'{node}: {report.sensor}',
        _level(report),
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


def _topic(name: str, reports: Sequence[SensorReport]) -> DiagnosticStatus:
    """Return the status of a topic, named and keyed as NVIDIA's greenwave_monitor reads it.

    Its dashboard takes a status for that of the topic whose full name it has. Senses that share a
    topic share its messages; the worst of them speaks.
    """
    report = max(reports, key=_level)
    delay_ms = 'N/A' if report.delay_s is None else f'{1e3 * report.delay_s:.3f}'
    return _status(
        name,
        _level(report),
        say(*report.remarks) or say(*report.reasons),
        {
            'frame_rate_node': f'{report.arrival_rate_hz:.3f}',
            'frame_rate_msg': f'{report.rate_hz:.3f}',
            'current_delay_from_realtime_ms': delay_ms,
            'expected_frequency': f'{report.expected_rate_hz:.3f}',
            'tolerance': f'{100.0 * (1.0 - SLOW):.0f}',  # percent
        },
    )


def _level(report: SensorReport) -> bytes:
    if report.healthy:
        return DiagnosticStatus.WARN if report.remarks else DiagnosticStatus.OK
    # Without the camera nothing is decided; without another sense somebody still decides.
    return DiagnosticStatus.ERROR if report.sensor == CAMERA else DiagnosticStatus.WARN


def _status(name: str, level: bytes, message: str, values: Mapping[str, str]) -> DiagnosticStatus:
    return DiagnosticStatus(
        name=name,
        level=level,
        message=message,
        hardware_id='',
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
