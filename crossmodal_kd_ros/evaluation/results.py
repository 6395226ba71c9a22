# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an evaluation comes to, in words and numbers: `summary.json`, `cells.csv`, `results.md`."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crossmodal_kd_ros.evaluation.benchmark import REFERENCE, Cell
from crossmodal_kd_ros.evaluation.figures import NAMES
from crossmodal_kd_ros.evaluation.summary import summarise

STATEMENT = ('Simulated: every figure but those on photographs was measured on simulated wall panels, and none on a real '
             'wall.')


def measured_cells(out: Path) -> dict[Cell, dict[str, Any]]:
    """Return what was measured of each cell that `out` holds, by name."""
    found = [json.loads(path.read_text()) for path in sorted((out / 'cells').glob('*.json'))]
    return {Cell(**measured['cell']): measured for measured in found}


def gather(out: Path) -> dict[str, Any]:
    """Return the summary of all that `out` holds: cells, ceilings, photographs, and what made them."""
    cells = measured_cells(out)

    def read(name: str) -> dict[str, Any]:
        path = out / f'{name}.json'
        return json.loads(path.read_text()) if path.is_file() else {}
    return {'statement': STATEMENT, **read('origin'), 'cells': sorted(cell.name for cell in cells),
            'measured_at': sorted({measured['commit'] for measured in cells.values()}),
            'ceilings': read('ceilings'), **summarise(cells), 'photos': read('photos')}


def write(out: Path, summary: dict[str, Any]) -> None:
    """Write `summary.json`, `cells.csv` and `results.md` into `out`."""
    (out / 'summary.json').write_text(json.dumps(summary, indent=1) + '\n')
    (out / 'results.md').write_text(markdown(summary))
    with (out / 'cells.csv').open('w', newline='') as file:
        table = csv.writer(file)
        table.writerow(['cell', 'labels', 'seed', 'vision_recovery', 'accuracy', 'macro_f1', 'ece', 'day_accuracy',
                        'night_accuracy', 'r2_crack_depth', 'r2_surface_roughness', 'r2_co2_uptake'])
        for cell, m in measured_cells(out).items():
            r2 = m.get('r2', {})
            table.writerow([cell.system, cell.labels, cell.seed, cell.recovery, *(m[name] for name in (
                'accuracy', 'macro_f1', 'ece', 'day_accuracy', 'night_accuracy')), *(r2.get(name, '') for name in (
                    'crack_depth', 'surface_roughness', 'co2_uptake'))])


def markdown(summary: dict[str, Any]) -> str:
    """Return the summary as a page."""
    return '\n'.join(_page(summary)) + '\n'


def _page(summary: dict[str, Any]) -> Iterator[str]:
    yield from ('# Results', '', summary['statement'], '')
    if 'command' in summary:
        yield from ((f'Made by `{summary["command"]}`, commit {summary["commit"]}, torch {summary["torch"]}. '
                    f'{len(summary["cells"])} of {summary["planned_cells"]} networks are trained and measured, by the code of '
                    f'{" and ".join(summary["measured_at"])}. This page, `results.json` and `cells.json` (what each network '
                    'chose on which view) are written by that command; do not edit them.'), '')
    if summary['ceilings']:
        yield from _ceilings(summary['ceilings'])
    if any(summary[system] for system in NAMES):
        yield from _trio(summary)
    if summary['teacher']:
        yield from _sensors(summary)
    yield from _conditions(summary)
    yield from _readings(summary)
    if summary['ablations']:
        yield from _ablations(summary)
    if summary['recovery']:
        yield from _recovery(summary)
    if summary['photos']:
        yield from _photos(summary['photos'])


def _ceilings(ceilings: dict[str, float]) -> Iterator[str]:
    yield from ('## What can be known', '',
                ('A gradient-boosted model on the quantities that each sense could read at best (of the picture, those that '
                'show; of touch and gas, the noisy readings) agrees with the expert in:'), '',
                '| camera | touch and gas | camera and touch | camera and gas | all | commonest action |',
                '|---|---|---|---|---|---|',
                '| ' + ' | '.join(_percent(ceilings[name]) for name in (
                    'camera', 'touch_gas', 'camera_touch', 'camera_gas', 'all', 'largest_class')) + ' |', '')


def _trio(summary: dict[str, Any]) -> Iterator[str]:
    yield from ('## Teacher, student, and the same student without distillation', '',
                ('Agreement with the expert on test panels that no training saw. In brackets the 95 % interval (bootstrap over '
                'test panels and seeds). "Without distillation": the same network, seed, steps and labels, but no teacher '
                'and no unlabelled views.'), '',
                '| labels | system | seeds | accuracy | macro-F1 | day | night | ECE |', '|---|---|---|---|---|---|---|---|')
    for count in _counts(summary):
        for system, name in NAMES.items():
            if count in summary[system]:
                m = summary[system][count]
                yield (f'| {count} | {name} | {len(m["accuracy"]["seeds"])} | {_figure(m["accuracy"])} | '
                       f'{_figure(m["macro_f1"])} | {_percent(m["day_accuracy"])} | {_percent(m["night_accuracy"])} | '
                       f'{m["ece"]:.3f} |')
    yield ''
    for count, gain in summary['gain'].items():
        camera = summary['ceilings'].get('camera')
        line = (f'Distillation gains {_figure(gain["accuracy"], "points")} of accuracy and '
                f'{_figure(gain["macro_f1"], "points")} of macro-F1 with {count} labels')
        if camera:
            without = summary['student_no_kd'][count]['accuracy']['mean']
            part = gain['accuracy']['mean'] / (camera - without)
            line += (f", {100 * part:.0f} % of the way from the student without it to the camera's ceiling")
        yield from (line + '.', '')


def _sensors(summary: dict[str, Any]) -> Iterator[str]:
    yield from ('## When a sensor is lost', '',
                ('A dead sensor reads zero; a stuck one keeps the reading of another place. The unguarded teacher believes '
                'either; the masked teacher is told that the sense is lost; the student does not need it.'), '',
                '| labels | lost | unguarded, dead | unguarded, stuck | masked teacher | student |', '|---|---|---|---|---|---|')
    for count, m in summary['teacher'].items():
        student = summary['student_kd'].get(count, {}).get('accuracy', {}).get('mean')
        for sense in ('touch', 'gas'):
            yield (f'| {count} | {sense} | {_percent(m["unguarded"][f"{sense} dead"])} | '
                   f'{_percent(m["unguarded"][f"{sense} stuck"])} | '
                   f'{_percent(m["sensors"][f"{sense} masked"]["accuracy"])} | {_percent(student)} |')
        yield f'| {count} | both | | | {_percent(m["sensors"]["both masked"]["accuracy"])} | {_percent(student)} |'
    yield ''


def _conditions(summary: dict[str, Any]) -> Iterator[str]:
    rows = [(count, name, summary[system][count]['conditions']) for count in _counts(summary)
            for system, name in NAMES.items() if 'conditions' in summary[system].get(count, {})]
    if not rows:
        return
    conditions = list(rows[0][2])
    yield from ('## Light, lens and cover', '', f'| labels | system | {" | ".join(c.replace("_", " ") for c in conditions)} |',
                '|---' * (2 + len(conditions)) + '|')
    for count, name, found in rows:
        yield f'| {count} | {name} | ' + ' | '.join(_percent(found[condition]) for condition in conditions) + ' |'
    yield ''


def _readings(summary: dict[str, Any]) -> Iterator[str]:
    rows = [(count, NAMES[system], summary[system][count]) for count in _counts(summary)
            for system in ('student_kd', 'student_no_kd') if count in summary[system]]
    if not rows:
        return
    yield from ('## Readings of a camera', '',
                ("RMS error of what the student says touch and gas would read; in brackets the error of the training set's "
                'mean, then of an answer to another picture. The touch map is in standard deviations.'), '',
                ('| labels | system | touch map | roughness, um | crack depth, mm | CO2 uptake, ppm | R2 crack depth | '
                'R2 roughness | R2 CO2 uptake | day/night probe |'), '|---|---|---|---|---|---|---|---|---|---|')
    for count, name, m in rows:
        cells = [f'{e["error"]:.2f} ({e["train_mean"]:.2f}, {e["shuffled"]:.2f})' for e in m['readings'].values()]
        r2 = [f'{m["r2"][reading]:.2f}' for reading in ('crack_depth', 'surface_roughness', 'co2_uptake')]
        yield f'| {count} | {name} | ' + ' | '.join([*cells, *r2, _percent(m['lighting_probe'])]) + ' |'
    yield from ('', "The probe: how often a fresh linear classifier tells day from night from the student's features.", '')


def _ablations(summary: dict[str, Any]) -> Iterator[str]:
    yield from ('## One change at a time', '',
                '| student | labels | seeds | accuracy | night | R2 crack depth | R2 CO2 uptake | day/night probe |',
                '|---|---|---|---|---|---|---|---|')
    for count in _counts(summary):
        rows = {'as in the recipe': summary['student_kd']} | summary['ablations']
        for name, found in rows.items():
            if count in found and any(count in other for other in summary['ablations'].values()):
                m = found[count]
                yield (f'| {name} | {count} | {len(m["accuracy"]["seeds"])} | {_figure(m["accuracy"])} | '
                       f'{_percent(m["night_accuracy"])} | {m["r2"]["crack_depth"]:.2f} | {m["r2"]["co2_uptake"]:.2f} | '
                       f'{_percent(m.get("lighting_probe"))} |')
    yield ''
    for count, m in summary['ablations'].get(REFERENCE, {}).items():
        yield from ((f"`{REFERENCE}` is the article's own nets and loop, for as many steps; its teacher is right in "
                    f'{_percent(m["teacher_accuracy"])} with {count} labels.'), '')


def _recovery(summary: dict[str, Any]) -> Iterator[str]:
    yield from ('## How much shows', '',
                ('Accuracy when only a part of the hidden state shows in the picture; at 0 nothing does, and distillation '
                'cannot help.'), '', '| shows | teacher | student | without distillation |', '|---|---|---|---|')
    for recovery, found in sorted(summary['recovery'].items(), key=lambda item: float(item[0])):
        yield f'| {recovery} | ' + ' | '.join(_percent(found.get(system)) for system in NAMES) + ' |'
    yield ''


def _photos(photos: dict[str, Any]) -> Iterator[str]:
    yield from ('## Real photographs', '',
                (f'{photos["pictures"]} photographs of concrete, {photos["cracked"]} of them cracked, from '
                f'`{photos["folder"]}`. The student was trained on no real picture. Its score is how sure '
                'it is of a crack as the pad passes over the picture; the hand-made score is the 98th percentile of a black-hat '
                'filter over its median, its sizes chosen on these very photographs.'), '',
                '| score | AUROC | average precision |', '|---|---|---|',
                f'| student, crack depth over its deviation | {photos["auroc"]:.3f} | {photos["average_precision"]:.3f} |',
                f'| student, wants a seal or a person | {photos["action_auroc"]:.3f} | |',
                f'| black-hat filter | {photos["black_hat_auroc"]:.3f} | {photos["black_hat_average_precision"]:.3f} |', '')


def _counts(summary: dict[str, Any]) -> list[str]:
    return sorted({count for system in NAMES for count in summary[system]}, key=int)


def _percent(value: float | None) -> str:
    return '' if value is None else f'{100 * value:.1f} %'


def _figure(figure: dict[str, Any], unit: str = '%') -> str:
    low, high = figure['interval']
    return f'{100 * figure["mean"]:.1f} {unit} [{100 * low:.1f}, {100 * high:.1f}]'
