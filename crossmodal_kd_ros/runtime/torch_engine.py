# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The engine that runs the networks in torch. The only module of this room that imports it."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from crossmodal_kd_ros.contract import NUM_GAS, NUM_TAXELS, VIEW_PX, Mode, Prediction, Sample, square_view
from crossmodal_kd_ros.networks import Student, StudentOutput, load_student, load_teacher

# The first calls choose kernels and allocate; measured, the third is as fast as any later one.
_WARM_UP_CALLS = 3


class TorchEngine:
    """Runs `student.safetensors` on every image, and `teacher.safetensors` where the teacher decides."""

    def __init__(self, models_dir: str | Path, *, device: str = 'cpu', threads: int = 1) -> None:
        """Load both networks and warm them up.

        Args:
            models_dir: folder that holds both weight files.
            device: torch device, such as `cpu` or `cuda:0`.
            threads: CPU threads of torch, for the whole process. More than one seldom helps a network this small.

        Raises:
            WeightsError: a weight file is missing, damaged, of another shape or of another contract.
            ValueError: torch knows no such device here.
        """
        torch.set_num_threads(threads)
        self._device = _device(device)
        folder = Path(models_dir)
        # Channels last is how the image lies in memory already; it saves a tenth of the time.
        place = {'device': self._device, 'memory_format': torch.channels_last}
        self._student = load_student(folder / 'student.safetensors').to(**place)
        self._teacher = load_teacher(folder / 'teacher.safetensors').to(**place)
        self.name = _name(folder)
        blank = Sample(stamp_ns=0, image=np.zeros((VIEW_PX, VIEW_PX, 3), np.uint8),
                       touch=np.zeros(NUM_TAXELS, np.float32), gas=np.zeros(NUM_GAS, np.float32))
        for _ in range(_WARM_UP_CALLS):
            self.infer(blank, Mode.TEACHER)

    @torch.inference_mode()
    def infer(self, sample: Sample, mode: Mode) -> Prediction:
        """Return the student's estimates, and the probabilities of the network that decides in `mode`."""
        view = torch.from_numpy(square_view(sample.image)).to(self._device)
        image = view.permute(2, 0, 1)[None].float().div_(255.0)
        student = self._student(image)
        logits = self._teacher_logits(image, sample) if mode in (Mode.TEACHER, Mode.PARTIAL) else student.logits
        return Prediction(
            probabilities=_array(logits.softmax(1)), touch=_array(student.touch), gas=_array(student.gas),
            surface=_array(student.surface), surface_std=_array(surface_std(self._student, student)),
            features=_array(student.features))

    def _teacher_logits(self, image: Tensor, sample: Sample) -> Tensor:
        touch, touch_present = self._sense(sample.touch, NUM_TAXELS)
        gas, gas_present = self._sense(sample.gas, NUM_GAS)
        return self._teacher(
            image=image, touch=touch, gas=gas, touch_present=touch_present, gas_present=gas_present).logits

    def _sense(self, value: np.ndarray | None, size: int) -> tuple[Tensor, Tensor]:
        """Return a reading as a batch of one, and whether it is there."""
        present = torch.full((1,), value is not None, device=self._device)
        return torch.zeros(1, size, device=self._device) if value is None else (
            torch.from_numpy(value)[None].to(self._device)), present


def surface_std(student: Student, output: StudentOutput) -> Tensor:
    """Return the standard deviation that `student` gives to each of `SURFACE_STATE`, `float32[B, 3]`, in its unit."""
    return torch.exp(0.5 * output.surface_logvar) * student.standardise.surface_std


def _array(batch_of_one: Tensor) -> np.ndarray:
    return batch_of_one[0].float().cpu().numpy()


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f'expected a torch device that works here, such as cpu, got {name!r} ({first})') from error
    return device


def _name(folder: Path) -> str:
    """Say which weights these are, by the start of what `sha256sum` prints of each file."""
    kinds = ('student', 'teacher')
    digests = [hashlib.sha256((folder / f'{kind}.safetensors').read_bytes()).hexdigest()[:12] for kind in kinds]
    return ', '.join(f'{kind} {digest}' for kind, digest in zip(kinds, digests))
