# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an evaluation comes to: `summary.json`, `cells.csv`, `results.md`."""

import csv
import json
from pathlib import Path
from typing import Any

from crossmodal_kd_ros.benchmark.benchmark import Cell
from crossmodal_kd_ros.benchmark.summary import summarise
from crossmodal_kd_ros.benchmark.tables import markdown

STATEMENT = (
    'Simulated: every figure but those on photographs was measured on simulated wall panels, and none on a real '
    'wall.'
)


def measured_cells(out: Path) -> dict[Cell, dict[str, Any]]:
    """Return what was measured of each cell that `out` holds, by name."""
    found = [json.loads(path.read_text()) for path in sorted((out / 'cells').glob('*.json'))]
    return {Cell(**measured['cell']): measured for measured in found}


def gather(out: Path, cells: dict[Cell, dict[str, Any]]) -> dict[str, Any]:
    """Return the summary of `cells` and of what else `out` holds: ceilings, photographs, and what made them."""

    def read(name: str) -> dict[str, Any]:
        path = out / f'{name}.json'
        found = json.loads(path.read_text()) if path.is_file() else {}
        return {key: value for key, value in found.items() if key != 'made_of'}

    return {
        'statement': STATEMENT,
        **read('origin'),
        'cells': sorted(cell.name for cell in cells),
        'measured_at': sorted({measured['commit'] for measured in cells.values()}),
        'ceilings': read('ceilings'),
        **summarise(cells),
        'light': read('light'),
        'broken': read('broken'),
        'alignment_ms': read('alignment'),
        'photos': read('photos'),
    }


def write(out: Path, summary: dict[str, Any], cells: dict[Cell, dict[str, Any]]) -> None:
    """Write `summary.json`, `cells.csv` and `results.md` into `out`."""
    (out / 'summary.json').write_text(json.dumps(summary, indent=1) + '\n')
    (out / 'results.md').write_text(markdown(summary))
    with (out / 'cells.csv').open('w', newline='') as file:
        table = csv.writer(file)
        table.writerow(
            [
                'cell',
                'labels',
                'seed',
                'vision_recovery',
                'accuracy',
                'macro_f1',
                'ece',
                'day_accuracy',
                'night_accuracy',
                'r2_crack_depth',
                'r2_surface_roughness',
                'r2_co2_uptake',
            ]
        )
        for cell, m in cells.items():
            r2 = m.get('r2', {})
            table.writerow(
                [
                    cell.system,
                    cell.labels,
                    cell.seed,
                    cell.recovery,
                    *(
                        m[name]
                        for name in (
                            'accuracy',
                            'macro_f1',
                            'ece',
                            'day_accuracy',
                            'night_accuracy',
                        )
                    ),
                    *(
                        r2.get(name, '')
                        for name in ('crack_depth', 'surface_roughness', 'co2_uptake')
                    ),
                ]
            )
