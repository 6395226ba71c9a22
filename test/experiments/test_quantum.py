# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The closed forms against Qiskit: its state vectors at 1e-6, its shots within their noise."""

import doctest

import numpy as np
import pytest
import torch
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import Statevector, state_fidelity
from qiskit_machine_learning.kernels import FidelityStatevectorKernel

from crossmodal_kd_ros.experiments import quantum
from crossmodal_kd_ros.experiments.quantum import circuit, fidelity

CLOSED_FORM = {'product': quantum.product_fidelity, 'entangled': quantum.entangled_fidelity}


def angles(
    qubits: int, *, pairs: int = 20, spread: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(qubits)
    student, difference = torch.randn(2, pairs, qubits, dtype=torch.float64, generator=generator)
    return student, student + spread * difference


@pytest.mark.parametrize(
    'encoding, qubits',
    [('product', 1), ('product', 2), ('product', 5), ('entangled', 2), ('entangled', 5)],
)
def test_the_closed_form_is_that_of_the_state_vector(encoding, qubits):
    student, teacher = angles(qubits)
    expected = [
        state_fidelity(
            *(
                Statevector(circuit.encoding_circuit(row.numpy(), encoding=encoding))
                for row in pair
            )
        )
        for pair in zip(student, teacher)
    ]
    np.testing.assert_allclose(
        CLOSED_FORM[encoding](student, teacher), expected, rtol=0, atol=1e-6
    )


def test_the_entangled_fidelity_is_the_kernel_of_qiskit_machine_learning():
    student, teacher = angles(4)
    kernel = FidelityStatevectorKernel(
        feature_map=zz_feature_map(4, reps=2, entanglement='linear')
    )
    expected = np.diag(kernel.evaluate(student.numpy(), teacher.numpy()))
    np.testing.assert_allclose(
        quantum.entangled_fidelity(student, teacher), expected, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize('encoding, spread', [('product', 1.0), ('entangled', 0.1)])
def test_the_circuit_of_the_article_counts_it_within_shot_noise(encoding, spread):
    shots = 4096
    student, teacher = angles(4, spread=spread)
    exact = CLOSED_FORM[encoding](student, teacher).numpy()
    sampled = circuit.sampled_fidelity(
        student.numpy(), teacher.numpy(), encoding=encoding, shots=shots, seed=1
    )
    noise = np.sqrt(exact * (1 - exact) / shots)
    assert (np.abs(sampled - exact) < 4 * noise + 1 / shots).all()
    assert sampled.std() > 0.1  # twenty pairs, near and far, not one number twenty times


@pytest.mark.parametrize('encoding', CLOSED_FORM)
def test_the_loss_has_the_gradient_of_finite_differences_and_none_for_the_teacher(encoding):
    student, teacher = (x[:4].requires_grad_() for x in angles(3))
    assert torch.autograd.gradcheck(
        lambda s: quantum.fidelity_loss(s, teacher, encoding=encoding), student
    )
    quantum.fidelity_loss(student, teacher, encoding=encoding).backward()
    assert student.grad.abs().sum() > 0 and teacher.grad is None


def test_the_product_has_a_finite_gradient_where_the_states_are_orthogonal():
    student = torch.tensor([[torch.pi, 0.3], [torch.pi, torch.pi]], requires_grad=True)
    quantum.fidelity_loss(student, torch.zeros(2, 2)).backward()
    assert torch.isfinite(student.grad).all()


def test_the_projection_gives_components_unit_spread_and_angles_below_a_quarter_turn():
    torch.manual_seed(0)
    features = torch.randn(500, 6) @ torch.diag(torch.tensor([9.0, 5.0, 3.0, 1.0, 0.1, 0.1])) + 7
    projection = quantum.QubitProjection.fit(features, qubits=3)
    components = (features - projection.mean) @ projection.components
    torch.testing.assert_close(components.T.cov(correction=0), torch.eye(3), rtol=0, atol=1e-4)
    turned = projection(features)
    assert turned.shape == (500, 3) and turned.abs().max() <= torch.pi / 2
    assert quantum.product_fidelity(turned, turned).min() > 1 - 1e-6


@pytest.mark.parametrize(
    'call, message',
    [
        (
            lambda: quantum.QubitProjection.fit(torch.randn(50, 2) @ torch.randn(2, 6), qubits=3),
            'expected 1 to 2 qubits',
        ),
        (
            lambda: quantum.product_fidelity(torch.zeros(2, 3), torch.zeros(2, 4)),
            r'got \[2, 3\] and \[2, 4\]',
        ),
        (
            lambda: quantum.entangled_fidelity(torch.zeros(1, 13), torch.zeros(1, 13)),
            '2 to 12 entangled qubits, got 13',
        ),
        (
            lambda: quantum.fidelity_loss(torch.zeros(1, 2), torch.zeros(1, 2), encoding='ghz'),
            "got 'ghz'",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_examples_in_the_docstrings_print_what_they_say():
    result = doctest.testmod(fidelity)
    assert result.attempted > 0 and result.failed == 0
