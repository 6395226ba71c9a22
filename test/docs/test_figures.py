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
    results = read_json('docs/wall_3/results.json')
    (alone, itself), (with_some, over_some), (with_many, over_many) = (
        [points(gain['accuracy']) for gain in results['gain'][labels].values()]
        for labels in ('500', '2000', '10000')
    )
    yield 'README.md', f'it brings {alone} points over the labels alone and {itself} over'
    yield (
        'README.md',
        f'With 2,000 labels it brings {with_some}. With 10,000 it brings {with_many}',
    )
    yield 'docs/training.md', f'| {alone} | {itself} |'
    yield 'docs/training.md', f'| the same with 2,000 labels | {with_some} | {over_some} |'
    yield 'docs/training.md', f'| the same with 10,000 labels | {with_many} | {over_many} |'
    yield 'docs/training.md', f'{with_some} points on the labels alone'
    yield 'docs/training.md', f'it brings little**: {with_many} points'
    yield 'docs/training.md', f'gains {alone} points on the labels alone'
    measured = f'{len(results["cells"])} of {results["planned_cells"]} networks are measured'
    yield 'docs/training.md', measured
    student = results['student_kd']['500']
    yield 'docs/training.md', f'the student is right in {percent(student["accuracy"]["mean"], 1)}'
    roughness, width_mm = student['r2']['surface_roughness'], student['medians']['crack_width']
    yield 'docs/training.md', f'roughness is read with an R2 of {roughness:.2f}'
    yield 'docs/training.md', f'half of the widths of cracks within {width_mm["error"]:.2f} mm'
    best = results['ceilings']['readings']
    yield (
        'docs/training.md',
        f'reaches {best["surface_roughness"]["r2"]:.2f} and '
        f'{best["crack_width"]["median_error"]:.2f} mm',
    )


def of_the_real_sets() -> Iterator[tuple[str, str]]:
    for name in ('textures', 'visuotactile'):
        gains = read_json(f'docs/{name}.json')['gains']
        for cell in ('met', 'few labels', 'all labels'):
            over_labels, over_itself = (
                gains.get(f'{cell}, taught - {control}')
                for control in ('labels alone', 'self-training')
            )
            rest = 'nothing is without a label' if over_itself is None else points(over_itself)
            yield 'docs/training.md', f'| {points(over_labels)} | {rest} |'
    found = read_json('docs/gain.json')['summary']['all']
    yield 'docs/training.md', f'measured in {found["cells"]} cells of three real sets'
    for call, words in (('gain', 'mean in {} of {} cells'), ('surplus', 'rule in {} of {}')):
        told = found['calls'][call]
        yield 'docs/training.md', words.format(told['sure_and_right'], told['sure'])


@pytest.mark.parametrize(
    'figures', [of_the_calibration, of_the_weights, of_the_benchmark, of_the_real_sets]
)
def test_a_figure_that_a_document_repeats_is_that_of_its_file(figures):
    for document, words in figures():
        text = re.sub(r'\s+', ' ', (ROOT / document).read_text(encoding='utf-8'))
        assert words in text, f'{document} does not say: {words}'
