# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Linear softmax classifiers, many repetitions side by side, taught by our distillation loss."""

import os
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from crossmodal_kd_ros.training.losses import distillation_loss

CLASSES = 2


class Linear(NamedTuple):
    """Classifiers of R repetitions: weight `[R, D, 2]`, bias `[R, 1, 2]`."""

    weight: Tensor
    bias: Tensor

    def logits(self, x: Tensor) -> Tensor:
        """Return `[R, N, 2]` of `x` `[R, N, D]`."""
        return torch.baddbmm(self.bias, x, self.weight)

    def accuracy(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return per cent right, `[R]`."""
        return 100 * (self.logits(x).argmax(2) == labels).float().mean(1)


def fit(
    start: Linear,
    x: Tensor,
    labels: Tensor,
    teacher_logits: Tensor | None = None,
    *,
    alpha: float,
    epochs: int,
    batch: int,
    make_optimiser: Callable[[list[Tensor]], torch.optim.Optimizer],
) -> Linear:
    """Train R classifiers at once; each sees its own data, and the gradients it would see alone.

    Args:
        start: initial weights.
        x: `float32[R, N, D]`.
        labels: `int64[R, N]`.
        teacher_logits: `float32[R, N, 2]`; not needed where `alpha` is 0.
        alpha: the teacher's weight; temperature is 1, as in both papers.
        epochs: passes over the data, shuffled.
        batch: samples in a step.
        make_optimiser: from the parameters.
    """
    repetitions, samples, _ = x.shape
    if teacher_logits is None:
        teacher_logits = torch.zeros(repetitions, samples, CLASSES)
    model = Linear(*(value.clone().requires_grad_() for value in start))
    optimiser = make_optimiser(list(model))
    for _ in range(epochs):
        order = torch.randperm(samples) if batch < samples else torch.arange(samples)
        for chosen in order.split(batch):
            loss = distillation_loss(
                model.logits(x[:, chosen]).flatten(0, 1),
                teacher_logits[:, chosen].flatten(0, 1),
                labels[:, chosen].flatten(),
                temperature=1.0,
                alpha=alpha,
            )
            optimiser.zero_grad()
            (repetitions * loss).backward()  # the loss is a mean over the repetitions too
            optimiser.step()
    return Linear(*(value.detach() for value in model))


def in_parallel(
    measure: Callable[[float], dict[str, Tensor]], keys: Collection[float]
) -> dict[float, dict[str, Tensor]]:
    """Return what `measure` returns for each key, on all processors, each on one thread."""
    with ProcessPoolExecutor(
        os.cpu_count(), get_context('spawn'), torch.set_num_threads, (1,)
    ) as workers:
        found = list(workers.map(_as_arrays, [measure] * len(keys), keys))
    return {
        key: {name: torch.from_numpy(value) for name, value in values.items()}
        for key, values in zip(keys, found)
    }


def _as_arrays(measure: Callable[[float], dict[str, Tensor]], key: float) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in measure(key).items()}
