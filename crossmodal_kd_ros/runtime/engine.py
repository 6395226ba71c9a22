# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the pipeline asks of whatever runs the networks."""

from typing import Protocol

from crossmodal_kd_ros.contract import Mode, Prediction, Sample


class Engine(Protocol):
    """Runs the networks on one sample; called from one thread at a time.

    Attributes:
        name: which weights it runs, for diagnostics.
    """

    name: str

    def infer(self, sample: Sample, mode: Mode, filled: bool = False) -> Prediction:
        """Return the student's estimates, and the probabilities of the network that decides in `mode`.

        Args:
            sample: the readings; in `TEACHER` mode touch and gas are there.
            mode: `TEACHER` and `PARTIAL` let the teacher decide, with a sense that is `None`
                masked; in every other mode the student does.
            filled: the teacher is shown the student's estimate of a lost sense rather than
                nothing.
        """
        ...
