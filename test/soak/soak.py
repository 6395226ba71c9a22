# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Ten minutes at 60 Hz of camera and 200 Hz of touch, with another fault every 5 s.

    python test/soak/soak.py

The maintenance node must not crash, its resident memory in the last half must stay within 2 % of
the middle, and its threads and file handles must not grow. Prints what it found as JSON; exit code
1 if any of this fails.
"""

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path

import numpy as np

from crossmodal_kd_ros.demo.processes import (
    NodeProcess,
    free_domain_id,
    private_environment,
    stop_all,
)
from crossmodal_kd_ros.files import share_dir

_EVERY_S = 5.0
# Time in which caches, pools and the first panels are made.
_WARM_UP_S = 30.0
_MAX_GROWTH = 0.02
_PATIENCE_S = 120.0
_SIMULATOR = [
    '-p',
    'camera_hz:=60.0',
    '-p',
    'touch_hz:=200.0',
    '-p',
    'width:=320',
    '-p',
    'height:=240',
]


def main() -> int:
    """Run the soak; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--minutes', type=float, default=10.0)
    parser.add_argument('--models', type=Path, default=share_dir() / 'models')
    parser.add_argument('--log', type=Path, default=Path('out/soak'))
    given = parser.parse_args()
    os.environ.update(private_environment(os.environ, free_domain_id(os.environ)))
    given.log.mkdir(parents=True, exist_ok=True)
    arguments = {
        'maintenance_node': ['-p', f'models_dir:={given.models.resolve()}'],
        'simulator_node': _SIMULATOR,
    }
    processes = [
        NodeProcess(name, ros_args, environ=os.environ, log=given.log / f'{name}.log')
        for name, ros_args in arguments.items()
    ]
    try:
        samples, faults = soak(processes, 60.0 * given.minutes)
        # Whoever died has an exit code by now; the others get theirs from the signal below.
        died = [process.name for process in processes if process.exit_code is not None]
    finally:
        stop_all(processes)
    result = judge(samples) | {
        'faults': faults,
        'died': died,
        'exit_codes': {process.name: process.exit_code for process in processes},
        'complaints': complaints(given.log / 'maintenance_node.log'),
    }
    result['passed'] = (
        result['passed']
        and not died
        and not any(result['exit_codes'].values())
        and not result['complaints']
    )
    print(json.dumps(result, indent=2))
    return 0 if result['passed'] else 1


def soak(processes: list[NodeProcess], duration_s: float) -> tuple[list[dict[str, float]], int]:
    """Break a sensor every 5 s until `duration_s` is over.

    Returns what /proc says of the maintenance node, and how many faults were injected. The time
    runs from the first decision on: a busy machine may take half a minute to load the networks.
    """
    import rclpy
    from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
    from rcl_interfaces.srv import SetParameters
    from std_msgs.msg import String

    from crossmodal_kd_ros.nodes.qos import qos_profile
    from crossmodal_kd_ros.runtime.topics import MODE
    from crossmodal_kd_ros.simulation import PROFILE, kinds_of

    rclpy.init()
    node = rclpy.create_node('soak')
    client = node.create_client(SetParameters, 'simulator_node/set_parameters')
    modes: list[str] = []
    node.create_subscription(
        String, MODE.name, lambda message: modes.append(message.data), qos_profile(MODE.qos)
    )
    rng, samples, faults = random.Random(0), [], 0
    try:
        if not client.wait_for_service(_PATIENCE_S):
            raise SystemExit(
                f'expected the simulator node to answer within {_PATIENCE_S:.0f} s, waited in '
                'vain: see its log'
            )
        end_s = time.monotonic() + _PATIENCE_S
        while 'TEACHER' not in modes:
            rclpy.spin_once(node, timeout_sec=0.1)
            if time.monotonic() > end_s:
                raise SystemExit(
                    f'expected a decision of the teacher within {_PATIENCE_S:.0f} s, got {modes}: '
                    'see its log'
                )
        start_s = time.monotonic()
        while time.monotonic() - start_s < duration_s and all(
            process.exit_code is None for process in processes
        ):
            sensor = rng.choice(PROFILE.sensors)
            text = (
                f'{sensor}:0-{rng.uniform(1.0, 4.5):.1f}:{rng.choice(kinds_of(sensor))}:'
                f'{rng.choice((0.25, 0.5, 1.0))}'
            )
            value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=text)
            future = client.call_async(
                SetParameters.Request(parameters=[Parameter(name='faults', value=value)])
            )
            rclpy.spin_until_future_complete(node, future, timeout_sec=_EVERY_S)
            faults += bool(future.done() and future.result().results[0].successful)
            time.sleep(_EVERY_S)
            samples.append({'t_s': time.monotonic() - start_s, **resources(processes[0].pid)})
    finally:
        node.destroy_node()
        rclpy.shutdown()
    return samples, faults


def resources(pid: int) -> dict[str, float]:
    """Return resident memory (MB), threads and file handles of a process; empty: it is gone."""
    try:
        status = dict(
            line.split(':', 1) for line in Path(f'/proc/{pid}/status').read_text().splitlines()
        )
        return {
            'rss_mb': int(status['VmRSS'].split()[0]) / 1024,
            'threads': int(status['Threads']),
            'handles': len(os.listdir(f'/proc/{pid}/fd')),
        }
    except (OSError, KeyError):
        return {}


def judge(samples: list[dict[str, float]]) -> dict[str, object]:
    """Compare the last half with the middle of the run, each after the warm-up."""
    settled = [sample for sample in samples if 'rss_mb' in sample and sample['t_s'] >= _WARM_UP_S]
    if len(settled) < 6:
        return {
            'passed': False,
            'why': f'expected at least 6 samples after {_WARM_UP_S:.0f} s, got {len(settled)}',
        }
    rss = np.array([sample['rss_mb'] for sample in settled])
    middle = float(np.median(rss[len(rss) * 2 // 5 : len(rss) * 3 // 5]))
    growth = float(np.abs(rss[len(rss) // 2 :] / middle - 1.0).max())
    counts = {
        name: sorted({int(sample[name]) for sample in settled}) for name in ('threads', 'handles')
    }
    return {
        'passed': growth <= _MAX_GROWTH and all(len(values) == 1 for values in counts.values()),
        'minutes': round(samples[-1]['t_s'] / 60.0, 2),
        'rss_mb_middle': round(middle, 1),
        'rss_largest_difference': round(growth, 4),
        **counts,
    }


def complaints(log: Path) -> list[str]:
    """Return the lines of a log that no soak should bring."""
    return [
        line
        for line in log.read_text(errors='replace').splitlines()
        if any(word in line for word in ('[ERROR]', '[FATAL]', 'Traceback', 'terminate', 'abort'))
    ][:10]


if __name__ == '__main__':
    sys.exit(main())
