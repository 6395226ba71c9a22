# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Claims that need trainings: from the figures of the benchmark, and of a real arm."""

from collections.abc import Mapping
from typing import Any

from claim_parts.measures import FAILS, HOLDS, Claim, Figure, Table, graded, untestable
from crossmodal_kd_ros.versions import SIMULATION_VERSION

Record = Mapping[str, Any]
# results.json says at which commits it was measured; before it said of which version of the wall
# it is, this one was among them: docs/training.md.
_FIRST_VERSION = {'3c006a20b197bae0387b24ea68e75c00536ec7cb': 1}
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
    known = [_FIRST_VERSION[at] for at in results.get('measured_at', ()) if at in _FIRST_VERSION]
    version = results.get('simulation_version', known[0] if known else None)
    if version is None:
        return f'simulated; of which version of the wall is not written there ({_PAGE})'
    older = ', an older one' if version != SIMULATION_VERSION else ''
    return f'simulated, version {version} of the wall{older} ({_PAGE})'


def changes(results: Record, name: str) -> tuple[str, dict[str, Record]]:
    """Return how many labels there were, and the changes of the recipe whose name begins so."""
    found = {
        key: next(iter(by_labels.items()))
        for key, by_labels in results.get('ablations', {}).items()
        if key.startswith(name)
    }
    labels = next(iter(found.values()))[0] if found else ''
    return labels, {key: change for key, (_, change) in found.items()}


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
        # Earlier there was one control.
        for control, gain in (
            {'student_no_kd': by_control} if 'accuracy' in by_control else by_control
        ).items()
    }
    if not gains:
        return _unmeasured(about)
    sentences = []
    controls = dict.fromkeys(control for control, _ in gains)
    for control in controls:
        own = {labels: gain for (one, labels), gain in gains.items() if one == control}
        each = '; '.join(f'{gain.points} with {labels} labels' for labels, gain in own.items())
        sentences.append(f'Gained on {_CONTROLS[control]}: {each}.')
    hidden = results.get('recovery', {}).get('0')
    if hidden:
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
    labels, schedule = changes(results, 'progressive')
    stages = changes(results, 'stages')[1]
    if not schedule or not stages:
        return _unmeasured(about)
    ways = {'schedule': schedule['progressive alpha'], 'stages': stages['stages']}
    figures = {f'{way}, gained': gained(change) for way, change in ways.items()}
    passed = [figure.low > 0.0 for figure in figures.values()]
    plain = results['student_kd'][labels]['r2']
    rows = {'the recipe: all at once': plain}
    rows |= {f'with the {way}': change['r2'] for way, change in ways.items()}
    rows |= {
        'no loss on readings': change['r2']
        for change in changes(results, 'no readings')[1].values()
    }
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
        'recipe, two trainings of each. On the arm: accuracy on objects that it knew, before '
        'less after it learnt new ones.',
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
    labels, found = changes(results, 'gradient reversal')
    if not found:
        return _unmeasured(about)
    figures = {name: gained(change) for name, change in found.items()}
    before = results['student_kd'][labels]['lighting_probe']
    probes = ', '.join(
        f'{_percent(change["lighting_probe"])} with {name}' for name, change in found.items()
    )
    gains = '; '.join(f'{name} {figure.points}' for name, figure in figures.items())
    nothing = ' There is next to nothing to reverse.' if before < 0.6 else ''
    return _claim(
        about,
        data=data,
        test=f'With {labels} labels: accuracy gained with reversal. Beside it, how often a fresh '
        'linear probe tells day from night by the features (50 %: it cannot).',
        control='The same recipe and seeds without it.',
        rule='Holds if each strength brings accuracy, beyond chance; in part if one does.',
        outcome=graded([figure.low > 0.0 for figure in figures.values()]),
        figure=f'{next(iter(figures.values())).points} gained',
        found=f'Gained: {gains}. The probe is right in {_percent(before)} without reversal, '
        f'{probes}.{nothing}',
        figures=figures,
    )


def quantum(results: Record, data: str) -> Claim:
    """Judge the fidelities of quantum states against the cosine of the recipe."""
    about = (
        'Quantum alignment',
        'Future Directions; Conclusion',
        'Aligning the features of teacher and student is a matter for quantum computing: the '
        'fidelity of two quantum states serves better.',
    )
    labels, product = changes(results, 'product fidelity')
    kinds = product | changes(results, 'entangled fidelity')[1]
    cost = results.get('alignment_ms', {})
    if not product or not cost:
        return _unmeasured(about)
    figures = {name: gained(change) for name, change in kinds.items()}
    gains = ', '.join(f'{name} {figure.points}' for name, figure in figures.items())
    return _claim(
        about,
        data=data,
        test=f'With {labels} labels, features aligned by the fidelity of product states, as the '
        'article has it, computed exactly, and of entangled ones where that was measured.',
        control='The same recipe and seeds with the cosine of the features.',
        rule='Holds if each is better than the cosine, beyond chance; in part if one is.',
        outcome=graded([figure.low > 0.0 for figure in figures.values()]),
        figure=gains,
        found=f"Gained on the cosine: {gains}. The article's simulated circuit takes "
        f'{cost["circuit"]:.0f} ms a batch where the cosine takes {cost["cosine"]:.2f}, and gives '
        'no gradient. Product states need no quantum computer: their fidelity is a product of '
        'squared cosines. Quantum hardware and annealers were not tried.',
        figures=figures,
    )


def as_printed(results: Record, data: str) -> Claim:
    """Judge the article's own nets and loop against the student of the recipe."""
    about = (
        'The code as printed',
        'Implementation Details; closing note',
        'The printed examples are simplified, and hold the algorithms that production systems '
        'need.',
    )
    labels, found = changes(results, 'reference')
    if not found:
        return _unmeasured(about)
    own = found['reference']
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
