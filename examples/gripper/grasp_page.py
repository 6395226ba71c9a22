# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The figures of the experiment as JSON, and as a section of `real_data.md`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from grasp_pairs import PROPERTIES
from grasp_recordings import COMMIT

from crossmodal_kd_ros.files import write_json, write_text

TAUGHT = 'taught, replay'
LOST_BY_OBJECT = 'lost by seen object'
WAYS = {
    'before': 'student before',
    TAUGHT: 'taught by touch',
    'taught, replay, progressive': 'taught by touch, progressive',
    'taught, progressive': 'taught by touch, progressive, without replay',
    'taught': 'taught by touch, without replay',
    'self-training': 'self-training (its own labels)',
    'oracle labels': 'true labels',
    'background before': 'background alone, before',
    'background': 'background alone, taught by touch',
    'touch, first grasps': 'the teacher itself, on the grasps it labels',
    'touch, last grasps': 'the teacher itself, on the grasps of the test',
}
_SEEN = 'seen objects'
_DRAWS = 10_000
_AIMS = {'mass': 0.85, 'stiffness': 0.72}
_MIN_GAIN, _MAX_LOST = 0.25, 0.02
_LISTED_LOSSES = 6
_TITLE = (
    '# Real data\n\nFigures of recordings that nobody simulated. '
    'Each section is written by its command.\n'
)


def summarise_results(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of each figure over objects and seeds, with a 95 % interval over objects.

    An object counts once, with its mean over seeds. `seeds` are the means of each seed.
    """
    objects = sorted({row['object'] for row in results})
    seeds = sorted({row['seed'] for row in results})
    table = {(row['object'], row['seed']): row['figures'] for row in results}

    def values(way: str, name: str) -> np.ndarray:
        return np.array([[table[each, seed][way][name] for seed in seeds] for each in objects])

    def figure(each: np.ndarray) -> dict[str, Any]:
        low, high = interval_of(each.mean(1))
        seeds_means = [round(float(mean), 4) for mean in each.mean(0)]
        return {
            'mean': round(float(each.mean()), 4),
            'interval': [round(low, 4), round(high, 4)],
            'seeds': seeds_means,
        }

    ways = {
        way: {name: figure(values(way, name)) for name in results[0]['figures'][way]}
        for way in WAYS
    }
    gains = {
        f'{TAUGHT} - {other}': {
            name: figure(values(TAUGHT, name) - values(other, name)) for name in PROPERTIES
        }
        for other in ('before', 'self-training', 'background', 'taught, replay, progressive')
    }
    lost = {
        way: {
            name: figure(values('before', f'{_SEEN}, {name}') - values(way, f'{_SEEN}, {name}'))
            for name in PROPERTIES
        }
        for way in (
            TAUGHT,
            'taught, replay, progressive',
            'taught',
            'taught, progressive',
            'self-training',
            'oracle labels',
        )
    }
    by_object = {
        each: {
            way: {name: round(float(values(way, name)[n].mean()), 4) for name in PROPERTIES}
            for way in WAYS
        }
        for n, each in enumerate(objects)
    }
    pairs: dict[tuple[str, str], dict[str, float]] = {}
    for row in results:
        for seen, each in row['figures'][LOST_BY_OBJECT].items():
            part = pairs.setdefault((row['object'], seen), dict.fromkeys(PROPERTIES, 0.0))
            for name in PROPERTIES:
                part[name] += each[name] / len(results)
    greatest = sorted(pairs, key=lambda pair: -sum(pairs[pair].values()))
    return {
        'objects': len(objects),
        'seeds': seeds,
        'ways': ways,
        'gains': gains,
        'seen_objects_lost': lost,
        'greatest_losses': [
            {
                'new': new,
                'seen': seen,
                **{name: round(value, 4) for name, value in pairs[new, seen].items()},
            }
            for new, seen in greatest[:_LISTED_LOSSES]
        ],
        'by_object': by_object,
    }


def write_page(
    docs: Path, results: Sequence[dict[str, Any]], digest: str, grasps: int
) -> dict[str, Any]:
    """Write `gripper.json`, and the section of `real_data.md` between its marks."""
    figures = {
        'source': 'https://github.com/Jiaming-Zhu/visuotactile-rpdf-dataset',
        'commit': COMMIT,
        'sha256': digest,
        'grasps': grasps,
        **summarise_results(results),
    }
    write_section(docs, 'gripper', figures, _section(figures))
    return figures


def write_road(docs: Path, figures: dict[str, Any]) -> None:
    """Write `gripper_road.json`, and its section of `real_data.md` between its marks."""
    halves = 'alive', 'dead'

    def accuracies(each: dict[str, Any]) -> str:
        return ' | '.join(f'{each[half][key]:.2f}' for half in halves for key in PROPERTIES)

    def deciders(pictures: dict[str, int]) -> str:
        return ', '.join(f'{mode} {count}' for mode, count in pictures.items())

    replays = figures['replays']
    rows = [
        f'| {name} | {accuracies(each["accuracy"])} | '
        + ' | '.join(deciders(each['pictures'][half]) for half in halves)
        + ' |'
        for name, each in replays.items()
    ]
    modes = [
        f'- {name}, felt until {each["dead_from_s"]} s: '
        + '; '.join(
            f'{one["start_s"]:.1f} s {one["mode"]}, {one["reason"]}' for one in each['modes']
        )
        + '.'
        for name, each in replays.items()
    ]
    felt, dead = (
        sum((Counter(each['pictures'][half]) for each in replays.values()), Counter())
        for half in halves
    )
    text = '\n'.join(
        [
            _ROAD.format(
                minutes=figures['minutes'],
                mass=figures['accuracy']['dead']['mass'],
                stiffness=figures['accuracy']['dead']['stiffness'],
                student=dead['STUDENT'] / dead.total(),
                teacher=felt['TEACHER'] / felt.total(),
            ),
            *rows,
            f'| mean | {accuracies(figures["accuracy"])} | {deciders(felt)} | {deciders(dead)} |',
            '',
            'Modes, with the second of the replay and the reason:',
            '',
            *modes,
            '',
        ]
    )
    write_section(docs, 'gripper_road', figures, text)


def write_section(docs: Path, name: str, figures: dict[str, Any], text: str) -> None:
    """Write figures as `<name>.json`, and `text` into `real_data.md` between the marks of `name`.

    What others wrote into the page stays.
    """
    docs.mkdir(parents=True, exist_ok=True)
    write_json(docs / f'{name}.json', figures)
    page, start, end = docs / 'real_data.md', f'<!-- {name}: begin -->', f'<!-- {name}: end -->'
    whole = page.read_text(encoding='utf-8') if page.exists() else _TITLE
    if start not in whole:
        whole = f'{whole.rstrip()}\n\n{start}\n{end}\n'
    before, rest = whole.split(start, 1)
    after = rest.split(end, 1)[1]
    write_text(page, f'{before}{start}\n{text}{end}{after}')


def verdicts(figures: dict[str, Any]) -> list[str]:
    """Return what the figures come to, a sentence each: met or missed."""
    ways, gains, lost = figures['ways'], figures['gains'], figures['seen_objects_lost']

    def said(met: bool) -> str:
        return 'met' if met else '**missed**'

    lines = []
    for name in PROPERTIES:
        mean, least = ways[TAUGHT][name]['mean'], _AIMS[name]
        lines.append(f'{name} {mean:.3f}, aim {least}: {said(mean >= least)}')
        gain = gains[f'{TAUGHT} - self-training'][name]['mean']
        lines.append(
            f'{name} above self-training by {gain:.3f}, aim {_MIN_GAIN}: {said(gain >= _MIN_GAIN)}'
        )
        clear = gains[f'{TAUGHT} - background'][name]
        lines.append(
            f'{name} less background alone, taught likewise, {cell_text(clear)}, aim clear of 0: '
            f'{said(clear["interval"][0] > 0.0)}'
        )
        forgotten = lost[TAUGHT][name]['mean']
        lines.append(
            f'seen objects lost {forgotten:.3f} of {name}, aim at most {_MAX_LOST}: '
            f'{said(forgotten <= _MAX_LOST)}'
        )
        others = {'taught, replay, progressive': 'progressive', 'taught': 'without replay'}
        lines += [
            f'{words}, seen objects lost {lost[way][name]["mean"]:.3f} of {name}'
            for way, words in others.items()
        ]
    return [f'- {line}.' for line in lines]


def interval_of(means: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean of objects drawn with replacement."""
    draws = np.random.default_rng(0).integers(len(means), size=(_DRAWS, len(means)))
    low, high = np.quantile(means[draws].mean(1), [0.025, 0.975])
    return float(low), float(high)


def cell_text(figure: dict[str, Any] | None) -> str:
    """Return a figure with its interval if it has one, or nothing."""
    if figure is None:
        return ''
    if figure['interval'] is None:
        return f'{figure["mean"]:.3f}'
    low, high = figure['interval']
    return f'{figure["mean"]:.3f} ({low:.2f} to {high:.2f})'


def _section(figures: dict[str, Any]) -> str:
    ways, gains, lost = figures['ways'], figures['gains'], figures['seen_objects_lost']
    seen = [f'{_SEEN}, {name}' for name in PROPERTIES]
    rows = [
        f'| {words} | '
        + ' | '.join(cell_text(ways[way].get(name)) for name in (*PROPERTIES, *seen))
        + ' |'
        for way, words in WAYS.items()
    ]
    differences = [
        f'| {pair.replace(f"{TAUGHT} -", "taught, less")} | '
        + ' | '.join(cell_text(gain[name]) for name in PROPERTIES)
        + ' |'
        for pair, gain in gains.items()
    ]
    forgotten = [
        f'| {WAYS[way]} | ' + ' | '.join(cell_text(each[name]) for name in PROPERTIES) + ' |'
        for way, each in lost.items()
    ]
    losses = [
        f'| {each["new"]} | {each["seen"]} | '
        + ' | '.join(f'{each[name]:.4f}' for name in PROPERTIES)
        + ' |'
        for each in figures['greatest_losses']
    ]
    objects = [
        f'| {name} | '
        + ' | '.join(
            ' / '.join(f'{each[way][key]:.2f}' for key in PROPERTIES)
            for way in ('touch, first grasps', 'before', TAUGHT, 'self-training', 'background')
        )
        + ' |'
        for name, each in figures['by_object'].items()
    ]
    seeds = ', '.join(map(str, figures['seeds']))
    return '\n'.join(
        [
            _INTRODUCTION.format(
                commit=figures['commit'],
                digest=figures['sha256'],
                grasps=figures['grasps'],
                objects=figures['objects'],
                seeds=seeds,
            ),
            'What it comes to:',
            '',
            *verdicts(figures),
            '',
            '| | mass | stiffness | seen objects, mass | seen objects, stiffness |',
            '|---|---|---|---|---|',
            *rows,
            '',
            'Differences, object by object:',
            '',
            '| | mass | stiffness |',
            '|---|---|---|',
            *differences,
            '',
            'What seen objects lost (positive: lost):',
            '',
            '| | mass | stiffness |',
            '|---|---|---|',
            *forgotten,
            '',
            'Of what *taught by touch* lost, the greatest parts, by new object and seen one:',
            '',
            '| new | seen | mass | stiffness |',
            '|---|---|---|---|',
            *losses,
            '',
            'By object, mean over seeds, mass / stiffness:',
            '',
            '| | teacher | before | taught | self-training | background |',
            '|---|---|---|---|---|---|',
            *objects,
            '',
        ]
    )


_INTRODUCTION = """## A robot arm that feels

An SO-101 arm grasped 16 objects {grasps} times: one photograph before, and position, load,
current and velocity of six joints at 200 Hz while it did. An object comes that nobody has
labelled. A teacher that has never felt it labels its first 15 grasps by touch alone; the student,
which only sees, learns from these, and is tested on the last 15 with touch dead.

The recordings are those of <https://github.com/Jiaming-Zhu/visuotactile-rpdf-dataset> at commit
{commit}. They have no licence, and their author asks to be contacted before redistribution: no
file of them is in this package, only code that reads them, hashes, and figures. SHA-256 of the
labels, signals and photographs that were read: `{digest}`.

```bash
git clone https://github.com/Jiaming-Zhu/visuotactile-rpdf-dataset
git -C visuotactile-rpdf-dataset checkout {commit}
python examples/gripper/run.py visuotactile-rpdf-dataset --docs docs
python examples/gripper/experiment.py visuotactile-rpdf-dataset --docs docs
```

`run.py` goes the road of [bags.md](bags.md) on them, from bags to a replay in which the arm's
sense dies half way. `experiment.py` measures what stands below.

- Each of {objects} objects is unseen once: the five of `ood_test` to networks trained on the other
  11, each of these 11 to networks trained on the other ten. Seeds {seeds}.
- Nothing among the other ten is as soft as `Sponge_Blue`, so its stiffness cannot be told: it
  counts as wrong for everybody but the true labels.
- Mass has three classes and stiffness four, and the objects have five pairs of both. An arm has
  one decision, so these five are the actions of one profile; either property is a sum over them.
- The sense is a summary of each grasp in physical units: `examples/gripper/grasp_features.py`.
- The view lies within the object, with the table's colour made grey. One object is one session:
  the rest of the photograph gives it away, as *background alone* shows.
- *Seen objects* are their grasps of the `test` split: nothing was trained on them. All
  ways to learn a new object have the same steps and batches.
- What was chosen, and by what: the numbers of the summary and how the teacher learns, by touch
  alone, leaving out each of the 11 seen objects in turn, without their last 15 grasps. A first
  list of numbers had been looked at twice over all grasps of all 16 objects, by touch alone.
  Temperature and weight of the readings of the student's lesson, on two of the 11, left out in
  turn: its grasps between the first and the last 15, and the `test` grasps of the others. The
  rest was fixed beforehand.
- The share of new grasps in a batch was changed after a first run of all this. With half of each
  batch new, seen objects had lost 0.041 of mass and 0.059 of stiffness, and a new object was told
  in 0.969 and 0.787. It is a quarter now, chosen by `YogaBrick_Blue` and
  `CardboardBox_RockFilled_Red`, left out in turn, seeds 3 and 4: their grasps between the first
  and the last 15, and every fifth `train` grasp of the others, kept from the training. There half
  lost -0.002 of mass and 0.013 of stiffness, a quarter 0.005 and 0.004, and both told the new
  object in 0.92 and 0.85: these two hardly show the loss, and so hardly tell one way from another.
  A tenth lost nothing, and told 0.72 and 0.52. With the student's own word on old grasps in place
  of the teacher's, a quarter lost 0.002 and 0.018. Looked at on one to three of these four cells,
  and left: weights averaged with those before (half way, nothing was learnt), batch statistics
  measured anew (with half of a batch new, more was learnt and more lost), a third of the rate, and
  three times the rate.
- Accuracies; in brackets 95 % intervals over objects, each with its mean over seeds.
"""

_ROAD = """### The road of a user on these recordings

`examples/gripper/run.py` writes bags of the 11 labelled objects and of the first 15 grasps of the
five others, which carry no label; `crossmodal-kd dataset from-bags`, `train` and `calibrate` make
a teacher and a student of them, which learns the five from the teacher. Then the last 15 grasps of
each of the five are replayed, and half way the sense of the arm dies. Here the teacher sees as
well, and what one grasp felt like stands until the next. The whole took {minutes} minutes on two
cores that others used too.

With the sense dead the mode is STUDENT for {student:.0%} of the pictures, and the decisions are
right in {mass:.2f} for mass, {stiffness:.2f} for stiffness. Before, all senses decide (TEACHER)
for {teacher:.0%}: until the first grasp is whole nothing has been felt, and what strange objects
look and feel like is often taken for a fault. The reasons stand below the table. PARTIAL is the
teacher without what is lost, HOLD is nobody: then what would have been decided is judged.

The recipe was changed after two whole runs that had been seen. With the default recipe, and with
the student's temperature and weights of `experiment.py`, the teacher without its sense was right
in 0.88 of the validation pictures, which are of labelled objects, and the student in 0.83 and
0.88: so calibration let that teacher decide when the sense was dead (PARTIAL). It does not know
the five, and told both properties in 0.20. Now its recipe is that of `experiment.py` too: it does
not learn to do without its sense.

| | felt: mass | stiffness | dead: mass | stiffness | who decided, felt | dead |
|---|---|---|---|---|---|---|"""
