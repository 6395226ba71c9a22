# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Both networks as ONNX files, which need no torch to run, compared with torch on real views."""

import hashlib
import importlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import torch
from torch import nn

from crossmodal_kd_ros.calibration.model import weights_digest
from crossmodal_kd_ros.errors import ConfigurationError, ExportError
from crossmodal_kd_ros.files import whole_file, write_json
from crossmodal_kd_ros.networks import load_student, load_teacher
from crossmodal_kd_ros.networks.serving import (
    ServedStudent,
    ServedTeacher,
    example_inputs,
    teacher_inputs,
)
from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.runtime.exported_engine import EXPORT_FILE
from crossmodal_kd_ros.runtime.sample import STUDENT_COLUMNS

# Largest difference between an exported network and torch, as a share of the largest magnitude of
# an output, or in its unit where that is below 1.
TOLERANCE = 1e-4
_OPSET = 18
_MODULES = ('onnx', 'onnxruntime', 'onnxscript')


def write_export(
    models_dir: Path,
    profile: Profile,
    views: np.ndarray,
    readings: Mapping[str, np.ndarray],
    *,
    command: str,
) -> dict[str, float]:
    """Write `student.onnx`, `teacher.onnx` and `export.json` beside the weights.

    Args:
        models_dir: folder with both weight files.
        profile: of the weights.
        views: `uint8[N, S, S, 3]`, of the robot's camera.
        readings: `float32[N, size]` of every sense.
        command: how to make them again.

    Returns:
        The difference of each network from torch, as `TOLERANCE` has it.

    Raises:
        ConfigurationError: a library that it takes is not installed.
        WeightsError: the weights cannot be used.
        ExportError: what was exported differs from them.
    """
    missing = [module for module in _MODULES if not _has(module)]
    if missing:
        raise ConfigurationError(
            f'expected {", ".join(_MODULES)} for the export, {", ".join(missing)} '
            "cannot be imported: pip install 'crossmodal_kd_ros[export]'"
        )
    names = teacher_inputs(profile)
    present = [np.ones(len(views), bool)] * len(profile.senses)
    inputs = [views, *(readings[sense] for sense in profile.senses), *present]
    served = {
        'student': (
            ServedStudent(load_student(models_dir / 'student.safetensors', profile)),
            names[:1],
            (*STUDENT_COLUMNS, *profile.senses),
        ),
        'teacher': (
            ServedTeacher(load_teacher(models_dir / 'teacher.safetensors', profile)),
            names,
            ('probabilities',),
        ),
    }
    files, differences = {}, {}
    for kind, (network, takes, gives) in served.items():
        path = models_dir / f'{kind}.onnx'
        with whole_file(path) as unfinished:
            _write(network.eval(), profile, unfinished, takes, gives)
            differences[kind] = _difference(network, unfinished, inputs[: len(takes)])
            if not differences[kind] <= TOLERANCE:
                raise ExportError(
                    f'expected the exported {kind} to differ from torch by {TOLERANCE:g} at most, '
                    f'got {differences[kind]:.2g}: it was not written'
                )
            files[path.name] = hashlib.sha256(unfinished.read_bytes()).hexdigest()
    record = {
        'profile': profile.fingerprint,
        'weights': {kind: weights_digest(models_dir / f'{kind}.safetensors') for kind in served},
        'files': files,
        'command': command,
        'views': len(views),
        'tolerance': TOLERANCE,
        'max_difference': differences,
        'torch': torch.__version__,
    }
    write_json(models_dir / EXPORT_FILE, record)
    return differences


def _has(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def _write(
    network: nn.Module, profile: Profile, path: Path, takes: Sequence[str], gives: Sequence[str]
) -> None:
    batch = torch.export.Dim('batch', min=1)
    # A batch of one would be taken for a constant.
    inputs = example_inputs(profile, 2)[: len(takes)]
    shapes = [{0: batch}] * len(inputs)
    with _quiet():
        torch.onnx.export(
            network,
            tuple(inputs),
            path,
            input_names=list(takes),
            output_names=list(gives),
            dynamic_shapes=(shapes[0], tuple(shapes[1:])) if len(shapes) > 1 else (shapes[0],),
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's log, which speaks of what no network here needs, to errors."""
    loggers = [logging.getLogger(name) for name in ('torch.onnx', 'onnxscript', 'onnx_ir')]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


@torch.inference_mode()
def _difference(network: nn.Module, path: Path, inputs: Sequence[np.ndarray]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    names = [one.name for one in session.get_inputs()]
    largest = 0.0
    for start in range(0, len(inputs[0]), 32):
        part = [np.ascontiguousarray(one[start : start + 32]) for one in inputs]
        expected = network(*map(torch.from_numpy, part))
        expected = expected if isinstance(expected, tuple) else (expected,)
        for theirs, ours in zip(session.run(None, dict(zip(names, part))), expected, strict=True):
            scale = max(1.0, float(ours.abs().max()))
            largest = max(largest, float(np.abs(theirs - ours.numpy()).max()) / scale)
    return largest
