# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The article's quantum alignment: features as angles of qubits, their fidelity as a loss.

`fidelity` computes it exactly, in torch, with gradients, and needs no quantum library; `circuit`
runs the same circuits on Qiskit's simulator (extra `[quantum]`) and is what the closed forms are
proved against.
"""

from crossmodal_kd_ros.experiments.quantum.fidelity import (
    QubitProjection,
    entangled_fidelity,
    fidelity_loss,
    product_fidelity,
)

__all__ = ['QubitProjection', 'entangled_fidelity', 'fidelity_loss', 'product_fidelity']
