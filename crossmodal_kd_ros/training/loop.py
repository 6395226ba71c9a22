# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The training loop of either network, top to bottom. It resumes where it was killed, bit for bit.

`teacher` and `student` hold what is minimised, as a `Task`, and call `fit`.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from crossmodal_kd_ros.datasets import NO_LABEL, Pairs
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.files import whole_file
from crossmodal_kd_ros.networks import Student, Teacher
from crossmodal_kd_ros.training.batches import (
    Batch,
    add_strong_views,
    augment,
    draw_rows,
    in_order,
    shrink,
    take,
)
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.recipe import OptimiserRecipe

# What each validation measured: `step`, `accuracy` and what else a task scores.
History = list[dict[str, float]]
# Called after each step with (step, total, {name: value}).
Report = Callable[[int, int, dict[str, float]], None]

_GRADIENT_LIMIT = 5.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a training is run, nothing that decides what it makes.

    Attributes:
        report: is called after every step.
        device: device, precision, processes.
        checkpoint: file to resume from, and to write every `checkpoint_every` steps; None: start
            afresh, keep nothing.
    """

    report: Report = lambda step, total, values: None
    device: Device = field(default_factory=Device)
    checkpoint: Path | None = None
    checkpoint_every: int = 100


class CheckpointError(CrossmodalError):
    """A checkpoint is not of this training."""


class Task(nn.Module):
    """A network with what it learns from, as one module that can be copied to many processes.

    Attributes:
        network: what learns. All else is thrown away after the training.
    """

    network: Teacher | Student

    def forward(
        self, batch: Batch, present: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch and its parts by name.

        Args:
            batch: B pairs.
            present: `float32[senses, B]`, uniform in 0 to 1: decides which senses are hidden.
            step: from 1.
        """
        raise NotImplementedError

    def decide(self, batch: Batch) -> Tensor:
        """Return the logits `float32[B, A]` of the network with all that it has."""
        raise NotImplementedError

    def score(self, pairs: Pairs, device: torch.device) -> dict[str, float]:
        """Return at least the `accuracy` on `pairs`, which chooses the step to keep."""
        right = sum(
            int((self.decide(batch.to(device)).argmax(1).cpu() == batch.action).sum())
            for batch in in_order(pairs)
        )
        return {'accuracy': right / len(pairs)}


def fit(
    task: Task,
    recipe: OptimiserRecipe,
    train: Pairs,
    validation: Pairs,
    *,
    unlabelled: bool,
    strong_views: bool = False,
    seed: int,
    run: Run,
) -> History:
    """Train; leave `task.network` in evaluation mode with the weights of its best step.

    Its classifier is scaled so that its confidence is how often it is right.

    Args:
        task: network and loss.
        recipe: steps, rates, sizes.
        train: what batches are drawn from, see `draw_rows`.
        validation: chooses the step.
        unlabelled: also draw pairs of `train` that have no label.
        strong_views: give batches with `strong`.
        seed: of batches and augmentation. One process alone gives the same weights for the same
            seed and the same number of threads; several share each batch among them.
        run: see `Run`.

    Raises:
        CheckpointError: `run.checkpoint` is of another training or another number of processes.
    """
    # Setting: device, optimiser, generators, and the state of a training that was killed.
    device, torch_device = run.device, run.device.torch_device
    task.to(torch_device, memory_format=torch.channels_last)
    optimiser = _optimiser(task, recipe)
    rows_generator = own_generator = torch.Generator().manual_seed(seed)
    if device.world > 1:
        own_generator = torch.Generator().manual_seed(seed + device.rank + 1)
        torch.manual_seed(seed + device.rank + 1)
    state = _State(task, optimiser, (rows_generator, own_generator), device)
    if run.checkpoint is not None:
        state.load(run.checkpoint)
    model = task
    if device.world > 1:
        on_gpu = torch_device.type == 'cuda'
        model = DistributedDataParallel(task, device_ids=[torch_device] if on_gpu else None)

    # Data.
    profile = task.network.profile
    action = torch.from_numpy(train.action)
    with_label = torch.nonzero(action != NO_LABEL)[:, 0]
    without = torch.nonzero((action == NO_LABEL) & unlabelled)[:, 0]
    small_train, small_validation = (
        shrink(pairs, recipe.view_px) for pairs in (train, validation)
    )

    for step in range(state.step + 1, recipe.steps + 1):
        # A batch of this process's share of the rows, mirrored and disturbed, senses hidden.
        rows = draw_rows(
            with_label, without, recipe.batch, rows_generator, min_labelled=recipe.min_labelled
        )[device.rank :: device.world]
        batch = augment(take(small_train, rows), profile, own_generator)
        if strong_views:
            batch = add_strong_views(batch, own_generator)
        batch = batch.to(torch_device)
        present = torch.rand(len(profile.senses), len(rows), generator=own_generator)

        # A step down the gradient.
        task.train()
        with torch.autocast(torch_device.type, torch.bfloat16, enabled=device.bf16):
            loss, parts = model(batch, present.to(torch_device), step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(task.parameters(), _GRADIENT_LIMIT)
        for group in optimiser.param_groups:
            group['lr'] = recipe.learning_rate * learning_rate_share(step, recipe.steps)
        optimiser.step()
        state.step = step

        # Validation, checkpoint, report.
        values = {'loss': loss.item()} | {name: part.item() for name, part in parts.items()}
        is_last = step == recipe.steps
        if step % recipe.validate_every == 0 or is_last:
            scores = _score(task, small_validation, device)
            state.record(scores)
            values |= {f'validation_{name}': score for name, score in scores.items()}
        if run.checkpoint is not None and (step % run.checkpoint_every == 0 or is_last):
            state.save(run.checkpoint)
        if device.is_first:
            run.report(step, recipe.steps, values)

    # Every process has measured the batch statistics of its own share: those of the first count.
    task.network.load_state_dict(device.from_first(state.best))
    task.eval()
    with torch.no_grad():
        logits = torch.cat([task.decide(batch.to(torch_device)) for batch in in_order(validation)])
    scale_confidence(task.network.classifier, logits, torch.from_numpy(validation.action))
    return state.history


def learning_rate_share(step: int, total: int) -> float:
    """Return the learning rate at `step` (from 1) as a share of its peak.

    Linear over the first 5 % of the steps, then a cosine.
    """
    warm = max(1, round(0.05 * total))
    if step <= warm:
        return step / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def scale_confidence(classifier: nn.Linear, logits: Tensor, action: Tensor) -> float:
    """Scale a classifier so that its confidence is how often it is right; no decision changes.

    Temperature scaling (Guo et al. 2017, https://arxiv.org/abs/1706.04599): the one number by
    which dividing `logits` makes `action` likeliest, folded into the weights, so that no user of
    the weights needs to know it.

    Args:
        classifier: made `logits`; changed in place.
        logits: `float32[N, C]`, of pairs that were not trained on.
        action: `int64[N]`.

    Returns:
        The temperature.
    """
    logits = logits.detach().cpu().double()
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_temperature], max_iter=50, line_search_fn='strong_wolfe')

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(logits / log_temperature.exp(), action)
        loss.backward()
        return loss

    optimiser.step(closure)
    temperature = float(log_temperature.detach().exp())
    with torch.no_grad():
        classifier.weight.div_(temperature)
        classifier.bias.div_(temperature)
    return temperature


def _optimiser(task: nn.Module, recipe: OptimiserRecipe) -> torch.optim.Optimizer:
    """Return AdamW that decays matrices and kernels, not biases nor scales."""
    learning = [p for p in task.parameters() if p.requires_grad]
    groups = [
        {'params': [p for p in learning if p.ndim > 1], 'weight_decay': recipe.weight_decay},
        {'params': [p for p in learning if p.ndim <= 1], 'weight_decay': 0.0},
    ]
    try:
        return torch.optim.AdamW(groups, fused=True)  # in a third of the time
    except RuntimeError:  # torch before 2.4 can't on a CPU
        return torch.optim.AdamW(groups)


@torch.no_grad()
def _score(task: Task, pairs: Pairs, device: Device) -> dict[str, float]:
    task.eval()
    scores = task.score(pairs, device.torch_device) if device.is_first else None
    return device.from_first(scores)


class _State:
    """All that a training must remember to resume as if nothing had happened."""

    def __init__(
        self,
        task: nn.Module,
        optimiser: torch.optim.Optimizer,
        generators: tuple[torch.Generator, ...],
        device: Device,
    ) -> None:
        self.step, self.history = 0, []
        self.best: dict[str, Tensor] | None = None
        self._best_score = -math.inf
        self._task, self._optimiser = task, optimiser
        self._generators, self._device = generators, device

    def record(self, scores: dict[str, float]) -> None:
        """Remember the scores of this step, and its weights if they are the best so far."""
        self.history.append({'step': self.step, **scores})
        if scores['accuracy'] > self._best_score:
            self._best_score = scores['accuracy']
            weights = self._task.network.state_dict()
            self.best = {name: value.detach().clone() for name, value in weights.items()}

    def save(self, path: Path) -> None:
        """Write everything to `path`, which is there whole or not at all."""
        random = self._device.from_all(
            [torch.get_rng_state(), *(g.get_state() for g in self._generators)]
        )
        if not self._device.is_first:
            return
        content = {
            'step': self.step,
            'history': self.history,
            'best': self.best,
            'best_score': self._best_score,
            'task': self._task.state_dict(),
            'optimiser': self._optimiser.state_dict(),
            'random': random,
        }
        # By way of memory: of a full disk torch itself says nothing that a user understands.
        buffer = io.BytesIO()
        torch.save(content, buffer)
        with whole_file(path) as unfinished:
            unfinished.write_bytes(buffer.getbuffer())

    def load(self, path: Path) -> None:
        """Resume from `path`, if it is there."""
        self._device.wait_for_all()
        if not path.exists():
            return
        content = torch.load(path, map_location='cpu', weights_only=True)
        if len(content['random']) != self._device.world:
            raise CheckpointError(
                f'{path} is of a training by {len(content["random"])} processes, this one has '
                f'{self._device.world}: start as many, or delete it'
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
        process, *own = content['random'][self._device.rank]
        torch.set_rng_state(process)
        for generator, state in zip(self._generators, own, strict=True):
            generator.set_state(state)
