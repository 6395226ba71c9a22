# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Cells of the benchmark as if they had been measured, and the page that shows them."""

import numpy as np
from sklearn.metrics import f1_score

from crossmodal_kd_ros.benchmark.cells import Cell
from crossmodal_kd_ros.benchmark.tables import markdown
from crossmodal_kd_ros.profile import load_profile

PROFILE = load_profile('living_wall')


def made_up_cell(cell: Cell, right: float) -> dict:
    rng = np.random.default_rng(cell.seed)
    action = rng.integers(6, size=300)
    chosen = np.where(rng.random(300) < right, action, (action + 1) % 6)
    figures = {
        'accuracy': float((action == chosen).mean()),
        'macro_f1': float(f1_score(action, chosen, average='macro')),
        'ece': 0.05,
        'day_accuracy': right,
        'night_accuracy': right,
    }
    more = {
        'sensors': dict.fromkeys(
            ('healthy', 'touch masked', 'gas masked', 'both masked'), figures
        ),
        'unguarded': {
            f'{sense} {how}': 0.3 for sense in ('touch', 'gas') for how in ('dead', 'stuck')
        },
    }
    if cell.system != 'teacher':
        error = {'error': 0.5, 'train_mean': 1.0, 'shuffled': 1.4}
        more = {
            'r2': {
                'surface_roughness': 0.5,
                'crack_depth': 0.8,
                'co2_uptake': 0.6,
                'crack_width': None,
            },
            'lighting_probe': 0.9,
            'medians': {'crack_width': {'error': 0.07, 'train_median': 0.4}},
            'readings': dict.fromkeys(
                ('touch_map', 'surface_roughness', 'crack_depth', 'co2_uptake', 'crack_width'),
                error,
            ),
        }
    return {
        'cell': vars(cell),
        **figures,
        **more,
        'chosen': chosen.tolist(),
        'action': action.tolist(),
        'group': (np.arange(300) // 3).tolist(),
        'conditions': {'day': right, 'night': right},
    }


def page_of(table: dict, **more) -> str:
    ceilings = {
        'camera': 0.87,
        'touch+gas': 0.95,
        'camera+touch': 0.96,
        'camera+gas': 0.97,
        'camera+touch+gas': 0.99,
        'largest_class': 0.2,
        'by_recovery': {'0': 0.25, '1': 0.87},
    }
    return markdown(
        {
            'statement': 'Simulated.',
            'ceilings': ceilings,
            **table,
            'photos': {},
            'light': {},
            'broken': {},
            'alignment_ms': {},
            **more,
        },
        PROFILE,
    )


def row_of(page: str, start: str) -> list[str]:
    [line] = [line for line in page.splitlines() if line.startswith(f'| {start} |')]
    return [cell.strip() for cell in line.strip('|').split('|')]
