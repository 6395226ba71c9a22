# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The time that each way to align student and teacher costs, and that of the article's circuit."""

import time
from collections.abc import Callable
from importlib.util import find_spec

import torch

from crossmodal_kd_ros.experiments.quantum import QubitProjection, fidelity_loss
from crossmodal_kd_ros.training.losses import feature_matching_loss

_REPEATS, _WARM_UP = 200, 20
_SHOTS = 1024  # the article's


def alignment_costs(*, batch: int, features: int, qubits: int, seed: int = 0) -> dict[str, float]:
    """Return the time of one batch on this machine, milliseconds, the fastest of many.

    Args:
        batch: samples.
        features: of student and of teacher.
        qubits: that they are projected to.
        seed: of made-up features.

    Returns:
        For `cosine` and `product` the loss and its gradient; for `circuit`, if Qiskit is installed
        (extra `[quantum]`), what the article does in place of `product`: 1024 shots of a simulated
        circuit a sample, without a gradient.
    """
    rng = torch.Generator().manual_seed(seed)
    teacher = torch.randn(batch, features, generator=rng)
    student = torch.randn(batch, features, generator=rng).requires_grad_()
    project = QubitProjection.fit(
        torch.randn(4 * features, features, generator=rng), qubits=qubits
    )
    losses: dict[str, Callable[[], torch.Tensor]] = {
        'cosine': lambda: feature_matching_loss(student, teacher, kind='cosine'),
        'product': lambda: fidelity_loss(project(student), project(teacher), encoding='product'),
    }
    costs = {
        name: _fastest_ms(lambda loss=loss: torch.autograd.grad(loss(), student))
        for name, loss in losses.items()
    }
    if find_spec('qiskit_aer') is not None:
        from crossmodal_kd_ros.experiments.quantum.circuit import sampled_fidelity

        angles = [project(values).detach().double().numpy() for values in (student, teacher)]
        costs['circuit'] = _fastest_ms(
            lambda: sampled_fidelity(*angles, shots=_SHOTS, seed=seed), repeats=3, warm_up=1
        )
    return costs


def _fastest_ms(
    work: Callable[[], object], *, repeats: int = _REPEATS, warm_up: int = _WARM_UP
) -> float:
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)
