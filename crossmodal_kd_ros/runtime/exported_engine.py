# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Engines that run exported networks, `student.onnx` and `teacher.onnx`: no torch is imported.

`export.json` beside them says which weights they were made of, and that they were compared.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from crossmodal_kd_ros.calibration.model import KINDS, weights_digest, weights_in_words
from crossmodal_kd_ros.errors import ConfigurationError, DeviceError, ExportError
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.runtime.sample import Perception

EXPORT_FILE = 'export.json'
_REDO = 'make it again with "crossmodal-kd export"'
# A network: arrays in the order of its inputs to arrays in the order of its outputs.
Network = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]


def check_export(folder: Path, profile: Profile) -> None:
    """Raise `ExportError` unless the exported networks in `folder` are of the weights there.

    Raises:
        ExportError: a file is missing, damaged, of other weights or of another profile.
    """
    path = folder / EXPORT_FILE
    try:
        export = json.loads(path.read_text(encoding='utf-8'))
        files, weights, fingerprint = export['files'], export['weights'], export['profile']
        digests = {
            f'{kind}.onnx': hashlib.sha256((folder / f'{kind}.onnx').read_bytes()).hexdigest()
            for kind in KINDS
        }
    except OSError as error:
        raise ExportError(
            f'expected exported networks in {folder}, {error.filename} cannot be read '
            f'({error.strerror}): {_REDO}'
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(f'{path} is not a record of an export ({error!r}): {_REDO}') from error
    if fingerprint != profile.fingerprint:
        raise ExportError(
            f'expected networks exported for the profile {profile.name} ({profile.fingerprint}) '
            f'in {folder}, got some for {fingerprint}: {_REDO}'
        )
    for kind in KINDS:
        if digests[f'{kind}.onnx'] != files.get(f'{kind}.onnx'):
            raise ExportError(f'{folder / kind}.onnx is not the file that was exported: {_REDO}')
        if weights_digest(folder / f'{kind}.safetensors') != weights.get(kind):
            raise ExportError(
                f'{folder / kind}.onnx was exported from other weights than {kind}.safetensors '
                f'beside it: {_REDO}'
            )


@dataclass(frozen=True)
class _Library:
    """What runs ONNX files.

    Attributes:
        module: what Python imports, and pip installs.
        load: makes a network of a file, for a device and so many threads.
    """

    module: str
    load: Callable[[Path, str, int], Network]

    @property
    def is_installed(self) -> bool:
        return find_spec(self.module) is not None


def _load_onnx(path: Path, device: str, threads: int) -> Network:
    import onnxruntime

    provider = 'CPUExecutionProvider' if device == 'cpu' else 'CUDAExecutionProvider'
    available = onnxruntime.get_available_providers()
    if provider not in available or not device.startswith(('cpu', 'cuda')):
        raise DeviceError(
            f'expected a device that ONNX Runtime has here, such as cpu, got {device!r} '
            f'(it has {", ".join(available)})'
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Threads that spin while they wait take the time of those that receive messages.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    number = device.partition(':')[2] or '0'
    settings = {} if device == 'cpu' else {'device_id': number}
    session = onnxruntime.InferenceSession(path, options, providers=[(provider, settings)])
    names = [one.name for one in session.get_inputs()]
    return lambda arrays: session.run(None, dict(zip(names, arrays, strict=True)))


def _load_openvino(path: Path, device: str, threads: int) -> Network:
    import openvino

    core = openvino.Core()
    kind = device.upper().replace('CUDA', 'GPU').replace(':', '.')
    if kind.partition('.')[0] not in {name.partition('.')[0] for name in core.available_devices}:
        raise DeviceError(
            f'expected a device that OpenVINO has here, such as cpu, got {device!r} '
            f'(it has {", ".join(core.available_devices)})'
        )
    settings = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': 'f32'}
    if kind == 'CPU':
        settings |= {'INFERENCE_NUM_THREADS': threads, 'ENABLE_CPU_PINNING': False}
    compiled = core.compile_model(core.read_model(path), kind, settings)

    def run(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        # A request of its own: a replay asks from several threads at once.
        results = compiled.create_infer_request().infer(dict(enumerate(arrays)))
        return [results[index] for index in range(len(compiled.outputs))]

    return run


# The first that is installed is taken unless one is chosen.
LIBRARIES = {
    'onnx': _Library('onnxruntime', _load_onnx),
    'openvino': _Library('openvino', _load_openvino),
}


class ExportedEngine:
    """Runs `student.onnx` on every view, `teacher.onnx` where it decides.

    Attributes:
        kind: the library, one of `LIBRARIES`.
        weights: which weights these are.
        profile: of the robot that they were trained for.
    """

    def __init__(
        self,
        library: str,
        models_dir: str | Path,
        profile: Profile,
        *,
        device: str = 'cpu',
        threads: int = 1,
    ) -> None:
        """Load both networks.

        Args:
            library: one of `LIBRARIES`.
            models_dir: folder that holds the exported networks, the weights and `export.json`.
            profile: of the robot.
            device: such as `cpu` or `cuda:0`.
            threads: CPU threads of the networks and of OpenCV.

        Raises:
            ConfigurationError: the library is not installed.
            ExportError: see `check_export`.
            DeviceError: the library has no such device here.
        """
        one, folder = LIBRARIES[library], Path(models_dir)
        if not one.is_installed:
            raise ConfigurationError(
                f'expected {one.module} for the engine {library}, it is not installed: '
                f'pip install {one.module}, or choose another engine'
            )
        check_export(folder, profile)
        cv2.setNumThreads(threads)
        self.kind, self.weights, self.profile = library, weights_in_words(folder), profile
        self._student, self._teacher = (
            one.load(folder / f'{kind}.onnx', device, threads) for kind in KINDS
        )

    def perceive(self, views: np.ndarray) -> Perception:
        """Return what the student sees in views `uint8[B, S, S, 3]`; see `Engine`."""
        return Perception.of_columns(self._student([views]), self.profile, views)

    def decide(
        self,
        views: np.ndarray,
        readings: Mapping[str, np.ndarray],
        present: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Return the teacher's probabilities, `float32[B, A]`; see `Engine`."""
        senses = self.profile.senses
        inputs = [views, *(readings[one] for one in senses), *(present[one] for one in senses)]
        return self._teacher(inputs)[0]
