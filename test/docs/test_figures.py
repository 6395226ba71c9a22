# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures that the documents repeat are those of the files that commands write."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossmodal_kd_ros.networks.weights import read_card

ROOT = Path(__file__).parents[2]
DISTILLATION = 'docs/distillation.md'


def read_json(name: str) -> dict:
    return json.loads((ROOT / name).read_text(encoding='utf-8'))


def percent(share: float, digits: int = 0) -> str:
    return f'{100.0 * share:.{digits}f} %'


def points(figure: dict) -> str:
    mean, low, high = (f'{100.0 * x:.1f}' for x in (figure['mean'], *figure['interval']))
    return f'{mean} [{low}, {high}]'


def of_the_calibration() -> Iterator[tuple[str, str]]:
    right = read_json('models/calibration.json')['predictors']
    no_touch, no_gas, student = (
        percent(right[sensors][mode]['accuracy'])
        for sensors, mode in (
            ('camera+gas', 'PARTIAL'),
            ('camera+touch', 'PARTIAL'),
            ('camera', 'STUDENT'),
        )
    )
    assert no_touch == no_gas, 'the README gives one figure for both'
    yield 'README.md', f'touch or gas is lost (each {no_touch} right'
    yield 'README.md', f'the student alone {student})'
    yield (
        'docs/resilience.md',
        f'the two joined right in {no_touch} without touch and in {no_gas} without gas, '
        f'the student alone in {student}',
    )


def of_the_weights() -> Iterator[tuple[str, str]]:
    right = {
        name: percent(figures['accuracy'], 1)
        for kind in ('teacher', 'student')
        for name, figures in json.loads(
            read_card(ROOT / f'models/{kind}.safetensors')['test_figures']
        ).items()
    }
    yield (
        'README.md',
        f'the teacher decides as the expert would in {right["teacher"]} of the views, '
        f'the student in {right["student"]}',
    )
    card = (ROOT / 'models/README.md').read_text(encoding='utf-8')
    (alone,) = re.findall(r'\| student without distillation \| ([\d.]+ %) \|', card)
    yield 'README.md', f'the same student without the teacher reaches {alone}'


def of_the_benchmark() -> Iterator[tuple[str, str]]:
    results = read_json('docs/results.json')
    (alone, itself), (with_some, over_some), (with_many, over_many) = (
        [points(gain['accuracy']) for gain in results['gain'][labels].values()]
        for labels in ('500', '2000', '10000')
    )
    yield 'README.md', f'the teacher brings {alone} points over the labels alone and {itself} over'
    yield (
        'README.md',
        f'With 2,000 labels it brings {with_some}. With 10,000 it brings {with_many}',
    )
    yield DISTILLATION, f'| {alone} | {itself} |'
    yield DISTILLATION, f'| the same with 2,000 labels | {with_some} | {over_some} |'
    yield DISTILLATION, f'| the same with 10,000 labels | {with_many} | {over_many} |'
    yield DISTILLATION, f'for {with_many} points'
    yield DISTILLATION, f'{alone} points more than from the labels alone'
    measured = f'{len(results["cells"])} of {results["planned_cells"]} networks are measured'
    yield DISTILLATION, measured
    student, of_many = (results['student_kd'][labels] for labels in ('500', '10000'))
    yield DISTILLATION, f'the student is right in {percent(student["accuracy"]["mean"], 1)}'
    r2, width_mm = (
        [each[key][name] for each in (student, of_many)]
        for key, name in (('r2', 'surface_roughness'), ('medians', 'crack_width'))
    )
    yield DISTILLATION, f'Roughness is read with an R2 of {r2[0]:.2f}'
    yield DISTILLATION, f'the widths of cracks within {width_mm[0]["error"]:.2f} mm'
    yield DISTILLATION, f'it is {r2[1]:.2f} and {width_mm[1]["error"]:.2f} mm'
    nothing, half, whole = (
        points(results['recovery'][shows]['gain']['student_no_kd']) for shows in ('0', '0.5', '1')
    )
    yield (
        DISTILLATION,
        f'{whole} points where all of the state shows, {half} where half does, {nothing} where',
    )
    best = results['ceilings']['readings']
    yield (
        DISTILLATION,
        f'reaches {best["surface_roughness"]["r2"]:.2f} and '
        f'{best["crack_width"]["median_error"]:.2f} mm',
    )


def of_the_changes() -> Iterator[tuple[str, str]]:
    changes = {
        name: next(iter(by_labels.values()))
        for name, by_labels in read_json('docs/results.json')['ablations'].items()
    }
    gained = {
        name: points(change['against_recipe']['accuracy']) for name, change in changes.items()
    }
    for name, words in (
        ('encoder of ImageNet', 'gives {} points on the recipe'),
        ('gradient reversal', 'reversal brings nothing**: {} points'),
        ('progressive alpha', 'schedule brings nothing**: {} points'),
        ('stages', 'stages cost a little**: {}; they leave'),
        ('no feature matching', 'student is as good ({} points)'),
        ('product fidelity', 'fidelity too ({})'),
    ):
        yield DISTILLATION, words.format(gained[name])
    for name in ('no unlabelled pairs', 'no readings'):
        figure = changes[name]['against_recipe']['accuracy']
        mean, high, low = (f'{-100.0 * x:.1f}' for x in (figure['mean'], *figure['interval']))
        yield DISTILLATION, f'{mean} [{low}, {high}] points'
    brought = points(changes['encoder of ImageNet']['gain']['accuracy'])
    alone = percent(changes['encoder of ImageNet, no teacher']['accuracy']['mean'], 1)
    yield DISTILLATION, f'comes to {alone}: the teacher brings it {brought} points'
    yield 'README.md', f'there it brings {brought} with 500'
    right = percent(changes['reference']['accuracy']['mean'], 1)
    yield DISTILLATION, f'agree with the expert in {right}'


def of_the_arm() -> Iterator[tuple[str, str]]:
    gains = read_json('docs/gripper.json')['gains']
    over_labels, over_itself = (
        [points(gains[way][of]) for of in ('mass', 'stiffness')]
        for way in ('taught, replay - before', 'taught, replay - self-training')
    )
    for each in zip(over_labels, over_itself, strict=True):
        yield DISTILLATION, '| {} | {} |'.format(*each)


def of_the_real_sets() -> Iterator[tuple[str, str]]:
    for name in ('textures', 'visuotactile'):
        gains = read_json(f'docs/{name}.json')['gains']
        for cell in ('met', 'few labels', 'all labels'):
            over_labels, over_itself = (
                gains.get(f'{cell}, taught - {control}')
                for control in ('labels alone', 'self-training')
            )
            rest = 'every picture has a label' if over_itself is None else points(over_itself)
            yield DISTILLATION, f'| {points(over_labels)} | {rest} |'
    found = read_json('docs/gain.json')['summary']['all']
    yield (
        DISTILLATION,
        f'measured in {found["cells"]} cells, of the simulated wall and three real sets',
    )
    for call, words in (('gain', 'mean in {} of {} cells'), ('surplus', 'rule in {} of {}')):
        told = found['calls'][call]
        yield DISTILLATION, words.format(told['sure_and_right'], told['sure'])


@pytest.mark.parametrize(
    'figures',
    [
        of_the_calibration,
        of_the_weights,
        of_the_benchmark,
        of_the_changes,
        of_the_arm,
        of_the_real_sets,
    ],
)
def test_a_figure_that_a_document_repeats_is_that_of_its_file(figures):
    for document, words in figures():
        text = re.sub(r'\s+', ' ', (ROOT / document).read_text(encoding='utf-8'))
        assert words in text, f'{document} does not say: {words}'
