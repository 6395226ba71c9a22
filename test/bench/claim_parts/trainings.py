# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Claims that need trainings: from the figures of the benchmark, and of a real arm."""

from collections.abc import Mapping
from typing import Any

from claim_parts.measures import FAILS, HOLDS, Claim, Figure, Table, graded, untestable
from crossmodal_kd_ros.versions import SIMULATION_VERSION

Record = Mapping[str, Any]
_PAGE = '[results.md](results.md)'
_CONTROLS = {
    'student_no_kd': 'the student without a teacher and without the other views',
    'student_self_training': 'the student that labels the other views for itself',
}


def run(results: Record | None, gripper: Record | None) -> list[Claim]:
    """Return the claims.

    Args:
        results: what docs/results.json holds; None: there is none.
        gripper: what docs/gripper.json holds; None: there is none.
    """
    results = results or {}
    data = where_from(results)
    return [
        distillation(results, data),
        forgetting(results, gripper, data),
        reversal(results, data),
        quantum(results, data),
        as_printed(results, data),
    ]


def where_from(results: Record) -> str:
    """Return of which version of the simulated wall the figures are."""
    version = results.get('simulation_version')
    older = '' if version == SIMULATION_VERSION else ', an older one'
    return f'simulated, version {version} of the wall{older} ({_PAGE})'


def change_of(results: Record, name: str) -> tuple[str, Record | None]:
    """Return how many labels there were, and what was measured of a change; None: nothing."""
    return next(iter(results.get('ablations', {}).get(name, {}).items()), ('', None))


def gained(change: Record) -> Figure:
    """Return the accuracy that a change gains on the recipe."""
    return Figure.of_record(change['against_recipe']['accuracy'])


def distillation(results: Record, data: str) -> Claim:
    """Judge what the teacher brings, by how many labels there are."""
    about = (
        'What the teacher gives the student',
        'The knowledge distillation insight',
        'A teacher that has all senses hands its knowledge to a student that has one.',
    )
    gains = {
        (control, labels): Figure.of_record(gain['accuracy'])
        for labels, by_control in results.get('gain', {}).items()
        for control, gain in by_control.items()
    }
    if not gains:
        return _unmeasured(about)
    sentences = []
    controls = dict.fromkeys(control for control, _ in gains)
    for control in controls:
        own = {labels: gain for (one, labels), gain in gains.items() if one == control}
        each = '; '.join(f'{gain.points} with {labels} labels' for labels, gain in own.items())
        sentences.append(f'Gained on {_CONTROLS[control]}: {each}.')
    hidden = results.get('recovery', {}).get('0', {})
    if 'student_kd' in hidden:
        sentences.append(
            'Where nothing of the state shows, a student is right in '
            f'{_percent(hidden["student_kd"], 1)}, always the commonest action in '
            f'{_percent(results["ceilings"]["largest_class"], 1)}.'
        )
    (_, labels), first = next(iter(gains.items()))
    return _claim(
        about,
        data=data,
        test='Accuracy of the student, taught also on 10,000 views that nobody labelled, less '
        'that of each control.',
        control='With the same network, seeds, steps and labels, '
        f'{"; ".join(_CONTROLS[control] for control in controls)}.',
        rule='Holds if each gain is above zero, beyond chance; in part if some are.',
        outcome=graded([gain.low > 0.0 for gain in gains.values()]),
        figure=f'{first.points} with {labels} labels',
        found=' '.join(sentences),
        figures={f'{control}, {labels} labels': gain for (control, labels), gain in gains.items()},
    )


def forgetting(results: Record, gripper: Record | None, data: str) -> Claim:
    """Judge the schedule: in the simulation, and on a real arm where that was measured."""
    about = (
        'The schedule prevents forgetting',
        'Challenges and Solutions, 2; Conclusion',
        'A student that learns from the distillation loss alone forgets to predict touch; handing '
        'over in stages, the easy first, prevents that.',
    )
    labels, schedule = change_of(results, 'progressive alpha')
    stages = change_of(results, 'stages')[1]
    if schedule is None or stages is None:
        return _unmeasured(about)
    ways, trainings = {'schedule': schedule, 'stages': stages}, len(schedule['accuracy']['seeds'])
    figures = {f'{way}, gained': gained(change) for way, change in ways.items()}
    passed = [figure.low > 0.0 for figure in figures.values()]
    plain = results['student_kd'][labels]['r2']
    rows = {'the recipe: all at once': plain}
    rows |= {f'with the {way}': change['r2'] for way, change in ways.items()}
    without = change_of(results, 'no readings')[1]
    if without is not None:
        rows['no loss on readings'] = without['r2']
    tables = [
        Table(
            head=('R2 of', *(each.replace('_', ' ') for each in plain)),
            rows=[[way, *(f'{r2[each]:.2f}' for each in plain)] for way, r2 in rows.items()],
        )
    ]
    found = (
        f'Simulated, the schedule gains {figures["schedule, gained"].points} of accuracy, the '
        f'stages {figures["stages, gained"].points}. '
    )
    if not any(passed):
        found += (
            'There is nothing to prevent: readings that have a loss of their own from the first '
            'step on are kept, and without one they are never learnt. '
        )
    if gripper is None:
        found += 'On a real arm it was not measured yet.'
    else:
        on_arm, table = _on_the_arm(gripper)
        figures |= on_arm
        tables.append(table)
        plainly, ramped, replayed = (
            [on_arm[f'{way}, {name}'] for name in ('mass', 'stiffness')]
            for way in ('taught', 'taught, progressive', 'taught, replay')
        )
        passed += [late.high < early.low for early, late in zip(plainly, ramped, strict=True)]
        found += (
            'A real arm that learns new objects loses of those that it knew, mass and stiffness: '
            f'{_and(plainly)} plainly, {_and(ramped)} with schedule and stages, {_and(replayed)} '
            'where old recordings are replayed.'
        )
    return _claim(
        about,
        data=data + ('' if gripper is None else '; a real arm ([real_data.md](real_data.md))'),
        test=f'With {labels} labels, the schedule of the loss, and the stages, each put into the '
        f'recipe; trainings of each: {trainings}. On the arm: accuracy on objects that it knew, '
        'before less after it learnt new ones.',
        control='The same recipe and seeds without them; on the arm, replay of old recordings.',
        rule='Holds if each brings accuracy, and on the arm less is lost with them than without '
        '(intervals apart); in part if some do.',
        outcome=graded(passed),
        figure=f'schedule gains {figures["schedule, gained"].points}, stages '
        f'{figures["stages, gained"].points}',
        found=found,
        tables=tables,
        figures=figures,
    )


def _on_the_arm(gripper: Record) -> tuple[dict[str, Figure], Table]:
    """Return what known objects lost, and the table of it."""
    lost = gripper['seen_objects_lost']
    figures = {
        f'{way}, {name}': Figure.of_record(figure)
        for way, by_name in lost.items()
        for name, figure in by_name.items()
    }
    rows = [
        [way, *(figures[f'{way}, {name}'].points for name in by_name)]
        for way, by_name in lost.items()
    ]
    return figures, Table(head=('a real arm: known objects lost', 'mass', 'stiffness'), rows=rows)


def reversal(results: Record, data: str) -> Claim:
    """Judge gradient reversal by accuracy, and show a probe of the features."""
    about = (
        'Gradient reversal makes features invariant to light',
        'Challenges and Solutions, 1',
        'A gradient reversal layer makes the features of the student invariant to light.',
    )
    labels, change = change_of(results, 'gradient reversal')
    if change is None:
        return _unmeasured(about)
    gain = gained(change)
    before, after = (
        student['lighting_probe'] for student in (results['student_kd'][labels], change)
    )
    nothing = ' There is next to nothing to reverse.' if before < 0.6 else ''
    return _claim(
        about,
        data=data,
        test=f'With {labels} labels: accuracy gained with reversal. Beside it, how often a fresh '
        'linear probe tells day from night by the features (50 %: it cannot).',
        control='The same recipe and seeds without it.',
        rule='Holds if it brings accuracy, beyond chance.',
        outcome=HOLDS if gain.low > 0.0 else FAILS,
        figure=f'{gain.points} gained',
        found=f'Gained: {gain.points}. The probe is right in {_percent(before)} without reversal, '
        f'in {_percent(after)} with it.{nothing}',
        figures={'gained with reversal': gain},
    )


def quantum(results: Record, data: str) -> Claim:
    """Judge the fidelities of quantum states against the cosine of the recipe."""
    about = (
        'Quantum alignment',
        'Future Directions; Conclusion',
        'Aligning the features of teacher and student is a matter for quantum computing: the '
        'fidelity of two quantum states serves better.',
    )
    labels, product = change_of(results, 'product fidelity')
    cost = results.get('alignment_ms', {})
    if product is None or not cost:
        return _unmeasured(about)
    gain = gained(product)
    return _claim(
        about,
        data=data,
        test=f'With {labels} labels, features aligned by the fidelity of product states, as the '
        'article has it, computed exactly.',
        control='The same recipe and seeds with the cosine of the features.',
        rule='Holds if it is better than the cosine, beyond chance.',
        outcome=HOLDS if gain.low > 0.0 else FAILS,
        figure=f'product fidelity {gain.points}',
        found=f"Gained on the cosine: {gain.points}. The article's simulated circuit takes "
        f'{cost["circuit"]:.0f} ms a batch where the cosine takes {cost["cosine"]:.2f}, and gives '
        'no gradient. Product states need no quantum computer: their fidelity is a product of '
        'squared cosines. Entangled states were not tried on this wall, quantum hardware and '
        'annealers nowhere.',
        figures={'product fidelity': gain},
    )


def as_printed(results: Record, data: str) -> Claim:
    """Judge the article's own nets and loop against the student of the recipe."""
    about = (
        'The code as printed',
        'Implementation Details; closing note',
        'The printed examples are simplified, and hold the algorithms that production systems '
        'need.',
    )
    labels, own = change_of(results, 'reference')
    if own is None:
        return _unmeasured(about)
    gain, right = gained(own), Figure.of_record(own['accuracy'])
    recipe = Figure.of_record(results['student_kd'][labels]['accuracy'])
    return _claim(
        about,
        data=data,
        test=f"The article's nets and loop with {labels} labels, for as many steps. Mended was "
        'what does not run: the attention mixes widths, neither net has the classifier that its '
        'loops call.',
        control="This package's student, same labels and seeds.",
        rule='Holds if it is not worse, beyond chance.',
        outcome=HOLDS if gain.high >= 0.0 else FAILS,
        figure=f'right in {right.percent}; the recipe {recipe.percent}',
        found=f'The student of the article is right in {right.percent}, its teacher in '
        f'{_percent(own["teacher_accuracy"], 1)}; that of the recipe in {recipe.percent}.',
        figures={'the article': right, 'the recipe': recipe, 'gained on the recipe': gain},
    )


def _claim(about: tuple[str, str, str], **more: Any) -> Claim:
    name, section, claim = about
    return Claim(name=name, section=section, claim=claim, **more)


def _unmeasured(about: tuple[str, str, str]) -> Claim:
    return untestable(*about, 'Needs trainings: `crossmodal-kd evaluate --results docs`.')


def _percent(share: float, digits: int = 0) -> str:
    return f'{100.0 * share:.{digits}f} %'


def _and(figures: list[Figure]) -> str:
    return ' and '.join(figure.points for figure in figures)
