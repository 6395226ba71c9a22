# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The model card: what the weights are, how they were made, what they can and cannot do."""

import json
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from crossmodal_kd_ros.files import write_text
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.reports.style import words
from crossmodal_kd_ros.training.recipe import Recipe

_SIMULATED = (
    'SIMULATED. Trained and tested on simulated wall panels alone: no figure here is a figure '
    'measured on a '
    'real wall.'
)
_PACKAGES = ('torch', 'numpy', 'opencv-python-headless')


@dataclass(frozen=True, kw_only=True)
class Card:
    """A training and what it came to.

    Attributes:
        profile: of the robot.
        recipe: by name, with every value.
        figures: `measure(...)` of each system, by its name, on the test split.
        origin: commit, command, versions and the like, by name.
        data_set: the datasheet of the user's own data; `None`: the simulator's.
    """

    profile: Profile
    recipe: dict[str, Any]
    figures: dict[str, dict[str, Any]]
    origin: dict[str, str]
    data_set: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        profile: Profile,
        recipe: Recipe,
        *,
        recipe_name: str,
        command: str,
        data_set: dict[str, Any] | None = None,
    ) -> 'Card':
        """Return a card without figures, with the versions and the commit of now."""
        import torch

        return cls(
            profile=profile,
            recipe=recipe.model_dump(),
            figures={},
            data_set=data_set,
            origin={
                'recipe': recipe_name,
                'command': command,
                'commit': commit(),
                'python': platform.python_version(),
                **{name: number for name in _PACKAGES if (number := _version(name))},
                'machine': f'{torch.get_num_threads()} threads, {platform.machine()}',
            },
        )

    @property
    def note(self) -> str:
        """Where the figures come from, in a sentence."""
        if self.data_set is None:
            return _SIMULATED + self._also_learnt_from()
        return (
            f'Trained and tested on recordings: {", ".join(self.data_set["bags"])}. '
            'If a simulator wrote them, it is simulated.' + self._also_learnt_from()
        )

    def _also_learnt_from(self) -> str:
        encoder, photos = (self.origin.get(name) for name in ('encoder', 'photos'))
        return (f' The student began with the encoder of {encoder}.' if encoder else '') + (
            f' The student also learnt from cracks drawn on {photos}.' if photos else ''
        )

    def header(self, network: str) -> dict[str, str]:
        """Return the card of one weight file: key figures and where it comes from, all as text."""
        own = {name: figures for name, figures in self.figures.items() if name.startswith(network)}
        return {
            'note': self.note,
            **self.origin,
            'settings': json.dumps(self.recipe),
            'test_figures': json.dumps(own),
        }

    def write(self, path: Path) -> None:
        """Write the card as Markdown."""
        tested, learnt, judge = self._data()
        senses = ' and '.join(self.profile.senses)
        actions = ', '.join(f'`{action}`' for action in self.profile.actions)
        settings = yaml.safe_dump(
            {'origin': self.origin, 'settings': self.recipe}, sort_keys=False
        ).rstrip()
        write_text(
            path,
            f"""---
license: apache-2.0
tags: [robotics, knowledge-distillation, ros2{', simulated-data' * (self.data_set is None)}]
---

# Teacher and student for the profile {self.profile.name}

{self.note}

`teacher.safetensors` decides from the camera, {senses}. `student.safetensors` decides from the
camera alone and also says what {senses} would have read. Both choose one of
{len(self.profile.actions)} actions: {actions}. The same networks as `teacher.onnx` and
`student.onnx`, for a robot without torch, are written by `crossmodal-kd export`.

## Test figures

{tested} that were in neither training nor validation; one training of each, seed
{self.recipe['seed']}. "Without distillation" is the same student with the same seed, steps and
labelled views, but with no teacher and no unlabelled views.

{figures_table(self.figures)}

{self._gain()}

Accuracy is agreement with {judge}; ECE is the expected calibration error of the
confidence (15 bins). R2 compares what the student says of the picture with the truth, as far as
that is known, or else with the reading.

## How they were made

```bash
{self.origin['command']}
```

Data: {learnt} chose the checkpoint and the temperature of the confidence. Splits share no panel
or block of time.

```yaml
{settings}
```

## Intended use

Trying the package, its topics and its failover; a starting point for training on your own data.
Feed the centred square of an RGB picture, {self.profile.camera.view_px} px wide.

## Limits

- {self._data_limit()}
- The student cannot know what does not show. It is right less often than the teacher.
- Confidence is calibrated on pictures like those of the training. On other pictures it can be
  sure and wrong.
""",
        )

    def _data(self) -> tuple[str, str, str]:
        """Return, in words, what was tested on, what was learnt from, and what is right."""
        if self.data_set is None:
            data = self.recipe['data']
            return (
                f'{data["test_views"]} simulated views of panels',
                f"{data['labelled_views']} simulated views with the expert's action and "
                f'{data["unlabelled_views"]} without, '
                f'three a panel;\n{data["validation_views"]} more',
                "the simulator's expert, who knows the whole state",
            )
        splits = self.data_set['splits']
        bare = splits['train']['actions'].get('unlabelled', 0)
        return (
            f'{splits["test"]["samples"]} samples of panels or blocks of time',
            f'{splits["train"]["samples"] - bare} labelled samples and {bare} without a label;\n'
            f'{splits["validation"]["samples"]} more',
            'the labels',
        )

    def _data_limit(self) -> str:
        end = (
            'before a decision of these\n  networks moves a robot, and keep a person in the loop.'
        )
        if self.data_set is None:
            return (
                'The simulated wall is a model of four materials made for this package. Train '
                'on your own data ' + end
            )
        return f'They know what the recordings show. Watch them on other days and places {end}'

    def _gain(self) -> str:
        """Return what distillation brought, in one sentence, whatever it is."""
        taught, alone = self.figures['student'], self.figures['student without distillation']
        points = [100 * (taught[name] - alone[name]) for name in ('accuracy', 'macro_f1')]
        return (
            f'Distillation changes the student by {points[0]:+.1f} points of accuracy and '
            f'{points[1]:+.1f} points of '
            'macro-F1 (one seed).'
        )


def figures_table(figures: dict[str, dict[str, Any]]) -> str:
    """Return `measure(...)` of each system as a Markdown table."""

    def percent(value: float | None) -> str:
        return '' if value is None else f'{100 * value:.1f} %'

    def figure(value: float | None) -> str:
        return '' if value is None else f'{value:.2f}'

    readings = list(dict.fromkeys(name for m in figures.values() for name in m.get('r2', {})))
    rows = [
        ['system', 'accuracy', 'macro-F1', 'by day', 'by night', 'ECE']
        + [f'R2 {words(name)}' for name in readings],
        ['---'] * (6 + len(readings)),
    ]
    for name, measured in figures.items():
        rows.append(
            [
                name,
                *(
                    percent(measured[figure])
                    for figure in ('accuracy', 'macro_f1', 'day_accuracy', 'night_accuracy')
                ),
                f'{measured["ece"]:.3f}',
                *(figure(measured.get('r2', {}).get(name)) for name in readings),
            ]
        )
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def commit() -> str:
    """Return the commit of the checkout this code lies in, marked if the code differs from it."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ['git', *arguments], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        head = git('rev-parse', 'HEAD')
        changed = git(
            'status',
            '--porcelain',
            '--untracked-files=no',
            '--',
            str(here.parent),
            str(here.parent.parent / 'config'),
        )
    except (OSError, subprocess.CalledProcessError):
        return 'unknown: not a git checkout'
    return f'{head} with changes' if changed else head


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ImportError:
        return None
