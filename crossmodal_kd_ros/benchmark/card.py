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

from crossmodal_kd_ros.training.recipe import Recipe

_SIMULATED = (
    'SIMULATED. Trained and tested on simulated wall panels alone: no figure here is a figure measured on a '
    'real wall.'
)
_PACKAGES = ('torch', 'numpy', 'opencv-python-headless')


@dataclass(frozen=True, kw_only=True)
class Card:
    """A training and what it came to.

    Attributes:
        recipe: by name, with every value.
        figures: `measure(...)` of each system, by its name, on the test split.
        origin: commit, command, versions and the like, by name.
        data_set: the datasheet of the user's own data; `None`: the simulator's.
    """

    recipe: dict[str, Any]
    figures: dict[str, dict[str, Any]]
    origin: dict[str, str]
    data_set: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        *,
        recipe_name: str,
        command: str,
        data_set: dict[str, Any] | None = None,
    ) -> 'Card':
        """Collect what there is to say before there are figures, with the versions and the commit that are here now."""
        import torch

        return cls(
            recipe=recipe.model_dump(),
            figures={},
            data_set=data_set,
            origin={
                'recipe': recipe_name,
                'command': command,
                'commit': commit(),
                'python': platform.python_version(),
                **{name: found for name in _PACKAGES if (found := _version(name))},
                'machine': f'{torch.get_num_threads()} threads, {platform.machine()}',
            },
        )

    @property
    def note(self) -> str:
        """Where the figures come from, in a sentence."""
        if self.data_set is None:
            return _SIMULATED
        return (
            f'Trained and tested on recordings: {", ".join(self.data_set["bags"])}. '
            'If a simulator wrote them, it is simulated.'
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

    def _data(self) -> tuple[str, str]:
        """Return, in words, what was tested on and what was learnt from."""
        if self.data_set is None:
            data = self.recipe['data']
            return (
                f'{data["test_views"]} simulated views of panels',
                f"{data['labelled_views']} simulated views with the expert's action and {data['unlabelled_views']} without, "
                f'three a panel;\n{data["validation_views"]} more',
            )
        splits = self.data_set['splits']
        bare = splits['train']['actions'].get('unlabelled', 0)
        return (
            f'{splits["test"]["samples"]} samples of panels or blocks of time',
            f'{splits["train"]["samples"] - bare} labelled samples and {bare} without a label;\n'
            f'{splits["validation"]["samples"]} more',
        )

    def write(self, path: Path) -> None:
        """Write the card as Markdown."""
        tested, learnt = self._data()
        path.parent.mkdir(parents=True, exist_ok=True)
        judge = (
            "the simulator's expert, who knows the whole state"
            if self.data_set is None
            else 'the labels'
        )
        path.write_text(f"""---
license: apache-2.0
tags: [robotics, knowledge-distillation, ros2, simulated-data]
---

# Teacher and student for maintaining living walls

{self.note}

`teacher.safetensors` decides from camera, touch and gas. `student.safetensors` decides from the camera alone and also says
what touch and gas would have read. Both choose one of six actions: `continue_inspection`, `seal_crack`,
`apply_bio_adhesive`, `remove_growth`, `hydrate`, `request_human`.

## Test figures

{tested} that were in neither training nor validation; one training of each, seed
{self.recipe['seed']}. "Without distillation" is the same student with the same seed, steps and labelled views, but with no
teacher and no unlabelled views.

{figures_table(self.figures)}

{self._gain()}

Accuracy is agreement with {judge}; ECE is the expected calibration error of the
confidence (15 bins). R2 compares with the true roughness and crack depth, and with the measured CO2 uptake.

## How they were made

```bash
{self.origin['command']}
```

Data: {learnt} chose the checkpoint and the temperature of the confidence. Splits share no panel.

```yaml
{yaml.safe_dump({'origin': self.origin, 'settings': self.recipe}, sort_keys=False).rstrip()}
```

## Intended use

Trying the package, its topics and its failover; a starting point for training on your own wall. Feed the centred square of an
RGB picture at 128 px, about 64 mm of wall across, the tactile pad in its middle.

## Limits

- The simulated wall is a model of four materials made for this package. Train on your own data before a decision of these
  networks moves a robot near a real wall, and keep a person in the loop.
- The student cannot know what does not show. It is right less often than the teacher, most of all about debonding and
  look-alike stains.
- Confidence is calibrated on ordinary simulated pictures. On other pictures it can be sure and wrong.
""")

    def _gain(self) -> str:
        """Return what distillation brought, in one sentence, whatever it is."""
        taught, alone = self.figures['student'], self.figures['student without distillation']
        points = [100 * (taught[name] - alone[name]) for name in ('accuracy', 'macro_f1')]
        return (
            f'Distillation changes the student by {points[0]:+.1f} points of accuracy and {points[1]:+.1f} points of '
            'macro-F1 (one seed).'
        )


def figures_table(figures: dict[str, dict[str, Any]]) -> str:
    """Return `measure(...)` of each system as a Markdown table."""

    def percent(value: float | None) -> str:
        return '' if value is None else f'{100 * value:.1f} %'

    lines = [
        '| system | accuracy | macro-F1 | by day | by night | ECE | R2 crack depth | R2 roughness | R2 CO2 uptake |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for name, measured in figures.items():
        cells = [
            name,
            *(
                percent(measured[figure])
                for figure in ('accuracy', 'macro_f1', 'day_accuracy', 'night_accuracy')
            ),
            f'{measured["ece"]:.3f}',
        ]
        for reading in ('crack_depth', 'surface_roughness', 'co2_uptake'):
            cells.append(f'{measured["r2"][reading]:.2f}' if 'r2' in measured else '')
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


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
