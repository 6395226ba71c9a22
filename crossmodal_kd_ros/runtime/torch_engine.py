# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The engine that runs the networks in torch, each as one TorchScript call.

Eager, each of the 396 operations of both networks gives up Python's global lock and has to get it
back from the thread that receives messages. A traced call gives it up once. Measured with the
shipped weights on one thread, both networks: eager 9.7 ms alone and 15.6 ms beside a thread that
is busy 1 ms of 3; traced 5.8 ms and 6.1 ms.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from crossmodal_kd_ros.calibration.model import weights_in_words
from crossmodal_kd_ros.networks import find_device, load_student, load_teacher
from crossmodal_kd_ros.networks.serving import ServedStudent, ServedTeacher, example_inputs
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.runtime.sample import Perception


class TorchEngine:
    """Runs `student.safetensors` on every view, `teacher.safetensors` where it decides.

    Attributes:
        kind: `torch`.
        weights: which weights these are.
        profile: of the robot that they were trained for.
    """

    kind = 'torch'

    def __init__(
        self, models_dir: str | Path, profile: Profile, *, device: str = 'cpu', threads: int = 1
    ) -> None:
        """Load both networks.

        Args:
            models_dir: folder that holds both weight files.
            profile: of the robot.
            device: torch device, such as `cpu` or `cuda:0`.
            threads: CPU threads of torch and OpenCV, for the whole process. More than one seldom
                helps networks this small.

        Raises:
            WeightsError: a weight file is missing, damaged, of another shape or of another
                profile.
            DeviceError: torch has no such device here.
        """
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        self.profile, self._device = profile, find_device(device)
        folder = Path(models_dir)
        # Channels last is how the image lies in memory already; it saves a tenth of the time.
        to = {'device': self._device, 'memory_format': torch.channels_last}
        student = load_student(folder / 'student.safetensors', profile).to(**to)
        teacher = load_teacher(folder / 'teacher.safetensors', profile).to(**to)
        inputs = example_inputs(profile, 2, self._device)
        self._student = _traced(ServedStudent(student), inputs[0])
        self._teacher = _traced(ServedTeacher(teacher), *inputs)
        self.weights = weights_in_words(folder)

    @torch.inference_mode()
    def perceive(self, views: np.ndarray) -> Perception:
        """Return what the student sees in views `uint8[B, S, S, 3]`; see `Engine`."""
        columns = [_array(column) for column in self._student(self._tensor(views))]
        return Perception.of_columns(columns, self.profile, views)

    @torch.inference_mode()
    def decide(
        self,
        views: np.ndarray,
        readings: Mapping[str, np.ndarray],
        present: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Return the teacher's probabilities, `float32[B, A]`; see `Engine`."""
        senses = self.profile.senses
        return _array(
            self._teacher(
                self._tensor(views),
                *(self._tensor(readings[sense]) for sense in senses),
                *(self._tensor(present[sense]) for sense in senses),
            )
        )

    def _tensor(self, values: np.ndarray) -> Tensor:
        # A copy: arrays that lie in a message are read-only, which torch warns of.
        return torch.tensor(values, device=self._device)


def _traced(module: nn.Module, *example: Tensor) -> torch.jit.ScriptModule:
    """Return `module` as TorchScript, for batches of any size."""
    with torch.inference_mode(), warnings.catch_warnings():
        # The checks of shapes in the networks become constants: every view has one size.
        warnings.simplefilter('ignore')
        return torch.jit.freeze(torch.jit.trace(module.eval(), example, check_trace=False))


def _array(batch: Tensor) -> np.ndarray:
    return batch.float().cpu().numpy()
