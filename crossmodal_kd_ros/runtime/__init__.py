# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Online inference without ROS: sensor health, the mode arbiter, the engine, and the pipeline that joins them.

    pipeline = Pipeline(TorchEngine('models'), calibration=load_calibration('models'),
    on_mode=print) pipeline.put_image(stamp_ns, image) estimate = pipeline.step(now_ns)

In reading order: `checks` and `picture` judge one sensor by its own readings, `sensor` keeps the
newest, `virtual` holds touch and gas against the picture, `arbiter` chooses who decides,
`uncertainty` and `judgement` say what the answer is worth, `calibration` is what all of these were
told by measurement. `TorchEngine` is in `runtime.torch_engine`, which with `traced` alone imports
torch in this room.
"""

from crossmodal_kd_ros.calibration.model import (
    HOLD_COST,
    Calibration,
    CalibrationError,
    Predictor,
    load_calibration,
    save_calibration,
)
from crossmodal_kd_ros.health.sensor import Health, SensorReport, SensorState
from crossmodal_kd_ros.runtime.arbiter import Decision, ModeArbiter
from crossmodal_kd_ros.runtime.config import Limits
from crossmodal_kd_ros.runtime.engine import Engine
from crossmodal_kd_ros.runtime.latency import LatencyWindow
from crossmodal_kd_ros.runtime.pipeline import Frame, ModeChange, Pipeline, PipelineReport

__all__ = [
    'HOLD_COST',
    'Calibration',
    'CalibrationError',
    'Decision',
    'Engine',
    'Frame',
    'Health',
    'LatencyWindow',
    'Limits',
    'ModeArbiter',
    'ModeChange',
    'Pipeline',
    'PipelineReport',
    'Predictor',
    'SensorReport',
    'SensorState',
    'load_calibration',
    'save_calibration',
]
