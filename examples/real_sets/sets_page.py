# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The figures of a set as JSON, and as its section of `real_data.md`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from real_set import RealSet

sys.path.append(str(Path(__file__).resolve().parents[1] / 'gripper'))

from grasp_page import cell_text, interval_of, write_section  # noqa: E402

CELLS = {
    'all labels': 'all seen objects labelled',
    'few labels': 'few labelled, the others felt',
    'met': 'all labelled, the unseen ones felt',
}
WAYS = {
    'labels alone': 'student from labels alone',
    'taught': 'student taught by touch',
    'self-training': 'student taught by its own word',
    'touch': 'touch alone',
    'both': 'touch and picture',
    'teacher': 'the teacher, on what it names',
}


def summarise_set(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of each way over objects and seeds, with a 95 % interval over objects.

    An object counts once, with its mean over seeds (and folds, where it is named in several).
    """
    ways = {f'{way}, {cell}': {} for way in WAYS for cell in CELLS}
    for row in results:
        for way, by_object in row['figures'].items():
            for name, accuracy in by_object.items():
                ways[way].setdefault(name, []).append(accuracy)
    # Cells with the same labels share what learnt from these alone.
    for way in ('touch', 'both'):
        ways[f'{way}, met'] = ways[f'{way}, all labels']
    means = {
        way: {name: float(np.mean(each)) for name, each in sorted(objects.items())}
        for way, objects in ways.items()
        if objects
    }
    gains = {}
    for cell in CELLS:
        for other in ('labels alone', 'self-training'):
            if f'{other}, {cell}' in means:
                taught, without = means[f'taught, {cell}'], means[f'{other}, {cell}']
                gains[f'{cell}, taught - {other}'] = figure(
                    [taught[name] - without[name] for name in taught]
                )
    return {
        'seeds': sorted({row['seed'] for row in results}),
        'folds': sorted({row['fold'] for row in results}),
        'objects': len(means['touch, all labels']),
        'ways': {way: figure(list(objects.values())) for way, objects in means.items()},
        'gains': gains,
        'by_object': {
            way: {name: round(value, 4) for name, value in objects.items()}
            for way, objects in means.items()
        },
    }


def figure(values: Sequence[float]) -> dict[str, Any]:
    """Return the mean, and its 95 % interval by objects drawn with replacement."""
    values = np.asarray(values)
    low, high = interval_of(values)
    return {'mean': round(float(values.mean()), 4), 'interval': [round(low, 4), round(high, 4)]}


def write_set(docs: Path, data: RealSet, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Write `<set>.json`, and its section of `real_data.md` between its marks."""
    figures = {
        'source': data.source,
        'commit': data.commit,
        'sha256': data.digest,
        'pairs': len(data.pairs),
        **summarise_set(results),
    }
    write_section(docs, data.name, figures, section(data.name, figures))
    return figures


def section(name: str, figures: dict[str, Any]) -> str:
    """Return the section of a set."""
    rows = [
        f'| {words} | '
        + ' | '.join(cell_text(figures['ways'].get(f'{way}, {cell}')) for cell in CELLS)
        + ' |'
        for way, words in WAYS.items()
    ]
    differences = [
        f'| {words} | '
        + ' | '.join(cell_text(figures['gains'].get(f'{cell}, taught - {way}')) for cell in CELLS)
        + ' |'
        for way, words in (
            ('labels alone', 'taught, less labels alone'),
            ('self-training', 'taught, less self-training'),
        )
    ]
    return '\n'.join(
        [
            _INTRODUCTIONS[name].format(
                commit=figures['commit'],
                source=figures['source'],
                digest=figures['sha256'],
                folder=figures['source'].rsplit('/', 1)[1],
            ),
            _METHOD.format(
                name=name,
                seeds=', '.join(map(str, figures['seeds'])),
                objects=figures['objects'],
                folds=len(figures['folds']),
            ),
            *(f'- {line}' for line in verdicts(figures)),
            '',
            f'| accuracy on unseen objects | {" | ".join(CELLS.values())} |',
            f'|---{"|---" * len(CELLS)}|',
            *rows,
            *differences,
            '',
        ]
    )


def verdicts(figures: dict[str, Any]) -> list[str]:
    """Return what distillation brings in each cell, a sentence each."""
    lines = []
    for cell, words in CELLS.items():
        gain = figures['gains'][f'{cell}, taught - labels alone']
        line = f'{words}: distillation {_says(gain)} over labels alone'
        rest = figures['gains'].get(f'{cell}, taught - self-training')
        if rest is not None:
            line += f', and {_says(rest)} over self-training'
        lines.append(f'{line}.')
    return lines


def _says(gain: dict[str, Any]) -> str:
    low, high = gain['interval']
    verb = 'brings' if low > 0.0 else 'costs' if high < 0.0 else '**brings nothing** that shows'
    return f'{verb} ({100 * gain["mean"]:+.1f} points, {100 * low:+.1f} to {100 * high:+.1f})'


_INTRODUCTIONS = {
    'visuotactile': """## Objects on a turntable

Sixty objects of ten classes (staplers, bottles empty and full, balls, soft toys, shoes, boxes,
mugs, bowls, cans): forty photographs of each, and some 120 touches of an optical fingertip. A pair
is a photograph and ten touches of its object, drawn by chance. The class is to be told of an
object that is none of the learnt ones.

The set is that of <{source}> at commit {commit}. It has no licence: no file of it is in this
package, only code that reads it, hashes, and figures. SHA-256 of what was read: `{digest}`.

- All that lies around the object is made grey: where it differs in colour from the empty table
  (the median of the photographs) GrabCut starts, and the hull of what it finds is shown. The rules
  were looked at on photographs of all objects, without their labels and before any training.
- The fingertip's light differs from object to object and would give it away. Each touch is divided
  by the frame of its object with the least edge, which touched nothing. Where the arm stood, which
  the names of the files tell, is not used.
- One instance of each class is unseen at a time.

""",
    'textures': """## Textures under a tool

A hundred textures of the Penn Haptic Texture Toolkit: a photograph, and models of the vibration
that a tool felt on it at some thirty speeds and forces. Its friction, in thirds, is to be told. A
pair is one of sixteen pieces of the photograph, and half of the models, drawn by chance: power in
eight bands at 100 mm/s and 1.5 N, and how it grows with speed and force. How fast and hard the
hand moved is not used.

The set is that of <{source}> at commit {commit}. Its licence is for research: no file of it is in
this package, only code that reads it, hashes, and figures. SHA-256 of what was read: `{digest}`.

- A fifth of the textures is unseen at a time. Relatives are not kept apart: of seven floor tiles
  some may be seen.

""",
}

_METHOD = """```bash
python examples/real_sets/sets_experiment.py {name} CLONE --docs docs
```

- {objects} objects, each unseen once, {folds} folds, seeds {seeds}. Tested on the last half of the
  unseen objects' pictures, with touch dead.
- *All seen objects labelled*: the teacher has nothing to name that has no label. *Few labelled,
  the others felt*: objects of two folds are labelled, the teacher names the others. *All labelled,
  the unseen ones felt*: the teacher, which never felt them, names the first half of the unseen
  objects' pictures.
- The teacher only feels; a tenth of the labelled objects scales its confidence and teaches it
  nothing. All students of a column have the same steps and batches. Self-training learns what the
  student from labels alone says of the pictures that the teacher names.
- Rates, temperature, weight of the readings and how a student learns what it meets are those that
  `examples/gripper` chose on its own seen objects; the rest is the default recipe. Pictures of 32
  px and 200 steps are as many as some hundred trainings on two cores allow. What was looked at on
  these sets: that so few steps do for labels alone, once, on the objects of fold 1 with fold 0
  left out; and fold 0 of the textures, one seed, with another way to learn what is met (from fresh
  weights), before that of `examples/gripper` took its place.
- Accuracies; in brackets 95 % intervals over objects, each with its mean over seeds.

What it comes to:
"""
