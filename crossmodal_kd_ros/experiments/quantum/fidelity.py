# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Fidelities of two encodings in closed form: batched, differentiable, exact."""

import math
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn

MAX_ENTANGLED_QUBITS = 12  # 4096 amplitudes a sample; each qubit more doubles them

Encoding = Literal['product', 'entangled']


class QubitProjection(nn.Module):
    r"""Turns features into angles of n qubits: the teacher's first n principal components.

    $\theta = \frac{\pi}{2} \tanh(W^T (f - \mu))$, with $W$ such that each component of the
    teacher's features has variance 1. Angles stay within $\pm \pi / 2$: two of them differ by less
    than $\pi$, so that the fidelity falls with their distance.
    """

    def __init__(self, *, mean: Tensor, components: Tensor) -> None:
        r"""Hold $\mu$, `float[D]`, and $W$, `float[D, n]`, as buffers."""
        super().__init__()
        self.register_buffer('mean', mean)
        self.register_buffer('components', components)

    @classmethod
    def fit(cls, teacher_features: Tensor, *, qubits: int) -> 'QubitProjection':
        """Find the components of features `float[N, D]`.

        Raises:
            ValueError: the features do not vary in `qubits` directions.
        """
        values = teacher_features.detach().double()
        mean = values.mean(0)
        _, size, directions = torch.linalg.svd(values - mean, full_matrices=False)
        rank = int((size > 1e-6 * size[:1]).sum())
        if not 1 <= qubits <= rank:
            raise ValueError(
                f'expected 1 to {rank} qubits, the directions in which the features vary, '
                f'got {qubits}'
            )
        components = directions[:qubits].T * (len(values) ** 0.5 / size[:qubits])
        return cls(
            mean=mean.to(teacher_features.dtype), components=components.to(teacher_features.dtype)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return angles `float[B, n]`, radians, of features `float[B, D]`."""
        return math.pi / 2 * torch.tanh((features - self.mean) @ self.components)


def product_fidelity(student_angles: Tensor, teacher_angles: Tensor) -> Tensor:
    r"""Return the fidelity of two product states, which the article's circuit estimates.

    Each qubit is turned by its angle, $|\theta\rangle = \bigotimes_i R_y(\theta_i) |0\rangle$, so
    that
    $|\langle s | t \rangle|^2 = \prod_i \cos^2 \frac{s_i - t_i}{2}$. No state of $2^n$ amplitudes
    is needed, and therefore nothing that a quantum computer would be quicker at.

    Args:
        student_angles: `float[B, n]`, radians.
        teacher_angles: `float[B, n]`, radians.

    Returns:
        `float[B]`, 0 to 1.

    Raises:
        ValueError: shapes are not as above.

    Example:
        >>> zero, turned = torch.zeros(1, 2), torch.tensor([[math.pi / 2, 0.0]])
        >>> [round(product_fidelity(zero, angles).item(), 4) for angles in (zero, turned)]
        [1.0, 0.5]
    """
    _check(student_angles, teacher_angles)
    return ((student_angles - teacher_angles) / 2).cos().square().prod(1)


def entangled_fidelity(student_angles: Tensor, teacher_angles: Tensor) -> Tensor:
    r"""Return the fidelity of two states of the ZZ feature map (Havlicek et al. 2019).

    https://arxiv.org/abs/1804.11326. Twice a Hadamard gate on every qubit and the phase
    $\exp i (\sum_i 2 x_i b_i + \sum_i 2 (\pi - x_i)(\pi - x_{i+1}) (b_i \oplus b_{i+1}))$ on each
    basis state $b$: Qiskit's `zz_feature_map(n, reps=2, entanglement='linear')`. Neighbouring
    qubits are entangled, so that the fidelity is no product and all $2^n$ amplitudes are carried
    along. It falls fast: on 4 qubits, angles that differ by 0.3 rad (deviation) have a mean
    fidelity of about 0.06, where the product's is 0.9.

    Args:
        student_angles: `float[B, n]`, radians, n from 2 to 12.
        teacher_angles: `float[B, n]`, radians.

    Returns:
        `float[B]`, 0 to 1.

    Raises:
        ValueError: shapes are not as above.
    """
    _check(student_angles, teacher_angles)
    if not 2 <= student_angles.shape[1] <= MAX_ENTANGLED_QUBITS:
        raise ValueError(
            f'expected 2 to {MAX_ENTANGLED_QUBITS} entangled qubits, got {student_angles.shape[1]}'
        )
    student, teacher = _zz_state(student_angles), _zz_state(teacher_angles)
    overlap = (student.conj() * teacher).sum(1)
    return overlap.real.square() + overlap.imag.square()


def fidelity_loss(
    student_angles: Tensor, teacher_angles: Tensor, *, encoding: Encoding = 'product'
) -> Tensor:
    """Return one minus the mean fidelity of student and teacher, the article's distance.

    Args:
        student_angles: `float[B, n]`, radians: `QubitProjection` of the student's features.
        teacher_angles: `float[B, n]`, radians; receives no gradient.
        encoding: `product`, the article's, or `entangled`.

    Returns:
        `float[]`, 0 to 1.

    Raises:
        ValueError: shapes or encoding are not as above.
    """
    fidelities = {'product': product_fidelity, 'entangled': entangled_fidelity}
    if encoding not in fidelities:
        raise ValueError(f'expected encoding to be product or entangled, got {encoding!r}')
    return 1.0 - fidelities[encoding](student_angles, teacher_angles.detach()).mean()


def _zz_state(angles: Tensor) -> Tensor:
    """Return the amplitudes `complex[B, 2^n]`."""
    qubits = angles.shape[1]
    bits, hadamard = (table.to(angles) for table in _tables(qubits))
    from_pi = math.pi - angles
    parities = (bits[:, :-1] - bits[:, 1:]).abs()
    phases = 2 * angles @ bits.T + 2 * (from_pi[:, :-1] * from_pi[:, 1:]) @ parities.T
    turn = torch.polar(torch.ones_like(phases), phases)
    once = turn * 2.0 ** (-qubits / 2)  # the first Hadamards spread |0> evenly
    return turn * (once @ hadamard.to(turn.dtype))


@cache
def _tables(qubits: int) -> tuple[Tensor, Tensor]:
    """Return the bits of each basis state `[2^n, n]` and the Hadamard transform `[2^n, 2^n]`."""
    states = torch.arange(2**qubits)
    bits = (states[:, None] >> torch.arange(qubits) & 1).double()
    return bits, (1 - 2 * (bits @ bits.T % 2)) * 2.0 ** (-qubits / 2)


def _check(student_angles: Tensor, teacher_angles: Tensor) -> None:
    if (
        student_angles.ndim != 2
        or student_angles.shape != teacher_angles.shape
        or 0 in student_angles.shape
    ):
        raise ValueError(
            f'expected angles [B, n] of student and teacher, got {list(student_angles.shape)} and '
            f'{list(teacher_angles.shape)}'
        )
