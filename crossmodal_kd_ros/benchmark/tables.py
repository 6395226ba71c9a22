# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The summary of an evaluation as a page of tables."""

from collections.abc import Iterator
from typing import Any

from crossmodal_kd_ros.benchmark.benchmark import ALIGNMENTS, RECIPE, REFERENCE
from crossmodal_kd_ros.benchmark.figures import NAMES


def markdown(summary: dict[str, Any]) -> str:
    """Return the summary as a page."""
    return '\n'.join(_page(summary)) + '\n'


def _page(summary: dict[str, Any]) -> Iterator[str]:
    yield from ('# Results', '', summary['statement'], '')
    if 'command' in summary:
        yield from (
            (
                f'Made by `{summary["command"]}`, commit {summary["commit"]}, torch {summary["torch"]}. '
                f'{len(summary["cells"])} of {summary["planned_cells"]} networks are trained and measured, by the code of '
                f'{" and ".join(summary["measured_at"])}. This page, `results.json` and `cells.json` (what each network '
                'chose on which view) are written by that command; do not edit them.'
            ),
            '',
        )
    if summary['ceilings']:
        yield from _ceilings(summary['ceilings'])
    if any(summary[system] for system in NAMES):
        yield from _trio(summary)
    if summary['teacher']:
        yield from _sensors(summary)
    if summary['broken']:
        yield from _broken(summary['broken'], summary['ceilings'])
    yield from _conditions(summary)
    if summary['light']:
        yield from _light(summary['light'])
    yield from _readings(summary)
    if summary['ablations']:
        yield from _ablations(summary)
        yield from _alignments(summary)
    if summary['recovery']:
        yield from _recovery(summary)
    if summary['photos']:
        yield from _photos(summary['photos'])


def _ceilings(ceilings: dict[str, float]) -> Iterator[str]:
    yield from (
        '## What can be known',
        '',
        (
            'A gradient-boosted model on the quantities that each sense could read at best (of the picture, those that '
            'show; of touch and gas, the noisy readings) agrees with the expert in:'
        ),
        '',
        '| camera | touch and gas | camera and touch | camera and gas | all | commonest action |',
        '|---|---|---|---|---|---|',
        '| '
        + ' | '.join(
            _percent(ceilings[name])
            for name in (
                'camera',
                'touch_gas',
                'camera_touch',
                'camera_gas',
                'all',
                'largest_class',
            )
        )
        + ' |',
        '',
    )


def _trio(summary: dict[str, Any]) -> Iterator[str]:
    yield from (
        '## Teacher, student, and the same student without distillation',
        '',
        (
            'Agreement with the expert on test panels that no training saw. In brackets the 95 % interval (bootstrap over '
            'test panels and seeds). "Without distillation": the same network, seed, steps and labels, but no teacher '
            'and no unlabelled views. Day and night: by the light that each panel happens to have, so these two columns are '
            'of different panels; for the same places in both lights see "Day and night".'
        ),
        '',
        '| labels | system | seeds | accuracy | macro-F1 | day | night | ECE |',
        '|---|---|---|---|---|---|---|---|',
    )
    for count in _counts(summary):
        for system, name in NAMES.items():
            if count in summary[system]:
                m = summary[system][count]
                yield (
                    f'| {count} | {name} | {len(m["accuracy"]["seeds"])} | {_figure(m["accuracy"])} | '
                    f'{_figure(m["macro_f1"])} | {_percent(m["day_accuracy"])} | {_percent(m["night_accuracy"])} | '
                    f'{m["ece"]:.3f} |'
                )
    yield ''
    for count, gain in summary['gain'].items():
        camera = summary['ceilings'].get('camera')
        line = (
            f'Distillation gains {_figure(gain["accuracy"], "points")} of accuracy and '
            f'{_figure(gain["macro_f1"], "points")} of macro-F1 with {count} labels'
        )
        if camera:
            without = summary['student_no_kd'][count]['accuracy']['mean']
            part = gain['accuracy']['mean'] / (camera - without)
            line += f", {100 * part:.0f} % of the way from the student without it to the camera's ceiling"
        yield from (line + '.', '')


def _sensors(summary: dict[str, Any]) -> Iterator[str]:
    yield from (
        '## When a sensor is lost',
        '',
        (
            'Networks alone. A dead sensor reads zero; a stuck one keeps the reading of another place. The unguarded '
            'teacher believes either; the masked teacher is told that the sense is lost; the student does not need it.'
        ),
        '',
        '| labels | lost | unguarded, dead | unguarded, stuck | masked teacher | student |',
        '|---|---|---|---|---|---|',
    )
    for count, m in summary['teacher'].items():
        student = summary['student_kd'].get(count, {}).get('accuracy', {}).get('mean')
        for sense in ('touch', 'gas'):
            yield (
                f'| {count} | {sense} | {_percent(m["unguarded"][f"{sense} dead"])} | '
                f'{_percent(m["unguarded"][f"{sense} stuck"])} | '
                f'{_percent(m["sensors"][f"{sense} masked"]["accuracy"])} | {_percent(student)} |'
            )
        yield f'| {count} | both | | | {_percent(m["sensors"]["both masked"]["accuracy"])} | {_percent(student)} |'
    yield ''


def _broken(found: dict[str, Any], ceilings: dict[str, float]) -> Iterator[str]:
    yield from (
        '## When a sensor breaks, with the package and without',
        '',
        (
            'The shipped weights on the test panels. Unguarded: the teacher believes the broken sensor. Package: once it '
            'has noticed, whoever does best with what is left, as `crossmodal-kd calibrate` found on other panels. Gained: '
            'with its 95 % interval over panels. How long it takes to notice is what `crossmodal-kd faults` measures.'
        ),
        '',
        '| what is broken | unguarded | package | mode | gained | could be known |',
        '|---|---|---|---|---|---|',
    )
    for name, m in found.items():
        known = ceilings[
            {('touch',): 'camera_gas', ('gas',): 'camera_touch'}.get(tuple(m['lost']), 'camera')
        ]
        yield (
            f'| {name} | {_percent(m["unguarded"])} | {_percent(m["guarded"])} | {m["mode"]} | '
            f'{_figure(m["better"], "points")} | {_percent(known)} |'
        )
    yield ''


def _conditions(summary: dict[str, Any]) -> Iterator[str]:
    rows = [
        (count, name, summary[system][count]['conditions'])
        for count in _counts(summary)
        for system, name in NAMES.items()
        if 'conditions' in summary[system].get(count, {})
    ]
    if not rows:
        return
    conditions = list(rows[0][2])
    yield from (
        '## Light, lens and cover',
        '',
        f'{_same_places(summary)}, under each condition; all other figures are of all test views.',
        '',
        f'| labels | system | {" | ".join(c.replace("_", " ") for c in conditions)} |',
        '|---' * (2 + len(conditions)) + '|',
    )
    for count, name, found in rows:
        yield (
            f'| {count} | {name} | '
            + ' | '.join(_percent(found[condition]) for condition in conditions)
            + ' |'
        )
    yield ''


def _light(light: dict[str, Any]) -> Iterator[str]:
    yield from (
        '## Day and night',
        '',
        (
            f'The shipped weights on {light["views"]} views of {light["panels"]} test panels, each seen by day and by '
            'night; what is lost by night, with its 95 % interval over panels.'
        ),
        '',
        '| network | day | night | lost by night |',
        '|---|---|---|---|',
    )
    for name in ('teacher', 'student'):
        m = light[name]
        yield f'| {name} | {_percent(m["day"])} | {_percent(m["night"])} | {_figure(m["less_by_night"], "points")} |'
    yield ''


def _readings(summary: dict[str, Any]) -> Iterator[str]:
    rows = [
        (count, NAMES[system], summary[system][count])
        for count in _counts(summary)
        for system in ('student_kd', 'student_no_kd')
        if count in summary[system]
    ]
    if not rows:
        return
    yield from (
        '## Readings of a camera',
        '',
        (
            "RMS error of what the student says touch and gas would read; in brackets the error of the training set's "
            'mean, then of an answer to another picture. The touch map is in standard deviations.'
        ),
        '',
        (
            '| labels | system | touch map | roughness, um | crack depth, mm | CO2 uptake, ppm | R2 crack depth | '
            'R2 roughness | R2 CO2 uptake | day/night probe |'
        ),
        '|---|---|---|---|---|---|---|---|---|---|',
    )
    for count, name, m in rows:
        cells = [
            f'{e["error"]:.2f} ({e["train_mean"]:.2f}, {e["shuffled"]:.2f})'
            for e in m['readings'].values()
        ]
        r2 = [
            f'{m["r2"][reading]:.2f}'
            for reading in ('crack_depth', 'surface_roughness', 'co2_uptake')
        ]
        yield (
            f'| {count} | {name} | '
            + ' | '.join([*cells, *r2, _percent(m['lighting_probe'])])
            + ' |'
        )
    yield from (
        '',
        "The probe: how often a fresh linear classifier tells day from night from the student's features.",
        '',
    )


def _ablations(summary: dict[str, Any]) -> Iterator[str]:
    yield from (
        '## One change at a time',
        '',
        (
            'The student with one thing changed in its recipe. Gained: accuracy less that of the recipe, same seeds, with '
            f'its 95 % interval over panels and seeds. Day and night: {_same_places(summary).lower()}, in both lights.'
        ),
        '',
        (
            '| student | labels | seeds | accuracy | gained | macro-F1 | day | night | R2 crack depth | R2 roughness | '
            'R2 CO2 uptake | day/night probe |'
        ),
        '|---' * 12 + '|',
    )
    for count, name, m in _changed(summary):
        light = m.get('conditions', {})
        r2 = [
            f'{m["r2"][reading]:.2f}'
            for reading in ('crack_depth', 'surface_roughness', 'co2_uptake')
        ]
        yield (
            '| '
            + ' | '.join(
                [
                    name,
                    count,
                    str(len(m['accuracy']['seeds'])),
                    _percent(m['accuracy']['mean']),
                    _gained(m),
                    _percent(m['macro_f1']['mean']),
                    _percent(light.get('day')),
                    _percent(light.get('night')),
                    *r2,
                    _percent(m.get('lighting_probe')),
                ]
            )
            + ' |'
        )
    yield ''
    for count, m in summary['ablations'].get(REFERENCE, {}).items():
        yield from (
            (
                f"`{REFERENCE}` is the article's own nets and loop, for as many steps; its teacher is right in "
                f'{_percent(m["teacher_accuracy"])} with {count} labels.'
            ),
            '',
        )


def _changed(summary: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (label count, name, what it comes to) of the recipe, then of each change to it."""
    for count in _counts(summary):
        changed = {
            name: found[count] for name, found in summary['ablations'].items() if count in found
        }
        if changed and count in summary['student_kd']:
            yield from (
                (count, name, m)
                for name, m in ({RECIPE: summary['student_kd'][count]} | changed).items()
            )


def _alignments(summary: dict[str, Any]) -> Iterator[str]:
    changes = list(_changed(summary))
    rows = [
        (count, alignment, name, m)
        for alignment, (system, name) in ALIGNMENTS.items()
        for count, changed, m in changes
        if changed == system
    ]
    if len(rows) < 2:
        return
    costs = summary['alignment_ms']
    yield from (
        '## Quantum alignment',
        '',
        (
            "How the student's features are drawn to the teacher's: not at all, by cosine, by squared error, or by the "
            "article's fidelity of two quantum states, computed exactly. Time: one batch, loss and gradient."
        ),
        '',
        '| alignment | labels | accuracy | gained on cosine | ms a batch |',
        '|---|---|---|---|---|',
    )
    for count, alignment, name, m in rows:
        cost = f'{costs[alignment]:.2f}' if alignment in costs else ''
        yield f'| {name} | {count} | {_percent(m["accuracy"]["mean"])} | {_gained(m)} | {cost} |'
    yield ''
    if 'circuit' in costs:
        yield from (
            (
                f"The article's own way to the product fidelity, 1024 shots of a simulated circuit a sample, takes "
                f'{costs["circuit"]:.0f} ms a batch and gives no gradient.'
            ),
            '',
        )
    gained = [
        m['against_recipe']['accuracy']['interval'][0] > 0.0
        for _, alignment, _, m in rows
        if alignment in ('product', 'entangled') and 'against_recipe' in m
    ]
    if gained:
        yield from (
            (
                'A fidelity is better than cosine, beyond chance.'
                if any(gained)
                else 'Neither fidelity is better than cosine, beyond chance: quantum alignment brings nothing here.'
            ),
            '',
        )


def _recovery(summary: dict[str, Any]) -> Iterator[str]:
    yield from (
        '## How much shows',
        '',
        (
            'Accuracy when only a part of the hidden state shows in the picture, one training each. At 0 nothing of it '
            f'shows; the commonest action alone is right in {_percent(summary["ceilings"].get("largest_class"))}.'
        ),
        '',
        '| shows | camera at best | teacher | student | without distillation | distillation gains |',
        '|---|---|---|---|---|---|',
    )
    best = summary['ceilings'].get('by_recovery', {})
    for recovery, found in sorted(summary['recovery'].items(), key=lambda item: float(item[0])):
        gain = _figure(found['gain'], 'points') if 'gain' in found else ''
        cells = [
            _percent(best.get(recovery)),
            *(_percent(found.get(system)) for system in NAMES),
            gain,
        ]
        yield f'| {recovery} | ' + ' | '.join(cells) + ' |'
    yield ''


def _photos(photos: dict[str, Any]) -> Iterator[str]:
    yield from (
        '## Real photographs',
        '',
        (
            f'{photos["pictures"]} photographs of concrete, {photos["cracked"]} of them cracked, from '
            f'`{photos["folder"]}`. The student was trained on no real picture. Its score is how sure '
            'it is of a crack as the pad passes over the picture, from all four sides (mirrored, upside down, both). That '
            'the surest side counts was chosen on these very photographs, and so were the sizes of the hand-made score, the '
            '98th percentile of a black-hat filter over its median.'
        ),
        '',
        '| score | AUROC | average precision |',
        '|---|---|---|',
        f'| student, crack depth over its deviation | {photos["auroc"]:.3f} | {photos["average_precision"]:.3f} |',
        (
            f'| the same, the photograph as it is | {photos["as_it_is_auroc"]:.3f} | '
            f'{photos["as_it_is_average_precision"]:.3f} |'
        ),
        f'| student, wants a seal or a person | {photos["action_auroc"]:.3f} | |',
        f'| black-hat filter | {photos["black_hat_auroc"]:.3f} | {photos["black_hat_average_precision"]:.3f} |',
        '',
    )


def _same_places(summary: dict[str, Any]) -> str:
    views = summary.get('condition_views')
    return f'The same {views} test views' if views else 'The same test views'


def _counts(summary: dict[str, Any]) -> list[str]:
    return sorted({count for system in NAMES for count in summary[system]}, key=int)


def _percent(value: float | None) -> str:
    return '' if value is None else f'{100 * value:.1f} %'


def _gained(m: dict[str, Any]) -> str:
    return _figure(m['against_recipe']['accuracy'], 'points') if 'against_recipe' in m else ''


def _figure(figure: dict[str, Any], unit: str = '%') -> str:
    low, high = figure['interval']
    return f'{100 * figure["mean"]:.1f} {unit} [{100 * low:.1f}, {100 * high:.1f}]'
