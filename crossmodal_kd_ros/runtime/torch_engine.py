# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The engine that runs the networks in torch. With `traced`, the only module of this room that imports it."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from crossmodal_kd_ros.calibration.intervals import fine_detail
from crossmodal_kd_ros.contract import (
    NUM_GAS,
    NUM_TAXELS,
    VIEW_PX,
    Mode,
    Prediction,
    Sample,
    square_view,
)
from crossmodal_kd_ros.networks import load_student, load_teacher
from crossmodal_kd_ros.runtime.traced import STUDENT_COLUMNS, trace_student, trace_teacher

# The first calls choose kernels and allocate; measured, the third is as fast as any later one.
_WARM_UP_CALLS = 3


class TorchEngine:
    """Runs `student.safetensors` on every image, and `teacher.safetensors` where the teacher decides."""

    def __init__(self, models_dir: str | Path, *, device: str = 'cpu', threads: int = 1) -> None:
        """Load both networks and warm them up.

        Args:
            models_dir: folder that holds both weight files.
            device: torch device, such as `cpu` or `cuda:0`.
            threads: CPU threads of torch and OpenCV, for the whole process. More than one seldom
                helps networks this small.

        Raises:
            WeightsError: a weight file is missing, damaged, of another shape or of another
                contract.
            ValueError: torch knows no such device here.
        """
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        self._device = _device(device)
        folder = Path(models_dir)
        # Channels last is how the image lies in memory already; it saves a tenth of the time.
        place = {'device': self._device, 'memory_format': torch.channels_last}
        self._student = trace_student(
            load_student(folder / 'student.safetensors').to(**place), self._device
        )
        self._teacher = trace_teacher(
            load_teacher(folder / 'teacher.safetensors').to(**place), self._device
        )
        self.name = _name(folder)
        blank = Sample(
            stamp_ns=0,
            image=np.zeros((VIEW_PX, VIEW_PX, 3), np.uint8),
            touch=np.zeros(NUM_TAXELS, np.float32),
            gas=np.zeros(NUM_GAS, np.float32),
        )
        for _ in range(_WARM_UP_CALLS):
            self.infer(blank, Mode.TEACHER)

    def infer(self, sample: Sample, mode: Mode, filled: bool = False) -> Prediction:
        """Return the student's estimates, and the probabilities of the network that decides in `mode`; see `Engine`."""
        return self.infer_many([sample], [mode], [filled])[0]

    @torch.inference_mode()
    def infer_many(
        self, samples: Sequence[Sample], modes: Sequence[Mode], filled: Sequence[bool]
    ) -> list[Prediction]:
        """Return what `infer` says of each sample in its mode, within rounding; sixteen at once take half the time."""
        pictures = np.stack([square_view(sample.image) for sample in samples])
        views = torch.from_numpy(pictures).to(self._device)
        columns = zip(*(_array(column) for column in self._student(views)))
        said = [
            Prediction(probabilities=row[0], detail=detail, **dict(zip(STUDENT_COLUMNS, row)))
            for row, detail in zip(columns, fine_detail(pictures))
        ]
        taught = [row for row, mode in enumerate(modes) if mode in (Mode.TEACHER, Mode.PARTIAL)]
        if taught:
            shown = [
                _completed(samples[row], said[row]) if filled[row] else samples[row]
                for row in taught
            ]
            for row, probabilities in zip(taught, _array(self._ask_teacher(views[taught], shown))):
                said[row] = dataclasses.replace(said[row], probabilities=probabilities)
        return said

    def _ask_teacher(self, views: Tensor, samples: Sequence[Sample]) -> Tensor:
        return self._teacher(
            views,
            *self._sense([sample.touch for sample in samples], NUM_TAXELS),
            *self._sense([sample.gas for sample in samples], NUM_GAS),
        )

    def _sense(self, values: Sequence[np.ndarray | None], size: int) -> tuple[Tensor, Tensor]:
        """Return readings as a batch, and which of them are there."""
        present = torch.tensor([value is not None for value in values], device=self._device)
        absent = np.zeros(size, np.float32)
        batch = torch.from_numpy(
            np.stack([absent if value is None else value for value in values])
        )
        return batch.to(self._device), present


def _completed(sample: Sample, seen: Prediction) -> Sample:
    """Return `sample` with what the student sees of touch and gas in place of what is lost."""
    return dataclasses.replace(
        sample,
        touch=seen.touch if sample.touch is None else sample.touch,
        gas=seen.gas if sample.gas is None else sample.gas,
    )


def _array(batch: Tensor) -> np.ndarray:
    return batch.float().cpu().numpy()


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(
            f'expected a torch device that works here, such as cpu, got {name!r} ({first})'
        ) from error
    return device


def _name(folder: Path) -> str:
    """Say which weights these are, by the start of what `sha256sum` prints of each file."""
    kinds = ('student', 'teacher')
    digests = [
        hashlib.sha256((folder / f'{kind}.safetensors').read_bytes()).hexdigest()[:12]
        for kind in kinds
    ]
    return ', '.join(f'{kind} {digest}' for kind, digest in zip(kinds, digests))
