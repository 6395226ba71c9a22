# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an evaluation comes to: `summary.json`, `cells.csv`, `results.md` and `report.html`."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.benchmark import figures
from crossmodal_kd_ros.benchmark.cells import Cell
from crossmodal_kd_ros.benchmark.photos import TITLES, Photos
from crossmodal_kd_ros.benchmark.record import write_record
from crossmodal_kd_ros.benchmark.saliency import draw_saliency
from crossmodal_kd_ros.benchmark.summary import summarise
from crossmodal_kd_ros.benchmark.tables import markdown
from crossmodal_kd_ros.datasets import load_simulated
from crossmodal_kd_ros.files import whole_file, write_json, write_text
from crossmodal_kd_ros.networks import load_student, load_teacher
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.reports import thumbnail, write_page

STATEMENT = (
    'Simulated: every figure but those on photographs was measured on simulated wall panels, '
    'and none on a real '
    'wall.'
)
_SALIENCY_VIEWS = 60  # a few views of each action are among them
_SCORES = ('accuracy', 'macro_f1', 'ece', 'day_accuracy', 'night_accuracy')


def measured_cells(out: Path) -> dict[Cell, dict[str, Any]]:
    """Return what was measured of each cell that `out` holds, by the name of its file."""
    cells = [json.loads(path.read_text()) for path in sorted((out / 'cells').glob('*.json'))]
    return {Cell(**measured['cell']): measured for measured in cells}


def publish(
    out: Path, profile: Profile, *, models: Path, cache: Path, results: Path | None
) -> None:
    """Write summary, table and report over all that `out` holds.

    Args:
        out: holds cells, and what else was measured.
        profile: of the simulated robot.
        models: weights that are shown where they look, if there are any.
        cache: of simulated views.
        results: a folder for `results.md`, `results.json` and `cells.json`.
    """
    cells = measured_cells(out)
    summary = gather(out, cells, profile)
    write_json(out / 'summary.json', summary, indent=1)
    tables = markdown(summary, profile)
    write_text(out / 'results.md', tables)
    _write_csv(out / 'cells.csv', cells)
    mistakes = out / 'mistakes.json'
    write_report(
        out / 'report.html',
        summary,
        profile,
        saliency=_saliency(models, cache, profile),
        mistakes=json.loads(mistakes.read_text()) if mistakes.is_file() else [],
    )
    if results is not None:
        write_text(results / 'results.md', tables)
        write_json(results / 'results.json', summary, indent=1)
        if cells:
            write_record(list(cells.values()), results)


def gather(out: Path, cells: dict[Cell, dict[str, Any]], profile: Profile) -> dict[str, Any]:
    """Return the summary of `cells` and of what else `out` holds."""

    def read(name: str) -> dict[str, Any]:
        path = out / f'{name}.json'
        content = json.loads(path.read_text()) if path.is_file() else {}
        return {key: value for key, value in content.items() if key != 'made_of'}

    return {
        'statement': STATEMENT,
        **read('origin'),
        'cells': sorted(cell.name for cell in cells),
        'measured_at': sorted({measured['commit'] for measured in cells.values()}),
        'ceilings': read('ceilings'),
        **summarise(cells, profile),
        'light': read('light'),
        'broken': read('broken'),
        'coverage': read('coverage'),
        'alignment_ms': read('alignment'),
        'photos': read('photos'),
    }


def write_report(
    path: Path,
    summary: dict[str, Any],
    profile: Profile,
    *,
    saliency: str,
    mistakes: list[dict[str, Any]],
) -> None:
    """Write `report.html`.

    Args:
        path: the file to write.
        summary: what `summary.json` says.
        profile: of the simulated robot.
        saliency: SVG text of `draw_saliency`; empty where there are no weights.
        mistakes: of `thumbnails`; empty where there are no photographs.
    """
    counts = sorted(summary['teacher'], key=int)
    pictures = {
        'labels': figures.labels(summary, profile) if summary['ceilings'] and counts else '',
        'conditions': [
            (count, figures.conditions(summary, count))
            for count in counts
            if 'conditions' in summary['teacher'][count]
        ],
        'changes': [
            (count, figures.changes(rows))
            for count in counts
            if (rows := _changes(summary, count))
        ],
        'curve': figures.curve(summary)
        if summary['ceilings'] and len(summary['recovery']) > 1
        else '',
        'sensors': [
            (count, figures.sensors(summary, count))
            for count in counts
            if count in summary['student_kd']
        ],
    }
    write_page(
        path,
        'benchmark/report.html.j2',
        summary=summary,
        names=figures.NAMES,
        senses=' and '.join(profile.senses),
        pictures=pictures,
        saliency=saliency,
        mistakes=mistakes,
        photo_scores=[(title, name) for name, title in TITLES.items()],
    )


def thumbnails(photos: Photos, sureness: np.ndarray, rows: np.ndarray) -> list[dict[str, Any]]:
    """Return what a page needs of the photographs `rows`; `picture` is a JPEG in base64."""
    return [
        {
            'picture': thumbnail(photos.image[row]),
            'name': photos.path[row].name,
            'cracked': bool(photos.cracked[row]),
            'sureness': float(sureness[row]),
        }
        for row in rows.tolist()
    ]


def _changes(summary: dict[str, Any], count: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, by_count[count]['against_recipe']['accuracy'])
        for name, by_count in summary['ablations'].items()
        if 'against_recipe' in by_count.get(count, {})
    ]


def _write_csv(path: Path, cells: dict[Cell, dict[str, Any]]) -> None:
    """Write a row for each cell; `r2` of what any of them reads."""
    readings = list(dict.fromkeys(name for m in cells.values() for name in m.get('r2', {})))
    head = ['cell', 'labels', 'seed', 'vision_recovery', *_SCORES]
    with whole_file(path) as unfinished, unfinished.open('w', newline='') as file:
        table = csv.writer(file)
        table.writerow([*head, *(f'r2_{name}' for name in readings)])
        for cell, m in cells.items():
            table.writerow(
                [
                    *(cell.system, cell.labels, cell.seed, cell.recovery),
                    *(m[name] for name in _SCORES),
                    *(m.get('r2', {}).get(name, '') for name in readings),
                ]
            )


def _saliency(models: Path, cache: Path, profile: Profile) -> str:
    teacher, student = (models / f'{kind}.safetensors' for kind in ('teacher', 'student'))
    if not (teacher.is_file() and student.is_file()):
        return ''
    pairs = load_simulated('test', _SALIENCY_VIEWS, seed=0, cache_dir=cache)
    return draw_saliency(load_teacher(teacher, profile), load_student(student, profile), pairs)
