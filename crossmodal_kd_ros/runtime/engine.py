# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What runs the networks, and how a decision is asked of it."""

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from crossmodal_kd_ros.calibration.model import Calibration, Predictor
from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.profile import CAMERA, Mode, Profile
from crossmodal_kd_ros.runtime.exported_engine import EXPORT_FILE, LIBRARIES, ExportedEngine
from crossmodal_kd_ros.runtime.sample import Perception

# `auto` is the first of the others that can be used.
ENGINES = ('auto', 'onnx', 'openvino', 'torch')
# In these the teacher decides; in the others the student's probabilities stand.
TEACHER_MODES = (Mode.TEACHER, Mode.PARTIAL)
# The first calls choose kernels and allocate; measured, the third is as fast as any later one.
_WARM_UP_CALLS = 3


class Engine(Protocol):
    """Runs the networks on batches; a replay calls it from several threads at once.

    Attributes:
        kind: one of `ENGINES`, never `auto`.
        weights: which weights it runs, for diagnostics.
        profile: of the robot that they were trained for.
    """

    kind: str
    weights: str
    profile: Profile

    def perceive(self, views: np.ndarray) -> Perception:
        """Return what the student sees in views `uint8[B, S, S, 3]`, RGB.

        S is `profile.camera.view_px`.
        """
        ...

    def decide(
        self,
        views: np.ndarray,
        readings: Mapping[str, np.ndarray],
        present: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Return the teacher's probabilities, `float32[B, A]`.

        Args:
            views: `uint8[B, S, S, 3]`, RGB.
            readings: `float32[B, size]` of every sense; any value where it is not there.
            present: `bool[B]` of every sense: whether it is there; if not, the teacher masks it.
        """
        ...


def make_engine(
    name: str, models_dir: str | Path, profile: Profile, *, device: str = 'cpu', threads: int = 1
) -> Engine:
    """Return an engine that runs the student and the teacher in `models_dir`, warmed up.

    Args:
        name: one of `ENGINES`. `auto`: on the CPU the first library that is installed, where the
            networks were exported; else torch.
        models_dir: folder that holds both weight files.
        profile: of the robot; weights of another are refused.
        device: where it runs, such as `cpu` or `cuda:0`.
        threads: CPU threads of the networks and of OpenCV, for the whole process.

    Raises:
        ConfigurationError: there is no such engine, or no such device here.
        WeightsError: a weight file or an exported network is missing, damaged, of another profile,
            or of other weights.
    """
    if name not in ENGINES:
        raise ConfigurationError(f'expected an engine out of {", ".join(ENGINES)}, got {name!r}')
    if name == 'auto':
        name = _fastest(Path(models_dir), device)
    if name in LIBRARIES:
        engine = ExportedEngine(name, models_dir, profile, device=device, threads=threads)
    else:
        engine = _torch_engine(models_dir, profile, device=device, threads=threads)
    side = profile.camera.view_px
    blank = np.zeros((1, side, side, 3), np.uint8)
    present = {sense: np.ones(1, bool) for sense in profile.senses}
    for _ in range(_WARM_UP_CALLS):
        engine.decide(blank, engine.perceive(blank).readings, present)
    return engine


def _fastest(models_dir: Path, device: str) -> str:
    if device != 'cpu' or not (models_dir / EXPORT_FILE).exists():
        return 'torch'
    return next((name for name, one in LIBRARIES.items() if one.is_installed), 'torch')


def _torch_engine(models_dir: str | Path, profile: Profile, **placement) -> Engine:
    # torch takes seconds to import: only where an engine is made. Without the garbage collector,
    # which would search torch's growing heap again and again: 2.0 s in place of 2.3 s.
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        from crossmodal_kd_ros.runtime.torch_engine import TorchEngine
    except ImportError as error:
        raise ConfigurationError(
            f'expected torch, or an exported network and onnxruntime, got neither ({error}): '
            'pip install onnxruntime and run "crossmodal-kd export" where torch is, or install '
            'torch'
        ) from error
    finally:
        if was_collecting:
            gc.enable()
    return TorchEngine(models_dir, profile, **placement)


def best_mode(calibration: Calibration | None, profile: Profile, usable: tuple[str, ...]) -> Mode:
    """Return who decides with the sensors `usable`.

    With a calibration it is who did best with them. Without one: the teacher with all of them, the
    student where a sense is lost, nobody without the camera.
    """
    if calibration is not None:
        return calibration.best_mode(usable)
    if CAMERA not in usable:
        return Mode.HOLD
    return Mode.TEACHER if usable == profile.sensors else Mode.STUDENT


def predictor_of(
    calibration: Calibration | None, usable: tuple[str, ...], mode: Mode
) -> Predictor | None:
    """Return what was measured of who decides in `mode` with `usable`.

    It is `None` if nothing was, or if nobody decides.
    """
    if calibration is None or mode is Mode.HOLD:
        return None
    return calibration.predictor(usable, mode)


def teacher_inputs(
    profile: Profile,
    predictor: Predictor | None,
    usable: tuple[str, ...],
    views: np.ndarray,
    readings: Mapping[str, np.ndarray],
    perception: Perception,
) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return what `Engine.decide` takes, of a teacher with the sensors `usable`.

    A lost sense is masked, or filled with the student's estimate where the predictor says so.
    Without the camera the teacher is shown a blank.

    Args:
        profile: of the robot.
        predictor: from `predictor_of`.
        usable: the sensors that count.
        views: `uint8[..., S, S, 3]`, as all that follows of one view or of a batch.
        readings: `float32[..., size]` of each usable sense.
        perception: of these views.
    """
    is_filled, lead = predictor is not None and predictor.filled, views.shape[:-3]
    inputs, present = {}, {}
    for name, sense in profile.senses.items():
        is_usable = name in usable
        if is_usable:
            inputs[name] = readings[name]
        elif is_filled:
            inputs[name] = perception.readings[name]
        else:
            inputs[name] = np.zeros((*lead, sense.size), np.float32)
        present[name] = np.full(lead, is_usable or is_filled)
    return views if CAMERA in usable else np.zeros_like(views), inputs, present


def joined(predictor: Predictor | None, teacher: np.ndarray, student: np.ndarray) -> np.ndarray:
    """Return the teacher's probabilities `[..., A]`, joined with the student's if need be.

    The predictor says so.
    """
    if predictor is None or predictor.stack is None:
        return teacher
    return predictor.stack.join(teacher, student)


def decide_with(
    engine: Engine,
    calibration: Calibration | None,
    usable: tuple[str, ...],
    views: np.ndarray,
    readings: Mapping[str, np.ndarray],
    perception: Perception,
) -> np.ndarray:
    """Return the probabilities of whoever decides with the sensors `usable`, `float32[B, A]`.

    Where nobody decides, they are the student's.

    Args:
        engine: runs the networks.
        calibration: says who decides, what a teacher is shown in place of a lost sense, and
            whether it is joined with the student; `None`: see `best_mode`.
        usable: the sensors that count, in the order of the profile.
        views: `uint8[B, S, S, 3]`.
        readings: `float32[B, size]` of each usable sense.
        perception: `engine.perceive(views)`.
    """
    mode = best_mode(calibration, engine.profile, usable)
    if mode not in TEACHER_MODES:
        return perception.probabilities
    predictor = predictor_of(calibration, usable, mode)
    inputs = teacher_inputs(engine.profile, predictor, usable, views, readings, perception)
    return joined(predictor, engine.decide(*inputs), perception.probabilities)
