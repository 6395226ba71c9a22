# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A student's training beside the article's loop with the same networks: speed, and accuracy."""

from pathlib import Path

from child import Child, ask, environment, python
from measure import Bench, Column, Part, Result, Table, cores, figures, ratio
from pairs import make_pairs

from crossmodal_kd_ros.training.recipe import Recipe, find_recipe, load_recipe

_LOOPS = {'package': 'this package', 'plain': "the article's loop"}
_SIZES = (128, 64)
_STEPS = (Column(key='samples_a_second', title='samples', unit='1/s'),)
_WHOLE = (
    Column(key='seconds', title='time', unit='s'),
    Column(key='samples_a_second', title='samples', unit='1/s'),
    Column(key='right', title='right afterwards'),
)


def run(bench: Bench) -> Part:
    """Train a few steps with each loop in turns, in two processes; then a whole short training."""
    # As many as the engines are asked about: they are made once for both.
    pairs = make_pairs(bench.out, 300 if bench.quick else 3000)
    steps, warm, share, asked = (8, 3, 0.002, 60) if bench.quick else (24, 5, 0.1, 600)
    rates: dict[tuple[str, int], list[float]] = {
        (loop, size): [] for size in _SIZES for loop in _LOOPS
    }
    teacher: list[float] = []
    ways = {
        'one process of one thread': (1, 1),
        f'one process of {cores()} threads': (1, cores()),
        f'{cores()} processes of one thread each': (cores(), 1),
    }
    shared: dict[str, list[float]] = {name: [] for name in ways}
    few = make_pairs(bench.out, 300)
    commands = {loop: python('training.py', loop, bench.models, pairs) for loop in _LOOPS}
    with (
        Child(commands['package'], environment()) as package,
        Child(commands['plain'], environment()) as plain,
    ):
        children = {'package': package, 'plain': plain}
        for number in range(bench.rounds):
            bench.say(f'training, round {number + 1} of {bench.rounds}')
            for (loop, size), own in rates.items():
                answer = children[loop].ask(what='rate', view_px=size, steps=steps, warm=warm)
                own.append(answer['samples_a_second'])
            answer = package.ask(what='answers', pairs=asked)
            teacher.append(answer['pairs_a_second'])
            for name, (processes, threads) in ways.items():
                shared[name].append(_share(bench, few, processes, threads, steps, warm))
        bench.say('training, a whole one with each loop')
        whole = {loop: child.ask(what='whole', share=share) for loop, child in children.items()}
    default = load_recipe(find_recipe('default'))
    recipe, finish = default.student, default.student.finish
    ours, theirs = whole['package'], whole['plain']
    results = [
        Result(
            name='samples a second over the default recipe, over those of the loop of the article',
            figure=ratio(_of_recipe(default, rates, teacher), rates['plain', finish.view_px]),
            at_least=2.5,
        ),
        Result(
            name='samples a second of a whole short training, over those of the loop of the '
            'article',
            figure=ratio([ours['samples_a_second']], [theirs['samples_a_second']]),
        ),
        Result(
            name='right after it, over right after as many samples of the loop of the article',
            figure=ratio([ours['right']], [theirs['right']]),
            at_least=1.0,
        ),
        *(
            Result(
                name=f'samples a second of a step at {size} px, over those of the loop of the '
                f'article at {size} px',
                figure=ratio(rates['package', size], rates['plain', size]),
            )
            for size in _SIZES
        ),
    ]
    return Part(
        title='Training',
        text=(
            f'A student learns from the shipped teacher on {cores()} processors. The loop of this '
            'package does what its default recipe says: augmentation, losses on readings, '
            'quantities and features, the answers of the teacher computed once. The loop of the '
            'article is written plainly, with the same two networks, the same size of a batch and '
            'AdamW: each pair is made a tensor by itself, the teacher runs in every step, and '
            'nothing is augmented.',
            f'The default recipe trains {recipe.steps} steps of {recipe.batch} at '
            f'{recipe.view_px} px and then {finish.steps} of {finish.batch} at '
            f'{finish.view_px} px. The article knows no such stages: its loop sees every picture '
            f'at {finish.view_px} px. The samples a second of the recipe follow from those of '
            'the steps of each size and from how fast the teacher answers, all measured in turns.',
            f'A whole short training is a share of {share:g} of the steps of both stages, and '
            'with the loop of the article as many samples. Both are then asked about the same '
            'panels, which neither has seen. It is done once: it says whether as many samples are '
            'worth as much.',
        ),
        results=results,
        tables=(
            Table(
                title='Samples a second of steps',
                first='loop',
                columns=_STEPS,
                rows=[
                    (f'{_LOOPS[loop]}, {size} px', figures(_STEPS, _as_rounds(own)))
                    for (loop, size), own in rates.items()
                ],
                plot=('samples_a_second',),
            ),
            Table(
                title=f'Processes and threads, {recipe.view_px} px',
                first='training by',
                columns=_STEPS,
                rows=[(name, figures(_STEPS, _as_rounds(own))) for name, own in shared.items()],
                plot=('samples_a_second',),
            ),
            Table(
                title=f'A whole training, {ours["samples"]:.0f} samples',
                first='loop',
                columns=_WHOLE,
                rows=[(_LOOPS[loop], figures(_WHOLE, [answer])) for loop, answer in whole.items()],
            ),
        ),
    )


def _share(
    bench: Bench, pairs: Path, processes: int, threads: int, steps: int, warm: int
) -> float:
    """Return the samples a second of a training that `processes` share, as torchrun does it."""
    command = python('shared_training.py', bench.models, pairs, steps, warm)
    if processes > 1:
        launcher = '-m torch.distributed.run --standalone --nproc-per-node'.split()
        command[1:1] = [*launcher, str(processes)]
    answer = ask(command, environment() | {'OMP_NUM_THREADS': str(threads)})
    return answer['samples_a_second']


def _as_rounds(rates: list[float]) -> list[dict[str, float]]:
    return [{'samples_a_second': rate} for rate in rates]


def _of_recipe(
    recipe: Recipe, rates: dict[tuple[str, int], list[float]], teacher: list[float]
) -> list[float]:
    """Return samples a second over both trainings of a student, for each round.

    Before them the teacher answers once for every view.
    """
    views = recipe.data.labelled_views + recipe.data.unlabelled_views
    student, finish = recipe.student, recipe.student.finish
    first, second = student.steps * student.batch, finish.steps * finish.batch
    rounds = zip(rates['package', student.view_px], rates['package', finish.view_px], teacher)
    return [
        (first + second) / (first / slow + second / fast + views / answers)
        for slow, fast, answers in rounds
    ]
