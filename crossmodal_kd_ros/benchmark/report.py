# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page a stranger opens after an evaluation: one file, with every picture inside."""

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from crossmodal_kd_ros.benchmark import figures
from crossmodal_kd_ros.benchmark.photos import Photos

_THUMBNAIL_PX = 128


def write_report(
    path: Path, summary: dict[str, Any], *, gaze: str, mistakes: list[dict[str, Any]]
) -> None:
    """Write `report.html`.

    Args:
        path: the file to write.
        summary: what `summary.json` says.
        gaze: SVG text of `draw_gaze`; empty where there are no weights.
        mistakes: of `thumbnails`; empty where there are no photographs.
    """
    counts = sorted(summary['teacher'], key=int)
    pictures = {
        'labels': figures.labels(summary) if summary['ceilings'] and counts else '',
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
    environment = Environment(
        loader=PackageLoader('crossmodal_kd_ros', 'evaluation'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['percent'] = lambda value: f'{100 * value:.1f}'
    path.write_text(
        environment.get_template('report.html.j2').render(
            summary=summary, names=figures.NAMES, pictures=pictures, gaze=gaze, mistakes=mistakes
        ),
        encoding='utf-8',
    )


def _changes(summary: dict[str, Any], count: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, found[count]['against_recipe']['accuracy'])
        for name, found in summary['ablations'].items()
        if 'against_recipe' in found.get(count, {})
    ]


def thumbnails(photos: Photos, sureness: np.ndarray, rows: np.ndarray) -> list[dict[str, Any]]:
    """Return what a page needs of some photographs: `picture` (JPEG, base64), `name`, `cracked`, `sureness`."""
    found = []
    for row in rows.tolist():
        small = cv2.resize(
            photos.image[row], (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA
        )
        _, jpeg = cv2.imencode(
            '.jpg', cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88]
        )
        found.append(
            {
                'picture': base64.b64encode(jpeg).decode(),
                'name': photos.path[row].name,
                'cracked': bool(photos.cracked[row]),
                'sureness': float(sureness[row]),
            }
        )
    return found
