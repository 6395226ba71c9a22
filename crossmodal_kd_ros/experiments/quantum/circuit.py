# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The article's circuit on today's Qiskit: encode the teacher, undo the student, count zeros.

Needs the extra `[quantum]` (qiskit, qiskit-aer). The article imports `Aer` and `execute` from
`qiskit`, which have been gone since Qiskit 1.0; the circuit is the article's.
"""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import zz_feature_map
from qiskit_aer.primitives import SamplerV2

from crossmodal_kd_ros.experiments.quantum.fidelity import Encoding


def encoding_circuit(
    angles: ParameterVector | np.ndarray, *, encoding: Encoding = 'product'
) -> QuantumCircuit:
    """Return the circuit that writes n angles into n qubits.

    `product` turns each qubit, `entangled` is the ZZ feature map.
    """
    qubits = len(angles)
    if encoding == 'entangled':
        return zz_feature_map(qubits, reps=2, entanglement='linear').assign_parameters(angles)
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        circuit.ry(angles[qubit], qubit)
    return circuit


def sampled_fidelity(
    student_angles: np.ndarray,
    teacher_angles: np.ndarray,
    *,
    encoding: Encoding = 'product',
    shots: int = 1024,
    seed: int = 0,
) -> np.ndarray:
    """Estimate fidelities by shots of a noiseless simulator: the share of all-zero outcomes.

    Args:
        student_angles: `float[B, n]`, radians.
        teacher_angles: `float[B, n]`, radians.
        encoding: `product`, the article's, or `entangled`.
        shots: outcomes for each pair; the deviation of an estimate F is sqrt(F (1 - F) / shots).
            1024 is the article's.
        seed: of the simulator.

    Returns:
        `float64[B]`, 0 to 1.
    """
    qubits = student_angles.shape[1]
    student, teacher = ParameterVector('student', qubits), ParameterVector('teacher', qubits)
    circuit = (
        encoding_circuit(teacher, encoding=encoding)
        .compose(encoding_circuit(student, encoding=encoding).inverse())
        .decompose()
    )
    circuit.measure_all()
    values = {tuple(student): student_angles, tuple(teacher): teacher_angles}
    result = SamplerV2(seed=seed, default_shots=shots).run([(circuit, values)]).result()
    outcomes = result[0].data.meas.array  # uint8[B, shots, bytes]
    return (outcomes == 0).all(-1).mean(-1)
