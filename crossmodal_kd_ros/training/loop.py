# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one training loop, top to bottom; it can be killed at any time and goes on where it was, bit for bit."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.training.batches import augment, draw_rows, shrink, take
from crossmodal_kd_ros.training.device import Place
from crossmodal_kd_ros.training.recipe import OptimiserRecipe
from crossmodal_kd_ros.training.tasks import StudentTask, TeacherTask

# Called after each step with (step, total, {name: value}); values cost a look at the device only
# when asked for.
Report = Callable[[int, int, dict[str, float]], None]

_GRADIENT_LIMIT = 5.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a training is run, nothing that decides what it makes.

    Attributes:
        report: is told of every step.
        place: device, precision, processes.
        checkpoint: file to go on from, and to write every `checkpoint_every` steps; None: start
            afresh, keep nothing.
    """

    report: Report = lambda step, total, values: None
    place: Place = field(default_factory=Place)
    checkpoint: Path | None = None
    checkpoint_every: int = 100


class CheckpointError(RuntimeError):
    """A checkpoint is not of this training: one sentence with what to do."""


def fit(
    task: TeacherTask | StudentTask,
    recipe: OptimiserRecipe,
    train: Pairs,
    validation: Pairs,
    *,
    labelled: Tensor,
    unlabelled: Tensor,
    seed: int,
    run: Run,
) -> list[dict[str, float]]:
    """Train; leave `task.network` in evaluation mode with the weights of the step that scored best.

    Args:
        task: network and loss.
        recipe: steps, rates, sizes.
        train: what batches are drawn from, see `draw_rows`.
        validation: what chooses the step.
        labelled, unlabelled: `int64[...]`, rows of `train`.
        seed: of batches and augmentation. One process alone gives the same weights for the same
            seed and the same number of threads; several share each batch among them.
        run: see `Run`.

    Returns:
        For each validation: `step` and what `task.score` says.

    Raises:
        CheckpointError: `run.checkpoint` is of another training or another number of processes.
    """
    place = run.place
    task.to(place.device, memory_format=torch.channels_last)
    optimiser = _optimiser(task, recipe)
    rows_generator = torch.Generator().manual_seed(seed)
    own_generator = rows_generator
    if place.world > 1:
        own_generator = torch.Generator().manual_seed(seed + place.rank + 1)
        torch.manual_seed(seed + place.rank + 1)
    state = _State(task, optimiser, (rows_generator, own_generator), place)
    if run.checkpoint is not None:
        state.load(run.checkpoint)
    model = (
        task
        if place.world == 1
        else DistributedDataParallel(
            task, device_ids=[place.device] if place.device.type == 'cuda' else None
        )
    )

    train, validation = (shrink(pairs, recipe.view_px) for pairs in (train, validation))
    for step in range(state.step + 1, recipe.steps + 1):
        for group in optimiser.param_groups:
            group['lr'] = recipe.learning_rate * learning_rate_share(step, recipe.steps)
        task.train()
        rows = draw_rows(
            labelled,
            unlabelled,
            recipe.batch,
            rows_generator,
            least_labelled=recipe.least_labelled,
        )
        rows = rows[place.rank :: place.world]
        batch = augment(take(train, rows), own_generator).to(place.device)
        present = torch.rand(2, len(rows), generator=own_generator).to(place.device)
        with torch.autocast(place.device.type, torch.bfloat16, enabled=place.bf16):
            loss, parts = model(batch, present, step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(task.parameters(), _GRADIENT_LIMIT)
        optimiser.step()
        values = {'loss': loss.item()} | {name: part.item() for name, part in parts.items()}
        if step % recipe.validate_every == 0 or step == recipe.steps:
            scores = _score(task, validation, place)
            state.note(step, scores)
            values |= {f'validation_{name}': score for name, score in scores.items()}
        state.step = step
        if run.checkpoint is not None and (
            step % run.checkpoint_every == 0 or step == recipe.steps
        ):
            state.save(run.checkpoint)
        if place.is_first:
            run.report(step, recipe.steps, values)
    # Every process has counted the statistics of its own share of the batches: those of the first
    # are everybody's.
    task.network.load_state_dict(place.from_first(state.best))
    task.eval()
    return state.history


def learning_rate_share(step: int, total: int) -> float:
    """Return the learning rate at `step` (from 1) as a share of its peak: linear over 5 % of the steps, then a cosine."""
    warm = max(1, round(0.05 * total))
    if step <= warm:
        return step / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _optimiser(task: nn.Module, recipe: OptimiserRecipe) -> torch.optim.Optimizer:
    """Return AdamW that decays matrices and kernels, not biases nor scales."""
    learning = [p for p in task.parameters() if p.requires_grad]
    return torch.optim.AdamW(
        [
            {'params': [p for p in learning if p.ndim > 1], 'weight_decay': recipe.weight_decay},
            {'params': [p for p in learning if p.ndim <= 1], 'weight_decay': 0.0},
        ]
    )


@torch.no_grad()
def _score(task: TeacherTask | StudentTask, pairs: Pairs, place: Place) -> dict[str, float]:
    task.eval()
    return place.from_first(task.score(pairs, place.device) if place.is_first else None)


class _State:
    """All that a training must remember to go on as if nothing had happened."""

    def __init__(
        self,
        task: nn.Module,
        optimiser: torch.optim.Optimizer,
        generators: tuple[torch.Generator, ...],
        place: Place,
    ) -> None:
        self.step, self.history = 0, []
        self.best: dict[str, Tensor] | None = None
        self._best_score = -math.inf
        self._task, self._optimiser, self._generators, self._place = (
            task,
            optimiser,
            generators,
            place,
        )

    def note(self, step: int, scores: dict[str, float]) -> None:
        """Remember the scores of `step`, and its weights if they are the best so far."""
        self.history.append({'step': step, **scores})
        if scores['accuracy'] > self._best_score:
            self._best_score = scores['accuracy']
            self.best = {
                name: value.detach().clone()
                for name, value in self._task.network.state_dict().items()
            }

    def save(self, path: Path) -> None:
        """Write everything to `path`, which is there whole or not at all."""
        random = self._place.from_all(
            [torch.get_rng_state(), *(g.get_state() for g in self._generators)]
        )
        if not self._place.is_first:
            return
        content: dict[str, Any] = {
            'step': self.step,
            'history': self.history,
            'best': self.best,
            'best_score': self._best_score,
            'task': self._task.state_dict(),
            'optimiser': self._optimiser.state_dict(),
            'random': random,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + '.part')
        torch.save(content, unfinished)
        unfinished.replace(path)

    def load(self, path: Path) -> None:
        """Go on from `path`, if it is there."""
        self._place.wait_for_all()
        if not path.exists():
            return
        content = torch.load(path, map_location='cpu', weights_only=True)
        if len(content['random']) != self._place.world:
            raise CheckpointError(
                f'{path} is of a training by {len(content["random"])} processes, this one has '
                f'{self._place.world}: start as many, or delete it'
            )
        try:
            self._task.load_state_dict(content['task'])
            self._optimiser.load_state_dict(content['optimiser'])
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(
                f'{path} is of another network ({str(error).splitlines()[0]}): delete it'
            ) from error
        self.step, self.history = content['step'], content['history']
        self.best, self._best_score = content['best'], content['best_score']
        process, *own = content['random'][self._place.rank]
        torch.set_rng_state(process)
        for generator, state in zip(self._generators, own, strict=True):
            generator.set_state(state)
