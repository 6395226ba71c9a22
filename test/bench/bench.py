# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How fast the package is, beside the least that would do and beside what the article does.

    python test/bench/bench.py                     every part, in a quarter of an hour
    python test/bench/bench.py node engines        some of them
    python test/bench/bench.py --quick             all of it in small, to see that it works
    python test/bench/bench.py --docs docs         and docs/performance.md

The machine must have nothing else to do. Parts that were measured before, and are not measured
now, stay in `summary.json`, with the commit that they were measured at.
"""

import argparse
import json
import os
import platform
import shlex
import sys
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PARTS = ('node', 'engines', 'preparation', 'training', 'simulation', 'replay', 'growth')
_PACKAGES = {
    'torch': 'torch',
    'ONNX Runtime': 'onnxruntime',
    'OpenVINO': 'openvino',
    'OpenCV': 'opencv-python-headless',
    'numpy': 'numpy',
    'rclpy': 'rclpy',
    'rosbags': 'rosbags',
}
# A table has up to ten columns.
_WIDTH = 132


def main() -> int:
    """Measure, show and write; return the exit code."""
    given = _arguments()
    from measure import IDLE_LOAD, Bench
    from page import print_part, write_markdown, write_report
    from rich.console import Console

    from crossmodal_kd_ros.benchmark.card import commit
    from crossmodal_kd_ros.files import write_json

    console = Console(highlight=False, width=max(_WIDTH, Console().width))
    given.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        out=given.out.resolve(),
        models=given.models.resolve(),
        quick=given.quick,
        before=given.before and given.before.resolve(),
        say=lambda line: console.print(f'  {line}', style='dim'),
    )
    load = round(os.getloadavg()[0], 2)
    if load > IDLE_LOAD:
        console.print(f'this machine is busy (load {load:.1f}): figures will be worse than it is')
    path = given.out / 'summary.json'
    summary = {
        'quick': given.quick,
        'command': shlex.join(['python', 'test/bench/bench.py', *sys.argv[1:]]),
        'made': time.strftime('%d %B %Y').lstrip('0'),
        'commit': commit(),
        'machine': machine(),
        'versions': _versions(),
        'parts': _measured_before(path, quick=given.quick),
    }
    failed: list[str] = []
    for name in given.parts:
        console.rule(name)
        start_s = time.monotonic()
        try:
            part = import_module(f'parts.{name}').run(bench).as_json()
        except RuntimeError as error:
            console.out(f'{name} could not be measured: {error}', highlight=False)
            failed.append(name)
            continue
        took_s = round(time.monotonic() - start_s, 1)
        part |= {'commit': summary['commit'], 'took_s': took_s, 'load_before': load}
        summary['parts'] = {
            each: part if each == name else summary['parts'][each]
            for each in PARTS
            if each == name or each in summary['parts']
        }
        print_part(part, console)
        write_json(path, summary)
        write_report(given.out / 'report.html', summary)
        write_markdown(given.out / 'performance.md', summary)
    if summary['parts']:
        console.out(f'\nreport: {given.out / "report.html"}\nfigures: {path}', highlight=False)
    if given.docs is None or failed:
        return 1 if failed else 0
    missing = [name for name in PARTS if name not in summary['parts']]
    if given.quick or missing:
        why = f'{", ".join(missing)} is missing' if missing else 'of a quick one none counts'
        console.out(
            f'expected a whole benchmark for {given.docs}, {why}: run it without --quick',
            highlight=False,
        )
        return 1
    write_markdown(given.docs / 'performance.md', summary)
    return 0


def machine() -> dict[str, Any]:
    """Return what this machine is."""
    from measure import cores

    info = Path('/proc/cpuinfo').read_text().splitlines()
    names = [line.partition(':')[2].strip() for line in info if line.startswith('model name')]
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return {
        'processor': names[0] if names else platform.machine(),
        'cores': cores(),
        'memory_gib': round(memory),
        'system': f'Linux {platform.release()}, Python {platform.python_version()}',
    }


def _arguments() -> argparse.Namespace:
    from child import ROOT

    from crossmodal_kd_ros.files import share_dir

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('parts', nargs='*', help=f'out of {", ".join(PARTS)}; none: all')
    parser.add_argument('--quick', action='store_true', help='in small; no figure counts')
    parser.add_argument('--out', type=Path, default=ROOT / 'out' / 'bench')
    parser.add_argument('--models', type=Path, default=share_dir() / 'models')
    parser.add_argument(
        '--before', type=Path, metavar='DIR', help='an older checkout: its node and replay as well'
    )
    parser.add_argument('--docs', type=Path, metavar='DIR', help='write performance.md there too')
    given = parser.parse_args()
    unknown = [name for name in given.parts if name not in PARTS]
    if unknown:
        parser.error(f'expected parts out of {", ".join(PARTS)}, got {", ".join(unknown)}')
    if given.before is not None and not (given.before / 'crossmodal_kd_ros').is_dir():
        parser.error(f'expected a checkout of this repository, got {given.before}')
    given.parts = given.parts or list(PARTS)
    return given


def _measured_before(path: Path, *, quick: bool) -> dict[str, Any]:
    """Return the parts that were measured before on this machine, as quickly as now."""
    try:
        summary = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    is_alike = summary['machine'] == machine() and summary['quick'] == quick
    return summary['parts'] if is_alike else {}


def _versions() -> dict[str, str]:
    found = {}
    for name, package in _PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            continue
    return found


if __name__ == '__main__':
    sys.exit(main())
