# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Samples a second of a student's training, beside the article's loop with the same networks."""

from child import Child, environment, python
from measure import Bench, Column, Part, Result, Table, cores, figures, ratio
from pairs import make_pairs

from crossmodal_kd_ros.training.recipe import find_recipe, load_recipe

_LOOPS = {'package': 'this package', 'plain': "the article's loop"}
_SIZES = (128, 64)
_COLUMNS = (
    Column(key='samples_a_second', title='samples', unit='1/s'),
    Column(key='before_s', title='until the first step is done', unit='s'),
)


def run(bench: Bench) -> Part:
    """Train a few steps with each loop in turns, in two processes."""
    pairs = make_pairs(bench.out, 300)
    steps, warm = (8, 3) if bench.quick else (24, 5)
    answers: dict[tuple[str, int], list[dict[str, float]]] = {
        (loop, size): [] for size in _SIZES for loop in _LOOPS
    }
    commands = {loop: python('training.py', loop, bench.models, pairs) for loop in _LOOPS}
    with (
        Child(commands['package'], environment()) as package,
        Child(commands['plain'], environment()) as plain,
    ):
        children = {'package': package, 'plain': plain}
        for number in range(bench.rounds):
            bench.say(f'training, round {number + 1} of {bench.rounds}')
            for (loop, size), own in answers.items():
                own.append(children[loop].ask(view_px=size, steps=steps, warm=warm))
    rates = {key: [answer['samples_a_second'] for answer in own] for key, own in answers.items()}
    recipe = load_recipe(find_recipe('default')).student
    results = [
        Result(
            name='samples a second at 128 px, over those of the loop of the article',
            figure=ratio(rates['package', 128], rates['plain', 128]),
            at_least=2.5,
        ),
        Result(
            name='samples a second at 64 px, over those of the loop of the article',
            figure=ratio(rates['package', 64], rates['plain', 64]),
        ),
        Result(
            name='samples a second of the whole default recipe, over those of the loop of the '
            'article at 128 px',
            figure=ratio(_of_recipe(recipe, rates), rates['plain', 128]),
        ),
    ]
    rows = [
        (f'{_LOOPS[loop]}, {size} px', figures(_COLUMNS, own))
        for (loop, size), own in answers.items()
    ]
    finish = recipe.finish
    return Part(
        title='Training',
        text=(
            f'A student learns from the shipped teacher on {cores()} processors. The loop of this '
            'package does what its default recipe says: augmentation, the losses on readings and '
            'features, the targets of the teacher computed once. The loop of the article is '
            'written plainly, with the same two networks: the teacher runs in every step, and '
            'nothing is augmented. In turns, some steps each. Accuracy is not measured here; it '
            'is in docs/results.md.',
            f'The default recipe trains {recipe.steps} steps of {recipe.batch} at '
            f'{recipe.view_px} px and then {finish.steps} of {finish.batch} at '
            f'{finish.view_px} px; the article knows no such stages.',
        ),
        results=results,
        tables=(
            Table(
                title='Samples a second',
                first='loop',
                columns=_COLUMNS,
                rows=rows,
                plot=('samples_a_second',),
            ),
        ),
    )


def _of_recipe(recipe, rates: dict[tuple[str, int], list[float]]) -> list[float]:
    """Return samples a second over both trainings of a recipe, for each round."""
    first, second = recipe.steps * recipe.batch, recipe.finish.steps * recipe.finish.batch
    pairs = zip(rates['package', recipe.view_px], rates['package', recipe.finish.view_px])
    return [(first + second) / (first / slow + second / fast) for slow, fast in pairs]
